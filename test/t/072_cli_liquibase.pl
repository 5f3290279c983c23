# Folders of Liquibase's formatted SQL: change sets, what is refused, a server.

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
my $head = "--liquibase formatted sql\n";
my $databases = 0;
my $projects = 0;

sub new_url
{
	$node->safe_psql('postgres', 'CREATE DATABASE db' . ++$databases);
	return $node->connstr("db$databases");
}

sub sql { return $node->safe_psql("db$databases", $_[0]); }

# The sections that load registers, by id, and what it said.
sub loaded
{
	my ($files, @options) = @_;
	my @at = ('--url', $node->connstr('db1'), '--project', 'p' . ++$projects);
	my $dir = folder_of(%$files);
	my ($status, $document, $err) = viflo_json(@at, '--dir', $dir, @options, 'load');
	my %scripts;

	is($status, 0, 'loads') or diag($err);
	return ({}, $err) if $status != 0;
	for my $id (map { $_->{revision} } @$document)
	{
		my (undef, $script) = viflo(@at, 'script', $id);
		$scripts{$id} = $script;
	}
	return (\%scripts, $err, join(' ', map { $_->{revision} } @$document));
}

# The up section of the only change set of a file with this text.
sub up_of
{
	my ($text, @options) = @_;
	my ($scripts, $err) = loaded({ 'a.sql' => "$head--changeset x:1 $text" }, @options);

	unlike($err, qr/warning/, 'no warning');
	return ((values %$scripts)[0] // '') =~ s/\A.*^-- viflo up[^\n]*\n\n*//msr =~ s/\n*^-- viflo down.*//msr =~ s/\n+\z//r;
}

sub bad
{
	my ($text, $line, $err, $name) = @_;
	my $dir = folder_of('a.sql' => $text);

	fails_with([@nowhere, '--dir', $dir, 'load'], 1, qr{^\Q$dir\E/a\.sql:$line: error: $err}, $name);
	return;
}

# The fixture, on a server.
my @fixture = ('--url', new_url(), '--dir', fixture('liquibase'), '-q');
is_viflo([@fixture, 'deploy'], 0,
	qr/\Aup    001_shop\.alice\.customers +customers and their names .*\nup    001_shop\.bob_example\.org\.2 names .*\nup    functions\.alice\.f +f .*\n\z/,
	'', 'deploy');
is(sql('SELECT f(6) || g()::text'), '31', 'functions behind a delimiter of their own');
is(sql("SELECT data_type FROM information_schema.columns WHERE table_name = 'customers' AND column_name = 'name'"),
	'text', 'a property');
is_viflo([@fixture, 'revert', 'base'], 0, qr/\Adown  functions\.alice\.f .*\ndown  .*\ndown  .*\n\z/, '', 'revert');
is(sql("SELECT count(*) FROM pg_proc WHERE proname IN ('f', 'g')"), 0, 'reverted');

# White space and case; the first line.
my ($scripts, undef, $ids) = loaded({
	'b.sql' => "\xef\xbb\xbf\r\n  \r\n  --  LiquiBase  Formatted SQL x\r\n -- ChangeSet a b:1 x\r\nSELECT 1;\r\n",
	'a.sql' => "${head}/* a license\n   of two lines */\n--changeset x:1\nSELECT 1;\n--changeset x:2\nSELECT\n2;\n" });
is($ids, 'a.x.1 a.x.2 b.a b.1', 'ids, in order of files');
like($scripts->{'a.x.2'}, qr/^-- viflo up at 7 a\.sql\nSELECT\n2;\n/m, 'lines are the file\'s');
(undef, my $err, $ids) = loaded({ 'a.sql' => "$head--changeset x:1\n", 'b.sql' => 'SELECT 1;', 'db.changelog-master.xml' => '<databaseChangeLog/>' });
is($ids, 'a.x.1', 'other files are left out');
like($err, qr{/b\.sql: ignored, as it does not begin.*/db\.changelog-master\.xml: not read}s, 'and named');
(undef, $err, $ids) = loaded({ 'changelog.yaml' => "databaseChangeLog:\n", 'x/y/1.sql' => "$head--changeset x:1\n" });
is($ids, 'x.y.1.x.1', 'only folders below have any');

# Attributes.
my @cases = (
	['dbms:postgresql', 'a.x.1'], ['dbms:oracle', ''], ['dbms:"postgresql, h2"', ''], ['dbms:"!h2"', ''], ['dbms:!postgresql', ''],
	['dbms:,h2', 'a.x.1'],
	['dbms:!h2', 'a.x.1'], ['dbms:h2,postgresql', 'a.x.1'], ['dbms:all', 'a.x.1'], ['ignore:true', ''], ['ignore:false', 'a.x.1'],
	['dbms:oracle runWith:sqlplus', '']);
for my $case (@cases)
{
	(undef, $err, $ids) = loaded({ 'a.sql' => "$head--changeset x:1 $case->[0]\nSELECT 1;\n" });
	is($ids, $case->[1], $case->[0]);
}
for my $case (['runInTransaction:false', 1], ['runInTransaction:FALSE', 1], ['runInTransaction:true', 0], ['', 0])
{
	($scripts) = loaded({ 'a.sql' => "$head--changeset x:1 $case->[0]\nSELECT 1;\n" });
	is($scripts->{'a.x.1'} =~ /^-- transaction: off$/m ? 1 : 0, $case->[1], "transaction: $case->[0]");
}
for my $case (['context:test', 'context or labels'], ['labels:"a or b"', 'context or labels'],
	['failOnError:false', 'failOnError'])
{
	(undef, $err, $ids) = loaded({ 'a.sql' => "$head--changeset x:1 $case->[0]\nSELECT 1;\n" });
	like($err, qr{warning: \S+/a\.sql: change sets with .*$case->[1]}, "warning: $case->[0]");
	is($ids, 'a.x.1', 'and it is there');
}
(undef, $err, $ids) = loaded({ 'a.sql' => "$head--changeset x:1 dbms:\"postgresql\"\nSELECT 1;\n" });
like($err, qr{warning: \S+/a\.sql: change sets with dbms in quotes are left out}, 'warning: dbms in quotes');

# What runs again.
my $again = folder_of('a.sql' => "${head}--changeset x:once\nCREATE TABLE ran (what text);\n"
	  . "--changeset x:change runOnChange:true\nINSERT INTO ran VALUES ('change');\n"
	  . "--changeset x:always runAlways:true\nINSERT INTO ran VALUES ('always');\n");
$node->safe_psql('postgres', 'CREATE DATABASE again');
for my $expected ('always change', 'always always change')
{
	is((viflo('--url', $node->connstr('again'), '--dir', $again, 'upgrade'))[0], 0, 'upgrades');
	is($node->safe_psql('again', "SELECT string_agg(what, ' ' ORDER BY what) FROM ran"), $expected, 'runAlways runs always');
}

# Delimiters: what is sent.
is(up_of("\nSELECT 1\n/\nSELECT 2 / 3\n GO \nSELECT '\n/\n';"), "SELECT 1\n;\nSELECT 2 / 3\n ;  \nSELECT '\n/\n';", 'by default');
is(up_of("endDelimiter://\nSELECT 1//\nSELECT \$\$ a//\n\$\$ //  "), "SELECT 1; \nSELECT \$\$ a//\n\$\$ ;   ", 'at the end of a line');
is(up_of("endDelimiter:\\n/\nSELECT 1\n/\nSELECT 2 /\n3"), "SELECT 1\n;\nSELECT 2 /\n3", 'alone on a line');
is(up_of("endDelimiter:\$\$\nSELECT 1\n\$\$\nSELECT 2 \$\$"), "SELECT 1\n; \nSELECT 2 ; ", 'dollars');
is(up_of("splitStatements:false endDelimiter:/\nSELECT 1\n/\n2;"), "SELECT 1\n/\n2;", 'not split');
is(up_of("endDelimiter:go\nSELECT logo\ngo"), "SELECT logo\n; ", 'a word');

# Properties and placeholders.
is(up_of("\n--property name:a value:x\n--property name:b value:\${a}.y\nSELECT '\${b}';"), "SELECT 'x.y';", 'a property in a property');
is(up_of("\n--property name: a value: \"1 2\"\nSELECT '\${a}';"), qq{SELECT '"1';}, 'blanks after the colons of a property');
is(up_of("\n--property name:a value:1\n--property name:a value:2\nSELECT \${a}, \${b}, '\${c}';", '-x', 'b=3'),
	"SELECT 1, 3, '\${c}';", 'properties, --set, and what is neither');

# Rollbacks.
sub down_of
{
	my ($text) = @_;
	my ($found) = loaded({ 'a.sql' => "$head--changeset x:1\nSELECT 1;\n$text" });

	return 'none' if $found->{'a.x.1'} !~ /^-- viflo down/m;
	return $found->{'a.x.1'} =~ s/\A.*^-- viflo down[^\n]*\n+//msr =~ s/\s+\z//r;
}
is(down_of(''), 'none', 'no rollback');
is(down_of("--rollback empty\n"), '', 'an empty one');
is(down_of("--rollback NOT required, really\n"), '', 'one that is not required');
is(down_of(" -- rollback SELECT\n--rollback   2;\n"), "SELECT\n  2;", 'several lines');
is(down_of("/* liquibase rollback\nSELECT\n2; */\n"), "SELECT\n2;", 'a comment');

# Lines that are left out.
is(up_of("\nSELECT 1;\n--ignoreLines:1\nx\nSELECT 2;\n--ignoreLines:start\ny\n--ignoreLines:end\nSELECT 3;\n--validCheckSum: any\n-- plain"),
	"SELECT 1;\n\n\nSELECT 2;\n\n\n\nSELECT 3;\n\n-- plain", 'ignored lines keep their place');

bad("$head\nSELECT 1;\n", 3, 'text stands before the first change set', 'text before');
bad("$head--changeset x\nSELECT 1;\n", 2, 'line of a change set', 'no id');
bad("$head--changeset x: 1\n", 2, 'line of a change set', 'a space before the id');
bad("$head--changeset\n", 2, 'line of a change set', 'nothing');
bad("$head-changeset x:1\n", 2, 'command needs two dashes', 'one dash');
bad("$head--changeset x:1\n--precondition-sql-check expectedResult:0 SELECT 1\n", 3, 'precondition is not supported', 'precondition');
bad("$head--changeset x:1 runWith:psql\n", 2, 'change set with runWith', 'runWith');
bad("$head--changeset x:1\n--tagDatabase: x\n", 3, 'command tagDatabase', 'paid edition');
bad("$head--changeset x:1\n--include file:b.sql\n", 3, 'command include is', 'include');
bad("$head--changeset x:1\nSELECT 1;\n--rollback changesetId:1 changesetAuthor:x\n", 4, 'rollback by another', 'rollback of another');
bad("$head--changeset x:1\n/* liquibase rollback\nDROP", 3, 'comment with a rollback does not end', 'not closed');
bad("$head--changeset x:1\n--ignoreLines:few\n", 3, 'ignoreLines', 'ignoreLines');
bad("$head--changeset x:1 endDelimiter:\\s+x\n", 2, 'endDelimiter', 'a pattern');
bad("$head--changeset x:1\nSELECT '\xff'\n", 3, 'text is not UTF-8', 'not UTF-8');
my $dir = folder_of('a.sql' => "$head--changeset x:1\n--changeset x:1\n");
fails_with([@nowhere, '--dir', $dir, 'load'], 1, qr{/a\.sql: error: .*VF010}, 'one change set twice');
$dir = folder_of('a.sql' => $head, '1_b.up.sql' => '');
fails_with([@nowhere, '--dir', $dir, 'load'], 1, qr{two layouts}, 'two layouts');

# New files.
$dir = folder_of('007_a.sql' => "$head--changeset x:1\nSELECT 1;\n");
is_viflo(['--dir', $dir, 'revision', '-m', 'Add users'], 0, "$dir/008_add_users.sql\n", '', 'the next file');
like(slurp_text("$dir/008_add_users.sql"), qr/\A--liquibase formatted sql\n\n--changeset viflo:add_users /, 'its text');
is_viflo(['--url', new_url(), '-q', '--dir', $dir, 'load'], 0, qr/^load  008_add_users\.viflo\.add_users /m, '', 'it is read again');

done_testing();
