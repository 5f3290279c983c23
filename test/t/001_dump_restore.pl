# What pg_dump, pg_dumpall and pg_upgrade carry over: the catalog whole, and
# the revision that the extension itself delivers neither lost nor doubled.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\n");
	return $node;
}

# All that a user can see of the catalog, and what the migrations made.
my $look = <<'EOS';
SELECT 'head', revision, is_head, applied_at, applied_by FROM ops.viflo_current('app') ORDER BY revision;
SELECT 'head', revision, is_head, applied_at, applied_by FROM ops.viflo_current('viflo');
SELECT revision, down_revision, depends_on, branch_labels, message, is_head, is_branch_point,
       is_merge_point, is_current, applied, transactional FROM ops.viflo_history(project => 'app');
SELECT revision, message, applied FROM ops.viflo_history(project => 'viflo');
SELECT s.* FROM ops.viflo_history(project => 'app') h, ops.viflo_show(h.revision, 'app') s ORDER BY s.revision;
SELECT revision, ops.viflo_script(revision, 'app') FROM ops.viflo_history(project => 'app');
SELECT ops.viflo_script('001_initial', 'viflo');
SELECT * FROM ops.viflo_log('app');
SELECT * FROM ops.viflo_unfinished('half');
SELECT * FROM viflo.unfinished;
SELECT * FROM viflo.jobs;
SELECT * FROM ops.viflo_log('viflo');
SELECT revision, position, bundled FROM viflo.revision ORDER BY project, position;
SELECT name, id, created_at FROM projects ORDER BY name;
SELECT * FROM joined ORDER BY 1;
EOS

sub fill
{
	my ($node, $database) = @_;

	$node->safe_psql(
		$database, <<'EOS');
CREATE SCHEMA ops;
CREATE EXTENSION viflo_migrate SCHEMA ops;
SELECT ops.viflo_upgrade('head', 'viflo');
INSERT INTO projects (name) VALUES ('first'), ('sec''ond');
SET viflo_migrate.project = 'app';
SELECT ops.viflo_revision('base', revision => 'a1', down => 'DROP TABLE joined',
	up => $$CREATE TABLE joined (note text); INSERT INTO joined VALUES ('a1')$$);
SELECT ops.viflo_revision('left', revision => 'l1', up => $$INSERT INTO joined VALUES ('l1')$$,
	down => $$DELETE FROM joined WHERE note = 'l1'$$, branch_labels => '{left}');
SELECT ops.viflo_revision('right; it''s "quoted" \ E''s', revision => 'r1', up => $$INSERT INTO joined VALUES (E'r1\t\\')$$,
	down => $$DELETE FROM joined WHERE note LIKE 'r1%'$$, down_revision => '{a1}', splice => true);
SELECT ops.viflo_merge(message => 'both');
SELECT ops.viflo_upgrade();
SELECT ops.viflo_downgrade('l1');
SELECT ops.viflo_upgrade();
SELECT ops.viflo_stamp('a1');
SELECT ops.viflo_stamp('head');
SELECT viflo.settle('digest', 'head', 'viflo');
SELECT ops.viflo_revision('waits', revision => 'w1', up => $$INSERT INTO joined VALUES ('w1')$$, down => '');
EOS

	# Half done, and a job that is over.
	$node->safe_psql($database,
		"SELECT ops.viflo_revision('half', 'VACUUM joined; SELECT 1/0', revision => 'h1', project => 'half')");
	my $job = $node->safe_psql($database, "SELECT ops.viflo_deploy_async(project => 'half')");
	$node->safe_psql($database, "SELECT ops.viflo_wait($job, '1 min')");
}

# The restored database shows what the old one did, and can go on.
sub compare
{
	my ($node, $database, $expected, $what) = @_;

	is($node->safe_psql($database, $look), $expected, "$what: the same catalog");
	is($node->safe_psql($database, "SELECT (viflo.settled('digest', 'head', 'viflo', NULL)).settled"),
		$what eq 'pg_upgrade' ? 't' : 'f', "$what: what clients know of it does not outlive a dump");
	like(
		$node->safe_psql($database, "SELECT state, sqlstate FROM viflo.jobs; SELECT revision, statements FROM ops.viflo_unfinished('half')"),
		qr/^failed\|22012\nh1\|1$/,
		"$what: how jobs ended, and what is half done");
	is($node->safe_psql($database, "SELECT count(*) FROM ops.viflo_upgrade('head', 'viflo')"),
		'0', "$what: nothing to do for what was applied");
	is( $node->safe_psql(
			$database, "SELECT revision FROM ops.viflo_upgrade('head', 'app'); SELECT ops.viflo_check('app')"),
		"w1\n", "$what: the rest is applied");
	is( $node->safe_psql($database, 'SELECT count(*) = max(id), max(id) FROM viflo.log'),
		$node->safe_psql($database, 'SELECT true, last_value FROM viflo.log_id_seq'),
		"$what: the log goes on with the next number");
	is( $node->safe_psql(
			$database, "SELECT direction, revision FROM ops.viflo_downgrade('base', 'viflo')"),
		'down|001_initial', "$what: the bundled revision goes down");
	is($node->safe_psql($database, "SELECT to_regclass('projects') IS NULL"), 't',
		"$what: and its table");
	is( $node->safe_psql(
			$database, "SELECT revision FROM ops.viflo_upgrade('head', 'viflo'); SELECT count(*) FROM projects"),
		"001_initial\n0", "$what: and up again");
	is( $node->safe_psql(
			$database,
			"SELECT extversion, string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_extension e"
			  . " JOIN pg_depend d ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'"
			  . " JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass"
			  . " WHERE extname = 'viflo_migrate' GROUP BY 1"),
		'1.3|applied job job_id_seq jobs log log_id_seq progress revision settled unfinished',
		"$what: the extension has its tables and no others");
}

