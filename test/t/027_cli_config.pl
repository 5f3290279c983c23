# viflo.conf: what it may hold, what goes first, names of new files, hooks;
# and edit.  Needs no server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use Test::More;

# A folder with viflo.conf and a folder of migrations.
sub configured { return folder_of('viflo.conf' => $_[0], 'migrations/.keep' => ''); }

# What the file may not hold
for my $case (
	[ "project = a\nproduct = b\n", 2, qr/unknown key "product"\nHINT:  Keys are: url, .*set\.NAME/, 'an unknown key' ],
	[ "[staging]\ndri = a\n", 2, qr/unknown key "dri"/, 'one in a section' ],
	[ "a line\nproduct = b\n", 1, qr/line is none/, 'the first of two mistakes' ],
	[ "set = a\n", 1, qr/unknown key "set"/, 'set without a name' ],
	[ "[staging\nurl = a\n", 1, qr/line is none/, 'a section that does not end' ],
	[ "# c\nproject\n", 2, qr/line is none/, 'a key without an equals sign' ],
	[ "project =\n", 1, qr/key "project" has no value/, 'a key without a value' ],
	[ "url = a\n[viflo]\nurl = b\n", 3, qr/key "url" is there twice/, 'a key twice' ],
	[ "late = never\n", 1, qr/"never" is no value of key "late"\nHINT:  .*refuse/, 'a word that is none' ],
	[ "slug_length = 0\n", 1, qr/"0" is no value of key "slug_length"/, 'a length of nothing' ],
	[ "slug_length = 9x\n", 1, qr/"9x" is no value/, 'a length that is no number' ],
	[ "file_template = {rev}_{slug}\n", 1, qr/unknown placeholder "\{rev\}"\nHINT:  Placeholders are/, 'a placeholder that is none' ],
	[ "file_template = {id\n", 1, qr/"\{" without its "\}"/, 'a brace that does not end' ],
	[ "file_template = id}\n", 1, qr/"\}" without its "\{"/, 'one that does not begin' ],
	[ "file_template = same\n", 1, qr/one name/, 'a template without a placeholder' ],
	[ "file_template = {year}/{id}\n", 1, qr/"\/"/, 'a template with a folder' ],
	[ "file_template = .{id}\n", 1, qr/dot/, 'a hidden file' ],
	[ "project = a\0b\n", 1, qr/NUL byte/, 'a NUL byte' ],
	[ 'project = ' . ('a' x 70000) . "\n", 1, qr/longer than \d+ bytes/, 'a line without end' ],
	[ '[' . ('d' x 60) . "]\nproject = a\n", 2, qr/name of a section is too long/, 'a long name' ])
{
	my ($text, $line, $message, $name) = @$case;
	fails_with([{ in => configured($text) }, 'revision', '-m', 'x'], 2,
		qr/^viflo\.conf:$line: error: .*$message/, $name);
}
fails_with([{ in => configured('') }, '--config', 'other.conf', 'revision', '-m', 'x'], 2,
	qr/could not read file "other.conf": No such file.*\nHINT:/, 'a file that is named and not there');
fails_with([{ in => configured(''), env => { VIFLO_CONFIG => 'other.conf' } }, 'revision', '-m', 'x'], 2,
	qr/"other.conf"/, 'also by the environment');
fails_with([{ in => folder_of() }, '-d', 'staging', 'current'], 2,
	qr/there is no viflo\.conf that could name database "staging"\nHINT:/, 'a database without a file');
fails_with([{ in => configured("[a]\nurl = x\n") }, '-d', 'staging', 'current'], 2,
	qr/file "viflo.conf" has no database "staging"\nHINT:/, 'a database that is not in it');

# What it may hold
my $dir = folder_of(
	'conf/viflo.conf' => "\xef\xbb\xbf# comment\r\n  ; another\r\n\r\n   dir = top\r\nset.a = 1 ; 2\r\n[here]\r\ndir: ../here\r\n[viflo]\nlayout = native\n",
	'conf/top/.keep' => '', 'here/.keep' => '', 'env/.keep' => '', 'dotenv/.keep' => '', 'option/.keep' => '');
my $number = 0;

# Where does a revision go?
sub goes_to
{
	my ($folder, $options, $name, @args) = @_;
	my ($status, $out, $err) = viflo({ in => $dir, %$options }, @args, 'revision', '-m', 'x', '--rev-id', 'r' . ++$number);

	is($out, "$folder/r${number}_x.sql\n", $name) or diag($err);
	unlink("$dir/$folder/r${number}_x.sql");
	return;
}

my @config = ('--config', 'conf/viflo.conf');
goes_to('conf/top', {}, 'a path is relative to the file', @config);
goes_to('conf/top', { env => { VIFLO_CONFIG => 'conf/viflo.conf' } }, 'VIFLO_CONFIG names it, too');
goes_to('here', {}, 'a section goes before the top', @config, '-d', 'here');
goes_to('env', { env => { VIFLO_DIR => 'env' } }, 'the environment goes before the file', @config);
goes_to('here', { env => { VIFLO_DIR => 'env' } }, 'a database that is chosen by option goes before the environment',
	@config, '-d', 'here');
