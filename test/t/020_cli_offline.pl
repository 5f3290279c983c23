# viflo without a server: usage, init, revision, merge, .env.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Test::More;

# Usage
is_viflo(['help'], 0, qr/^Commands:/m, '', 'help');
is_viflo(['--help'], 0, qr/^Commands:/m, '', '--help');
is_viflo(['version'], 0, qr/^viflo \d+\.\d+/, '', 'version');
is_viflo(['--version'], 0, qr/^viflo \d+\.\d+/, '', '--version');
fails_with([], 2, qr/no command given/, 'no command');
fails_with(['frobnicate'], 2, qr/unknown command "frobnicate"/, 'unknown command');
fails_with(['--frob', 'heads'], 2, qr/unknown option --frob/, 'unknown option');
fails_with(['heads', '-z'], 2, qr/unknown option -z/, 'unknown letter');
fails_with(['heads', '--url'], 2, qr/--url needs a value/, 'option without its value');
fails_with(['heads', '--purge'], 2, qr/has no option --purge/, 'option of another command');
fails_with(['heads', 'more'], 2, qr/"more"/, 'argument too many');
fails_with(['downgrade'], 2, qr/needs TARGET/, 'argument too few');
fails_with(['--project', '', 'heads'], 2, qr/project is empty/, 'a project without a name');
fails_with(['--format', 'xml', 'heads'], 2, qr/unknown format "xml"/, 'unknown format');
fails_with(['help', 'frobnicate'], 2, qr/unknown command/, 'help on nothing');

my (undef, $help) = viflo('help');
my ($list) = $help =~ /^Commands:\n(.*?)\n\n/ms;
my @commands = $list =~ /^  ([a-z]+)/mg;
cmp_ok(scalar @commands, '>=', 20, 'help lists the commands');
for my $command (@commands)
{
	my ($status, $out, $err) = viflo('help', $command);
	my ($status2, $out2) = viflo($command, '--help');

	is($status, 0, "help $command");
	like($out, qr/^Usage: viflo \Q$command\E\b.*^Example:\n  viflo /ms,
		"help $command has usage and an example");
	is($out2, $out, "$command --help is the same");
}

# The man page has all commands and options, and no others.
my $man = slurp_text("$FindBin::RealBin/../../src/cli/man/viflo.1") =~ s/\\-/-/gr;
my %told = map { $_ => 1 } map { (viflo('help', $_))[1] =~ /(--[a-z][-a-z]+)/g } @commands;
like($man, qr/^\.TP\n(\\fB|\.B )\Q$_\E\b/m, "man page: $_") for @commands;
like($man, qr/\Q$_\E\b/, "man page: $_") for sort keys %told;
is(join(' ', grep { !$told{$_} && $_ ne '--branch-label' } $man =~ /\\fB(--[a-z][-a-z]+)/g), '',
	'man page: no option that is not there');

# JSON
my ($status, $document, $err) = viflo_json('frobnicate');
is($status, 2, 'status of a failure in JSON');
is($document->{message}, 'unknown command "frobnicate"', 'message in JSON');
like($err, qr/unknown command "frobnicate"/, 'message on stderr as well');
($status, $document) = viflo_json('version');
like($document->{version}, qr/^\d+\.\d+/, 'version in JSON');
($status, $document) = viflo_json('help');
is(scalar @$document, scalar @commands, 'help in JSON');
($status, $document) = viflo_json('--format=json', '--nonsense');
is($document->{status}, 2, 'an option that is not known is a JSON document too');

