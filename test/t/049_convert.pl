# viflo import and viflo export: a folder of every layout as native files, and a
# native folder in every layout that can be written; the same schema, the same
# texts, and what is lost is said.

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
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

my $databases = 0;

sub new_url
{
	$node->safe_psql('postgres', 'CREATE DATABASE db' . ++$databases);
	return $node->connstr("db$databases");
}

sub schema_of
{
	my ($out, $err) = run_command([ 'pg_dump', '-s', '-O', '-d', $_[0], '-N', 'viflo' ]);

	return join('', grep { !/^\\(?:un)?restrict |viflo_migrate|^--|^\n/ } split(/^/m, $out));
}

# The up and down sections of a folder of native files, in the order of the
# revisions; none is "none", and a repeatable one has no place.
sub sections_of
{
	my ($dir, $which) = @_;
	my (%next, %text);

	foreach my $name (glob("$dir/*.sql"))
	{
		my ($head, $body) = slurp_text($name) =~ /\A(.*?)^(-- viflo up.*)/ms or die "no section in $name";
		my ($id) = $head =~ /^-- viflo revision: (.*)$/m;
		my %section = (up => 'none', down => 'none');

		next if $head =~ /^-- repeatable/m;
		while ($body =~ /^-- viflo (\w+)\n(.*?)\s*(?=^-- viflo |\z)/gms)
		{
			$section{$1} = $2;
		}
		$next{ $head =~ /^-- revises: (.*)$/m ? $1 : '' } = $id;
		$text{$id} = $section{$which};
	}
	my ($id, @texts) = ('');
	push @texts, $text{$id} while defined($id = $next{$id});
	return \@texts;
}

# Import: layout => folder below test/fixtures, and options.
my %fixtures = (
	alembic => ['alembic'],
	atlas => ['atlas'],
	dbmate => ['dbmate'],
	diesel => ['diesel'],
	drizzle => ['drizzle'],
	'drizzle-folders' => ['drizzle-folders'],
	flyway => [ 'flyway', '--set', 'greeting=hello' ],
	'golang-migrate' => ['golang-migrate'],
	goose => ['goose'],
	'graphile-migrate' => ['graphile-migrate'],
	hasura => ['hasura/migrations/default'],
	liquibase => ['liquibase'],
	native => ['native'],
	'node-pg-migrate' => ['node-pg-migrate'],
	numbered => ['numbered'],
	prisma => ['prisma'],
	rails => ['rails'],
	refinery => ['refinery'],
	sourcegraph => ['sourcegraph'],
	sqitch => ['sqitch'],
	sqlx => ['sqlx'],
	supabase => ['supabase/migrations'],
	tern => ['tern']);

foreach my $layout (sort keys %fixtures)
{
	subtest "import of $layout" => sub {
		my ($name, @options) = @{ $fixtures{$layout} };
		my $native = folder_of();
		my ($theirs, $ours) = (new_url(), new_url());
		my @theirs = ('--dir', fixture($name), @options, $layout eq 'alembic' ? '--allow-programs' : ());

		plan(skip_all => 'no alembic') if $layout eq 'alembic' && !grep { -x "$_/alembic" } split(/:/, $ENV{PATH});
		my ($status, $document, $err) = viflo_json('--url', $theirs, '--dir', fixture($name), @options, 'import', '--to', $native);
		is($status, 0, 'import') or diag($err);
		is($document->{revisions}, scalar @{ $document->{files} }, 'a file each');
		($status, undef, $err) = viflo('--url', $theirs, '--project', 'p', @theirs, 'deploy');
		is($status, 0, 'deploy of the folder itself') or diag($err);
		($status, undef, $err) = viflo('--url', $theirs, '--project', 'p', '--dir', $native, 'check');
		unlike($err, qr/have changed/, 'no file counts as changed');
		($status, $document, $err) = viflo_json('--url', $theirs, '--project', 'p', '--dir', $native, 'deploy');
		is($status, 0, 'deploy of the native files after it') or diag($err);
		is_deeply($document, [], 'nothing is left to do: ids, checksums and places are the same');
		is_viflo([ '--url', $theirs, '--project', 'p', '--dir', $native, 'check' ], 0, undef, undef, 'check');
		($status, undef, $err) = viflo('--url', $ours, '--project', 'p', '--dir', $native, 'deploy');
		is($status, 0, 'deploy of the native files alone') or diag($err);
		is(schema_of($ours), schema_of($theirs), 'the schema is the same');
	};
}

# Export: a native folder with all that may get lost.
my $source = folder_of(
	'1.sql' => <<'SQL',
-- viflo revision: a1
-- message: base
-- viflo up
CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'it''s; -- not a comment');
COMMENT ON TABLE item IS E'100 % \\ of it';
-- viflo down
DROP TABLE item;
-- viflo verify
SELECT id FROM item;
SQL
	'2.sql' => <<'SQL',
