# Late files, and repeatable revisions, through the program: a linear folder
# that gets a file in the middle, and views that follow their files.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;

my $database = 0;

# A new database's connection string, and a folder of these files.
sub begin
{
	my (%files) = @_;
	my $name = 'db' . ++$database;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	return ($name, folder_of(%files), $node->connstr($name));
}

# Both files of a migration of golang-migrate's layout, which makes a table.
sub table
{
	my ($number) = @_;

	return ("${number}_t.up.sql" => "CREATE TABLE t$number (id int);\n",
		"${number}_t.down.sql" => "DROP TABLE t$number;\n");
}

sub add
{
	my ($dir, %files) = @_;

	put("$dir/$_", $files{$_}) for keys %files;
	return;
}

sub applied
{
	my ($name) = @_;

	return $node->safe_psql($name,
		"SELECT string_agg(revision, ' ' ORDER BY revision COLLATE \"C\") FROM viflo_history(project => 'app') WHERE applied");
}

# A file between others that are applied.
my ($name, $dir, $url) = begin(table(10), table(20), table(40));
my @at = ('--url', $url, '--dir', $dir);

is_viflo([@at, 'upgrade'], 0, qr/\A(up .*\n){3}\z/, qr/created/, 'upgrade');
add($dir, table(30));
fails_with([@at, 'upgrade'], 1,
	qr/30_t\.up\.sql.*error: revision "30_t" is not applied, but revisions that follow it are.*VF032.*HINT/s,
	'a late file is refused, and named');
is(applied($name), '10_t 20_t 40_t', 'nothing was changed');
is($node->safe_psql($name, "SELECT count(*) FROM viflo.revision WHERE project = 'app'"), '3', 'nor loaded');
is_viflo([@at, 'plan'], 0, qr/\Aup    30_t  t  \(late\)\n\z/, '', 'plan marks it');
is_viflo([@at, 'plan', '--late', 'list'], 0, "nothing to do\n",
	qr/warning: revision "30_t" is late and left out/, 'plan as listed');
my ($status, $plan) = viflo_json(@at, 'plan');
is_deeply([ map { "$_->{step} $_->{revision}" . ($_->{late} ? ' late' : '') } @$plan ], ['1 30_t late'],
	'plan as JSON');
fails_with([@at, 'deploy'], 1, qr/error: revision "30_t" is not applied/, 'deploy refuses, too');

# Listed: left out, and said so each time.
for my $command ('upgrade', 'deploy', 'upgrade')
{
	is_viflo([@at, $command, '--late', 'list'], 0, "nothing to do\n",
		qr/warning: revision "30_t" is late and left out.*HINT/s, "$command lists it");
}
is_viflo([@at, 'check'], 3, '', qr/VF040/, 'check does not call that settled');
add($dir, table(50));
is_viflo([@at, 'upgrade', '--late', 'list'], 0, qr/\Aup    50_t .*\n\z/, qr/"30_t" is late/,
	'upgrade runs the rest');
add($dir, table(60), table(15));
is_viflo([@at, 'deploy', '--late=list'], 0, qr/\Aup    60_t .*\n\z/, qr/"15_t" is late.*"30_t" is late/s,
	'so does deploy');
is(applied($name), '10_t 20_t 40_t 50_t 60_t', 'all but the late ones');
is_viflo([@at, 'current'], 0, qr/\A60_t .*\n\z/, '', 'where it stands');
fails_with([@at, 'upgrade'], 1, qr/error: 2 revisions are not applied.*DETAIL.*"15_t", "30_t"/s,
	'the option held for those runs alone, and all are named');
fails_with([@at, 'upgrade', '--late', 'no'], 2, qr/unknown value "no" of option --late.*HINT.*"list"/s,
	'no such word');
fails_with([@at, 'check', '--late', 'list'], 2, qr/has no option --late/, 'not for every command');

