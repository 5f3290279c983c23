# Placeholders: what is replaced, by what, and what is left alone.

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

# The text that is registered of one, with options.
sub text_of
{
	my ($text, @options) = @_;
	my $env = ref $options[0] ? shift @options : {};

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS one');
	$node->safe_psql('postgres', 'CREATE DATABASE one');
	my $url = $node->connstr('one');
	my ($status, undef, $err) = viflo({ env => $env }, '-q', '--url', $url, '--dir',
		folder_of('1_a.up.sql' => $text), @options, 'load');
	return "status $status: $err" if $status != 0;
	my (undef, $out) = viflo('--url', $url, '--project', 'app', 'script', '1_a');
	return $out =~ s/\A.*^-- viflo up[^\n]*\n//msr;
}

my $psql = <<'END';
-- :x
SELECT :x AS "a:x", :'x', :"x", 1::int, ':x', $$ :x $$, $b$ :x $b$, /* :x /* */ :x */ :{?x};

  -- blank lines and spaces stay  
SELECT a[1:x], a[1:y], E'\':x', U&':x' , $1:x;	SELECT :{?y};
COPY t FROM stdin;
it's :x "
\.
copy/**/ t (x) from /* :x */ stdin; :x
$$ :x
\.
SELECT :x;
-- no end of line: :x
END
$psql =~ s/\n\z//;
my $done = <<'END';
-- :x
SELECT 7 AS "a:x", '7', "7", 1::int, ':x', $$ :x $$, $b$ :x $b$, /* :x /* */ :x */ TRUE;

  -- blank lines and spaces stay  
SELECT a[17], a[1:y], E'\':x', U&':x' , $17;	SELECT FALSE;
COPY t FROM stdin;
it's :x "
\.
copy/**/ t (x) from /* :x */ stdin; :x
$$ :x
\.
SELECT 7;
-- no end of line: :x
END
is(text_of($psql, '--placeholders', 'psql', '--set', 'x=7'), $done, 'variables as psql has them');
is(text_of($psql, { x => 7 }, '--placeholders', 'psql'), $done, 'the same from the environment');
is(text_of($psql, '-x', 'x=7'), $done =~ s/FALSE/:{?y}/r, 'only what is set');
is(text_of($psql), "$psql\n", 'nothing is set');
is(text_of($psql, '-x', 'x=7', '--placeholders', 'none'), "$psql\n", 'turned off');
is(text_of($psql, '-x', 'z=7'), "$psql\n", 'another name is set');

is(text_of("SELECT \$\$\n\\.\n:x \$\$, :x;\nCOPY t FROM stdin;\n\\.x\n:x\n\\.\nSELECT :x, '\n\\.\n:x';\nSELECT 1;", '-x', 'x=7'),
	"SELECT \$\$\n\\.\n:x \$\$, 7;\nCOPY t FROM stdin;\n\\.x\n:x\n\\.\nSELECT 7, '\n\\.\n:x';\nSELECT 1;\n",
	'what only looks like the end of data');

is(text_of(q{SELECT :'x', :"x";}, '-x', q{x=a'b"c\d}),
	qq{SELECT  E'a''b"c\\\\d', "a'b""c\\d";\n}, 'values are quoted');
is(text_of('SELECT :x;', '-x', 'x=:x'), "SELECT :x;\n", 'a value is not looked into');
is(text_of('SELECT ${x}, ${x}y, :y, :${y}, ${y};', '-x', 'x=a:y', '-x', 'y=z'), "SELECT a:y, a:yy, z, :z, z;\n",
	'nor for the other style');
is(text_of("SELECT :\xc3\xa9;", '-x', "\xc3\xa9=1"), "SELECT 1;\n", 'a name that is not ASCII');
is(text_of('SELECT :x', '-x', 'x=1', '-x', 'x=2'), "SELECT 2\n", 'the last value counts');
like(text_of("SELECT 1;\nSELECT :'nope';", '--placeholders', 'psql'),
	qr{^status 1: \S+/1_a\.up\.sql:2: error: placeholder "nope" has no value\nHINT}, 'no value, psql');

is(text_of('SELECT ${x}, \'${x}\', ${y}, $a$$${x}$a$, ${', '-x', 'x=1'),
	"SELECT 1, '1', \${y}, \$a\$\$1\$a\$, \${\n", 'braces, those that are set');
is(text_of("SELECT \${x};\n", { x => 'a b' }, '--placeholders', 'dollar'), "SELECT a b;\n",
	'braces from the environment');
is(text_of('SELECT :x, ${x}', '--placeholders', 'dollar', '-x', 'x=1'), "SELECT :x, 1\n",
	'one style only');
like(text_of("\n\nSELECT \${nope};", '--placeholders', 'dollar'),
	qr{^status 1: \S+/1_a\.up\.sql:3: error: placeholder "nope" has no value}, 'no value, braces');
like(text_of("\nSELECT \${nope;", '--placeholders', 'dollar'),
	qr{^status 1: \S+/1_a\.up\.sql:2: error: placeholder is not closed}, 'not closed');
like(text_of("SELECT 1;\nSELECT :x;", '-x', "x=\xe9"), qr{status 1: \S+/1_a\.up\.sql:2: error: value of a placeholder is not UTF-8: byte 0xe9 .*22021},
	'a value that is not UTF-8');
like(text_of('${a}', '-x', "a=-- viflo up\n"), qr{status 1: .*begins a section}, 'a marker in a value');

fails_with(['--placeholders', 'percent', 'load'], 2, qr/dollar, psql and none are known/, 'unknown style');
fails_with(['-x', 'a', 'load'], 2, qr/not NAME=VALUE/, 'no value given');

# A value that changes is seen although no file did.
my $dir = folder_of('1_a.up.sql' => 'CREATE TABLE :t ();', map { ("${_}_b.up.sql" => '') } 2 .. 40);
$node->safe_psql('postgres', 'CREATE DATABASE two');
my @at = ('-q', '--url', $node->connstr('two'), '--dir', $dir);
is_viflo([@at, '-x', 't=a', 'upgrade', '1_a'], 0, qr/^up    1_a/, '', 'upgrade');
fails_with([@at, '-x', 't=b', 'upgrade'], 1, qr/1_a/, 'another value is a changed text');
is_viflo([@at, '-x', 't=a', 'upgrade'], 0, qr/^up    2_b/, '', 'the same value is not');

done_testing();
