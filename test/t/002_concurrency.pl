# Many callers at once: each revision runs once, every call ends well, and
# whoever has nothing to do waits for nobody.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $revisions = 20;
my $clients = 100;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf(
	'postgresql.conf', qq{
fsync = off
max_connections = 150
max_prepared_transactions = 5
autovacuum = off
});
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

# ---- 100 sessions on an empty database ------------------------------------

# The first revision waits at a gate, so that everybody is there, with a
# snapshot from before, when it opens.
my $chain = <<'EOS';
SELECT viflo_revision('gate', revision => 'r1', project => 'crowd', down => 'DROP TABLE ran', up => $$
	CREATE TABLE ran (id int);
	INSERT INTO ran VALUES (1);
	SELECT pg_advisory_xact_lock(1);
$$);
EOS
$chain .= "SELECT viflo_revision('next', revision => 'r$_', project => 'crowd', down => 'DROP TABLE made_by_$_',"
  . " up => 'CREATE TABLE made_by_$_ (id int); INSERT INTO ran VALUES ($_); UPDATE ran SET id = id');\n"
  foreach 2 .. $revisions;
$node->safe_psql('postgres',
	"CREATE EXTENSION viflo_migrate; CREATE TABLE calls (level text, client int, steps int);" . $chain);

my @levels = ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
my @files;
foreach my $level (@levels)
{
	my $file = "$dir/" . lc($level =~ s/ /_/r) . '.sql';

	append_to_file($file, <<"EOS");
BEGIN ISOLATION LEVEL $level;
SELECT count(*) AS objects FROM pg_class \\gset
SELECT count(*) AS steps FROM viflo_upgrade('head', 'crowd') \\gset
INSERT INTO calls VALUES ('$level', :client_id, :steps);
COMMIT;
EOS
	push @files, '-f', $file;
}

# Without a transaction block: the call's own statement is all there is.
append_to_file("$dir/plain.sql",
	"INSERT INTO calls SELECT 'none', :client_id, count(*) FROM viflo_upgrade('head', 'crowd');\n");
push @files, '-f', "$dir/plain.sql";

my $gate = $node->background_psql('postgres');
$gate->query_safe('SELECT pg_advisory_lock(1)');

my ($out, $err) = ('', '');
my $pgbench = IPC::Run::start(
	[ 'pgbench', '-n', '-c', $clients, '-j', '2', '-t', '1', '--random-seed=1', @files, $node->connstr('postgres') . ' application_name=pgbench' ],
	'<', \undef, '>', \$out, '2>', \$err,
	IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
ok( $node->poll_query_until(
		'postgres', "SELECT count(*) = $clients FROM pg_stat_activity WHERE application_name = 'pgbench' AND wait_event_type = 'Lock'"),
	'one runs, the others wait');
$gate->query_safe('SELECT pg_advisory_unlock(1)');
$pgbench->finish;
is($pgbench->result(0), 0, 'pgbench ends well') or diag($err);
unlike($err, qr/ERROR|aborted/, 'no call fails');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT client) FROM calls'),
	"$clients|$clients", 'every call returned');
is( $node->safe_psql('postgres', 'SELECT steps, count(*) FROM calls GROUP BY steps ORDER BY steps'),
	'0|' . ($clients - 1) . "\n$revisions|1",
	'one of them ran it all, the others nothing');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT DISTINCT level FROM calls) l'),
	4, 'in each isolation level');
is( $node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT id) FROM ran'),
	"$revisions|$revisions", 'each revision ran once');
is( $node->safe_psql('postgres', "SELECT count(*), count(DISTINCT revision) FROM viflo_log('crowd')"),
	"$revisions|$revisions", 'and was recorded once');

# Again, with nothing to do, and nobody waits for anybody.
is( $node->safe_psql('postgres', "SELECT count(*) FROM viflo_upgrade('head', 'crowd')"),
	'0', 'nothing is left to do');

