-- Scripts that do not fit in a transaction run as psql would run the file, and are resumed where they failed.
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
RESET client_min_messages;
SET viflo_migrate.project = 'top';
CREATE VIEW history AS
	SELECT revision, direction, status, statements, transactional, detail FROM viflo_log('top');
CREATE FUNCTION indexes(t regclass) RETURNS TABLE (index regclass, valid boolean) LANGUAGE sql AS
	$$SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = t ORDER BY indexrelid::regclass::text$$;

-- Everything that a transaction cannot hold, in one script of more than thirty statements.
SELECT viflo_load($script$-- viflo revision: all
-- viflo up
CREATE TABLE t (id int, v text, k int);
INSERT INTO t SELECT i, 'x' || i, i FROM generate_series(1, 1000) i;
CREATE INDEX CONCURRENTLY t_id ON t (id);
BEGIN;
ALTER TABLE t ADD c int;
SAVEPOINT s;
ALTER TABLE t ADD d int;
ROLLBACK TO s;
COMMIT AND CHAIN;
INSERT INTO t VALUES (0, 'chained', 0, 0);
COMMIT;
VACUUM (ANALYZE) t;
ALTER SYSTEM SET vacuum_cost_page_hit = 2;
ALTER SYSTEM RESET vacuum_cost_page_hit;
CREATE TYPE mood AS ENUM ('a');
ALTER TYPE mood ADD VALUE 'b';
CREATE TABLE m (m mood DEFAULT 'b');
INSERT INTO m DEFAULT VALUES;
REINDEX TABLE CONCURRENTLY t;
REINDEX INDEX CONCURRENTLY t_id;
BEGIN; INSERT INTO t VALUES (-1); ROLLBACK;
COMMIT;
COPY t (id, v) FROM stdin;
5000	copied
\.
DO $$BEGIN FOR i IN 1..3 LOOP INSERT INTO t (id) VALUES (6000 + i); COMMIT; END LOOP; END$$;
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY; SELECT count(*) FROM t; COMMIT;
BEGIN;
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
CREATE TABLE levels AS SELECT current_setting('transaction_isolation') AS level;
COMMIT AND CHAIN;
INSERT INTO levels SELECT current_setting('transaction_isolation');
ROLLBACK AND CHAIN;
INSERT INTO levels SELECT 'chained: ' || current_setting('transaction_isolation');
COMMIT;
PREPARE p AS SELECT 1;
LISTEN something;
DISCARD ALL;
CREATE TEMPORARY TABLE temporary AS SELECT 1 AS a;
CREATE TABLE kept AS SELECT a, pg_catalog.current_setting('transaction_isolation') AS level FROM temporary;
CREATE DATABASE regress_viflo_toplevel;
ALTER DATABASE regress_viflo_toplevel SET work_mem = '5MB';
DROP DATABASE regress_viflo_toplevel;
CREATE TABLE parts (a int) PARTITION BY RANGE (a);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY;
DROP INDEX CONCURRENTLY t_id;
CREATE INDEX CONCURRENTLY t_v ON t (v);
CLUSTER t USING t_v;
-- viflo down
DROP INDEX CONCURRENTLY t_v;
DROP TABLE t, m, levels, kept, parts, parts_1;
DROP TYPE mood;
$script$);
CALL viflo_deploy();
SELECT count(*), count(DISTINCT id) FROM t;
SELECT v FROM t WHERE id IN (0, 5000) ORDER BY id;
SELECT * FROM indexes('t');
SELECT * FROM m;
SELECT * FROM levels;
SELECT * FROM kept;
SELECT * FROM pg_inherits WHERE inhparent = 'parts'::regclass;
SELECT count(*) FROM pg_file_settings WHERE name = 'vacuum_cost_page_hit';
SELECT * FROM history;
SELECT count(*) FROM viflo.unfinished;
CALL viflo_revert('base');
SELECT to_regclass('t'), to_regtype('mood');

