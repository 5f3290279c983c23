# viflo adopt: rows that mean something else than "this one is applied":
# baselines, what was undone, rolled back, deleted or resolved by hand,
# repeatable migrations, branches, several databases or projects in a table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Compress::Zlib qw(crc32);
use Digest::SHA qw(sha1_hex sha256_base64 sha256_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

my @at;

sub new_database
{
	my ($name, $sql) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, $sql);
	@at = ('--url', $node->connstr($name));
	return;
}

# What adopt says of the database's rows: exit status (0, but with --force),
# states by revision as "applied: a b; pending: c", and problems as "kind
# version".
sub says
{
	my ($options, $expected, $problems, $name) = @_;
	my ($status, $document, $err) = viflo_json(@at, @$options, 'adopt', '--dry-run');

	if (grep { /^(?:failed|changed) / } @$problems)
	{
		is($status, 1, "$name: stands in the way");
		($status, $document, $err) = viflo_json(@at, @$options, 'adopt', '--dry-run', '--force');
	}
	my %by;

	push @{ $by{ $_->{state} } }, $_->{revision} for @{ $document->{revisions} };
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($status, 0, "$name: status") or diag($err);
	is(join('; ', map { "$_: @{ $by{$_} }" } sort keys %by), $expected, $name);
	is_deeply([ map { "$_->{kind} $_->{version}" } @{ $document->{problems} } ], $problems, "$name: problems");
	return;
}

