# viflo when things go wrong: failing migrations, hostile names and search
# paths, interrupts, rights.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

sub header { return "-- viflo revision: $_[0]\n-- revises: $_[1]\n-- message: $_[2]\n\n-- viflo up\n"; }

# A failing native file: the line of the file, and a caret in it.
$node->safe_psql('postgres', 'CREATE DATABASE trouble');
my $url = $node->connstr('trouble');
my $dir = folder_of(
	'1.sql' => header('aaa', '', 'one') . "CREATE TABLE one ();\n-- viflo down\nDROP TABLE one;\n",
	'2.sql' => header('bbb', 'aaa', 'two')
	  . "CREATE TABLE two ();\nSELECT 'Zo\xc3\xab',\n\twrong\nFROM two;\n-- viflo down\nDROP TABLE nothing;\n");
my @at = ('--url', $url, '--dir', $dir);
fails_with([@at, 'upgrade'], 1,
	qr/^\Q$dir\E\/2\.sql:8:2: error: column "wrong" does not exist \(SQLSTATE 42703\)\n +8 \| +wrong\n +\| +\^\n/m,
	'file, line and caret');
is($node->safe_psql('trouble', q(SELECT count(*) FROM viflo.revision WHERE project = 'app')), 0,
	'nothing of the folder was registered');
is($node->safe_psql('trouble', q(SELECT to_regclass('one') IS NULL)), 't', 'nothing was run');
my ($status, $document) = viflo_json(@at, 'upgrade');
is_deeply([ @$document{qw(status sqlstate file line column)} ], [ 1, '42703', "$dir/2.sql", 8, 2 ],
	'the same in JSON');
like($document->{context}, qr/revision "bbb" \(up\)/, 'with the context');
put("$dir/2.sql", slurp_text("$dir/2.sql") =~ s/wrong/1/r);
is((viflo(@at, "upgrade"))[0], 0, "mended");
fails_with([@at, 'downgrade', 'base'], 1,
	qr/^\Q$dir\E\/2\.sql:11:.*"nothing" does not exist \(SQLSTATE 42P01\)/m, 'a wrong down');
is($node->safe_psql('trouble', q(SELECT to_regclass('one') IS NOT NULL)), 't', 'nothing was run');

# A failing file of another layout: lines count in that file.
$node->safe_psql('postgres', 'CREATE DATABASE foreign_layout');
$dir = folder_of('1_a.up.sql' => "CREATE TABLE a ();\n", '2_b.up.sql' => "\n\n  SELECT 1;\r\nSELEC 2;\r\n");
@at = ('--url', $node->connstr('foreign_layout'), '--dir', $dir);
fails_with([@at, 'upgrade'], 1,
	qr/^\Q$dir\E\/2_b\.up\.sql:4:1: error: syntax error .*\n +4 \| SELEC 2;\n +\| \^\n/m,
	'golang-migrate: file, line and caret');
put("$dir/2_b.up.sql", "SELECT 1;\nSELECT\n  1/0;\n");
fails_with([@at, 'upgrade'], 1, qr/^\Q$dir\E\/2_b\.up\.sql:2: error: division by zero \(SQLSTATE 22012\)/m,
	'an error without a position');
put("$dir/2_b.up.sql", "SELECT 1;\nDO\nLANGUAGE plpgsql \$\$\nBEGIN\n  EXECUTE 'DO \$x\$ BEGIN\n PERFORM 1/0; END \$x\$';\nEND \$\$;\n");
fails_with([@at, 'upgrade'], 1, qr/^\Q$dir\E\/2_b\.up\.sql:5: error: division by zero .*\n +5 \|   EXECUTE .*"2_b" \(up\), line 2, statement 2/ms,
	'the line within a DO block');
put("$dir/2_b.up.sql", "SELECT 1;\nDO \$\$ BEGIN\n  PERFORM 1;\n  PERFORM 1 FROM;\nEND \$\$;\n");
fails_with([@at, 'upgrade'], 1, qr/^\Q$dir\E\/2_b\.up\.sql:4:17: error: syntax error/m, 'and of one that does not compile');
put("$dir/2_b.up.sql", 'SELECT ' . ('1, ' x 300) . "wrong;\n");
fails_with([@at, 'upgrade'], 1, qr/2_b\.up\.sql:1:908: .*\n.{0,130}wrong;\n +\| +\^\n/, 'a long line is cut');
put("$dir/2_b.up.sql", "SELECT '" . ('x' x 1_000_000) . "'; SELECT wrong;\n");
fails_with([@at, 'upgrade'], 1, qr/2_b\.up\.sql:1:1000019: .*\n.{0,130}wrong;\n +\| +\^\n/, 'and soon, however long it is');

