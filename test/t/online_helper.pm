# For the tests of online runs: a project with some of everything, deploys in
# the background, and what must be so when they are over, however they ended.

package online_helper;

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(online_node load_project mixed_project revision_text
  schema_of data_of leftovers_of locks_of history_of
  spawn_psql deploy_of wait_for_end has_ended
  children_of find_process wait_until_gone wait_for_query phase_of);

plan(skip_all => 'processes are looked up in /proc, which is not here') unless -r '/proc/self/stat';

# Another machine may be slow, and nothing here is timed; but what hangs has to
# be noticed before a session in the background is given up.
my $patience = ($PostgreSQL::Test::Utils::timeout_default // 180) / 2;

# Our workers, in pg_stat_activity, and as titles of processes.
our $worker = "backend_type LIKE 'viflo%'";
our $worker_title = qr/^postgres: (?:\w+: )?viflo/;

my $spawned = 0;

# A cluster whose shared memory segments lie in its own folder, where they can
# be counted.  conf: more lines for postgresql.conf.
sub online_node
{
	my ($name, $conf, %init) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%init);
	$node->append_conf('postgresql.conf', <<"EOS" . ($conf // ''));
fsync = off
autovacuum = off
dynamic_shared_memory_type = mmap
viflo_migrate.project = 'app'
EOS
	$node->start;
	return $node;
}

# ---- projects --------------------------------------------------------------

# One revision in the native format.  backfill: the section's text, or undef.
sub revision_text
{
	my ($id, $parent, $up, $backfill) = @_;

	return "-- viflo revision: $id\n-- revises: " . ($parent // '') . "\n-- message: $id\n\n"
	  . "-- viflo up\n$up\n"
	  . (defined $backfill ? "-- viflo backfill\n$backfill\n" : '')
	  . "-- viflo down\nSELECT 1;\n";
}

# Registers revisions ([id, up, backfill], each upon the one before).
sub load_project
{
	my ($node, $database, @revisions) = @_;
	my $parent;
	my @literals;

	foreach my $revision (@revisions)
	{
		my $text = revision_text($revision->[0], $parent, @$revision[ 1, 2 ]);

		push @literals, "\$viflo_text\$$text\$viflo_text\$";
		$parent = $revision->[0];
	}
	$node->safe_psql($database,
		'SELECT viflo_load(ARRAY[' . join(",\n", @literals) . "], '{}')");
	return;
}

# 30 revisions: all that a project may do to a live database.  Whatever may
# not happen twice leaves a row in app.ran each time.
sub mixed_project
{
	return (
		[ 'r01_tables', <<'EOS' ],
CREATE SCHEMA app;
CREATE TABLE app.ran (what text NOT NULL);
CREATE TABLE app.customer (id int PRIMARY KEY, name text NOT NULL, email text);
CREATE TABLE app.orders (id int PRIMARY KEY, customer int NOT NULL, price int NOT NULL, quantity int NOT NULL,
	touched int NOT NULL DEFAULT 0);
INSERT INTO app.ran VALUES ('r01');
EOS
		[ 'r02_rows', <<'EOS' ],
INSERT INTO app.customer SELECT i, 'customer ' || i, 'c' || i || '@example.com' FROM generate_series(1, 1500) i;
INSERT INTO app.orders SELECT i, 1 + i % 1500, i % 97, 1 + i % 7 FROM generate_series(1, 3000) i;
INSERT INTO app.ran VALUES ('r02');
EOS
		[ 'r03_index', 'CREATE INDEX CONCURRENTLY customer_name ON app.customer (name);' ],
		[ 'r04_column', <<'EOS' ],
ALTER TABLE app.customer ADD COLUMN country text NOT NULL DEFAULT 'NL';
INSERT INTO app.ran VALUES ('r04');
EOS
		[ 'r05_unique', 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS customer_email ON app.customer (lower(email));' ],
		[ 'r06_enum', <<'EOS' ],
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE TABLE app.moods (id int PRIMARY KEY, mood app.mood NOT NULL);
INSERT INTO app.moods VALUES (1, 'sad'), (2, 'ok');
INSERT INTO app.ran VALUES ('r06');
EOS
		[ 'r07_enum_value', <<'EOS' ],
INSERT INTO app.ran VALUES ('r07.1');
ALTER TYPE app.mood ADD VALUE 'happy' AFTER 'ok';
INSERT INTO app.moods VALUES (3, 'happy');
ALTER TABLE app.moods ALTER COLUMN mood SET DEFAULT 'happy';
INSERT INTO app.ran VALUES ('r07.5');
EOS
		[ 'r08_function', <<'EOS' ],
CREATE FUNCTION app.twice(i int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT 2 * i; END;
CREATE FUNCTION app.count_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.touched := OLD.touched + 1;
	RETURN NEW;
END $$;
CREATE TRIGGER count_touch BEFORE UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.count_touch();
INSERT INTO app.ran VALUES ('r08');
EOS
		[ 'r09_drop_index', 'DROP INDEX CONCURRENTLY app.customer_name;' ],
		# The trigger counts how often each row was changed.
		[ 'r10_backfill', <<'EOS', <<'EOS' ],
ALTER TABLE app.orders ADD COLUMN total int;
INSERT INTO app.ran VALUES ('r10');
EOS
-- table: app.orders
-- key: id
-- batch: 150
UPDATE app.orders SET total = price * quantity WHERE id BETWEEN :from AND :to;
EOS
		[ 'r11_vacuum', 'VACUUM (ANALYZE) app.orders;' ],
		[ 'r12_blocks', <<'EOS' ],
BEGIN;
INSERT INTO app.ran VALUES ('r12.2');
CREATE TABLE app.block (id int PRIMARY KEY);
COMMIT;
INSERT INTO app.ran VALUES ('r12.5');
BEGIN;
INSERT INTO app.block SELECT generate_series(1, 100);
INSERT INTO app.ran VALUES ('r12.8');
COMMIT;
START TRANSACTION;
INSERT INTO app.ran VALUES ('r12.11');
SAVEPOINT here;
INSERT INTO app.ran VALUES ('r12.13, not to be seen');
ROLLBACK TO here;
SELECT pg_sleep(0.01);
END;
EOS
		# What a block commits by itself comes again when it is cut off.
		[ 'r13_do_commits', <<'EOS' ],
CREATE TABLE app.chunk (id int PRIMARY KEY, what text);
INSERT INTO app.ran VALUES ('r13.2');
DO $$
BEGIN
	FOR i IN 1..10 LOOP
		INSERT INTO app.chunk VALUES (i, 'chunk ' || i) ON CONFLICT DO NOTHING;
		COMMIT;
		PERFORM pg_sleep(0.002);
	END LOOP;
END $$;
INSERT INTO app.ran VALUES ('r13.4');
EOS
		[ 'r14_reindex_index', 'REINDEX INDEX CONCURRENTLY app.customer_email;' ],
		[ 'r15_reindex_table', <<'EOS' ],
INSERT INTO app.ran VALUES ('r15.1');
REINDEX TABLE CONCURRENTLY app.orders;
INSERT INTO app.ran VALUES ('r15.3');
EOS
		[ 'r16_partitions', <<'EOS' ],
CREATE TABLE app.event (at int NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM (0) TO (100);
CREATE TABLE app.event_2 PARTITION OF app.event FOR VALUES FROM (100) TO (200);
CREATE TABLE app.event_3 PARTITION OF app.event FOR VALUES FROM (200) TO (300);
CREATE INDEX event_at ON app.event (at);
INSERT INTO app.event SELECT i, 'event ' || i FROM generate_series(0, 299) i;
INSERT INTO app.ran VALUES ('r16');
EOS
		[ 'r17_detach', 'ALTER TABLE app.event DETACH PARTITION app.event_1 CONCURRENTLY;' ],
		[ 'r18_thirty', join("\n", (map { "INSERT INTO app.ran VALUES ('r18.$_');" } 1 .. 14),
			'CREATE INDEX CONCURRENTLY orders_price ON app.orders (price, quantity);',
			map { "INSERT INTO app.ran VALUES ('r18.$_');" } 16 .. 30) ],
		[ 'r19_views', <<'EOS' ],
CREATE VIEW app.big AS SELECT id, total FROM app.orders WHERE total > 300;
CREATE MATERIALIZED VIEW app.sums AS SELECT customer, sum(total) AS total FROM app.orders GROUP BY customer;
INSERT INTO app.ran VALUES ('r19');
EOS
		[ 'r20_two_indexes', <<'EOS' ],
CREATE UNIQUE INDEX CONCURRENTLY sums_customer ON app.sums (customer);
CREATE INDEX CONCURRENTLY orders_twice ON app.orders (app.twice(price)) WHERE quantity > 2;
REFRESH MATERIALIZED VIEW CONCURRENTLY app.sums;
EOS
		[ 'r21_foreign_key', <<'EOS' ],
ALTER TABLE app.orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES app.customer NOT VALID;
ALTER TABLE app.orders VALIDATE CONSTRAINT orders_customer;
INSERT INTO app.ran VALUES ('r21');
EOS
		[ 'r22_copy', <<'EOS' ],
CREATE TABLE app.copied (id int PRIMARY KEY, what text);
COPY app.copied FROM stdin;
1	one; and more
2	\N
3	three
\.
INSERT INTO app.ran VALUES ('r22');
EOS
		[ 'r23_call_commits', <<'EOS' ],
CREATE PROCEDURE app.fill(many int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..many LOOP
		INSERT INTO app.chunk VALUES (100 + i, 'filled') ON CONFLICT DO NOTHING;
		COMMIT;
	END LOOP;
END $$;
CALL app.fill(10);
INSERT INTO app.ran VALUES ('r23.3');
EOS
		[ 'r24_mixture', <<'EOS' ],
VACUUM app.customer;
BEGIN;
ALTER TABLE app.customer ADD COLUMN vat text;
INSERT INTO app.ran VALUES ('r24.4');
COMMIT;
CREATE INDEX CONCURRENTLY customer_vat ON app.customer (vat);
CREATE INDEX CONCURRENTLY customer_country ON app.customer (country);
DROP INDEX CONCURRENTLY app.customer_vat;
ALTER TYPE app.mood ADD VALUE 'merry';
UPDATE app.moods SET mood = 'merry' WHERE id = 1;
INSERT INTO app.ran VALUES ('r24.11');
ANALYZE app.customer;
EOS
		[ 'r25_backfill_more', <<'EOS', <<'EOS' ],
CREATE TABLE app.word (word text PRIMARY KEY, length int, seen int NOT NULL DEFAULT 0);
INSERT INTO app.word SELECT 'word ' || to_char(i, 'FM0000') FROM generate_series(1, 600) i;
INSERT INTO app.ran VALUES ('r25');
EOS
-- table: app.word
-- key: word
-- batch: 50
-- pause: 1ms
UPDATE app.word SET length = length(word.word), seen = seen + 1;
EOS
		[ 'r26_system', "ALTER SYSTEM SET log_checkpoints = off;\nINSERT INTO app.ran VALUES ('r26.2');" ],
		[ 'r27_detach_and_drop', <<'EOS' ],
ALTER TABLE app.event DETACH PARTITION app.event_2 CONCURRENTLY;
DROP TABLE app.event_2;
INSERT INTO app.ran VALUES ('r27.3');
EOS
		[ 'r28_constraint', <<'EOS' ],
CREATE UNIQUE INDEX CONCURRENTLY orders_unique ON app.orders (customer, id);
ALTER TABLE app.orders ADD CONSTRAINT orders_unique UNIQUE USING INDEX orders_unique;
INSERT INTO app.ran VALUES ('r28.3');
EOS
		[ 'r29_rewrite', <<'EOS' ],
ALTER TABLE app.customer ALTER COLUMN id TYPE bigint;
COMMENT ON TABLE app.customer IS 'customers; all of them';
GRANT SELECT ON app.customer TO PUBLIC;
INSERT INTO app.ran VALUES ('r29');
EOS
		[ 'r30_last', <<'EOS' ],
UPDATE app.customer SET country = 'BE' WHERE id % 3 = 0;
INSERT INTO app.ran VALUES ('r30');
EOS
	);
}

# ---- what must be so -------------------------------------------------------

# The schema, as text that two databases with the same one have in common.
sub schema_of
{
	my ($node, $database) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-s', '-d', $node->connstr($database) ]);

	die "pg_dump: $err" if $err ne '';
	$out =~ s/^\\(?:un)?restrict .*\n//mg;
	return $out;
}

# The rows of schema app, in an order of their own.
sub data_of
{
	my ($node, $database) = @_;
	my $tables = $node->safe_psql($database,
		"SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = to_regnamespace('app') AND relkind IN ('r', 'm') ORDER BY relname");

	return $node->safe_psql($database, join(";\n",
		map { "SELECT '$_', md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), count(*) FROM $_ t" } split(/\n/, $tables))
		. ";\nSELECT string_agg(what, ' ' ORDER BY what) FROM app.ran");
}

# What a finished run has to leave: nothing.  Empty when all is well.
sub leftovers_of
{
	my ($node, $database, $pattern) = @_;

	# A worker that has said it is done may take a moment to be gone.
	$node->poll_query_until($database, "SELECT count(*) = 0 FROM pg_stat_activity WHERE $online_helper::worker");
	return $node->safe_psql($database, <<"EOS");
SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive) AND indexrelid <> 'decoy'::regclass
UNION ALL SELECT 'no decoy' WHERE NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('decoy') AND NOT indisvalid)
UNION ALL SELECT 'unfinished ' || u::text FROM viflo.unfinished u
UNION ALL SELECT 'index ' || relname FROM pg_class WHERE relname ~ '_cc(new|old)'
UNION ALL SELECT 'partition to be detached: ' || inhrelid::regclass FROM pg_inherits WHERE inhdetachpending
UNION ALL SELECT 'process ' || a::text FROM pg_stat_activity a WHERE $online_helper::worker
UNION ALL SELECT 'lock ' || l::text FROM pg_locks l WHERE classid = 'pg_extension'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'transaction ' || p::text FROM pg_prepared_xacts p
UNION ALL SELECT 'progress ' || p::text FROM viflo.progress p
EOS
}

sub locks_of
{
	my ($node, $database) = @_;

	return $node->safe_psql($database,
		"SELECT count(*) FROM pg_locks WHERE classid = 'pg_extension'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
}

# Revisions whose history is not that of one success, and no revision of them
# that is applied.  Empty when all is well.
sub history_of
{
	my ($node, $database, $revisions) = @_;

	return $node->safe_psql($database, <<"EOS");
SELECT r.revision, count(l.id), (SELECT count(*) FROM viflo.applied a WHERE a.project = 'app' AND a.revision = r.revision)
FROM viflo.revision r LEFT JOIN viflo.log l ON l.project = 'app' AND l.revision = r.revision AND l.status = 'done' AND l.direction = 'up'
WHERE r.project = 'app' GROUP BY r.revision
HAVING count(l.id) <> 1 OR (SELECT count(*) FROM viflo.applied a WHERE a.project = 'app' AND a.revision = r.revision) <> 1
UNION ALL SELECT 'applied', count(*), 0 FROM viflo.applied WHERE project = 'app' HAVING count(*) <> $revisions
ORDER BY 1
EOS
}

# ---- running ---------------------------------------------------------------

# Starts psql in a process of its own, with one or several statements.  name:
# its application_name.  Returns what wait_for_end() wants.
sub spawn_psql
{
	my ($node, $database, $sql, %options) = @_;
	my $base = "$PostgreSQL::Test::Utils::tmp_check/psql_$$" . '_' . ++$spawned;
	my %psql = (out => "$base.out", err => "$base.err");
	my @statements = map { ('-c', $_) } ref $sql ? @$sql : ($sql);
	my $name = $options{name} // 'deploy';

	# It may be killed before it comes to that.
	append_to_file($_, '') foreach @psql{qw(out err)};
	$psql{pid} = fork() // die "could not fork: $!";
	if ($psql{pid} == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $psql{out});
		open(STDERR, '>', $psql{err});
		exec('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
			'-d', $node->connstr($database) . " application_name='$name'", @statements) or POSIX::_exit(127);
	}
	return \%psql;
}

# The same with CALL viflo_deploy().
sub deploy_of
{
	my ($node, $database, %options) = @_;

	return spawn_psql($node, $database, 'CALL viflo_deploy()', %options);
}

sub take_result
{
	my ($psql) = @_;

	$psql->{status} = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
	$psql->{stdout} = slurp_file($psql->{out});
	$psql->{stderr} = slurp_file($psql->{err});
	chomp($psql->{stdout});
	unlink($psql->{out}, $psql->{err});
	return;
}

sub has_ended
{
	my ($psql) = @_;

	return 1 if defined $psql->{status};
	return 0 if waitpid($psql->{pid}, POSIX::WNOHANG()) == 0;
	take_result($psql);
	return 1;
}

# Returns exit status, stdout, stderr.
sub wait_for_end
{
	my ($psql) = @_;
	my $end = time() + $patience;

	until (has_ended($psql))
	{
		if (time() > $end)
		{
			kill('KILL', $psql->{pid});
			waitpid($psql->{pid}, 0);
			take_result($psql);
			$psql->{status} = 'no end';
		}
		sleep(0.002);
	}
	return @$psql{qw(status stdout stderr)};
}

# Polls until the query gives true; true if it did.  What goes on meanwhile in
# psql may be given: its end is the end of waiting.  Some phases last for 25 ms,
# as long as psql takes to start on a busy machine: hence the loop in the server,
# which commits, as its snapshot would be something to wait for.
sub wait_for_query
{
	my ($node, $database, $query, $psql) = @_;
	my $end = time() + $patience;
	my $polls = "DO \$\$ BEGIN FOR i IN 1 .. 100 LOOP IF ($query) THEN RETURN; END IF;"
	  . " COMMIT; PERFORM pg_sleep(0.002); COMMIT; END LOOP; RAISE 'not yet'; END \$\$";

	while (time() < $end)
	{
		return 1 if $node->psql($database, $polls) == 0;
		return 0 if $psql && has_ended($psql);
	}
	return 0;
}

# Has the run with that application_name come to the phase?  As a query.
sub phase_of
{
	my ($phase, $revision) = @_;

	return "SELECT count(*) > 0 FROM viflo.progress WHERE phase = '$phase'"
	  . (defined $revision ? " AND revision = '$revision'" : '');
}

# ---- processes -------------------------------------------------------------

# Pids of the postmaster's children, with their titles.
sub children_of
{
	my ($postmaster) = @_;
	my %title;

	opendir(my $proc, '/proc') or die "could not read /proc: $!";
	foreach my $pid (grep { /^\d+$/ && $_ > 1 } readdir($proc))
	{
		open(my $stat, '<', "/proc/$pid/stat") or next;
		my $line = <$stat> // '';
		close($stat);
		next unless $line =~ /\) (\S) (\d+) / && $2 == $postmaster && $1 ne 'Z';
		open(my $cmdline, '<', "/proc/$pid/cmdline") or next;
		my $title = <$cmdline> // '';
		close($cmdline);
		$title =~ s/\0.*//s;
		$title{$pid} = $title;
	}
	closedir($proc);
	return %title;
}

# Pid of a child whose title fits, or undef.
sub find_process
{
	my ($postmaster, $pattern) = @_;
	my %title = children_of($postmaster);

	foreach my $pid (sort { $a <=> $b } keys %title)
	{
		return $pid if $title{$pid} =~ $pattern;
	}
	return;
}

# True when all of these processes end within reason.
sub wait_until_gone
{
	my (@pids) = @_;
	my $end = time() + $patience;

	while (time() < $end)
	{
		@pids = grep { is_alive($_) } @pids;
		return 1 unless @pids;
		sleep(0.002);
	}
	diag("still there: @pids");
	return 0;
}

sub is_alive
{
	my ($pid) = @_;

	open(my $stat, '<', "/proc/$pid/stat") or return 0;
	my $line = <$stat> // '';
	close($stat);
	return $line =~ /\) ([^ZX]) / ? 1 : 0;
}

1;