-- viflo revision: b1
-- revises: a1
-- message: 2 functions
-- labels: left
-- viflo up
CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	-- a comment
	RETURN 1;
END
$$;

CREATE FUNCTION two() RETURNS int LANGUAGE sql AS 'SELECT 2';
-- viflo down
DROP FUNCTION two();
DROP FUNCTION one();
SQL
	'3.sql' => <<'SQL',
-- viflo revision: b2
-- revises: a1
-- depends on: b1
-- message: an index
-- transaction: off
-- viflo up
CREATE INDEX CONCURRENTLY item_name ON item (name);
-- viflo down
DROP INDEX CONCURRENTLY item_name;
SQL
	'4.sql' => "-- viflo revision: c1\n-- revises: b1, b2\n-- message: an index\n-- viflo up\n-- viflo down\n",
	'5.sql' => "-- viflo revision: d1\n-- revises: c1\n-- message: no way back\n-- viflo up\nALTER TABLE item ADD born date;\n",
	'6.sql' => "-- viflo revision: v\n-- repeatable: yes\n-- message: views\n-- viflo up\nCREATE OR REPLACE VIEW v AS SELECT 1 AS one;\n");
my $expected = do { my $url = new_url(); viflo('--url', $url, '--dir', $source, 'deploy'); schema_of($url); };
like($expected, qr/COMMENT ON TABLE public.item IS '100 % \\ of it'/, 'the native folder by itself');
$expected =~ s/CREATE VIEW public.v AS\n.*\n *SELECT .*?;\n//s or $expected =~ s/CREATE VIEW public\.v AS\n[^;]*;\n//;
unlike($expected, qr/VIEW/, 'but for its view');

my @always = ('"v": repeatable, left out', '"c1": a merge becomes', '"b1": its labels are left out', '"b2": what it depends on is only kept');
my @no_verify = '"a1": its verify section is left out';
my @no_off = '"b2": that it runs outside of a transaction is left out';
# For each layout, has it downs, and what is said of it beside.
my %exports = (
	atlas => [ 0, @no_verify ],
	dbmate => [ 1, @no_verify, 'gets an empty down section, as dbmate wants one' ],
	diesel => [ 1, @no_verify ],
	drizzle => [ 1, @no_verify, @no_off ],
	flyway => [ 1, @no_verify ],
	'golang-migrate' => [ 1, @no_verify, @no_off ],
	goose => [ 1, @no_verify ],
	'graphile-migrate' => [ 0, @no_verify ],
	hasura => [ 1, @no_verify, @no_off ],
	liquibase => [ 1, @no_verify ],
	'node-pg-migrate' => [ 1, @no_verify, @no_off ],
	numbered => [ 1, @no_verify, @no_off ],
	prisma => [ 1, @no_verify, @no_off ],
	refinery => [ 0, @no_verify, @no_off ],
	sourcegraph => [ 1, @no_verify, 'gets an empty down section, as sourcegraph wants one' ],
	sqitch => [ 1, @no_off ],
	sqlx => [ 1, @no_verify ],
	supabase => [ 0, @no_verify, @no_off ],
	tern => [ 1, @no_verify ]);
my ($up, $down) = (sections_of(folder_like($source), 'up'), sections_of(folder_like($source), 'down'));

# The source as a chain, to compare with.
sub folder_like
{
	my ($dir) = @_;
	my %files = map { ("$_.sql" => slurp_text("$dir/$_.sql")) } 1 .. 5;

	$files{'3.sql'} =~ s/^-- revises: a1$/-- revises: b1/m;
	$files{'4.sql'} =~ s/^-- revises: b1, b2$/-- revises: b2/m;
	return folder_of(%files);
}
is(scalar @$up, 5, 'a chain of five');

