# viflo online: deploy, revert, jobs, wait, cancel, and the line of progress.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "max_connections = 60\nmax_worker_processes = 16\n");
$node->start;

my $databases = 0;
my $database;

# A new database, which the functions below then work on; its connection string.
sub new_database
{
	$database = 'db' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	return $node->connstr($database);
}

sub sql { return $node->safe_psql($database, $_[0]); }

# Waits until the query says t.
sub wait_for
{
	my ($query) = @_;

	$node->poll_query_until($database, $query) or die "timed out: $query";
	return;
}

# Starts viflo; finish() it.
sub start_viflo
{
	my @command = @_;
	my %run = (out => '', err => '');

	$run{run} = IPC::Run::start([ $program, @command ], '<', \undef, '>', \$run{out}, '2>', \$run{err});
	return \%run;
}

sub finish
{
	my ($run) = @_;

	$run->{run}->finish;
	return $run->{run}->result(0);
}

# Something in this database runs pg_sleep().
my $sleeps = q(SELECT count(*) = 1 FROM pg_stat_activity
	WHERE datname = current_database() AND wait_event = 'PgSleep');

# Deploy and revert.
my $url = new_database();
my %files = (
	'1_a.up.sql' => "CREATE TABLE a AS SELECT g FROM generate_series(1, 100) g;\n",
	'1_a.down.sql' => 'DROP TABLE a',
	'2_i.up.sql' => "CREATE INDEX CONCURRENTLY a_g ON a (g);\n",
	'2_i.down.sql' => 'DROP INDEX CONCURRENTLY a_g',
	'3_b.up.sql' => "CREATE TABLE b ();\n",
	'3_b.down.sql' => 'DROP TABLE b');
my $dir = folder_of(%files);
my @at = ('--url', $url, '--dir', $dir);

is_viflo([@at, 'deploy', '1_a'], 0, qr/\Aup    1_a  a  \(\d+ ms\)\n\z/,
	qr/created extension.*\nviflo: notice: .*"1_a".*\n\z/, 'deploy loads the folder, and tells each step');
is_viflo([@at, 'upgrade'], 1, '', qr/VF024.*HINT:  Use "viflo deploy", which commits after each revision\./s,
	'upgrade names what does it');
is_viflo([@at, 'deploy'], 0, qr/\Aup    2_i .*\nup    3_b .*\n\z/, qr/notice:.*2_i.*\n.*notice:.*3_b/,
	'deploy of the rest');
is(sql(q(SELECT string_agg(indisvalid::text, ' ') FROM pg_index WHERE indexrelid = 'a_g'::regclass)),
	'true', 'the index is there');
is_viflo([@at, 'deploy'], 0, "nothing to do\n", '', 'nothing to deploy');
is_viflo([@at, 'downgrade', '1_a'], 1, '', qr/VF024.*HINT:  Use "viflo revert", which commits after each revision\./s,
	'so does downgrade');
is_viflo([@at, 'revert', '-1'], 0, qr/\Adown  3_b .*\n\z/, undef, 'revert');
is_viflo([@at, '--quiet', 'deploy'], 0, qr/\Aup    3_b .*\n\z/, '', '--quiet');
{
	my ($out, $err) = ('', '');
	my $command = join(' ', map { "'$_'" } $program, '--url', $url, '--project', 'app', 'revert', '-1');

	IPC::Run::run([ 'bash', '-c', "cd / && $command 2>&-" ], '<', \undef, '>', \$out, '2>', \$err);
	is($? >> 8, 0, 'stderr is closed: status');
	like($out, qr/\Adown  3_b .*\n\z/, 'remarks do not go to the server instead');
	viflo(@at, '--quiet', 'deploy');
}
my ($status, $document) = viflo_json(@at, 'revert', 'base');
is_deeply([ map { "$_->{step} $_->{direction} $_->{revision} $_->{message}" } @$document ],
	[ '1 down 3_b b', '2 down 2_i i', '3 down 1_a a' ], 'revert in JSON');