# Many transactions, each of which takes back or applies one revision: in the
# end the log alternates for each revision.
append_to_file("$dir/up.sql", "SELECT count(*) FROM viflo_upgrade('head', 'crowd');\n");
append_to_file("$dir/down.sql", "SELECT count(*) FROM viflo_downgrade('r18', 'crowd');\n");
$node->command_ok(
	[ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '100', '-f', "$dir/up.sql", '-f', "$dir/down.sql", $node->connstr('postgres') . ' application_name=pgbench' ],
	'ups and downs at once');
is( $node->safe_psql(
		'postgres', <<'EOS'), '', 'each up follows a down, and a down an up');
SELECT id, revision, direction FROM (
	SELECT *, lag(direction) OVER (PARTITION BY revision ORDER BY id) AS before FROM viflo_log('crowd')) l
WHERE direction = before OR (before IS NULL AND direction <> 'up');
EOS

# ---- SERIALIZABLE callers do not fail over our bookkeeping ----------------

$node->safe_psql(
	'postgres', <<'EOS');
SELECT viflo_revision('m', revision => 's1', up => 'CREATE TABLE s1 (id int)', down => '', project => 'left');
SELECT viflo_revision('m', revision => 's1', up => 'CREATE TABLE s2 (id int)', down => '', project => 'right');
EOS
my $a = $node->background_psql('postgres', on_error_stop => 0);
my $b = $node->background_psql('postgres', on_error_stop => 0);

# Each reads what the other writes: among rows of users that is a failure.
foreach my $pair ([ $a, 'left', 'right' ], [ $b, 'right', 'left' ])
{
	my ($session, $own, $other) = @$pair;

	$session->query_safe(
		"BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM viflo_history(project => '$other');"
		  . "SELECT count(*) FROM viflo_log('$other')");
}
is($a->query_safe("SELECT revision FROM viflo_upgrade('head', 'left')"), 's1', 'one');
is($b->query_safe("SELECT revision FROM viflo_upgrade('head', 'right')"), 's1', 'and the other');
$a->query('COMMIT');
$b->query('COMMIT');
is($a->{stderr} . $b->{stderr}, '', 'both commit');

# ---- the wait -------------------------------------------------------------

$node->safe_psql('postgres',
	"SELECT viflo_revision('m', revision => 'w1', up => 'SELECT 1', down => '', project => 'wait')");
$a->query_safe("SET application_name = 'the holder'");
$a->query_safe("BEGIN; SELECT viflo_upgrade('head', 'wait')");
my ($pid, $since) = split /\|/, $a->query_safe('SELECT pg_backend_pid(), now()');

my ($ret, $stdout, $stderr);
foreach my $wait ('0', '100ms')
{
	($ret, $stdout, $stderr) = $node->psql('postgres',
		"\\set VERBOSITY verbose\nSET viflo_migrate.lock_wait = '$wait'; SELECT viflo_upgrade('head', 'wait');");
	is($ret, 3, "lock_wait = $wait gives up");
	like($stderr, qr/ERROR:  VF030: could not obtain the migrator lock of project "wait"/,
		'with its own SQLSTATE');
	like($stderr, qr/DETAIL:  .*process $pid \(application "the holder"\).* \Q$since\E/,
		'and says who holds it since when');
	like($stderr, qr/HINT:  .*viflo_migrate\.lock_wait/, 'and what can be done');
}

