# An online run in trouble that gives it time for a last word: cancelled or
# terminated in each phase, its client gone, no worker to be had, a lock or a
# timeout in the way, a full disk.  Each time: a message, a known state, no
# process that goes on, and a deploy that does the rest.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Temp ();

# For a full disk a small one is needed, and mounting it asks for root: of a
# user namespace, where the system lets anybody make one.  In a second one the
# user is himself again, as the server does not run as root.
# That comes first, before anything is open.
BEGIN
{
	unless (defined $ENV{VIFLO_SMALL_DISK} || $^C)
	{
		my $disk = File::Temp::tempdir('viflo-disk-XXXXXX', TMPDIR => 1);

		$ENV{VIFLO_SMALL_DISK} = '';
		if (system("unshare -Urm mount -t tmpfs -o size=1m tmpfs '$disk' 2>/dev/null") == 0)
		{
			$ENV{VIFLO_SMALL_DISK} = $disk;
			exec('unshare', '-Urm', 'sh', '-c',
				'mount -t tmpfs -o size=12m,mode=0700 tmpfs "$1" || exit; uid=$2; gid=$3; shift 3;'
				  . 'exec unshare -U --map-user="$uid" --map-group="$gid" -- "$@"',
				'sh', $disk, $>, (split(/ /, $)))[0], $^X, (map { "-I$_" } grep { !ref } @INC), $0);
		}
		rmdir($disk);
	}
}

use online_helper;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = online_node('main', "max_connections = 60\nmax_worker_processes = 8\nmax_prepared_transactions = 5\nrestart_after_crash = on\n");
my $databases = 0;

$node->safe_psql('postgres', 'CREATE DATABASE template');
$node->safe_psql('template', <<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE TABLE twins (id int);
INSERT INTO twins VALUES (1), (1);
CREATE SCHEMA app;
CREATE TABLE app.ran (what text NOT NULL);
CREATE TABLE t (id int PRIMARY KEY, v int, w int);
INSERT INTO t SELECT i, i, NULL FROM generate_series(1, 1000) i;

-- Waits while there is a row in gate, in no lock's queue.
CREATE TABLE gate ();
CREATE FUNCTION wait_at_gate(i int DEFAULT 1) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	WHILE EXISTS (SELECT FROM gate) LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
	RETURN i;
END $$;
EOS
$node->psql('template', 'CREATE UNIQUE INDEX CONCURRENTLY decoy ON twins (id)');

# A new database with these revisions after one that is nothing special.
sub new_database
{
	my (@revisions) = @_;
	my $name = 'trouble_' . ++$databases;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template");
	load_project($node, $name, [ 'first', "INSERT INTO app.ran VALUES ('first')" ],
		@revisions, [ 'last', "INSERT INTO app.ran VALUES ('last')" ]);
	return $name;
}

# After whatever happened: a deploy does the rest, each thing once.
sub deploy_again
{
	my ($name, $revisions, $ran, $what) = @_;
	my ($status, $out, $err) = wait_for_end(deploy_of($node, $name));

	is($status, '0', "$what: deployed again") or diag($err);
	is(history_of($node, $name, $revisions), '', "$what: each revision is in the history once");
	is($node->safe_psql($name, "SELECT string_agg(what, ' ' ORDER BY what) FROM app.ran"), $ran, "$what: each ran once");
	is(leftovers_of($node, $name), '', "$what: nothing is left over");
	return;
}

# Nobody goes on: no worker, no lock, no transaction of the deploy's.
sub nobody_goes_on
{
	my ($name, $what) = @_;

	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '$name' AND (application_name = 'deploy' OR $online_helper::worker)"),
		"$what: no process goes on");
	# But those of a session that is another migrator.
	is( $node->safe_psql($name,
			"SELECT count(*) FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE classid = 'pg_extension'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = '$name') AND a.application_name IS DISTINCT FROM 'gate'"),
		'0', "$what: no lock is left");
	return;
}

# ---- cancelled and terminated in each phase -----------------------------------

