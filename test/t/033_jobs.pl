# Runs that go on without the session that asked for them, and what other
# sessions see of a run while it is under way.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf(
	'postgresql.conf', qq{
max_worker_processes = 12
autovacuum = off
restart_after_crash = on
});
$node->start;

# A script waits at a gate until a test opens it: nothing here is timed.
$node->safe_psql(
	'postgres', <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE gate (name text PRIMARY KEY);
CREATE FUNCTION pass(wanted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM gate WHERE name = wanted) LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
CREATE TABLE ran (what text, role_name text DEFAULT current_user, path text DEFAULT current_setting('search_path'));
EOS

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

sub revision
{
	my ($project, $id, $up) = @_;

	sql("SELECT viflo_revision('m', revision => '$id', project => '$project', down => '', up => \$up\$$up\$up\$)");
}

# Waits until the query says what is wanted.
sub becomes
{
	my ($query, $wanted, $name) = @_;

	ok($node->poll_query_until('postgres', $query, $wanted), $name)
	  or diag(sql('SELECT * FROM viflo.jobs; SELECT * FROM viflo.progress'));
}

# A wait returns early where the job would have to wait for it.
sub ended
{
	my ($id) = @_;
	my $state = 'running';

	$state = sql("SELECT viflo_wait($id, '10s')") while $state eq 'running';
	return $state;
}

sub no_workers
{
	becomes(
		"SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%viflo%'",
		'0', "$_[0]: no worker is left");
	is(sql("SELECT count(*) FROM pg_locks WHERE classid = 'pg_extension'::regclass"), '0', "$_[0]: no lock is left");
	is(sql('SELECT count(*) FROM viflo.progress'), '0', "$_[0]: no progress is left");
}

# ---- it goes on when the caller is gone -----------------------------------

sql("CREATE ROLE app; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO app; GRANT ALL ON ran, gate TO app;"
	  . "CREATE SCHEMA side; GRANT ALL ON SCHEMA side TO app;");
revision('gone', 'g1', "INSERT INTO public.ran VALUES ('g1'); SELECT public.pass('gone')");
revision('gone', 'g2', "INSERT INTO public.ran VALUES ('g2'); CREATE TABLE made (id int)");
revision('gone', 'g3', "CREATE INDEX CONCURRENTLY made_idx ON made (id)");

my $job = sql("SET ROLE app; SET search_path = side, public; SELECT viflo_deploy_async('head', 'gone')");
is($job, '1', 'a job has a number');
becomes("SELECT state || ' ' || done || ' ' || steps || ' ' || phase || ' ' || revision || ' ' || statement || '/' || statement_of"
	  . " FROM viflo.jobs WHERE id = $job",
	'running 0 3 running g1 2/2', 'it runs after its caller has gone');
is( sql("SELECT command, project, direction, step, of, worker_pid IS NULL, pid IN (SELECT pid FROM viflo.jobs), job"
		  . " FROM viflo.progress"),
	"deploy|gone|up|1|3|t|t|$job", 'progress');
is(sql("SELECT viflo_wait($job, '0')"), 'running', 'waiting for no time');
sql("INSERT INTO gate VALUES ('gone')");
is(ended($job), 'done', 'waiting for its end');
is( sql("SELECT project, direction, target, state, role_name, done, steps, phase IS NULL, error IS NULL,"
		  . " created_at <= started_at AND started_at <= ended_at FROM viflo.jobs"),
	'gone|up|head|done|app|3|3|t|t|t', 'all is known of it');
is(sql('SELECT string_agg(ran::text, $$ $$) FROM ran'),
	'(g1,app,"side, public") (g2,app,"side, public")', q{it ran with the caller's role and settings});
is(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'side.made_idx'::regclass"), 't', 'and out of a transaction');
is(sql("SELECT string_agg(revision || ' ' || status || ' ' || (pid = (SELECT pid FROM viflo.jobs)), ', ') FROM viflo_log('gone')"),
	'g1 done true, g2 done true, g3 done true', 'the history names its process');
no_workers('done');

$job = sql("SELECT viflo_revert_async('g1', 'gone')");
is(ended($job), 'done', 'back');
is(sql("SELECT direction, target, done, steps FROM viflo.jobs WHERE id = $job"), 'down|g1|2|2', 'as many steps');
$job = sql("SELECT viflo_revert_async('g1', 'gone')");
is(ended($job), 'done', 'nothing to do');
is(sql("SELECT done, steps FROM viflo.jobs WHERE id = $job"), '0|0', 'is no step');

# ---- the caller's transaction ---------------------------------------------

my $jobs = sql('SELECT count(*) FROM viflo.jobs');
sql("BEGIN; SELECT viflo_deploy_async('head', 'gone'); ROLLBACK");
sql("BEGIN; SAVEPOINT s; SELECT viflo_deploy_async('head', 'gone'); ROLLBACK TO s; COMMIT");
no_workers('rolled back');
is(sql('SELECT count(*) FROM viflo.jobs'), $jobs, 'a job that was rolled back never was');
is(sql("SELECT count(*) FROM viflo_current('gone') WHERE revision = 'g1'"), '1', 'and did nothing');

my ($ret, $out, $err) =
  $node->psql('postgres', "\\set VERBOSITY verbose\nBEGIN; SELECT viflo_deploy_async('head', 'gone') AS job \\gset\nSELECT viflo_wait(:job)");
like($err, qr/ERROR:  55000: cannot wait for job \d+ in the transaction that has started it.*HINT:  Commit first/s,
	'waiting for what waits for oneself');
$job = sql("BEGIN; SELECT viflo_deploy_async('head', 'gone') AS job \\gset\n"
	  . "SELECT viflo_cancel(:job) AS a, viflo_cancel(:job) AS b \\gset\nCOMMIT; SELECT :job || ' ' || :'a' || ' ' || :'b'");
like($job, qr/^\d+ t f$/, 'cancelling what has not begun');
$job =~ s/ .*//;
no_workers('cancelled at once');
is(sql("SELECT state, pid IS NULL FROM viflo.jobs WHERE id = $job"), 'cancelled|t', 'it never runs');

foreach my $call ('viflo_wait(4711)', 'viflo_cancel(4711)')
{
	($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call");
	like($err, qr/ERROR:  42704: job 4711 does not exist/, $call);
}

# ---- failures -------------------------------------------------------------

revision('bad', 'b1', 'CREATE TABLE b1 (id int)');
revision('bad', 'b2', "CREATE TABLE b2 (id int);\nSELECT 1 / 0");
$job = sql("SELECT viflo_deploy_async('head', 'bad')");
is(ended($job), 'failed', 'a job that fails');
is( sql("SELECT done, steps, sqlstate, error FROM viflo.jobs WHERE id = $job"),
	"1|2|22012|division by zero\nCONTEXT:  revision \"b2\" (up), line 2, statement 2", 'says why');
is( sql("SET ROLE app; SELECT state, sqlstate, error FROM viflo.jobs WHERE id = $job"),
	'failed|22012|<insufficient privilege>', 'to those who may know');
is(sql("SELECT to_regclass('b1') IS NOT NULL, to_regclass('b2') IS NULL"), 't|t', 'what it had done stays');
no_workers('failed');

revision('slow', 's1', "CREATE TABLE s1 (id int)");
revision('slow', 's2', "CREATE TABLE s2 (id int); SELECT pass('slow')");

$job = sql("SELECT viflo_deploy_async('head', 'slow')");
becomes("SELECT revision || statement FROM viflo.jobs WHERE id = $job", 's22', 'the second step is under way');
($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET ROLE app; SELECT viflo_cancel($job)");
like($err, qr/ERROR:  42501/, 'not everybody may cancel it');
is(sql("SELECT viflo_cancel($job)"), 't', 'cancelling it');
is(ended($job), 'cancelled', 'ends it');
is(sql("SELECT done, steps, sqlstate FROM viflo.jobs WHERE id = $job"), '1|2|57014', 'where it was');
is(sql("SELECT viflo_cancel($job)"), 'f', 'it is not there to be cancelled again');
no_workers('cancelled');

$job = sql("SET viflo_migrate.statement_timeout = '50ms'; SELECT viflo_deploy_async('head', 'slow')");
is(ended($job), 'failed', 'a timeout is no request');
is(sql("SELECT sqlstate FROM viflo.jobs WHERE id = $job"), '57014', 'though its SQLSTATE is the same');

$job = sql("SELECT viflo_deploy_async('head', 'slow')");
becomes("SELECT revision || statement FROM viflo.jobs WHERE id = $job", 's22', 'it is under way again');
sql("SELECT pg_terminate_backend(pid) FROM viflo.jobs WHERE id = $job");
is(ended($job), 'interrupted', 'its process is ended');
is(sql("SELECT viflo_cancel($job)"), 'f', 'it cannot be cancelled');
no_workers('terminated');

$job = sql("SELECT viflo_deploy_async('head', 'slow')");
becomes("SELECT revision || statement FROM viflo.jobs WHERE id = $job", 's22', 'it is under way once more');
$node->stop('immediate');
$node->start;
is(sql("SELECT state, done, steps FROM viflo.jobs WHERE id = $job"), 'interrupted|0|1', 'the server went away');
sql("INSERT INTO gate VALUES ('slow')");
sql("CALL viflo_deploy('head', 'slow')");
is(sql("SELECT string_agg(revision, ' ') FROM viflo_log('slow') WHERE status = 'done'"), 's1 s2', 'a deploy goes on from there');
no_workers('interrupted');

# ---- a step outside of a transaction --------------------------------------

sql('CREATE TABLE busy (id int)');
revision('cic', 'c1', "CREATE INDEX CONCURRENTLY busy_idx ON busy (id)");

my $holder = $node->background_psql('postgres', on_error_stop => 0);
my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
$holder->query_safe('BEGIN; INSERT INTO busy VALUES (1)');
$job = sql("SELECT viflo_deploy_async('head', 'cic')");
becomes("SELECT waiting_for || ', ' || index_phase FROM viflo.progress", "process $holder_pid, waiting for writers before build",
	'an index build waits');
is( sql("SELECT phase, revision, statement, statement_of, line, worker_pid <> pid, index FROM viflo.progress"),
	'running|c1|1|1|1|t|busy_idx', 'and one can see it');

# To it, a query that waits for the job is one that it has to wait for.
my $waiter = $node->background_psql('postgres', on_error_stop => 0);
$waiter->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$holder->query_safe('COMMIT');
is($waiter->query_safe("SELECT viflo_wait($job)"), 'running', 'waiting for what waits for oneself returns');
$waiter->query_safe('COMMIT');
is(ended($job), 'done', 'and can go on');
is(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'busy_idx'::regclass"), 't', 'the index is there');

# Ends that come while its worker is at work.
foreach my $how ('cancel', 'terminate')
{
	revision("cic_$how", "c_$how", "CREATE INDEX CONCURRENTLY busy_$how ON busy (id)");
	$holder->query_safe('BEGIN; INSERT INTO busy VALUES (1)');
	$job = sql("SELECT viflo_deploy_async('head', 'cic_$how')");
	becomes("SELECT waiting_for FROM viflo.progress WHERE job = $job AND worker_pid IS NOT NULL", "process $holder_pid", "$how: it waits");
	sql($how eq 'cancel' ? "SELECT viflo_cancel($job)" : "SELECT pg_terminate_backend(pid) FROM viflo.jobs WHERE id = $job");
	becomes("SELECT state FROM viflo.jobs WHERE id = $job", $how eq 'cancel' ? 'cancelled' : 'interrupted', "$how: it ends");
	$holder->query_safe('COMMIT');
	no_workers($how);
	sql("CALL viflo_deploy('head', 'cic_$how')");
	is(sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), '0', "$how: no invalid index is left");
	is(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'busy_$how'::regclass"), 't', "$how: a deploy goes on");
}

# ---- many -----------------------------------------------------------------

revision('many', "m$_", "INSERT INTO ran VALUES ('m$_')") foreach 1 .. 5;
revision('many', 'm6', "CREATE INDEX CONCURRENTLY many_idx ON ran (what)");
sql("INSERT INTO gate VALUES ('many')");
my $many = sql("SELECT string_agg(viflo_deploy_async('head', 'many')::text, ',') FROM generate_series(1, 6)");
becomes("SELECT count(*) FROM viflo.jobs WHERE id IN ($many) AND state = 'done'", '6', 'all of many end well');
is(sql("SELECT count(*), count(DISTINCT what) FROM ran WHERE what LIKE 'm%'"), '5|5', 'and each step ran once');
is(sql("SELECT sum(done) FROM viflo.jobs WHERE id IN ($many)"), '6', 'in one of them');
no_workers('many');

# With no process to be had, the call fails, and there is no job.
revision('full', 'f1', "SELECT pass('full')");
$jobs = sql('SELECT count(*) FROM viflo.jobs');
($ret, $out, $err) =
  $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT viflo_deploy_async('head', 'full') FROM generate_series(1, 20)");
like($err, qr/ERROR:  53[0-9]{3}: .*HINT:  .*max_worker_processes/s, 'more than there are processes');
no_workers('full');
is(sql('SELECT count(*) FROM viflo.jobs'), $jobs, 'no job is left');

# ---- a standby ------------------------------------------------------------

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$job = sql("SELECT viflo_deploy_async('head', 'full')");
becomes("SELECT state FROM viflo.jobs WHERE id = $job", 'running', 'it runs on the primary');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT state, phase IS NULL FROM viflo.jobs WHERE id = $job"),
	'running|t', 'a standby knows of it');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM viflo.progress'), '0', 'though not what it does');
($ret, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT viflo_cancel($job)");
like($err, qr/ERROR:  25006/, 'nor can it cancel it');
$node->stop('immediate');
$standby->promote;
is($standby->safe_psql('postgres', "SELECT state FROM viflo.jobs WHERE id = $job"), 'interrupted', 'until it is the primary');
$standby->safe_psql('postgres', "INSERT INTO gate VALUES ('full'); CALL viflo_deploy('head', 'full')");
is($standby->safe_psql('postgres', "SELECT count(*) FROM viflo_log('full') WHERE status = 'done'"), '1', 'and goes on there');

done_testing();