# The waiter can be cancelled, and bounded by statement_timeout.
foreach my $signal ('pg_cancel_backend', 'pg_terminate_backend')
{
	my $waiter = IPC::Run::start(
		[
			'psql', '-X', '-A', '-t', '-v', 'VERBOSITY=sqlstate', '-c',
			"SELECT viflo_upgrade('head', 'wait')",
			$node->connstr('postgres') . ' application_name=waiter'
		],
		'<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

	ok( $node->poll_query_until(
			'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'waiter' AND wait_event_type = 'Lock'"),
		'it waits');
	is( $node->safe_psql(
			'postgres', "SELECT pg_blocking_pids(pid) FROM pg_stat_activity WHERE application_name = 'waiter'"),
		"{$pid}", 'and the server knows for whom');
	$node->safe_psql('postgres', "SELECT $signal(pid) FROM pg_stat_activity WHERE application_name = 'waiter'");
	$waiter->finish;
	like($err, $signal eq 'pg_cancel_backend' ? qr/57014/ : qr/57P01/, "$signal ends the wait");
}
($ret, $stdout, $stderr) = $node->psql('postgres',
	"\\set VERBOSITY sqlstate\nSET statement_timeout = '100ms'; SELECT viflo_upgrade('head', 'wait');");
like($stderr, qr/57014/, 'statement_timeout ends the wait');

# A transaction that fails over it in a subtransaction goes on.
is( $node->safe_psql(
		'postgres', <<'EOS'), "caught\nup", 'the error can be caught');
SET viflo_migrate.lock_wait = 0;
SET client_min_messages = warning;
CREATE TABLE caught (what text);
BEGIN;
DO $$ BEGIN PERFORM viflo_upgrade('head', 'wait'); EXCEPTION WHEN SQLSTATE 'VF030' THEN INSERT INTO caught VALUES ('caught'); END $$;
SELECT viflo_revision('m', revision => 'x1', up => $u$INSERT INTO caught VALUES ('up')$u$, project => 'after') IS NULL AS n \gset
SELECT count(*) AS n FROM viflo_upgrade('head', 'after') \gset
COMMIT;
SELECT * FROM caught;
EOS
$a->query_safe('COMMIT');

# ---- who has nothing to do waits for nobody -------------------------------

my $patience = "SET statement_timeout = '60s'; SET viflo_migrate.lock_wait = 0;";
$a->query_safe("BEGIN; SELECT count(*) FROM viflo_upgrade('head', 'wait')");
is( $node->safe_psql('postgres', "$patience SELECT count(*) FROM viflo_upgrade('head', 'wait')"),
	'0', 'not for another such call, whose transaction is open');
$a->query_safe("SELECT viflo_revision('m', revision => 'w2', up => 'SELECT 1', down => '', project => 'wait')");
is( $node->safe_psql('postgres', "$patience SELECT count(*) FROM viflo_upgrade('head', 'wait')"),
	'0', 'not for one that registers');
$a->query_safe("SELECT viflo_upgrade('head', 'wait')");
is( $node->safe_psql('postgres', "$patience SELECT count(*) FROM viflo_upgrade('head', 'wait')"),
	'0', 'not for one that runs');
is( $node->safe_psql('postgres', "$patience SELECT revision FROM viflo_upgrade('head', 'crowd') LIMIT 0; SELECT 'done'"),
	'done', 'and not for one of another project');
is( $node->safe_psql(
		'postgres', "$patience SELECT count(*) FROM viflo_current('wait'); SELECT count(*) > 0 FROM viflo_log('wait'); SELECT count(*) FROM viflo_plan('head', 'wait')"),
	"1\nt\n0", 'nor does looking wait');
is( $node->safe_psql('postgres', "$patience SELECT viflo_load(viflo_script('w1', 'wait'), project => 'wait')"),
	'w1', 'nor loading what is there');
$a->query_safe('ROLLBACK');

# ---- a prepared transaction holds the lock, and its changes come when it ends

is($b->query_safe("SELECT count(*) FROM viflo_history(project => 'wait')"), '1', 'in memory');
$node->safe_psql(
	'postgres', <<'EOS');
BEGIN;
SELECT viflo_revision('m', revision => 'w2', up => 'SELECT 1', down => '', project => 'wait');
PREPARE TRANSACTION 'viflo';
EOS
is($b->query_safe("SELECT count(*) FROM viflo_history(project => 'wait')"), '1', 'prepared is not committed');
($ret, $stdout, $stderr) = $node->psql('postgres',
	"\\set VERBOSITY verbose\nSET viflo_migrate.lock_wait = 0;"
	  . " SELECT viflo_revision('m', revision => 'w3', up => '', project => 'wait');");
like($stderr, qr/ERROR:  VF030: .*DETAIL:  .*prepared transaction/s, 'a prepared transaction is named as the holder');
$node->safe_psql('postgres', "COMMIT PREPARED 'viflo'");
is($b->query_safe("SELECT count(*) FROM viflo_history(project => 'wait')"), '2', 'it is now');

$a->quit;
$b->quit;
$node->stop;
done_testing();
