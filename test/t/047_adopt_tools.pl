# viflo adopt, tool by tool: four migrations each, a history table as that tool
# makes it, and what viflo makes of its rows.  Checksums are computed here, from
# the tools' own rules.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Compress::Zlib qw(crc32);
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha1_hex sha256_base64 sha256_hex sha384_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

# SipHash-1-3 with key 0, as a decimal number.
sub siphash
{
	no warnings 'portable';
	my ($bytes) = @_;
	my ($a, $b, $c, $d) = (0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573);
	my $add = sub { use integer; return $_[0] + $_[1]; };
	my $turn = sub { return ($_[0] << $_[1]) | (($_[0] & ~0) >> (64 - $_[1])); };
	my $round = sub {
		($a, $c) = (($add->($a, $b) & ~0), ($add->($c, $d) & ~0));
		($b, $d) = ($turn->($b, 13) ^ $a, $turn->($d, 16) ^ $c);
		$a = $turn->($a, 32);
		($c, $a) = (($add->($c, $b) & ~0), ($add->($a, $d) & ~0));
		($b, $d) = ($turn->($b, 17) ^ $c, $turn->($d, 21) ^ $a);
		$c = $turn->($c, 32);
	};
	my $length = length($bytes);

	foreach my $word (unpack('Q<*', $bytes . "\0" x (7 - $length % 8) . chr($length % 256)))
	{
		$d ^= $word;
		$round->();
		$a ^= $word;
	}
	$c ^= 0xff;
	$round->() foreach 1 .. 3;
	return sprintf('%u', $a ^ $b ^ $c ^ $d);
}
# What CPython's hash(b'first\xff') is, which is SipHash-1-3 too, with PYTHONHASHSEED=0.
is(siphash("first\xff"), '2431060183127934463', 'SipHash-1-3');

sub create { return "CREATE TABLE t$_[0] (i int);\n"; }
sub drop { return "DROP TABLE t$_[0];\n"; }

