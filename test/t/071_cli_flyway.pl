# Folders of Flyway: names, order, placeholders, what is refused, and a server.

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

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');
my $databases = 0;
my $projects = 0;

sub new_url
{
	$node->safe_psql('postgres', 'CREATE DATABASE db' . ++$databases);
	return $node->connstr("db$databases");
}

sub sql { return $node->safe_psql("db$databases", $_[0]); }

# The ids that load registers, in order, and what it said.
sub loaded
{
	my ($files, @options) = @_;
	my $dir = ref $files ? folder_of(%$files) : $files;
	my ($status, $document, $err) =
	  viflo_json('--url', $node->connstr('db1'), '--project', 'p' . ++$projects, '--dir', $dir, @options, 'load');

	is($status, 0, 'loads') or diag($err);
	return (join(' ', map { $_->{revision} } @$document), $err);
}

sub good
{
	my ($files, $ids, $err, $name) = @_;
	my ($got, $said) = loaded($files);

	is($got, $ids, $name);
	like($said, $err, "$name: what is said") if $err;
	unlike($said, qr/warning/, "$name: no warning") unless $err;
	return;
}

sub bad
{
	my ($files, $err, $name, @options) = @_;
	my $dir = folder_of(%$files);

	fails_with([@nowhere, '--dir', $dir, @options, 'load'], 1, qr/^\Q$dir\E$err/, $name);
	return;
}

# The fixture, on a server.
my @fixture = ('--url', new_url(), '--dir', fixture('flyway'), '-x', 'greeting=hello', '-q');
is_viflo([@fixture, 'deploy'], 0,
	qr/\Aup    V1__users .*\nup    V1_1__user_index .*\nup    V1\.9 .*\nup    V1\.10__notes .*\nup    V2__report /, '',
	'deploy');
