# viflo when the connection is lost while a migration runs: what the server had
# committed is looked up before anything is said.  A proxy loses it.

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
$node->start;

# A database of that name, and a connection string by way of a proxy.
sub database_via_proxy
{
	my ($database, $how, $trigger) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION viflo_migrate');
	return via_proxy($node, $database, $how, $trigger);
}

my $dir = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '1_a.down.sql' => 'DROP TABLE a;',
	'2_b.up.sql' => 'CREATE TABLE b (); SELECT pg_sleep(0.7);', '2_b.down.sql' => 'DROP TABLE b;');
my $asks = qr/^viflo: the connection was lost; asking/m;

# Committed, and the answer lost
my $url = database_via_proxy('swallowed', 'swallow', qr/viflo_upgrade/);
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, qr/\Aup    1_a  a  \(\d+ ms\)\nup    2_b  b .*\n\z/,
	qr/$asks.*^viflo: warning: .*\nHINT:  The connection was lost after all of it was committed/sm,
	'upgrade: committed, which it says');
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, "nothing to do\n", '', 'and so it is');
$url = database_via_proxy('swallowed_json', 'swallow', qr/viflo_upgrade/);
my ($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'upgrade');
is($status, 0, 'in JSON: status');
is_deeply([ map { "$_->{step} $_->{direction} $_->{revision} $_->{message}" } @$document ],
	[ '1 up 1_a a', '2 up 2_b b' ], 'in JSON: the steps');

# The server works on, and commits later than the connection is lost
$url = database_via_proxy('cut', 'cut', qr/viflo_upgrade/);
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, qr/^up    2_b /m, qr/after all of it was committed/,
	'upgrade: what is still under way is waited for');

# Downgrade
$url = database_via_proxy('down', 'swallow', qr/viflo_downgrade/);
viflo('--url', $url, '--dir', $dir, 'upgrade');
is_viflo(['--url', $url, '--dir', $dir, 'downgrade', 'base'], 0, qr/\Adown  2_b .*\ndown  1_a .*\n\z/,
	qr/after all of it was committed/, 'downgrade');

# Nothing to do, but something to load
$url = database_via_proxy('loaded', 'swallow', qr/viflo_upgrade/);
viflo('--url', $node->connstr('loaded'), '--dir', folder_of('1_a.up.sql' => 'CREATE TABLE a ();',
	'1_a.down.sql' => 'DROP TABLE a;'), 'upgrade');
is_viflo(['--url', $url, '--dir', $dir, 'upgrade', '1_a'], 0, "nothing to do\n", qr/after all of it was committed/,
	'upgrade without steps: committed');
is_viflo(['--url', $url, '--dir', $dir, 'load'], 0, "nothing to load\n", '', 'and so it is');

# Load, stamp, adopt
$url = database_via_proxy('load', 'swallow', qr/viflo_load/);
is_viflo(['--url', $url, '--dir', $dir, 'load'], 0, qr/\Aload  1_a  a\nload  2_b  b\n\z/,
	qr/after all of it was committed/, 'load');
$url = database_via_proxy('stamp', 'swallow', qr/viflo_stamp/);
is_viflo(['--url', $url, '--dir', $dir, 'stamp', '2_b'], 0, "stamped 2_b\n", qr/after all of it was committed/, 'stamp');
$url = database_via_proxy('adopt', 'swallow', qr/viflo_adopt/);
$node->safe_psql('adopt', 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
	INSERT INTO schema_migrations VALUES (2, false)');
($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'adopt');
is($status, 0, 'adopt: status');
is($document->{recorded}, 2, 'adopt: what was recorded');

# Rolled back
$url = database_via_proxy('killed', '', qr/^$/);
my $slow = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '2_b.up.sql' => 'SELECT pg_sleep(180);');
for my $command ('upgrade', 'deploy')
{
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ $program, '--url', $url, '--dir', $slow, $command ],
		'<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('killed', q(SELECT count(pg_terminate_backend(pid)) = 1 FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event = 'PgSleep')) or die;
	$run->finish;
	is($run->result(0), 1, "$command: rolled back: status");
	like($err, $command eq 'upgrade' ?
		qr/$asks.*HINT:  The connection was lost, and the server has rolled back the run/s :
		qr/$asks.*HINT:  What was committed before stays.*KEPT:  1 step is done and committed: up "1_a"\./s,
		"$command: what became of it");
}

