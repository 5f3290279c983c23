# The script of viflo_sql(), applied by psql -1 to another database, leaves
# what viflo_upgrade() there would have left.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\n");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

# Registers the same revisions, under whatever the session's settings are.
my $load = <<'EOS';
SELECT viflo_load(E'-- viflo revision: r1\n-- revises:\n-- message: it''s a table\n-- viflo up\n' || $up$
CREATE TABLE t (id int PRIMARY KEY, a text);
COPY t (id, a) FROM stdin;
1	one; with 'quotes' and $dollars$
2	\\backslash\ttab
\.
INSERT INTO t VALUES (3, $$semi; colon$$), (4, 'x:y'), (5, E'it\'s') -- no semicolon follows
$up$ || E'-- viflo down\nDROP TABLE t -- the end', 'r1_it''s.sql');
SELECT viflo_revision('functions', revision => 'r2', up => $up$
BEGIN;
CREATE FUNCTION f(x int) RETURNS int LANGUAGE plpgsql AS $body$
BEGIN
	RETURN x + 1;	-- $$ ; '
END $body$;
CREATE FUNCTION g(x int) RETURNS int BEGIN ATOMIC SELECT x; SELECT f(x); END;
DO $viflo$ BEGIN PERFORM g(1); END $viflo$;
COMMIT;
$up$, down => 'DROP FUNCTION g(int); DROP FUNCTION f(int);');
SELECT viflo_revision('leaves things', revision => 'r3', up => $up$
SET search_path = pg_catalog;
CREATE TABLE public.u (at time DEFAULT '12:30:00'::time, slice int[] DEFAULT (ARRAY[1, 2, 3])[1:2]);
CREATE TEMP TABLE scratch (id int);
PREPARE p AS SELECT 1;
DECLARE c CURSOR WITH HOLD FOR SELECT 1;
SET ROLE someone;
SET LOCAL TimeZone = 'Asia/Tokyo';
COMMENT ON COLUMN public.w.id IS NULL
$up$, down => 'DROP TABLE u');
SELECT viflo_load(replace(viflo_script('r3'), 'COMMENT ON COLUMN public.w.id IS NULL', ''));
SELECT viflo_revision('as if new', revision => 'r4', up => $up$
CREATE TEMP TABLE scratch (id int);
PREPARE p AS SELECT 1;
DECLARE c CURSOR WITH HOLD FOR SELECT 1;
CREATE TABLE whose AS SELECT current_user::text AS name, current_setting('search_path') AS path;
COMMIT;
$up$, down => 'BEGIN; DROP TABLE whose; COMMIT');
SELECT viflo_revision('restricted', revision => 'r5', up => $up$
\restrict secret
CREATE TABLE v (id int);
\unrestrict secret
COPY v FROM stdin;
1
$up$, down => 'DROP TABLE v');
EOS

sub script
{
	my ($database, $range, $file) = @_;

	append_to_file("$dir/$file", '');
	$node->command_ok(
		[
			'psql', '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1',
			'-c', "SELECT viflo_sql('$range', 'app')",
			'-o', "$dir/$file",
			$node->connstr($database)
		],
		"$file is made");
	return "$dir/$file";
}

# (exit status, stderr) of psql -1 -f.
sub apply
{
	my ($database, $file) = @_;
	my ($out, $err) = ('', '');
	my $result = IPC::Run::run(
		[ 'psql', '-X', '-q', '-1', '-v', 'VERBOSITY=verbose', '-f', $file, $node->connstr($database) ],
		'<', \undef, '>', \$out, '2>', \$err);

	return ($result, $err);
}

my $state = <<'EOS';
SELECT revision, is_head, message, applied_by FROM viflo_current('app') ORDER BY 1;
SELECT direction, revision, status, role_name, checksum, statements, duration >= '0', error FROM viflo_log('app') ORDER BY id;
SELECT revision, down_revision, depends_on, branch_labels, message, applied, transactional FROM viflo_history(project => 'app');
SELECT revision, viflo_script(revision, 'app') FROM viflo_history(project => 'app');
SELECT s.revision, s.source FROM viflo_history(project => 'app') h, viflo_show(h.revision, 'app') s;
EOS

sub schema
{
	my ($database) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'pg_dump', '-n', 'public', '--inserts', $node->connstr($database) ], '>', \$out, '2>', \$err)
	  or die $err;
	$out =~ s/^\\(un)?restrict .*$//mg;
	return $out;
}

sub same
{
	my ($got, $want, $what) = @_;

	is($node->safe_psql($got, $state), $node->safe_psql($want, $state), "$what: the same history");
	is(schema($got), schema($want), "$what: the same schema and data");
}

$node->safe_psql('postgres', 'CREATE ROLE someone');
foreach my $database (qw(online offline))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database,
		"SET client_min_messages = error; CREATE EXTENSION viflo_migrate; GRANT CREATE ON SCHEMA public TO someone;");
	$node->safe_psql('postgres', "ALTER DATABASE $database SET viflo_migrate.project = 'app'");
}
$node->safe_psql('online', $load);
$node->safe_psql('online', 'SET client_min_messages = error; SELECT viflo_upgrade()');