my $node = new_node('old');
my $dir = PostgreSQL::Test::Utils::tempdir();
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE src");
fill($node, 'src');
my $expected = $node->safe_psql('src', $look);
like($expected, qr/^a1\|.*^w1\|/ms, 'there is something to carry over');

# ---- pg_dump --------------------------------------------------------------

$node->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", $node->connstr('src') ], 'pg_dump, plain');
unlike(slurp_file("$dir/plain.sql"), qr/viflo up.*CREATE TABLE projects/s,
	'the bundled revision is not in the dump');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", $node->connstr('plain') ],
	'restored');
compare($node, 'plain', $expected, 'plain');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom", $node->connstr('src') ], 'pg_dump, custom');
$node->safe_psql('postgres', 'CREATE DATABASE custom');
$node->command_ok(
	[ 'pg_restore', '-e', '-d', $node->connstr('custom'), "$dir/custom" ],
	'restored');
compare($node, 'custom', $expected, 'custom');

# one transaction, and --clean over what is there
$node->command_ok(
	[
		'pg_restore', '-e', '-1', '--clean', '--if-exists',
		'-d', $node->connstr('custom'), "$dir/custom"
	],
	'restored over itself');
compare($node, 'custom', $expected, 'clean');

# ---- data only, into a database that has the extension --------------------

$node->safe_psql('postgres', 'CREATE DATABASE data');
$node->safe_psql('data',
	'CREATE SCHEMA ops; CREATE EXTENSION viflo_migrate SCHEMA ops; CREATE TABLE joined (note text);'
	  . ' CREATE TABLE projects (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL,'
	  . ' created_at timestamptz NOT NULL DEFAULT now())');

# This session has an empty catalog in memory before the rows arrive.
my $session = $node->background_psql('data');
is($session->query_safe("SELECT count(*) FROM ops.viflo_history(project => 'app')"), '0', 'empty');
$node->command_ok([ 'pg_dump', '-Fc', '-a', '-f', "$dir/data", $node->connstr('src') ],
	'pg_dump, data only');
$node->command_ok(
	[ 'pg_restore', '-e', '-a', '--disable-triggers', '-d', $node->connstr('data'), "$dir/data" ],
	'restored with --disable-triggers');
is($session->query_safe("SELECT count(*) FROM ops.viflo_history(project => 'app')"),
	'5', 'a session from before sees what was restored');
$session->quit;
compare($node, 'data', $expected, 'data only');

# A schema-only dump carries no history over, and no bundled one twice.
$node->command_ok([ 'pg_dump', '-s', '-f', "$dir/schema.sql", $node->connstr('src') ],
	'pg_dump, schema only');
$node->safe_psql('postgres', 'CREATE DATABASE bare');
$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/schema.sql", $node->connstr('bare') ],
	'restored');
is( $node->safe_psql(
		'bare',
		"SELECT revision, applied FROM ops.viflo_history(project => 'viflo');"
		  . "SELECT count(*) FROM ops.viflo_history(project => 'app')"),
	"001_initial|f\n0",
	'schema only: the bundled revision alone');

# ---- pg_dumpall -----------------------------------------------------------

$node->command_ok([ 'pg_dumpall', '--no-sync', '-f', "$dir/all.sql", '-d', $node->connstr('postgres') ],
	'pg_dumpall');
my $all = new_node('all');
$all->start;

# The owner role is there already, which is the one error to be expected.
$all->psql('postgres', slurp_file("$dir/all.sql"), on_error_stop => 0);
compare($all, 'src', $expected, 'pg_dumpall');
$all->stop;

# ---- pg_upgrade -----------------------------------------------------------

my $new = new_node('new');
my $bindir = $node->config_data('--bindir');
$node->safe_psql('postgres', "DROP DATABASE $_") foreach qw(plain custom data bare);
$node->stop;
chdir $dir or die $!;
command_ok(
	[
		'pg_upgrade', '--no-sync',
		'-d', $node->data_dir,
		'-D', $new->data_dir,
		'-b', $bindir, '-B', $bindir,
		'-s', $new->host,
		'-p', $node->port, '-P', $new->port
	],
	'pg_upgrade');
$new->start;
compare($new, 'src', $expected, 'pg_upgrade');
$new->stop;

done_testing();
