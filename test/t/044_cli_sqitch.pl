# viflo in a Sqitch project: the plan, its scripts, and psql's commands in
# them.  What can be said without a server is said before anything is sent.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');
my $who = '2026-01-05T08:00:00Z Ada <ada@example.com>';
my $head = "%syntax-version=1.0.0\n%project=shop\n\n";

# A project of one change, or with this plan.
sub project
{
	my ($script, %files) = @_;

	return folder_of('sqitch.plan' => "${head}a $who\n", 'deploy/a.sql' => $script, %files);
}

# The folder is refused with this message; its place is FILE:LINE.
sub bad
{
	my ($dir, $place, $message, $name, @options) = @_;

	fails_with([@nowhere, '--dir', $dir, @options, 'load'], 1, qr{^\Q$dir/$place\E: error: $message}, $name);
	return;
}

sub bad_plan
{
	my ($lines, $line, $message) = @_;

	bad(folder_of('sqitch.plan' => $head . $lines, map { ("deploy/$_.sql" => '') } 'a' .. 'c'),
		"sqitch.plan:$line", $message, "plan: $message");
	return;
}

sub bad_script
{
	my ($script, $line, $message, @options) = @_;

	bad(project($script), "deploy/a.sql:$line", $message, "script: $message", @options);
	return;
}

bad_plan("a $who\na $who\n", 5, 'change "a" stands in line 4 already, with no tag');
bad_plan("a\n", 4, '"a" has no time');
bad_plan("a 2026-13-05T08:00:00Z Ada <a\@b>\n", 4, '"a" has no time');
bad_plan("a 2026-01-05T08:00:00Z Ada\n", 4, '"a" has no planner');
bad_plan("a~2 $who\n", 4, '"a~2[^"]*" does not begin with a name');
bad_plan("a-  $who\n", 4, '.*does not begin with a name');
bad_plan("HEAD $who\n", 4, '"HEAD" is a reserved name');
bad_plan(('a' x 40) . " $who\n", 4, '.*is a reserved name');
bad_plan("\@v1 $who\n", 4, 'tag "v1" stands before any change');
bad_plan("a $who\n\@v/x $who\n", 5, 'tag "v/x" has a "/"');
bad_plan("a $who\n\@v1 $who\n\n\@v1 $who\n", 7, 'tag "v1" stands in line 5 already');
bad_plan("a $who\n\@v1 [a] $who\n", 5, 'tag "v1" has a list');
bad_plan("a [b] $who\nb $who\n", 4, 'change "a" requires "b", which is not before it');
bad_plan("a [a] $who\n", 4, 'change "a" requires "a"');
bad_plan("a $who\nb [a\@v1] $who\n", 5, 'change "b" requires "a@v1"');
bad_plan("a $who\nb [a a] $who\n", 5, 'dependency "a" is given twice');
bad_plan("a $who\nb [a $who\n", 5, 'list of "b" does not end');
bad_plan("a [x:] $who\n", 4, '"x:" is not a dependency');
bad_plan("a $who\n-a $who\n", 5, 'changes that are reverted');
bad_plan("a $who\nd $who\n", 5, 'change "d" has no deploy script "d.sql"');
bad(folder_of('sqitch.plan' => "%project=shop\na $who\n"), 'sqitch.plan:2',
	'a blank line must come between', 'no blank line');
bad(folder_of('sqitch.plan' => "\na $who\n"), 'sqitch.plan:2', 'plan has no line %project', 'no project');
bad(folder_of('sqitch.plan' => "%project=a b\n"), 'sqitch.plan:1', '"a b" is not the name', 'project');
bad(folder_of('sqitch.plan' => "${head}a \xff"), 'sqitch.plan:4', 'text is not UTF-8', 'plan not UTF-8');
bad(folder_of('sqitch.conf' => "[core]\n\tengine = mysql\n"), 'sqitch.conf', 'engine "mysql"', 'engine');
bad(folder_of('sqitch.conf' => "[core]\n\tengine pg\n"), 'sqitch.conf:2', 'line is neither', 'conf');
for my $line ('[core', '[core "x]', '[core "x" y]', '= pg', "x = \"y", 'x = \q', 'x = "\q"')
{
	bad(folder_of('sqitch.conf' => "[core]\n\n  $line\n"), 'sqitch.conf:3', 'line is neither', "conf: $line");
}
bad(folder_of('sqitch.conf' => ''), 'sqitch.plan', 'plan is not there', 'no plan');

