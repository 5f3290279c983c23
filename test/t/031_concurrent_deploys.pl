# Many sessions deploy at once what builds indexes concurrently: each revision
# runs once, all calls end well, nobody waits for anybody in a circle.  Who asks
# in a query, which the index build would have to wait for, gives up at once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use online_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $clients = 20;
my $node = online_node('main', "max_connections = 60\nmax_worker_processes = 32\nlog_lock_waits = on\n");

sub new_database
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE twins (id int);
INSERT INTO twins VALUES (1), (1);
EOS
	$node->psql($name, 'CREATE UNIQUE INDEX CONCURRENTLY decoy ON twins (id)');
	return $name;
}

# Did everybody end well, and each revision run once?
sub all_is_well
{
	my ($name, $revisions, @sessions) = @_;
	my @ended = map { [ wait_for_end($_) ] } @sessions;
	my @failed = grep { $_->[0] ne '0' } @ended;

	is(scalar(@failed), 0, "all $clients sessions succeed") or diag(map { "$_->[0]: $_->[2]" } @failed);
	is(history_of($node, $name, $revisions), '', 'each revision ran once');
	is($node->safe_psql($name, "SELECT count(*) FROM viflo.log WHERE project = 'app'"), $revisions, 'and none failed');
	is(leftovers_of($node, $name), '', 'nothing is left over');
	return;
}

# ---- 20 sessions at the same moment ----------------------------------------

my $name = new_database('crowd');
load_project($node, $name, mixed_project());
my @sessions = map { deploy_of($node, $name) } 1 .. $clients;
all_is_well($name, 30, @sessions);

# ---- all 20 are there while the index is built --------------------------------

$name = new_database('gate');
load_project($node, $name,
	[ 'g1', 'CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i' ],
	[ 'g2', 'CREATE INDEX CONCURRENTLY t_i ON t (i)' ],
	[ 'g3', 'CREATE UNIQUE INDEX CONCURRENTLY t_u ON t (i, (i + 1)); DROP INDEX CONCURRENTLY t_i' ],
	[ 'g4', 'INSERT INTO t VALUES (0)' ]);
$node->safe_psql($name, "SELECT count(*) FROM viflo_upgrade('g1', 'app')");
my $gate = $node->background_psql($name);
$gate->query_safe('BEGIN; INSERT INTO t VALUES (-1)');
my $first = deploy_of($node, $name);
my $building = 'SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase LIKE \'waiting for%\'';
ok(wait_for_query($node, $name, $building, $first), 'one builds, and waits for a transaction');
@sessions = ($first, map { deploy_of($node, $name) } 2 .. $clients);
ok( wait_for_query($node, $name,
		"SELECT count(*) = $clients - 1 FROM viflo.progress WHERE phase = 'waiting for another migrator'"),
	'the others wait for it');
is( $node->safe_psql($name,
		"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deploy' AND backend_xmin IS NOT NULL"),
	'0', 'none of them holds a snapshot');

# A query may not wait for it.
foreach my $query ("SELECT count(*) FROM viflo_upgrade()", "SELECT count(*) FROM viflo_downgrade('base')",
	"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM viflo_upgrade(); COMMIT")
{
	my $start = time();
	my ($ret, $stdout, $stderr) = $node->psql($name, "\\set VERBOSITY verbose\n$query");

	like($stderr, qr/ERROR:  VF034: /, "$query: gives up, with a SQLSTATE");
	like($stderr, qr/HINT:  /, 'and a hint');
	# deadlock_timeout is one second: this tells "at once" from lock_wait's five minutes.
	cmp_ok(time() - $start, '<', 30, 'at once');
}
is($node->safe_psql($name, "SELECT count(*) FROM viflo_plan('head')"), 3, 'looking waits for nobody');
is($node->safe_psql($name, $building), 't', 'the index is still being built');

# One that came in before, whose snapshot the build waits for, is no deadlock.
$gate->query_safe('COMMIT');
$gate->quit;
all_is_well($name, 4, @sessions);
is($node->safe_psql($name, "SELECT count(*) FROM pg_index WHERE indexrelid = 't_u'::regclass AND indisvalid"),
	1, 'the index is valid');

# ---- a query that waits for a transaction's migrator, and then an index build ---

$name = new_database('mixed_callers');
load_project($node, $name,
	(map { [ "m$_", "CREATE TABLE m$_ (i int)" ] } 1 .. 5),
	[ 'm6', 'CREATE INDEX CONCURRENTLY m1_i ON m1 (i)' ],
	(map { [ "m$_", "CREATE INDEX CONCURRENTLY m1_i$_ ON m1 (i)" ] } 7 .. 12));
@sessions = map { deploy_of($node, $name) } 1 .. 10;
my @queries = map { spawn_psql($node, $name, "SELECT count(*) FROM viflo_upgrade('m5')", name => 'query') } 1 .. 10;
all_is_well($name, 12, @sessions);
foreach my $query (@queries)
{
	my ($status, $out, $err) = wait_for_end($query);

	# By now it may be a step back, which upgrade does not do: nothing to do.
	ok($status eq '0' || $err =~ /VF034|VF024/, 'a query ends well or gives way') or diag("$status: $err");
}

# ---- several projects do not wait for each other ----------------------------

# Five projects, twice each, with an index on its own table or all on one.
sub five_projects
{
	my ($database, $table) = @_;

	new_database($database);
	foreach my $project (1 .. 5)
	{
		my $on = $table // "own_$project";

		$node->safe_psql($database, <<"EOS");
CREATE TABLE IF NOT EXISTS $on AS SELECT i FROM generate_series(1, 1000) i;
SELECT viflo_load(E'-- viflo revision: p\n-- viflo up\nCREATE INDEX CONCURRENTLY index_$project ON $on (i);\n',
	project => 'project_$project');
EOS
	}
	my @sessions = map { spawn_psql($node, $database, "CALL viflo_deploy('head', 'project_$_')", name => 'deploy') } (1 .. 5) x 2;
	my @failed = grep { $_->[0] ne '0' } map { [ wait_for_end($_) ] } @sessions;

	is(scalar(@failed), 0, "$database: all succeed") or diag(map { $_->[2] } @failed);
	is( $node->safe_psql($database,
			"SELECT count(*), count(DISTINCT project) FROM viflo.log WHERE project LIKE 'project_%' AND status = 'done'"),
		'5|5', 'each once');
	is(leftovers_of($node, $database), '', 'and nothing is left over');
	return;
}

five_projects('own_tables');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock');

# Two index builds on one table are a deadlock by nature: each waits for the
# table with a snapshot that the other waits for.  That is tried again.
five_projects('one_table', 'shared');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal/, 'no crash');
$node->stop;
done_testing();