my $holder = $node->background_psql('killed', on_error_stop => 1);
$holder->query_safe("SET viflo_migrate.project = 'app'; BEGIN; SELECT viflo_stamp('1_a');");
for my $command ([ 'load' ], [ 'stamp', '3_c' ])
{
	my ($out, $err) = ('', '');
	my $more = folder_of('3_c.up.sql' => 'CREATE TABLE c ();');
	my $run = IPC::Run::start([ $program, '--url', $url, '--dir', $more, @$command ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('killed', q(SELECT count(pg_terminate_backend(pid)) = 1 FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock')) or die;
	$run->finish;
	is($run->result(0), 1, "$command->[0]: rolled back: status");
	like($err, qr/$asks.*the server has rolled back the run/s, "$command->[0]: what became of it");
}
$holder->query_safe('ROLLBACK');
$holder->quit;

# Nobody there to ask
$url = database_via_proxy('gone', 'gone', qr/viflo_upgrade/);
my ($out, $err) = ('', '');
my $run = IPC::Run::start([ $program, '--url', $url, '--dir', $dir, 'upgrade' ], '<', \undef, '>', \$out, '2>', \$err);
$run->pump until $err =~ $asks;
$run->signal('INT');
$run->finish;
is($run->result(0), 4, 'nobody to ask: status');
like($err, qr/HINT:  .*could not be found out. Run: viflo status/, 'nobody to ask: says so, and ^C ends the asking');

# Deploy
$url = database_via_proxy('deploy', 'swallow', qr/CALL /);
is_viflo(['--url', $url, '--dir', $dir, 'deploy'], 0, qr/^up    2_b /m, qr/after all of it was committed/,
	'deploy: all done, and the answer lost');

# Its folder is loaded before
$url = database_via_proxy('deploy_load', 'swallow', qr/viflo_load/);
is_viflo(['--url', $url, '--dir', $dir, 'deploy'], 0, qr/\Aup    1_a .*\nup    2_b .*\n\z/, qr/$asks(?!.*(?:warning|HINT):)/s,
	'deploy: the folder is loaded, and the answer lost: goes on');
$url = database_via_proxy('deploy_no_load', 'drop', qr/viflo_load/);
fails_with(['--url', $url, '--dir', $dir, 'deploy'], 1, qr/$asks.*HINT:  .*rolled back the run: the database is as it was before/s,
	'deploy: it is not loaded');
$url = database_via_proxy('async', 'swallow', qr/viflo_deploy_async/);
fails_with(['--url', $url, '--dir', $dir, 'deploy', '--async'], 1, qr/HINT:  .*whether the job was started is not known. Run: viflo jobs/,
	'deploy --async: it may have begun');

$url = database_via_proxy('revert', 'swallow', qr/CALL .*viflo_revert/);
viflo('--url', $url, '--dir', $dir, 'upgrade');
is_viflo(['--url', $url, '--dir', $dir, 'revert', '1_a'], 0, qr/\Adown  2_b .*\n\z/, qr/after all of it was committed/,
	'revert: the same');
$url = database_via_proxy('revert_one', 'swallow', qr/CALL .*viflo_revert/);
viflo('--url', $url, '--dir', $dir, 'upgrade');
fails_with(['--url', $url, '--dir', $dir, 'revert', '-1'], 1, qr/KEPT:  1 step is done and committed: down "2_b"/,
	'revert of a number of steps: what is done, as whether it is all is not known');

# A job goes on without who waits for it
$url = database_via_proxy('wait', 'swallow', qr/viflo\.jobs/);
my ($job) = (viflo('--url', $node->connstr('wait'), '--dir', $dir, 'deploy', '--async'))[1] =~ /(\d+)/;
is_viflo(['--url', $url, 'wait', $job], 0, "job $job is done: 2 steps\n", '', 'wait: over another connection');

# A server that crashes, and comes back
$url = $node->connstr('deploy') . ' application_name=crash';
put("$dir/3_c.up.sql", 'SELECT pg_sleep(180);');
($out, $err) = ('', '');
$run = IPC::Run::start([ $program, '--url', $url, '--dir', $dir, 'upgrade' ], '<', \undef, '>', \$out, '2>', \$err);
$node->poll_query_until('deploy', q(SELECT count(*) = 1 FROM pg_stat_activity
	WHERE application_name = 'crash' AND wait_event = 'PgSleep')) or die;
$node->stop('immediate');
$node->start;
$run->finish;
is($run->result(0), 1, 'a crash: status');
like($err, qr/$asks.*rolled back the run/s, 'a crash: what became of it');

done_testing();