sub crc { return unpack('l', pack('L', crc32($_[0] =~ tr/\r\n//dr))); }

# Flyway
my $flyway = q{CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
	type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,
	installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL);
	CREATE FUNCTION add(int, text, text, text, int DEFAULT NULL, bool DEFAULT true) RETURNS void LANGUAGE sql
	AS $$INSERT INTO flyway_schema_history VALUES ($1, $2, $3, $4, 'x', $5, 'ada', now(), 1, $6)$$;};
my $views = "CREATE OR REPLACE VIEW v AS\r\nSELECT 1 AS one;\n";
my $dir = folder_of((map { ("V${_}__t.sql" => qq(CREATE TABLE "t$_" ();\n)) } '1', '1.5', '2', '10'),
	'U2__t.sql' => "DROP TABLE t2;\n", 'R__views.sql' => $views, 'R__more_views.sql' => "SELECT '\${who}';\n");
my @flyway = ('--dir', $dir, '--set', 'who=me');

new_database('baseline', "$flyway SELECT add(1, '2', '<< Flyway Baseline >>', 'BASELINE');");
says(\@flyway, 'applied: V1__t V1.5__t V2__t; pending: V10__t R__more_views R__views', [], 'a baseline with a file');
new_database('between', "$flyway SELECT add(1, '1.7', 'from before', 'BASELINE');");
says(\@flyway, 'applied: V1__t V1.5__t; pending: V2__t V10__t R__more_views R__views', [], 'a baseline without one');
new_database('first', "$flyway SELECT add(1, '0', '<< Flyway Baseline >>', 'BASELINE');");
says(\@flyway, 'pending: V1__t V1.5__t V2__t V10__t R__more_views R__views', [], 'a baseline before all');
my %crc = (t1 => crc('CREATE TABLE "t1" ();'), views => crc($views), you => crc("SELECT 'you';"));
new_database('undone', "$flyway SELECT add(1, '1', 't', 'SQL', $crc{t1}), add(2, '1.5', 't', 'SQL'),
	add(3, '2', 't', 'SQL'), add(4, '2', 't', 'UNDO_SQL'), add(5, '1.5', 't', 'UNDO_SCRIPT'), add(6, '1.5', 't', 'SQL'),
	add(7, '10', 't', 'SQL'), add(8, '10', 't', 'DELETE');");
says(\@flyway, 'applied: V1__t V1.5__t; pending: V2__t V10__t R__more_views R__views', [],
	'what was undone, what was applied again, and what was deleted');
new_database('undo_failed', "$flyway SELECT add(1, '1', 't', 'SQL'), add(2, '2', 't', 'SQL'), add(3, '2', 't', 'UNDO_SQL', NULL, false);");
says(\@flyway, 'applied: V1__t V2__t; late: V1.5__t; pending: V10__t R__more_views R__views', ['failed 2'], 'an undo that failed');
new_database('repeatable', "$flyway SELECT add(1, NULL, 'views', 'SQL', 1), add(2, NULL, 'views', 'SQL', $crc{views}),
	add(3, NULL, 'more views', 'SQL', $crc{you}), add(4, NULL, 'gone', 'SQL', 1), add(5, NULL, 'gone', 'DELETE', 1);");
says(\@flyway, 'applied: R__views; pending: V1__t V1.5__t V2__t V10__t R__more_views', [],
	'a repeatable one as it is, and one that has changed');
says([ '--dir', $dir, '--set', 'who=you' ], 'applied: R__more_views R__views; pending: V1__t V1.5__t V2__t V10__t', [],
	'its checksum is over the values put in');
is((viflo(@at, @flyway, 'adopt'))[0], 0, 'adopt');
my ($status, $document, $err) = viflo_json(@at, @flyway, 'upgrade');
is($status, 0, 'upgrade') or diag($err);
is("@{[ map { $_->{revision} } @$document ]}", 'V1__t V1.5__t V2__t V10__t R__more_views', 'only the changed one is run again');

# A baseline script that has replaced the versions it covers.
my $base = "CREATE TABLE t1 (); CREATE TABLE t2 ();\n";
my $covered = folder_of('B2__base.sql' => $base, 'V3__t.sql' => "CREATE TABLE t3 ();\n");
new_database('covered', "$flyway SELECT add(1, '1', 't', 'SQL', 1), add(2, '2', 't', 'SQL', 2);");
says([ '--dir', $covered ], 'applied: B2__base; pending: V3__t', ['no file 1'], 'a baseline script for what was applied before');
new_database('by_base', "$flyway SELECT add(1, '2', 'base', 'SQL_STATE_SCRIPT', @{[ crc($base) ]});");
says([ '--dir', $covered ], 'applied: B2__base; pending: V3__t', [], 'a baseline script that was run, by its old name');
$node->safe_psql('by_base', "UPDATE flyway_schema_history SET type = 'SQL_BASELINE', checksum = 1");
says([ '--dir', $covered ], 'applied: B2__base; pending: V3__t', ['changed 2'], 'and one that has changed since');

# Atlas: what was set by hand, and a baseline, have no hash
sub atlas_sum
{
	my (%of) = @_;
	my ($all, $lines, $total) = ('', '', '');

	foreach my $name (sort keys %of)
	{
		my $hash = sha256_base64($all .= $name . $of{$name}) . '=';

		$lines .= "$name h1:$hash\n";
		$total .= $name . $hash;
	}
	return 'h1:' . sha256_base64($total) . "=\n$lines";
}
my %files = map { ("${_}_t.sql" => "CREATE TABLE t$_ ();\n") } 1 .. 4;
$dir = folder_of(%files, 'atlas.sum' => atlas_sum(%files));
new_database('atlas', q{CREATE TABLE atlas_schema_revisions (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2,
	applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL,
	error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL);
	INSERT INTO atlas_schema_revisions VALUES ('2', 't', 1, 0, 0, now(), 0, '', '', '', NULL, 'v1'), ('3', 't', 6, 1, 2, now(), 0, 'no luck', 'x', '', NULL, 'v1');});
says([ '--dir', $dir ], 'applied: 1_t 2_t 3_t; pending: 4_t', [], 'Atlas: a baseline, and what was resolved by hand');

# Its first one may be a checkpoint, which stands for the files before it.
%files = ((map { ("${_}_t.sql" => "CREATE TABLE t$_ ();\n") } 1, 2, 4, 5), '3_c.sql' => "-- atlas:checkpoint\n\nCREATE TABLE t1 (); CREATE TABLE t2 ();\n");
$dir = folder_of(%files, 'atlas.sum' => atlas_sum(%files));
$node->safe_psql('atlas', q{TRUNCATE atlas_schema_revisions;
	INSERT INTO atlas_schema_revisions VALUES ('3', 'c', 2, 2, 2, now(), 0, '', '', '', NULL, 'v1'), ('4', 't', 2, 1, 1, now(), 0, '', '', '', NULL, 'v1');});
says([ '--dir', $dir ], 'applied: 1_t 2_t 4_t; pending: 5_t', [], 'Atlas: a checkpoint');

# goose: the last row of a version counts
$dir = folder_of(map { ("0000${_}_t.sql" => "-- +goose Up\nCREATE TABLE t$_ ();\n") } 1 .. 3);
new_database('goose', q{CREATE TABLE goose_db_version (id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL, is_applied boolean NOT NULL,
	tstamp timestamp NOT NULL DEFAULT now());
	INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true), (2, false), (1, false), (1, true), (3, true), (3, false);});
says([ '--dir', $dir ], 'applied: 00001_t; pending: 00002_t 00003_t', [], 'goose: up, down, up');

# Alembic: a row for each branch
$dir = folder_of('a.sql' => "-- viflo revision: a\n-- viflo up\nSELECT 1;\n",
	map { ("$_.sql" => "-- viflo revision: $_\n-- revises: a\n-- viflo up\nSELECT 1;\n") } qw(b c d));
new_database('alembic', q{CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('b'), ('d');});
says([ '--dir', $dir, '--layout', 'native' ], 'applied: a b d; pending: c', [], 'Alembic: two heads');
$node->safe_psql('alembic', "UPDATE alembic_version SET version_num = 'cc' WHERE version_num = 'd'");
fails_with([ @at, '--dir', $dir, 'adopt' ], 1, qr/"cc" of \S+ has no file.*nothing was recorded\nHINT:  Name the folder/s,
	'Alembic: a revision of another folder says nothing of this one');
($status, $document) = viflo_json(@at, '--dir', $dir, 'adopt', '--dry-run', '--force');
is(join(' ', map { $_->{revision} } grep { $_->{state} eq 'applied' } @{ $document->{revisions} }), 'a b', 'nor when forced');

# Liquibase: other versions of the checksum are not known; marked as run
$dir = folder_of('1.sql' => "--liquibase formatted sql\n" . join('', map { "--changeset ada:$_\nCREATE TABLE t$_ ();\n" } 1 .. 4));
new_database('liquibase', q{CREATE TABLE databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL,
	dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255));
	INSERT INTO databasechangelog VALUES ('1', 'ada', '1.sql', now(), 1, 'EXECUTED', '8:0123'), ('2', 'ada', 'classpath:db/1.sql', now(), 2, 'MARK_RAN', NULL),
	('3', 'bob', '1.sql', now(), 3, 'EXECUTED', NULL), ('3', 'ada', '11.sql', now(), 4, 'EXECUTED', NULL), ('4', 'ada', '1.sql', now(), 4, 'SKIPPED', NULL);});
says([ '--dir', $dir ], 'applied: 1.ada.1 1.ada.2; pending: 1.ada.3 1.ada.4', [ 'no file bob:3', 'no file ada:3' ],
	'Liquibase: by id, author and file');

# The same id, author and file name in a folder and one below it
$dir = folder_of(map { ($_ => "--liquibase formatted sql\n--changeset ada:1\nSELECT '$_';\n") } 'log.sql', 'v1/log.sql');
$node->safe_psql('liquibase', q{TRUNCATE databasechangelog; INSERT INTO databasechangelog VALUES ('1', 'ada', 'db/v1/log.sql', now(), 2, 'EXECUTED', NULL);});
says([ '--dir', $dir ], 'applied: v1.log.ada.1; late: log.ada.1', [], 'Liquibase: the longest path is meant');

# golang-migrate: a down to nothing that failed
$dir = folder_of(map { ("${_}_t.up.sql" => "CREATE TABLE t$_ ();\n") } 1 .. 3);
new_database('golang', 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (-1, true);');
says([ '--dir', $dir ], 'pending: 1_t 2_t 3_t', ['failed -1'], 'golang-migrate: dirty, and no version');

# Prisma: any ends of lines, and digests of versions that left out zeros
my %prisma = map { ("${_}_t/migration.sql" => "SELECT $_;\n") } 1 .. 4;
$dir = folder_of('migration_lock.toml' => qq(provider = "postgresql"\n), %prisma, '3_t/migration.sql' => "SELECT 3;\r\n");
new_database('prisma', q{CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz,
	migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);}
	  . join('', map { "INSERT INTO _prisma_migrations VALUES ('$_->[0]', '$_->[1]', now(), '$_->[0]_t', NULL, NULL, now(), 1);" }
		  [ 1, sha256_hex("SELECT 1;\r\n") ],
		[ 2, join('', map { sprintf('%x', hex) } sha256_hex("SELECT 2;\n") =~ /../g) ],
		[ 3, sha256_hex("SELECT 3;\n") ],
		[ 4, sha256_hex("SELECT 4;\n\n") ]));
says([ '--dir', $dir, '--layout', 'prisma' ], 'applied: 1_t 2_t 3_t 4_t', ['changed 4_t'], 'Prisma: ends of lines');

# Sqitch: a registry of several projects
my $plan = "%syntax-version=1.0.0\n%project=shop\n\na 2026-01-01T08:00:00Z Ada <a\@b> # \n";
$dir = folder_of('sqitch.plan' => $plan, 'deploy/a.sql' => "SELECT 1;\n");
new_database('sqitch', q{CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL,
	note text NOT NULL DEFAULT '', committed_at timestamptz NOT NULL DEFAULT now(), committer_name text NOT NULL);
	INSERT INTO sqitch.changes VALUES ('x', 'y', 'a', 'other', '', now(), 'Ada');});
says([ '--dir', $dir ], 'pending: a', [], 'Sqitch: changes of another project');
$node->safe_psql('sqitch', q{INSERT INTO sqitch.changes VALUES ('z', 'z', 'b', 'shop', '', now(), 'Ada')});
fails_with([ @at, '--dir', $dir, 'adopt' ], 1, qr/version "z" of \S+ has no file.*nothing was recorded/s, 'Sqitch: none of its own is in the plan');

# A time is the same, whatever the settings of the database
$dir = folder_of('1_t/up.sql' => "SELECT 1;\n");
new_database('times', q{CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL);
	INSERT INTO __diesel_schema_migrations VALUES ('1', '2024-02-03 04:05:06');
	ALTER DATABASE times SET datestyle = 'SQL, DMY'; ALTER DATABASE times SET timezone = 'Asia/Kolkata'});