# ---- up, the whole and in parts -------------------------------------------

my $all = script('online', 'head', 'all.sql');
my ($ok, $err) = apply('offline', $all);
ok($ok, 'applied') or diag($err);
same('offline', 'online', 'all at once');
is($node->safe_psql('offline', 'SELECT a FROM t ORDER BY id'),
	"one; with 'quotes' and \$dollars\$\n\\backslash\ttab\nsemi; colon\nx:y\nit's",
	'the data came through');

# Twice is once: the second time says so and changes nothing.
my $before = $node->safe_psql('offline', $state);
($ok, $err) = apply('offline', $all);
ok(!$ok, 'applied again, it fails');
like($err, qr/ERROR:  VF033: revision "r1" is already applied/, 'and says why');
is($node->safe_psql('offline', $state), $before, 'and changes nothing');

# ---- down -----------------------------------------------------------------

my $down = script('online', 'r4:r1', 'down.sql');
$node->safe_psql('online', "SET client_min_messages = error; SELECT viflo_downgrade('r4')");
($ok, $err) = apply('offline', $down);
ok(!$ok, 'a script for another state fails');
like($err, qr/ERROR:  VF033: revision "r4" is needed by revision "r5", which is applied/, 'and says why');
($ok, $err) = apply('offline', script('online', 'r5:r4', 'one_down.sql'));
ok($ok, 'the right one is applied') or diag($err);
same('offline', 'online', 'one step down');
($ok, $err) = apply('offline', $down);
ok($ok, 'and the other then') or diag($err);
$node->safe_psql('online', "SET client_min_messages = error; SELECT viflo_downgrade('r1')");
same('offline', 'online', 'three steps down');

my $part = script('online', 'r1:r3', 'part.sql');
($ok, $err) = apply('offline', $part);
ok($ok, 'up again, in part') or diag($err);
$node->safe_psql('online', "SET client_min_messages = error; SELECT viflo_upgrade('r3')");
same('offline', 'online', 'in part');
($ok, $err) = apply('offline', script('online', 'r3:', 'rest.sql'));
ok($ok, 'and the rest') or diag($err);
$node->safe_psql('online', "SET client_min_messages = error; SELECT viflo_upgrade()");
same('offline', 'online', 'the rest');

($ok, $err) = apply('offline', script('online', 'head:base', 'base.sql'));
ok($ok, 'down to base') or diag($err);
is($node->safe_psql('offline', 'SELECT count(*) FROM viflo_current()'), '0', 'nothing is applied');

# ---- backslashes are what they are, in each revision ----------------------

$node->safe_psql('postgres', "CREATE DATABASE $_; ALTER DATABASE $_ SET viflo_migrate.project = 'app'")
  foreach qw(plain off);
$node->safe_psql(
	'plain', <<'EOS');
CREATE EXTENSION viflo_migrate;
SELECT viflo_revision('b1', revision => 'b1', up => $$CREATE TABLE b (a text); INSERT INTO b VALUES ('one \ two')$$);
SELECT viflo_revision('b2', revision => 'b2', up => $$INSERT INTO b VALUES ('three \ four')$$);
EOS
my $backslash = script('plain', 'head', 'backslash.sql');
$node->safe_psql('off', 'CREATE EXTENSION viflo_migrate');
$node->safe_psql('postgres', 'ALTER DATABASE off SET standard_conforming_strings = off');
($ok, $err) = apply('off', $backslash);
ok($ok, 'applied with standard_conforming_strings off') or diag($err);
is($node->safe_psql('off', 'SELECT a FROM b'), "one \\ two\nthree \\ four", 'backslashes came through');

# ---- what fails in the middle leaves nothing ------------------------------

$node->safe_psql('postgres', "CREATE DATABASE fails; ALTER DATABASE fails SET viflo_migrate.project = 'app'");
$node->safe_psql('fails', 'CREATE EXTENSION viflo_migrate; CREATE TABLE whose ()');
($ok, $err) = apply('fails', $all);
ok(!$ok, 'a failing statement');
like($err, qr/ERROR:  42P07: relation "whose" already exists/, 'keeps its SQLSTATE');
is($node->safe_psql('fails', "SELECT count(*) FROM viflo_log(); SELECT count(*) FROM viflo_history(); SELECT to_regclass('t') IS NULL"),
	"0\n0\nt", 'and nothing remains');

# psql without -1 would leave half of it: each record is checked nevertheless.
$node->safe_psql('fails', "SELECT viflo_revision('m', revision => 'm1', up => 'SELECT 1', down => 'SELECT 1')");
my ($ret, $stdout, $stderr) = $node->psql('fails',
	"\\set VERBOSITY sqlstate\nSELECT viflo_record('m1', 'up', now(), 1); SELECT viflo_record('m1', 'up', now(), 1);");
like($stderr, qr/VF033/, 'a step cannot be recorded twice');

$node->stop;
done_testing();
