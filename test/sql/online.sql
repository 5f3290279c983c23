-- viflo_deploy() and viflo_revert(): a commit after each revision.
\set VERBOSITY verbose
\set SHOW_CONTEXT errors
CREATE EXTENSION viflo_migrate;
\set VERBOSITY default
SET viflo_migrate.project = 'app';
SELECT viflo_revision('a', 'CREATE TABLE a (id int PRIMARY KEY, n int)', 'DROP TABLE a', 'a');
SELECT viflo_revision('b', 'CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
INSERT INTO b VALUES (1, 7)', 'DROP TABLE b', 'b');
SELECT viflo_revision('c', 'CREATE TABLE c ()', 'DROP TABLE c', 'c');

-- What fails is rolled back whole, logged, and what was done before stays.
CALL viflo_deploy();
SELECT revision, direction, status, sqlstate, error, statements, transactional, attempts,
	pid = pg_backend_pid() AS own, detail FROM viflo_log();
SELECT revision FROM viflo_current();
SELECT to_regclass('a') IS NOT NULL AS a, to_regclass('b') IS NOT NULL AS b;

-- Set right, it goes on.
INSERT INTO a VALUES (7);
CALL viflo_deploy('b');
CALL viflo_deploy('b');
CALL viflo_deploy();
SELECT revision FROM viflo_current();
CALL viflo_revert('a');
CALL viflo_revert('base');
SELECT revision, direction, status FROM viflo_log();

-- Where it cannot commit, it says so.
BEGIN;
CALL viflo_deploy();
ROLLBACK;
BEGIN;
CALL viflo_revert('base');
ROLLBACK;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$BEGIN CALL viflo_deploy(); END$$;
SELECT f();
DO $$BEGIN CALL viflo_deploy(); EXCEPTION WHEN active_sql_transaction THEN RAISE NOTICE 'caught: %', SQLERRM; END$$;
-- Where it can, also from a procedure.
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN CALL viflo_deploy('a'); CALL viflo_revert('base'); END$$;
CALL p();
DO $$BEGIN FOR i IN 1..2 LOOP CALL viflo_deploy('a'); END LOOP; END$$;

-- Targets and arguments are those of the functions.
CALL viflo_deploy('nosuch');
CALL viflo_deploy(NULL);
CALL viflo_deploy(project => 'nosuch');
CALL viflo_revert(target => '-1', project => 'app');
SET default_transaction_read_only = on;
CALL viflo_deploy();
RESET default_transaction_read_only;

-- A script's session is its own, and a nested run is refused.
SELECT viflo_revision('d', 'SET search_path = nosuch; CREATE TEMPORARY TABLE kept ()', down_revision => '{base}', revision => 'd', branch_labels => '{side}');
SELECT viflo_revision('e', 'CALL viflo_deploy()', down_revision => '{d}', revision => 'e');
CALL viflo_deploy('d');
SHOW search_path;
SELECT to_regclass('pg_temp.kept');
CALL viflo_deploy('e');
SELECT viflo_remove('e');

-- Deferred constraints fail in the revision's name.
SELECT viflo_revision('f', 'CREATE TABLE f1 (id int PRIMARY KEY);
CREATE TABLE f2 (id int REFERENCES f1 DEFERRABLE INITIALLY DEFERRED);
INSERT INTO f2 VALUES (1)', down_revision => '{d}', revision => 'f');
CALL viflo_deploy('f');
SELECT viflo_remove('f');

-- Isolation levels of the session make no difference.
SET default_transaction_isolation = 'serializable';
CALL viflo_deploy('a');
INSERT INTO a VALUES (7);
SET default_transaction_isolation = 'repeatable read';
CALL viflo_deploy('b');
RESET default_transaction_isolation;

-- No lock is left, and none can be had by who may not run it.
SELECT count(*) FROM pg_locks WHERE classid = 'pg_extension'::regclass;
CREATE ROLE regress_viflo_online;
SET ROLE regress_viflo_online;
CALL viflo_deploy();
CALL viflo_revert('base');
SELECT viflo_deploy_async();
SELECT viflo_cancel(1);
SELECT * FROM viflo.progress;
SELECT count(*) FROM viflo.jobs;
SELECT error, detail FROM viflo_log('app') WHERE status = 'failed' LIMIT 1;
RESET ROLE;
DROP ROLE regress_viflo_online;

-- What fails everywhere fails in a transaction, and leaves nothing.
SET viflo_migrate.project = 'whole';
CREATE PROCEDURE ends() LANGUAGE plpgsql AS $$BEGIN COMMIT; END$$;
CREATE FUNCTION calls() RETURNS void LANGUAGE plpgsql AS $$BEGIN CALL ends(); END$$;
SELECT viflo_revision('w', 'CREATE TABLE w (); SELECT calls()', revision => 'w1');
CALL viflo_deploy();
SELECT viflo_load(E'-- viflo revision: w1\n-- viflo up\nCREATE TABLE w (); DO $$BEGIN RAISE ''mine'' USING ERRCODE = ''55P04''; END$$');
CALL viflo_deploy();
SELECT viflo_load(E'-- viflo revision: w1\n-- viflo up\nCREATE TABLE w (); SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1/0');
CALL viflo_deploy();
SELECT viflo_load(E'-- viflo revision: w1\n-- transaction: on\n-- viflo up\nCREATE TABLE w (); CALL ends()');
CALL viflo_deploy();
SELECT to_regclass('w'), (SELECT count(*) FROM viflo_unfinished());
-- What is done must stay as it was, until all is.
SELECT viflo_load(E'-- viflo revision: w1\n-- viflo up\nCREATE TABLE w (id int PRIMARY KEY, n int); INSERT INTO w VALUES (1, 0);\n'
	'-- viflo backfill\n-- table: w\n-- key: id\nUPDATE w SET n = 1 / n');
CALL viflo_deploy();
SELECT viflo_upgrade();
SELECT viflo_check();
SELECT revision, direction, statements, backfill_rows FROM viflo_unfinished();
SELECT viflo_load(E'-- viflo revision: w1\n-- viflo up\nCREATE TABLE w (id int PRIMARY KEY, n int); INSERT INTO w VALUES (1, 1);\n'
	'-- viflo backfill\n-- table: w\n-- key: id\nUPDATE w SET n = 1');
CALL viflo_deploy();
SELECT viflo_load(E'-- viflo revision: w1\n-- viflo up\nCREATE TABLE w (id int PRIMARY KEY, n int); INSERT INTO w VALUES (1, 0);\n'
	'-- viflo backfill\n-- table: w\n-- key: id\nUPDATE w SET n = 7', force => true);
CALL viflo_deploy();
TABLE w;
SELECT revision, status, sqlstate, transactional, detail FROM viflo_log();

DROP TABLE b, a, w;
DROP FUNCTION calls();
DROP PROCEDURE ends();
DROP PROCEDURE p();
DROP FUNCTION f();
DROP EXTENSION viflo_migrate;