($status, $document) = viflo_json(@at, '--dir', $dir, '--layout', 'diesel', 'adopt');
is($document->{revisions}[0]{applied_at}, '2024-02-03 04:05:06+05:30', 'a time that DateStyle would make ambiguous');
is($node->safe_psql('times', q{SELECT applied_at = '2024-02-03 04:05:06 Asia/Kolkata' FROM viflo.applied}), 't', 'is kept');

# Rails: one revision, when the newest version is there
$dir = folder_of('structure.sql' => "CREATE TABLE public.t ();\nINSERT INTO \"schema_migrations\" (version) VALUES\n('20240102000000'),\n('20240101000000');\n");
new_database('rails', q{CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
	CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar);
	INSERT INTO schema_migrations VALUES ('20240101000000'), ('20240102000000');});
says([ '--dir', $dir ], 'applied: structure', [], 'Rails');
$node->safe_psql('rails', q{DELETE FROM schema_migrations WHERE version = '20240102000000'});
fails_with([ @at, '--dir', $dir, 'adopt' ], 1, qr/version "20240101000000" of \S+ has no file/, 'Rails, not there yet');

# Hasura: a database each, of one version
$dir = folder_of('config.yaml' => "version: 3\n",
	map { ("migrations/$_/1700000000001_$_/up.sql" => "SELECT 1;\n", "migrations/$_/1700000000002_$_/up.sql" => "SELECT 2;\n") } qw(default other));