bad_script("SELECT 1 \\gset\n", 1, 'psql\'s command \\\\gset is not supported');
bad_script("\n\\! ls\n", 2, 'psql\'s command \\\\! is not');
bad_script("\\connect other\n", 1, 'psql\'s command \\\\connect');
bad_script("\\copy t to 'x'\n", 1, 'only \\\\copy ... from');
bad_script("\\copy t from 'none.csv'\n", 1, 'could not read file "[^"]*/none.csv": No such');
bad_script("\\copy t from 'none\n", 1, '\\\\copy: unterminated quoted string');
bad_script("\\copy t from program 'echo 1'\n", 1, 'script wants to run a program: echo 1');
bad_script("\\copy t from program 'echo no >&2; false'\n", 1, '.*exit code 1.*\nDETAIL:  no\n', '--allow-programs');
bad_script("\\set x `echo 1`\n", 1, 'script wants to run a program: echo 1');
bad_script("\\i deploy/a.sql\n", 1, 'more than 16 files');
bad_script("SELECT\n\\i deploy/a.sql\n", 2, '\\\\i in the middle of a statement');
bad_script("COPY t FROM stdin; \\copy t from x\n", 1, '\\\\copy on the line of a COPY whose data follow');
bad_script("\\set ON_ERROR_STOP off\n", 1, 'ON_ERROR_STOP = off is not');
bad_script("\\set AUTOCOMMIT 0\n", 1, 'AUTOCOMMIT = 0 is not');
bad_script("\\set x 'y\n", 1, 'unterminated quoted string');
bad_script("\\encoding latin1\n", 1, 'encoding "latin1" is not');
bad_script("\\if true\n", 1, '\\\\if without an \\\\endif');
bad_script("\\endif\n", 1, '\\\\endif without an \\\\if');
bad_script("\\else\n", 1, '\\\\else without an \\\\if');
bad_script("\\if perhaps\n\\endif\n", 1, '\\\\if needs one boolean, not "perhaps"');
bad_script("SELECT :DBNAME;\n", 1, 'psql\'s variable "DBNAME" is not known');
bad_script("\\echo :DBNAME\n\\set x :DBNAME\n", 2, 'psql\'s variable "DBNAME" is not known');
bad_script("\\if :{?SERVER_VERSION_NUM}\n\\endif\n", 1, 'psql\'s variable "SERVER_VERSION_NUM" is not');
bad_script("\\set x `echo :USER`\n", 1, 'psql\'s variable "USER" is not', '--allow-programs');
bad_script("\\set x 'a\\nb'\n\\set y `echo :'x'`\n", 2, 'argument of a program contains a newline', '--allow-programs');
bad_script("SELECT 1;\n\\g\n", 2, '\\\\g to repeat a statement is not');
bad_script("\\set x '\\\\q'\n:x;\n", 2, 'the value of a variable has a backslash command');
bad_script("SELECT 1;\n\xff\n", 2, 'text is not UTF-8');
bad_script("\\set x aaaaaaaaaaaaaaaa\n" . ("\\set x :x:x\n" x 20), 17, 'value of "x" is too long');
bad(project("\\i b.sql\n" x 1001, 'b.sql' => ''), 'deploy/a.sql:1001', 'script includes more than 1000 files', 'many files');
bad(project("\\ir ../b.sql\n", 'b.sql' => "SELECT 'x\n"), 'b.sql:1', 'included file ends within', 'an open string');
bad(project("\\i b.sql\n", 'b.sql' => "\n\\foo\n"), 'b.sql:2', 'psql\'s command \\\\foo', 'error in an included file');
bad(project("\\copy t from d.csv\n", 'd.csv' => "a\n\\.\nb\n"), 'deploy/a.sql:1',
	'data of \\\\copy go on after "\\\\."', 'data after their end');
bad(project("\\copy t from d.csv\n", 'd.csv' => "a\n\xff\n"), 'd.csv:2', 'text is not UTF-8', 'data not UTF-8');

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

my $db = new_database();
my @at = ('--url', $node->connstr($db), '--dir', fixture('sqitch'));
my ($status, $document) = viflo_json(@at, 'upgrade');
is($status, 0, 'upgrade');
is_deeply([ map { $_->{revision} } @$document ],
	[ 'schema', 'tables/item', 'price', 'price~2', 'filled' ], 'changes in the order of the plan');
is( $node->safe_psql($db, 'SELECT name, net, "it\'s" FROM shop.item ORDER BY name COLLATE "C"'),
	join("\n", 'a "plum"|3|', 'an apple; :rate|2|', 'it\'s; a "pear" \i|1|', 'some \|1|{1,2}'),
	'data of \copy, of COPY, and of \else');