goes_to('option', { env => { VIFLO_DIR => 'env' } }, 'an option before that', @config, '--database', 'here', '--dir', 'option');
goes_to('env', { env => { VIFLO_DIR => 'env', VIFLO_DATABASE => 'here' } },
	'a database that the environment chooses stands behind its variables', @config);
put("$dir/.env", "VIFLO_DIR=dotenv\n");
goes_to('here', { env => { VIFLO_DATABASE => 'here' } }, 'and before .env', @config);
goes_to('dotenv', {}, 'which goes before the file', @config);
put("$dir/.env", "VIFLO_DATABASE=here\nVIFLO_CONFIG=conf/viflo.conf\n");
goes_to('here', {}, '.env may choose, too');
unlink("$dir/.env");
mkdir("$dir/.env") or die;
goes_to('conf/top', {}, 'a folder of that name, as Python has them, is none', @config);

# The URL: as for the folder, seen by where it cannot connect
$dir = configured("url = host=/top-conf\nproject = a\n[staging]\nurl = host=/staging-conf\n");
fails_with([{ in => $dir }, 'current'], 4, qr{/top-conf/}, 'the url of the top');
fails_with([{ in => $dir, env => { DATABASE_URL => 'host=/environment' } }, 'current'], 4, qr{/environment/},
	'DATABASE_URL goes first');
fails_with([{ in => $dir, env => { DATABASE_URL => 'host=/environment' } }, '-d', 'staging', 'current'], 4,
	qr{/staging-conf/}, 'but not before a database that is asked for');
fails_with([{ in => $dir }, '-d', 'staging', '--url', 'host=/option', 'current'], 4, qr{/option/}, '--url does');

# Another program's, which libpq would take for a name, and send: its password, too
for my $scheme ('mysql', 'postgresql+psycopg2', 'jdbc:postgresql')
{
	fails_with([{ in => $dir, env => { DATABASE_URL => "$scheme://me:hush\@there/shop" } }, 'current'], 4,
		qr/\Aviflo: error: unknown scheme "\Q$scheme\E" in the URL of the database (?!.*hush).*\nHINT:  /s, "a URL of $scheme");
}

# A password for all to see
put("$dir/viflo.conf", "url = host=/nowhere password=secret\n");
chmod(0644, "$dir/viflo.conf");
fails_with([{ in => $dir }, 'current'], 4, qr/warning: file "viflo.conf" holds a password/, 'a password that others can read');
chmod(0600, "$dir/viflo.conf");
fails_with([{ in => $dir }, 'current'], 4, qr/\Aviflo: error/, 'one that they cannot');
chmod(0644, "$dir/viflo.conf");
fails_with([{ in => $dir }, '--url', 'host=/nowhere', 'current'], 4, qr/\Aviflo: error/, 'one that is not used');

