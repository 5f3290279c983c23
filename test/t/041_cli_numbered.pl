# viflo's readers of layouts whose files are named by a number: what each makes
# of its own files and refuses, and that it runs up and down.

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
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;

$node->safe_psql('postgres', 'CREATE EXTENSION viflo_migrate');

my $database = 0;

# viflo's options for this folder and a new project, all in one database.
sub project_of
{
	my ($dir, @options) = @_;

	return ('--url', $node->connstr('postgres'), '--project', 'p' . ++$database, '--dir', $dir, @options);
}

# viflo's options for a new database and this folder.
sub at
{
	my ($dir, @options) = @_;
	my $name = 'db' . ++$database;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0; \\c $name\nCREATE EXTENSION viflo_migrate");
	return ('--url', $node->connstr($name), '--dir', $dir, @options);
}

sub sql
{
	my ($at, $sql) = @_;

	return $node->safe_psql($at->[1] =~ /dbname='?(\w+)/ ? $1 : die, $sql);
}

# The ids that a folder is read as, in order.
sub ids
{
	my ($dir, @options) = @_;
	my ($status, $document, $err) = viflo_json(project_of($dir, @options), 'plan');

	return $status == 0 ? join(' ', map { $_->{revision} } @$document) : $err . $document->{message};
}

# The sections of one revision as they were sent, with the blank lines in front
# of them: up, then down where there is one.
sub sections
{
	my ($at, $id) = @_;
	my ($status, $script) = viflo(@$at, 'script', $id);
	my ($header, @parts) = split(/^-- viflo (?:up|down)([^\n]*)\n/m, $script);
	my @sections;

	# Where one begins within the file, the lines before it are put there.
	while (my ($words, $text) = splice(@parts, 0, 2))
	{
		push @sections, ("\n" x ($words =~ /^ at (\d+) / ? $1 - 1 : 0)) . ($text // '');
	}
	return @sections;
}

# The up and down of a single file of this name.
sub read_as
{
	my ($name, $text, @options) = @_;
	my @at = project_of(folder_of($name => $text), @options);
	my ($id) = $name =~ /^([^.]+)/;

	my ($status, $out, $err) = viflo(@at, 'load');
	return $status == 0 ? sections(\@at, $id) : "$status: $err";
}

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');

# A folder is refused before anything is sent; err follows the folder's path.
sub bad
{
	my ($files, $err, $name, @options) = @_;
	my $dir = folder_of(%$files);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fails_with([@nowhere, '--dir', $dir, @options, 'load'], 1, qr/^\Q$dir\E$err/, $name);
	return;
}

# A folder is read, with this said about it, and only the server is missing.
sub good
{
	my ($files, $err, $name, @options) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fails_with([@nowhere, '--dir', folder_of(%$files), @options, 'load'], 4, $err, $name);
	return;
}

# New files: by default to be filled in.  The names that viflo prints.
sub create
{
	my ($dir, @options) = @_;
	my ($status, $out, $err) = viflo('--dir', $dir, @options, 'revision', '-m', 'Add: a thing');

	$out =~ s/^\Q$dir\E\///mg;
	return $status == 0 ? $out : $err;
}

# ---- goose ---------------------------------------------------------------

my $dir = fixture('goose');
is(ids($dir), '00001_people 00002_people_name 00010_greet', 'goose: ids in order');
my @at = at($dir);
is_viflo([@at, 'deploy'], 0, qr/^up    00010_greet/m, undef, 'goose: deploy');
is(sql(\@at, 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM people'),
	'nobody,${VIFLO_TEST_NAME}', 'goose: variables between ENVSUB ON and OFF alone');
is(sql(\@at, q(SELECT greet('x'))), 'hello; x', 'goose: a statement is kept together');
is((viflo_json(@at, 'history'))[1][1]{transactional}, JSON::PP::false, 'goose: NO TRANSACTION');
is_viflo([@at, 'revert', 'base'], 0, qr/^down  00001_people/m, undef, 'goose: revert');
is(sql(\@at, q(SELECT to_regclass('people') IS NULL)), 't', 'goose: nothing is left');

{
	local $ENV{VIFLO_TEST_NAME} = 'somebody';
	@at = at($dir);
	is_viflo([@at, 'deploy'], 0, undef, undef, 'goose: deploy with a variable');
	is(sql(\@at, 'SELECT name FROM people WHERE id = 1'), 'somebody', 'goose: from the environment');
	@at = at($dir);
	is_viflo([@at, '--set', 'VIFLO_TEST_NAME=set', 'deploy'], 0, undef, undef, 'goose: deploy with --set');
	is(sql(\@at, 'SELECT name FROM people WHERE id = 1'), 'set', 'goose: which goes before it');
}

is_deeply([ read_as('1_a.sql', "-- +goose Up\r\nSELECT 1;\r\n-- +goose Down\r\n") ],
	[ "\nSELECT 1;\r\n", "\n\n\n" ], 'goose: CRLF, and an empty Down');
is_deeply([ read_as('1_a.sql', "\xef\xbb\xbf--+goose up\nSELECT 1") ], [ "\nSELECT 1\n" ],
	'goose: a byte order mark, no blank, no Down, no last semicolon');
is_deeply([ read_as('1_a.sql', "-- +goose Up\n-- +goose StatementBegin\nSELECT\n1;\n-- +goose StatementEnd\nSELECT 2;\n") ],
	[ "\n\nSELECT\n1;\n\nSELECT 2;\n" ], 'goose: lines keep their numbers');

my $envsub = "-- +goose Up\n-- +goose ENVSUB ON\n%s\n";
local @ENV{qw(VIFLO_A VIFLO_E)} = ('abcdef', '');
for my $case ([ '$VIFLO_A.' => 'abcdef.' ], [ '${VIFLO_A}x' => 'abcdefx' ], [ '${VIFLO_E:-d}' => 'd' ],
	[ '${VIFLO_E-d}' => '' ], [ '${VIFLO_N-${VIFLO_A}}' => 'abcdef' ], [ '$$a$$' => '$a$' ],
	[ '\\$VIFLO_A \\\\' => '$VIFLO_A \\\\' ], [ '$(x)' => '$(x)' ],
	[ '${VIFLO_A:2}' => 'cdef' ], [ '${VIFLO_A:-2}' => 'abcdef' ], [ '${VIFLO_A: -2}' => 'ef' ],
	[ '${VIFLO_A:1:2}' => 'bc' ], [ '${VIFLO_A:1:-1}' => 'bcde' ], [ '${VIFLO_A:9:-9}' => '' ],
	[ '${VIFLO_A?gone}' => 'abcdef' ], [ '${VIFLO_A:-${VIFLO_N?x}}' => 'abcdef' ])
{
	my ($line, $text) = @$case;

	is_deeply([ read_as('1_a.sql', sprintf($envsub, "SELECT '$line';")) ],
		[ "\n\nSELECT '$text';\n" ], "goose: $line");
}
is_deeply([ read_as('1_a.sql', sprintf($envsub, 'SELECT $')) ], [ "\n\nSELECT \$\n" ],
	'goose: a dollar at the end of a line');
like(join('', read_as('1_a.sql', sprintf($envsub, 'SELECT $VIFLO_N;') . 'SELECT ${VIFLO_A;')),
	qr{1: .*1_a\.sql:4: error: cannot replace variables: "\$\{VIFLO_A" must be}s,
	'goose: a variable that is not closed');
good({ '1_a.sql' => sprintf($envsub, 'SELECT $VIFLO_N;') },
	qr/1_a\.sql: line 3: variable "VIFLO_N" is not set/, 'goose: a variable that is not set');
{
	local $ENV{VIFLO_U} = "\xc3\xa9";
	bad({ '1_a.sql' => sprintf($envsub, q(SELECT '${VIFLO_U:0:1}';)) }, qr{/1_a\.sql:3: error: value of a placeholder is not UTF-8: byte 0xc3},
		'goose: half of a character');
}
bad({ '1_a.sql' => sprintf($envsub, 'SELECT $1;') }, qr{/1_a\.sql:3: error: cannot replace},
	'goose: a parameter is no variable');
bad({ '1_a.sql' => sprintf($envsub, 'SELECT ${VIFLO_N?say it};') },
	qr{/1_a\.sql:3: error: .*"VIFLO_N" is not set: say it}, 'goose: a variable that must be set');
bad({ '1_a.sql' => sprintf($envsub, '${A-' x 60) }, qr{/1_a\.sql:3: error: .*too deeply},
	'goose: defaults without end');

for my $case (
	[ "SELECT 1;\n-- +goose Up\n", 1, 'text before', 'text before Up' ],
	[ "-- +goose Down\n", 1, '.*before "-- \+goose Up"', 'Down without Up' ],
	[ "-- +goose Up\n-- +goose Up\n", 2, 'second', 'Up twice' ],
	[ "-- +goose Up\n-- +goose Down\n-- +goose Down\n", 3, 'second', 'Down twice' ],
	[ "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n", 2, '.*without a StatementEnd', 'no StatementEnd' ],
	[ "-- +goose Up\n-- +goose StatementBegin\n-- +goose Down\n", 3, '.*before the StatementEnd', 'a part inside' ],
	[ "-- +goose Up\n-- +goose StatementEnd\n", 2, '.*without a StatementBegin', 'no StatementBegin' ],
	[ "-- +goose Up\n  -- +goose Down\n", 2, 'white space before', 'white space before' ],
	[ "-- +goose Up\n-- +goose Uo\n", 2, 'unknown goose directive', 'an unknown word' ],
	[ "-- +goose Up\nSELECT '\n-- see +goose Down\n';", 3, 'unknown goose directive', 'even in a string' ])
{
	my ($text, $line, $err, $name) = @$case;

	bad({ '1_a.sql' => $text }, qr{/1_a\.sql:$line: error: $err}, "goose: $name");
}
my $empty = "-- +goose Up\n";
bad({ '1_a.sql' => $empty, '2_b.sql' => "SELECT 1;\n" }, qr{/2_b\.sql:1: error: text before},
	'goose: a file without a directive');
bad({ '1_a.sql' => $empty, '2_b.sql' => "\n" }, qr{/2_b\.sql: error: no "-- \+goose Up"},
	'goose: an empty file');
bad({ '1_a.sql' => $empty, '01_b.sql' => $empty }, qr{/1_a\.sql: error: second file of version 1},
	'goose: one version twice');
bad({ '0_a.sql' => $empty }, qr{/0_a\.sql: error: .*out of range}, 'goose: version 0');
good({ '1_a.sql' => $empty, 'seed.sql' => '' }, qr/seed\.sql: ignored, as goose wants/, 'goose: a file without a number');
bad({ '9223372036854775808_a.sql' => $empty }, qr{.*out of range}, 'goose: a version too large');
bad({ 'a.sql' => $empty }, qr{/a\.sql: error: name of a goose migration}, 'goose: no number');
bad({ '1_a.sql' => $empty, '2_b.go' => "package x\n" }, qr{/2_b\.go: error: .* Go cannot be run},
	'goose: a migration in Go');
good({ '1_a.sql' => $empty, '2_b_test.go' => '', 'x.go' => '', 'seed.sql' => '', '3-x.sql' => '' },
	qr/warning: \S+3-x\.sql: ignored/, 'goose: files that are none');
bad({ '1_a.sql' => "$empty\nSELECT '\xff';" }, qr{/1_a\.sql:3: error: text is not UTF-8},
	'goose: not UTF-8');

$dir = folder_of('00007_a.sql' => $empty);
is(create($dir), "00008_add_a_thing.sql\n", 'goose: the next number');
is(slurp_text("$dir/00008_add_a_thing.sql"), "-- +goose Up\n\n-- +goose Down\n\n", 'goose: a new file');
$dir = folder_of('29991231235959_a.sql' => $empty);
is(create($dir), "30000101000000_add_a_thing.sql\n", 'goose: the next second');
like(create(folder_of(), '--layout', 'goose'), qr/^20\d{12}_add_a_thing\.sql\n$/, 'goose: the time');


# ---- dbmate --------------------------------------------------------------

$dir = fixture('dbmate');
is(ids($dir), '20240101120000_people 20240102120000_people_name 20240103120000_two_pairs',
	'dbmate: ids in order');
@at = at($dir);
is_viflo([@at, 'deploy'], 0, qr/^up    20240103120000_two_pairs/m, undef, 'dbmate: deploy');
is(sql(\@at, 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM people'), 'first,second',
	'dbmate: all up blocks');
is((viflo_json(@at, 'history'))[1][1]{transactional}, JSON::PP::false, 'dbmate: transaction:false');
is_viflo([@at, 'revert', '-1'], 0, undef, undef, 'dbmate: revert');
is(sql(\@at, 'SELECT count(*) FROM people'), 0, 'dbmate: all down blocks');

is_deeply([ read_as('1.sql', "--migrate:up\n1\n-- migrate:down\n2\n--\tmigrate:up \n3\n-- migrate:down") ],
	[ "\n1\n\n\n\n3\n", "\n\n\n2\n" ], 'dbmate: lines keep their numbers, a name that is a number');
is_deeply([ read_as('1_a.sql', "-- migrate:up\r\nA\n -- migrate:down\n-- migrate:downs\n-- Migrate:down\n-- migrate:down\r\n") ],
	[ "\nA\n -- migrate:down\n-- migrate:downs\n-- Migrate:down\n", "\n\n\n\n\n\n" ],
	'dbmate: what is no block');
is(ids(folder_of(map { $_ => "-- migrate:up\n-- migrate:down\n" } '9_a.sql', '10_b.sql', '010_c.sql')),
	'010_c 10_b 9_a', 'dbmate: by name, and 010 is not 10');
for my $case (
	[ "SELECT 1;\n-- migrate:up\n-- migrate:down\n", ':1: error: text before', 'text before up' ],
	[ "-- migrate:down\n-- migrate:up\n", ':1: error: "-- migrate:down" before', 'down first' ],
	[ "-- migrate:up\n-- migrate:up\n-- migrate:down\n", ':2: error: "-- migrate:up" without', 'two ups' ],
	[ "-- migrate:up\n-- migrate:down\n-- migrate:down\n", ':3: error: second', 'two downs' ],
	[ "-- migrate:up\n", ': error: "-- migrate:up" without', 'no down' ])
{
	my ($text, $err, $name) = @$case;

	bad({ '1_a.sql' => $text }, qr{/1_a\.sql$err}, "dbmate: $name");
}
my $blocks = "-- migrate:up\n-- migrate:down\n";
bad({ '1_a.sql' => $blocks, '2_b.sql' => '' }, qr{/2_b\.sql: error: no "-- migrate:up"}, 'dbmate: an empty file');
bad({ '1_a.sql' => $blocks, '1.sql' => $blocks }, qr{/1_a\.sql: error: second file of version 1, beside "1\.sql"},
	'dbmate: one version twice');
bad({ '1_a.sql' => $blocks, 'b.sql' => $blocks }, qr{/b\.sql: error: name of a dbmate migration},
	'dbmate: no number');
bad({ '1_a.sql' => $blocks, '2_b.sql' => $empty }, qr{.*two layouts.*dbmate.*goose}, 'dbmate and goose');
$dir = folder_of('20990101000000_a.sql' => $blocks);
is(create($dir), "20990101000001_add_a_thing.sql\n", 'dbmate: the next second');
is(slurp_text("$dir/20990101000001_add_a_thing.sql"), "-- migrate:up\n\n\n-- migrate:down\n\n", 'dbmate: a new file');
like(create(folder_of('9_a.sql' => $blocks)), qr/would not come after "9_a"/, 'dbmate: a name that sorts before');

# ---- sqlx ----------------------------------------------------------------

$dir = fixture('sqlx');
is(ids($dir), '0001_people 0002_people_name', 'sqlx: ids in order');
@at = at($dir);
is_viflo([@at, 'deploy'], 0, undef, undef, 'sqlx: deploy');
is_viflo([@at, 'revert', '-1'], 0, undef, undef, 'sqlx: revert');
fails_with([@at, 'downgrade', '-1'], 1, qr/SQLSTATE VF023/, 'sqlx: a revision without down');
is_deeply([ read_as('1_a.sql', "-- no-transaction at all\nVACUUM;\n") ], [ "\nVACUUM;\n" ],
	'sqlx: the directive goes, lines keep their numbers');
is(ids(folder_of('9_a.sql' => '', '10_b.up.sql' => '', '010_b.down.sql' => '', '9.sql' => 'x',
			'x.sql' => 'x'), '--layout', 'sqlx'), '9_a 10_b', 'sqlx: by --layout');
is(ids(folder_of('1_a.up.sql' => "-- no-transaction\n", '2_b.up.sql' => '')), '1_a 2_b',
	'sqlx: beside files that look like golang-migrate');
bad({ '1_a.sql' => '', 'b_c.sql' => '' }, qr{/b_c\.sql: error: name of an sqlx migration}, 'sqlx: no number',
	'--layout', 'sqlx');
bad({ '1_a.sql' => '', '01_a.up.sql' => '' }, qr{/1_a\.sql: error: second file of version 1}, 'sqlx: one version twice',
	'--layout', 'sqlx');
bad({ '9223372036854775808_a.sql' => '' }, qr{.*out of range}, 'sqlx: a version too large', '--layout', 'sqlx');
is(create(folder_of('0001_a.sql' => ''), '--layout', 'sqlx'), "0002_add_a_thing.sql\n", 'sqlx: the next file');
is(create(folder_of('20990101000000_a.up.sql' => "-- no-transaction\n")),
	"20990101000001_add_a_thing.up.sql\n20990101000001_add_a_thing.down.sql\n", 'sqlx: the next two');

# ---- node-pg-migrate -----------------------------------------------------

$dir = fixture('node-pg-migrate');
is(ids($dir), '1_people 1391877300255_first 20140208163501000_second', 'node-pg-migrate: ids in order');
@at = at($dir);
is_viflo([@at, 'upgrade'], 0, undef, '', 'node-pg-migrate: upgrade');
is(sql(\@at, 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM people'), 'first,second', 'node-pg-migrate: up parts');
is_viflo([@at, 'downgrade', '-1'], 0, undef, '', 'node-pg-migrate: downgrade');
is(sql(\@at, 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM people'), 'first', 'node-pg-migrate: a down part');

my @node = ('--layout', 'node-pg-migrate');
is_deeply([ read_as('1_a.sql', "SELECT 1;\n-- Down\n", @node) ], [ "SELECT 1;\n-- Down\n" ],
	'node-pg-migrate: no parts');
is_deeply([ read_as('1_a.sql', " --- - UP  migrations\nA\n-- up migration\n--down migration of it\nB\n", @node) ],
	[ "\nA\n-- up migration\n", "\n\n\n\nB\n" ], 'node-pg-migrate: the first of each part');
is_deeply([ read_as('1_a.sql', "-- Down Migration\nB\n-- Up Migration\nA", @node) ], [ "\n\n\nA\n", "\nB\n" ],
	'node-pg-migrate: down before up');
is(ids(folder_of(map { $_ => '' } '2-b10.sql', '2_b9.sql', '2_A.sql', '2_a.sql', '10_x.sql',
			'20140208163500999_u.sql', '1391877300998_v.sql', '1391877301000_w.sql'), @node),
	'2_a 2_A 2_b9 2-b10 10_x 1391877300998_v 20140208163500999_u 1391877301000_w',
	'node-pg-migrate: order of numbers, times and names');
is(ids(folder_of('1_a.up.sql' => '', '1_a.down.sql' => '', '1_b.sql' => ''), @node), '1_a 1_b',
	'node-pg-migrate: files for each direction');
is(ids(folder_of('1391877300255_a.sql' => '')), '1391877300255_a', 'node-pg-migrate: by milliseconds');
good({ '1_a.sql' => "-- x\nSELECT 1;\n-- Up Migration\n" }, qr/1_a\.sql: line 2 is not run/,
	'node-pg-migrate: text before the first part');
bad({ '1_a.sql' => "\nSELECT 1;\n-- Down Migration\n" }, qr{/1_a\.sql:3: error: .*without "-- Up Migration"},
	'node-pg-migrate: down alone');
bad({ '1_a.sql' => '', '1_a.down.sql' => '' }, qr{/1_a\.down\.sql: error: beside "1_a\.sql"},
	'node-pg-migrate: two kinds of files', @node);
bad({ '1_a.down.sql' => '' }, qr{/1_a\.down\.sql: error: down without}, 'node-pg-migrate: down without up', @node);
bad({ '20141308163501000_a.sql' => '' }, qr{.*17 digits must be a time}, 'node-pg-migrate: no time');
bad({ '1_a.sql' => '', 'b.sql' => '' }, qr{/b\.sql: error: name of a node}, 'node-pg-migrate: no number', @node);
for my $suffix (qw(js ts mjs cts))
{
	bad({ '1_a.sql' => '', "2_b.$suffix" => '' }, qr{/2_b\.$suffix: error: .* cannot be run},
		"node-pg-migrate: a migration in $suffix");
}
good({ '1_a.sql' => '', '2_b.d.ts' => '', 'x.js' => '' }, qr/nonexistent/, 'node-pg-migrate: scripts that are none');
like(create(folder_of(), @node), qr/^\d{13}_add_a_thing\.sql\n$/, 'node-pg-migrate: milliseconds');
is(create(folder_of('20991231235959999_a.sql' => '')), "21000101000000000_add_a_thing.sql\n",
	'node-pg-migrate: the next millisecond');
is(create(folder_of('0007_a.sql' => ''), @node), "0008_add_a_thing.sql\n", 'node-pg-migrate: the next number');

# ---- refinery ------------------------------------------------------------

$dir = fixture('refinery');
is(ids($dir), 'V1__people U2__first V10__tenth', 'refinery: ids in order, from subfolders, too');
@at = at($dir);
is_viflo([@at, 'upgrade'], 0, undef, '', 'refinery: upgrade');
is(sql(\@at, 'SELECT count(*) FROM people'), 2, 'refinery: all ran');
fails_with([@at, 'downgrade', '-1'], 1, qr/SQLSTATE VF023/, 'refinery: no way back');
my @refinery = ('--layout', 'refinery');
bad({ 'V1__a.sql' => '', 'x/U1__b.sql' => '' }, qr{/x/U1__b\.sql: error: second file of version 1},
	'refinery: one version twice', @refinery);
bad({ 'V1.2__a.sql' => '' }, qr{/V1\.2__a\.sql: error: version is not a whole number}, 'refinery: version 1.2', @refinery);
bad({ 'V1__a.sql' => '', 'V2__b.rs' => '' }, qr{/V2__b\.rs: error: .* Rust cannot be run}, 'refinery: a migration in Rust');
is(ids(folder_of('V1__a.sql' => '', 'V2_b.sql' => '', 'V3__c-d.sql' => '', 'v4__e.sql' => ''), @refinery), 'V1__a',
	'refinery: names that are none');
is(create(folder_of('V9__a.sql' => ''), @refinery), "V10__add_a_thing.sql\n", 'refinery: the next file');

# ---- tern ----------------------------------------------------------------

$dir = fixture('tern');
is(ids($dir), '001_people 002_view 003_index', 'tern: ids in order');
@at = at($dir);
is_viflo([@at, 'deploy'], 0, undef, undef, 'tern: deploy');
is(sql(\@at, q(SELECT count(*) FROM app_names)), 0, 'tern: values of tern.conf, and a file in a file');
fails_with([@at, 'downgrade', '-1'], 1, qr/SQLSTATE VF023/, 'tern: a revision without down');
@at = at($dir, '--set', 'prefix=set_');
is_viflo([@at, 'upgrade', '002_view'], 0, undef, '', 'tern: upgrade');
is(sql(\@at, q(SELECT count(*) FROM set_names)), 0, 'tern: --set goes before tern.conf');
is_viflo([@at, 'downgrade', 'base'], 0, undef, '', 'tern: downgrade');

{
	my $long = 'x' x 300;
	my $conf = "; a comment\n[data]\nprefix = a ; b\n long = $long\nurl:a = 1 = 2\n[other]\nVIFLO_A = 3";

	local $ENV{prefix} = 'environment';
	@at = project_of(folder_of('tern.conf' => $conf, '1_a.sql' => "SELECT '{{.prefix}} {{.long}} {{.VIFLO_A}}';"));
	viflo(@at, 'load');
	is_deeply([ sections(\@at, '1_a') ], [ "SELECT 'a ; b $long abcdef';\n" ],
		'tern: values of any length in tern.conf, which go before the environment');
}
my $between = '---- create above / drop below ----';
is_deeply([ read_as('1_a.sql', "SELECT 1;\n$between\nSELECT 2;\n$between\n") ],
	[ "SELECT 1;\n", "\n\nSELECT 2;\n$between\n" ], 'tern: the first separator');
is_deeply([ read_as('1_a.sql', "SELECT 1;\n$between\n \n") ], [ "SELECT 1;\n" ], 'tern: nothing below');
is_deeply([ read_as('1_a.sql', "{{/* a }}\n*/}}SELECT\n{{ .VIFLO_A }};{\n$between\n{{.VIFLO_A}}") ],
	[ "\nSELECT\nabcdef;{\n", "\n\n\n\nabcdef\n" ], 'tern: values from the environment, comments');
for my $case (
	[ "x\n{{.nosuch}}", ':2: error: template value "nosuch" is not set', 'a value that is not set' ],
	[ "x\n\n{{if .a}}", ':3: error: template action "\{\{if \.a\}\}" is not supported', 'an action' ],
	[ "x{{- .a -}}", ':1: error: .*not supported', 'trimming' ],
	[ "x\n{{ .a", ':2: error: template action is not closed', 'an action without end' ],
	[ '{{template "x/y.sql" .}}', ':1: error: could not read template "x/y\.sql": No such', 'no file' ],
	[ '{{template "../y.sql" .}}', ':1: error: .*not a file below', 'a file elsewhere' ],
	[ "-- x\n\n$between\nSELECT 1;", ': error: no statement before', 'comments alone' ])
{
	my ($text, $err, $name) = @$case;

	bad({ '1_a.sql' => $text }, qr{/1_a\.sql$err}, "tern: $name", '--layout', 'tern');
}
bad({ '1_a.sql' => '{{template "x/y.sql" .}}', 'x/y.sql' => "\n{{template \"x/y.sql\" .}}" },
	qr{/x/y\.sql:2: error: templates are nested}, 'tern: a file in itself', '--layout', 'tern');
bad({ '1_a.sql' => '{{template "s/0" .}}', 's/9' => '', map { ("s/$_" => sprintf('{{template "s/%d" .}}', $_ + 1) x 10) } 0 .. 8 },
	qr{/s/\d:1: error: text brings in more than 1000 templates}, 'tern: files without end', '--layout', 'tern');
bad({ '1_a.sql' => 'x', '3_b.sql' => 'x' }, qr{/3_b\.sql: error: migration 2 is missing}, 'tern: a gap',
	'--layout', 'tern');
bad({ '1_a.sql' => 'x', '01_b.sql' => 'x' }, qr{/1_a\.sql: error: second file of version 1}, 'tern: one version twice',
	'--layout', 'tern');
bad({ '0_a.sql' => 'x' }, qr{/0_a\.sql: error: .*out of range}, 'tern: version 0', '--layout', 'tern');
$dir = folder_of('001_a.sql' => "SELECT 1;\n$between\n");
is(create($dir), "002_add_a_thing.sql\n", 'tern: the next file');
is(slurp_text("$dir/002_add_a_thing.sql"), "\n\n$between\n\n\n", 'tern: a new file');
$dir = folder_of();
is((viflo('--dir', $dir, @$_[0, 1], 'revision', '-m', '!'))[1], "$dir/$_->[2]\n", "$_->[1]: a message without a letter")
  for [ '--layout', 'tern', '001_revision.sql' ], [ '--layout', 'refinery', 'V1__revision.sql' ];

# ---- Supabase ------------------------------------------------------------

$dir = fixture('supabase/migrations');
is(ids($dir), '20240101120000_people 20240102120000_first', 'supabase: ids in order');
is((viflo_json(project_of("$dir/"), 'plan'))[0], 0, 'supabase: a slash behind the folder');
my @supabase = ('--layout', 'supabase');
is(ids(folder_of('20211208000000_init.sql' => '', '20211209000000_a.sql' => '', '9_b.sql' => ''), @supabase),
	'20211209000000_a 9_b', 'supabase: an old first file, order of names');
is(ids(folder_of('20200101000000_init.sql' => '', '20200102000000_init.sql' => ''), @supabase), '20200102000000_init',
	'supabase: an old one that is not the first');
is(ids(folder_of('0_other/x' => '', '20200102000000_init.sql' => ''), @supabase), '20200102000000_init',
	'supabase: nor the first of all');
good({ '20240101000000_a.sql' => '', 'fix.sql' => '' }, qr/fix\.sql: ignored, as Supabase/, 'supabase: a file without a number', @supabase);
in_folder("$dir/..", sub {
	is((viflo_json(project_of('migrations'), 'status'))[1]{folder}{layout}, 'supabase',
		'supabase: found from the folder above');
});
is(ids(folder_of('20211209000000_init.sql' => ''), @supabase), '20211209000000_init', 'supabase: one that is not old');
bad({ '1_a.sql' => '', '1_b.sql' => '' }, qr{/1_b\.sql: error: second file of version 1}, 'supabase: one version twice',
	@supabase);
is(create(folder_of('20990101000000_a.sql' => ''), @supabase), "20990101000001_add_a_thing.sql\n",
	'supabase: the next file');

# ---- Rails ---------------------------------------------------------------

$dir = fixture('rails');
is_viflo([project_of($dir), 'plan'], 0, "up    structure  structure of a Rails database\n",
	qr{structure\.sql: stands for 2 Ruby migrations, which are not run}, 'rails: one revision');
@at = at($dir);
is_viflo([@at, 'upgrade'], 0, undef, undef, 'rails: upgrade');
is(sql(\@at, 'SELECT max(version) FROM schema_migrations'), '9', 'rails: its versions are there');
my $structure = "INSERT INTO schema_migrations (version) VALUES ('20240101000000');\n";
good({ 'structure.sql' => $structure, 'migrate/20240101000000_a.rb' => '', 'migrate/20240102000000_b.rb' => '' },
	qr{migrate/20240102000000_b\.rb: not run.*does not have it}, 'rails: a migration that is missing');
good({ 'structure.sql' => $structure, 'migrate/2024/20240102000000_b.rb' => '' },
	qr{migrate/2024/20240102000000_b\.rb: not run.*does not have it}, 'rails: one that is missing, in a folder below');
bad({ 'migrate/20240101000000_a.rb' => '' }, qr{/migrate/\S+: error: a migration in Ruby cannot be run.*\nHINT}s,
	'rails: no structure.sql');
bad({ '20240101000000_a.rb' => '' }, qr{/\S+: error: a migration in Ruby cannot be run}, 'rails: the wrong folder');
like(create($dir), qr/made by its own tool/, 'rails: no new file');

# ---- numbered ------------------------------------------------------------

$dir = fixture('numbered');
@at = at($dir);
is_viflo([@at, 'upgrade'], 0, qr/\Aup    9_people .*\nup    0010_second .*\nup    10_b_first .*\nup    100_third /,
	qr/10_b_first\.sql: has the number of "0010_second\.sql" and comes after it/, 'numbered: upgrade');
is(ids(folder_of(map { $_ => '' } '1.10_a.sql', '1.9_b.sql', '2024-02-01-a.sql', '2024-01-31 b.sql', '0000_c.sql',
			'0000_b.sql', '0000-a.sql', '3.sql', '99999999999999999999999_x.sql', '4_a.sql.sql')),
	'0000-a 0000_b 0000_c 1.9_b 1.10_a 3 4_a.sql 2024-01-31 b 2024-02-01-a 99999999999999999999999_x',
	'numbered: order of numbers');
@at = at(folder_of('1_a.sql' => 'CREATE TABLE a ()', '1_a.down.sql' => 'DROP TABLE a'));
is_viflo([@at, 'upgrade'], 0, undef, '', 'numbered: up of a pair');
is_viflo([@at, 'downgrade', 'base'], 0, qr/^down  1_a/, '', 'numbered: and down');
bad({ '1_a.sql' => '', '1_a_rollback.sql' => '' }, qr{/1_a_rollback\.sql: error: cannot tell}, 'numbered: a way back');
bad({ '1-a.up.sql' => '', '1-a-down.sql' => '' }, qr{/1-a-down\.sql: error: cannot tell}, 'numbered: another');
bad({ '1-a.sql' => '', '2-a.down.sql' => '' }, qr{/2-a\.down\.sql: error: down without}, 'numbered: down without up');
good({ '1_scale_down.sql' => '', 'seed.sql' => '' }, qr/seed\.sql: ignored, as its name/, 'numbered: what is none');
is(create(folder_of('0099_a.sql' => '')), "0100_add_a_thing.sql\n", 'numbered: the next file');
is(create(folder_of("$_->[0]_a.sql" => '')), "$_->[1]_add_a_thing.sql\n", "numbered: what comes after $_->[0]")
  for [ '9', '10' ], [ '18446744073709551615', '18446744073709551616' ], [ '0199999999999999999999999', '0200000000000000000000000' ];
like(create(folder_of('2024-01-31_a.sql' => '')), qr/what number comes after/, 'numbered: no next number');
is(create(folder_of(), '--layout', 'numbered'), "0001_add_a_thing.sql\n", 'numbered: the first file');

# ---- lines of what fails in the server -----------------------------------

for my $case (
	[ 'goose', 4, "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\nSELECT nosuch;\n-- +goose StatementEnd\n" ],
	[ 'dbmate', 6, "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT nosuch;\n-- migrate:down\n" ],
	[ 'sqlx', 3, "-- no-transaction\nSELECT 1;\nSELECT nosuch;\n" ],
	[ 'node-pg-migrate', 5, "-- Down Migration\nSELECT 1;\n\n-- Up Migration\nSELECT nosuch;\n" ],
	[ 'tern', 4, "---- tern: disable-tx ----\n{{/*\n*/}}\nSELECT nosuch;\n$between\n" ],
	[ 'numbered', 2, "\xef\xbb\xbfSELECT 1;\r\nSELECT nosuch;\r\n" ])
{
	my ($layout, $line, $text) = @$case;
	my $folder = folder_of('1_a.sql' => $text);

	is_viflo([project_of($folder), 'deploy'], 1, undef,
		qr{^\Q$folder\E/1_a\.sql:$line:8: error: column "nosuch" does not exist}m, "$layout: the line of an error");
}

done_testing();