-- An index that cannot be built is not left behind; one of somebody else's is.
CREATE TABLE u (a int, b int);
INSERT INTO u VALUES (1, 1), (1, 2);
CREATE UNIQUE INDEX CONCURRENTLY u_of_others ON u (a);
SELECT viflo_remove('all');
SELECT viflo_revision('unique', $script$CREATE UNIQUE INDEX CONCURRENTLY u_a ON u (a)$script$, revision => 'one');
CALL viflo_deploy();
SELECT * FROM indexes('u');
SELECT count(*) FROM viflo.unfinished;
SELECT viflo_remove('one');

-- Resumed at statement 4 of 7, with the settings that the first three had left.
SELECT viflo_load($script$-- viflo revision: seven
-- viflo up
SET work_mem = '7MB';
CREATE TABLE s (v text);
SELECT set_config('viflo.test', 'seven', false);
CREATE UNIQUE INDEX CONCURRENTLY u_a ON u (a);
INSERT INTO s VALUES (current_setting('work_mem')), (current_setting('viflo.test'));
VACUUM s;
INSERT INTO s SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'u'::regclass AND indisvalid;
$script$);
CALL viflo_deploy();
SELECT revision, direction, statements, running, created, replaced, section_done, detail FROM viflo.unfinished;
SELECT * FROM indexes('u');
-- it fails again
CALL viflo_deploy();
SELECT * FROM s;
DELETE FROM u WHERE b = 2;
CALL viflo_deploy();
SELECT * FROM s;
SELECT * FROM indexes('u');
SELECT * FROM history WHERE revision = 'seven';
SELECT current_setting('work_mem') = '7MB' AS left;

-- What is done must keep its text, but for blanks; what is not may be set right.
SELECT viflo_load($script$-- viflo revision: text
-- revises: seven
-- viflo up
CREATE INDEX CONCURRENTLY s_v ON s (v);
COPY s FROM stdin;
data
\.
BEGIN;
INSERT INTO s VALUES ('rolled back');
SET maintenance_work_mem = '13MB';
SELECT 1 / 0;
COMMIT;
$script$);
CALL viflo_deploy();
SELECT viflo_load($script$-- viflo revision: text
-- revises: seven
-- viflo up
CREATE INDEX CONCURRENTLY s_v ON s (v);
COPY s FROM stdin;
other data
\.
INSERT INTO s VALUES (current_setting('maintenance_work_mem') = '13MB');
$script$);
CALL viflo_deploy();
SELECT viflo_load($script$-- viflo revision: text
-- revises: seven
-- viflo up
CREATE INDEX CONCURRENTLY s_v ON s (v);  
COPY s FROM stdin;
data
\.
INSERT INTO s VALUES (current_setting('maintenance_work_mem') = '13MB');
$script$);
CALL viflo_deploy();
SELECT * FROM s;

-- A chain of blocks is resumed within the chain; its temporary tables are gone.
SELECT viflo_load($script$-- viflo revision: chain
-- revises: text
-- viflo up
CREATE TEMPORARY TABLE gone ();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET TRANSACTION READ WRITE;
SET work_mem = '9MB';
PREPARE p AS INSERT INTO s VALUES ('prepared');
COMMIT AND CHAIN;
EXECUTE p;
INSERT INTO s VALUES (current_setting('work_mem') || ', ' || current_setting('transaction_isolation'));
INSERT INTO u VALUES (2, 1 / (SELECT count(*) FROM u));
COMMIT;
SELECT * FROM gone;
$script$);
DELETE FROM u;
CALL viflo_deploy();
SELECT statements, detail FROM viflo.unfinished;
INSERT INTO u VALUES (1);
CALL viflo_deploy();
SELECT * FROM s;
SELECT statements, detail FROM viflo.unfinished;
SELECT viflo_repair('chain');
SELECT count(*) FROM viflo.unfinished;
SELECT viflo_remove('chain');

-- A procedure or DO block that commits is found out, and run so.
SELECT viflo_revision('commits', $script$BEGIN;
CREATE TABLE c (n int);
COMMIT;
DO $$BEGIN INSERT INTO c VALUES (1); COMMIT; INSERT INTO c VALUES (2); END$$;
$script$, revision => 'commits', down => $script$INSERT INTO c VALUES (3); DO $$BEGIN COMMIT; END$$; DROP TABLE c$script$);
SELECT transactional FROM viflo_plan('head');
CALL viflo_deploy();
SELECT * FROM c;
CALL viflo_revert('-1');
SELECT * FROM history WHERE revision = 'commits';
SELECT viflo_remove('commits');

