# viflo --fleet: one command in many databases.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use proxy_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf',
	"max_connections = 60\nmax_worker_processes = 16\nfsync = off\nlog_connections = on\n");
$node->start;

# Most of what CREATE EXTENSION costs is spent once.
$node->safe_psql('postgres', 'CREATE DATABASE with_extension');
$node->safe_psql('with_extension', 'CREATE EXTENSION viflo_migrate');

my $password = 'h7Zq-secret';
my $server = $node->connstr('postgres') . " password=$password";
my $made = 0;

# So many new databases; their names.
sub new_databases
{
	my ($count, $template) = @_;
	my @names = map { 'db' . ++$made } 1 .. $count;

	$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE " . ($template // 'with_extension'))
	  for @names;
	return @names;
}

sub fleet_file
{
	my $dir = folder_of('fleet' => join("\n", @_) . "\n");

	return "$dir/fleet";
}

# How many of the databases have this relation.
sub count_having
{
	my ($relation, @databases) = @_;

	return scalar grep { $node->safe_psql($_, "SELECT to_regclass('$relation') IS NOT NULL") eq 't' } @databases;
}

# Connections that the server has logged while code ran.
sub connections
{
	my ($code) = @_;
	my $offset = -s $node->logfile;

	$code->();
	my @lines = substr(slurp_text($node->logfile), $offset) =~ /connection received/g;
	return scalar @lines;
}

# The members of a report with this status, by name.
sub with_status
{
	my ($document, $status) = @_;

	return [ map { $_->{name} } grep { $_->{status} eq $status } @{ $document->{databases} } ];
}