new_database('hasura', q{CREATE SCHEMA hdb_catalog; CREATE TABLE hdb_catalog.hdb_version (hasura_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	version text NOT NULL, upgraded_on timestamptz NOT NULL, cli_state jsonb NOT NULL DEFAULT '{}', console_state jsonb NOT NULL DEFAULT '{}');
	INSERT INTO hdb_catalog.hdb_version (version, upgraded_on, cli_state)
	VALUES ('47', now(), '{"settings": {}, "migrations": {"default": {"1700000000001": false}, "other": {"1700000000002": false}}}');});
says([ '--dir', "$dir/migrations/default" ], 'applied: 1700000000001_default; pending: 1700000000002_default', [], 'Hasura: default');
says([ '--dir', "$dir/migrations/other" ], 'applied: 1700000000002_other; late: 1700000000001_other',
	[], 'Hasura: another database');

# What is not a history, or not one that can be read
new_database('odd', q{CREATE TABLE schema_migrations (version varchar); INSERT INTO schema_migrations VALUES (NULL), ('2');
	CREATE SCHEMA other; CREATE VIEW other.schema_migrations AS SELECT * FROM public.schema_migrations;});
$dir = folder_of(map { ("${_}_t.sql" => "-- migrate:up\nCREATE TABLE t$_ ();\n-- migrate:down\n") } 1 .. 3);
says([ '--dir', $dir ], 'applied: 2_t; late: 1_t; pending: 3_t', [], 'a version that is NULL, and a view of the same name');
$node->safe_psql('odd', 'CREATE ROLE stranger LOGIN');
fails_with([ '--url', $node->connstr('odd') . ' user=stranger', '--dir', $dir, 'adopt' ], 1,
	qr/permission denied for table schema_migrations \(SQLSTATE 42501\)/, 'a table that must not be read');

