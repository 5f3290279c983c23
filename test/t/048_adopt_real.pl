# viflo adopt after the tools themselves: each applies half of a folder, viflo
# takes over and runs the rest, and the schema is the one that the tool makes
# when it applies all.  And back: each runs what viflo export has written for it.
# npm's tools come from test/peers/package.json; what is not installed is skipped.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $modules = "$FindBin::RealBin/../peers/node_modules";
my $jars = "$modules/liquibase/dist/liquibase/internal/lib";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
# Liquibase's driver knows no Unix sockets.
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'") if -e "$jars/liquibase-core.jar";
$node->start;

my ($host, $port) = ($node->host, $node->port);
my $user = $node->safe_psql('postgres', 'SELECT current_user');
delete @ENV{ grep { /^(SQITCH|FLYWAY|DBMATE|LIQUIBASE|GM)_/ } keys %ENV };
@ENV{qw(PGHOST PGPORT PGUSER)} = ($host, $port, $user);
@ENV{qw(SQITCH_FULLNAME SQITCH_EMAIL)} = ('Ada Example', 'ada@example.com');

# Runs a tool in a folder.  What it says is shown where it fails.
sub run_tool
{
	my ($dir, @command) = @_;
	my $said = '';
	my $good;

	in_folder($dir, sub {
			$good = IPC::Run::run(\@command, '<', \undef, '>&', \$said, IPC::Run::timeout(60));
	});
	ok($good, "$command[0] ran") or diag("@command: $said");
	return $said;
}

# The name of the first program or file that is not there.
sub missing
{
	foreach my $name (@_)
	{
		return $name unless $name =~ m{/} ? -e $name : grep { -x "$_/$name" } split(/:/, $ENV{PATH});
	}
	return;
}

sub url_of { return "postgresql://$user\@/$_[0]?host=$host&port=$port"; }

sub schema_of
{
	my ($db, @without) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-s', '-O', '-d', $node->connstr($db), '-N', 'viflo', @without ]);

	is($err, '', "pg_dump of $db");
	# One fixture's text names the database.
	$out =~ s/\b$db\b/db/g;
	return join('', grep { !/^\\(?:un)?restrict |viflo_migrate|^--|^\n/ } split(/^/m, $out));
}