is(sql("SELECT string_agg(column_default, ' ' ORDER BY column_name) FROM information_schema.columns
	WHERE table_schema = 'public' AND column_default IS NOT NULL"),
	q('hello'::text '${literal}'::text), 'placeholders, and a script without');
like((viflo('--url', $fixture[1], '--project', 'app', 'script', 'V1.10__notes'))[1],
	qr/^-- V1\.10__notes\.sql of flyway_schema_history$/m, "Flyway's own names");
like((viflo('--url', $fixture[1], '--project', 'app', 'script', 'V1_1__user_index'))[1],
	qr/^-- transaction: off$/m, 'executeInTransaction=false');
unlike((viflo('--url', $fixture[1], '--project', 'app', 'script', 'V1__users'))[1],
	qr/transaction:/, 'found out from the statements');
fails_with([@fixture, 'downgrade', '-1'], 1, qr/V2__report.*no down/, 'without an undo');
is_viflo([@fixture, 'deploy'], 0, "nothing to do\n", '', 'nothing to do');
fails_with(['--url', new_url(), '--dir', fixture('flyway'), 'load'], 1,
	qr{/V1\.10__notes\.sql:2: error: placeholder "greeting" has no value\nHINT}, 'no value');

my $up = { 'V1__a.sql' => 'CREATE TABLE a ();', 'U1.0__b.sql' => 'DROP TABLE a;' };
my @up = ('--url', new_url(), '--dir', folder_of(%$up), '-q');
is_viflo([@up, 'upgrade'], 0, qr/\Aup    V1__a  a .*\n\z/, '', 'upgrade');
is_viflo([@up, 'downgrade', 'base'], 0, qr/\Adown  V1__a /, '', 'the undo of an equal version');

# Names and order.
good({ map { ($_ => '') } qw(V10__a.sql V9__b.sql V1.10__c.sql V1.9__d.sql V001_2_0__e.sql x/y/V1.2.1__f.sql
	  V20240101120000__g.sql V99999999999999999999__h.sql V.sql views.sql README.md R__z.sql R__a_b.sql) },
	'V001_2_0__e V1.2.1__f V1.9__d V1.10__c V9__b V10__a V20240101120000__g V99999999999999999999__h R__a_b R__z',
	undef, 'versions by number, repeatable ones last');
good({ 'V1__a.SQL' => '' }, 'V1__a', undef, 'suffix in capitals');
good({ 'V1__.sql' => '', 'V2.sql' => '' }, 'V1__ V2', undef, 'no description');
good({ 'V1__a.sql' => '', 'V2_b.sql' => '' }, 'V1__a', qr/warning: \S+V2_b\.sql: ignored/, 'one underscore');
good({ 'V1__a.sql' => '', 'v2__b.sql' => '' }, 'V1__a', qr/v2__b\.sql: ignored/, 'a small letter');
good({ 'V1__a.sql' => '', 'R_b.sql' => '' }, 'V1__a', qr/R_b\.sql: ignored/, 'a repeatable one with one');
good({ 'V1__a.sql' => '', 'V1.x__b.sql' => '' }, 'V1__a', qr/V1\.x__b\.sql: ignored/, 'no version');
good({ 'V1_a.sql' => '' }, '', qr/V1_a\.sql: ignored/, 'nothing but mistakes');

# Callbacks: those of a whole run are run as Flyway does, in its order; the others are named.
good({ 'V1__a.sql' => '', 'afterEachMigrate.sql' => 'x', 'beforeEachMigrate__b.sql' => 'x', 'afterMigrate2.sql' => 'x' },
	'V1__a', qr/afterEachMigrate\.sql: not run.*beforeEachMigrate__b\.sql: not run/s, 'callbacks without a counterpart');
sub note_of { return "INSERT INTO public.ran (what) SELECT '$_[0]' WHERE '$_[0]' <> '';\n"; }
my @callbacks = qw(beforeMigrate__b beforeMigrate afterVersioned beforeRepeatables__x beforeRepeatables
  afterMigrateApplied afterMigrate afterMigrate__2 x/afterMigrate__10);
my $called = folder_of('V1__a.sql' => note_of('V1'), 'R__r.sql' => note_of('R'), 'afterMigrate.sql.conf' => "executeInTransaction=false\n",
	map { ("$_.sql" => note_of($_)) } @callbacks);
my @called = ('--url', new_url(), '--dir', $called, '-q');
sub ran { return sql("WITH gone AS (DELETE FROM ran RETURNING *) SELECT string_agg(what, ' ' ORDER BY id) FROM gone"); }
sql('CREATE TABLE ran (id int GENERATED ALWAYS AS IDENTITY, what text)');
my ($before, $between, $after) = ('beforeMigrate__b beforeMigrate', 'afterVersioned beforeRepeatables__x beforeRepeatables',
	'x/afterMigrate__10 afterMigrate__2 afterMigrate');
is((viflo(@called, 'deploy'))[0], 0, 'deploys with callbacks');
is(ran(), "$before V1 $between R afterMigrateApplied $after", 'where Flyway has them');
is((viflo(@called, 'deploy'))[0], 0, 'once more');
is(ran(), "$before $between $after", 'without afterMigrateApplied where nothing was to do');
is_viflo([@called, 'check'], 0, qr/well/, '', 'nothing waits');
put("$called/V2__b.sql", note_of('V2'));
is((viflo(@called, 'deploy'))[0], 0, 'with a new version');
is(ran(), "$before V2 $between afterMigrateApplied $after", 'with it');
put("$called/R__r.sql", note_of('R2'));
is((viflo(@called, 'deploy'))[0], 0, 'with a changed repeatable migration');
is(ran(), "$before $between R2 afterMigrateApplied $after", 'with it, too');
fails_with([@called, 'upgrade'], 1, qr/"afterMigrate" \(up\) cannot run inside a transaction/, 'executeInTransaction=false');
is((viflo(@called, 'upgrade', 'V2__b'))[0], 0, 'to a version');
is(ran(), '', 'without');
# A file that is gone is still one of the database's revisions, until that is forgotten.
unlink("$called/afterMigrate__2.sql") or die;
is_viflo([@called, 'graph'], 0, qr/^\S+ +afterMigrate__2 .*\(repeatable, .*no file\)$/m, '', 'graph: a callback that is gone');
is_viflo([@called, 'status'], 0, qr/all is well/, '', 'status: a callback that is gone');
is_viflo([@called, 'load'], 0, undef, '', 'what depended on it no longer does');
is_viflo([@called, 'remove', 'afterMigrate__2'], 0, undef, '', 'and it can be forgotten');
bad({ 'V1__a.sql' => '', 'afterMigrate.sql' => '', 'x/afterMigrate.sql' => '' }, qr{/x/afterMigrate\.sql: error: second callback "afterMigrate"},
	'one callback twice');

# Baselines.
good({ 'B3__b.sql' => '', 'V4__c.sql' => '' }, 'B3__b V4__c', undef, 'a baseline in place of the older');
good({ 'B3__b.sql' => '', 'V3__a.sql' => '', 'V4__c.sql' => '', 'U3__a.sql' => '' }, 'V3__a V4__c',
	qr/B3__b\.sql: not run/, 'a baseline beside the older');
good({ map { ($_ => '') } qw(B1__a.sql B2__b.sql V3__c.sql B4__d.sql V5__e.sql) }, 'B2__b V3__c V5__e',
	qr/B4__d\.sql: not run/, 'several baselines');
good({ map { ($_ => '') } qw(B2__b.sql U1__a.sql V3__c.sql) }, 'B2__b V3__c', qr/U1__a\.sql: ignored/,
	'an undo that a baseline covers');

# What is refused.
bad({ 'V1__a.sql' => '', 'x/V1.0__b.sql' => '' }, qr{/x/V1\.0__b\.sql: error: second V file of version 1\.0, beside "V1__a\.sql"},
	'one version twice');
bad({ 'V1__a.sql' => '', 'U1__a.sql' => '', 'U01__b.sql' => '' }, qr{/U\S+: error: second U file}, 'two undos');
bad({ 'R__a.sql' => '', 'x/R__a.sql' => '' }, qr{/x/R__a\.sql: error: second repeatable migration "a"}, 'one description twice');
bad({ 'V1__a.sql' => '', 'U2__b.sql' => '' }, qr{/U2__b\.sql: error: undo without a migration of version 2}, 'undo alone');
bad({ 'V1__a@b.sql' => '' }, qr{/V1__a\@b\.sql: error: .*VF015}, 'a name that is no id');
bad({ 'V1__a.sql' => "\n\n\${a}" }, qr{/V1__a\.sql:3: error: placeholder "a"}, 'no value');
bad({ 'V1__a.sql' => "\${flyway:timestamp}" }, qr{/V1__a\.sql:1: error: placeholder "flyway:timestamp".*in repeatable}s,
	'a time in what must not change');
bad({ 'V1__a.sql' => '${flyway:defaultSchema}' }, qr{.*flyway:defaultSchema}, 'what only the server knows');
bad({ 'V1__a.sql' => '', 'V1__a.sql.conf' => "# x\nexecuteInTransaction=perhaps\n" },
	qr{/V1__a\.sql\.conf:2: error: "executeInTransaction" must be true or false}, 'not boolean');
bad({ 'V1__a.sql' => '', 'V1__a.sql.conf' => "shouldExecute=\${x}==1\n" }, qr{/V1__a\.sql\.conf:1: error: "shouldExecute"},
	'a condition');
bad({ 'V1__a.sql' => '', 'V1__a.sql.conf' => "other=1\n" }, qr{/V1__a\.sql\.conf:1: error: "other"}, 'no such key');
bad({ 'V1__a.sql' => '', '1_b.up.sql' => '' }, qr{.*two layouts}, 'two layouts');
bad({ 'V1__a.sql' => "SELECT 1;\n\xff" }, qr{/V1__a\.sql:2: error: text is not UTF-8}, 'not UTF-8');

# Values.
sub script_of
{
	my ($files, $id, @options) = @_;
	my $env = ref $options[0] ? shift @options : {};
	my $top = folder_of(%$files);
	my @at = ('--url', $node->connstr('db1'), '--project', 'p' . ++$projects);
	my ($status, undef, $err) = viflo({ env => $env }, '-q', @at, '--dir', "$top/m", @options, 'load');

	return "$status $err" if $status != 0;
	return (viflo(@at, 'script', $id))[1] =~ s/.*-- viflo up[^\n]*\n//sr;
}
my %conf = ('m/V1__a.sql' => '${A} ${b} ${c} ${D}', 'flyway.conf' => <<'END');
# comment
flyway.url = jdbc:postgresql://localhost/x
flyway.placeholders.a=1=2
flyway.placeholders.B : ${FOR_B}!${unset}
flyway.placeholders.c=conf
END
is(script_of(\%conf, 'V1__a', { FOR_B => 'env', FLYWAY_PLACEHOLDERS_C => 'FLYWAY_C' }, '-x', 'd=set'),
	"1=2 env! FLYWAY_C set\n", 'flyway.conf, environment and --set, in any case');
is(script_of({ %conf, 'flyway.conf' => "flyway.placeholderReplacement=false\n" }, 'V1__a'), "\${A} \${b} \${c} \${D}\n",
	'turned off in flyway.conf');
is(script_of({ 'm/V1__a.sql' => '${flyway:user} ${flyway:database} ${flyway:environment}' }, 'V1__a'),
	$node->safe_psql('postgres', 'SELECT current_user') . " db1 default\n", 'what a connection says');
is(script_of({ 'm/V1__a.sql' => '${flyway:defaultSchema}' }, 'V1__a', '-x', 'flyway:defaultSchema=s'), "s\n",
	"Flyway's own by --set");
like(script_of({ 'm/R__a.sql' => '${flyway:timestamp}' }, 'R__a'), qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'a time in what may change');
like(script_of({ %conf, 'flyway.conf' => "\nflyway.sqlMigrationPrefix=X\n" }, 'V1__a'),
	qr{^1 \S+/flyway\.conf:2: error: "flyway\.sqlMigrationPrefix" cannot be other than "V"}, 'other names');
like((viflo('--dir', folder_of('m/V1__a.sql' => '', 'flyway.toml' => '') . '/m', @nowhere, 'load'))[2],
	qr{warning: \S+flyway\.toml: not read}, 'TOML');

# New files.
sub created
{
	my ($files, $message) = @_;
	my $dir = folder_of(%$files);
	my ($status, $document) = viflo_json('--dir', $dir, 'revision', '-m', $message);

	is($status, 0, "revision -m '$message'");
	return join(' ', map { s{^\Q$dir\E/}{}r } @{ $document->{files} });
}
is(created({ 'V009__a.sql' => '', 'R__b.sql' => '' }, 'Add users!'), 'V010__add_users.sql', 'the next number');
is(created({ 'x/V1.2_9__a.sql' => '' }, 'b'), 'x/V1.2_10__b.sql', 'the next part, in the same folder');
like(created({ 'V20240101120000__a.sql' => '' }, 'b'), qr/^V20[2-9]\d{11}__b\.sql$/, 'a time');

done_testing();
