# DO and CALL outside of a transaction block, which may commit a part of their
# work: they are run once where others hold what they need, and a revision
# that was cut off in one is resumed whatever has become of its text.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use online_helper;

my $node = online_node('main');

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

sub revision
{
	my ($id, $up) = @_;

	sql("SELECT viflo_revision('m', revision => '$id', project => '$id', down => '', transactional => false, up => \$up\$$up\$up\$)");
	return;
}

sub deploy
{
	my ($id, $first) = @_;

	return spawn_psql($node, 'postgres', [ $first // 'SELECT', "CALL viflo_deploy('head', '$id')" ]);
}

sub worker_waits
{
	my ($psql, $name) = @_;

	ok( wait_for_query($node, 'postgres',
			"SELECT count(*) > 0 FROM pg_stat_activity WHERE $online_helper::worker AND wait_event_type = 'Lock'", $psql),
		"$name: the worker waits");
	return;
}

sql(<<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE b (id int PRIMARY KEY, v int);
INSERT INTO b VALUES (1, 0);
CREATE TABLE t (what text);
CREATE ROLE low;
EOS

my $holder = $node->background_psql('postgres', on_error_stop => 0);

# ---- somebody holds a row --------------------------------------------------

my $impatient = "SET viflo_migrate.lock_timeout = '10ms'";

revision('before', "DO \$\$BEGIN INSERT INTO t VALUES ('before'); UPDATE b SET v = v + 1 WHERE id = 1; COMMIT; END\$\$");
$holder->query_safe('BEGIN; UPDATE b SET v = 0');
my $psql = deploy('before', $impatient);
ok(wait_for_query($node, 'postgres', "SELECT count(*) > 0 FROM viflo.progress WHERE attempt > 1", $psql),
	'before its first commit, it is given up and tried again');
$holder->query_safe('COMMIT');
is((wait_for_end($psql))[0], 0, 'until it gets the row') or diag($psql->{stderr});
is(sql("SELECT count(*), (SELECT v FROM b) FROM t WHERE what = 'before'"), '1|1', 'all of it is done once');

# Waits after the commit are longer than those that the run itself would bear.
revision('after', "DO \$\$BEGIN INSERT INTO t VALUES ('after'); COMMIT; UPDATE b SET v = v + 1 WHERE id = 1; END\$\$");
$holder->query_safe('BEGIN; UPDATE b SET v = 0');
$psql = deploy('after', $impatient);
worker_waits($psql, 'after its commit');
sql('SELECT pg_sleep(0.3)');
$holder->query_safe('COMMIT');
is((wait_for_end($psql))[0], 0, 'it waits, as in psql') or diag($psql->{stderr});
is(sql("SELECT count(*), (SELECT v FROM b) FROM t WHERE what = 'after'"), '1|1', 'and is run once');

revision('bounded', "DO \$\$BEGIN INSERT INTO t VALUES ('bounded'); COMMIT; UPDATE b SET v = v + 1 WHERE id = 1; END\$\$");
$holder->query_safe('BEGIN; UPDATE b SET v = 0');
$psql = deploy('bounded', "SET lock_timeout = '100ms'");
my (undef, undef, $stderr) = wait_for_end($psql);
like($stderr, qr/ERROR:  55P03: .*DETAIL:  The statement had committed a part of its work/s, q{the caller's lock_timeout counts});
is(sql("SELECT count(*) FROM t WHERE what = 'bounded'"), '1', 'it is run once');
$holder->query_safe('COMMIT');

# ---- it is cut off ---------------------------------------------------------

revision('short', "SET ROLE low; DO \$\$BEGIN COMMIT; PERFORM pg_sleep(600); END\$\$");
$psql = deploy('short');
ok(wait_for_query($node, 'postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE $online_helper::worker AND wait_event = 'PgSleep'", $psql),
	'it sleeps');
sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $online_helper::worker");
isnt((wait_for_end($psql))[0], 0, 'its worker is ended');
my $started = sql('SELECT pg_postmaster_start_time()');
sql('DROP ROLE low');
sql("SELECT viflo_load(replace(viflo_script('short', 'short'), substring(viflo_script('short', 'short') from ' DO.*END[\$]+'), ''), project => 'short')");
unlike(sql("SELECT viflo_script('short', 'short')"), qr/DO/, 'what it was cut off in is taken out');
(undef, undef, $stderr) = wait_for_end(deploy('short'));
like($stderr, qr/ERROR:  22023: role "low" does not exist/, 'what is before fails');
is(sql("SELECT statements, running FROM viflo.unfinished WHERE project = 'short'"), '1|2', 'nothing is forgotten');
sql('CREATE ROLE low');
is((wait_for_end(deploy('short')))[0], 0, 'it is over when that is set right');
is(sql("SELECT count(*) FROM viflo.unfinished WHERE project = 'short'"), '0', 'and nothing is left');
is(sql('SELECT pg_postmaster_start_time()'), $started, 'the server did not go down');

$holder->quit;
done_testing();
