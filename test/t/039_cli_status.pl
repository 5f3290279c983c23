# viflo status, and what else shows folder and database together: graph, log
# by number, edit's warning; databases of viflo.conf by name.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "max_worker_processes = 16\n");
$node->start;

my $databases = 0;
my $database;

sub new_database
{
	$database = 'db' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	return $node->connstr($database);
}

sub sql { return $node->safe_psql($database, $_[0]); }

my @at;

# Is the status that, as a whole screen and as JSON?
sub status_is
{
	my ($code, $pattern, $wanted, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_viflo([@at, 'status'], $code, $pattern, '', $name);
	my ($status, $document) = viflo_json(@at, 'status');
	is($status, $code, "$name: exit status with JSON");
	is_deeply({ map { $_ => $document->{$_} } keys %$wanted }, $wanted, "$name: JSON");
	return $document;
}

# From nothing on
my $url = new_database();
my $empty = folder_of();
@at = ({ in => $empty }, '--url', $url);
status_is(0, qr/^database +has no extension.*^folder +none.*^next .*viflo init/ms,
	{ database => { section => undef, name => undef, server_version => undef, extension => undef }, folder => undef, ok => JSON::PP::true },
	'neither folder nor extension');
my $dir = folder_of('1_a.up.sql' => "CREATE TABLE a ();\n", '1_a.down.sql' => 'DROP TABLE a',
	map { ("${_}0_t.up.sql" => "SELECT $_;\n") } 1 .. 6);
@at = ('--url', $url, '--dir', $dir);
status_is(3, qr/has no extension.*^pending +7: 1_a, 10_t, 20_t, 30_t, 40_t and 2 more\nnext +Run: viflo upgrade\n\z/ms,
	{ ok => JSON::PP::false, state => 'behind', pending => [qw(1_a 10_t 20_t 30_t 40_t 50_t 60_t)], current => [],
		folder => { dir => $dir, layout => 'golang-migrate', revisions => 7 } }, 'a folder without extension');
is(sql(q(SELECT count(*) FROM pg_extension WHERE extname = 'viflo_migrate')), 0, 'looking creates nothing');
unlink glob("$dir/?0_t.up.sql");

put("$dir/3_c.up.sql", "CREATE TABLE c ();\n");
viflo(@at, 'upgrade');
my $document = status_is(0, qr/\Aproject +app\ndatabase +$database \(PostgreSQL \d.*, extension \d.*\)\nfolder +\Q$dir\E \(2 revisions, golang-migrate\)\ncurrent +3_c  c  \(head\)\nheads +1: 3_c\nall is well\n\z/,
	{ ok => JSON::PP::true, state => 'ok', project => 'app', pending => [], late => [], changed => [], missing => undef,
		unfinished => [], last_failure => undef, running => [], heads => ['3_c'], forked => JSON::PP::false,
		current => [ { revision => '3_c', message => 'c', is_head => JSON::PP::true } ] }, 'all is well');
is($document->{database}{name}, $database, 'the database has its name');
@at = ({ in => $empty }, '--url', $url, '--project', 'app');
status_is(0, qr/^folder +none at migrations\ncurrent +3_c .*all is well\n\z/ms, { folder => undef, heads => ['3_c'] }, 'without the folder');

# What can be wrong
@at = ('--url', $url, '--dir', $dir);
put("$dir/4_d.up.sql", "CREATE TABLE d ();\n");
status_is(3, qr/^heads +1: 4_d\npending +1: 4_d\nnext +Run: viflo upgrade\n\z/m, { pending => ['4_d'], heads => ['4_d'] }, 'a file is waiting');
viflo(@at, 'load');
status_is(3, qr/^pending +1: 4_d$/m, { pending => ['4_d'] }, 'also when it is loaded');
unlink("$dir/4_d.up.sql");
status_is(3, qr/^pending +1: 4_d$/m, { pending => ['4_d'] }, 'also when only the database has it');
viflo(@at, 'remove', '4_d');
put("$dir/2_b.up.sql", "CREATE TABLE b ();\n");
status_is(3, qr/^pending +1: 2_b\nLATE +1: 2_b\nnext +.*viflo_migrate\.late/m, { late => ['2_b'], state => 'late' }, 'a late file');
unlink("$dir/2_b.up.sql");
put("$dir/1_a.up.sql", "CREATE TABLE a ();   \n\n\n");
status_is(0, qr/all is well/, { changed => [] }, 'a text that differs in nothing that counts');
put("$dir/1_a.up.sql", "CREATE TABLE a (i int);\n");
status_is(3, qr/^CHANGED +1: 1_a\nnext +.*repair/m, { changed => ['1_a'], state => 'changed' }, 'a changed file');
sql(q(SELECT viflo_load(viflo_script('1_a', project => 'app') || E'\n-- else', force => true, project => 'app')));
put("$dir/1_a.up.sql", "CREATE TABLE a ();\n");
@at = ({ in => $empty }, '--url', $url, '--project', 'app');
sql(q(UPDATE viflo.applied SET checksum = repeat('0', 64) WHERE revision = '1_a'));
status_is(3, qr/^CHANGED +1: 1_a$/m, { changed => ['1_a'] }, 'a registered text that is not the applied one');
sql(q(DELETE FROM viflo.revision WHERE revision = '3_c'));
status_is(3, qr/^MISSING +revision "3_c" is applied, but not registered/m, { state => 'missing' }, 'a missing revision');

# Several heads
$url = new_database();
my $fork = folder_of(
	'1.sql' => "-- viflo revision: r1\n-- message: one\n\n-- viflo up\nSELECT 1;\n",
	'2.sql' => "-- viflo revision: r2\n-- revises: r1\n-- message: two\n\n-- viflo up\nSELECT 2;\n",
	'3.sql' => "-- viflo revision: r3\n-- revises: r1\n-- message: three\n\n-- viflo up\nSELECT 3;\n");
@at = ('--url', $url, '--dir', $fork);
viflo(@at, 'upgrade', 'r2');
status_is(3, qr/^FORKED +2: r2, r3\npending +1: r3\nnext +.*viflo merge\n/m, { forked => JSON::PP::true, heads => [qw(r2 r3)] }, 'several heads');
my ($status, $out, $err) = viflo(@at, 'graph');
like($out, qr/^o +r3  three  \(head\)$/m, 'graph: not applied');
like($out, qr/^\| \*  r2  two  \(current, head\)$/m, 'graph: current');
like($out, qr/^\*  r1  one$/m, 'graph: applied');
put("$fork/4.sql", "-- viflo revision: r4\n-- revises: r2\n-- message: four\n\n-- viflo up\nSELECT 4;\n");
unlink("$fork/3.sql");
($status, $out, $err) = viflo(@at, 'graph');
like($out, qr/r3  three  \(head, no file\)$/m, 'graph: only the database has it');
like($out, qr/r4  four  \(head, not loaded\)$/m, 'graph: only the folder has it');
is(sql(q(SELECT count(*) FROM viflo.revision WHERE project = 'app')), 3, 'graph loads nothing');
($status, $out, $err) = viflo({ in => $empty }, '--url', $url, '--project', 'app', 'graph');
like($out, qr/^\| \*  r2  two  \(current, head\)$/m, 'graph without a folder');
($status, $document) = viflo_json({ in => $empty }, '--url', $url, '--project', 'app', 'graph');
is_deeply([ map { $_->{revision} . ($_->{applied} ? '*' : '') } @$document ], [qw(r3 r2* r1*)], 'graph in JSON');
for my $file (glob("$fork/*.sql"))
{
	my $text = slurp_text($file);
	my ($id) = $text =~ /revision: r(\d)/;
	put($file, $text =~ s/^(-- message)/-- labels: l$id\n$1/mr) if $id > 1;
}
put("$fork/3.sql", "-- viflo revision: r3\n-- revises: r1\n-- labels: l3\n-- message: three\n\n-- viflo up\nSELECT 3;\n");
viflo(@at, 'upgrade', 'heads');
status_is(0, qr/^heads +2: .*\nall is well/m, { forked => JSON::PP::false }, 'branches of their own are no fork');

# Half done, failed, running
$url = new_database();
my $half = folder_of('1_a.up.sql' => "CREATE TABLE a ();\nVACUUM a;\nSELECT 1/0;\n");
@at = ('--url', $url, '--dir', $half);
viflo(@at, 'deploy');
$document = status_is(3, qr/^UNFINISHED +1_a \(up\), of which 2 statements are done\nfailed +1_a \(up\) at \d.*: division by zero \(SQLSTATE 22012\)\nnext +.*viflo deploy/m,
	{ state => 'unfinished' }, 'half done');
is($document->{unfinished}[0]{revision}, '1_a', 'half done: in JSON');
is($document->{last_failure}{sqlstate}, '22012', 'the failure, too');
put("$half/1_a.up.sql", "CREATE TABLE a ();\nVACUUM a;\nSELECT 1;\n");
viflo(@at, 'deploy');
status_is(0, qr/all is well/, { last_failure => undef }, 'a failure that was mended is history');
is_viflo([@at, 'log', '--failed'], 0, qr/\A[^\n]* failed  1_a [^\n]*\n\z/, '', 'log --failed');
is_viflo([@at, 'log', '-n', '1'], 0, qr/\A[^\n]* done  1_a [^\n]*\n\z/, '', 'log -n 1: the last');
is_viflo([@at, 'log', '--limit', '0'], 0, '', '', 'log of nothing');
($status, $document) = viflo_json(@at, 'log', '-n', '5', '--failed');
is(scalar @$document, 1, 'both in JSON');
fails_with([@at, 'log', '-n', 'x'], 2, qr/"x" is no number/, 'log -n of no number');
fails_with([@at, 'log', '-n', '-1'], 2, qr/"-1" is no number/, 'log -n of a negative one');
sql(q(INSERT INTO viflo.log (project, tenant, revision, direction, status, started_at, duration, role_name, server_version, statements)
	SELECT 'app', '', '1_a', 'up', status, now(), '1 s', 'x', '15', 1 FROM generate_series(1, 30000), unnest('{failed,done}'::text[]) status));
{
	local $ENV{PGOPTIONS} = '-c statement_timeout=60s';
	status_is(0, qr/all is well/, { last_failure => undef }, 'many failures that were all mended do not take minutes to tell');
}
sql(q(DELETE FROM viflo.log WHERE role_name = 'x'));
is_viflo([@at, 'history', '-r', 'base:head'], 0, qr/^1_a /, '', 'history -r');
is_viflo([@at, 'history', '--range', ':head'], 0, qr/^1_a /, '', 'history --range');
put("$half/2_b.up.sql", 'SELECT pg_sleep(180);');
{
	my $run = IPC::Run::start([ $program, @at, 'deploy' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until($database, q(SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep')) or die;
	$document = status_is(3, qr/^running +deploy by process \d+: step 1 of 1, 2_b/m, { state => 'behind' }, 'a run under way');
	is($document->{running}[0]{revision}, '2_b', 'also in JSON');
	sql(q(SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'));
	$run->finish;
}

# edit
my %editor = (env => { VISUAL => 'true' });
is_viflo([ \%editor, @at, 'edit', '1_a' ], 0, '', qr/warning: revision "1_a" is applied/, 'edit warns of what is applied');
is_viflo([ \%editor, @at, 'edit', '2_b' ], 0, '', '', 'and not of what is not');

# Who may only look, and where others laid traps
$node->safe_psql('postgres', 'CREATE ROLE looker LOGIN');
@at = ('--url', "$url user=looker", '--dir', $half);
status_is(3, qr/^pending +1: 2_b/m, { pending => ['2_b'] }, 'who may only look sees it, too');
is_viflo([@at, 'graph'], 0, qr/^\*  1_a/m, '', 'and the graph');

# An extension that has none of this
$url = new_database();
sql("CREATE EXTENSION viflo_migrate VERSION '1.1'");
fails_with([ { in => $empty }, '--url', $url, 'status' ], 1, qr/ALTER EXTENSION viflo_migrate UPDATE/, 'an old extension');
fails_with([ { in => $empty }, '--url', 'host=/nonexistent-viflo', 'status' ], 4, qr/error/, 'no server');

# Databases by name
my $one = new_database();
my $two = new_database();
my $conf = folder_of('viflo.conf' => "project = app\ndir = m\n[one]\nurl = $one\n[two]\nurl = $two\nproject = other\n",
	'm/1_a.up.sql' => 'CREATE TABLE a ();');
is_viflo([{ in => $conf }, '-d', 'two', 'upgrade'], 0, qr/^up /, undef, 'upgrade by name');
is_viflo([{ in => $conf }, '-d', 'two', 'status'], 0, qr/^project +other\ndatabase +db\d+, of section two /m, '', 'status by name');
is_viflo([{ in => $conf, env => { VIFLO_DATABASE => 'one' } }, 'status'], 3, qr/^pending +1: 1_a/m, '', 'another by the environment');
is_viflo([{ in => $conf, env => { DATABASE_URL => $one } }, '--database', 'two', 'check'], 0, undef, '', 'the name goes before DATABASE_URL');

done_testing();
