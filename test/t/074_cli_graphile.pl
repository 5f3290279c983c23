# Folders of graphile-migrate: hashes, headers, current migration, placeholders.

use strict;
use warnings;
use utf8;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Digest::SHA qw(sha1_hex);
use Encode qw(encode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');
my $projects = 0;

# Committed files, as the tool writes them, of [name, body] pairs.
sub committed
{
	my $previous = '';
	my %files;

	for my $pair (@_)
	{
		my ($name, $body) = @$pair;
		my $trimmed = $body =~ s/\A\s+|\s+\z//gr;
		my $hash = 'sha1:' . sha1_hex(encode_utf8("$previous\n$trimmed" =~ s/\A\s+|\s+\z//gr) . "\n");

		$files{"committed/$name"} = encode_utf8('--! Previous: ' . ($previous || '-') . "\n--! Hash: $hash\n\n$body\n");
		$previous = $hash;
	}
	return %files;
}

sub bad
{
	my ($files, $err, $name) = @_;
	my $dir = folder_of(%$files);

	fails_with([@nowhere, '--dir', $dir, 'load'], 1, qr/^\Q$dir\E$err/, $name);
	return;
}

# What load registers of files; those of a folder m, if any is in one.
sub loaded
{
	my ($files, @options) = @_;
	my $env = ref $options[0] ? shift @options : {};
	my $dir = folder_of(%$files) . ((grep { m{^m/} } keys %$files) ? '/m' : '');
	my @at = ('--url', $node->connstr('postgres'), '--project', 'p' . ++$projects);
	my ($status, $document, $err) = viflo_json({ env => $env }, @at, '--dir', $dir, @options, 'load');

	is($status, 0, 'loads') or diag($err);
	return (join(' ', map { $_->{revision} } @$document), $err, sub { (viflo(@at, 'script', $_[0]))[1] });
}

sub current_of
{
	my ($files, @options) = @_;
	my (undef, undef, $script) = loaded($files, @options);

	return $script->('current.sql') =~ s/\A.*^-- viflo up[^\n]*\n//msr;
}

# The fixture, on a server.
$node->safe_psql('postgres', 'CREATE DATABASE shop');
my @fixture = ('--url', $node->connstr('shop'), '--dir', fixture('graphile-migrate'), '-q');
is_viflo([@fixture, 'deploy'], 0,
	qr/\Aup    000001-people +people .*\nup    000002 +000002 .*\nup    000003-comment +comment: who owns it .*\n\z/, '', 'deploy');
is($node->safe_psql('shop', "SELECT obj_description('people'::regclass)"),
	$node->safe_psql('shop', 'SELECT current_user') . ' of shop', 'placeholders within a string');
is_viflo([@fixture, 'deploy'], 0, "nothing to do\n", '', 'nothing to do');

# Names, order, texts.
my ($ids, $err, $script) = loaded({ committed(['000001-a.sql', 'SELECT 1;'], ['000002.sql', "\n\n  SELECT 'é';\x{a0} \n\n"], ['000003-b_C.sql', 'SELECT 3;']),
	'committed/README.md' => '', 'current.sql' => "-- Enter migration here\n" });
is($ids, '000001-a 000002 000003-b_C current.sql', 'order; the current migration is last');
unlike($err, qr/warning: \S+\.sql/, 'no warning');
like($script->('000002'), qr/^-- viflo up at 6 committed\/000002\.sql\n  SELECT '\xc3\xa9';\n\z/m, 'lines are the file\'s');
($ids, $err) = loaded({ committed(['1.sql', '']), 'committed/2_b.sql' => '' });
like($err, qr{warning: \S+/committed/2_b\.sql: ignored}, 'another name');

for my $case (["--! no-transaction\nSELECT 1;", 1], ["--!no-transaction", 1], ["SELECT 1;\n--! no-transaction", 0], ["--! no-transactions\nSELECT 1;", 0])
{
	(undef, undef, $script) = loaded({ committed(['1.sql', $case->[0]]) });
	is($script->('1') =~ /^-- transaction: off$/m ? 1 : 0, $case->[1], 'transaction: ' . $case->[0] =~ s/\n/ /r);
}

# Hashes.
my %files = committed(['1.sql', 'SELECT 1;'], ['2.sql', 'SELECT 2;'], ['3.sql', 'SELECT 3;']);
bad({ %files, 'committed/2.sql' => $files{'committed/2.sql'} =~ s/SELECT 2/SELECT 4/r },
	qr{/committed/2\.sql:1: error: text was changed since it was committed: its hash is sha1:[0-9a-f]{40} .*VF020.*\nHINT}s, 'a changed text');
bad({ map { ($_ => $files{$_}) } grep { !/2\.sql/ } keys %files }, qr{/committed/3\.sql:1: error: file before this one}, 'one is missing');
bad({ map { ($_ => $files{$_}) } grep { !/1\.sql/ } keys %files }, qr{/committed/2\.sql:1: error: file before this one}, 'the first is missing');
my $other = $files{'committed/3.sql'} =~ s/SELECT 3/SELECT 4/r =~ s/\n\n/\n--! AllowInvalidHash\n\n/r;
($ids) = loaded({ %files, 'committed/3.sql' => $other });
is($ids, '1 2 3', 'AllowInvalidHash');
bad({ %files, 'committed/3.sql' => $files{'committed/3.sql'} =~ s/\n\n/\n--! AllowInvalidHash\n\n/r },
	qr{/committed/3\.sql:1: error: hash matches}, 'AllowInvalidHash without need');

# Headers.
bad({ 'committed/1.sql' => "SELECT 1;\n" }, qr{/committed/1\.sql:1: error: header "Previous"}, 'no header');
bad({ 'committed/1.sql' => "--! Previous: -\n\n" }, qr{/committed/1\.sql:1: error: header "Hash"}, 'no hash');
bad({ 'committed/1.sql' => "--! Previous: -\n--! Hash: x\nSELECT 1;\n" }, qr{/committed/1\.sql:3: error: no empty line}, 'no empty line');
bad({ 'committed/1.sql' => "--! Previous: -\n--! Hash: x\n--! Hash: y\n\n" }, qr{/committed/1\.sql:3: error: second header "Hash"}, 'a header twice');
bad({ 'committed/1.sql' => $files{'committed/1.sql'} =~ s/\n/\r\n/gr }, qr{/committed/1\.sql:3: error: line ends}, 'CRLF');
bad({ %files, 'committed/1-x.sql' => $files{'committed/1.sql'} }, qr{/committed/1\S*\.sql: error: second file of its number}, 'one number twice');
bad({ 'committed/1.sql' => "$files{'committed/1.sql'}\xff" }, qr{.*not UTF-8}, 'not UTF-8');
bad({ %files, 'V1__a.sql' => '' }, qr{.*two layouts}, 'two layouts');

# The current migration.
is(current_of({ 'current.sql' => "\nSELECT 1;\n" }), "\nSELECT 1;\n", 'current.sql as it is');
is(current_of({ 'current/2-b.sql' => "\nSELECT 2;\n", 'current/10.sql' => "SELECT 10;", 'current/x.txt' => '' }),
	"--! split: 2-b.sql\nSELECT 2;\n\n--! split: 10.sql\nSELECT 10;\n", 'files of current/, by number');
is(current_of({ 'current.sql' => "--!include f/a.sql\nSELECT 1;\n", 'fixtures/f/a.sql' => "\nSELECT 'a';\n--!include b.sql\n", 'fixtures/b.sql' => "SELECT 'b';\n" }),
	"--! Included f/a.sql\nSELECT 'a';\n--! Included b.sql\nSELECT 'b';\n--! EndIncluded b.sql\n--! EndIncluded f/a.sql\nSELECT 1;\n", 'includes');
bad({ 'current.sql' => "SELECT 1;\n--!include a.sql\n" }, qr{/current\.sql:2: error: included file "fixtures/a\.sql" does not exist}, 'nothing to include');
bad({ 'current.sql' => "--!include ../a.sql\n", 'a.sql' => '' }, qr{/current\.sql:1: error: included file "\.\./a\.sql" is not inside}, 'outside');
bad({ 'current.sql' => "--!include a.sql\n", 'fixtures/a.sql' => "\n--!include b.sql\n", 'fixtures/b.sql' => '--!include a.sql' },
	qr{/fixtures/b\.sql:1: error: file "fixtures/a\.sql" includes itself}, 'a circle');
bad({ 'current.sql' => "--! Included a.sql\n" }, qr{/current\.sql:1: error: comment}, 'a mark by hand');
bad({ 'current.sql' => '', 'current/1.sql' => '' }, qr{/current/1\.sql: error: there is a file current\.sql too}, 'both');
bad({ 'current/1.sql' => '', 'current/01-a.sql' => '' }, qr{/current/\S+: error: second file of its number}, 'a number twice');
bad({ 'current/a.sql' => '' }, qr{/current/a\.sql: error: name is neither}, 'no number');
bad({ 'current/1.sql' => "--! no-transaction\n" }, qr{/current/1\.sql:1: error: no-transaction}, 'no-transaction in current/');
bad({ 'current.sql' => "--!include 1.sql\n", 'fixtures/41.sql' => '', map { ("fixtures/$_.sql" => "--!include @{[$_ + 1]}.sql\n" x 2) } 1 .. 40 },
	qr{/fixtures/\d+\.sql:\d: error: too much is included}, 'includes that double each time');

# Placeholders and .gmrc.
my $gmrc = <<'END';
/* a comment, */ {
  "connectionString": "postgres://x//y", // another
  "placeholders": {":APP": "app /* , } */", ":SECRET": "!ENV", /* "x": */},
  "afterAllMigrations": [ /* none */ ],
}
END
my %m = ('m/current.sql' => "SELECT ':APP', ':APPLE', ':SECRET', ':DATABASE_NAME', ':HOME', 1 AS x;");
is(current_of({ %m, '.gmrc' => $gmrc }, { SECRET => 's' }), "SELECT 'app /* , } */', ':APPLE', 's', 'postgres', ':HOME', 1 AS x;\n", '.gmrc');
is(current_of({ %m, '.gmrc' => $gmrc }, { SECRET => 's' }, '--set', 'APP=set', '-x', 'HOME=h'),
	"SELECT 'set', ':APPLE', 's', 'postgres', 'h', 1 AS x;\n", '--set goes first');
sub gmrc_fails
{
	my ($text, $err, $name) = @_;
	my $dir = folder_of(%m, '.gmrc' => $text);

	fails_with([@nowhere, '--dir', "$dir/m", 'load'], 1, qr{^\Q$dir\E/\.gmrc$err}, $name);
	return;
}
gmrc_fails($gmrc, qr{: error: placeholder ":SECRET" is not in the environment}, 'not in the environment');
gmrc_fails("{\n  placeholders: {}\n}", qr{:2: error: could not read configuration.*\nHINT}, 'JSON5 that is not read');
gmrc_fails('{"placeholders": {"app": "x"}}', qr{: error: placeholder "app" is not of the form}, 'another name');
(undef, $err) = loaded({ %m, '.gmrc' => '{"afterAllMigrations": ["a.sql"]}' });
like($err, qr{warning: \S+/\.gmrc: "afterAllMigrations" is not run}, 'actions');
(undef, $err) = loaded({ %m, '.gmrc.js' => '' });
like($err, qr{warning: \S+/\.gmrc\.js: not read}, '.gmrc.js');

fails_with(['--dir', fixture('graphile-migrate'), 'revision', '-m', 'x'], 2, qr/written in current\.sql.*\nHINT/, 'no new files');

done_testing();