is_deeply([ sort keys %{ $document->[0] } ],
	[qw(attempts detail direction duration message revision statements step transactional)],
	'with these fields');
ok($document->[0]{transactional} && !$document->[1]{transactional}, 'what ran outside of a transaction');
($status, $document) = viflo_json(@at, 'revert', 'base');
is_deeply($document, [], 'nothing to revert');
($status, $document) = viflo_json(@at, 'deploy');
is(scalar @$document, 3, 'deploy in JSON');
fails_with([@at, 'deploy', 'nothing'], 1, qr/SQLSTATE VF001/, 'deploy to nowhere');
fails_with([@at, 'revert'], 2, qr/needs TARGET/, 'revert needs a target');
fails_with([@at, 'upgrade', '--async'], 2, qr/has no option --async/, 'upgrade has no jobs');

# A failure: what stays, and where it is resumed.
$url = new_database();
put("$dir/4_c.up.sql", "CREATE TABLE c ();\nVACUUM a;\nSELECT 1/0;\nCREATE TABLE d ();\n");
put("$dir/4_c.down.sql", '');
@at = ('--url', $url, '--dir', $dir);
fails_with([@at, 'deploy'], 1,
	qr{4_c\.up\.sql:3: .*22012.*KEPT:  3 steps are done and committed: up "1_a", up "2_i", up "3_b"\.\n.*"4_c" \(up\), 2 statements are done; "viflo deploy" resumes there\.\n\z}s,
	'a failure tells what stays');
is_viflo([@at, 'log'], 0, qr/ failed  4_c .* 22012  division by zero$/m, '', 'and the log has it');
($status, $document) = viflo_json(@at, 'deploy');
is($status, 1, 'again: status');
is($document->{sqlstate}, '22012', 'SQLSTATE');
is_deeply($document->{steps}, [], 'no step this time');
is_deeply([ map { "$_->{revision} $_->{statements}" } @{ $document->{unfinished} } ], ['4_c 2'],
	'what is half done');
put("$dir/4_c.up.sql", "CREATE TABLE c ();\nVACUUM a;\nSELECT 1/1;\nCREATE TABLE d ();\n");
is_viflo([@at, 'deploy'], 0, qr/\Aup    4_c .*resumed/, undef, 'a corrected file is resumed, and says so');

put("$dir/5_e.up.sql", '');
put("$dir/5_e.down.sql", "CREATE TABLE f ();\nVACUUM f;\nSELECT 1/0;\n");
is_viflo([@at, 'deploy'], 0, qr/\Aup    5_e /, undef, 'a revision whose down section fails');
fails_with([@at, 'revert', '-1'], 1, qr/5_e\.down\.sql:3: .*KEPT:  Of revision "5_e" \(down\), 2 statements are done; "viflo revert" resumes there\.\n\z/s,
	'a failure half way down');
fails_with([@at, 'check'], 3, qr/SQLSTATE VF035/, 'which check finds');

# ^C
for my $signal ('INT', 'TERM')
{
	$url = new_database();
	my $slow = folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
		'2_b.up.sql' => "SELECT 1;\nSELECT pg_sleep(180);\n");
	my $run = start_viflo('--url', $url, '--dir', $slow, 'deploy');
	wait_for($sleeps);
	$run->{run}->signal($signal);
	is(finish($run), 1, "SIG$signal: status");
	like($run->{err},
		qr/2_b\.up\.sql:2: error: .*SQLSTATE 57014.*HINT:  You asked to stop.*KEPT:  1 step is done and committed: up "1_a"/s,
		"SIG$signal: where it stopped");
	is(sql("SELECT to_regclass('a') IS NOT NULL"), 't', "SIG$signal: what was committed stays");
	is(sql("SELECT count(*) FROM viflo.progress"), 0, "SIG$signal: nothing runs on");
}