# Many tables that could be one
$node->safe_psql('odd', q{DO $$ BEGIN FOR i IN 1 .. 40 LOOP EXECUTE format('CREATE SCHEMA a%s CREATE TABLE schema_migrations (version varchar)', i); END LOOP; END $$;
	CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL);});
fails_with([ @at, '--dir', $dir, 'adopt' ], 1, qr/several histories.*\nDETAIL:  There are (?:\S+ \(\w+\),? ){10}and 73 more\.\n/, 'too many to name');
says([ '--dir', folder_of('1_t/up.sql' => "SELECT 1;\n"), '--layout', 'diesel' ], 'pending: 1_t', [], 'the one of the layout among them');

# Another tenant's history is not this one's.
my $golang = 'schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)';
my $numbers = folder_of(map { ("${_}_t.up.sql" => "SELECT $_;\n") } 1 .. 3);
new_database('tenants', "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE two.$golang; INSERT INTO two.schema_migrations VALUES (2, false);");
fails_with([ @at, '--dir', $numbers, '--tenant', 'one', 'adopt' ], 1,
	qr/schema of the tenant has no history.*\nDETAIL:  There is two\.schema_migrations \(golang-migrate\)\.\nHINT/, 'only another tenant has a history');
says([ '--dir', $numbers, '--tenant', 'two' ], 'applied: 1_t 2_t; pending: 3_t', [], 'the other one');
is_viflo([ @at, '--dir', $numbers, '--tenant', 'one', 'adopt', '--dry-run', '--table', 'two.schema_migrations' ], 0, qr/^applied +2_t/m, '', 'by name');
$node->safe_psql('tenants', "CREATE TABLE $golang; INSERT INTO schema_migrations VALUES (1, false);");
says([ '--dir', $numbers, '--tenant', 'one' ], 'applied: 1_t; pending: 2_t 3_t', [], 'one for all of them');

# Rows that a policy would hide are not taken for missing ones.
new_database('policy', q{CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL);
	INSERT INTO __diesel_schema_migrations VALUES ('1', now()); ALTER TABLE __diesel_schema_migrations ENABLE ROW LEVEL SECURITY;
	GRANT SELECT ON __diesel_schema_migrations TO stranger;});
fails_with([ '--url', $node->connstr('policy') . ' user=stranger', '--dir', folder_of('1_t/up.sql' => "SELECT 1;\n"), '--layout', 'diesel', 'adopt', '--dry-run' ],
	1, qr/row-level security policy for table/, 'row-level security');

# A table made by somebody else runs no function of his.
new_database('evil', q{CREATE SCHEMA m; CREATE TYPE m.evil AS (v text);
	CREATE FUNCTION m.f(m.evil) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'caught'; END$$;
	CREATE CAST (m.evil AS text) WITH FUNCTION m.f(m.evil);
	CREATE TABLE m.schema_migrations (version m.evil); INSERT INTO m.schema_migrations VALUES (ROW('1'));});
fails_with([ @at, '--dir', $dir, 'adopt', @$_ ], 1, qr/no history of another migration tool/, "a column of a type that is not the system's @$_")
  foreach [], [ '--table', 'm.schema_migrations', '--tool', 'dbmate' ];

# The history of a tool, and a folder that it could not read
new_database('mixed', "$flyway SELECT add(1, 'a', 't', 'SQL', 1)");
$dir = folder_of('a.sql' => "-- viflo revision: a\n-- viflo up\nSELECT 1;\n");
fails_with([ @at, '--dir', $dir, 'adopt', '--tool', 'flyway' ], 2, qr/cannot compare a history of flyway with a native folder\nHINT/, 'a folder of another layout');
foreach my $tool (qw(atlas drizzle graphile-migrate liquibase prisma refinery sqitch sqlx))
{
	fails_with([ @at, '--dir', $dir, 'adopt', '--tool', $tool ], 2, qr/cannot compare a history of $tool/, "$tool needs its own layout");
}

done_testing();
