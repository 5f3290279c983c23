# viflo on folders of Prisma, Drizzle, Hasura and Sourcegraph: found out, in
# their order, run, and refused where something is wrong with them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');

sub bad
{
	my ($files, $err, $name, @options) = @_;
	my $dir = folder_of(%$files);

	fails_with([@nowhere, '--dir', $dir, @options, 'load'], 1, qr{^\Q$dir\E$err}, $name);
	return;
}

sub good
{
	my ($files, $err, $name, @options) = @_;

	fails_with([@nowhere, '--verbose', '--dir', folder_of(%$files), @options, 'load'], 4, $err, $name);
	return;
}

my $lock = "provider = \"postgresql\"\n";
bad({ 'migration_lock.toml' => "# x\nprovider = \"mysql\"\n" }, qr{/migration_lock\.toml:2: error: migrations are for "mysql"},
	'Prisma for another database');
bad({ 'migration_lock.toml' => '' }, qr{/migration_lock\.toml: error: file names no provider}, 'Prisma: no provider');
bad({ 'migration_lock.toml' => $lock, 'a/down.sql' => '' }, qr{/a: error: migration has no "migration\.sql"},
	'Prisma: down without migration');
bad({ '1_a/migration.sql' => "x\n\xff" }, qr{/1_a/migration\.sql:2: error: text is not UTF-8}, 'Prisma: not UTF-8');
bad({ '1_a/migration.sql' => '', '1_b/up.sql' => '' }, qr{.*two layouts.*diesel.*prisma|.*two layouts.*prisma.*diesel},
	'Prisma and diesel');
good({ 'a/migration.sql' => '', 'a/down.sql' => '', '1_x.sql' => '' }, qr{warning: \S+1_x\.sql: ignored.*nonexistent}s,
	'Prisma without a lock file');

my $journal = '{"dialect": "postgresql", "entries": [%s]}';
my $entry = '{"tag": "%s", "when": 1}';
bad({ 'meta/_journal.json' => "{\n\"entries\": [}\n" }, qr{/meta/_journal\.json:2: error: journal is not JSON}, 'Drizzle: no JSON');
bad({ 'meta/_journal.json' => '{"dialect": "sqlite", "entries": []}' }, qr{.*: error: migrations are for "sqlite"},
	'Drizzle for another database');
bad({ 'meta/_journal.json' => '{"entries": {}}' }, qr{.*: error: journal has no list}, 'Drizzle: no entries');
bad({ 'meta/_journal.json' => sprintf($journal, '{"tag": "a", "when": "x"}') }, qr{.*: error: entry 0 of the journal has no tag},
	'Drizzle: a time that is none');
bad({ 'meta/_journal.json' => sprintf($journal, sprintf($entry, '0_a')) },
	qr{/meta/_journal\.json: error: entry 0 of the journal is "0_a", for which there is no file}, 'Drizzle: no file');
bad({ 'meta/_journal.json' => sprintf($journal, join(',', (sprintf($entry, '0_a')) x 2)), '0_a.sql' => '' },
	qr{.*: error: entry 1 of the journal is "0_a" again}, 'Drizzle: an entry twice');
bad({ 'a/migration.sql' => '', 'a/snapshot.json' => '{}' }, qr{/a: error: name of the migration does not begin},
	'Drizzle: a folder without a time');
good({ 'meta/_journal.json' => sprintf($journal, sprintf($entry, '0_a')), '0_a.sql' => '', '0_a.down.sql' => '', '1_b.sql' => '' },
	qr{\A[^\n]+warning: \S+/1_b\.sql: ignored, as it is not in the journal\n.*nonexistent}s, 'Drizzle: not in the journal');

bad({ 'a/1700000000000_x/up.sql' => '1', 'b/c/1700000000000_x/up.sql' => '1' },
	qr{: error: folder has migrations of several databases\nDETAIL:  They are in "\S+/a", "\S+/b/c"\.\nHINT}, 'Hasura: two databases');
bad({ '1700000000000_x/up.sql' => '1', '1700000000000_y/up.sql' => '1' },
	qr{/1700000000000_y: error: second folder of version 1700000000000}, 'Hasura: a version twice');