# init and revision
my $dir = folder_of();
is_viflo([{ in => $dir }, 'init'], 0, qr/made folder migrations\n# next/, '', 'init');
ok(-d "$dir/migrations", 'the folder is there');
is_viflo([{ in => $dir }, 'init'], 0, qr/folder migrations is there/, '', 'init again');
is_viflo([{ in => $dir }, 'init', 'a/b'], 0, qr/made folder a\/b/, '', 'init of a deep folder');
ok(-d "$dir/a/b", 'a deep folder is there');
put("$dir/file", '');
fails_with([{ in => $dir }, 'init', 'file'], 2, qr/not a folder/, 'init on a file');
fails_with([{ in => $dir }, '--dir', 'c', 'revision', '-m', 'x'], 2,
	qr/folder "c" does not exist/, 'a named folder that is not there');
fails_with([{ in => $dir, env => { VIFLO_DIR => 'c' } }, 'heads'], 2,
	qr/folder "c" does not exist/, 'one named by VIFLO_DIR');
fails_with([{ in => $dir }, 'revision'], 2, qr/message is needed/, 'revision without message');

my $first = is_viflo([{ in => $dir }, 'revision', '-m', 'Add Users!'], 0,
	qr/^migrations\/[0-9a-f]{12}_add_users\.sql\n$/, '', 'first revision');
chomp $first;
my ($id1) = $first =~ /([0-9a-f]{12})/;
my $text = slurp_text("$dir/$first");
like($text, qr/\A-- viflo revision: $id1\n/, 'begins with the id');
like($text, qr/^-- revises: *$/m, 'revises nothing');
like($text, qr/^-- message: Add Users!$/m, 'has the message');
like($text, qr/^-- created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m, 'has the time');
like($text, qr/^-- viflo up\n.*^-- viflo down\n/ms, 'has empty sections');

my $second = (viflo({ in => $dir }, 'revision', '-m', 'two', '--label', 'shop'))[1];
my ($id2) = $second =~ /([0-9a-f]{12})/;
chomp $second;
like(slurp_text("$dir/$second"), qr/^-- revises: $id1$/m, 'the second revises the first');
like(slurp_text("$dir/$second"), qr/^-- labels: shop$/m, 'and has its label');

fails_with([{ in => $dir }, 'revision', '-m', 'x', '--head', $id1], 1,
	qr/SQLSTATE VF014/, 'a branch by accident');
my $branch = (viflo({ in => $dir }, 'revision', '-m', 'x', '--head', $id1, '--splice',
		'--rev-id', 'branch-1'))[1];
is($branch, "migrations/branch-1_x.sql\n", 'a branch on purpose, with an id');
fails_with([{ in => $dir }, 'revision', '-m', 'y'], 1, qr/SQLSTATE VF003/, 'several heads');
fails_with([{ in => $dir }, 'revision', '-m', 'y', '--rev-id', $id1, '--head', 'shop@head'], 1,
	qr/"$id1" exists already \(SQLSTATE VF010\)/, 'an id that is taken');
fails_with([{ in => $dir }, 'revision', '-m', 'y', '--label', 'shop', '--head', 'shop@head'], 1,
	qr/SQLSTATE VF013/, 'a label that is taken');
fails_with([{ in => $dir }, 'revision', '-m', 'y', '--rev-id', 'a@b', '--head', 'base'], 1,
	qr/SQLSTATE VF015/, 'an id that cannot be one');
fails_with([{ in => $dir }, 'revision', '-m', 'y', '--head', 'nothing'], 1,
	qr/SQLSTATE VF001/, 'a head that is not there');
fails_with([{ in => $dir }, 'revision', '-m', 'y', '--rev-id', '../../y', '--head', 'base'], 2,
	qr/"\/"/, 'an id that leaves the folder');

($status, $document) = viflo_json({ in => $dir }, 'merge', '-m', 'join');
is($status, 0, 'merge');
is_deeply([ sort @{ $document->{down_revision} } ], [ sort 'branch-1', $id2 ],
	'the merge has both heads as parents');
like(slurp_text("$dir/$document->{file}"), qr/^-- revises: .+, .+$/m, 'in its file too');
fails_with([{ in => $dir }, 'merge'], 1, qr/SQLSTATE VF016/, 'nothing to merge');

($status, $document) =
  viflo_json({ in => $dir }, 'revision', '-m', 'apart', '--head', 'base', '--depends-on', $id1);
is_deeply($document->{depends_on}, [$id1], 'a base that depends on another branch');
is_deeply($document->{down_revision}, [], 'and has no parent');
like(slurp_text("$dir/$document->{file}"), qr/^-- depends on: $id1$/m, 'in its file too');
unlink("$dir/$document->{file}");

# A message that is hostile to a file name
($status, $document) = viflo_json({ in => $dir }, 'revision', '-m',
	"../../../etc/passwd\n-- viflo up\nDROP 'x' \"y\" \$(z) " . ('long ' x 60));
is($status, 0, 'a hostile message');
unlike(substr($document->{file}, length 'migrations/'), qr{[/\n'"\$() ]}, 'makes a harmless name');
cmp_ok(length $document->{file}, '<', 120, 'of bounded length');
is((viflo({ in => $dir }, 'revision', '-m', 'after'))[0], 0, 'and a readable file');
is((viflo({ in => $dir }, 'revision', '-m', "\xd0\x96\xd0\xb8"))[0], 0, 'a message not in ASCII');
is((viflo({ in => $dir }, 'revision', '-m', '!!!'))[0], 0, 'a message without a letter');

# What would make a folder that cannot be read any more, or a file that is not
my $kept = "-- viflo revision: kept\n-- viflo up\nSELECT 1;\n";
my $other = folder_of('taken_x.sql' => $kept);
fails_with([ '--dir', $other, 'revision', '-m', 'x', '--rev-id', 'taken' ], 1, qr/taken_x\.sql: error: file exists already/,
	'a file that has another revision');
is(slurp_text("$other/taken_x.sql"), $kept, 'is left as it is');
for my $case ([ qr/begin with a dot/, '--rev-id', '.r' ], [ qr/"l" is given twice/, '--label', 'l', '--label', 'l' ],
	[ qr/message is not UTF-8/, '-m', "\x80" ], [ qr/id is not UTF-8/, '--rev-id', "r\x80" ], [ qr/label is not UTF-8/, '--label', "\xff" ])
{
	my ($message, @options) = @$case;

	fails_with([ '--dir', $other, 'revision', '-m', 'x', @options ], 2, $message, "revision: $message");
}
fails_with([ '--dir', $other, 'merge', '-m', "\x80" ], 2, qr/message is not UTF-8/, 'merge: a message that is not UTF-8');
is_deeply([ map { s{.*/}{}r } glob("$other/{.r*,*}") ], ['taken_x.sql'], 'nothing was written');
my $sqitch = folder_of('sqitch.plan' => "%syntax-version=1.0.0\n%project=p\n\n", 'deploy/x.sql' => 'SELECT 1;');
fails_with([ '--dir', $sqitch, 'revision', '-m', 'x' ], 1, qr{deploy/x\.sql: error: file exists already}, 'sqitch: a script that no plan names');
is((viflo('--dir', $sqitch, 'revision', '-m', 'y'))[0], 0, 'sqitch: the plan is added to');
like(slurp_text("$sqitch/sqitch.plan"), qr/%project=p\n\ny /, 'and has what it had');
rename("$sqitch/sqitch.plan", "$sqitch/the.plan") && symlink('the.plan', "$sqitch/sqitch.plan") or die "could not link: $!";
chmod(0660, "$sqitch/the.plan");
is((viflo('--dir', $sqitch, 'revision', '-m', 'z'))[0], 0, 'sqitch: a plan that is a link');
ok(-l "$sqitch/sqitch.plan", 'stays one');
like(slurp_text("$sqitch/the.plan"), qr/\nz /, 'and what it leads to is changed');
is((stat("$sqitch/the.plan"))[2] & 0777, 0660, 'and keeps its mode');

# Other layouts
my $golang = folder_of('1_a.up.sql' => 'SELECT 1', '000009_z.up.sql' => 'SELECT 1');
is((viflo('--dir', $golang, 'revision', '-m', 'B c'))[1],
	"$golang/000010_b_c.up.sql\n$golang/000010_b_c.down.sql\n", 'golang-migrate: next number');
fails_with(['--dir', $golang, 'revision', '-m', 'x', '--label', 'y'], 2, qr/one line of revisions/,
	'golang-migrate has no labels');
fails_with(['--dir', $golang, 'merge'], 2, qr/nothing to merge/, 'nor merges');
my $times = folder_of('20240101000000_a.up.sql' => 'SELECT 1');
like((viflo('--dir', $times, 'revision', '-m', 'b'))[1],
	qr{/20[2-9]\d{11}_b\.up\.sql\n}, 'golang-migrate: next time');
my $diesel = folder_of('2024-01-01-000000_a/up.sql' => 'SELECT 1');
like((viflo('--dir', $diesel, 'revision', '-m', 'b'))[1],
	qr{/\d{4}-\d\d-\d\d-\d{6}_b/up\.sql\n.*/down\.sql\n}, 'diesel: next time');
is((viflo('--dir', folder_of(), '--layout', 'golang-migrate', 'revision', '-m', 'b'))[0], 0,
	'an empty folder with a layout');
fails_with(['--dir', $golang, '--layout', 'nonsense', 'revision', '-m', 'x'], 2,
	qr/unknown layout "nonsense".*diesel/s, 'unknown layout');

# .env
my $env = folder_of('.env' => <<'ENV', 'db/x' => '');
# of the application
SECRET="two
lines"
export VIFLO_DIR = 'db' # here
ENV
is((viflo({ in => $env }, 'revision', '-m', 'x', '--rev-id', 'r'))[1], "db/r_x.sql\n",
	'VIFLO_DIR from .env');
put("$env/other/x", '');
is((viflo({ in => $env, env => { VIFLO_DIR => 'other' } }, 'revision', '-m', 'x', '--rev-id', 's'))[1],
	"other/s_x.sql\n", 'the environment goes first');
is((viflo({ in => $env, env => { VIFLO_DIR => 'db' } }, '--dir', 'other', 'revision', '-m', 'x',
		'--rev-id', 't'))[1], "other/t_x.sql\n", 'the option before that');
put("$env/.env", "A=1\nVIFLO_DIR=\"open\n");
fails_with([{ in => $env }, 'revision', '-m', 'x'], 2, qr/^\.env:2: error:/, 'a quote not closed');

# No server
my $nowhere = 'host=/nonexistent-viflo port=1';
for my $command (['current'], ['upgrade'], ['downgrade', '-1'], ['check'], ['history'], ['load'])
{
	fails_with([{ in => $dir }, '--url', $nowhere, @$command], 4, qr/error: .*nonexistent/s,
		"cannot connect: @$command");
}
($status, $document) = viflo_json({ in => $dir }, '--url', $nowhere, 'current');
is($document->{status}, 4, 'cannot connect, in JSON');
fails_with(['--url', 'postgresql://h:port/', 'current'], 4, qr/error/, 'an URL that is none');
is_viflo([{ in => $dir, env => { DATABASE_URL => $nowhere } }, 'init'], 0, qr/is there/,
	qr/warning: cannot connect/, 'init works without the server of the environment');
fails_with([{ in => $dir }, '--url', $nowhere, 'init'], 4, qr/error/,
	'but not without the one asked for');

done_testing();