# revisions: what to deploy; shut and open: what another session does before,
# and after it is over; at: when it is where it should be.  worker: one runs.
my $table_held = 'BEGIN; SELECT count(*) FROM t';
my $written = 'BEGIN; UPDATE t SET v = v WHERE id = 1';
my $shut = 'INSERT INTO gate DEFAULT VALUES';
my $open = 'TRUNCATE gate';
my @phases = (
	{
		name => 'waiting for the migrator',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r')" ] ],
		shut => 'BEGIN; SELECT viflo_revision(\'m\', \'SELECT 1\', revision => \'late\', project => \'app\')',
		open => 'ROLLBACK',
		at => phase_of('waiting for another migrator')
	},
	{
		name => 'looking',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r'); ALTER TABLE t ADD COLUMN x int" ] ],
		shut => $table_held,
		open => 'COMMIT',
		at => phase_of('waiting for locks', 'r'),
		logged => 1
	},
	{
		name => 'running',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r'); SELECT wait_at_gate()" ] ],
		shut => $shut,
		open => $open,
		at => phase_of('running', 'r') . ' AND statement = 2',
		logged => 1
	},
	{
		name => 'pausing',
		# What a DO block will lock is not to be seen by looking.
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r'); DO \$\$ BEGIN ALTER TABLE t ADD COLUMN x int; END \$\$" ] ],
		shut => $table_held,
		open => 'COMMIT',
		at => phase_of('pausing between attempts', 'r'),
		logged => 1
	},
	{
		name => 'running in a worker',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r'); VACUUM t; SELECT wait_at_gate()" ] ],
		shut => $shut,
		open => $open,
		at => phase_of('running', 'r') . ' AND statement = 3',
		worker => 1,
		logged => 1
	},
	{
		name => 'waiting in an index build',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r'); CREATE INDEX CONCURRENTLY t_v ON t (v)" ] ],
		shut => $written,
		open => 'COMMIT',
		at => "SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'",
		worker => 1,
		logged => 1
	},
	{
		name => 'waiting in a reindex',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r'); REINDEX TABLE CONCURRENTLY t" ] ],
		shut => $written,
		open => 'COMMIT',
		at => "SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'",
		worker => 1,
		logged => 1
	},
	{
		name => 'in a block of its own',
		revisions => [
			[ 'r', "INSERT INTO app.ran VALUES ('r'); VACUUM t; BEGIN; INSERT INTO app.ran VALUES ('s'); SELECT wait_at_gate(); COMMIT" ]
		],
		shut => $shut,
		open => $open,
		at => phase_of('running', 'r') . ' AND statement = 5',
		ran => 'first last r s',
		worker => 1,
		logged => 1
	},
	{
		name => 'backfilling',
		revisions => [
			[
				'r', "INSERT INTO app.ran VALUES ('r')",
				"-- table: t\n-- key: id\n-- batch: 100\nUPDATE t SET v = v + CASE WHEN id = 550 THEN wait_at_gate() ELSE 1 END;"
			]
		],
		shut => $shut,
		open => $open,
		at => phase_of('backfilling', 'r') . ' AND rows_done = 500',
		rows => '1000|1000',
		logged => 1
	},
	{
		name => 'between ranges',
		revisions => [
			[
				'r', "INSERT INTO app.ran VALUES ('r')",
				"-- table: t\n-- key: id\n-- batch: 500\n-- pause: 3s\nUPDATE t SET v = v + 1;"
			]
		],
		shut => 'SELECT 1',
		open => 'SELECT 1',
		at => "SELECT count(*) > 0 FROM viflo.progress WHERE phase IN ('throttled', 'backfilling') AND rows_done = 500",
		rows => '1000|1000',
		logged => 1
	},
	{
		name => 'recording',
		revisions => [ [ 'r', "INSERT INTO app.ran VALUES ('r')" ] ],
		# Its own table is nothing that an administrator may not lock.
		shut => 'BEGIN; LOCK TABLE viflo.log IN EXCLUSIVE MODE',
		open => 'COMMIT',
		at => "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'viflo.log'::regclass"
	});