# Names of new files
my @now = gmtime;
my $year = 1900 + $now[5];
for my $case (
	[ '{id}_{slug}', undef, 'add users', qr/\Ar_add_users\.sql\z/ ],
	[ '{year}{month}{day}-{hour}{minute}{second}_{slug}.sql', undef, 'a b', qr/\A$year\d{4}-\d{6}_a_b\.sql\z/ ],
	[ '{epoch} {id}', undef, 'x', qr/\A\d{10,} r\.sql\z/ ],
	[ '{id}_{slug}', 5, 'add users', qr/\Ar_add_u\.sql\z/ ],
	[ undef, 5, 'add users', qr/\Ar_add_u\.sql\z/ ],
	[ '{id}_{slug}', undef, '!!!', qr/\Ar\.sql\z/ ],
	[ '{slug}', undef, '!!!', qr/\Ar\.sql\z/ ],

	[ '{slug}.{id}', undef, '!!!', qr/\Ar\.sql\z/ ],
	[ '{slug}', undef, "../x\n'\$(y)", qr/\Ax_y\.sql\z/ ])
{
	my ($template, $length, $message, $file) = @$case;
	$dir = configured((defined $template ? "file_template = $template\n" : '')
		. (defined $length ? "slug_length = $length\n" : ''));
	my ($status, $out, $err) = viflo({ in => $dir }, 'revision', '-m', $message, '--rev-id', 'r');
	like($out =~ s{^migrations/(.*)\n}{$1}r, $file, join(' ', 'name by', $template // '', $length // '')) or diag($err);
}
viflo({ in => $dir }, 'revision', '-m', 'again', '--rev-id', 's');
fails_with([{ in => $dir }, 'revision', '-m', 'again', '--rev-id', 't'], 1,
	qr/again\.sql: error: file exists already/, 'a name that is taken');
fails_with([{ in => configured('') }, 'revision', '-m', 'x', '--rev-id', '.r'], 2,
	qr/revision id that names a file cannot begin with a dot/, 'a name that is hidden');

# Hooks
$dir = configured(<<'CONF');
post_write = sh -c 'echo "first $1"; cat "$1" >copy' sh {}
post_write = sh -c 'echo second >>"$0"' "{}"
[quiet]
post_write = true
[bad]
post_write = false {}
[none]
post_write = viflo-no-such-program {}
[shell]
post_write = echo {} | cat
[open]
post_write = echo "{}
CONF
my ($status, $out, $err) = viflo({ in => $dir }, 'revision', '-m', q(it's "$(x)"), '--rev-id', q(a 'b'));
is($status, 0, 'hooks') or diag($err);
is($err, "first migrations/a 'b'_it_s_x.sql\n", 'a hook gets the name as one word; what it prints goes to stderr');
like(slurp_text("$dir/copy"), qr/^-- viflo up/m, 'it finds the file');
like(slurp_text("$dir/migrations/a 'b'_it_s_x.sql"), qr/\nsecond\n\z/, 'the second one after it');
is_viflo([{ in => $dir }, '-d', 'quiet', 'revision', '-m', 'x'], 0, qr/_x\.sql\n\z/, '', 'hooks of a section take the place of those');
my $document;
($status, $document, $err) = viflo_json({ in => $dir }, 'revision', '-m', 'x');
is($status, 0, 'in JSON nothing but JSON');
like($err, qr/^first /, 'with hooks');
for my $case ([ 'bad', 1, qr/command "false \{\}" failed: .*exit code 1/ ], [ 'none', 1, qr/could not run "viflo-no-such-program"/ ],
	[ 'shell', 2, qr/characters of a shell.*\nHINT:  .*sh -c/ ], [ 'open', 2, qr/quote that is not closed/ ])
{
	my ($section, $code, $message) = @$case;
	is_viflo([{ in => $dir }, '-d', $section, 'revision', '-m', "why $section"], $code, qr/why_$section\.sql\n\z/,
		qr/error: hook post_write: .*$message.*^KEPT:  File "migrations\/.*why_$section\.sql" is written\./ms, "a hook that fails: $section");
}
is(scalar(my @kept = glob("$dir/migrations/*_why_*.sql")), 4, 'the files are kept');
$dir = folder_of('viflo.conf' => "post_write = sh -c 'echo \$1' sh {}\n", 'migrations/1_a.up.sql' => 'SELECT 1');
is_viflo([{ in => $dir }, 'revision', '-m', 'b'], 0, qr/up\.sql\n.*down\.sql\n/s,
	"migrations/2_b.up.sql\nmigrations/2_b.down.sql\n", 'other layouts have hooks, too');

# edit
$dir = configured('');
viflo({ in => $dir }, 'revision', '-m', 'one', '--rev-id', 'rev1');
viflo({ in => $dir }, 'revision', '-m', 'two', '--rev-id', 'rev2', '--label', 'shop');
put("$dir/fake-editor", "#!/bin/sh\nfor file; do echo \"<\$file>\"; done\n");
chmod(0755, "$dir/fake-editor");
my %editor = (env => { VISUAL => '', EDITOR => './fake-editor "a b"' });
is_viflo([{ in => $dir, %editor }, 'edit', 'head'], 0, "<a b>\n<migrations/rev2_two.sql>\n", '', 'edit head');
is_viflo([{ in => $dir, %editor }, 'edit', 'rev1'], 0, qr/rev1_one/, '', 'edit by id');
is_viflo([{ in => $dir, %editor }, 'edit', 'shop'], 0, qr/rev2_two/, '', 'edit by label');
is_viflo([{ in => $dir, env => { VISUAL => './fake-editor v', EDITOR => 'false' } }, 'edit', 'head'], 0, qr/^<v>/, '', 'VISUAL goes first');
fails_with([{ in => $dir, %editor }, 'edit', 'nothing'], 1, qr/SQLSTATE VF001/, 'no such revision');
fails_with([{ in => $dir, %editor }, 'edit', 'base'], 1, qr/"base" is no revision/, 'base is none');
fails_with([{ in => $dir, env => { VISUAL => 'false' } }, 'edit', 'head'], 1, qr/editor: command "false" failed/, 'an editor that fails');
fails_with([{ in => folder_of(), %editor }, 'edit', 'head'], 2, qr/does not exist/, 'no folder');
put("$dir/interrupted", "#!/bin/sh\nkill -INT \$PPID\nsleep 0.2\necho saved\n");
chmod(0755, "$dir/interrupted");
is_viflo([{ in => $dir, env => { VISUAL => './interrupted' } }, 'edit', 'head'], 0, "saved\n", '', '^C is for the editor');
is_viflo([{ in => $dir, env => { VISUAL => q(sh -c 'kill -INT $$; echo no') } }, 'edit', 'head'], 1, '', qr/terminated by signal 2/, 'which it may end');
($status, $document) = viflo_json({ in => $dir, %editor }, 'edit', 'head');
is($document->{file}, 'migrations/rev2_two.sql', 'edit in JSON');
$dir = folder_of('migrations/1_a.up.sql' => 'SELECT 1', 'migrations/1_a.down.sql' => '');
put("$dir/fake-editor", "#!/bin/sh\necho \$#\n");
chmod(0755, "$dir/fake-editor");
is_viflo([{ in => $dir, env => { VISUAL => './fake-editor' } }, 'edit', 'head'], 0, "2\n", '', 'both files of a layout that has two');

done_testing();