-- What is refused or fails as a whole.
SELECT viflo_revision('open', $script$VACUUM s; BEGIN; INSERT INTO s VALUES ('lost');$script$, revision => 'open');
CALL viflo_deploy();
SELECT viflo_remove('open');
SELECT viflo_revision('client', $script$VACUUM s; COPY s TO stdout;$script$, revision => 'client');
CALL viflo_deploy();
SELECT viflo_repair('client');
SELECT viflo_remove('client');
SELECT viflo_revision('nested', $script$VACUUM s; SELECT viflo_upgrade('head');$script$, revision => 'nested');
CALL viflo_deploy();
SELECT viflo_repair('nested');
SELECT viflo_remove('nested');

-- Timeouts: the script's own, and the setting.
SELECT viflo_revision('slow', $script$VACUUM s; SET statement_timeout = '50ms'; SELECT pg_sleep(60);$script$, revision => 'slow');
CALL viflo_deploy();
SELECT viflo_repair('slow');
SELECT viflo_remove('slow');
SELECT viflo_revision('slow', $script$VACUUM s; SELECT pg_sleep(60);$script$, revision => 'slow');
SET viflo_migrate.statement_timeout = '50ms';
CALL viflo_deploy();
RESET viflo_migrate.statement_timeout;
SELECT viflo_repair('slow');
SELECT viflo_remove('slow');

-- As a role with no rights on the tables of viflo.
CREATE ROLE regress_viflo_toplevel;
GRANT CREATE ON SCHEMA public TO regress_viflo_toplevel;
SELECT viflo_revision('role', $script$SET ROLE regress_viflo_toplevel;
CREATE TABLE owned (a int);
CREATE INDEX CONCURRENTLY owned_a ON owned (a);
INSERT INTO owned VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY owned_b ON owned (a);
$script$, revision => 'role');
CALL viflo_deploy();
SELECT * FROM indexes('owned');
SET client_min_messages = error;
DELETE FROM owned;
CALL viflo_deploy();
RESET client_min_messages;
SELECT * FROM indexes('owned');
SELECT * FROM history WHERE revision = 'role';
SELECT tableowner FROM pg_tables WHERE tablename = 'owned';

-- A DO or CALL is tried again until it has committed something, and then no more.
CREATE TABLE w (n int, lock_timeout text DEFAULT current_setting('lock_timeout'));
CREATE SEQUENCE tries;
CREATE PROCEDURE commits_and_fails() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO w VALUES (3);
	COMMIT;
	INSERT INTO w VALUES (4);
	COMMIT;
	RAISE EXCEPTION 'not serializable' USING ERRCODE = '40001';
END $$;
SELECT viflo_revision('again', $script$DO $$
BEGIN
	INSERT INTO w VALUES (1);
	IF nextval('tries') < 3 THEN
		RAISE EXCEPTION 'not serializable' USING ERRCODE = '40001';
	END IF;
	COMMIT;
	INSERT INTO w VALUES (2);
END $$;
SET lock_timeout = '700ms';
CALL commits_and_fails();
$script$, revision => 'again', transactional => false);
CALL viflo_deploy();
SELECT * FROM w;
SELECT statements, running, attempts, detail FROM viflo.unfinished;
SELECT attempts, detail FROM viflo_log('top') WHERE revision = 'again';
SELECT viflo_repair('again');
SELECT viflo_remove('again');

-- The statement that was cut off is not there any more.
CREATE ROLE regress_viflo_short;
SELECT viflo_revision('short', $script$SET ROLE regress_viflo_short;
DO $$BEGIN COMMIT; PERFORM 1 / 0; END$$;
$script$, revision => 'short');
CALL viflo_deploy();
SELECT statements, running FROM viflo.unfinished;
DROP ROLE regress_viflo_short;
SELECT viflo_load($script$-- viflo revision: short
-- revises: role
-- viflo up
SET ROLE regress_viflo_short;
$script$);
CALL viflo_deploy();
SELECT statements, running FROM viflo.unfinished;
SELECT viflo_repair('short');
SELECT viflo_remove('short');

