# viflo when the connection is lost while a migration runs: what the server had
# committed is looked up before anything is said.  A proxy loses it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

my @proxies;
END { kill('KILL', $_) for @proxies; }

# A proxy before the server.  When a client sends what matches trigger, the
# proxy passes it on, and then, once: "swallow" keeps the answer and hangs up;
# "cut" hangs up at once; "gone" does as swallow, and ends.  Its port.
sub start_proxy
{
	my ($how, $trigger) = @_;
	my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "no socket: $!";
	my $port = $listen->sockport;
	my $pid = fork() // die "could not fork: $!";

	if ($pid)
	{
		push @proxies, $pid;
		return $port;
	}
	my %other;
	my $select = IO::Select->new($listen);
	my $hang_up = sub {
		for my $end ($_[0], $other{ $_[0] })
		{
			$select->remove($end);
			close($end);
		}
	};
	while (1)
	{
		for my $ready ($select->can_read)
		{
			if ($ready == $listen)
			{
				my $client = $listen->accept or next;
				my $server = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port)
				  or do { close($client); next; };
				@other{ $client, $server } = ($server, $client);
				$select->add($client, $server);
				next;
			}
			next unless $select->exists($ready);
			my $to = $other{$ready};
			my $got = sysread($ready, my $data, 1 << 20);
			if (!$got) { $hang_up->($ready); next; }
			syswrite($to, $data);
			next unless $how && $data =~ $trigger;
			if ($how ne 'cut')
			{
				# The answer, which ends with a message that the server is ready.
				my $answer = '';
				while ($answer !~ /Z\0\0\0\x05I\z/) { sysread($to, $answer, 1 << 16, length $answer) or last; }
			}
			$hang_up->($ready);
			POSIX::_exit(0) if $how eq 'gone';
			$how = '';
		}
	}
}

# A database of that name, and a connection string by way of a proxy.
sub via_proxy
{
	my ($database, $how, $trigger) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION viflo_migrate');
	my $port = start_proxy($how, $trigger);
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	return "host=127.0.0.1 port=$port dbname=$database user=$user sslmode=disable gssencmode=disable";
}

my $dir = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '1_a.down.sql' => 'DROP TABLE a;',
	'2_b.up.sql' => 'CREATE TABLE b (); SELECT pg_sleep(0.7);', '2_b.down.sql' => 'DROP TABLE b;');
my $asks = qr/^viflo: the connection was lost; asking/m;

# Committed, and the answer lost
my $url = via_proxy('swallowed', 'swallow', qr/viflo_upgrade/);
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, qr/\Aup    1_a  a  \(\d+ ms\)\nup    2_b  b .*\n\z/,
	qr/$asks.*^viflo: warning: .*\nHINT:  The connection was lost after all of it was committed/sm,
	'upgrade: committed, which it says');
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, "nothing to do\n", '', 'and so it is');
$url = via_proxy('swallowed_json', 'swallow', qr/viflo_upgrade/);
my ($status, $document) = viflo_json('--url', $url, '--dir', $dir, 'upgrade');
is($status, 0, 'in JSON: status');
is_deeply([ map { "$_->{step} $_->{direction} $_->{revision} $_->{message}" } @$document ],
	[ '1 up 1_a a', '2 up 2_b b' ], 'in JSON: the steps');

# The server works on, and commits later than the connection is lost
$url = via_proxy('cut', 'cut', qr/viflo_upgrade/);
is_viflo(['--url', $url, '--dir', $dir, 'upgrade'], 0, qr/^up    2_b /m, qr/after all of it was committed/,
	'upgrade: what is still under way is waited for');

# Downgrade
$url = via_proxy('down', 'swallow', qr/viflo_downgrade/);
viflo('--url', $url, '--dir', $dir, 'upgrade');
is_viflo(['--url', $url, '--dir', $dir, 'downgrade', 'base'], 0, qr/\Adown  2_b .*\ndown  1_a .*\n\z/,
	qr/after all of it was committed/, 'downgrade');

# Rolled back
$url = via_proxy('killed', '', qr/^$/);
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

# Nobody there to ask
$url = via_proxy('gone', 'gone', qr/viflo_upgrade/);
my ($out, $err) = ('', '');
my $run = IPC::Run::start([ $program, '--url', $url, '--dir', $dir, 'upgrade' ], '<', \undef, '>', \$out, '2>', \$err);
$run->pump until $err =~ $asks;
$run->signal('INT');
$run->finish;
is($run->result(0), 4, 'nobody to ask: status');
like($err, qr/HINT:  .*could not be found out. Run: viflo status/, 'nobody to ask: says so, and ^C ends the asking');

# Deploy
$url = via_proxy('deploy', 'swallow', qr/CALL /);
is_viflo(['--url', $url, '--dir', $dir, 'deploy'], 0, qr/^up    2_b /m, qr/after all of it was committed/,
	'deploy: all done, and the answer lost');

$url = via_proxy('revert', 'swallow', qr/CALL .*viflo_revert/);
viflo('--url', $url, '--dir', $dir, 'upgrade');
is_viflo(['--url', $url, '--dir', $dir, 'revert', '1_a'], 0, qr/\Adown  2_b .*\n\z/, qr/after all of it was committed/,
	'revert: the same');
$url = via_proxy('revert_one', 'swallow', qr/CALL .*viflo_revert/);
viflo('--url', $url, '--dir', $dir, 'upgrade');
fails_with(['--url', $url, '--dir', $dir, 'revert', '-1'], 1, qr/KEPT:  1 step is done and committed: down "2_b"/,
	'revert of a number of steps: what is done, as whether it is all is not known');

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