is($node->safe_psql($db, q{SELECT trunc(shop.price(100)), obj_description('shop'::regnamespace)}),
	'120|shopkeeper', 'variables of \set and of sqitch.conf');
is( $node->safe_psql($db, q{SELECT revision, depends_on, branch_labels FROM viflo_history(project => 'app')}),
	"filled|{price,tables/item}|{}\nprice~2|{price}|{}\nprice|{tables/item}|{v1.1,tag/price}\n"
	  . "tables/item|{schema}|{v1.0}\nschema|{}|{}", 'dependencies and tags');
like($node->safe_psql($db, q{SELECT viflo_script('schema', 'app')}), qr/^-- viflo verify from verify\/schema\.sql$/m,
	'verify scripts are kept');
is_viflo([@at, 'upgrade'], 0, "nothing to do\n", '', 'upgrade again');
is_viflo([@at, 'downgrade', 'v1.1'], 0, qr/\Adown  filled.*\ndown  price~2.*\n\z/, '', 'downgrade to a tag');
is($node->safe_psql($db, 'SELECT trunc(shop.price(100))'), '119', 'the first instance is back');
is_viflo([@at, '--set', 'everything=1', 'downgrade', 'base'], 0, qr/(down .*\n){3}/, undef, 'downgrade to base');
is($node->safe_psql($db, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'"), '0', 'nothing is left');

# --set wins over sqitch.conf, \if sees it; programs run in the folder.
$db = new_database();
@at = ('--url', $node->connstr($db), '--dir', fixture('sqitch'), '--set', 'everything=1', '--set', 'owner=you');
is_viflo([@at, 'upgrade'], 0, qr/(up .*\n){5}/, undef, 'upgrade with --set');
is( $node->safe_psql($db, q{SELECT obj_description('shop'::regnamespace), count(*) FROM shop.item WHERE name = 'everything'}),
	'you|1', 'values of --set');

my $dir = project("\\copy t from program 'cat data.txt | tr a b'\nSELECT 1;\n",
	'sqitch.plan' => "${head}t $who\na $who\n", 'deploy/t.sql' => 'CREATE TABLE t (x text)', 'data.txt' => "a\r\na");
is_viflo(['--url', $node->connstr($db = new_database()), '--dir', $dir, '--allow-programs', 'upgrade'], 0,
	qr/(up .*\n){2}/, undef, 'a program with --allow-programs');
is($node->safe_psql($db, q{SELECT string_agg(x, ',') FROM t}), 'b,b', 'its output is the data');

$dir = project("\\set a 'x  `\\'y'\n\\set b `echo :'a' :a1 :none \":'none'\"`\n\\set c `echo \$((1:d))`\n"
	  . "CREATE TABLE t (x text);\nCOPY t FROM stdin \\g\n1;\n\\.\nINSERT INTO t VALUES (:'b'), (:c);\n");
is_viflo(['--url', $node->connstr($db = new_database()), '--dir', $dir, '--allow-programs', '--set', 'a1=2', '--set', 'd=+4', 'upgrade'],
	0, qr/up .*\n/, undef, 'variables in backticks, and COPY before \g');
is($node->safe_psql($db, q{SELECT string_agg(x, '|') FROM t}), "1;|x  `'y 2 :none :'none'|5", 'their values, and its data');

# Lines and files of errors, whatever was put in before them.
for my $case (["\\i b.sql\nSELECT 1;\nnonsense;\n", 'deploy/a.sql:3'],
	["\\i b.sql\n\\i c.sql\n", 'c.sql:2'],
	["CREATE TABLE t (x text);\n\\i d.sql \\\\ SELECT 1;\nnonsense;\n", 'deploy/a.sql:3'],
	["CREATE TABLE t (x text);\n\\copy t from b.sql\nnonsense;\n", 'deploy/a.sql:3'],
	["\\set x '1,\\n2'\nSELECT :x;\nnonsense;\n", 'deploy/a.sql:3'],
	["\\if false\nx (\n\\! '\n\\copy 'x\\\\y\n\\foo 'a\\'b' \\endif SELECT 1;\nnonsense;\n", 'deploy/a.sql:6'])
{
	$dir = project($case->[0], 'b.sql' => "SELECT\n1", 'c.sql' => "SELECT 1;\nnonsense;\n",
		'd.sql' => "-- x\nCOPY t FROM stdin;\n1\n2");
	is_viflo(['--url', $node->connstr(new_database()), '--dir', $dir, 'upgrade'], 1, '',
		qr{^\Q$dir/$case->[1]\E:1: error: syntax error at or near "nonsense".*\n +\d+ \| nonsense;\n}m,
		"place of an error: $case->[1]");
}

# Folders as sqitch.conf has them, and another extension.
$dir = folder_of('sqitch.conf' => "[core]\n\tengine = pg\n\ttop_dir = \"db\" ; here\n\textension = ddl\n[engine \"pg\"]\n\trevert_dir = undo\n",
	'db/sqitch.plan' => "%project=x\n\nb+c $who\n", 'db/deploy/b+c.ddl' => 'CREATE TABLE t ();', 'undo/b+c.ddl' => 'DROP TABLE t;');
bad($dir, 'db/deploy/b+c.ddl', 'revision "b\\+c" contains a character', 'a name that is no id');
put("$dir/db/sqitch.plan", "%project=x\n\nb $who # \\\\n\n");
rename("$dir/$_/b+c.ddl", "$dir/$_/b.ddl") for 'db/deploy', 'undo';
@at = ('--url', $node->connstr(new_database()), '--dir', $dir);
is_viflo([@at, 'upgrade'], 0, qr/^up    b  \\n  /, undef, 'folders of sqitch.conf');
is_viflo([@at, 'downgrade', '-1'], 0, qr/^down  b/, '', 'and back');

# Variables: those of the command, the engine, and the target; values as git has them.
$dir = project("SELECT :'core', :'deploy', :'engine', :'target', :'registry', :'long';\n",
	'revert/a.sql' => "SELECT :'core', :'deploy', :'revert', :'verify', :'engine';\n",
	'verify/a.sql' => "SELECT :'core', :'deploy', :'verify', :'revert', :'target';\n",
	'sqitch.conf' => <<'EOF' . '	long = ' . 'x' x 300 . "\n");
; of the project
[core]
	engine = pg
	flag
	target = prod
[core "variables"] core = a \
	 b   c # d
	deploy = 1
	registry = no
[deploy "variables"]
	deploy = "x ; y # z"
[revert "variables"]
	revert = "q\"\\\tq" http://r/#r
[verify "variables"]
	verify = 1
[engine "pg"]
	registry = reg
[engine "pg.variables"]
	engine = 1
	target = 1
[target "prod.variables"]
	target = 2
EOF
@at = ('--url', $node->connstr(new_database()), '--dir', $dir);
is_viflo([@at, 'load'], 0, qr/^load  a/, undef, 'variables');
(undef, my $script) = viflo(@at, 'script', 'a');
is($script =~ s/\A.*?(?=^-- viflo up)//msr, "-- viflo up from deploy/a.sql\nSELECT 'a b c', 'x ; y # z', '1', '2', 'reg', '" . 'x' x 300 . "';\n"
	  . "-- viflo down from revert/a.sql\nSELECT 'a b c', 'x ; y # z', 'q\"\\\tq http://r/#r', :'verify', '1';\n"
	  . "-- viflo verify from verify/a.sql\nSELECT 'a b c', 'x ; y # z', '1', :'revert', '2';\n", 'their values');

# New changes.
$dir = project('SELECT 1;');
local $ENV{SQITCH_FULLNAME} = 'Eve';
local $ENV{SQITCH_EMAIL} = 'eve@example.com';
is_viflo(['--dir', $dir, 'revision', '-m', 'Add users'], 0,
	"$dir/sqitch.plan\n" . join('', map { "$dir/$_/add_users.sql\n" } qw(deploy revert verify)), '', 'revision');
like(slurp_text("$dir/sqitch.plan"), qr/^add_users 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ Eve <eve\@example\.com> # Add users\n\z/m,
	'the plan has it last');
put("$dir/deploy/add_users_2.sql", "SELECT 'not planned';\n");
is_viflo(['--dir', $dir, 'revision', '-m', 'add users'], 1, '', qr{/deploy/add_users_2\.sql: error: file exists already}, 'a script that no plan has');
is(slurp_text("$dir/deploy/add_users_2.sql"), "SELECT 'not planned';\n", 'stays as it is');
unlike(slurp_text("$dir/sqitch.plan"), qr/add_users_2/, 'and is not planned');
unlink("$dir/deploy/add_users_2.sql");
is_viflo(['--dir', $dir, 'revision', '-m', 'add users'], 0, qr/add_users_2\.sql/, '', 'a second one of that name');
is_viflo(['--url', $node->connstr(new_database()), '--dir', $dir, 'upgrade'], 0, qr/^up    add_users_2  add users/m, undef,
	'and all are run');

done_testing();
