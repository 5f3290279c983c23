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
$node->safe_psql('template1', 'CREATE EXTENSION viflo_migrate');

my $database = 0;

# viflo's options for a new database and this folder.
sub at
{
	my ($dir, @options) = @_;
	my $name = 'db' . ++$database;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
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
	my ($status, $document, $err) = viflo_json(at($dir, @options), 'plan');

	return $status == 0 ? join(' ', map { $_->{revision} } @$document) : $err . $document->{message};
}

# The sections of one revision as they were sent, with the blank lines in front
# of them: up, then down where there is one.
sub sections
{
	my ($at, $id) = @_;
	my ($status, $script) = viflo(@$at, 'script', $id);
	my ($header, $up, $down) = split(/^-- viflo (?:up|down)[^\n]*\n/m, $script);

	return grep { defined } $up, $down;
}

# The up and down of a single file of this name.
sub read_as
{
	my ($name, $text, @options) = @_;
	my @at = at(folder_of($name => $text), @options);
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

done_testing();