foreach my $layout (sort keys %exports)
{
	subtest "export to $layout" => sub {
		my ($has_downs, @lost) = @{ $exports{$layout} };
		my ($theirs, $native, $url) = (folder_of(), folder_of(), new_url());
		my ($status, $document, $err) = viflo_json('--dir', $source, '--layout', $layout, 'export', '--to', $theirs);
		my @theirs = ('--url', $url, '--dir', $theirs, '--layout', $layout);

		is($status, 0, 'export') or diag($err);
		like($err, qr/warning: .*\Q$_\E/, "said: $_") foreach @always, @lost;
		is(scalar(() = $err =~ /warning: (?!down section)/g), @always + @lost, 'and nothing else');
		($status, $document, $err) = viflo_json(@theirs, 'deploy');
		is($status, 0, 'deploy') or diag($err);
		is(scalar @$document, 5, 'five steps');
		is(schema_of($url), $expected, 'the schema is the same');

		($status, undef, $err) = viflo('--dir', $theirs, '--layout', $layout, 'import', '--to', $native);
		is($status, 0, 'import of it') or diag($err);
		# Empty ones: tern wants a statement, and the merge's has none.
		my $texts = [ map { s/\Aselect;\z//r } @{ sections_of($native, 'up') } ];
		is_deeply($texts, $up, 'the same ups') or diag(explain($texts));
		$texts = [ map { s/\Aselect;\z//r } @{ sections_of($native, 'down') } ];
		if (!$has_downs)
		{
			is_deeply($texts, [ ('none') x 5 ], 'no downs');
			return;
		}
		my $empty = grep { /empty down/ } @lost;
		is_deeply($texts, [ @$down[ 0 .. 3 ], $empty ? '' : 'none' ], 'the same downs') or diag(explain($texts));
		return if $empty;
		is((viflo(@theirs, 'stamp', $document->[3]{revision}))[0], 0, 'stamp');
		is_viflo([ @theirs, 'revert', 'base' ], 0, undef, undef, 'revert');
		is(schema_of($url) =~ /^CREATE/m ? 'something' : 'nothing', 'nothing', 'nothing is left');
	};
}

# Several new ones in the same second, of one message.
foreach my $layout (grep { !/^graphile-migrate$/ } sort keys %exports)
{
	my $dir = folder_of();
	my ($made, $native, @why) = (0, folder_of());

	foreach (1 .. 3)
	{
		my ($status, $out, $err) = viflo('--dir', $dir, '--layout', $layout, 'revision', '-m', 'again');

		put("$dir/$_", "SELECT 1;\n") foreach $layout eq 'tern' ? map { s{.*/}{}r } glob("$dir/*.sql") : ();
		$made += $status == 0;
		push @why, $err;
	}
	is($made, 3, "$layout: three new ones") or diag(@why);
	# To these, an empty one is none, or not one yet.
	next if $layout =~ /^(hasura|tern)$/;
	my ($status, $document, $err) = viflo_json('--dir', $dir, '--layout', $layout, 'import', '--to', $native);
	is($document->{revisions}, 3, "$layout: are three") or diag($err);
	is(scalar @{ sections_of($native, 'up') }, 3, "$layout: and a chain");
}

# A message of two lines, which a header of graphile-migrate's cannot be.
my ($noted, $committed) = (folder_of('sqitch.plan' => "%project=x\n\na 2026-01-05T08:00:00Z Ada <ada\@example.com> # one\\ntwo\n",
		'deploy/a.sql' => 'SELECT 1;'), folder_of());
is_viflo(['--dir', $noted, '--layout', 'graphile-migrate', 'export', '--to', $committed], 0, qr{/000001-one-two\.sql\n}, '', 'a message of two lines');
is_viflo(['--dir', $committed, 'import', '--to', "$committed/native"], 0, qr{/000001-one-two\.sql\n}, '', 'can be read again');

# What is refused
my $full = folder_of('x.sql' => '');
fails_with([ '--dir', $source, '--layout', 'goose', 'export', '--to', $full ], 1, qr/^\Q$full\E: error: folder is not empty\nHINT/, 'export to a folder with files');
fails_with([ '--dir', $source, 'import', '--to', $full ], 1, qr/^\Q$full\E: error: folder is not empty/, 'import to one');
is(join(' ', map { s{.*/}{}r } glob("$full/*")), 'x.sql', 'nothing was added');
fails_with([ '--dir', $source, '--layout', 'goose', 'export' ], 2, qr/needs --layout NAME and --to DIR/, 'export without a target');
fails_with([ '--dir', $source, 'export', '--to', "$full/new" ], 2, qr/needs --layout NAME and --to DIR/, 'export without a layout');
fails_with([ '--dir', $source, '--layout', $_, 'export', '--to', "$full/new" ], 2, qr/cannot export to layout "$_"/, "export to $_")
  foreach qw(native rails alembic);
fails_with([ '--dir', "$full/none", 'import', '--to', "$full/new" ], 2, qr/does not exist/, 'import from nowhere');
my $twice = folder_of('1.sql' => "-- viflo revision: a\n-- viflo up\nSELECT '\${filename}';\n-- migrate:down\n");
foreach my $case ([ 'dbmate', 'dbmate' ], [ 'goose', 'goose', '-- +goose Down' ], [ 'tern', 'tern', '---- create above / drop below ----' ],
	[ 'node-pg-migrate', 'node-pg-migrate', '-- Down Migration' ])
{
	my ($layout, $word, $line) = @$case;
	my $dir = folder_of('1.sql' => "-- viflo revision: a\n-- viflo up\nSELECT 1;\n" . ($line // '-- migrate:down') . "\n");

	fails_with([ '--dir', $dir, '--layout', $layout, 'export', '--to', "$full/$layout" ], 1, qr/error: .*$word/,
		"a text that would be cut by $layout");
}
ok(!-e "$full/new" && !-e "$full/goose", 'nothing was made');

done_testing();