# A lost connection
{
	$url = new_database();
	my $slow = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '2_b.up.sql' => 'SELECT pg_sleep(180);');
	my $run = start_viflo('--url', $url, '--dir', $slow, 'deploy');
	wait_for($sleeps);
	sql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event = 'PgSleep'));
	is(finish($run), 1, 'a lost connection: status');
	like($run->{err}, qr/SQLSTATE (57P01|08006).*HINT:  What was committed before stays/s,
		'a lost connection: message');
}

# Many at once on a fresh database
$url = new_database();
my %many = map {
	("1${_}_t.up.sql" => "CREATE TABLE t$_ AS SELECT generate_series(1, 1000) g;",
		"2${_}_i.up.sql" => "CREATE INDEX CONCURRENTLY i$_ ON t$_ (g);")
} 1 .. 3;
$dir = folder_of(%many);
my @crowd = map { start_viflo('--url', $url, '--dir', $dir, 'deploy') } 1 .. 20;
is(scalar(grep { finish($_) == 0 } @crowd), 20, 'twenty at once all end well')
  or diag(join('', map { $_->{err} } @crowd));
is(sql(q(SELECT count(*), count(DISTINCT revision), count(*) FILTER (WHERE status = 'done') FROM viflo.log)),
	'6|6|6', 'each revision was run once');
is(join('', map { $_->{out} =~ /^up/mg } @crowd), 'up' x 6, 'and reported once');
is(sql('SELECT count(*) FROM pg_index WHERE NOT indisvalid'), 0, 'no invalid index');

# Loading a folder while somebody else's index waits for an old transaction.
{
	my $holder = $node->background_psql($database, on_error_stop => 1);
	$holder->query_safe('BEGIN; SELECT count(*) FROM t1; LOCK TABLE t1 IN ROW EXCLUSIVE MODE;');

	put("$dir/30_i.up.sql", 'CREATE INDEX CONCURRENTLY i4 ON t1 (g, g);');
	my $first = start_viflo('--url', $url, '--dir', $dir, 'deploy');
	wait_for(q(SELECT count(*) = 1 FROM viflo.progress WHERE index_phase LIKE 'waiting%'));

	put("$dir/40_u.up.sql", 'CREATE TABLE u ();');
	my $second = start_viflo('--url', "$url application_name=second", '--dir', $dir, 'deploy');

	# Not by a query that waits, but by short ones with pauses between.
	wait_for(q(SELECT count(*) = 1 FROM pg_stat_activity
		WHERE application_name = 'second' AND state = 'idle' AND query LIKE '%viflo_load%'));
	pass('a second one with a file more waits, and holds up nobody');

	my @short = ({ env => { PGOPTIONS => '-c viflo_migrate.lock_wait=300ms' } },
		'--url', $url, '--dir', $dir, 'deploy');
	fails_with(\@short, 1, qr/SQLSTATE VF03[04]/, 'but not longer than lock_wait');

	$holder->query_safe('COMMIT');
	$holder->quit;
	is(finish($first), 0, 'the first one ends well') or diag($first->{err});
	is(finish($second), 0, 'and so does the second') or diag($second->{err});
	is(sql(q(SELECT count(*) FROM viflo.log WHERE status <> 'done')), 0, 'nothing failed');
	is(sql(q(SELECT to_regclass('u') IS NOT NULL)), 't', 'all of it is there');
}

# Jobs
$url = new_database();
$dir = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '1_a.down.sql' => 'DROP TABLE a');
@at = ('--url', $url, '--dir', $dir);
my $job = is_viflo([@at, 'deploy', '--async'], 0, qr/\A\d+\n\z/, undef, 'deploy --async prints a number');
chomp $job;
is_viflo([@at, 'wait', $job], 0, qr/\Ajob $job is done: 1 steps\n\z/, '', 'wait');
is(sql("SELECT to_regclass('a') IS NOT NULL"), 't', 'it has run');
is_viflo([@at, 'jobs'], 0, qr/\A$job  app  up  head  done  1 of 1 /, '', 'jobs');
is_viflo(['--url', $url, '--project', 'other', 'jobs'], 0, '', '', 'jobs of another project');
is_viflo([@at, 'cancel', $job], 0, "job $job had ended before\n", '', 'cancel of what is over');
($status, $document) = viflo_json(@at, 'revert', 'base', '--async');
$job = $document->{job};
($status, $document) = viflo_json(@at, 'wait', $job);
is("$status $document->{state} $document->{direction}", '0 done down', 'a job that takes back, in JSON');

