-- What a script may contain, and what is left of it.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'run';
SET client_min_messages = warning;

SELECT viflo_revision('everything', revision => 'r1', up => $up$
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT g, 'x' FROM generate_series(1, 3) g;
SELECT * FROM t;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$
BEGIN
	EXECUTE $q$ SELECT 1; $q$;
	RETURN 1;
END $f$;
CREATE FUNCTION g(x int) RETURNS int BEGIN ATOMIC SELECT x; SELECT x + 1; END;
DO $$ BEGIN INSERT INTO t VALUES (4, 'from DO; with '' quotes'); END $$;
CREATE TABLE copy_of_t AS SELECT * FROM t;
COPY t (id, a) FROM stdin;
5	five
6	\N
\.
CREATE TEMP TABLE scratch AS SELECT 1;
SET LOCAL work_mem = '1MB';
SET search_path = pg_catalog;
CREATE TABLE public.made_elsewhere (id int);
SET statement_timeout = '1h';
;
-- a comment only
/* and
   another; */
CREATE VIEW public.v AS SELECT 1 AS one
$up$, down => $down$
DROP VIEW v;
DROP TABLE made_elsewhere, copy_of_t, t;
DROP FUNCTION f();
DROP FUNCTION g(int);
$down$);
SELECT revision FROM viflo_upgrade();
SELECT * FROM t ORDER BY id;
SELECT g(1), f();
SELECT to_regclass('scratch'), to_regclass('made_elsewhere'), to_regclass('v');
SHOW search_path;
SHOW statement_timeout;
SHOW work_mem;
SELECT statements FROM viflo_log();

-- as if each file had a session of its own
CREATE ROLE regress_viflo_other;
SELECT viflo_revision('leaves things', revision => 'r2', up => $up$
CREATE TEMP TABLE left_behind (id int);
PREPARE left_prepared AS SELECT 1;
DECLARE left_cursor CURSOR WITH HOLD FOR SELECT 1;
SET ROLE regress_viflo_other;
SET TimeZone = 'Asia/Tokyo';
SELECT set_config('viflo.custom', 'x', false);
$up$, down => 'SELECT 1');
CREATE TEMP TABLE mine (id int);
PREPARE mine AS SELECT 2;
SELECT revision FROM viflo_upgrade();
SELECT relname FROM pg_class WHERE relname IN ('left_behind', 'mine');
SELECT name FROM pg_prepared_statements ORDER BY 1;
SELECT name FROM pg_cursors ORDER BY 1;
SELECT current_user = session_user AS role_is_back, current_setting('viflo.custom', true) AS custom;
DROP ROLE regress_viflo_other;
-- also when it fails
SELECT viflo_revision('fails after leaving', revision => 'r3', up => $up$
PREPARE left_prepared AS SELECT 1;
SET TimeZone = 'Asia/Tokyo';
SELECT 1/0;
$up$);
SELECT revision FROM viflo_upgrade();
SELECT name FROM pg_prepared_statements ORDER BY 1;
SELECT viflo_remove('r3');
DEALLOCATE mine;
DROP TABLE mine;

-- BEGIN and COMMIT around everything, and a COMMIT with none open
SELECT viflo_revision('wrapped', revision => 'r3', up => 'BEGIN; CREATE TABLE w (id int); COMMIT;', down => 'DROP TABLE w; COMMIT;');
SELECT revision FROM viflo_upgrade();
SELECT count(*) FROM w;
SELECT revision FROM viflo_downgrade('-1');

-- ADD VALUE works when the value is not used at once
SELECT viflo_revision('type', revision => 'r4', down_revision => '{r3}', up => 'CREATE TYPE mood AS ENUM (''a''); CREATE TABLE moods (m mood);', down => 'DROP TABLE moods; DROP TYPE mood;');
SELECT revision FROM viflo_upgrade();
SELECT viflo_revision('value', revision => 'r5', up => 'ALTER TYPE mood ADD VALUE ''b'';', down => '');
SELECT revision FROM viflo_upgrade();
INSERT INTO moods VALUES ('b');

-- what cannot run in a transaction is known before anything ran
SELECT viflo_revision('plain', revision => 'r6', up => 'CREATE TABLE before_it (id int);', down => 'DROP TABLE before_it;');
SELECT viflo_revision('concurrently', revision => 'r7', up => 'CREATE INDEX CONCURRENTLY ON t (a);', down => 'SELECT 1; VACUUM t;');
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT revision, transactional FROM viflo_plan();
\set VERBOSITY default
SELECT revision FROM viflo_upgrade();
SELECT to_regclass('before_it');
SELECT revision FROM viflo_upgrade('r6');
SELECT viflo_stamp('r7');
SELECT revision FROM viflo_downgrade('r6');
SELECT viflo_stamp('r6');

-- a caller's transaction: all of it or none
BEGIN;
SELECT revision, direction FROM viflo_downgrade('r4');
SELECT revision FROM viflo_current();
ROLLBACK;
SELECT revision FROM viflo_current();
BEGIN;
SAVEPOINT s;
SELECT revision FROM viflo_downgrade('r4');
ROLLBACK TO s;
SELECT revision FROM viflo_current();
SELECT revision, direction FROM viflo_downgrade('r5');
COMMIT;
SELECT revision FROM viflo_current();

-- a migration that runs migrations
SELECT viflo_revision('nested', revision => 'r8', down_revision => '{r5}', splice => true, up => 'SELECT viflo_upgrade(''r6'');', down => '');
SELECT revision FROM viflo_upgrade('r8');
SELECT viflo_load(E'-- viflo revision: r8\n-- revises: r5\n-- viflo up\nSELECT viflo_stamp(''r8'');\n-- viflo down\n');
SELECT revision FROM viflo_upgrade('r8');
SELECT viflo_load(E'-- viflo revision: r8\n-- revises: r5\n-- viflo up\nSELECT viflo_remove(''r8'');\n-- viflo down\n');
SELECT revision FROM viflo_upgrade('r8');
SELECT viflo_load(E'-- viflo revision: r8\n-- revises: r5\n-- viflo up\nSELECT viflo_repair(''r5'');\n-- viflo down\n');
SELECT revision FROM viflo_upgrade('r8');
SELECT revision, direction FROM viflo_downgrade('base');
SELECT count(*) FROM viflo_current();
DROP EXTENSION viflo_migrate;
