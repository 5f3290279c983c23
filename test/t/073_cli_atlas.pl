# Folders of Atlas: atlas.sum, directives, delimiters, and a server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Digest::SHA qw(sha256_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');
my $projects = 0;

# atlas.sum, as Atlas writes it.
sub sum_of
{
	my ($files) = @_;
	my ($all, $lines, $names) = ('', '', '');

	for my $name (sort grep { /\.sql$/ } keys %$files)
	{
		$all .= $name;
		next if $files->{$name} =~ /\A[ -~]*atlas:sum +ignore$/m;
		$all .= $files->{$name};
		my $hash = sha256_base64($all) . '=';
		$lines .= "$name h1:$hash\n";
		$names .= $name . $hash;
	}
	return 'h1:' . sha256_base64($names) . "=\n$lines";
}

# A folder with the atlas.sum that it should have.
sub atlas_folder
{
	my (%files) = @_;

	return folder_of('atlas.sum' => sum_of(\%files), %files);
}

sub bad
{
	my ($dir, $err, $name) = @_;

	fails_with([@nowhere, '--dir', $dir, 'load'], 1, qr/^\Q$dir\E$err/, $name);
	return;
}

# What load registers of a folder: ids, messages, and a function for scripts.
sub loaded
{
	my ($dir) = @_;
	my @at = ('--url', $node->connstr('postgres'), '--project', 'p' . ++$projects);
	my ($status, $document, $err) = viflo_json(@at, '--dir', $dir, 'load');

	is($status, 0, 'loads') or diag($err);
	return (join(' ', map { $_->{revision} } @$document), $err, sub { (viflo(@at, 'script', $_[0]))[1] });
}

sub up_of
{
	my ($text) = @_;
	my (undef, undef, $script) = loaded(atlas_folder('1.sql' => $text));

	return $script->('1') =~ s/\A.*^-- viflo up[^\n]*\n//msr;
}

$node->safe_psql('postgres', 'CREATE DATABASE shop');
my @fixture = ('--url', $node->connstr('shop'), '--dir', fixture('atlas'), '-q');
is_viflo([@fixture, 'deploy'], 0,
	qr/\Aup    20240101000000_parts +parts .*\nup    20240102000000_index .*\nup    20240104000000_function .*\n\z/, '',
	'deploy');
is($node->safe_psql('shop', 'SELECT * FROM one'), 1, 'statements between delimiters');
is_viflo([@fixture, 'deploy'], 0, "nothing to do\n", '', 'nothing to do');

# Names, order, checkpoints.
my ($ids, $err, $script) = loaded(atlas_folder('2_b.sql' => '', '10_a.sql' => "-- atlas:sum ignore\n", '3.sql' => '', 'x.txt' => ''));
is($ids, '10_a 2_b 3', 'order of names; a file that does not count');
($ids) = loaded(atlas_folder('1_a.sql' => "-- atlas:checkpoint tag\n\nSELECT 1;\n", '2_b.sql' => "-- atlas:checkpoint\n\n", '3_c.sql' => ''));
is($ids, '1_a 3_c', 'a checkpoint in place of what was before');

# Directives.
for my $case (["-- atlas:txmode none\n\nSELECT 1;\n", 1], ["-- x\n-- atlas:txmode none\n\nSELECT 1;\n", 1],
	["-- atlas:txmode none\r\n\r\nSELECT 1;\r\n", 1], ["-- atlas:txmode none", 1], ["-- atlas:txmode file\n\nSELECT 1;\n", 0],
	["\n-- atlas:txmode none\n\nSELECT 1;\n", 0])
{
	(undef, $err, $script) = loaded(atlas_folder('1.sql' => $case->[0]));
	is($script->('1') =~ /^-- transaction: off$/m ? 1 : 0, $case->[1], 'transaction: ' . $case->[0] =~ s/\s+/ /gr);
	unlike($err, qr/warning/, 'no warning');
}
(undef, $err, $script) = loaded(atlas_folder('1.sql' => "-- atlas:txmode none\nSELECT 1;\n"));
like($err, qr{warning: \S+/1\.sql: directives do not count}, 'no empty line follows');
unlike($script->('1'), qr/transaction:/, 'so it does not count');