put("$dir/2_b.up.sql", "CREATE TABLE b ();\nSELECT pg_sleep(180);\n");
chomp($job = (viflo(@at, 'deploy', '--async'))[1]);
wait_for($sleeps);
fails_with([@at, 'wait', $job, '--timeout', '0.2'], 3, qr/job $job is still running\n/, 'the time is up');
($status, $document) = viflo_json(@at, 'wait', $job, '--timeout', '1ms');
is("$status $document->{job}{state}", '3 running', 'the same in JSON');
is_viflo([@at, 'jobs'], 0, qr/ running  1 of 2 .*  2_b  running$/m, '', 'jobs shows what it does');
{
	my $run = start_viflo(@at, 'wait', $job);
	wait_for(q(SELECT count(*) = 1 FROM pg_stat_activity
		WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT j.state%'));
	$run->{run}->signal('INT');
	is(finish($run), 1, '^C ends a wait');
	like($run->{err}, qr/HINT:  The job goes on/, 'and says that the job goes on');
	is(sql(q(SELECT state FROM viflo.jobs ORDER BY id DESC LIMIT 1)), 'running', 'it does');
}
is_viflo([@at, 'cancel', $job], 0, "cancelled job $job\n", '', 'cancel');
fails_with([@at, 'wait', $job], 1, qr/job $job was cancelled.*SQLSTATE 57014.*KEPT:  1 of 2 steps/s,
	'wait for what was cancelled');
put("$dir/2_b.up.sql", "CREATE TABLE b ();\nSELECT 1/0;\n");
($status, $document) = viflo_json(@at, 'deploy', '--async');
$job = $document->{job};
fails_with([@at, 'wait', $job], 1,
	qr/2_b\.up\.sql:2: error: job $job failed: division by zero \(SQLSTATE 22012\)\n.*SELECT 1\/0;\n.*KEPT:  0 of 1 steps/s,
	'wait for what fails');
($status, $document) = viflo_json(@at, 'jobs');
is_deeply([ map { $_->{state} } @$document ], [qw(done done cancelled failed)], 'jobs in JSON');
fails_with([@at, 'wait', 4711], 1, qr/job 4711 does not exist \(SQLSTATE 42704\)/, 'no such job');
fails_with([@at, 'cancel', 4711], 1, qr/SQLSTATE 42704/, 'none to cancel');
fails_with([@at, 'wait', 'x'], 2, qr/"x" is not the number of a job/, 'not a number');
fails_with([@at, 'wait', $job, '--timeout', 'soon'], 2, qr/SQLSTATE 22007/, 'not a time');

# An extension that has none of this
$url = new_database();
sql("CREATE EXTENSION viflo_migrate VERSION '1.1'");
@at = ('--url', $url, '--dir', $dir);
for my $command (['deploy'], ['deploy', '--async'], ['jobs'], ['wait', 1], ['cancel', 1])
{
	fails_with([@at, @$command], 1, qr/ALTER EXTENSION viflo_migrate UPDATE/, "@$command with an old extension");
}

# The line on a terminal.
SKIP:
{
	# There is none in a chroot without /dev/pts.
	skip 'no terminal to be had', 1 unless eval { require IO::Pty; IO::Pty->new };

	# Runs viflo on a terminal of so many columns; all it writes.
	my $on_terminal = sub {
		my ($columns, $env, @command) = @_;
		my $terminal = IO::Pty->new;
		my $slave = $terminal->slave;
		my $text = '';

		$terminal->set_winsize(24, $columns, 0, 0);
		my $pid = fork() // die "could not fork: $!";
		if ($pid == 0)
		{
			%ENV = (%ENV, TERM => 'xterm', %$env);
			open(STDIN, '<&', $slave) && open(STDOUT, '>&', $slave) && open(STDERR, '>&', $slave) or die;
			close($terminal);
			exec($program, @command) or die;
		}
		close($slave);
		while (sysread($terminal, my $part, 65536)) { $text .= $part; }
		waitpid($pid, 0);
		is($? >> 8, 0, "on a terminal of $columns columns: status of @command[4 .. $#command]") or diag($text);
		return $text;
	};
	my $folder = folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
		'2_slow.up.sql' => "SELECT 1;\nSELECT pg_sleep(1.5);\nSELECT 2;\n");
	my $bar = qr/\r\[#+\.+\] \d+:\d\d step 2 of 2, 2_slow, statement 2 of 3\x1b\[K/;

	for my $command ('deploy', 'upgrade')
	{
		$url = new_database();
		my $text = $on_terminal->(100, {}, '--url', $url, '--dir', $folder, $command);
		like($text, $bar, "$command shows how far it is");
		like($text, qr/\x1b\[K\r\x1b\[J[^\x1b]*2_slow/, 'and erases it before it prints');
		like($text, qr/^up    2_slow  slow  \(1\.\d+ s\)\r\n\z/m, 'the rows come last');
	}

	$url = new_database();
	my $text = $on_terminal->(40, {}, '--url', $url, '--dir', $folder, 'deploy');
	my @lines = $text =~ /\r([^\r\n]*)\x1b\[K/g;
	ok(@lines > 0, 'a narrow terminal has a line, too');
	is(scalar(grep { length($_) > 39 } @lines), 0, 'which fits');

	for my $case (
		[ '--quiet', {}, '--quiet' ],
		[ 'JSON', {}, '--format=json' ],
		[ 'a dumb terminal', { TERM => 'dumb' }, '--verbose' ])
	{
		my ($name, $env, @options) = @$case;
		$url = new_database();
		$text = $on_terminal->(100, $env, '--url', $url, '--dir', $folder, @options, 'deploy');
		unlike($text, qr/step 2 of 2, 2_slow|\x1b\[K/, "no line with $name");
	}

	# Where no second connection can be had
	$url = new_database();
	sql('CREATE ROLE lonely LOGIN SUPERUSER');
	$node->safe_psql('postgres', "ALTER DATABASE $database CONNECTION LIMIT 1");
	sql('ALTER ROLE lonely NOSUPERUSER; CREATE EXTENSION viflo_migrate;
		GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO lonely;
		GRANT EXECUTE ON ALL ROUTINES IN SCHEMA viflo TO lonely;
		GRANT ALL ON SCHEMA public TO lonely;');
	$text = $on_terminal->(100, {}, '--url', "$url user=lonely", '--dir', $folder, 'deploy');
	unlike($text, $bar, 'no second connection, no line');
	like($text, qr/^up    2_slow /m, 'but all is done');

	# A wait
	$url = new_database();
	chomp($job = (viflo('--url', $url, '--dir', $folder, 'deploy', '--async'))[1]);
	$text = $on_terminal->(100, {}, '--url', $url, '--dir', $folder, 'wait', $job);
	like($text, $bar, 'a wait shows how far the job is');

	# An upgrade that has not begun, as another session has the lock
	my $more = folder_of('3_c.up.sql' => 'SELECT 1');
	my $holder = IPC::Run::start([ $node->installed_command('psql'), '-XAtqd', $url, '-c',
			"BEGIN; SELECT viflo_stamp('base', project => 'app'); SELECT pg_sleep(3); ROLLBACK" ], '<', \undef, '>', \my $held);
	wait_for($sleeps);
	$text = $on_terminal->(100, {}, '--url', $url, '--dir', $more, 'upgrade', 'heads');
	$holder->finish;
	like($text, qr/\r\[\.+\] \d+:\d\d, waiting for locks: process \d+\x1b\[K/, 'an upgrade that waits to begin says for whom');
}

done_testing();
