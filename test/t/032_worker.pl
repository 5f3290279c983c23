# A step that runs in a background worker: it is the caller in all that
# counts, the caller hears all that it says, and however the one or the other
# ends, nothing of it is left running.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Segments are files where they can be counted.
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
	'postgresql.conf', qq{
max_worker_processes = 12
dynamic_shared_memory_type = mmap
autovacuum = off
restart_after_crash = on
});
$node->start;

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

# A revision whose up section runs in a worker.
sub revision
{
	my ($project, $id, $up) = @_;

	sql("SELECT viflo_revision('m', revision => '$id', project => '$project', down => 'SELECT 1',"
		  . " transactional => false, up => \$up\$$up\$up\$)");
	return;
}

# Runs a script on one connection: exit status, stdout and stderr.
sub run
{
	my ($script, %options) = @_;

	return $node->psql('postgres', $script, on_error_stop => 0,
		connstr => $node->connstr('postgres') . ' application_name=caller ' . ($options{connection} // ''));
}

sub stderr_of
{
	return (run(@_))[2];
}

# Starts a deploy in a session of its own, and returns when its worker runs
# what has the comment "here".
sub begin
{
	my ($project, $setup) = @_;
	my %call = (out => '', err => '');

	$call{harness} = IPC::Run::start(
		[
			'psql', '-X', '-v', 'VERBOSITY=verbose', '-c', $setup // 'SELECT', '-c',
			"CALL viflo_deploy('head', '$project')",
			$node->connstr('postgres') . ' application_name=caller'
		],
		'<', \undef, '>', \$call{out}, '2>', \$call{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'viflo_migrate worker' AND query LIKE '%/* here */%'"),
		"$project: the worker is there")
	  or diag($call{err});
	return \%call;
}

sub signal
{
	my ($how, $whom) = @_;
	my %who = (
		caller => "application_name = 'caller' AND backend_type = 'client backend'",
		worker => "backend_type = 'viflo_migrate worker'");

	return sql("SELECT count($how(pid)) FROM pg_stat_activity WHERE $who{$whom}");
}

sub segments
{
	my @files = glob($node->data_dir . '/pg_dynshmem/mmap.*');

	return scalar(@files);
}

sub nothing_is_left
{
	my ($name) = @_;

	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'viflo%' OR application_name = 'caller'"),
		"$name: no process is left");
	is(sql("SELECT count(*) FROM pg_locks WHERE classid = 'pg_extension'::regclass"),
		'0', "$name: no lock is left");
	is(sql('SELECT count(*) FROM viflo.progress'), '0', "$name: no progress is left");
	return;
}

# ---- who it is ------------------------------------------------------------

sql(<<'EOS');
CREATE EXTENSION viflo_migrate;
CREATE ROLE app LOGIN;
CREATE ROLE owner;
CREATE ROLE nobody;
GRANT owner TO app;
ALTER ROLE app SET search_path = of_role, public;
ALTER ROLE app SET work_mem = '5MB';
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO app, owner, nobody;
CREATE TABLE seen (number serial, what text);
GRANT ALL ON seen, seen_number_seq TO PUBLIC;
CREATE FUNCTION look() RETURNS void LANGUAGE sql AS $$
	INSERT INTO public.seen (what) SELECT format('%s as %s, role %s, path %s, x %s, work_mem %s',
		current_setting('application_name'), current_user, session_user || ' ' || current_setting('role'),
		current_setting('search_path'), current_setting('myapp.x', true), current_setting('work_mem'))
$$;
EOS
revision('who', 'w1', 'SELECT public.look(); RESET search_path; RESET work_mem; RESET ROLE; SELECT public.look()');

# Deploys, and gives what the worker was at the script's beginning and end.
sub seen
{
	my ($setup, $connection) = @_;
	my ($status, $out, $err) = run("$setup; CALL viflo_deploy('head', 'who');", connection => $connection);
	my $seen = sql('SELECT what FROM seen ORDER BY number');

	unlike($err, qr/ERROR/, "$setup: it runs");
	sql("TRUNCATE seen; CALL viflo_revert('base', 'who')");
	return $seen;
}

my $worker = 'caller as';
is( seen('SELECT 1', 'user=app'),
	"$worker app, role app none, path of_role, public, x , work_mem 5MB\n"
	  . "$worker app, role app none, path of_role, public, x , work_mem 5MB",
	'a plain user');
is( seen("SET search_path = public; SET work_mem = '7MB'; SET myapp.x = 'a b'; SET ROLE owner", 'user=app'),
	"$worker owner, role app owner, path public, x a b, work_mem 7MB\n"
	  . "$worker app, role app none, path of_role, public, x a b, work_mem 5MB",
	'with another role and settings; RESET gives what a new session has');
is( seen('SET SESSION AUTHORIZATION nobody; SET search_path = public'),
	"$worker nobody, role nobody none, path public, x , work_mem 4MB\n"
	  . "$worker nobody, role nobody none, path \"\$user\", public, x , work_mem 4MB",
	'as one who cannot log in');
is( seen('SET SESSION AUTHORIZATION app; SET ROLE owner'),
	"$worker owner, role app owner, path \"\$user\", public, x , work_mem 4MB\n"
	  . "$worker app, role app none, path \"\$user\", public, x , work_mem 4MB",
	'both at once');
# What the caller set stays, whatever the script does.
revision('mine', 'm1', "SET work_mem = '9MB'; SET ROLE owner; SET myapp.x = 'theirs'");
is( (run("SET work_mem = '7MB'; SET myapp.x = 'mine'; CALL viflo_deploy('head', 'mine');"
			  . " SELECT current_setting('work_mem'), current_setting('myapp.x'), current_user", connection => 'user=app'))[1],
	'7MB|mine|app', q{the caller's settings are its own});

# It has no more rights than its caller.
foreach my $escape ('SET ROLE nobody', 'SET SESSION AUTHORIZATION nobody', 'ALTER SYSTEM SET work_mem = 1')
{
	my $project = lc($escape =~ s/\W+/_/gr);

	revision($project, "x_$project", $escape);
	like(stderr_of("CALL viflo_deploy('head', '$project')", connection => 'user=app'), qr/ERROR:  permission denied/, $escape);
}

# Who is only lent a role, by a SECURITY DEFINER function or by what REINDEX
# and the like do, gets nothing run.
revision('lent', 'd1', 'SELECT public.look()');
sql(<<'EOS');
CREATE FUNCTION by_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
	SELECT viflo_deploy_async('head', 'lent')
$$;
ALTER FUNCTION by_owner() OWNER TO owner;
CREATE FUNCTION by_index(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN public.viflo_deploy_async('head', 'lent');
END $$;
CREATE TABLE indexed AS SELECT 1 AS id;
EOS
like(stderr_of('SELECT public.by_owner()', connection => 'user=app'), qr/ERROR:  cannot start a background worker within/,
	'none from within a SECURITY DEFINER function');
like(stderr_of('CREATE INDEX ON indexed (by_index(id))'), qr/ERROR:  cannot start a background worker within/,
	'none from within maintenance');
is(sql('SELECT count(*) FROM seen'), '0', 'and nothing has run');

# ---- what it says ---------------------------------------------------------

revision('error', 'e1', "SELECT 1;\n\nDO \$\$ BEGIN\n\tRAISE 'no' USING errcode = 'ABCDE', detail = 'the detail', hint = 'the hint', table = 'tab';\nEND \$\$;");
my $error = stderr_of("\\set VERBOSITY verbose\nCALL viflo_deploy('head', 'error')");
like($error, qr/ERROR:  ABCDE: no\nDETAIL:  the detail\nHINT:  the hint/, 'SQLSTATE, detail and hint are those of the script');
like($error, qr/^revision "e1" \(up\), line 3, statement 2$/m, 'and the place');
like($error, qr/TABLE NAME:  tab/, 'and the table');
is( sql("SELECT status, sqlstate, error FROM viflo_log('error')"), 'failed|ABCDE|no', 'the log has it');

revision('caret', 'c1', "SELECT 1;\nSELECT 1 FROM nowhere;");
like(
	stderr_of("CALL viflo_deploy('head', 'caret')"),
	qr/relation "nowhere" does not exist\nLINE 1: SELECT 1 FROM nowhere\n +\^/,
	'the position is that in the statement');

# Much more than the queue holds, in order, and with what NOTICE does not have.
revision('notices', 'n1', <<'EOS');
DO $$ BEGIN
	FOR i IN 1 .. 5000 LOOP RAISE NOTICE '% %', i, repeat('x', 200); END LOOP;
	RAISE WARNING 'careful' USING hint = 'very';
	RAISE INFO '%', repeat('y', 200000);
END $$;
EOS
$error = stderr_of("CALL viflo_deploy('head', 'notices')");
my @numbers = $error =~ /^.*?NOTICE:  (\d+) x{200}$/mg;
is_deeply(\@numbers, [ 1 .. 5000 ], 'every notice comes, in order');
like($error, qr/WARNING:  careful\nHINT:  very/, 'a warning is one');
like($error, qr/INFO:  (?:y{20000}){10}$/m, 'a message larger than the queue');
sql("CALL viflo_revert('base', 'notices')");
unlike(
	stderr_of("SET client_min_messages = error; CALL viflo_deploy('head', 'notices')"),
	qr/NOTICE|WARNING/,
	'none where the caller wants none');

# Texts cross in the encoding of whoever says it.
foreach my $encoding ('UTF8', 'LATIN1')
{
	my %letter = (u => "\xc3\xbc", s => "\xc3\x9f", o => "\xc3\xb6");

	revision($encoding, $encoding, "DO \$\$ BEGIN RAISE NOTICE 'gr$letter{u}n'; END \$\$;\n"
		  . "SET client_encoding = 'LATIN1'; DO \$\$ BEGIN RAISE NOTICE 'nicht wei$letter{s}'; END \$\$;\nSELECT sch$letter{o}n");
	%letter = (u => "\xfc", s => "\xdf", o => "\xf6") if $encoding eq 'LATIN1';

	local $ENV{PGCLIENTENCODING} = $encoding;
	like(
		stderr_of("CALL viflo_deploy('head', '$encoding')"),
		qr/NOTICE:  gr$letter{u}n\n.*NOTICE:  nicht wei$letter{s}\n.*column "sch$letter{o}n" does not exist/s,
		"a client with $encoding");
}

# ---- cancelled ------------------------------------------------------------

# Runs up to the third statement, which waits to be let go on.
my $waits = <<'EOS';
CREATE TABLE made_by_PROJECT (id int);
INSERT INTO made_by_PROJECT VALUES (1);
SELECT pg_sleep(600) /* here */ WHERE NOT EXISTS (SELECT FROM seen);
EOS

sub waiting
{
	my ($project, $setup) = @_;

	revision($project, "$project.1", $waits =~ s/PROJECT/$project/gr);
	return begin($project, $setup);
}

# Nothing is left, what was done is known, and the next deploy does the rest.
sub is_resumed
{
	my ($project) = @_;

	nothing_is_left($project);
	is(sql("SELECT statements FROM viflo_unfinished('$project')"), '2', "$project: two statements are done");
	sql("INSERT INTO seen (what) VALUES ('go on')");
	my ($status, $out, $err) = run("CALL viflo_deploy('head', '$project')");
	unlike($err, qr/ERROR/, "$project: a second deploy goes on")
	  or diag($err);
	sql('TRUNCATE seen');
	is(sql("SELECT count(*) FROM made_by_$project"), '1', "$project: and repeats nothing");
	is(sql("SELECT count(*) FROM viflo_log('$project') WHERE status = 'done'"), '1', "$project: it is recorded once");
	return;
}

my $call = waiting('cancel');
is( sql("SELECT p.pid = a.pid, p.worker_pid = w.pid FROM viflo.progress p, pg_stat_activity a, pg_stat_activity w"
		  . " WHERE a.application_name = 'caller' AND a.backend_type = 'client backend' AND w.backend_type = 'viflo_migrate worker'"),
	't|t', 'progress names both');
is( sql("SELECT backend_xmin IS NULL FROM pg_stat_activity WHERE application_name = 'caller' AND backend_type = 'client backend'"),
	't', 'the caller holds no snapshot');
signal('pg_cancel_backend', 'caller');
$call->{harness}->finish;
like($call->{err}, qr/ERROR:  57014: canceling statement due to user request/, 'the caller is cancelled');
like($call->{err}, qr/The background worker was cancelled\./, 'and says what became of the worker');
like($call->{err}, qr/revision "cancel.1" \(up\), line 3, statement 3/, 'and where it was');
is_resumed('cancel');

$call = waiting('timeout', "SET statement_timeout = '3s'");
$call->{harness}->finish;
like($call->{err}, qr/ERROR:  57014: canceling statement due to statement timeout/, q{the caller's statement_timeout});
is_resumed('timeout');

$call = waiting('worker_cancel');
signal('pg_cancel_backend', 'worker');
$call->{harness}->finish;
like($call->{err}, qr/ERROR:  57014: canceling statement due to user request/, 'a cancelled worker');
is_resumed('worker_cancel');

# transaction_timeout bounds the worker's transactions, not the caller's wait.
SKIP:
{
	skip 'no transaction_timeout', 3 if $node->pg_version < 17;
	revision('many_short', 'ts1', 'SELECT pg_sleep(0.5); ' x 5);
	unlike(stderr_of("SET transaction_timeout = '2s'; CALL viflo_deploy('head', 'many_short')"),
		qr/ERROR|FATAL/, 'transaction_timeout that no transaction reaches');
	revision('one_long', 'ts2', 'SELECT pg_sleep(600)');
	my ($status, $out, $err) = run("\\set VERBOSITY verbose\nSET transaction_timeout = '1s'; CALL viflo_deploy('head', 'one_long');"
		  . " SET transaction_timeout = 0; SELECT 'still here'");
	like($err, qr/ERROR:  25P04: terminating connection due to transaction timeout/, 'one that a statement reaches');
	is($out, 'still here', 'ends the worker, not the caller');
}

# A script that will not be cancelled is terminated in the end, and at once
# when the caller is.
revision('stubborn', 's1',
	'DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(600) /* here */; EXCEPTION WHEN query_canceled THEN RAISE NOTICE $a$not me$a$; END; END LOOP; END $$');
$call = begin('stubborn');
signal('pg_cancel_backend', 'caller');
IPC::Run::pump $call->{harness} until $call->{err} =~ /not me/;
signal('pg_terminate_backend', 'caller');
$call->{harness}->finish;
nothing_is_left('stubborn');

# ---- terminated -----------------------------------------------------------

$call = waiting('terminate');
signal('pg_terminate_backend', 'caller');
$call->{harness}->finish;
like($call->{err}, qr/FATAL:  57P01/, 'the caller is terminated');
is_resumed('terminate');

$call = waiting('worker_terminate');
signal('pg_terminate_backend', 'worker');
$call->{harness}->finish;
like($call->{err}, qr/ERROR:  57P01: terminating background worker/, 'a terminated worker is an error to the caller');
is_resumed('worker_terminate');

$call = waiting('client');
$call->{harness}->kill_kill;
is_resumed('client');

# ---- killed ---------------------------------------------------------------

$call = waiting('kill');
my $pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'viflo_migrate worker'");
kill('KILL', $pid);
$call->{harness}->finish;
ok($node->poll_query_until('postgres', 'SELECT 1', '1'), 'the server comes back');
is_resumed('kill');

$call = waiting('immediate');
$node->stop('immediate');
$call->{harness}->finish;
$node->start;
is_resumed('immediate');

$call = waiting('fast');
$node->stop('fast');
$call->{harness}->finish;
$node->start;
is_resumed('fast');

# ---- a session for each step ----------------------------------------------

# One worker serves them all, and none knows of what another did.
sql(<<'EOS');
CREATE TABLE around (step text, pid int DEFAULT pg_backend_pid(), what text);
GRANT ALL ON around TO PUBLIC;
CREATE FUNCTION look_around(step text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	currval text := 'none';
BEGIN
	BEGIN
		currval := pg_catalog.currval('public.seen_number_seq');
	EXCEPTION WHEN object_not_in_prerequisite_state THEN
	END;
	INSERT INTO public.around (step, what)
	SELECT step, format('%s as %s, role %s, path %s, x %s, work_mem %s, %s; temporary %s, prepared %s, cursors %s, locks %s, currval %s',
		current_user, session_user, current_setting('role'), current_setting('search_path'),
		coalesce(nullif(current_setting('myapp.x', true), ''), 'none'), current_setting('work_mem'), current_setting('client_encoding'),
		coalesce(to_regclass('pg_temp.temporary')::text, 'none'), (SELECT count(*) FROM pg_prepared_statements),
		(SELECT count(*) FROM pg_cursors WHERE is_holdable),
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), currval);
END $$;
GRANT EXECUTE ON FUNCTION look_around TO app, owner;
EOS

# Runs the scripts, and gives the number of workers and what each step found.
sub around
{
	my ($project, $setup, @scripts) = @_;
	my $number = 0;

	revision($project, sprintf('%s.%d', $project, ++$number), "SELECT public.look_around('$number'); $_") foreach @scripts;
	my ($status, $out, $err) = run("$setup; CALL viflo_deploy('head', '$project')", connection => 'user=app');
	unlike($err, qr/ERROR|FATAL|WARNING/, "$project: it runs") or diag($err);
	my $workers = sql('SELECT count(DISTINCT pid) FROM around');
	my $found = sql('SELECT what FROM around ORDER BY step');
	sql('TRUNCATE around');
	return ($workers, split /\n/, $found);
}

my $clean = q{temporary none, prepared 0, cursors 0, locks 0, currval none};
my $disorder = <<'EOS';
CREATE TEMP TABLE temporary (id int);
PREPARE statement AS SELECT 1;
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
SELECT pg_advisory_lock(42), nextval('public.seen_number_seq');
SET work_mem = '9MB'; SET search_path = nowhere; SET myapp.x = 'left'; SET client_encoding = 'LATIN1'; SET ROLE owner;
EOS
my ($workers, @found) = around('apart', 'SELECT 1', $disorder, $disorder, 'RESET ROLE', 'SELECT 1');
is($workers, '1', 'one worker for all');
is_deeply(\@found, [ ("app as app, role none, path of_role, public, x none, work_mem 5MB, UTF8; $clean") x 4 ],
	'each step finds a new session');
($workers, @found) = around('apart_from_caller', "SET ROLE owner; SET work_mem = '7MB'; SET search_path = public; SET myapp.x = 'mine'",
	'RESET ALL; RESET ROLE; ' . $disorder, 'SET ROLE NONE', 'SELECT 1');
is($workers, '1', 'one worker for all, with settings of the caller');
is_deeply(\@found, [ ("owner as app, role owner, path public, x mine, work_mem 7MB, UTF8; $clean") x 3 ],
	q{each step finds the caller's});

# What no reset takes away ends the worker.
($workers, @found) = around('apart_buffers', 'SELECT 1', "SET temp_buffers = 200; $disorder; RESET ROLE; INSERT INTO pg_temp.temporary VALUES (1)",
	'SET temp_buffers = 300; CREATE TEMP TABLE temporary AS SELECT 1', 'SELECT 1');
is($workers, '3', 'a worker of its own for who uses temporary tables');
is_deeply([ map { /temporary none/ ? 1 : 0 } @found ], [ 1, 1, 1 ], 'and they are gone');
revision('apart_library', 'al1', q{SELECT look_around('1'); LOAD 'dict_snowball'});
revision('apart_library', 'al2', q{SELECT look_around('2')});
revision('apart_library', 'al3', q{SELECT look_around('3')});
sql("CALL viflo_deploy('head', 'apart_library')");
is(sql('SELECT array_agg(pid = (SELECT pid FROM around WHERE step = $$2$$) ORDER BY step) FROM around'), '{f,t,t}',
	'a worker of its own for who loads a library');
sql('TRUNCATE around');

# ---- while it waits for the next step -------------------------------------

# Deploys, and returns when a step in a transaction runs between two others.
sub begin_between
{
	my ($project) = @_;
	my %call = (out => '', err => '');

	sql('TRUNCATE seen, around; DROP TABLE IF EXISTS indexed_between; CREATE TABLE indexed_between AS SELECT 1 AS id');
	revision($project, "$project.1", "CREATE INDEX CONCURRENTLY between_1 ON indexed_between (id); SELECT look_around('1')");
	sql("SELECT viflo_revision('m', revision => '$project.2', project => '$project', transactional => true, up => "
		  . q{$up$DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM seen) LOOP PERFORM pg_sleep(0.1); END LOOP; END $$$up$)});
	revision($project, "$project.3", "CREATE INDEX CONCURRENTLY between_2 ON indexed_between (id); SELECT look_around('2')");
	$call{harness} = IPC::Run::start(
		[
			'psql', '-X', '-v', 'VERBOSITY=verbose', '-c', "CALL viflo_deploy('head', '$project')",
			$node->connstr('postgres') . ' application_name=caller'
		],
		'<', \undef, '>', \$call{out}, '2>', \$call{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND backend_type = 'client backend'"),
		"$project: a step in a transaction is under way")
	  or diag($call{err});
	is( sql("SELECT state, xact_start IS NULL, backend_xmin IS NULL, NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid)"
			  . " FROM pg_stat_activity a WHERE backend_type = 'viflo_migrate worker'"),
		'idle|t|t|t', "$project: the worker is idle, and holds nothing");
	return \%call;
}

# The rest is run, in the end by that many workers.
sub is_run
{
	my ($call, $project, $workers) = @_;

	sql("INSERT INTO seen (what) VALUES ('go on')");
	$call->{harness}->finish;
	unlike($call->{err}, qr/ERROR|FATAL|WARNING/, "$project: it goes on") or diag($call->{err});
	is(sql('SELECT count(DISTINCT pid) FROM around'), $workers, "$project: with $workers worker(s)");
	nothing_is_left($project);
	return;
}

my $between = begin_between('between');
sql('SELECT pg_reload_conf()');
is_run($between, 'between', 1);

foreach my $how ('pg_cancel_backend', 'pg_terminate_backend')
{
	$between = begin_between("worker_$how");
	signal($how, 'worker');
	ok( $node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'viflo%'"),
		"$how: an idle worker ends at once");
	is_run($between, "worker_$how", 2);

	$between = begin_between("caller_$how");
	signal($how, 'caller');
	$between->{harness}->finish;
	like($between->{err}, qr/57014|57P01/, "$how: the caller is told");
	nothing_is_left("caller_$how");
}

$between = begin_between('between_kill');
kill('KILL', sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'viflo_migrate worker'"));
$between->{harness}->finish;
ok($node->poll_query_until('postgres', 'SELECT 1', '1'), 'the server comes back');
nothing_is_left('between_kill');

$between = begin_between('between_fast');
$node->stop('fast');
$between->{harness}->finish;
$node->start;
sql("INSERT INTO seen (what) VALUES ('go on')");
sql("CALL viflo_deploy('head', 'between_fast')");
is(sql("SELECT count(*) FROM viflo_log('between_fast') WHERE status = 'done'"), '3', 'all is done after a restart');
nothing_is_left('between_fast');
sql('TRUNCATE seen, around');

# ---- many, and none -------------------------------------------------------

revision('warm', 'warm', 'SELECT 1');
run("CALL viflo_deploy('head', 'warm')");
my $before = segments();
sql("SELECT viflo_revision('m', revision => 'many' || i, project => 'many', transactional => false, up => 'SELECT 1')"
	  . ' FROM generate_series(1, 60) i');
$error = stderr_of("CALL viflo_deploy('head', 'many')");
like($error, qr/"many60" \(up\) is done, step 60 of 60/, '60 steps one after the other');
unlike($error, qr/WARNING|ERROR/, 'without a warning');
nothing_is_left('many');

# The server's own statistics may have grown by one or two.
cmp_ok(segments(), '<', $before + 5, 'no segment is left');

# The logical replication launcher has the one slot that there is.
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
revision('slots', 'l1', 'CREATE TABLE slots (id int)');
$error = stderr_of("\\set VERBOSITY verbose\nCALL viflo_deploy('head', 'slots')");
like($error, qr/ERROR:  53400: could not start a background worker for revision "l1"/, 'no slot');
like($error, qr/DETAIL:  .*max_worker_processes = 1.*Nothing of it was run\./, 'and why');
like($error, qr/HINT:  .*max_worker_processes/, 'and what can be done');
is(sql("SELECT to_regclass('slots') IS NULL"), 't', 'nothing was run');
nothing_is_left('slots');
$node->append_conf('postgresql.conf', 'max_worker_processes = 12');
$node->restart;
sql("CALL viflo_deploy('head', 'slots')");
is(sql("SELECT to_regclass('slots')"), 'slots', 'with a slot it runs');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|you don't own a lock|leaked/, 'nothing in the log that should not be');
$node->stop;
done_testing();
