# viflo with a server: every command, its status and output, in both formats.

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
$node->append_conf('postgresql.conf', "log_statement = 'all'\nlog_parameter_max_length = 0\n");
$node->start;

my $database = 0;

# A new database; its connection string.
sub new_database
{
	my $name = 'db' . ++$database;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	return $node->connstr($name);
}

sub sql
{
	my ($url, $sql) = @_;

	return $node->safe_psql($url =~ /dbname='?(\w+)/ ? $1 : die, $sql);
}

# Statements that name this function and were logged while code ran.
sub logged
{
	my ($pattern, $code) = @_;
	my $offset = -s $node->logfile;

	$code->();
	my @lines = substr(slurp_text($node->logfile), $offset) =~ /$pattern/g;
	return scalar @lines;
}

# Without a folder: the bundled project.
my $url = new_database();
my $empty = folder_of();
my @at = ({ in => $empty }, '--url', $url);
fails_with([@at, 'current'], 1, qr/extension "viflo_migrate" is not installed.*\nHINT/, 'no extension');
fails_with([@at, 'check'], 1, qr/is not installed/, 'check without the extension');
is_viflo([@at, 'upgrade'], 0, qr/^up    001_initial  .*\(\d+ ms\)$/,
	"viflo: created extension viflo_migrate\n", 'upgrade makes the extension');
is(sql($url, 'SELECT count(*) FROM projects'), 0, 'the projects table is there');
is_viflo([@at, 'upgrade'], 0, "nothing to do\n", '', 'upgrade again');
is_viflo([@at, 'downgrade', 'base'], 0, qr/^down  001_initial/, '', 'downgrade');

# A folder is a project of its own.
$url = new_database();
@at = ('--url', $url, '--dir', fixture('native'));
fails_with([@at, 'check'], 1, qr/is not installed/, 'check of a folder without the extension');
is_viflo([@at, 'plan'], 0, qr/\Aup    a1b2c3d4e5f6  accounts\n(up    .*\n){3}\z/,
	"viflo: extension viflo_migrate would be created\n", 'plan without the extension');
like((viflo(@at, 'sql', 'a1b2c3d4e5f6'))[1], qr/^CREATE TABLE accounts/m, 'sql without the extension');
is(sql($url, "SELECT count(*) FROM pg_namespace n LEFT JOIN pg_extension e ON true WHERE nspname = 'viflo' OR extname LIKE 'viflo%'"),
	0, 'and it is not there afterwards');
is_viflo([@at, 'load'], 0, qr/^load  a1b2c3d4e5f6  accounts$/m, qr/created extension/, 'load');
is_viflo([@at, 'load'], 0, "nothing to load\n", '', 'load again');
is_viflo([@at, 'current'], 0, '', '', 'current of nothing');
is_viflo([@at, 'check'], 3, '', qr/SQLSTATE VF040.*HINT:  Apply them with "viflo upgrade"\./s,
	'check before upgrade, and the command that helps');
is_viflo([@at, 'plan'], 0,
	qr/\Aup    a1b2c3d4e5f6  accounts\nup    \w+  \w+\nup    \w+  \w+\nup    bbccddeeff00  .*\n\z/, '',
	'plan');
is_viflo([@at, 'upgrade', '+1'], 0, qr/\Aup    a1b2c3d4e5f6  accounts  \(\d+ ms\)\n\z/, '', 'upgrade +1');
is_viflo([@at, 'history', ':current'], 0, qr/\Aa1b2c3d4e5f6 .*\n\z/, '', 'history of a range');
is_viflo([@at, 'downgrade', '-1'], 0, qr/\Adown  a1b2c3d4e5f6 .*\n\z/, '', 'downgrade -1');
is_viflo([@at, 'upgrade'], 0, qr/\A(up    .*\n){4}\z/, '', 'upgrade');
is(sql($url, q(SELECT string_agg(DISTINCT project, ',') FROM viflo.applied)), 'app',
	'the project of a folder is app');
is(sql($url, 'SELECT count(*) FROM tags'), 2, 'COPY data arrived');
is_viflo([@at, 'upgrade'], 0, "nothing to do\n", '', 'nothing to do');
is_viflo([@at, 'plan'], 0, "nothing to do\n", '', 'nothing to plan');
is_viflo([@at, 'check'], 0, qr/well/, '', 'check');
is_viflo([@at, 'current'], 0, qr/\Abbccddeeff00  \(head\)  orders and tags  \d{4}-.*\n\z/, '', 'current');
is_viflo([@at, 'heads'], 0, qr/\Abbccddeeff00  applied .*head.*\n\z/, '', 'heads');
is_viflo([@at, 'branches'], 0, qr/\Aa1b2c3d4e5f6  applied  accounts  \(branch point\)\n\z/, '', 'branches');
is_viflo([@at, 'history'], 0, qr/\Abbccddeeff00 .*\n.*\n.*\na1b2c3d4e5f6 .*\n\z/, '', 'history');
is_viflo([@at, 'history', '-r', ':a1b2'], 0, qr/\Aa1b2c3d4e5f6 .*\n\z/, '', 'history -r');
is_viflo([@at, 'show', 'a1b2'], 0, qr/^revision +a1b2c3d4e5f6$/m, '', 'show');
is_viflo([@at, 'log'], 0, qr/^\d+ .* up +done +bbccddeeff00/m, '', 'log');
is((viflo(@at, 'script', 'a1b2'))[1], slurp_text(fixture('native') . '/1_accounts.sql'),
	'script gives the file back');
is_viflo([@at, 'sql', 'a1b2:head'], 0, qr/CREATE TABLE orders/, '', 'sql');
is_viflo([@at, 'repair', 'a1b2'], 0, "repaired a1b2\n", '', 'repair');
fails_with([@at, 'remove', 'head'], 1, qr/SQLSTATE VF025/, 'remove of an applied revision');
fails_with([@at, 'show', 'nothing'], 1, qr/SQLSTATE VF001/, 'show of nothing');
is_viflo([@at, 'downgrade', 'base'], 0, qr/\A(down  .*\n){4}\z/, '', 'downgrade base');
is_viflo([@at, 'downgrade', 'base'], 0, "nothing to do\n", '', 'downgrade again');
is_viflo([@at, 'remove', 'head'], 0, "removed head\n", '', 'remove');
is_viflo([@at, 'stamp', 'a1b2'], 0, "stamped a1b2\n", '', 'stamp');
is_viflo([@at, 'stamp', '--purge', '0f1e', '5566'], 0, "stamped 0f1e\nstamped 5566\n", '', 'stamp two');
is(sql($url, 'SELECT count(*) FROM viflo_current(project => $$app$$)'), 2, 'two are recorded');

# JSON
$url = new_database();
@at = ('--url', $url, '--dir', fixture('native'));
my ($status, $document) = viflo_json(@at, 'current');
is($document->{status}, 1, 'failure in JSON');
like($document->{hint}, qr/CREATE EXTENSION/, 'with a hint');
($status, $document) = viflo_json(@at, 'load');
is_deeply([ map { $_->{source} } @$document ],
	[ '1_accounts.sql', '2_orders.sql', '3_tags.sql', '4_merge.sql' ], 'load');
($status, $document) = viflo_json(@at, 'plan');
is_deeply([ map { "$_->{step} $_->{direction}" } @$document ], [ map { "$_ up" } 1 .. 4 ], 'plan');
ok(JSON::PP::is_bool($document->[0]{transactional}), 'a boolean is one');
($status, $document) = viflo_json(@at, 'check');
is($status, 3, 'check: status');
is($document->{sqlstate}, 'VF040', 'check: behind');
($status, $document) = viflo_json(@at, 'upgrade');
is($document->[3]{revision}, 'bbccddeeff00', 'upgrade');
($status, $document) = viflo_json(@at, 'upgrade');
is_deeply($document, [], 'upgrade with nothing to do');
($status, $document) = viflo_json(@at, 'check');
ok($document->{ok}, 'check');
($status, $document) = viflo_json(@at, 'current');
is_deeply([ sort keys %{ $document->[0] } ], [qw(applied_at applied_by is_head message revision)],
	'current has its columns');
($status, $document) = viflo_json(@at, 'history');
is_deeply([ sort @{ $document->[0]{down_revision} } ], [ '0f1e2d3c4b5a', '5566778899aa' ],
	'history has arrays');
for my $command (['heads'], ['branches'], ['log'])
{
	($status, $document) = viflo_json(@at, @$command);
	ok($status == 0 && @$document > 0, "@$command is an array of rows");
}
($status, $document) = viflo_json(@at, 'show', 'head');
is($document->{revision}, 'bbccddeeff00', 'show is one object');
($status, $document) = viflo_json(@at, 'script', 'a1b2c3d4e5f6');
is($document->{script}, slurp_text(fixture('native') . '/1_accounts.sql'), 'script');
($status, $document) = viflo_json(@at, 'sql');
like($document->{sql}, qr/CREATE TABLE orders/, 'sql');
($status, $document) = viflo_json(@at, 'stamp', 'head');
is_deeply($document->{stamped}, ['head'], 'stamp');
($status, $document) = viflo_json(@at, 'repair', 'head');
is($document->{repaired}, 'head', 'repair');
($status, $document) = viflo_json(@at, 'downgrade', 'base');
is($document->[0]{direction}, 'down', 'downgrade');
($status, $document) = viflo_json(@at, 'remove', 'head');
is($document->{removed}, 'head', 'remove');
($status, $document) = viflo_json({ in => $empty }, '--url', $url, 'init');
is($document->{extension}, 'installed', 'init');

# Other layouts
$url = new_database();
is_viflo(['--url', $url, '--dir', fixture('golang-migrate'), 'upgrade'], 0,
	qr/\Aup    9_people .*\nup    10_people_born .*\nup    100_first .*\n\z/, undef, 'golang-migrate');
is(sql($url, 'SELECT name FROM people'), "Zo\xc3\xab; -- not a comment", 'text arrived as it was');
fails_with(['--url', $url, '--dir', fixture('golang-migrate'), 'downgrade', '-1'], 1,
	qr/SQLSTATE VF023/, 'a revision without down');
is_viflo(['--url', $url, '--dir', fixture('diesel'), '--project', 'other', 'upgrade'], 0,
	qr/_diesel_initial_setup .*\n.*20240115090000_create_authors.*\n.*20240201120000_create_posts/, '',
	'diesel, as another project');
is_viflo(['--url', $url, '--dir', fixture('diesel'), '--project', 'other', 'downgrade', 'base'], 0,
	qr/\A(down  .*\n){3}\z/, '', 'and down');

# What was sent once is not sent again.
$url = new_database();
my $dir = folder_of('1_a.up.sql' => 'CREATE TABLE a ()', '2_b.up.sql' => 'CREATE TABLE b ()');
@at = ('--url', $url, '--dir', $dir);
is(logged(qr/viflo_load\(/, sub { viflo(@at, 'upgrade') }), 1, 'one call loads all');
is(logged(qr/viflo_load\(/, sub { viflo(@at, 'upgrade') }), 0, 'nothing is loaded again');
is(logged(qr/(?:statement|execute [^:]*): /, sub { viflo(@at, 'upgrade') }), 2,
	'two statements, sent at once, when there is nothing to do');
sql($url, "SELECT viflo_stamp('1_a', project => 'app')");
is_viflo([@at, 'upgrade'], 1, undef, qr/relation "b" already exists/, 'a change elsewhere is noticed');
sql($url, 'DROP TABLE b');
is_viflo([@at, 'upgrade'], 0, qr/\Aup    2_b .*\n\z/, '', 'and what is missing runs');
is_viflo([@at, 'upgrade', 'heads'], 0, qr/\Anothing to do\n\z/, '', 'by another target, too');
sql($url, 'CREATE ROLE nobody_much LOGIN');
is_viflo(['--url', "$url user=nobody_much", '--dir', $dir, 'upgrade'], 0, qr/\Anothing to do\n\z/, '',
	'whoever may only look can see that nothing is left to do');
put("$dir/3_c.up.sql", 'CREATE TABLE c ()');
is_viflo([@at, 'plan'], 0, "up    3_c  c\n", '', 'plan counts new files in');
is(sql($url, q(SELECT count(*) FROM viflo.revision WHERE project = 'app')), 2, 'and leaves nothing');
is_viflo([@at, 'sql', '2_b:head'], 0, qr/CREATE TABLE c/, '', 'so does sql');
is_viflo([@at, 'check'], 3, '', qr/1 revision of folder .*\nDETAIL:  It is "3_c"/, 'so does check');
is(logged(qr/viflo_load\(/, sub { viflo(@at, 'upgrade') }), 1, 'a new file is loaded');
put("$dir/2_b.up.sql", 'CREATE TABLE bb ()');
is_viflo([@at, 'check'], 3, '', qr/"2_b" \(SQLSTATE VF022\)/, 'a changed file');
fails_with([@at, 'upgrade'], 1, qr{^\Q$dir\E/2_b\.up\.sql:.*SQLSTATE VF022}, 'is refused by name');

# Which database
$url = new_database();
my $here = folder_of('.env' => "DATABASE_URL=\"$url\"\nVIFLO_PROJECT=fromenv\n");
put("$here/migrations/1_a.up.sql", 'CREATE TABLE a ()');
is((viflo({ in => $here }, 'upgrade'))[0], 0, 'DATABASE_URL from .env');
is(sql($url, q(SELECT DISTINCT project FROM viflo.applied)), 'fromenv', 'VIFLO_PROJECT from .env');
my $other = new_database();
is((viflo({ in => $here, env => { DATABASE_URL => $other, VIFLO_PROJECT => 'env' } }, 'upgrade'))[0], 0,
	'the environment');
is(sql($other, q(SELECT DISTINCT project FROM viflo.applied)), 'env', 'goes before .env');
my $third = new_database();
is((viflo({ in => $here, env => { DATABASE_URL => $other } }, '--url', $third, '--project', 'opt',
			'upgrade'))[0], 0, 'the option');
is(sql($third, q(SELECT DISTINCT project FROM viflo.applied)), 'opt', 'goes before both');
unlink("$here/.env");
is_viflo([{ in => $here, env => { PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'db1' } },
		'current', '--project', 'viflo'], 0, '', '', 'libpq finds the rest');
my $fourth = new_database();
my ($name) = $fourth =~ /dbname='?(\w+)/;
$node->safe_psql('postgres', "ALTER DATABASE $name SET viflo_migrate.project = 'ofdatabase'");
is((viflo({ in => $here }, '--url', $fourth, 'upgrade'))[0], 0, 'the project that the database names');
is(sql($fourth, q(SELECT string_agg(DISTINCT project, ',') FROM viflo.applied)), 'ofdatabase', 'is taken');
is_viflo([{ in => $here }, '--url', $fourth, 'current'], 0, qr/^1_a /, '', 'by all commands');

# The same where the module is loaded before anybody asks.
$node->append_conf('postgresql.conf', "session_preload_libraries = 'viflo_migrate'");
$node->reload;
my $fifth = new_database();
is((viflo({ in => $here }, '--url', $fifth, 'upgrade'))[0], 0, 'a preloaded module');
is(sql($fifth, q(SELECT string_agg(DISTINCT project, ',') FROM viflo.applied)), 'app',
	'does not make its default a choice');

done_testing();
