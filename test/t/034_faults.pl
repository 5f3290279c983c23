# A deploy of 30 mixed revisions is cut off more than 200 times, in every way
# that leaves no time for a last word.  Deployed again, all is as if nothing had
# happened: schema, rows, history; no index, lock or process is left over.
#
# Each round has a database of its own and is cut off several times, at points
# spread evenly over the time that an undisturbed deploy takes.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use online_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{VIFLO_SEED} // 20261122;
my %wanted = (
	'backend' => 60,
	'worker' => 60,
	'postmaster' => 50,
	'immediate' => 50,
	# Those end in good order, and count for themselves.
	'terminate' => 15,
	'terminate worker' => 15,
	'client' => 10);
srand($seed);
note("seed $seed, to be repeated with VIFLO_SEED");

my $node = online_node('main', "checkpoint_timeout = 1h\nrestart_after_crash = on\nlog_min_messages = warning\nlog_statement = none\n");
my $dir = $node->data_dir;

# ---- the template, and what an undisturbed deploy makes of it ---------------

$node->safe_psql('postgres', 'CREATE DATABASE template');
$node->safe_psql('template', <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE twins (id int);
INSERT INTO twins VALUES (1), (1);
EOS
my ($ret) = $node->psql('template', 'CREATE UNIQUE INDEX CONCURRENTLY decoy ON twins (id)');
isnt($ret, 0, 'somebody else left an invalid index');
load_project($node, 'template', mixed_project());
is($node->safe_psql('template', "SELECT count(*) FROM viflo_plan('head', 'app')"), 30, '30 revisions');

sub new_database
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template");
	return $name;
}

sub segments { return join(' ', sort(grep { !/^\.\.?$/ } slurp_dir("$dir/pg_dynshmem"))); }

my @durations;
foreach my $number (1 .. 3)
{
	my $start = time();
	my ($status, $out, $err) = wait_for_end(deploy_of($node, new_database("undisturbed_$number")));

	push @durations, time() - $start;
	is($status, 0, "undisturbed deploy $number") or BAIL_OUT("an undisturbed deploy fails: $err");
}
my $duration = (sort { $a <=> $b } @durations)[0];
note(sprintf('an undisturbed deploy takes %.2f s', $duration));

my $schema = schema_of($node, 'undisturbed_1');
my $data = data_of($node, 'undisturbed_1');
is(leftovers_of($node, 'undisturbed_1'), '', 'it leaves nothing over');
is(history_of($node, 'undisturbed_1', 30), '', 'each revision has one row in the history');
is(schema_of($node, 'undisturbed_2'), $schema, 'twice, the schema is the same');
is(data_of($node, 'undisturbed_2'), $data, 'and so are the rows');
like($data, qr/\br18\.30\b/, 'there are some');

# ---- ways to end it ---------------------------------------------------------

# Starts the server after its end.  A process that it had forked a moment before
# may hold its memory for another moment, which only the next one can tell.
sub start_again
{
	for my $try (1 .. 100)
	{
		return if $node->start(fail_ok => 1);
		sleep(0.05);
	}
	BAIL_OUT('the server does not start again');
}

