# The primary is lost in the middle of a deploy, and its standby promoted: what
# had come there is known, and deployed again the rest is done, each thing once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use online_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $primary = online_node('node_0', "max_worker_processes = 16\nlog_statement = none\n", allows_streaming => 1);

$primary->safe_psql('postgres', 'CREATE DATABASE template');
$primary->safe_psql('template', <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE twins (id int);
INSERT INTO twins VALUES (1), (1);
EOS
$primary->psql('template', 'CREATE UNIQUE INDEX CONCURRENTLY decoy ON twins (id)');
load_project($primary, 'template', mixed_project());
$primary->safe_psql('postgres', "CREATE DATABASE undisturbed TEMPLATE template");

my $start = time();
my ($status, $out, $err) = wait_for_end(deploy_of($primary, 'undisturbed'));
is($status, '0', 'undisturbed') or BAIL_OUT("an undisturbed deploy fails: $err");
my $duration = time() - $start;
my $schema = schema_of($primary, 'undisturbed');
my $data = data_of($primary, 'undisturbed');

# How far the deploy is when the primary is lost, as part of its duration or as
# something that another session can see.
my @losses = (
	[ 'kill -9', 0.1 ],
	[ 'immediate', 0.4 ],
	[ 'kill -9', 'SELECT count(*) > 0 FROM pg_stat_progress_create_index' ],
	[ 'immediate', 'SELECT count(*) > 0 FROM viflo.progress WHERE step >= 10' ],
	[ 'kill -9', 'SELECT count(*) > 0 FROM viflo.progress WHERE step >= 18' ]);
my $amid = 0;
my $number = 0;

foreach my $loss (@losses)
{
	my ($how, $when) = @$loss;
	my $what = "$how at $when";
	my $name = 'round_' . ++$number;
	my $standby = PostgreSQL::Test::Cluster->new("node_$number");

	$primary->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template");
	$primary->backup("backup_$number");
	$standby->init_from_backup($primary, "backup_$number", has_streaming => 1);
	$standby->start;
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));

	my %children = children_of($primary->{_pid});
	my $deploy = deploy_of($primary, $name);
	if ($when =~ /^[\d.]+$/)
	{
		sleep($when * $duration);
	}
	else
	{
		wait_for_query($primary, $name, $when, $deploy);
	}
	%children = (%children, children_of($primary->{_pid}));
	$how eq 'kill -9' ? $primary->kill9 : $primary->stop('immediate');
	wait_until_gone(keys %children);
	($status, $out, $err) = wait_for_end($deploy);
	note("$what: status $status");
	$standby->promote;

	my $applied = $standby->safe_psql($name, "SELECT count(*) FROM viflo.applied WHERE project = 'app'");
	note("$what: $applied of 30 revisions had come");
	$amid++ if $applied > 0 && $applied < 30;
	is( $standby->safe_psql($name, "SELECT count(*) FROM viflo.log WHERE project = 'app' AND status = 'done'"),
		$applied, "$what: the history with them");
	($status, $out, $err) = wait_for_end(deploy_of($standby, $name));
	is($status, '0', "$what: deployed on the new primary") or diag($err);
	is(schema_of($standby, $name), $schema, "$what: the same schema");
	is(data_of($standby, $name), $data, "$what: the same rows");
	is(history_of($standby, $name, 30), '', "$what: each revision once in the history");
	is(leftovers_of($standby, $name), '', "$what: nothing is left over");

	$standby->safe_psql('postgres', "DROP DATABASE $name");

	# The new primary is the next round's old one.
	$primary = $standby;
}

cmp_ok($amid, '>=', 3, 'most were lost in the middle');

$primary->stop;
done_testing();