is(up_of("-- atlas:delimiter \\n\\n\nSELECT 1\n\nSELECT '\n\n2' -- x\n\n"), "\nSELECT 1\n;\nSELECT '\n\n2' -- x\n;\n", 'line ends');
is(up_of("-- atlas:delimiter //\nSELECT (1\n//2)// SELECT \$\$//\$\$//"), "\nSELECT (1\n//2); SELECT \$\$//\$\$;\n", 'a text');
is(up_of("-- atlas:delimiter //\n-- see http://x, it's here\nSELECT '--//' || (1 -- (//\n)//\n/* -- // ' */ SELECT 2 -- isn't//\n//"),
	"\n-- see http://x, it's here\nSELECT '--//' || (1 -- (//\n);\n/* -- // ' */ SELECT 2 -- isn't//\n;\n", 'a text, and comments');
is(up_of("-- atlas:delimiter -- end\nSELECT (1 -- end'\n)-- end\n-- the '\nSELECT 2\n-- end"),
	"\nSELECT (1 -- end'\n);\n-- the '\nSELECT 2\n;\n", 'a comment');

# atlas.sum.
my %files = ('1_a.sql' => "SELECT 1;\n", '2_b.sql' => "SELECT 2;\n", '3_c.sql' => "SELECT 3;\n");
my $sum = sum_of(\%files);
bad(folder_of(%files, 'atlas.sum' => $sum, '2_b.sql' => 'SELECT 4;'), qr{/atlas\.sum:3: error: .*"2_b\.sql" was edited\nHINT}, 'edited');
bad(folder_of(%files, 'atlas.sum' => $sum, '15.sql' => ''), qr{/atlas\.sum:2: error: .*"15\.sql" was added}, 'added in between');
bad(folder_of(%files, 'atlas.sum' => $sum, '4.sql' => ''), qr{/atlas\.sum:5: error: .*"4\.sql" was added}, 'added at the end');
bad(folder_of('1_a.sql' => $files{'1_a.sql'}, 'atlas.sum' => $sum), qr{/atlas\.sum:3: error: .*"2_b\.sql" was removed}, 'removed');
bad(folder_of(%files, 'atlas.sum' => $sum =~ s/^h1:./h1:_/r), qr{/atlas\.sum:1: error: .*lines below}, 'the first line');
bad(folder_of(%files, 'atlas.sum' => "h1:x\nnothing\n"), qr{/atlas\.sum:2: error: line is not}, 'a line that is none');
bad(folder_of(%files, 'atlas.sum' => $sum . ($sum =~ /(.*\n)\z/)[0]), qr{/atlas\.sum:5: error: file "3_c\.sql" stands in an earlier line}, 'a line again');
bad(folder_of(%files, 'atlas.sum' => ''), qr{/atlas\.sum:\d: error}, 'empty');
bad(folder_of('1_a.sql' => "-- atlas:txmode none\n\n"), qr{/atlas\.sum: error: file is missing}, 'missing');

bad(atlas_folder('1.sql' => "-- x\n-- atlas:txmode all\n\n"), qr{/1\.sql:2: error: atlas:txmode}, 'another mode');
bad(atlas_folder('1.sql' => "-- atlas:txmode none\n-- atlas:txmode none\n\n"), qr{/1\.sql:2: error: second}, 'twice');
bad(atlas_folder('1.sql' => "-- atlas:txtar\n\n"), qr{/1\.sql:1: error: directive atlas:txtar}, 'an archive');
bad(atlas_folder('1_a.sql' => '', '1_b.up.sql' => "\xff"), qr{.*error: }, 'not UTF-8');
bad(atlas_folder('1_a.sql' => '', 'V1__b.sql' => ''), qr{.*two layouts}, 'two layouts');

# New files keep atlas.sum right.
my $dir = atlas_folder('20240101000000_a.sql' => "SELECT 1;\n");
my ($status, $document) = viflo_json('--dir', $dir, 'revision', '-m', 'Add users');
is($status, 0, 'revision');
like($document->{revision}, qr/^20[2-9]\d{11}_add_users$/, 'the time');
is(slurp_text("$dir/atlas.sum"), sum_of({ map { (s{.*/}{}r => slurp_text($_)) } glob("$dir/*.sql") }), 'atlas.sum is written');
($ids) = loaded($dir);
is($ids, "20240101000000_a $document->{revision}", 'and the folder is read again');
($status, $document) = viflo_json('--dir', atlas_folder('009_a.sql' => ''), 'revision', '-m', 'b');
is($document->{revision}, '010_b', 'the next number');

done_testing();
