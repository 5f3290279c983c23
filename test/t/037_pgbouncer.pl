# Through a pooler in transaction mode: what runs in a transaction, what runs
# online, an index built concurrently, the program viflo, and a client that goes
# away, which the server learns from the pooler.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use online_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $pgbouncer = (grep { -x $_ } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
plan(skip_all => 'no pgbouncer here') unless $pgbouncer;

my $node = online_node('main', "max_worker_processes = 16\n");
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $user = $node->safe_psql('postgres', 'SELECT current_user');

append_to_file("$dir/users", "\"$user\" \"\"\n");
append_to_file(
	"$dir/pgbouncer.ini", <<"EOS");
[databases]
* = host=${\$node->host} port=${\$node->port}
[pgbouncer]
unix_socket_dir = $dir
listen_port = $port
auth_type = trust
auth_file = $dir/users
admin_users = $user
logfile = $dir/log
pool_mode = transaction
default_pool_size = 3
EOS

# The pooler puts sessions on one of three of the server's as they come.
my $log = '';
my $pooler = IPC::Run::start([ $pgbouncer, '-q', "$dir/pgbouncer.ini" ], '<', \undef, '>', \$log, '2>', \$log);
END { $pooler->kill_kill if $pooler; }

# What online_helper needs to know of a server.
package pooled
{
	sub connstr
	{
		my ($self, $database) = @_;
		return "host=$dir port=$port dbname=$database user=$user";
	}
}
my $pooled = bless({}, 'pooled');

my $up = 0;
foreach my $try (1 .. 200)
{
	last if $up = (wait_for_end(spawn_psql($pooled, 'postgres', 'SELECT 1')))[0] eq '0';
	sleep(0.05);
}
ok($up, 'the pooler runs') or BAIL_OUT($log);

sub new_database
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE twins (id int);
INSERT INTO twins VALUES (1), (1);
EOS
	$node->psql($name, 'CREATE UNIQUE INDEX CONCURRENTLY decoy ON twins (id)');
	return $name;
}

sub succeeds
{
	my ($name, $sql, $what) = @_;
	my ($status, $out, $err) = wait_for_end(spawn_psql($pooled, $name, $sql));

	is($status, '0', $what) or diag($err);
	return $out;
}

# ---- functions -----------------------------------------------------------------

my $name = new_database('functions');
load_project($node, $name, map { [ "r$_", "CREATE TABLE t$_ (id int)" ] } 1 .. 5);
is(succeeds($name, "SELECT count(*) FROM viflo_upgrade()", 'viflo_upgrade()'), '5', 'five revisions');
is(succeeds($name, "SELECT count(*) FROM viflo_current()", 'viflo_current()'), '1', 'one head');
succeeds($name, "SELECT viflo_check()", 'viflo_check()');

# ---- online ----------------------------------------------------------------------

$name = new_database('online');
load_project($node, $name, mixed_project());
succeeds($name, 'CALL viflo_deploy()', 'viflo_deploy(), with all that does not fit in a transaction');
is(history_of($node, $name, 30), '', 'each revision ran once');
is(leftovers_of($node, $name), '', 'nothing is left over');

# More callers than the pooler has sessions.
$name = new_database('crowd');
load_project($node, $name, mixed_project());
my @sessions = map { deploy_of($pooled, $name) } 1 .. 8;
my @failed = grep { $_->[0] ne '0' } map { [ wait_for_end($_) ] } @sessions;
is(scalar(@failed), 0, 'eight deploys at once') or diag(map { $_->[2] } @failed);
is(history_of($node, $name, 30), '', 'each revision ran once');
is(leftovers_of($node, $name), '', 'nothing is left over');

# What a deploy leaves in the pooler's session is nothing.
is( succeeds($name,
		"SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype NOT IN ('relation', 'virtualxid')",
		'a session that deployed'),
	'0', 'holds no lock');

# ---- a client that goes away ---------------------------------------------------

$name = new_database('gone');
load_project($node, $name,
	[ 'g1', 'CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i' ],
	[ 'g2', 'CREATE INDEX CONCURRENTLY t_i ON t (i)' ]);
succeeds($name, "CALL viflo_deploy('g1')", 'one revision');
my $writer = $node->background_psql($name);
$writer->query_safe('BEGIN; INSERT INTO t VALUES (0)');
my $deploy = deploy_of($pooled, $name);
ok( wait_for_query($node, $name,
		"SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'", $deploy),
	'an index build waits');
kill('KILL', $deploy->{pid});
wait_for_end($deploy);
ok( $node->poll_query_until($name, "SELECT count(*) = 0 FROM pg_stat_activity WHERE $online_helper::worker"),
	'the worker ends with the client');
is(locks_of($node, $name), '0', 'no lock is left');
$writer->query_safe('COMMIT');
$writer->quit;
succeeds($name, 'CALL viflo_deploy()', 'deployed again');
is(history_of($node, $name, 2), '', 'each revision ran once');
is(leftovers_of($node, $name), '', 'nothing is left over');

# ---- the program -------------------------------------------------------------------

$name = new_database('program');
my $parent;
my $folder = folder_of(
	map {
		my $text = revision_text($_->[0], $parent, @$_[ 1, 2 ]);
		$parent = $_->[0];
		("$_->[0].sql" => $text)
	} mixed_project());
my @at = ('--url', $pooled->connstr($name), '--dir', $folder, '--project', 'app');
is_viflo([ @at, 'upgrade', 'r02_rows' ], 0, undef, undef, 'viflo upgrade');
is_viflo([ @at, 'deploy' ], 0, undef, undef, 'viflo deploy');
is_viflo([ @at, 'check' ], 0, undef, undef, 'viflo check');
is(history_of($node, $name, 30), '', 'each revision ran once');
is(leftovers_of($node, $name), '', 'nothing is left over');

# A run whose server process is lost: behind a pooler nobody knows which it was.
my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";
my ($out, $err) = ('', '');
put("$folder/slow.sql", revision_text('slow', $parent, 'SELECT pg_sleep(180)'));
my $upgrade = IPC::Run::start([ $program, @at, 'upgrade' ], '<', \undef, '>', \$out, '2>', \$err);
ok( $node->poll_query_until($name, q(SELECT count(pg_terminate_backend(pid)) = 1 FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event = 'PgSleep')),
	'a run under way loses its server process');
$upgrade->finish;
is($upgrade->result(0), 4, 'viflo upgrade through a pooler, lost: status');
like($err, qr/could not be found out. Run: viflo status/, 'and no guess');

$pooler->kill_kill;
undef $pooler;
$node->stop;
done_testing();