# Applied: each where it belongs, also on the way back.
is_viflo([@at, 'upgrade', '15_t', '--late', 'apply'], 0, qr/\Aup    15_t .*\n\z/, '', 'one of them');
is_viflo([@at, 'deploy', '--late', 'apply'], 0, qr/\Aup    30_t .*\n\z/, qr/is done/, 'the other');
is_viflo([@at, 'check'], 0, qr/well/, '', 'check');
is_viflo([@at, 'upgrade'], 0, "nothing to do\n", '', 'nothing to do any more');
is_viflo([@at, 'downgrade', '20_t'], 0, qr/\Adown  60_t .*\ndown  50_t .*\ndown  40_t .*\ndown  30_t .*\n\z/, '',
	'and down again in order');
is_viflo([@at, 'revert', 'base'], 0, qr/\Adown  20_t .*\ndown  15_t .*\ndown  10_t .*\n\z/, qr/is done/,
	'to the end');

# As a job: the session that asked is gone when it runs.
is_viflo([@at, 'upgrade', '20_t'], 0, qr/20_t/, '', 'up again');
add($dir, table(17));
my (undef, $job) = viflo(@at, 'deploy', '--async', '--late', 'list');
is_viflo([@at, 'wait', $job =~ s/\n//r], 0, qr/done/, '', 'a job that lists late ones');
like(slurp_file($node->logfile), qr/WARNING:  revision "17_t" is late and left out/,
	'says so in the log of the server');
(undef, $job) = viflo(@at, 'deploy', '--async', '--late', 'apply');
is_viflo([@at, 'wait', $job =~ s/\n//r], 0, qr/done/, '', 'a job that applies late ones');
is(applied($name), '10_t 15_t 17_t 20_t 30_t 40_t 50_t 60_t', 'all of them');

# Repeatable revisions in a native folder.
my $table = "-- viflo revision: aaa1\n-- message: table\n\n-- viflo up\nCREATE TABLE t (a int);\n-- viflo down\nDROP TABLE t CASCADE;\n";
my $view = "-- viflo revision: views\n-- message: all views\n-- repeatable: yes\n\n-- viflo up\n%s\n";
($name, $dir, $url) = begin('1.sql' => $table, 'views.sql' => sprintf($view, 'CREATE OR REPLACE VIEW v AS SELECT a FROM t;'));
@at = ('--url', $url, '--dir', $dir);

is_viflo([@at, 'upgrade', 'aaa1'], 0, qr/\Aup    aaa1 .*\n\z/, qr/created/, 'a named revision, without the views');
is_viflo([@at, 'check'], 3, '', qr/VF040/, 'which is behind');
is_viflo([@at, 'plan'], 0, qr/\Aup    views  all views  \(repeatable\)\n\z/, '', 'plan');
is_viflo([@at, 'upgrade'], 0, qr/\Aup    views  all views .*\n\z/, '', 'the views follow');
is_viflo([@at, 'upgrade'], 0, "nothing to do\n", '', 'and once');
is_viflo([@at, 'check'], 0, qr/well/, '', 'check');
is_viflo([@at, 'current'], 0, qr/\Aaaa1  \(head\).*\n\z/, '', 'current');
is_viflo([@at, 'heads'], 0, qr/\Aaaa1 .*\n\z/, '', 'heads');
is_viflo([@at, 'history'], 0, qr/\Aviews .*\naaa1 .*\n\z/, '', 'history');
is_viflo([@at, 'show', 'views'], 0, qr/repeatable/, '', 'show');
is_viflo([@at, 'script', 'views'], 0, qr/CREATE OR REPLACE VIEW/, '', 'script');

put("$dir/views.sql", sprintf($view, 'CREATE OR REPLACE VIEW v AS SELECT a, 1 AS one FROM t;'));
is_viflo([@at, 'plan'], 0, qr/\Aup    views .*\(repeatable\)\n\z/, '', 'a changed file is planned');
is_viflo([@at, 'deploy'], 0, qr/\Aup    views  all views .*\n\z/, qr/is done/, 'and run');
is_viflo([@at, 'deploy'], 0, "nothing to do\n", '', 'once');
is($node->safe_psql($name, 'SELECT count(one) FROM v'), '0', 'the view is new');
put("$dir/views.sql", sprintf($view, 'CREATE OR REPLACE VIEW v AS SELECT nosuch FROM t;'));
fails_with([@at, 'upgrade'], 1, qr/views\.sql:6.*nosuch/s, 'a mistake is placed in the file');
put("$dir/views.sql", sprintf($view, 'CREATE OR REPLACE VIEW v AS SELECT a, 2 AS one FROM t;'));

# An offline script runs them, on a database that has them or has not.
is_viflo([@at, 'upgrade'], 0, qr/views/, '', 'the mistake is mended');
my ($other) = begin();
$node->safe_psql($other, 'CREATE EXTENSION viflo_migrate');
my (undef, $script) = viflo(@at, 'sql', 'heads');
my $file = put("$dir.psql", $script);
$node->command_ok([ 'psql', '-X', '-q', '-1', '-f', $file, $node->connstr($other) ], 'a script to heads');
is(applied($other), 'aaa1 views', 'all of it is applied there');
is_viflo(['--url', $node->connstr($other), '--dir', $dir, 'upgrade'], 0, "nothing to do\n", '', 'nothing is left to do');
(undef, $script) = viflo(@at, 'sql', 'aaa1:head');
put($file, $script);
$node->command_ok([ 'psql', '-X', '-q', '-1', '-f', $file, $node->connstr($other) ], 'a script with the views alone');
is($node->safe_psql($other, q(SELECT string_agg(revision, ' ' ORDER BY id) FROM viflo_log(project => 'app'))),
	'aaa1 views views', 'which ran again');
(undef, $script) = viflo(@at, 'sql', 'aaa1');
unlike($script, qr/OR REPLACE VIEW/, 'none to a named revision');

$node->safe_psql($other, q(SELECT viflo_stamp('base', project => 'app')));
(undef, $script) = viflo(@at, 'sql', 'aaa1:heads');
put($file, $script);
$node->command_fails_like([ 'psql', '-X', '-q', '-1', '-f', $file, $node->connstr($other) ],
	qr/revision "views" runs after revision "aaa1", which is not applied/, 'nor on a database that is elsewhere');
$node->safe_psql($other, q(SELECT viflo_stamp('head', project => 'app')));

# Forgotten when a revision is taken back, wherever that is done.
is_viflo([@at, 'downgrade', 'base'], 0, qr/\Adown  aaa1 .*\n\z/, qr/drop cascades/, 'down');
is_viflo([@at, 'upgrade'], 0, qr/\Aup    aaa1 .*\nup    views .*\n\z/, '', 'up, and the views again');
is_viflo([@at, 'revert', 'base'], 0, qr/\Adown  aaa1 .*\n\z/, qr/drop cascades/, 'down online');
is_viflo([@at, 'deploy'], 0, qr/\Aup    aaa1 .*\nup    views .*\n\z/, qr/is done/, 'up online');
(undef, $script) = viflo(@at, 'sql', 'head:base');
put($file, $script);
$node->command_ok([ 'psql', '-X', '-q', '-1', '-f', $file, $node->connstr($other) ], 'down by a script');
is_viflo(['--url', $node->connstr($other), '--dir', $dir, 'plan'], 0, qr/\Aup    aaa1 .*\nup    views .*\n\z/, '',
	'which forgets them, too');

# A folder of nothing else, that is not allowed to have parents.
($name, $dir, $url) = begin('views.sql' => sprintf($view, 'CREATE OR REPLACE VIEW v AS SELECT 1;'));
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, qr/\Aup    views .*\n\z/, qr/created/, 'only views');
put("$dir/views.sql", "-- viflo revision: views\n-- repeatable: yes\n-- viflo up\n-- viflo down\n");
fails_with(['--url', $url, '--dir', $dir, 'upgrade'], 1, qr/views\.sql:4: error: .*cannot have a section "down".*VF020/,
	'no way down');

# What was cut off outside of a transaction goes on there, and runs once.
put("$dir/views.sql", sprintf($view, "CREATE TABLE IF NOT EXISTS big (a int);\nVACUUM big;\nSELECT 1 / 0;"));
fails_with(['--url', $url, '--dir', $dir, 'deploy'], 1, qr/division by zero.*statements are done/s, 'cut off');
fails_with(['--url', $url, '--dir', $dir, 'upgrade'], 1, qr/VF0(24|35)/, 'not for one transaction');
put("$dir/views.sql", sprintf($view, "CREATE TABLE IF NOT EXISTS big (a int);\nVACUUM big;\nSELECT 1 / 1;"));
is_viflo(['--url', $url, '--dir', $dir, 'deploy'], 0, qr/\Aup    views .*resumed.*\n\z/, qr/is done/, 'and resumed');
is_viflo(['--url', $url, '--dir', $dir, 'deploy'], 0, "nothing to do\n", '', 'and done');

# The text that is applied does not count as such while another is half done.
my $done = slurp_text("$dir/views.sql");
put("$dir/views.sql", sprintf($view, "CREATE TABLE bigger (a int);\nVACUUM bigger;\nSELECT 1 / 0;"));
fails_with(['--url', $url, '--dir', $dir, 'deploy'], 1, qr/division by zero/, 'another text, cut off');
put("$dir/views.sql", $done);
fails_with(['--url', $url, '--dir', $dir, 'deploy'], 1, qr/have another text now.*"viflo repair"/s, 'the old text is no way on');
is_viflo(['--url', $url, '--dir', $dir, 'repair', 'views'], 0, qr/views|^$/, '', 'set right by hand');
is_viflo(['--url', $url, '--dir', $dir, 'check'], 0, qr/well/, '', 'and all is well');

# A dump takes along what is repeatable, and with which text it is applied.
put("$dir/dump.sql", '');
$node->command_ok([ 'pg_dump', '-f', "$dir/dump.sql", $url ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/dump.sql", $node->connstr('restored') ],
	'restore');
unlink("$dir/dump.sql");
is_viflo(['--url', $node->connstr('restored'), '--dir', $dir, 'upgrade'], 0, "nothing to do\n", '',
	'nothing to do after a restore');
is($node->safe_psql('restored', q(SELECT repeatable, applied FROM viflo_show('views', 'app'))), 'yes|t',
	'it is repeatable there');

$node->stop;
# A new one
my $new = folder_of();
is_viflo(['--dir', $new, 'revision', '-m', 'all views', '--rev-id', 'views', '--repeatable'], 0, qr{/views_all_views\.sql$}, undef, 'a new repeatable revision');
like(slurp_text("$new/views_all_views.sql"), qr/^-- repeatable: yes\n/m, 'says that it is one');
unlike(slurp_text("$new/views_all_views.sql"), qr/-- viflo down/, 'and has no way back');
is_viflo(['--dir', $new, 'revision', '-m', 'one', '--rev-id', 'one'], 0, qr{/one}, undef, 'which is no head for others');
like(slurp_text("$new/one_one.sql"), qr/^-- revises:\n/m, 'they begin a line of their own');
fails_with(['--dir', $new, 'revision', '-m', 'x', '--repeatable', '--head', 'one'], 2, qr/no place in the line/, 'nor stands on one');
is_viflo(['--dir', $new, 'revision', '-m', 'grants', '--rev-id', 'grants', '--repeatable=with others'], 0, undef, undef, 'of another kind');
like(slurp_text("$new/grants_grants.sql"), qr/^-- repeatable: with others\n/m, 'which it names');
fails_with(['--dir', $new, 'revision', '-m', 'x', '--repeatable=often'], 2, qr/"often" is no kind.*"with others"/s, 'a kind that is none');

done_testing();