# name: the tool; needs: what it takes; dir: its folder, and migrations: where
# in it these are; apply: applies all of a folder to a database, or as much as
# half says (a folder with less files, or another argument); without: for
# pg_dump, the tool's own tables; states: what viflo says then; options: viflo's;
# beside: files that an exported folder needs around it; in_transaction: the
# tool knows nothing else; imported_only: it has layouts that cannot be written.
sub takes_over
{
	my (%is) = @_;

	subtest $is{name} => sub {
		my $gone = missing(@{ $is{needs} });
		my ($all, $half) = map { "${_}_$is{name}" =~ tr/-/_/r } qw(all half);
		my $dir = $is{migrations} ? "$is{dir}/$is{migrations}" : $is{dir};
		my @at = ('--url', $node->connstr($half), '--dir', $dir, @{ $is{options} // [] });

		plan(skip_all => "no $gone for $is{name}") if defined $gone;
		$node->safe_psql('postgres', "CREATE DATABASE $_") foreach ($all, $half);
		$is{apply}->($all, $is{dir});
		$is{apply}->($half, ref $is{half} ? $is{dir} : $is{half}, ref $is{half} ? @{ $is{half} } : ());

		my ($status, $document, $err) = viflo_json(@at, 'adopt');
		is($status, 0, 'adopt') or diag($err);
		is($document->{tool}, $is{tool} // $is{name}, 'tool');
		is_deeply($document->{problems}, [], 'no problems');
		my @states = map { [ $_->{revision}, $_->{state} ] } @{ $document->{revisions} };
		is_deeply(\@states, $is{states}, "what is applied") or diag(explain(\@states));

		($status, $document, $err) = viflo_json(@at, 'deploy');
		is($status, 0, 'deploy') or diag($err);
		is_deeply([ map { $_->{revision} } @$document ],
			[ map { $_->[0] } grep { $_->[1] eq 'pending' } @states ], 'only the rest is run');
		is(schema_of($half, @{ $is{without} }), schema_of($all, @{ $is{without} }), 'the schema is the tool\'s');
		is_viflo([ @at, 'check' ], 0, undef, undef, 'check');

		# A database where all is applied has nothing left to do.
		$at[1] = $node->connstr($all);
		is((viflo(@at, 'adopt'))[0], 0, 'adopt where all is applied');
		is_viflo([ @at, 'check' ], 0, undef, undef, 'nothing is left to do');

		goes_back(%is) unless $is{imported_only};
	};
	return;
}

# A folder of viflo's own.
my %native = (
	'1.sql' => "-- viflo revision: a\n-- message: items\n-- viflo up\nCREATE TABLE item (id int, name text DEFAULT 'it''s; 100 %');\n"
	  . "-- viflo down\nDROP TABLE item;\n",
	'2.sql' => <<'SQL',
-- viflo revision: b
-- revises: a
-- message: a function
-- viflo up
CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	-- a comment; of two parts
	RETURN 1;
END
$$;
CREATE VIEW one AS SELECT one();
-- viflo down
DROP VIEW one;
DROP FUNCTION one();
SQL
	'3.sql' => "-- viflo revision: c\n-- revises: b\n-- message: an index\n-- transaction: off\n-- viflo up\nCREATE INDEX CONCURRENTLY ON item (id);\n"
	  . "-- viflo down\nDROP INDEX CONCURRENTLY item_id_idx;\n");

# Does the tool make of an exported folder what viflo makes of its own?
sub goes_back
{
	my (%is) = @_;
	my ($ours, $theirs) = map { "${_}_$is{name}" =~ tr/-/_/r } qw(ours theirs);
	my $source = folder_of(%native);
	my $top = folder_of(%{ $is{beside} // {} });
	my $to = "$top/" . ($is{migrations} // 'new');

	unlink("$source/3.sql") if $is{in_transaction};
	$node->safe_psql('postgres', "CREATE DATABASE $_") foreach ($ours, $theirs);
	is((viflo('--url', $node->connstr($ours), '--dir', $source, 'deploy'))[0], 0, 'deploy of a native folder');
	is((viflo('--dir', $source, '--layout', $is{name}, 'export', '--to', $to))[0], 0, 'export of it');
	$is{apply}->($theirs, $is{migrations} ? $top : $to);
	is(schema_of($theirs, @{ $is{without} }), schema_of($ours), 'the tool makes the same of it');
	return;
}

# A copy of a folder without what is named.
sub copy_without
{
	my ($from, @names) = @_;
	my $to = folder_of();

	PostgreSQL::Test::RecursiveCopy::copypath($from, "$to/copy");
	unlink(map { "$to/copy/$_" } @names) == @names or die "could not remove @names";
	return "$to/copy";
}

my $dir = fixture('sqitch');
takes_over(
	name => 'sqitch',
	needs => ['sqitch'],
	dir => $dir,
	half => ['tables/item'],
	apply => sub {
		my ($db, $folder, $to) = @_;

		run_tool($folder, 'sqitch', 'deploy', $to ? ('--to', $to) : (), "db:pg:$db");
	},
	without => [ '-N', 'sqitch' ],
	states => [ [ 'schema', 'applied' ], [ 'tables/item', 'applied' ], [ 'price', 'pending' ],
		[ 'price~2', 'pending' ], [ 'filled', 'pending' ] ]);

takes_over(
	name => 'alembic',
	needs => [ 'alembic', '/usr/lib/python3/dist-packages/psycopg2' ],
	dir => fixture('alembic'),
	half => ['b1'],
	apply => sub {
		my ($db, $folder, $to) = @_;

		run_tool($folder, 'alembic', '-x', 'url=' . url_of($db), 'upgrade', $to // 'heads');
	},
	options => ['--allow-programs'],
	imported_only => 1,
	without => [ '-T', 'alembic_version' ],
	states => [ [ 'a1', 'applied' ], [ 'b1', 'applied' ], [ 'c1', 'pending' ], [ 'd1', 'pending' ] ]);

# The fixture has what dbmate itself trips over: two pairs in a file.
$dir = copy_without(fixture('dbmate'), '20240103120000_two_pairs.sql');
put("$dir/20240103120000_last.sql", "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON people (name);\n-- migrate:down\n");
takes_over(
	name => 'dbmate',
	needs => [ 'node', "$modules/dbmate/dist/cli.js", "$modules/\@dbmate/linux-x64" ],
	dir => $dir,
	half => copy_without($dir, '20240103120000_last.sql'),
	apply => sub {
		my ($db, $folder) = @_;

		run_tool($folder, 'node', "$modules/dbmate/dist/cli.js", '--url', "postgres://$user\@:$port/$db?socket=$host",
			'--migrations-dir', '.', '--no-dump-schema', 'up');
	},
	without => [ '-T', 'schema_migrations' ],
	states => [ [ '20240101120000_people', 'applied' ], [ '20240102120000_people_name', 'applied' ],
		[ '20240103120000_last', 'pending' ] ]);

$dir = fixture('node-pg-migrate');
takes_over(
	name => 'node-pg-migrate',
	in_transaction => 1,
	needs => [ 'node', "$modules/node-pg-migrate/bin/node-pg-migrate.js" ],
	dir => $dir,
	half => [2],
	apply => sub {
		my ($db, $folder, $count) = @_;
		local $ENV{DATABASE_URL} = url_of($db);

		run_tool($folder, 'node', "$modules/node-pg-migrate/bin/node-pg-migrate.js", 'up', $count // (), '-m', '.');
	},
	without => [ '-T', 'pgmigrations', '-T', 'pgmigrations_id_seq' ],
	states => [ [ '1_people', 'applied' ], [ '1391877300255_first', 'applied' ], [ '20140208163501000_second', 'pending' ] ]);

my %beside = ('.gmrc' => '{}');
$dir = folder_of(%beside);
mkdir("$dir/migrations");
PostgreSQL::Test::RecursiveCopy::copypath(fixture('graphile-migrate') . '/committed', "$dir/migrations/committed");
takes_over(
	name => 'graphile-migrate',
	beside => {%beside},
	needs => [ 'node', "$modules/graphile-migrate/dist/cli.js" ],
	dir => $dir,
	migrations => 'migrations',
	half => copy_without($dir, 'migrations/committed/000003-comment.sql'),
	apply => sub {
		my ($db, $folder) = @_;
		local $ENV{DATABASE_URL} = url_of($db);
		local $ENV{ROOT_DATABASE_URL} = url_of('postgres');
		local $ENV{SHADOW_DATABASE_URL} = url_of('nosuch');

		run_tool($folder, 'node', "$modules/graphile-migrate/dist/cli.js", 'migrate');
	},
	without => [ '-N', 'graphile_migrate' ],
	states => [ [ '000001-people', 'applied' ], [ '000002', 'applied' ], [ '000003-comment', 'pending' ] ]);

%beside = ('root.yaml' => "databaseChangeLog:\n  - includeAll:\n      path: db/\n");
$dir = folder_of(%beside);
PostgreSQL::Test::RecursiveCopy::copypath(fixture('liquibase'), "$dir/db");
takes_over(
	name => 'liquibase',
	beside => {%beside},
	needs => [ 'java', "$jars/liquibase-core.jar" ],
	dir => $dir,
	migrations => 'db',
	half => [1],
	apply => sub {
		my ($db, $folder, $count) = @_;
		my @jars = map { glob("$jars/$_*.jar") }
		  qw(liquibase-core liquibase-commercial commons- jaxb- opencsv picocli postgresql snakeyaml);

		run_tool($folder, 'java', '-XX:TieredStopAtLevel=1', '-cp', join(':', @jars, "$jars/../.."),
			'liquibase.integration.commandline.LiquibaseCommandLine', '--headless=true',
			"--url=jdbc:postgresql://127.0.0.1:$port/$db", "--username=$user", '--changelog-file=root.yaml',
			defined $count ? ('update-count', "--count=$count") : 'update');
	},
	without => [ '-T', 'databasechangelog', '-T', 'databasechangeloglock' ],
	states => [ [ '001_shop.alice.customers', 'applied' ], [ '001_shop.bob_example.org.2 names', 'pending' ],
		[ 'functions.alice.f', 'pending' ] ]);

$dir = fixture('drizzle');
my $half = copy_without($dir);
my $journal = slurp_text("$dir/meta/_journal.json");
$journal =~ s/,\s*\{[^{}]*0002_books[^{}]*\}// or die 'no last entry';
put("$half/meta/_journal.json", $journal);
my $migrator = put(folder_of() . '/migrate.cjs', <<'SCRIPT');
const { drizzle } = require('drizzle-orm/node-postgres');
const { migrate } = require('drizzle-orm/node-postgres/migrator');
const { Pool } = require('pg');
(async () => {
	const pool = new Pool();
	await migrate(drizzle(pool), { migrationsFolder: '.' });
	await pool.end();
})();
SCRIPT
takes_over(
	name => 'drizzle',
	in_transaction => 1,
	needs => [ 'node', "$modules/drizzle-orm/node-postgres/migrator.cjs", "$modules/pg" ],
	dir => $dir,
	half => $half,
	apply => sub {
		my ($db, $folder) = @_;
		local $ENV{PGDATABASE} = $db;
		local $ENV{NODE_PATH} = $modules;

		run_tool($folder, 'node', $migrator);
	},
	without => [ '-N', 'drizzle' ],
	states => [ [ '0000_quiet_author', 'applied' ], [ '0010_born', 'applied' ], [ '0002_books', 'pending' ] ]);

done_testing();
