# viflo's readers on bad and odd folders: what is wrong with a folder is said
# before anything is sent, here to a server that does not exist.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Test::More;

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');
my $native = "-- viflo revision: %s\n-- revises: %s\n\n-- viflo up\nSELECT 1;\n";

# A folder is good when only the connection is missing.
sub good
{
	my ($dir, $name, $err) = @_;

	fails_with([@nowhere, '--verbose', '--dir', $dir, 'load'], 4, $err // qr/nonexistent/, $name);
	return;
}

# A folder is bad when it is refused before that; err has FILE for the path.
sub bad
{
	my ($files, $err, $name, @options) = @_;
	my $dir = ref $files ? folder_of(%$files) : $files;

	fails_with([@nowhere, '--dir', $dir, @options, 'load'], 1, qr/^\Q$dir\E$err/, $name);
	return;
}

good(fixture('native'), 'native', qr/README\.md: not a migration, ignored/);
good(fixture('golang-migrate'), 'golang-migrate');
good(fixture('diesel'), 'diesel');
good(folder_of(), 'an empty folder', qr/has no migrations/);
good(folder_of('a.sql' => "\xef\xbb\xbf" . sprintf($native, 'a', '') =~ s/\n/\r\n/gr),
	'a byte order mark and CRLF');
good(folder_of('3_x.sql' => 'x', '1_a.up.sql' => ''), 'a file that looks like a mistake',
	qr/warning: \S+3_x\.sql: ignored/);
good(folder_of('18446744073709551615_a.up.sql' => '', '1_b.up.sql' => ''), 'the largest number');
good(folder_of('1_a b (c).sql.up.sql' => ''), 'odd characters in a name');
good(folder_of('1_a.up.sql' => '', '1_b.down.sql' => ''), 'a down of another name');
good(folder_of('2024-01-01_a/metadata.toml' => "[x]\nrun_in_transaction = 7\n",
		'2024-01-01_a/up.sql' => ''), 'metadata of something else');
good(folder_of('a.sql' => sprintf($native, 'b', 'unknown-parent')),
	'a parent that only the server may know');

bad({ 'a.sql' => sprintf($native, 'a', ''), '1_b.up.sql' => '' },
	qr{/a\.sql: error: two layouts.*golang-migrate.*native}, 'two layouts');
bad({ '1_b.up.sql' => '', '2_c/up.sql' => '' }, qr{.*two layouts.*diesel}, 'two others');
bad({ 'seed.sql' => "SELECT 1;\n" }, qr{/seed\.sql:(\d+:)? error: .*VF020.*HINT:  Nothing in the folder tells its layout; --layout}s, 'no header');
bad({ 'seed.sql' => "SELECT 1;\n", 'up.sql' => "-- viflo revision: a\n-- viflo up\n" }, qr{/seed\.sql:(\d+:)? error: .*VF020.*HINT:  The first line}s,
	'no header in one of them');
bad({ 'a.sql' => "-- viflo revision: a\n-- viflo up\n-- viflo up\n" },
	qr{/a\.sql:3: error: .*VF020}, 'twice the same section');
bad({ 'a.sql' => sprintf($native, 'a@b', '') }, qr{/a\.sql:1: error: .*VF015}, 'an id that cannot be');
bad({ 'a.sql' => sprintf($native, 'x', ''), 'b.sql' => sprintf($native, 'x', '') },
	qr{/b\.sql: error: .*VF010.*a\.sql}s, 'an id twice');
bad({ 'a.sql' => sprintf($native, 'x', 'y'), 'b.sql' => sprintf($native, 'y', 'x') },
	qr{/[ab]\.sql: error: .*VF012}, 'a cycle');
bad({ '1_a.up.sql' => '', '1_b.up.sql' => '' }, qr{/1_b\.up\.sql: error: second file of version 1},
	'two files of one version');
bad({ '1_a.up.sql' => '', '01_b.up.sql' => '' }, qr{/1_a\.up\.sql: error: second file of version 1},
	'two spellings of one version');
bad({ '1_a.up.sql' => '', '1_a.down.sql' => '', '1_b.down.sql' => '' },
	qr{/1_b\.down\.sql: error: second file}, 'two downs');
bad({ '1_a.up.sql' => '', '2_b.down.sql' => '' }, qr{/2_b\.down\.sql: error: down without an up},
	'down without up');
bad({ '18446744073709551616_a.up.sql' => '' }, qr{.*out of range}, 'a number too large');
bad({ '1_a@b.up.sql' => '' }, qr{/1_a\@b\.up\.sql: error: .*VF015}, 'a name that is no id');
bad({ '1_' . ('x' x 245) . '.up.sql' => '', '1_x.up.sql' => '' }, qr{.*error}, 'a very long name');
bad({ '1_a.up.sql' => "SELECT 1;\n-- viflo down\n" }, qr{/1_a\.up\.sql:2: error: .*begins a section},
	'a native marker in a foreign file');
bad({ 'x_a/down.sql' => '' }, qr{/x_a/down\.sql: error: down\.sql without}, 'diesel: down without up');
bad({ '2024-01_a/up.sql' => '', '202401_b/up.sql' => '' },
	qr{/202401_b/up\.sql: error: second folder of version 202401}, 'diesel: one version twice');
bad({ '1_a/up.sql' => '', '1_a/metadata.toml' => "# x\nrun_in_transaction = maybe\n" },
	qr{/1_a/metadata\.toml:2: error}, 'diesel: metadata that is not boolean');

# What a quote that does not end would swallow is never sent.
for my $open ([ "SELECT \$\$abc;\n", 'dollar-quoted string' ], [ "SELECT \$x\$ \$\$ \$y\$;\n", 'dollar-quoted string' ],
	[ "SELECT 'abc;\n", 'quoted string' ], [ "SELECT E'abc\\';\n", 'quoted string' ],
	[ "SELECT \"abc;\n", 'quoted identifier' ], [ "/* /* */ SELECT 1;\n", 'comment' ])
{
	my ($text, $what) = @$open;

	bad({ '1_a.up.sql' => "SELECT 1;\n$text\n" }, qr{/1_a\.up\.sql:2: error: unterminated \Q$what\E .*VF020}, "unterminated: $text");
	bad({ 'a.sql' => sprintf($native, 'a', '') . "-- viflo down\n$text" },
		qr{/a\.sql:7: error: unterminated \Q$what\E}, 'the same in a down section');
}
good(folder_of('1_a.up.sql' => <<'END'), 'quotes that end, each in its way');
-- it's a comment, "so
SELECT '$$', E'\'', '"', "a'", $a$ it's $$ $a$, $$ /* $$ /* ' */;
COPY t FROM stdin;
it's	"data	$$
\.
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;
SET standard_conforming_strings = off;
SELECT '\'';
END

for my $change ('SET standard_conforming_strings TO off;', "set Standard_Conforming_Strings=off;",
	"SELECT set_config('standard_conforming_strings', 'off', true);")
{
	good(folder_of('1_a.up.sql' => "$change\nSELECT '\\'';\n"), "quotes end by the rules of the text: $change");
}
bad({ '1_a.up.sql' => "SET standard_conforming_strings = on;\nSELECT '\\'';\n" },
	qr{/1_a\.up\.sql:2: error: unterminated quoted string}, 'and by the usual ones');

for my $layout (['a.sql', sprintf($native, 'a', '')], ['1_a.up.sql', "SELECT\n"], ['1_a/up.sql', ''])
{
	my ($name, $text) = @$layout;
	my $lines = 1 + ($text =~ tr/\n//);

	bad({ $name => "$text\xff;" }, qr{/\Q$name\E:$lines: error: text is not UTF-8.*22021},
		"not UTF-8: $name");
	bad({ $name => "$text\0;" }, qr{/\Q$name\E:$lines: error: NUL byte}, "NUL byte: $name");
	bad({ $name => "$text\xed\xa0\x80;" }, qr{.*not UTF-8}, "a surrogate: $name");
}

my $dir = folder_of();
symlink('1_a.up.sql', "$dir/1_a.up.sql") or die;
bad($dir, qr{/1_a\.up\.sql: error: could not read file: .*symbolic}, 'a link to itself');
$dir = folder_of('2_b.up.sql' => '');
symlink('nothing', "$dir/1_a.up.sql") or die;
bad($dir, qr{/1_a\.up\.sql: error: could not read file: No such}, 'a link to nothing');
$dir = folder_of('1_b.up.sql' => '');
symlink('.', "$dir/again") or die;
good($dir, 'a folder that contains itself');
$dir = folder_of('1_a/up.sql' => '', 'a/b/c/d/e/f/g/h/V2__b.sql' => '');
is_viflo(['--dir', $dir, '--layout', 'refinery', 'graph'], 0, qr/V2__b/, undef, 'folders in folders');
symlink('a/b/c', "$dir/link") or die;
bad($dir, qr{/link/d/e/f/g/h/V2__b\.sql: error: second file of version 2}, 'the same by way of a link', '--layout', 'refinery');
bad({ 'd/' x 65 . 'x' => '' }, qr{(/d){65}: error: folders are nested more than 64 deep}, 'too many');
$dir = folder_of();
system('mkfifo', "$dir/a.sql") == 0 or die;
bad($dir, qr{/a\.sql: error: not a regular file}, 'a pipe');
SKIP:
{
	skip 'root may read everything', 2 if $> == 0;
	$dir = folder_of('1_a.up.sql' => '');
	chmod(0, "$dir/1_a.up.sql");
	bad($dir, qr{/1_a\.up\.sql: error: could not read file: Permission}, 'an unreadable file');
	$dir = folder_of('1_a.up.sql' => '');
	chmod(0, $dir);
	bad($dir, qr{.*error: could not read folder: Permission}, 'an unreadable folder');
	chmod(0700, $dir);
}

my ($status, $document) =
  viflo_json(@nowhere, '--dir', folder_of('a.sql' => "-- viflo revision: a\n-- viflo up\n\xff"), 'load');
is($document->{line}, 3, 'line in JSON');
like($document->{file}, qr{/a\.sql$}, 'file in JSON');
is($document->{sqlstate}, '22021', 'sqlstate in JSON');

# A name that is not UTF-8 is refused here, and must not break the document.
($status, $document) = viflo_json(@nowhere, '--dir', folder_of("1_\xff.down.sql" => ''), 'load');
is($status, 1, 'a file name that is not UTF-8');
for my $name ('1_%s.up.sql', '%s.sql')
{
	my $file = sprintf($name, "\xff");
	my $text = $name eq '%s.sql' ? sprintf($native, 'a', '') : '';

	bad({ $file => $text }, qr{/\Q$file\E: error: name of the file is not UTF-8 .*22021}, "the same: $name");
	($status, $document) = viflo_json(@nowhere, '--dir', folder_of($file => $text), 'load');
	like($document->{file}, qr{/\Q@{[ sprintf($name, '?') ]}\E$}, 'which file it is, in JSON');
}

# Nor is a line looked through again for each of its words.
good(folder_of('1_a.sql' => '-- ' . 'migrate:' x 400_000), 'a long line of what dbmate looks for');

done_testing();