bad({ '1700000000000_x/down.sql' => '1' }, qr{/1700000000000_x: error: migration has no "up\.sql"}, 'Hasura: down alone');
bad({ '1700000000000_x/up.sql' => '1', '1_y/up.sql' => '1' }, qr{.*two layouts}, 'Hasura and diesel');
bad({ '18446744073709551616_x/up.sql' => '1' }, qr{.*out of range}, 'Hasura: a number too large', '--layout', 'hasura');
good({ '1700000000000_x/up.sql' => '' }, qr{warning: \S+/1700000000000_x: empty, ignored\n}, 'Hasura: an empty file');

my %one = ('1/up.sql' => '', '1/down.sql' => '', '1/metadata.yaml' => "parents: []\n");
bad({ %one, '2/up.sql' => '', '2/metadata.yaml' => "name: x\nparents: [1, 7]\n" },
	qr{/2/metadata\.yaml:2: error: parent 7 is not in the folder}, 'Sourcegraph: no such parent');
bad({ %one, '2/up.sql' => '', '2/metadata.yaml' => "\nparents: [x]\n" }, qr{/2/metadata\.yaml:2: error: value of this key},
	'Sourcegraph: a parent that is no number');
bad({ %one, '2/up.sql' => '', '2/metadata.yaml' => "createIndexConcurrently: yes\n" }, qr{/2/metadata\.yaml:1: error: value},
	'Sourcegraph: not a boolean');
bad({ %one, '2/up.sql' => '', '2/metadata.yaml' => "a: [\n" }, qr{/2/metadata\.yaml:2: error: metadata is not YAML}, 'Sourcegraph: no YAML');
bad({ %one, '2/up.sql' => '', '2/metadata.yaml' => "- a\n" }, qr{/2/metadata\.yaml:1: error: metadata is not a list of keys},
	'Sourcegraph: a list');
bad({ %one, '2/metadata.yaml' => '' }, qr{/2: error: migration has no "up\.sql"}, 'Sourcegraph: no up');
bad({ %one, '2/up.sql' => '' }, qr{/2: error: migration has no "metadata\.yaml"}, 'Sourcegraph: no metadata',
	'--layout', 'sourcegraph');
bad({ %one, '01_x/up.sql' => '', '01_x/metadata.yaml' => '' }, qr{/\S+: error: second folder of version 1}, 'Sourcegraph: a number twice');
bad({ '1/up.sql' => '', '1/metadata.yaml' => 'parent: 2', '2/up.sql' => '', '2/metadata.yaml' => 'parent: 1' },
	qr{/[12]/up\.sql: error: .*VF012}, 'Sourcegraph: a cycle');
bad({ %one, '2/up.sql' => '', '2/metadata.yaml' => "\n\xff\n" }, qr{/2/metadata\.yaml:2: error: text is not UTF-8}, 'Sourcegraph: not UTF-8');

# With a server.
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;
my $database = 0;

sub new_database
{
	my $name = 'db' . ++$database;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	return $name;
}

