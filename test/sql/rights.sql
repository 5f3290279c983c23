-- Looking is for everybody; running, writing and reading scripts for whom it is granted to.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_viflo_looker;
CREATE ROLE regress_viflo_migrator;
CREATE ROLE regress_viflo_reader;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'rights';
SELECT viflo_revision('one', revision => 'r1', up => 'CREATE TABLE mine (id int)', down => 'DROP TABLE mine');
SELECT viflo_revision('two', revision => 'r2', up => 'CREATE FUNCTION whose() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
	down => 'DROP FUNCTION whose()');

-- who may call what
SELECT p.oid::regprocedure AS function, has_function_privilege('regress_viflo_looker', p.oid, 'EXECUTE') AS everybody
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'viflo_migrate'
ORDER BY 2 DESC, p.proname COLLATE "C", 1;
SELECT count(*) AS security_definer
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'viflo_migrate' WHERE prosecdef;

-- an error that a later part of the history may hold
INSERT INTO viflo.log (project, tenant, revision, direction, status, started_at, duration, role_name, server_version, statements, error, sqlstate)
VALUES ('rights', '', 'r1', 'up', 'failed', now(), '0', 'x', '15', 1, 'a secret row', '23505');

-- without any rights
SET ROLE regress_viflo_looker;
SELECT revision, applied FROM viflo_history();
SELECT count(*) FROM viflo_current();
SELECT revision FROM viflo_heads();
SELECT revision FROM viflo_branches();
SELECT revision, reversible FROM viflo_show('r1');
SELECT step, direction, revision FROM viflo_plan();
SELECT revision, status, error, sqlstate FROM viflo_log();
SELECT * FROM viflo_missing('{r1, r9}', '{"", ""}');
\set VERBOSITY terse
SELECT viflo_check();
\set VERBOSITY sqlstate
SELECT viflo_upgrade();
SELECT viflo_downgrade('base');
SELECT viflo_stamp('head');
SELECT viflo_stamp('{head}'::text[]);
SELECT viflo_revision('m', '');
SELECT viflo_merge();
SELECT viflo_load('');
SELECT viflo_load('{}'::text[], '{}');
SELECT viflo_script('r1');
SELECT viflo_sql('head');
SELECT viflo_record('r1', 'up');
SELECT viflo_remove('r2');
SELECT viflo_repair('r1');
SELECT * FROM viflo.revision;
SELECT * FROM viflo.applied;
DELETE FROM viflo.log;
\set VERBOSITY default
RESET ROLE;

-- who may read the table sees its errors
GRANT USAGE ON SCHEMA viflo TO regress_viflo_reader;
GRANT SELECT ON viflo.log TO regress_viflo_reader;
SET ROLE regress_viflo_reader;
SELECT revision, status, error FROM viflo_log();
RESET ROLE;
DELETE FROM viflo.log;

-- a role that may run: what it makes is its own, the tables stay closed
GRANT EXECUTE ON FUNCTION viflo_upgrade, viflo_downgrade TO regress_viflo_migrator;
SET ROLE regress_viflo_migrator;
SELECT revision FROM viflo_upgrade();
RESET ROLE;
SELECT revision, applied FROM viflo_history();
CREATE SCHEMA regress_viflo_rights AUTHORIZATION regress_viflo_migrator;
SET search_path = regress_viflo_rights, public;
SET ROLE regress_viflo_migrator;
SELECT revision FROM viflo_upgrade('r1');
SELECT revision, applied_by FROM viflo_current();
SELECT revision, role_name FROM viflo_log();
SELECT relowner::regrole FROM pg_class WHERE oid = 'mine'::regclass;
\set VERBOSITY sqlstate
SELECT * FROM viflo.applied;
\set VERBOSITY default
RESET ROLE;

-- through a function that runs as its owner
CREATE FUNCTION migrate() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
	AS $$ SELECT revision FROM viflo_upgrade() $$;
ALTER FUNCTION migrate() OWNER TO regress_viflo_migrator;
GRANT USAGE ON SCHEMA regress_viflo_rights TO regress_viflo_looker;
SET ROLE regress_viflo_looker;
SELECT migrate();
SELECT revision, applied_by FROM viflo_current();
RESET ROLE;
SELECT proowner::regrole FROM pg_proc WHERE oid = 'whose()'::regprocedure;

-- a script there cannot become somebody else
SELECT viflo_revision('three', revision => 'r3', up => 'SELECT 1; SET ROLE regress_viflo_reader', down => '');
SET ROLE regress_viflo_looker;
SELECT migrate();
RESET ROLE;

-- elsewhere it can, for its own length, and the caller is the one on record
SELECT viflo_load(replace(viflo_script('r3'), 'SELECT 1;', 'CREATE TABLE before_role ();'));
GRANT ALL ON SCHEMA regress_viflo_rights TO regress_viflo_reader;
SELECT viflo_load(replace(viflo_script('r3'), 'regress_viflo_reader', 'regress_viflo_reader; CREATE TABLE as_role ()'));
SELECT revision FROM viflo_upgrade();
SELECT relname, relowner::regrole = current_user::regrole AS caller FROM pg_class WHERE relname IN ('before_role', 'as_role') ORDER BY 1;
SELECT revision, role_name = current_user AS caller FROM viflo_log() WHERE revision = 'r3';

DROP EXTENSION viflo_migrate;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_viflo_rights CASCADE;
DROP ROLE regress_viflo_looker, regress_viflo_migrator, regress_viflo_reader;