-- Only the server's own set_config() is called again.
CREATE SCHEMA hiding;
CREATE FUNCTION hiding.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS
	$$INSERT INTO public.w VALUES (5) RETURNING n::text$$;
SELECT viflo_revision('config', $script$VACUUM w;
SELECT hiding.set_config('viflo.a', 'never', false);
SELECT pg_catalog.set_config('viflo.b', 'set', false);
SET search_path = hiding, pg_catalog, public;
SELECT set_config('viflo.a', 'never', false);
SET search_path = hiding, public;
SELECT set_config('viflo.c', 'set', false);
DELETE FROM w WHERE n < 5;
INSERT INTO w VALUES (1 / (SELECT count(*) - 2 FROM w));
SELECT 1 / (current_setting('viflo.b') = 'set' AND current_setting('viflo.c') = 'set')::int;
$script$, revision => 'config');
CALL viflo_deploy();
INSERT INTO w VALUES (6);
CALL viflo_deploy();
SELECT n FROM w;

-- An INVALID index of somebody else stands for one that the script wants.
INSERT INTO w VALUES (5);
CREATE UNIQUE INDEX CONCURRENTLY w_n ON w (n);
SELECT viflo_revision('exists', $script$CREATE INDEX CONCURRENTLY IF NOT EXISTS w_n ON w (n);
CREATE INDEX CONCURRENTLY IF NOT EXISTS w_new ON w (n);
CREATE INDEX CONCURRENTLY IF NOT EXISTS w_new ON w (n);
SELECT 1 / 0;
$script$, revision => 'exists');
CALL viflo_deploy();
SELECT * FROM indexes('w');
SELECT detail FROM viflo_log('top') WHERE revision = 'exists';
-- forgetting names what would be left
UPDATE viflo.unfinished SET created = ARRAY['w_new'::regclass::oid || ' public.w_new', 'w_n'::regclass::oid || ' public.w_n'];
SELECT viflo_repair('exists');
SELECT viflo_remove('exists');

-- A script that chooses its isolation level needs a transaction of its own.
CREATE FUNCTION isolation_script(opening text) RETURNS text LANGUAGE sql AS $$
	SELECT opening || '; CREATE TABLE isolated AS SELECT current_setting(''transaction_isolation'') AS level; COMMIT'
$$;
SELECT viflo_revision('begins', isolation_script('BEGIN ISOLATION LEVEL REPEATABLE READ'), 'DROP TABLE isolated', revision => 'iso1', project => 'isolation');
SELECT viflo_revision('sets', isolation_script('BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'), 'DROP TABLE isolated', revision => 'iso2', project => 'isolation');
SELECT viflo_revision('usual', isolation_script('BEGIN ISOLATION LEVEL READ COMMITTED; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET TRANSACTION READ WRITE'),
	'DROP TABLE isolated', revision => 'iso3', project => 'isolation');
SELECT h.revision, s.transactional FROM viflo_history(project => 'isolation') h, LATERAL viflo_show(h.revision, 'isolation') s;
SELECT viflo_upgrade('+1', 'isolation');
CALL viflo_deploy('+1', 'isolation');
SELECT level FROM isolated;
DROP TABLE isolated;
CALL viflo_deploy('+1', 'isolation');
SELECT level FROM isolated;
DROP TABLE isolated;
SELECT revision FROM viflo_upgrade('+1', 'isolation');
SELECT level FROM isolated;
DROP TABLE isolated;
DROP FUNCTION isolation_script(text);

DROP SCHEMA hiding CASCADE;
DROP SEQUENCE tries;
DROP PROCEDURE commits_and_fails();
DROP TABLE w;
DROP TABLE owned, s, u;
REVOKE ALL ON SCHEMA public FROM regress_viflo_toplevel;
DROP ROLE regress_viflo_toplevel;
DROP VIEW history;
DROP FUNCTION indexes(regclass);
DROP EXTENSION viflo_migrate;