# A psql that a restarting server turns away has not read its query, and who
# wrote that would fail in its place.
sub wait_until_up
{
	for (1 .. 1800)
	{
		return 1 if system($node->installed_command('pg_isready'), '-q', '-h', $node->host, '-p', $node->port) == 0;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# Cuts off the deploy under way in psql; false when it had ended before.
# However many processes there were, those of the server that are not to
# outlive it are gone on return, and the server takes connections.
sub cut_off
{
	my ($how, $psql, $name) = @_;
	my $postmaster = $node->{_pid};
	my $title = qr/^postgres: (?:\w+: )?\w+ \Q$name\E \[local\]/;
	my ($victim, %children);

	if ($how =~ /worker/)
	{
		# Some when they start, some later in their short lives.
		my $later = rand() < 0.5 ? 0 : rand(0.03);

		until ($victim)
		{
			sleep($later) if $later && find_process($postmaster, $online_helper::worker_title);
			$victim = find_process($postmaster, $online_helper::worker_title);
			return 0 if has_ended($psql);
		}
	}
	elsif ($how eq 'backend' || $how eq 'terminate')
	{
		until ($victim)
		{
			$victim = find_process($postmaster, $title);
			return 0 if has_ended($psql);
		}
	}
	return 0 if has_ended($psql);

	if ($how eq 'client')
	{
		kill('KILL', $psql->{pid});
		wait_for_end($psql);
		# The server finds out by itself, and ends what was under way.
		$node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '$name' AND (application_name = 'deploy' OR $online_helper::worker)")
		  or fail("the deploy goes on without its client");
		return 1;
	}
	if ($how =~ /^terminate/)
	{
		kill('TERM', $victim) or return 0;
		wait_for_end($psql);
		return 0 if $psql->{status} eq '0';
		$node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '$name'")
		  or fail("$how: a process goes on");
		return 1;
	}

	%children = children_of($postmaster);
	if ($how eq 'postmaster')
	{
		$node->kill9;
		wait_until_gone(keys %children) or fail('processes outlive the postmaster');
		# While nobody has taken note of its death, its pid passes for that of
		# a running server.
		unlink("$dir/postmaster.pid", $node->host . '/.s.PGSQL.' . $node->port . '.lock')
		  if kill(0, $postmaster);
		start_again();
	}
	elsif ($how eq 'immediate')
	{
		$node->stop('immediate');
		wait_until_gone(keys %children) or fail('processes outlive an immediate stop');
		start_again();
	}
	else
	{
		return 0 unless kill('KILL', $victim);
		wait_for_end($psql);
		if ($psql->{status} eq '0')
		{
			# All was done, but the server may restart for it all the same.
			wait_until_gone($victim) or fail("$how: no end");
			wait_until_up() or BAIL_OUT('the server does not come back');
			return 0;
		}
		wait_until_gone(grep { $children{$_} !~ /logger/ } keys %children) or fail("$how: no restart");
		wait_until_up() or BAIL_OUT('the server does not come back');
	}
	wait_for_end($psql);
	return $psql->{status} ne '0';
}

# ---- rounds ----------------------------------------------------------------

# How and when, each way spread evenly over the time.  VIFLO_QUICK is for a
# further release of the server on a machine that has had all of it on another.
if ($ENV{VIFLO_QUICK})
{
	$_ = int($_ / 5) foreach values %wanted;
}
my @kills;
foreach my $how (sort keys %wanted)
{
	push @kills, map { { how => $how, at => ($_ + rand()) / $wanted{$how} } } 0 .. $wanted{$how} - 1;
}
@kills = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand(), $_ ] } @kills;

my %done = map { ($_ => 0) } keys %wanted;
my $round = 0;
my $missed = 0;
my $bad = 0;
my $quiet = segments();
while (@kills && $round < 400 && $bad < 5)
{
	my $name = new_database('round_' . ++$round);
	my @now = sort { $a->{at} <=> $b->{at} } splice(@kills, 0, 1 + int(rand(8)));
	my $past = 0;
	my @story;
	my @trouble;

	while (my $kill = shift @now)
	{
		my $psql = deploy_of($node, $name);

		sleep(($kill->{at} - $past) * $duration);
		if (cut_off($kill->{how}, $psql, $name))
		{
			push @story, sprintf('%s at %.3f', $kill->{how}, $kill->{at});
			push @trouble, "cut off ($kill->{how}), it says: $psql->{stderr}"
			  if $psql->{stderr} =~ /PANIC|TRAP|segmentation/;
			$past = $kill->{at};
			$done{ $kill->{how} }++;
		}
		else
		{
			# It was over too soon: another time, a little earlier.
			my ($status, $out, $err) = wait_for_end($psql);

			push @trouble, "deploy failed without being cut off: $err" if $status ne '0';
			$missed++;
			push @kills, map { { how => $_->{how}, at => rand($_->{at}) } } $kill, @now;
			last;
		}
	}

	my ($status, $out, $err) = wait_for_end(deploy_of($node, $name));

	push @trouble, "deployed again: $status, $err" if $status ne '0';
	push @trouble, "left over: $_" foreach split(/\n/, leftovers_of($node, $name));
	push @trouble, "history: $_" foreach split(/\n/, history_of($node, $name, 30));
	push @trouble, 'another schema' if schema_of($node, $name) ne $schema;
	push @trouble, 'other rows: ' . data_of($node, $name) if $status eq '0' && data_of($node, $name) ne $data;
	$bad++ if @trouble;
	ok(!@trouble, "round $round: " . (join(', ', @story) || 'undisturbed')) or diag(join("\n", @trouble));
	$node->safe_psql('postgres', "DROP DATABASE $name") unless @trouble;
}

my $kills = $done{'backend'} + $done{'worker'} + $done{'postmaster'} + $done{'immediate'};
cmp_ok($kills, '>=', $ENV{VIFLO_QUICK} ? 40 : 200, 'so many kills');
cmp_ok($done{$_}, '>=', $wanted{$_}, "$_: $done{$_} times") foreach sort keys %wanted;
note("$round rounds, $missed kills came too late");

# Segments have random names; those of a dead server are cleared away.
is(scalar(split(/ /, segments())), scalar(split(/ /, $quiet)), 'no shared memory is left');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal (?!9\b)\d+/, 'nothing crashed by itself');

$node->stop;
done_testing();