# The fixture's revisions, in order, with their parents; then up, and down so far.
sub run_fixture
{
	my ($name, $expected, $down, $command) = @_;
	my $db = new_database();
	my @at = ('--url', $node->connstr($db), '--dir', fixture($name));
	my ($status, $document) = viflo_json(@at, 'load');

	is($status, 0, "$name: load");
	is( $node->safe_psql($db,
			q{SELECT revision, array_to_string(down_revision, '+'), message, transactional }
			  . q{FROM viflo_history(project => 'app') ORDER BY revision COLLATE "C"}),
		join("\n", @$expected), "$name: ids, parents and messages");
	($status, $document) = viflo_json(@at, $command // 'upgrade');
	is($status, 0, "$name: upgrade") or diag(explain($document));
	is_viflo([@at, $command ? 'revert' : 'downgrade', $down], 0, undef, undef, "$name: down to $down") if $down;
	return $db;
}

my $db = run_fixture('prisma',
	[ '20240115090000_authors||authors|t', '20240201000000_born|20240115090000_authors|born|t' ]);
is($node->safe_psql($db, 'SELECT count(*) FROM "Author" WHERE born IS NULL'), '0', 'prisma: the table is there');
$db = run_fixture('drizzle',
	[ '0000_quiet_author||quiet author|t', '0002_books|0010_born|books|t', '0010_born|0000_quiet_author|born|t' ]);
is($node->safe_psql($db, q{SELECT obj_description('author'::regclass), to_regclass('author_name')}), 'who|author_name',
	'drizzle: parts without a semicolon');
run_fixture('drizzle-folders',
	[ '20240115090000_first||first|t', '20240201000000_second|20240115090000_first|second|t' ]);
$db = run_fixture('hasura',
	[ '1700000000000_init||init|t', '1700000000900_alter_author|1700000000000_init|alter author|t' ], 'base');
is($node->safe_psql($db, q{SELECT to_regclass('author')}), '', 'hasura: nothing is left');
$db = run_fixture('sourcegraph',
	[ '1001_base||base|t', '1002_born|1001_base|born|t', '1003|1001_base|index of names|f', '1004_join|1003+1002_born|join|t' ],
	'base', 'deploy');
is($node->safe_psql($db, q{SELECT to_regclass('author')}), '', 'sourcegraph: nothing is left');

# A line of an error, behind a breakpoint.
my $dir = folder_of('meta/_journal.json' => sprintf($journal, sprintf($entry, '0_a')),
	'0_a.sql' => "SELECT 1\n--> statement-breakpoint\nSELECT 2--> statement-breakpoint\nnonsense;\n");
is_viflo(['--url', $node->connstr(new_database()), '--dir', $dir, 'upgrade'], 1, '',
	qr{^\Q$dir\E/0_a\.sql:4:1: error: syntax error at or near "nonsense"}m, 'drizzle: place of an error');

# YAML's ways to say nothing.
$dir = folder_of('1_x/up.sql' => '', '1_x/metadata.yaml' => "name: null\nparents:\nparent: ~\ncreateIndexConcurrently:\n");
is_viflo(['--url', $node->connstr(new_database()), '--dir', $dir, 'load'], 0, qr/^load  1_x  x$/, undef, 'sourcegraph: keys without a value');

# New files, and what they are read as.
my %new = (
	prisma => [ { 'migration_lock.toml' => $lock }, qr{\d{14}_add_users/migration\.sql} ],
	drizzle => [ { 'meta/_journal.json' => sprintf($journal, '{"idx": 4, "tag": "0004_x", "when": 1}'), '0004_x.sql' => '' },
		qr{meta/_journal\.json\n\S+/0005_add_users\.sql} ],
	hasura => [ { 'db/1700000000000_x/up.sql' => 'SELECT 1;' }, qr{db/\d{13}_add_users/up\.sql\n\S+/down\.sql} ],
	sourcegraph => [ {%one}, qr{\d+_add_users/metadata\.yaml\n\S+up\.sql\n\S+down\.sql} ]);
for my $layout (sort keys %new)
{
	my ($files, $out) = @{ $new{$layout} };

	$dir = folder_of(%$files);
	is_viflo(['--dir', $dir, 'revision', '-m', 'Add users'], 0, qr{^\Q$dir\E/$out\n\z}, '', "$layout: revision");
	put($_, 'SELECT 1;') for glob "$dir/*/*_add_users/up.sql";
	is_viflo(['--url', $node->connstr(new_database()), '--dir', $dir, 'load'], 0, qr/^load  \d+_add_users  add users$/im, undef,
		"$layout: and it is read");
}
like(slurp_text((glob "$dir/*_add_users/metadata.yaml")[0]), qr/^name: 'Add users'\nparents: \[1\]\n\z/, 'its parent is the head');

# A file that the journal does not have is not taken for the new one's.
$dir = folder_of('meta/_journal.json' => sprintf($journal, ''), '0000_add.sql' => 'SELECT 1;');
is_viflo(['--dir', $dir, 'revision', '-m', 'add'], 1, '', qr{/0000_add\.sql: error: file exists already}, 'drizzle: a file that is in the way');
is(slurp_text("$dir/0000_add.sql"), 'SELECT 1;', 'stays as it is');
unlike(slurp_text("$dir/meta/_journal.json"), qr/0000_add/, 'and the journal, too');

for my $layout (sort keys %new, 'sqitch')
{
	$dir = folder_of();
	is_viflo(['--dir', $dir, '--layout', $layout, 'revision', '-m', 'First'], 0, qr{^\Q$dir\E/}, '', "$layout: the first revision");
	put($_, 'SELECT 1;') for glob "$dir/*/up.sql";
	is_viflo(['--url', $node->connstr(new_database()), '--dir', $dir, 'upgrade'], 0, qr/\Aup    \w*first  first  .*\n\z/i, undef,
		"$layout: and it is run");
}

done_testing();
