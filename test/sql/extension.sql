-- What CREATE EXTENSION brings, and that the three lines of the README work.
CREATE EXTENSION viflo_migrate;
SELECT extversion FROM pg_extension WHERE extname = 'viflo_migrate';

-- nothing is applied yet, and the bundled revision waits
SELECT revision, message, applied, transactional FROM viflo_history();
SELECT count(*) FROM viflo_current();
SELECT step, direction, revision, message, transactional FROM viflo_plan();
SELECT step, direction, revision, message, duration >= '0' AS timed FROM viflo_upgrade('head');
SELECT * FROM viflo_upgrade('head');
SELECT revision, is_head, message, applied_by = current_user AS by_me FROM viflo_current();
SELECT column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_name = 'projects' ORDER BY ordinal_position;
SELECT indexdef FROM pg_indexes WHERE tablename = 'projects' ORDER BY 1;
INSERT INTO projects (name) VALUES ('one') RETURNING name, id IS NOT NULL AS has_id, created_at = now() AS now;
SELECT viflo_check();

-- projects is the user's, not the extension's
SELECT count(*) FROM pg_depend
WHERE classid = 'pg_class'::regclass AND objid = 'projects'::regclass AND deptype = 'e';

-- down and up again
SELECT step, direction, revision FROM viflo_downgrade('base');
SELECT to_regclass('projects');
SELECT step, direction, revision FROM viflo_upgrade();
SELECT direction, status, role_name = current_user AS by_me, statements, length(checksum) AS checksum,
       error, sqlstate, server_version = current_setting('server_version') AS version
FROM viflo_log() ORDER BY id;

-- a member is not left out of COMMENTs
SELECT p.proname FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'viflo_migrate'
WHERE obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.relname FROM pg_class c
WHERE relnamespace = 'viflo'::regnamespace AND relkind IN ('r', 'v', 'S') AND obj_description(c.oid, 'pg_class') IS NULL;

-- settings exist, by SHOW
SHOW viflo_migrate.project;
SHOW viflo_migrate.lock_wait;
SHOW viflo_migrate.lock_timeout;
SHOW viflo_migrate.statement_timeout;
SHOW viflo_migrate.log_level;
SHOW viflo_migrate.late;
SET viflo_migrate.unknown = 1;

-- DROP EXTENSION leaves what migrations made
DROP EXTENSION viflo_migrate;
SELECT name FROM projects;
DROP TABLE projects;

-- another schema, and an old version that is updated
CREATE SCHEMA ops;
CREATE EXTENSION viflo_migrate SCHEMA ops VERSION '1.0';
SELECT count(*) FROM ops.viflo_history();
ALTER EXTENSION viflo_migrate UPDATE;
SELECT revision FROM ops.viflo_history();
SELECT revision FROM ops.viflo_upgrade();
SELECT revision FROM ops.viflo_downgrade('base');
DROP EXTENSION viflo_migrate;

-- an older version with this module goes on as it was, and has no tenants
CREATE EXTENSION viflo_migrate SCHEMA ops VERSION '1.2';
SELECT ops.viflo_revision('old', 'CREATE TABLE old ()', 'DROP TABLE old', revision => 'old', project => 'old');
SELECT revision FROM ops.viflo_plan(project => 'old');
CALL ops.viflo_deploy(project => 'old');
SELECT project, revision, attempts, detail FROM ops.viflo_log('old');
SELECT revision, applied FROM ops.viflo_show('old', 'old');
SELECT * FROM ops.viflo_unfinished('old');
SELECT count(*) FROM viflo.progress;
SELECT count(*) FROM viflo.jobs;
SELECT viflo.settle('m', 'head', 'old'), viflo.settled('m', 'head', 'old', NULL);
SELECT ops.viflo_repair('old', 'old'), ops.viflo_check('old');
SELECT direction FROM ops.viflo_downgrade('base', 'old');
-- and an update says which privileges are to be granted again
CREATE ROLE "regress_viflo,deployer";
GRANT EXECUTE ON FUNCTION ops.viflo_upgrade TO "regress_viflo,deployer" WITH GRANT OPTION;
GRANT EXECUTE ON PROCEDURE ops.viflo_deploy TO "regress_viflo,deployer";
GRANT EXECUTE ON FUNCTION ops.viflo_load(text[], text[], boolean, text) TO "regress_viflo,deployer";
GRANT SELECT ON viflo.jobs TO "regress_viflo,deployer";
REVOKE EXECUTE ON FUNCTION ops.viflo_log FROM PUBLIC;
ALTER EXTENSION viflo_migrate UPDATE TO '1.3';
SELECT p.oid::regprocedure, a.grantee::regrole, is_grantable FROM pg_proc p, aclexplode(proacl) a
WHERE proname LIKE 'viflo%' AND grantee = '"regress_viflo,deployer"'::regrole ORDER BY 1::text;
SELECT has_table_privilege('regress_viflo,deployer', 'viflo.jobs', 'SELECT');
SELECT revision, tenant FROM ops.viflo_log('old');
DROP EXTENSION viflo_migrate;
DROP ROLE "regress_viflo,deployer";
DROP SCHEMA ops;