# Lines without their ends.
sub flyway_crc { return unpack('l', pack('L', crc32($_[0] =~ tr/\r\n//dr))); }
sub liquibase_md5 { return '9:' . md5_hex('9:' . md5_hex($_[0] =~ tr/ \t\r\n//dr) . ':'); }

# atlas.sum, and the hash of each file in it.
sub atlas_sum
{
	my (%files) = @_;
	my ($all, $lines, $total) = ('', '', '');
	my %hashes;

	foreach my $name (sort keys %files)
	{
		$all .= $name . $files{$name};
		$hashes{$name} = sha256_base64($all) . '=';
		$lines .= "$name h1:$hashes{$name}\n";
		$total .= $name . $hashes{$name};
	}
	return ('h1:' . sha256_base64($total) . "=\n$lines", \%hashes);
}

# Four committed files, and the hash of each.
sub graphile_files
{
	my ($text) = @_;
	my (%files, %hashes);
	my $previous = '';

	foreach my $n (1 .. 4)
	{
		my $body = $text->($n) =~ s/\A\s+|\s+\z//gr;
		my $hash = 'sha1:' . sha1_hex(($previous ? "$previous\n" : '') . "$body\n");

		$files{"committed/00000$n.sql"} = '--! Previous: ' . ($previous || '-') . "\n--! Hash: $hash\n\n$body\n";
		$previous = $hashes{$n} = $hash;
	}
	return (\%files, \%hashes);
}

# A plan of four changes, and the id of each.
sub sqitch_files
{
	my ($text) = @_;
	my %files = ('sqitch.plan' => "%syntax-version=1.0.0\n%project=shop\n\n");
	my ($parent, %ids) = '';

	foreach my $n (1 .. 4)
	{
		my $info = "project shop\nchange t$n\n$parent"
		  . "planner Ada <ada\@example.com>\ndate 2026-01-0${n}T08:00:00Z\n\nnote $n";

		$ids{$n} = sha1_hex('change ' . length($info) . "\0$info");
		$parent = "parent $ids{$n}\n";
		$files{'sqitch.plan'} .= "t$n 2026-01-0${n}T08:00:00Z Ada <ada\@example.com> # note $n\n";
		$files{"deploy/t$n.sql"} = $text->($n);
	}
	return (\%files, \%ids);
}

sub quote { return "'" . ($_[0] =~ s/'/''/gr) . "'"; }

# Each tool: file, name and text of migration n (or files, all of them); id, the
# revision; table and columns, as the tool makes them; row, the values for
# migration n whose text is given, and checksum, what is in them; failed, the
# same where it went wrong; empty: what else the table holds and means nothing.
# newest: only the newest version counts, and all before it.
my %text = map { $_ => create($_) } 1 .. 4;
my $id = sub { return "${_[0]}_t$_[0]"; };
my @tools = (
	{
		name => 'alembic',
		layout => 'native',
		newest => 1,
		file => sub { return ("t$_[0].sql" => "-- viflo revision: r$_[0]\n-- revises: " . ($_[0] > 1 ? 'r' . ($_[0] - 1) : '') . "\n-- viflo up\n$_[1]"); },
		id => sub { return "r$_[0]"; },
		table => 'alembic_version',
		columns => 'version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY',
		row => sub { return "'r$_[0]'"; },
	},
	{
		name => 'atlas',
		files => sub {
			my %files = map { ("${_}_t$_.sql" => $_[0]->($_)) } 1 .. 4;

			return { %files, 'atlas.sum' => (atlas_sum(%files))[0] };
		},
		id => $id,
		table => 'atlas_schema_revisions.atlas_schema_revisions',
		columns => q{version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0,
			total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text,
			hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL},
		empty => "'.atlas_cloud_identifier', 'x', 2, 0, 0, now(), 0, NULL, NULL, '', NULL, 'v1'",
		checksum => sub {
			my %files = map { ("${_}_t$_.sql" => $_ == $_[0] ? $_[1] : $text{$_}) } 1 .. 4;

			return (atlas_sum(%files))[1]{"$_[0]_t$_[0].sql"};
		},
		row => sub { return "'$_[0]', 't$_[0]', 2, 1, 1, '2026-01-0$_[0]', 5, NULL, NULL, '$_[1]', NULL, 'v1'"; },
		failed => sub { return "'$_[0]', 't$_[0]', 2, 1, 2, '2026-01-0$_[0]', 5, 'no luck', 'SELECT', '$_[1]', '[]', 'v1'"; },
	},
	{
		name => 'dbmate',
		file => sub { return ("$_[0]_t$_[0].sql" => "-- migrate:up\n$_[1]-- migrate:down\n"); },
		id => $id,
		table => 'schema_migrations',
		columns => 'version varchar PRIMARY KEY',
		row => sub { return "'$_[0]'"; },
	},
	{
		name => 'diesel',
		file => sub { return ("2024-01-0$_[0]-000000_t$_[0]/up.sql" => $_[1]); },
		id => sub { return "2024010$_[0]000000_t$_[0]"; },
		table => '__diesel_schema_migrations',
		columns => 'version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP',
		row => sub { return "'2024010$_[0]000000', '2026-01-0$_[0]'"; },
	},
	{
		name => 'drizzle',
		newest => 1,
		files => sub {
			return { (map { ("000${_}_t$_.sql" => $_[0]->($_)) } 1 .. 4),
				'meta/_journal.json' => '{"version": "7", "dialect": "postgresql", "entries": ['
				  . join(', ', map { qq({"idx": $_, "version": "7", "when": 170000000000$_, "tag": "000${_}_t$_", "breakpoints": true}) } 1 .. 4)
				  . ']}' };
		},
		id => sub { return "000$_[0]_t$_[0]"; },
		table => 'drizzle.__drizzle_migrations',
		columns => 'id serial PRIMARY KEY, hash text NOT NULL, created_at bigint',
		empty => "0, 'none', NULL",
		checksum => sub { return sha256_hex($_[1]); },
		row => sub { return "$_[0], '$_[1]', 170000000000$_[0]"; },
	},
	{
		name => 'flyway',
		file => sub { return ("V0$_[0]_0__t.sql" => $_[1] =~ s/\n/\r\n/r); },
		id => sub { return "V0$_[0]_0__t"; },
		table => 'flyway_schema_history',
		columns => q{installed_rank int NOT NULL CONSTRAINT flyway_schema_history_pk PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
			type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,
			installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL},
		empty => q{0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '"app"', NULL, 'ada', now(), 0, true},
		checksum => sub { return flyway_crc($_[1]); },
		row => sub { return "$_[0], '0$_[0].0', 't', 'SQL', 'V0$_[0]_0__t.sql', $_[1], 'ada', '2026-01-0$_[0]', 3, true"; },
		failed => sub { return "$_[0], '0$_[0].0', 't', 'SQL', 'V0$_[0]_0__t.sql', $_[1], 'ada', '2026-01-0$_[0]', 3, false"; },
	},
	{
		name => 'golang-migrate',
		newest => 1,
		file => sub { return ("$_[0]_t$_[0].up.sql" => $_[1]); },
		id => $id,
		table => 'schema_migrations',
		columns => 'version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL',
		row => sub { return "$_[0], false"; },
		failed => sub { return "$_[0], true"; },
	},
	{
		name => 'goose',
		file => sub { return ("0000$_[0]_t$_[0].sql" => "-- +goose Up\n$_[1]"); },
		id => sub { return "0000$_[0]_t$_[0]"; },
		table => 'goose_db_version',
		columns => 'id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now()',
		empty => '0, 0, true, now()',
		row => sub { return "$_[0], $_[0], true, '2026-01-0$_[0]'"; },
	},
	{
		name => 'graphile-migrate',
		files => sub { return (graphile_files($_[0]))[0]; },
		id => sub { return "00000$_[0]"; },
		table => 'graphile_migrate.migrations',
		columns => 'hash text PRIMARY KEY, previous_hash text REFERENCES graphile_migrate.migrations, filename text NOT NULL, date timestamptz NOT NULL DEFAULT now()',
		checksum => sub {
			my ($n, $text) = @_;

			return (graphile_files(sub { return $_[0] == $n ? $text : $text{ $_[0] }; }))[1]{$n};
		},
		row => sub { return "'$_[1]', NULL, '00000$_[0].sql', '2026-01-0$_[0]'"; },
	},
	{
		name => 'liquibase',
		file => sub { return ("00$_[0]_t$_[0].sql" => "--liquibase formatted sql\n--changeset ada:t$_[0]\n$_[1]"); },
		id => sub { return "00$_[0]_t$_[0].ada.t$_[0]"; },
		table => 'databasechangelog',
		columns => q{id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL,
			orderexecuted integer NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255),
			tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10)},
		empty => q{'t1', 'ada', 'other/001_t1.sql.bak', '2026-01-01', 0, 'SKIPPED', NULL},
		checksum => sub { return liquibase_md5($_[1]); },
		row => sub { return "'t$_[0]', 'ada', 'db/changes/00$_[0]_t$_[0].sql', '2026-01-0$_[0]', $_[0], 'EXECUTED', '$_[1]'"; },
		failed => sub { return "'t$_[0]', 'ada', '00$_[0]_t$_[0].sql', '2026-01-0$_[0]', $_[0], 'FAILED', '$_[1]'"; },
	},
	{
		name => 'node-pg-migrate',
		file => sub { return ("170000000000${_[0]}_t$_[0].sql" => "-- Up Migration\n$_[1]"); },
		id => sub { return "170000000000${_[0]}_t$_[0]"; },
		table => 'pgmigrations',
		columns => 'id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL',
		row => sub { return "$_[0], '170000000000${_[0]}_t$_[0]', '2026-01-0$_[0]'"; },
	},
	{
		name => 'prisma',
		files => sub { return { 'migration_lock.toml' => qq(provider = "postgresql"\n), map { ("2024010${_}000000_t$_/migration.sql" => $_[0]->($_)) } 1 .. 4 }; },
		id => sub { return "2024010$_[0]000000_t$_[0]"; },
		table => '_prisma_migrations',
		columns => q{id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
			logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0},
		empty => "'zero', 'x', NULL, '20240103000000_t3', 'no luck', now(), '2025-01-01', 0",
		checksum => sub { return sha256_hex($_[1]); },
		row => sub { return "'id$_[0]', '$_[1]', '2026-01-0$_[0]', '2024010$_[0]000000_t$_[0]', NULL, NULL, '2026-01-0$_[0]', 1"; },
		failed => sub { return "'id$_[0]', '$_[1]', NULL, '2024010$_[0]000000_t$_[0]', 'no luck', NULL, '2026-01-0$_[0]', 0"; },
	},
	{
		name => 'refinery',
		layout => 'refinery',
		file => sub { return ("V$_[0]__t$_[0].sql" => $_[1]); },
		id => sub { return "V$_[0]__t$_[0]"; },
		table => 'refinery_schema_history',
		columns => 'version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255)',
		checksum => sub { return siphash("t$_[0]\xff" . pack('l<', $_[0]) . "$_[1]\xff"); },
		row => sub { return "$_[0], 't$_[0]', '2026-01-0$_[0]T08:00:00.123456789Z', '$_[1]'"; },
	},
	{
		name => 'refinery',
		layout => 'refinery',
		case => 'refinery with wide versions',
		file => sub { return ("V2024010$_[0]0000__t$_[0].sql" => $_[1]); },
		id => sub { return "V2024010$_[0]0000__t$_[0]"; },
		table => 'refinery_schema_history',
		columns => 'version int8 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255)',
		checksum => sub { return siphash("t$_[0]\xff" . pack('q<', "2024010$_[0]0000") . "$_[1]\xff"); },
		row => sub { return "2024010$_[0]0000, 't$_[0]', '2026-01-0$_[0]T08:00:00Z', '$_[1]'"; },
	},
	{
		name => 'sourcegraph',
		files => sub {
			return { map { ("100${_}_t$_/up.sql" => $_[0]->($_), "100${_}_t$_/down.sql" => drop($_),
					"100${_}_t$_/metadata.yaml" => "name: t$_\nparents: [" . ($_ > 1 ? 1000 + $_ - 1 : '') . "]\n") } 1 .. 4 };
		},
		id => sub { return "100$_[0]_t$_[0]"; },
		table => 'migration_logs',
		columns => q{id serial PRIMARY KEY, migration_logs_schema_version integer NOT NULL, schema text NOT NULL, version integer NOT NULL, up bool NOT NULL,
			started_at timestamptz NOT NULL, finished_at timestamptz, success boolean, error_message text, backfilled boolean NOT NULL DEFAULT false},
		# Applied, and undone later.
		empty => q{-2, 2, 'schema_migrations', 1003, true, '2025-01-01', '2025-01-01', true, NULL),
			(-1, 2, 'schema_migrations', 1003, false, '2025-01-01', '2025-01-01', true, NULL},
		row => sub { return "$_[0], 2, 'schema_migrations', 100$_[0], true, '2026-01-0$_[0]', '2026-01-0$_[0]', true, NULL"; },
		# It is not known how that ended.
		failed => sub { return "$_[0], 2, 'schema_migrations', 100$_[0], false, '2026-01-0$_[0]', NULL, NULL, NULL"; },
	},
	{
		name => 'sqitch',
		files => sub { return (sqitch_files($_[0]))[0]; },
		id => sub { return "t$_[0]"; },
		table => 'sqitch.changes',
		columns => q{change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL, note text NOT NULL DEFAULT '',
			committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL, committer_email text NOT NULL,
			planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL, UNIQUE (project, script_hash)},
		checksum => sub { return sha1_hex($_[1]); },
		row => sub {
			my ($ids) = (sqitch_files(\&create))[1];

			return "'$ids->{$_[0]}', '$_[1]', 't$_[0]', 'shop', '', '2026-01-0$_[0]', 'Ada', 'a', now(), 'Ada', 'a'";
		},
	},
	{
		name => 'sqlx',
		layout => 'sqlx',
		file => sub { return ("$_[0]_t$_[0].sql" => $_[1]); },
		id => $id,
		table => '_sqlx_migrations',
		columns => q{version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL,
			checksum bytea NOT NULL, execution_time bigint NOT NULL},
		checksum => sub { return sha384_hex($_[1]); },
		row => sub { return "$_[0], 't$_[0]', '2026-01-0$_[0]', true, '\\x$_[1]', 5"; },
		failed => sub { return "$_[0], 't$_[0]', '2026-01-0$_[0]', false, '\\x$_[1]', 5"; },
	},
	{
		name => 'supabase',
		layout => 'supabase',
		file => sub { return ("2024010$_[0]000000_t$_[0].sql" => $_[1]); },
		id => sub { return "2024010$_[0]000000_t$_[0]"; },
		table => 'supabase_migrations.schema_migrations',
		columns => 'version text NOT NULL PRIMARY KEY, statements text[], name text',
		row => sub { return "'2024010$_[0]000000', '{}', 't$_[0]'"; },
	},
	{
		name => 'tern',
		layout => 'tern',
		newest => 1,
		file => sub { return ("00$_[0]_t$_[0].sql" => "$_[1]---- create above / drop below ----\n" . drop($_[0])); },
		id => sub { return "00$_[0]_t$_[0]"; },
		table => 'schema_version',
		columns => 'version int4 NOT NULL',
		row => sub { return "$_[0]"; },
	});

# Revisions by state, as "applied: a b; pending: c".
sub states
{
	my ($document) = @_;
	my %by;

	push @{ $by{ $_->{state} } }, $_->{revision} for @{ $document->{revisions} };
	return join('; ', map { "$_: @{ $by{$_} }" } sort keys %by);
}

sub files_of
{
	my ($tool, $text) = @_;

	return $tool->{files} ? %{ $tool->{files}->($text) } : map { $tool->{file}->($_, $text->($_)) } 1 .. 4;
}

# The row of migration n, with the checksum of this text.
sub row_of
{
	my ($tool, $n, $text, $failed) = @_;
	my $checksum = $tool->{checksum} ? $tool->{checksum}->($n, $text) : undef;

	return "INSERT INTO $tool->{table} VALUES (" . ($failed ? $tool->{failed} : $tool->{row})->($n, $checksum) . ');';
}

my $database;
my @at;

# A new database with a tool's table.
sub new_database
{
	my ($tool, $sql) = @_;
	my $schema = $tool->{table} =~ /^(\w+)\./ ? "CREATE SCHEMA $1;" : '';

	$database = ($tool->{case} // $tool->{name}) =~ tr/- /__/r;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "$schema CREATE TABLE $tool->{table} ($tool->{columns});"
		  . ($tool->{empty} ? "INSERT INTO $tool->{table} VALUES ($tool->{empty});" : ''));
	return;
}

# What adopt --dry-run says with these rows: exit status, states and problems.
sub tried
{
	my ($tool, $dir, $rows, @options) = @_;
	my ($status, $document);

	$node->safe_psql($database, $rows);
	($status, $document) = viflo_json('--url', $node->connstr($database), '--dir', $dir,
		$tool->{layout} ? ('--layout', $tool->{layout}) : (), 'adopt', '--dry-run', @options);
	return ($status, states($document), $document->{problems});
}

sub table_of { return $node->safe_psql($database, "SELECT t FROM $_[0]->{table} t ORDER BY t::text"); }

foreach my $tool (@tools)
{
	subtest $tool->{case} // $tool->{name} => sub {
		my @id = map { $tool->{id}->($_) } 1 .. 4;
		my $dir = folder_of(files_of($tool, \&create));
		my $clear = "DELETE FROM $tool->{table};";
		my ($status, $states, $problems);

		new_database($tool);
		($status, $states, $problems) = tried($tool, $dir, '');
		is($states, "pending: @id", 'nothing is applied');
		is_deeply($problems, [], 'no problem');

		# Half of them; adopted below.
		my @rows = map { row_of($tool, $_, create($_)) } 1 .. 4;
		($status, $states, $problems) = tried($tool, $dir, $tool->{newest} && !$tool->{checksum} ? $rows[1] : "$rows[0] $rows[1]");
		is($states, "applied: @id[0, 1]; pending: @id[2, 3]", 'half is applied') or diag(explain($problems));
		is_deeply($problems, [], 'no problem');
		my $before = table_of($tool);
		$node->safe_psql($database, create(1) . create(2));
		my @viflo = ('--url', $node->connstr($database), '--dir', $dir, $tool->{layout} ? ('--layout', $tool->{layout}) : ());
		is($node->safe_psql($database, "SELECT to_regnamespace('viflo') IS NULL"), 't', 'a dry run makes nothing');
		($status, my $document) = viflo_json(@viflo, 'adopt');
		is("$status $document->{recorded} $document->{tool}", "0 2 $tool->{name}", 'adopt');
		($status, $document) = viflo_json(@viflo, 'upgrade');
		is("@{[ map { $_->{revision} } @$document ]}", "@id[2, 3]", 'upgrade runs the rest');
		is($node->safe_psql($database, "SELECT count(*) FROM pg_class WHERE relname ~ '^t\\d\$'"), '4', 'all tables are there');
		is(table_of($tool), $before, 'the tool\'s table is as it was');

		# What was applied is not what the file is now.
		if ($tool->{checksum})
		{
			my $other = create(2) . "-- a comment of $tool->{name}\n";
			my $changed = folder_of(files_of($tool, sub { return $_[0] == 2 ? $other : create($_[0]); }));
			my ($old, $new) = map { quotemeta($tool->{checksum}->(2, $_)) } (create(2), $other);

			($status, $states, $problems) = tried($tool, $changed, '');
			is($status, 1, 'a changed file stands in the way');
			is("$problems->[0]{kind} $problems->[0]{revision}", "changed $id[1]", 'it is named');
			like($problems->[0]{message}, qr/checksum (sha1:)?$new, \S+ has $old\z/, 'with both checksums');
			($status, $states) = tried($tool, $changed, '', '--force');
			is("$status $states", "0 applied: @id[0, 1]; pending: @id[2, 3]", 'it counts as applied when forced');
		}
		if ($tool->{failed})
		{
			my $failed = row_of($tool, 2, create(2), 1);

			($status, $states, $problems) = tried($tool, $dir, $clear . ($tool->{newest} ? '' : $rows[0]) . $failed);
			is("$status $problems->[0]{kind} $problems->[0]{revision}", "1 failed $id[1]", 'a failed one is named');
			($status, $states) = tried($tool, $dir, '', '--force');
			is("$status $states", "0 applied: $id[0]; pending: @id[1 .. 3]", 'and is pending when forced, but not what is before it');
		}
		# The first and the third.
		($status, $states) = tried($tool, $dir, $clear . ($tool->{newest} ? $rows[2] : "$rows[0] $rows[2]"));
		is("$status $states", $tool->{newest} ? "0 applied: @id[0 .. 2]; pending: $id[3]" : "0 applied: @id[0, 2]; late: $id[1]; pending: $id[3]",
			'one is missing in between');
		return if $tool->{name} =~ /graphile|sqitch|atlas/;

		# A row that has no file; where there is no other, nothing tells what is applied.
		my $alone = row_of($tool, 7, create(7));
		my $by_order = $tool->{newest} && $tool->{name} ne 'alembic';
		($status, $states, $problems) = tried($tool, $dir, $clear . $alone);
		is("$status $problems->[0]{kind}", ($by_order ? 0 : 1) . ' no file', 'only a row without a file');
		($status, $states) = tried($tool, $dir, '', '--force');
		is("$status $states", $by_order ? "0 applied: @id" : "0 pending: @id", 'it counts for nothing when forced, but where versions have an order')
		  or diag(explain($problems));
		return if $tool->{newest};
		($status, $states, $problems) = tried($tool, $dir, "$rows[0]");
		is("$status $problems->[0]{kind} $states", "0 no file applied: $id[0]; pending: @id[1 .. 3]", 'a row without a file beside another');
	};
}

done_testing();
