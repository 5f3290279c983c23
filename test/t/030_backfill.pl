# A backfill waits for a standby that falls behind, holding nothing; tells the
# statistics what it has done; and is gone on with after its session was killed.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\n");
$primary->start;
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('behind');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# Somebody without any rights to look at replication.
$primary->safe_psql(
	'postgres', <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE rows (id int PRIMARY KEY, n int);
INSERT INTO rows SELECT i, 0 FROM generate_series(1, 20000) i;
ANALYZE rows;
SELECT viflo_load(E'-- viflo revision: b1\n-- viflo up\nSELECT 1;\n-- viflo backfill\n'
	'-- table: rows\n-- key: id\n-- batch: 10\n-- pause: 5ms\n-- max lag: 300ms\nUPDATE rows SET n = n + 1', project => 'p');
CREATE ROLE migrator LOGIN;
GRANT SELECT, UPDATE ON rows TO migrator;
GRANT EXECUTE ON PROCEDURE viflo_deploy TO migrator;
EOS

sub deploy
{
	my $session = $primary->background_psql('postgres',
		on_error_stop => 0, extra_params => [ '-U', 'migrator' ]);

	$session->query_until(qr/begun/, "\\echo begun\nCALL viflo_deploy(project => 'p');\n");
	return $session;
}

sub wait_for_throttle
{
	return $primary->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM viflo.progress WHERE phase = 'throttled' AND waiting_for LIKE 'standby \"behind\" (process %), which is % ms behind'"
	);
}

my $unfinished = "SELECT backfill_key, backfill_rows FROM viflo.unfinished";

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $session = deploy();
ok(wait_for_throttle(), 'it waits for a standby that applies nothing');
my $done = $primary->safe_psql('postgres', $unfinished);
my ($key, $rows) = split /\|/, $done;
cmp_ok($rows, '>', 0, 'after some ranges');
cmp_ok($rows, '<', 20000, 'but not all');
is($key, $rows, 'in the order of the key');

is( $primary->safe_psql(
		'postgres', "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE usename = 'migrator' AND (relation IS NOT NULL OR locktype = 'transactionid')"),
	'0',
	'it has no table and no row locked meanwhile');
is( $primary->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'migrator' AND backend_xmin IS NOT NULL"),
	'0', 'nor keeps vacuum from anything');
cmp_ok( $primary->safe_psql('postgres', "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'rows'"),
	'>', 0, 'autovacuum sees what it has done so far');

# killed while it waits
$primary->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'migrator'");
eval { $session->quit };
is($primary->safe_psql('postgres', $unfinished), $done, 'what is done stays when its session is killed');

$session = deploy();
ok(wait_for_throttle(), 'the next one waits, too');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
ok( $primary->poll_query_until('postgres', "SELECT count(*) = 0 FROM viflo.unfinished"),
	'once the standby has caught up it goes on to the end');
$session->quit;
is($primary->safe_psql('postgres', 'SELECT n, count(*) FROM rows GROUP BY n'),
	'1|20000', 'each row was changed once');
like(
	$primary->safe_psql('postgres', "SELECT detail FROM viflo_log('p') WHERE status = 'done'"),
	qr/^backfill resumed after key \d+; backfill changed 20000 rows$/,
	'the history tells it');

# SERIALIZABLE: another session dooms the transaction of a range, which then
# cannot even be ended well.
$primary->safe_psql(
	'postgres', <<'EOS');
CREATE TABLE accounts (id int PRIMARY KEY, n int);
INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 100) i;
CREATE TABLE seen (n int);
CREATE FUNCTION wait_at(id int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE seen bigint := (SELECT count(*) FROM seen);
BEGIN
	WHILE id = 50 AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 30) LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN 1 + (SELECT count(*) FROM seen) - seen;
END $$;
SELECT viflo_load(E'-- viflo revision: s1\n-- viflo up\nSELECT 1;\n-- viflo backfill\n'
	'-- table: accounts\n-- key: id\n-- batch: 20\nUPDATE accounts SET n = n + wait_at(id)', project => 's');
EOS
my $other = $primary->background_psql('postgres');
$other->query_safe('SELECT pg_advisory_lock(30)');
$session = $primary->background_psql('postgres', on_error_stop => 0);
$session->query_safe('SET default_transaction_isolation = serializable');
$session->query_until(qr/begun/, "\\echo begun\nCALL viflo_deploy(project => 's');\n");
ok( $primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
	'a range waits in the middle');
$other->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(n) FROM accounts; INSERT INTO seen VALUES (1); COMMIT; SELECT pg_advisory_unlock(30);');
$other->quit;
is($session->query('SELECT 1'), '1', 'its session lives on');
like($session->{stderr}, qr/could not serialize access/, 'it has failed');
unlike($session->{stderr}, qr/WARNING|during commit attempt/, 'with the error of the statement, and no other');
is( $primary->safe_psql('postgres', "SELECT backfill_key, backfill_rows, backfill_of FROM viflo.unfinished"),
	'40|40|public.accounts.id', 'what was done before stays');
is( $primary->safe_psql('postgres', "SELECT status, sqlstate FROM viflo_log('s')"), 'failed|40001', 'the failure is in the history');
is( $primary->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' OR relation >= 16384"),
	'0', 'nothing is locked any more');
$session->query("CALL viflo_deploy(project => 's')");
$session->quit;
is($primary->safe_psql('postgres', 'SELECT n, count(*) FROM accounts GROUP BY n'),
	'1|100', 'the same session goes on with it, and each row was changed once');

done_testing();