# A line for the shell.
sub is_viflo_shell
{
	my ($line, $status, $out, $err, $name) = @_;
	my ($stdout, $stderr) = ('', '');

	IPC::Run::run([ 'bash', '-c', $line ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	is($? >> 8, $status, "$name: status");
	is($stdout, $out, "$name: stdout");
	like($stderr, $err, "$name: stderr");
	return;
}

my $dir = folder_of(
	'1_a.up.sql' => "CREATE TABLE a ();\n", '1_a.down.sql' => 'DROP TABLE a',
	'2_b.up.sql' => "SELECT 1;\nCREATE TABLE b ();\n", '2_b.down.sql' => 'DROP TABLE b');
my @at = ('--url', $server, '--dir', $dir);

# ---- twenty databases, of which three cannot be upgraded ---------------------

my @names = new_databases(18);
$node->safe_psql($names[3], 'CREATE TABLE b ()');
my $nowhere = "postgresql://me:$password\@127.0.0.1:1/nowhere";
my @lines = (@names[ 0 .. 8 ], $nowhere, 'nosuch', @names[ 9 .. 17 ]);
my $file = fleet_file('# the fleet', '', map { "  $_ " } @lines);
my @good = grep { $_ ne $names[3] } @names;

for my $jobs (1, 8)
{
	my ($status, $out, $err) = viflo(@at, '--fleet', $file, 'upgrade', '--jobs', $jobs);

	is($status, 1, "$jobs at a time, up to the first failure: status");
	like($out, qr/^failed     $names[3]  relation "b" already exists \(SQLSTATE 42P07\)  \(.*\)$/m, 'a line for it');
	like($out, qr/^not begun  $names[17]$/m, 'and for what was not begun');
	like($err, qr{2_b\.up\.sql:2: error: relation "b" already exists \(SQLSTATE 42P07\)\n.*\nDATABASE:  $names[3]\n},
		'the failure in full, with file, line and database');
	like($err, qr/^viflo: the same command again does what is left$/m, 'what to do next');
	is(count_having('b', @names), 4, '1 at a time: three are done and one had it') if $jobs == 1;
	ok(count_having('b', @names[ 9 .. 17 ]) == 0, 'none of the last ones was touched');
	unlike("$out$err", qr/\Q$password\E/, 'no password');
}

my ($status, $out, $err) = viflo(@at, '--fleet', $file, '--keep-going', 'upgrade');
is($status, 1, '--keep-going: status');
like($out, qr/^20 databases: 17 done, 3 failed \(.*\)\n\z/m, 'the last line counts');
is(scalar(() = $out =~ /^done /mg), 17, 'a line for each that is done');
like($out, qr/^done       $names[17]  2 steps  \(.*\)$/m, 'with its steps');
like($out, qr/^failed     nosuch  .*does not exist/m, 'one that is not there');
like($out, qr{^failed     postgresql://me\@127\.0\.0\.1:1/nowhere  }m, 'one with a wrong port, without its password');
unlike("$out$err", qr/\Q$password\E/, 'no password');
is(count_having('b', @good), 17, 'all that can be are upgraded');

# Again: the databases know what they have.
my $opened = connections(sub { ($status, $out, $err) = viflo(@at, '--fleet', $file, '--keep-going', 'upgrade'); });
is(scalar(() = $out =~ /^done       \w+  nothing to do  /mg), 17, 'again: nothing to do in those that are done');
is($opened, 19, 'a connection each');

$node->safe_psql($names[3], 'DROP TABLE b');
my $document;
($status, $document, $err) = viflo_json(@at, '--fleet', $file, '--keep-going', 'upgrade');
is($status, 1, 'a report: status');
is_deeply([ map { $_->{name} } @{ $document->{databases} } ],
	[ map { $_ eq $nowhere ? 'postgresql://me@127.0.0.1:1/nowhere' : $_ } @lines ], 'all of them, in order');
is_deeply([ @$document{qw(command status total done failed cancelled not_begun)} ],
	[ 'upgrade', 1, 20, 18, 2, 0, 0 ], 'counts');
is_deeply([ sort keys %{ $document->{databases}[0] } ], [qw(duration_ms error name status steps url)], 'fields of each');
my ($repaired) = grep { $_->{name} eq $names[3] } @{ $document->{databases} };
is_deeply([ map { "$_->{step} $_->{direction} $_->{revision}" } @{ $repaired->{steps} } ], [ '1 up 1_a', '2 up 2_b' ],
	'steps of what was left');
like($repaired->{url}, qr{^postgresql://.*/$names[3]}, 'its URL');
my ($lost) = grep { $_->{name} eq 'nosuch' } @{ $document->{databases} };
is_deeply([ @{ $lost->{error} }{qw(error status sqlstate)} ], [ JSON::PP::true, 4, '08001' ], 'the error of one');
unlike(JSON::PP->new->encode($document) . $err, qr/\Q$password\E/, 'no password in the report');

# Who reads has gone: no reason to leave off half way
{
	my @unread = new_databases(4);
	my $command = join(' ', map { "'$_'" } $program, @at, '--fleet', fleet_file(@unread), '--jobs', 1, 'upgrade');

	is_viflo_shell("$command | true; exit \${PIPESTATUS[0]}", 1, '', qr/could not write to standard output: Broken pipe/, 'a pipe that nobody reads');
	is(count_having('b', @unread), 4, 'all are upgraded');
}
{
	my @few = new_databases(30);
	my $command = join(' ', map { "'$_'" } $program, @at, '--fleet', fleet_file(@few), '--jobs', 100, '--quiet', 'upgrade');

	is_viflo_shell("ulimit -n 40; $command >/dev/null", 0, '', qr/warning: only 8 at a time, as the process may open no more than 40 files/,
		'more than there may be connections');
	is(count_having('b', @few), 30, 'they come one after the other');
}

# Exit statuses
is_viflo([@at, '--fleet', fleet_file(@names), 'upgrade'], 0, qr/^18 databases: 18 done \(/m, '', 'all is well');
is_viflo([@at, '--fleet', fleet_file($nowhere, 'nosuch'), '--keep-going', 'upgrade'], 4, qr/^2 databases: 0 done, 2 failed/m,
	qr/SQLSTATE 08001/, 'none can be connected to');
is_viflo([@at, '--fleet', fleet_file($nowhere, 'nosuch'), '--jobs', '1', 'upgrade'], 1, qr/^2 databases: 0 done, 1 failed, 1 not begun/m,
	qr/SQLSTATE 08001/, 'one cannot, and the other was not tried');
is_viflo([@at, '--fleet', fleet_file(), 'upgrade'], 0, qr/^0 databases: 0 done/m, qr/warning: the fleet has no databases/,
	'no databases');

# More failures than anybody wants to read
($status, $out, $err) = viflo(@at, '--fleet', fleet_file(map { "nosuch$_" } 1 .. 9), '--keep-going', 'upgrade');
is(scalar(() = $err =~ /^DATABASE:/mg), 5, 'the first failures are shown in full');
like($err, qr/^viflo: 4 more failures are not shown in full/m, 'the rest are counted');
is(scalar(() = $out =~ /^failed /mg), 9, 'and all have a line');

# ---- where the list comes from -------------------------------------------------

{
	my ($in, $text) = (join("\r\n", "\xEF\xBB\xBF$names[0]", '#x', $names[1], $names[2]), '');
	IPC::Run::run([ $program, @at, '--fleet', '-', 'current' ], '<', \$in, '>', \$text);
	is($?, 0, 'standard input: status');
	like($text, qr/^done       $names[2]  2_b \(head\)  /m, 'standard input, with CRLF and no last line end');
}
is_viflo([@at, '--fleet-query', "SELECT datname, 'shop ' || datname FROM pg_database WHERE datname IN ('$names[0]', '$names[1]')", 'check'],
	0, qr/^done       shop $names[1]  all is well  .*^2 databases: 2 done/ms, '', 'a query, with names to show');
is_viflo([@at, '--fleet-query', "SELECT 'host=nosuch.invalid dbname=x password=$password' WHERE false", 'check'], 0,
	qr/^0 databases/, qr/no databases/, 'a query without rows');
fails_with([@at, '--fleet-query', 'SELECT NULL::text', 'check'], 2, qr/row 1 of the fleet's query: no name/, 'a row without a name');
fails_with([@at, '--fleet-query', 'SELECT nosuch', 'check'], 1, qr/SQLSTATE 42703/, 'a query that fails');

my $conf = folder_of('viflo.conf' => "set.table = a\n"
	  . "[first]\nurl = " . $node->connstr($names[0]) . "\n[billing]\nurl = " . $node->connstr($names[0])
	  . "\nproject = billing\n[own]\nurl = " . $node->connstr($names[1]) . "\ndir = elsewhere\n"
	  . "[other]\nurl = " . $node->connstr($names[1]) . "\nset.table = b\n");
($status, $document, $err) = viflo_json({ in => $conf }, @at, '--fleet', fleet_file('first', 'billing', $names[1]), 'current');
is($status, 0, 'names from viflo.conf: status') or diag($err);
is_deeply([ map { scalar @{ $_->{current} } } @{ $document->{databases} } ], [ 1, 0, 1 ], 'each with its project');
fails_with([{ in => $conf }, @at, '--fleet', fleet_file('first', 'own'), 'upgrade'], 2,
	qr/fleet:2: error: database "own" of file "viflo\.conf" has a "dir" of its own/, 'not with a folder of its own');
fails_with([{ in => $conf }, @at, '--fleet', fleet_file('other'), 'upgrade'], 2,
	qr/fleet:1: error: database "other" .* has a "set\.NAME" of its own/, 'nor with a value that stands in place of all others');

# What cannot be used: nothing is sent.
my @wrong = (
	[ 'a URL that is none', "postgresql://u:$password\@[::1", qr/cannot be read/ ],
	[ 'an option that libpq does not know', "host=x pasword=$password", qr/cannot be read/ ],
	[ 'a quote that is not closed', "host=x password='$password", qr/cannot be read/ ],
	[ "another program's URL", "mysql://u:$password\@h/d", qr/URL does not begin with postgresql:/ ],
	[ 'no value', "dbname=x $password", qr/cannot be read/ ],
	[ 'not UTF-8', "caf\xe9", qr/not UTF-8/ ],
	[ 'an escape sequence', "a\e[31mb", qr/control character/ ],
	[ 'a NUL byte', "a\0b", qr/NUL byte/ ],
	[ 'a name that a server would cut off', 'x' x 64, qr/longer than 63 bytes/ ],
	[ 'an endless line', 'x' x 10000, qr/too long/ ],
	[ 'the same twice', $names[0], qr/"$names[0]" is in the fleet already, by line 1/ ],
	[ 'the same by another way to say it', $node->connstr($names[0]), qr/is in the fleet already, by line 1/ ]);
for my $case (@wrong)
{
	my ($name, $line, $message) = @$case;
	my $list = fleet_file($names[0], '# two', $line);

	is(connections(sub { fails_with([@at, '--fleet', $list, 'upgrade'], 2, qr/^\Q$list\E:3: error: .*$message/, $name); }),
		0, "$name: no connection");
	unlike((viflo(@at, '--fleet', $list, 'upgrade'))[2], qr/\Q$password\E/, "$name: no password");
}
fails_with([@at, '--fleet', "$dir/nosuch", 'upgrade'], 2, qr/could not read file: No such file/, 'no file');
fails_with([@at, '--fleet', $dir, 'upgrade'], 2, qr/could not read file/, 'a folder');
fails_with([@at, '--fleet', $file, '--fleet-query', 'SELECT 1', 'upgrade'], 2, qr/cannot be given together/, 'a file and a query');
fails_with([@at, '--fleet', $file, '--jobs', $_, 'upgrade'], 2, qr/not a number of jobs from 1 to 1000/, "--jobs $_")
  for '0', '-1', '1001', 'many', '8x', '';
fails_with([@at, '--jobs', '2', 'upgrade'], 2, qr/--jobs needs --fleet/, '--jobs without a fleet');
fails_with([@at, '--keep-going', 'upgrade'], 2, qr/--keep-going needs --fleet/, '--keep-going without a fleet');
fails_with([@at, '--fleet', $file, 'plan'], 2,
	qr/"viflo plan" cannot be given a fleet\nHINT:  These can: load, upgrade, downgrade, deploy, revert, stamp, adopt, check, current\./,
	'what works on a fleet');
is(connections(sub { fails_with(['--url', $server, '--dir', folder_of('1.sql' => "\xff"), '--fleet', fleet_file(@names), 'upgrade'],
			1, qr/1\.sql/, 'a folder at fault') }), 0, 'is told before anything is sent');

# ---- the other commands ----------------------------------------------------------

my @few = @names[ 0 .. 2 ];
my @of = (@at, '--fleet', fleet_file(@few));
is_viflo([@of, 'downgrade', '-1'], 0, qr/^done       $few[0]  1 step  /m, '', 'downgrade');
is_viflo([@of, 'check', '--keep-going'], 3, qr/^3 databases: 0 done, 3 failed/m, qr/SQLSTATE VF040/, 'check: behind');
is_viflo([@at, '--fleet', fleet_file($few[0], 'nosuch'), 'check', '--keep-going'], 1, undef, qr/VF040/, 'check: behind, and worse');
is_viflo([@of, 'current'], 0, qr/^done       $few[1]  1_a  /m, '', 'current');
is_viflo([@of, 'stamp', 'head'], 0, qr/^done       $few[1]  stamped  /m, '', 'stamp');
($status, $document) = viflo_json(@of, 'stamp', '1_a');
is_deeply($document->{databases}[0]{stamped}, ['1_a'], 'stamp in JSON');
is_viflo([@of, 'revert', 'base'], 0, qr/^done       $few[2]  1 step  /m, '', 'revert');
is(count_having('a', @few), 0, 'takes back what is stamped');
put("$dir/3_i.up.sql", "CREATE INDEX CONCURRENTLY i ON pg_temp.nosuch (x);\n");
put("$dir/3_i.down.sql", '');
is_viflo([@of, 'load'], 0, qr/^done       $few[2]  1 loaded  /m, '', 'load');
is_viflo([@of, 'load'], 0, qr/^done       $few[2]  nothing to load  /m, '', 'load again');
($status, $document, $err) = viflo_json(@of, 'deploy', '--keep-going');
is($status, 1, 'deploy: status');
is_deeply([ map { $_->{revision} } @{ $document->{databases}[1]{error}{steps} } ], [ '1_a', '2_b' ],
	'what is committed of a failed deploy');
like($err, qr/^KEPT:  2 steps are done and committed/m, 'is told, too');
put("$dir/3_i.up.sql", "CREATE INDEX CONCURRENTLY i ON c (x);\n");
put("$dir/3_i.down.sql", 'DROP INDEX i');
$node->safe_psql($_, 'CREATE TABLE c (x int)') for @few;
is_viflo([@of, 'deploy'], 0, qr/^done       $few[2]  1 step  /m, '', 'deploy goes on');
is_viflo([@of, 'deploy'], 0, qr/^done       $few[2]  nothing to do  /m, '', 'deploy of nothing');
is(count_having('i', @few), 3, 'the indexes are there');
($status, $out, $err) = viflo(@at, '--fleet', fleet_file($few[0], 'nosuch'), '--keep-going', 'revert', '-1');
like($err, qr/the target is relative: .* name a revision$/m, 'a relative target must not be given again');
($status, $document) = viflo_json(@of, 'deploy', '--async');
is_deeply([ map { $_->{job} > 0 } @{ $document->{databases} } ], [ 1, 1, 1 ], 'deploy --async gives jobs');
$node->poll_query_until($few[0], q(SELECT bool_and(state = 'done') FROM viflo.jobs)) or die 'the job does not end';

# Where the extension is to be made
my @bare = new_databases(3, 'template0');
is_viflo([@at, '--fleet', fleet_file(@bare), 'upgrade', '2_b'], 0, qr/^3 databases: 3 done/m, '', 'the extension is made');
is(count_having('b', @bare), 3, 'and used');

# Waiting for another migrator's lock, as a deploy does
{
	my $holder = $node->background_psql($bare[1], on_error_stop => 1);
	$holder->query_safe("SET viflo_migrate.project = 'app'; BEGIN; SELECT viflo_stamp('1_a'); SELECT viflo_stamp('2_b');");
	put("$dir/4_d.up.sql", "CREATE TABLE d ();\n");
	put("$dir/4_d.down.sql", "DROP TABLE d;\n");
	$node->safe_psql($_, 'CREATE TABLE c (x int)') for @bare;
	my ($text, $errors) = ('', '');
	my $run = IPC::Run::start([ $program, @at, '--fleet', fleet_file(@bare), 'deploy' ], '<', \undef, '>', \$text, '2>', \$errors);
	$run->pump until $text =~ /^done       $bare[2] /m && $text =~ /^done       $bare[0] /m;
	$node->poll_query_until($bare[1], q(SELECT count(*) = 1 FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle' AND query LIKE '%viflo_load%'))
	  or die 'it does not wait';
	$holder->query_safe('COMMIT');
	$holder->quit;
	$run->finish;
	is($run->result(0), 0, 'one that waits holds up no other, and ends well') or diag($errors);
	like($text, qr/^3 databases: 3 done/m, 'all are done');
}

# ---- ^C ------------------------------------------------------------------------------

for my $command ('upgrade', 'deploy')
{
	my @fleet = new_databases(6);
	my $slow = folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
		'2_b.up.sql' => "DO \$\$ BEGIN IF current_database() <> '$fleet[0]' THEN PERFORM pg_sleep(180); END IF; END \$\$;\n");
	my ($text, $errors) = ('', '');
	my $run = IPC::Run::start([ $program, '--url', $server, '--dir', $slow, '--format', 'json', '--fleet',
			fleet_file(@fleet), '--jobs', '3', $command ], '<', \undef, '>', \$text, '2>', \$errors);
	$node->poll_query_until('postgres', q(SELECT count(*) = 3 FROM pg_stat_activity WHERE wait_event = 'PgSleep'))
	  or die 'they do not sleep';
	$run->signal('INT');
	$run->finish;
	is($run->result(0), 1, "^C of $command: status");
	$document = JSON::PP->new->decode($text);
	is_deeply(with_status($document, 'done'), [ $fleet[0] ], 'what is done');
	is_deeply(with_status($document, 'cancelled'), [ @fleet[ 1 .. 3 ] ], 'what is cancelled');
	is_deeply(with_status($document, 'not begun'), [ @fleet[ 4, 5 ] ], 'what was not begun');
	is($document->{databases}[1]{error}{sqlstate}, '57014', 'with the SQLSTATE');
	like($errors, qr/^viflo: stopping: /m, 'it says so');
	is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep')),
		0, 'nothing runs on');
	is(count_having('a', @fleet[ 1 .. 3 ]), $command eq 'upgrade' ? 0 : 3,
		$command eq 'upgrade' ? 'all of it is rolled back' : 'what was committed stays');
	is_deeply([ map { $_->{revision} } @{ $document->{databases}[1]{error}{steps} } ], ['1_a'], 'and is told')
	  if $command eq 'deploy';

	put("$slow/2_b.up.sql", "SELECT 1;\n");
	is_viflo(['--url', $server, '--dir', $slow, '--fleet', fleet_file(@fleet[ 1 .. 5 ]), $command], 0,
		qr/^5 databases: 5 done/m, '', 'the same again does the rest');
}

# A connection that is lost: the server is asked again what became of it.
{
	my @fleet = new_databases(3);
	my $slow = folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
		'2_b.up.sql' => "DO \$\$ BEGIN IF current_database() = '$fleet[1]' THEN PERFORM pg_sleep(180); END IF; END \$\$;\n");
	my ($text, $errors) = ('', '');
	my $run = IPC::Run::start([ $program, '--url', $server, '--dir', $slow, '--format', 'json', '--fleet',
			fleet_file(@fleet), '--keep-going', 'deploy' ], '<', \undef, '>', \$text, '2>', \$errors);
	$node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'))
	  or die 'it does not sleep';
	$node->safe_psql('postgres', q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'));
	$run->finish;
	$document = JSON::PP->new->decode($text);
	is_deeply(with_status($document, 'failed'), [ $fleet[1] ], 'a lost connection: one failed');
	like($document->{databases}[1]{error}{hint}, qr/^What was committed before stays/, 'what to make of it');
	is_deeply([ map { $_->{revision} } @{ $document->{databases}[1]{error}{steps} } ], ['1_a'], 'which was looked up');
}

# The same of one transaction: the answer is swallowed, the process killed, and
# one is gone for good, which holds up no other.
{
	my @fleet = new_databases(4);
	my $slow = folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
		'2_b.up.sql' => "DO \$\$ BEGIN IF current_database() = '$fleet[1]' THEN PERFORM pg_sleep(180); END IF; END \$\$;\n");
	my $list = fleet_file(via_proxy($node, $fleet[0], 'swallow', qr/viflo_upgrade/), $fleet[1],
		via_proxy($node, $fleet[2], 'gone', qr/viflo_upgrade/), $fleet[3]);
	my ($text, $errors) = ('', '');
	my $run = IPC::Run::start([ $program, '--url', $server, '--dir', $slow, '--format', 'json', '--fleet', $list,
			'--keep-going', 'upgrade' ], '<', \undef, '>', \$text, '2>', \$errors);
	$node->poll_query_until('postgres', q(SELECT count(pg_terminate_backend(pid)) = 1 FROM pg_stat_activity
		WHERE wait_event = 'PgSleep')) or die 'it does not sleep';
	$run->pump until $errors =~ /after all of it was committed/ && $errors =~ /rolled back the run/;
	$run->signal('INT');
	$run->finish;
	is($run->result(0), 1, 'lost connections: status');
	$document = JSON::PP->new->decode($text);
	my @members = @{ $document->{databases} };
	is_deeply([ map { $_->{status} } @members ], [qw(done failed failed done)], 'what became of each');
	is_deeply([ map { $_->{revision} } @{ $members[0]{steps} } ], [ '1_a', '2_b' ], 'the steps of which the answer was lost');
	is(count_having('a', @fleet[ 0, 2, 3 ]), 3, 'which is true');
	like($members[1]{error}{hint}, qr/the server has rolled back the run/, 'what was rolled back');
	is(count_having('a', $fleet[1]), 0, 'which is true');
	like($members[2]{error}{hint}, qr/could not be found out/, 'where nobody answers, it says so');
	is($members[2]{error}{status}, 4, 'as one that cannot be connected to');
}

# A server that takes the connection and says nothing
{
	require IO::Socket::INET;
	my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "could not listen: $!";
	my $url = 'postgresql://127.0.0.1:' . $silent->sockport . '/x?connect_timeout=2';

	is_viflo([@at, '--fleet', fleet_file($url, $names[5]), '--keep-going', 'current'], 1,
		qr/\Adone       $names[5] .*\nfailed     \Q$url\E  could not connect within \d+ ms/,
		qr/HINT:  connect_timeout/, 'a silent server holds up no other, and not for ever');

	my ($text, $errors) = ('', '');
	my $run = IPC::Run::start([ $program, @at, '--fleet', fleet_file($url), 'current' ], '<', \undef, '>', \$text, '2>', \$errors);
	my @kept = ($silent->accept, $silent->accept);
	$run->signal('TERM');
	$run->finish;
	is($run->result(0), 1, 'SIGTERM while it connects: status');
	like($text, qr/^not begun  .*\n1 database: 0 done, 1 not begun/m, 'nothing was begun');
}

# ---- on a terminal ----------------------------------------------------------------

SKIP:
{
	skip 'no terminal to be had', 1 unless eval { require IO::Pty; IO::Pty->new };
	my @fleet = new_databases(5);
	my $slow = folder_of('1_a.up.sql' => "CREATE TABLE a ();\nSELECT pg_sleep(0.6);\n");
	my $terminal = IO::Pty->new;
	my $slave = $terminal->slave;
	my $text = '';

	$terminal->set_winsize(24, 80, 0, 0);
	my $pid = fork() // die "could not fork: $!";
	if ($pid == 0)
	{
		%ENV = (%ENV, TERM => 'xterm');
		open(STDIN, '<&', $slave) && open(STDOUT, '>&', $slave) && open(STDERR, '>&', $slave) or die;
		close($terminal);
		exec($program, '--url', $server, '--dir', $slow, '--fleet', fleet_file(@fleet, 'nosuch'),
			'--jobs', '3', '--keep-going', 'upgrade') or die;
	}
	close($slave);
	while (sysread($terminal, my $part, 65536)) { $text .= $part; }
	waitpid($pid, 0);
	is($? >> 8, 1, 'on a terminal: status');
	like($text, qr/\r\[#*\.+\] 0:\d\d \d done, \d failed, [123] running of 6\x1b\[K/, 'a line shows how far it is');
	unlike($text, qr/^done /m, 'and no line each');
	like($text, qr/\x1b\[Jfailed     nosuch .*\r\n6 databases: 5 done, 1 failed/, 'what failed comes last');
	is(scalar(grep { length($_) > 79 } $text =~ /\r([^\r\n]*)\x1b\[K/g), 0, 'which fits');
}

done_testing();
