# On a hot standby everything that only looks works and follows the replay;
# what would change something says that it cannot.

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

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

sub replay
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
}

$primary->safe_psql(
	'postgres', <<'EOS');
CREATE EXTENSION viflo_migrate;
SELECT viflo_upgrade();
SELECT viflo.settle('digest', 'head');
SELECT viflo_revision('one', revision => 'r1', up => 'CREATE TABLE t (id int)', down => 'DROP TABLE t', project => 'p');
EOS
replay();

my %looking = (
	viflo_current => "SELECT revision, is_head, message FROM viflo_current()",
	viflo_heads => "SELECT * FROM viflo_heads()",
	viflo_branches => "SELECT * FROM viflo_branches()",
	viflo_history => "SELECT * FROM viflo_history()",
	viflo_show => "SELECT * FROM viflo_show('head')",
	viflo_log => "SELECT * FROM viflo_log()",
	viflo_check => "SELECT viflo_check()",
	viflo_plan => "SELECT * FROM viflo_plan('head', 'p')",
	viflo_tenants => "SELECT * FROM viflo_tenants('%', 'head', 'p')",
	viflo_sql => "SELECT viflo_sql('head', 'p')",
	viflo_script => "SELECT viflo_script('001_initial')",
	'viflo.settled' => "SELECT viflo.settled('digest', 'head', NULL, NULL), viflo.settled('other', 'head', NULL, NULL)",
	viflo_missing => "SELECT viflo_missing(ARRAY['a', 'r1'], ARRAY['', ''], 'p')");
foreach my $name (sort keys %looking)
{
	is( $standby->safe_psql('postgres', $looking{$name}),
		$primary->safe_psql('postgres', $looking{$name}),
		"$name() shows what it shows on the primary");
}

# A session with the state in memory sees what comes by replay.
my $see = "SELECT revision, applied FROM viflo_history(project => 'p')";
my $session = $standby->background_psql('postgres', on_error_stop => 0);
is($session->query_safe($see), 'r1|f', 'before');
$primary->safe_psql('postgres', "SELECT viflo_upgrade('head', 'p')");
replay();
is($session->query_safe($see), 'r1|t', 'an upgrade comes by replay');
$primary->safe_psql('postgres',
	"SELECT viflo_revision('two', revision => 'r2', up => 'SELECT 2', down => '', project => 'p')");
replay();
is($session->query_safe($see), "r2|f\nr1|t", 'and a new revision');
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$primary->safe_psql('postgres', "SELECT viflo_remove('r2', 'p')");
replay();
is($session->query_safe($see), 'r1|t', 'and one that is gone, in an old snapshot, too');
$session->query_safe('COMMIT');
$primary->safe_psql('postgres', "DELETE FROM viflo.applied WHERE project = 'p'");
replay();
is($session->query_safe($see), 'r1|f', 'and a change by hand');
$primary->safe_psql('postgres', "SELECT viflo_stamp('r1', project => 'p')");
replay();

# Nothing to do: nothing happens.  Something to do: an error that says why not.
is($session->query_safe("SELECT count(*) FROM viflo_upgrade('head', 'p')"), '0', 'an upgrade with nothing to do');
is($session->query_safe("SELECT count(*) FROM viflo_downgrade('head', 'p')"), '0', 'a downgrade with nothing to do');
$primary->safe_psql('postgres',
	"SELECT viflo_revision('two', revision => 'r2', up => 'SELECT 2', down => '', project => 'p')");
replay();
my %running = (
	viflo_upgrade => "viflo_upgrade('head', 'p')",
	viflo_downgrade => "viflo_downgrade('base', 'p')",
	viflo_stamp => "viflo_stamp('base', project => 'p')",
	'viflo_stamp, many' => "viflo_stamp(ARRAY['r2'], project => 'p')",
	viflo_revision => "viflo_revision('m', '', project => 'p')",
	viflo_load => "viflo_load(E'-- viflo revision: x\\n-- viflo up\\n', project => 'p')",
	viflo_merge => "viflo_merge(project => 'p')",
	viflo_remove => "viflo_remove('r2', 'p')",
	viflo_repair => "viflo_repair('r1', 'p')",
	viflo_record => "viflo_record('r2', 'up', project => 'p')");
foreach my $name (sort keys %running)
{
	my ($ret, $stdout, $stderr) =
	  $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT $running{$name};");

	like($stderr, qr/ERROR:  25006: cannot execute /, "$name() cannot");
}

is($standby->safe_psql('postgres', "SELECT viflo.settle('digest', 'head', 'viflo')"), 'f',
	'nothing can be noted there');

# The same in a read-only transaction of the primary.
foreach my $name (sort keys %running)
{
	my ($ret, $stdout, $stderr) = $primary->psql('postgres',
		"\\set VERBOSITY sqlstate\nSET default_transaction_read_only = on; SELECT $running{$name};");

	like($stderr, qr/25006/, "$name() cannot, read only");
}

# It is a primary one day.
$session->query_safe($see);
$standby->promote;
is($session->query_safe("SELECT revision FROM viflo_upgrade('head', 'p')"), 'r2', 'promoted: it runs');
$session->quit;
$standby->stop;
$primary->stop;
done_testing();