my %means = (
	'cancelled' => [ 'pg_cancel_backend', qr/ERROR:  57014: /, '57014' ],
	'terminated' => [ 'pg_terminate_backend', qr/57P01: |VF036: /, undef ],
	'without its client' => [ undef, undef, undef ]);

foreach my $phase (@phases)
{
	foreach my $means (sort keys %means)
	{
		foreach my $whom ('caller', 'worker')
		{
			my ($function, $message, $sqlstate) = @{ $means{$means} };
			my $what = "$phase->{name}, $whom $means";

			next if $whom eq 'worker' && !($phase->{worker} && $function);
			# The server itself looks for its client only when it has to tell it something.
			next if !$function && !$phase->{worker};

			my $name = new_database(@{ $phase->{revisions} });
			my $session = $node->background_psql($name);

			$session->query_safe("SET application_name = 'gate'; $phase->{shut}");
			my $deploy = deploy_of($node, $name);
			if (!wait_for_query($node, $name, $phase->{at}, $deploy))
			{
				fail("$what: comes there");
				diag(join(' ', wait_for_end($deploy)));
				diag($node->safe_psql($name, 'SELECT * FROM viflo.progress'));
				$session->query_safe($phase->{open});
				$session->quit;
				next;
			}
			if ($function)
			{
				my $of = $whom eq 'worker' ? $online_helper::worker : "application_name = 'deploy' AND NOT $online_helper::worker";

				is( $node->safe_psql($name, "SELECT $function(pid) FROM pg_stat_activity WHERE datname = '$name' AND $of"),
					't', "$what: told");
				my ($status, $out, $err) = wait_for_end($deploy);
				if ($status eq 'no end')
				{
					fail("$what: the call ends");
					$session->query_safe($phase->{open});
					$session->quit;
					next;
				}
				isnt($status, '0', "$what: the call ends");
				like($err, $message, "$what: with a message");
			}
			else
			{
				kill('KILL', $deploy->{pid});
				wait_for_end($deploy);
			}
			nobody_goes_on($name, $what);
			is( $node->safe_psql($name,
					"SELECT count(*) > 0 FROM viflo.log WHERE revision = 'r' AND status = 'failed' AND sqlstate = '$sqlstate'"),
				't', "$what: the history says so")
			  if $sqlstate && $phase->{logged};
			is($node->safe_psql($name, "SELECT count(*) FROM viflo.applied WHERE revision = 'first'"), '1',
				"$what: what was done stays")
			  unless $phase->{name} eq 'waiting for the migrator' || $phase->{name} eq 'recording';
			$session->query_safe($phase->{open});
			$session->quit;
			deploy_again($name, 3, $phase->{ran} // 'first last r', $what);
			is($node->safe_psql($name, 'SELECT count(*), sum(v - id) FROM t'), $phase->{rows}, "$what: each row once")
			  if $phase->{rows};
		}
	}
}

# What was resumed says so.
my $name = new_database([ 'r', join(";\n", (map { "INSERT INTO app.ran VALUES ('r.$_')" } 1 .. 3), 'CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (w)',
		"INSERT INTO app.ran VALUES ('r.5')") ]);
$node->safe_psql($name, 'UPDATE t SET w = id / 2');
my ($status, $out, $err) = wait_for_end(deploy_of($node, $name));
isnt($status, '0', 'a unique index on rows that are not');
like($err, qr/ERROR:  23505: .*t_id/, 'fails as it does by hand');
like($err, qr/revision "r" \(up\), line \d+, statement 4/, 'and says where');
is($node->safe_psql($name, "SELECT count(*) FROM pg_class WHERE relname = 't_id'"), '0', 'the invalid index is gone');
is($node->safe_psql($name, 'SELECT revision, statements FROM viflo_unfinished()'), 'r|3', 'three statements are done');
is($node->safe_psql($name, "SELECT string_agg(what, ' ' ORDER BY what) FROM app.ran"), 'first r.1 r.2 r.3', 'as can be seen');
my ($ret, $stdout, $stderr) = $node->psql($name, "\\set VERBOSITY verbose\nSELECT count(*) FROM viflo_upgrade()");
like($stderr, qr/ERROR:  VF035|ERROR:  VF024/, 'viflo_upgrade() does not take it on');
$node->safe_psql($name, 'UPDATE t SET w = id');
deploy_again($name, 3, 'first last r.1 r.2 r.3 r.5', 'mended');
like($node->safe_psql($name, "SELECT detail FROM viflo.log WHERE revision = 'r' AND status = 'done'"),
	qr/resumed.*4/i, 'the history says that it was resumed, and where');

# ---- locks that are not to be had -----------------------------------------------

foreach my $case (
	[ 'lock_budget', "SET viflo_migrate.lock_budget = '400ms'", 'ALTER TABLE t ADD COLUMN x int' ],
	[ 'lock_budget, unseen', "SET viflo_migrate.lock_budget = '400ms'", 'DO $$ BEGIN ALTER TABLE t ADD COLUMN x int; END $$' ],
	[ 'lock_retries', 'SET viflo_migrate.lock_retries = 0', 'DO $$ BEGIN ALTER TABLE t ADD COLUMN x int; END $$' ],
	[ 'in a worker', "SET viflo_migrate.lock_budget = '400ms'", "VACUUM twins;\nALTER TABLE t ADD COLUMN x int" ])
{
	my ($what, $set, $statement) = @$case;

	$name = new_database([ 'r', "INSERT INTO app.ran VALUES ('r');\n$statement" ]);
	my $holder = $node->background_psql($name);
	$holder->query_safe("SET application_name = 'the holder'; BEGIN; SELECT count(*) AS \"a query to be shown\" FROM t");
	my ($pid, $since) = split(/\|/, $holder->query_safe("SELECT pg_backend_pid(), now(), 'the last query'"));
	($status, $out, $err) = wait_for_end(spawn_psql($node, $name, [ $set, 'CALL viflo_deploy()' ]));
	isnt($status, '0', "$what: gives up");
	like($err, qr/ERROR:  55P03: /, "$what: with lock_not_available");
	my $log = $node->safe_psql($name,
		"SELECT concat_ws(' ', error, detail) FROM viflo.log WHERE revision = 'r' AND status = 'failed' AND sqlstate = '55P03' ORDER BY id DESC LIMIT 1");
	foreach my $text ([ $err, 'the error' ], [ $log, 'the history' ])
	{
		like($text->[0], qr/\b$pid\b/, "$what: $text->[1] names the process");
		like($text->[0], qr/the holder/, "$what: $text->[1] names its application");
		like($text->[0], qr/the last query/, "$what: $text->[1] names its query");
		my $start = substr($since, 0, 19);
		like($text->[0], qr/\Q$start\E/, "$what: $text->[1] says since when");
	}
	nobody_goes_on($name, $what);
	$holder->query_safe('COMMIT');
	$holder->quit;
	deploy_again($name, 3, 'first last r', $what);
}

# Nobody queues behind a deploy that waits for a holder of long standing.
$name = new_database([ 'r', 'ALTER TABLE t ADD COLUMN x int' ]);
my $holder = $node->background_psql($name);
$holder->query_safe($table_held);
my $deploy = deploy_of($node, $name);
ok(wait_for_query($node, $name, phase_of('waiting for locks', 'r'), $deploy), 'it waits');
is($node->safe_psql($name, "SELECT count(*) FROM pg_locks WHERE NOT granted"), '0', 'in no queue');
like($node->safe_psql($name, 'SELECT waiting_for FROM viflo.progress'), qr/\d/, 'and says for whom');
$holder->query_safe('COMMIT');
($status, $out, $err) = wait_for_end($deploy);
is($status, '0', 'and goes on when the holder ends');
$holder->quit;

# ---- timeouts ---------------------------------------------------------------

foreach my $case (
	[ 'ours', "SET viflo_migrate.statement_timeout = '200ms'" ],
	[ 'the caller\'s, which is stricter', "SET viflo_migrate.statement_timeout = '1h'; SET statement_timeout = '300ms'" ])
{
	foreach my $statement ('SELECT wait_at_gate()', "VACUUM twins;\nSELECT wait_at_gate()", "VACUUM twins;\nDO \$\$ BEGIN PERFORM wait_at_gate(); COMMIT; END \$\$")
	{
		my $what = "statement_timeout, $case->[0]: $statement" =~ s/\n/ /gr;

		$name = new_database([ 'r', "INSERT INTO app.ran VALUES ('r');\n$statement" ]);
		$node->safe_psql($name, $shut);
		($status, $out, $err) = wait_for_end(spawn_psql($node, $name, [ split(/; /, $case->[1]), 'CALL viflo_deploy()' ]));
		isnt($status, '0', "$what: fires");
		like($err, qr/ERROR:  57014: canceling statement due to statement timeout/, "$what: with a message");
		nobody_goes_on($name, $what);
		$node->safe_psql($name, $open);
		deploy_again($name, 3, 'first last r', $what);
	}
}

SKIP:
{
	skip('no transaction_timeout before 17', 1) if $node->pg_version < 17;

	foreach my $statement ('SELECT wait_at_gate()', "VACUUM twins;\nSELECT wait_at_gate()")
	{
		my $what = "transaction_timeout: $statement" =~ s/\n/ /gr;

		$name = new_database([ 'r', "INSERT INTO app.ran VALUES ('r');\n$statement" ]);
		$node->safe_psql($name, $shut);
		($status, $out, $err) =
		  wait_for_end(spawn_psql($node, $name, [ "SET transaction_timeout = '500ms'", 'CALL viflo_deploy()' ]));
		isnt($status, '0', "$what: fires");
		like($err, qr/25P04|VF036/, "$what: with a message");
		nobody_goes_on($name, $what);
		$node->safe_psql($name, $open);
		deploy_again($name, 3, 'first last r', $what);
	}

	# It bounds each transaction, not the whole.
	$name = new_database(map { [ "r$_", 'SELECT pg_sleep(0.2)' ] } 1 .. 8);
	($status, $out, $err) =
	  wait_for_end(spawn_psql($node, $name, [ "SET transaction_timeout = '1s'", 'CALL viflo_deploy()' ]));
	is($status, '0', 'transaction_timeout begins anew with each revision') or diag($err);
}

# ---- inside of a transaction ---------------------------------------------------

$name = new_database([ 'r', "INSERT INTO app.ran VALUES ('r')" ]);
foreach my $statements ([ 'BEGIN', 'CALL viflo_deploy()' ], ['DO $$ BEGIN PERFORM 1; CALL viflo_deploy(); END $$; SELECT 1'])
{
	($status, $out, $err) = wait_for_end(spawn_psql($node, $name, $statements));
	isnt($status, '0', "refused: @$statements");
	like($err, qr/ERROR:  (?:25001|2D000): /, 'with a message');
}
deploy_again($name, 3, 'first last r', 'outside of it');

# ---- a prepared transaction in the way --------------------------------------------

$name = new_database([ 'r', "INSERT INTO app.ran VALUES ('r');\nALTER TABLE t ADD COLUMN x int" ]);
$node->safe_psql($name, "BEGIN; UPDATE t SET v = v; PREPARE TRANSACTION 'in the way'");
($status, $out, $err) = wait_for_end(spawn_psql($node, $name, [ "SET viflo_migrate.lock_budget = '300ms'", 'CALL viflo_deploy()' ]));
like($err, qr/ERROR:  55P03: .*prepared/s, 'a prepared transaction in the way is named');
$node->safe_psql($name, "COMMIT PREPARED 'in the way'");
deploy_again($name, 3, 'first last r', 'when it is over');

# ---- a full disk ---------------------------------------------------------------

SKIP:
{
	my $disk = $ENV{VIFLO_SMALL_DISK};

	skip('no small disk may be mounted here (unshare -Urm)', 1) if $disk eq '';
	mkdir("$disk/space") or die "could not make $disk/space: $!";
	$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$disk/space'");

	foreach my $case (
		[ 'rows', 'INSERT INTO big SELECT 20000 + i, repeat(\'y\', 500) FROM generate_series(1, 10000) i' ],
		[ 'an index', 'CREATE INDEX CONCURRENTLY big_x ON big ((x || i)) TABLESPACE small' ],
		[ 'a reindex', "REINDEX TABLE CONCURRENTLY big" ],
		[ 'rows in a worker', "VACUUM twins;\nINSERT INTO big SELECT 20000 + i, repeat('y', 500) FROM generate_series(1, 10000) i" ],
		[ 'a backfill', 'SELECT 1', "-- table: big\n-- key: i\n-- batch: 1000\nUPDATE big SET x = x || 'z';" ])
	{
		my ($what, $statement, $backfill) = @$case;
		my $more = $what eq 'a reindex' ? 'ALTER TABLE big ADD COLUMN pad text; CREATE INDEX big_y ON big ((x || i)) TABLESPACE small' : 'SELECT 1';

		# No room for both a filler and what the revision adds.
		$name = new_database([ 'r', "INSERT INTO app.ran VALUES ('r');\n$statement", $backfill ]);
		$node->safe_psql($name, <<"EOS");
CREATE TABLE big TABLESPACE small AS SELECT i, repeat('x', 100) AS x FROM generate_series(1, 15000) i;
ALTER TABLE big ADD PRIMARY KEY (i);
$more;
CREATE TABLE filler (i int, x text) TABLESPACE small;
EOS
		foreach my $times (1 .. 300)
		{
			last if ($node->psql($name, "INSERT INTO filler SELECT i, repeat('f', 800) FROM generate_series(1, 100) i"))[0] != 0;
		}
		($status, $out, $err) = wait_for_end(deploy_of($node, $name));
		isnt($status, '0', "no room for $what: fails");
		like($err, qr/ERROR:  53100: /, "no room for $what: with disk_full") or diag($err);
		nobody_goes_on($name, "no room for $what");
		is($node->safe_psql($name, "SELECT count(*) FROM viflo.log WHERE status = 'failed' AND sqlstate = '53100'"), '1',
			"no room for $what: the history says so");
		is($node->safe_psql($name, "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indexrelid <> 'decoy'::regclass"),
			'0', "no room for $what: no invalid index");
		$node->safe_psql($name, "DROP TABLE filler");
		$node->safe_psql($name, 'CHECKPOINT');
		deploy_again($name, 3, 'first last r', "room for $what");
		$node->safe_psql('postgres', "DROP DATABASE $name");
		$node->safe_psql('postgres', 'CHECKPOINT');
	}
}

# ---- no worker to be had ---------------------------------------------------------

my $index = [ 'r', "INSERT INTO app.ran VALUES ('r');\nCREATE INDEX CONCURRENTLY t_v ON t (v)" ];

# The launcher of logical replication takes one.
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$node->restart;
$name = new_database($index);
my $other = new_database($index);
my $writer = $node->background_psql($other);
$writer->query_safe($written);
$deploy = deploy_of($node, $other);
ok( wait_for_query($node, $other, "SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'", $deploy),
	'another deploy has the only worker');
($status, $out, $err) = wait_for_end(deploy_of($node, $name));
isnt($status, '0', 'no worker is free: the call ends');
like($err, qr/ERROR:  53\w\d\d: .*worker/, 'with a message');
like($err, qr/HINT:  .*max_worker_processes/, 'and a hint');
nobody_goes_on($name, 'no worker is free');
$writer->query_safe('COMMIT');
$writer->quit;
is((wait_for_end($deploy))[0], '0', 'the other one ends well');
deploy_again($name, 3, 'first last r', 'a worker is free');

$node->append_conf('postgresql.conf', "max_worker_processes = 0\n");
$node->restart;
$name = new_database($index);
($status, $out, $err) = wait_for_end(deploy_of($node, $name));
isnt($status, '0', 'there are no workers: the call ends');
like($err, qr/ERROR:  53\w\d\d: .*worker/, 'with a message');
is($node->safe_psql($name, "SELECT string_agg(what, ' ') FROM app.ran"), 'first', 'what needs none is done');
$node->append_conf('postgresql.conf', "max_worker_processes = 8\n");
$node->restart;
deploy_again($name, 3, 'first last r', 'there are workers');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal/, 'no crash');
$node->stop;
done_testing();
