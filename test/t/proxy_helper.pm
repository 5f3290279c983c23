# A proxy between a client and the server that loses connections on purpose.

package proxy_helper;

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();

our @EXPORT = qw(via_proxy);

my @proxies;
END { kill('KILL', $_) for @proxies; }

# A proxy before the server.  When a client sends what matches trigger, the
# proxy passes it on, and then, once: "swallow" keeps the answer and hangs up;
# "cut" hangs up at once; "gone" does as swallow, and ends.  "drop" hangs up
# and does not pass it on.  Its port.
sub start_proxy
{
	my ($node, $how, $trigger) = @_;
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
			my $now = $how && $data =~ $trigger;
			syswrite($to, $data) unless $now && $how eq 'drop';
			next unless $now;
			if ($how eq 'swallow' || $how eq 'gone')
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

# A connection string of the database, by way of a proxy.
sub via_proxy
{
	my ($node, $database, $how, $trigger) = @_;
	my $port = start_proxy($node, $how, $trigger);
	my $user = $node->safe_psql('postgres', 'SELECT current_user');

	return "host=127.0.0.1 port=$port dbname=$database user=$user sslmode=disable gssencmode=disable";
}

1;