# What a terminal would obey in place of showing it, in one byte and in two
put("$dir/2_b.up.sql", "DO \$\$ BEGIN RAISE WARNING 'warn\e[2J'; RAISE EXCEPTION E'fail\\x1b[2J\xc2\x9b31m' USING HINT = E'hint\\x1b[2J'; END \$\$;\n");
fails_with([@at, 'upgrade'], 1, qr/warning: warn \[2J .* error: fail \[2J 31m .*HINT:  hint \[2J(?!.*[\e\x9b])/s, 'escape sequences');
put("$dir/2_b.up.sql", "SELECT 1;\n");

# Parents that nobody has
$dir = folder_of('1.sql' => header('aaa', 'lost', 'one'));
fails_with(['--url', $url, '--dir', $dir, '--project', 'lost', 'upgrade'], 1,
	qr/^\Q$dir\E\/1\.sql:2: error: .*"lost".*SQLSTATE VF011/, 'a missing parent: the line of the header');

# Hostile names, and a search_path full of traps
my $evil = q(we"ird'; DROP TABLE x; --);
$node->safe_psql('postgres', 'CREATE DATABASE hostile');
$node->safe_psql('hostile', <<'SQL');
CREATE SCHEMA "The Ops; %s";
CREATE EXTENSION viflo_migrate SCHEMA "The Ops; %s";
CREATE SCHEMA trap;
CREATE FUNCTION trap.viflo_missing(text[], text[], text) RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION trap.quote_ident(name) RETURNS text LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION trap.equal(name, text) RETURNS bool LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.equal);
CREATE FUNCTION trap.equal(text, text) RETURNS bool LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.equal);
CREATE FUNCTION trap.concat(text, text) RETURNS text LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE OPERATOR trap.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.concat);
CREATE TABLE trap.pg_extension ();
ALTER DATABASE hostile SET search_path = trap, pg_catalog;
SQL
$dir = folder_of("a b'\"\$x;.sql" => header('aaa', '', $evil) . "CREATE TABLE public.one ();\n");
@at = ('--url', $node->connstr('hostile'), '--dir', $dir, '--project', $evil);
is_viflo([@at, 'upgrade'], 0, qr/^up    aaa  \Q$evil\E  \(/, '', 'upgrade in a hostile place');
is_viflo([@at, $_], 0, undef, '', "$_ in a hostile place")
  for qw(check current history heads branches plan log sql load status graph);
is_viflo([@at, 'stamp', 'aaa'], 0, undef, '', 'stamp in a hostile place');
($status, $document) = viflo_json(@at, 'current');
is($document->[0]{message}, $evil, 'the message came through');
is($node->safe_psql('hostile', 'SELECT DISTINCT project FROM viflo.applied'), $evil, 'so did the project');

# The trap without an extension: nothing of it is called.
$node->safe_psql('postgres', 'CREATE DATABASE trapped');
$node->safe_psql('trapped', <<'SQL');
CREATE FUNCTION viflo_missing(text[], text[], text) RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'trapped'; END$$;
SQL
fails_with(['--url', $node->connstr('trapped'), '--dir', $dir, 'check'], 1, qr/is not installed/,
	'no stranger of that name is called');
$node->safe_psql('trapped', <<'SQL');
CREATE SCHEMA viflo;
CREATE FUNCTION viflo.trap() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION viflo.settled(text, text, text, text, text, x text DEFAULT viflo.trap(), OUT settled text, OUT in_project text) IMMUTABLE LANGUAGE sql AS 'SELECT viflo.trap(), viflo.trap()';
CREATE VIEW viflo.log AS SELECT viflo.trap() AS id;
SQL
fails_with(['--url', $node->connstr('trapped'), '--dir', $dir, $_], 1, qr/schema "viflo" already exists/,
	"nor one in our schema: $_") for qw(upgrade deploy load);
fails_with(['--url', $node->connstr('trapped'), '--dir', $dir, $_], 1, qr/is not installed/,
	"nor one in our schema: $_") for qw(check log current jobs tenants);
is_viflo(['--url', $node->connstr('trapped'), '--dir', $dir, 'status'], 3, qr/no extension/, '', 'nor one in our schema: status');

# Rights
$node->safe_psql('postgres', 'CREATE ROLE looker LOGIN');
$dir = folder_of('1_a.up.sql' => 'CREATE TABLE a ()', '2_b.up.sql' => '');
my $looker = $node->connstr('foreign_layout') . ' user=looker';
@at = ('--url', $looker, '--dir', $dir);
viflo('--url', $node->connstr('foreign_layout'), '--dir', $dir, 'upgrade', '1_a');
is_viflo([@at, 'current'], 0, qr/1_a/, '', 'who may only look looks');
fails_with([@at, 'upgrade'], 1, qr/SQLSTATE 42501/, 'and does not upgrade');
put("$dir/3_c.up.sql", '');
is_viflo([@at, 'plan'], 0, qr/\Aup    2_b /, qr/warning: 1 revisions .* left out/,
	'a plan leaves out what may not be loaded');

# An extension that cannot be made
$node->safe_psql('postgres', 'CREATE DATABASE plain');
fails_with(['--url', $node->connstr('plain') . ' user=looker', '--dir', $dir, 'upgrade'], 1,
	qr/SQLSTATE 42501/, 'an extension that may not be created');

# Many at once on a fresh database
$node->safe_psql('postgres', 'CREATE DATABASE crowd');
$dir = folder_of(map { ("$_" . '_t.up.sql' => "CREATE TABLE t$_ ();") } 1 .. 5);
my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";
my @crowd = map {
	my %one = (out => '', err => '');
	$one{run} = IPC::Run::start([ $program, '--url', $node->connstr('crowd'), '--dir', $dir, 'upgrade' ],
		'<', \undef, '>', \$one{out}, '2>', \$one{err});
	\%one;
} 1 .. 8;
$_->{run}->finish for @crowd;
is(scalar(grep { $_->{run}->result(0) == 0 } @crowd), 8, 'eight at once all end well')
  or diag(join('', map { $_->{err} } @crowd));
is($node->safe_psql('crowd', q(SELECT count(*) FROM viflo.log WHERE project = 'app')), 5,
	'each revision was run once');

# Interrupts
for my $signal ('INT', 'TERM')
{
	my $name = 'stop_' . lc $signal;
	my ($out, $err) = ('', '');

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$dir = folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
		'2_b.up.sql' => "SELECT 1;\nSELECT pg_sleep(180);\n");
	my $run = IPC::Run::start([ $program, '--url', $node->connstr($name), '--dir', $dir, 'upgrade' ],
		'<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
	) or die;
	$run->signal($signal);
	$run->finish;
	is($run->result(0), 1, "SIG$signal: status");
	like($err, qr/2_b\.up\.sql:2: error: .*SQLSTATE 57014.*HINT:  You asked to stop/s,
		"SIG$signal: where it stopped");
	is($node->safe_psql($name, q(SELECT to_regclass('a') IS NULL)), 't', "SIG$signal: rolled back");
}

{
	my ($out, $err) = ('', '');

	$node->safe_psql('postgres', 'CREATE DATABASE stop_down');
	my $down = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '1_a.down.sql' => "DROP TABLE a;\nSELECT pg_sleep(180);\n");
	viflo('--url', $node->connstr('stop_down'), '--dir', $down, 'upgrade');
	my $run = IPC::Run::start([ $program, '--url', $node->connstr('stop_down'), '--dir', $down, 'downgrade', 'base' ],
		'<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
	) or die;
	$run->signal('INT');
	$run->finish;
	is($run->result(0), 1, '^C in a downgrade: status');
	like($err, qr/1_a\.down\.sql:2: error: .*SQLSTATE 57014.*HINT:  You asked to stop/s, '^C in a downgrade: where it stopped');
	is($node->safe_psql('stop_down', q(SELECT to_regclass('a') IS NOT NULL)), 't', '^C in a downgrade: rolled back');
}

# A server that answers no request to cancel either
{
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ $program, '--url', $node->connstr('stop_int'), '--dir', $dir, 'upgrade' ],
		'<', \undef, '>', \$out, '2>', \$err, my $limit = IPC::Run::timeout(60));
	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
	) or die;
	my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	kill('STOP', $postmaster);
	for (1 .. 3) { $run->signal('INT'); select(undef, undef, undef, 0.3); }
	ok(eval { $run->finish; 1 }, 'the third ^C ends the program') or $run->kill_kill;
	kill('CONT', $postmaster);
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
}

# A server that goes away
{
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ $program, '--url', $node->connstr('stop_int'), '--dir', $dir, 'upgrade' ],
		'<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
	) or die;
	$node->safe_psql('postgres',
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
	$run->finish;
	is($run->result(0), 1, 'a lost connection: status');
	like($err, qr/SQLSTATE (57P01|08006)/, 'a lost connection: message');
}

done_testing();
