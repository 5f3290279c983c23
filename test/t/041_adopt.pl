# viflo adopt: what another tool has applied, from a table as that tool makes
# it, and what is left to do then.

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
$node->start;

my $number = 0;
my $url;

# A new database, with this in it.
sub database
{
	my ($sql) = @_;
	my $name = 'adopt_' . ++$number;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, $sql);
	$url = $node->connstr($name);
	return $name;
}

# Revisions by state, as "applied: a b; pending: c".
sub states
{
	my ($document) = @_;
	my %by;

	push @{ $by{ $_->{state} } }, $_->{revision} for @{ $document->{revisions} };
	return join('; ', map { "$_: @{ $by{$_} }" } sort keys %by);
}

my @golang = (
	'1_a.up.sql' => "CREATE TABLE a ();\n", '1_a.down.sql' => "DROP TABLE a;\n",
	'2_b.up.sql' => "CREATE TABLE b ();\n", '3_c.up.sql' => "CREATE TABLE c ();\n");
my $golang_table = 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);';
my $dir = folder_of(@golang);

# golang-migrate: the newest version alone
my $db = database("$golang_table INSERT INTO schema_migrations VALUES (2, false); CREATE TABLE a (); CREATE TABLE b ();");
my ($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt', '--dry-run');
is($status, 0, 'golang-migrate: dry run');
is($document->{tool}, 'golang-migrate', 'tool');
is($document->{table}, 'public.schema_migrations', 'table');
is(states($document), 'applied: 1_a 2_b; pending: 3_c', 'what would be recorded');
ok($document->{dry_run}, 'is a dry run');
is($node->safe_psql($db, "SELECT to_regnamespace('viflo') IS NULL"), 't', 'nothing was made');
is_viflo(['--url', $url, '--dir', $dir, 'adopt'], 0,
	qr/^applied +1_a\napplied +2_b\npending +3_c\npublic\.schema_migrations of golang-migrate: 2 of 3 revisions are recorded as applied$/,
	undef, 'adopt');
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, qr/^up +3_c +c +\(\d+ ms\)\n$/, undef, 'only the rest is run');
is($node->safe_psql($db, 'SELECT version, dirty FROM schema_migrations'), '2|f', 'the table is as it was');
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt');
is("$status $document->{recorded}", '0 0', 'again: nothing new');
is_viflo(['--url', $url, '--dir', $dir, 'downgrade', 'base'], 1, '', qr/VF023/, 'what has no down stays');

database("$golang_table INSERT INTO schema_migrations VALUES (2, true);");
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt');
is($status, 1, 'a dirty version');
is($document->{problems}[0]{kind}, 'failed', 'is named');
is($document->{problems}[0]{revision}, '2_b', 'with its revision');
is_viflo(['--url', $url, '--dir', $dir, 'adopt'], 1, '',
	qr{2_b\.up\.sql: warning: version "2" did not end well, says public\.schema_migrations: the row is marked dirty\n.*nothing was recorded}s,
	'and shown');
database($golang_table);
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt');
is(states($document), 'pending: 1_a 2_b 3_c', 'an empty table');
database("$golang_table INSERT INTO schema_migrations VALUES (7, false);");
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt', '--dry-run');
is($document->{problems}[0]{kind}, 'no file', 'a version without a file');
is(states($document), 'applied: 1_a 2_b 3_c', 'all are before it');

# diesel: a row each; a hole stays a hole
$dir = folder_of(map { ("2024-01-0${_}-000000_t$_/up.sql" => "CREATE TABLE t$_ ();\n") } 1 .. 4);
$db = database("CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
	INSERT INTO __diesel_schema_migrations VALUES ('20240101000000', '2024-01-05'), ('20240102000000', '2024-01-05'), ('20240104000000', '2024-01-06');");
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt');
is(states($document),
	'applied: 20240101000000_t1 20240102000000_t2 20240104000000_t4; late: 20240103000000_t3',
	'diesel: one that is missing in between');
fails_with(['--url', $url, '--dir', $dir, 'upgrade'], 1, qr/VF032/, 'is not skipped in silence');
is($node->safe_psql($db, "SELECT applied_at::date FROM viflo.applied WHERE revision LIKE '%_t4'"), '2024-01-06', 'its time is kept');

# which table
my $diesel = 'CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL);';
database('');
fails_with(['--url', $url, '--dir', $dir, 'adopt'], 1, qr/no history of another migration tool/, 'no history');
database($golang_table);
fails_with(['--url', $url, '--dir', $dir, 'adopt'], 1,
	qr/not that of a diesel folder\nDETAIL:  There is public\.schema_migrations \(golang-migrate\)/, 'of another tool');
database("$diesel CREATE SCHEMA \"o\"\"p\"; SET search_path = \"o\"\"p\"; $diesel INSERT INTO __diesel_schema_migrations VALUES ('20240101000000', now());");
fails_with(['--url', $url, '--dir', $dir, 'adopt'], 1,
	qr/several histories.*\nDETAIL:  There are "o""p"\.__diesel_schema_migrations \(diesel\), public\./, 'two of them');
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt', '--table', '"o""p".__diesel_schema_migrations');
is(states($document) =~ /^applied: 20240101000000_t1;/, 1, 'one is named');
database("CREATE SCHEMA x; SET search_path = x; $diesel ALTER TABLE __diesel_schema_migrations RENAME TO \"My Table\";");
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt', '--table', 'x."My Table"', '--tool', 'diesel');
is($document->{table}, 'x."My Table"', 'a name of its own');
fails_with(['--url', $url, '--dir', $dir, 'adopt', '--tool', 'nosuch'], 2, qr/unknown tool.*\nHINT:  Tools are: alembic, /, 'no such tool');
fails_with(['--url', $url, '--dir', $dir, 'adopt', '--table', 'nosuch'], 1, qr/no history/, 'no such table');
fails_with(['--url', $url, '--dir', "$dir/nosuch", 'adopt'], 2, qr/does not exist/, 'no such folder');

done_testing();
