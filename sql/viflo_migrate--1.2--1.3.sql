/* sql/viflo_migrate--1.2--1.3.sql */

\echo Use "ALTER EXTENSION viflo_migrate UPDATE TO '1.3'" to load this file. \quit

/* Repeatable revisions, and late ones */

ALTER TABLE viflo.revision ADD COLUMN repeatable text COLLATE "C";

COMMENT ON COLUMN viflo.revision.repeatable IS 'runs again: yes (when its text has changed), with others, always, or first (always, before all others)';
COMMENT ON COLUMN viflo.applied.checksum IS 'checksum of the revision''s text when it was last applied';

COMMENT ON FUNCTION viflo_remove(text, text) IS
'forgets a revision that is applied nowhere, or is repeatable, and that no other stands on';

CREATE FUNCTION viflo_pending(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, message text, late boolean, repeatable boolean)
AS 'MODULE_PATHNAME', 'viflo_pending' LANGUAGE C;

COMMENT ON FUNCTION viflo_pending(text, text) IS
'what waits to be applied, in the order in which an upgrade to heads runs it; late: revisions that follow it are applied';

/*
 * Tenants: the same project applied in many schemas of one database.
 *
 * Whatever depends on what is applied gets a last argument, which makes it
 * another function.  Privileges on the former ones go with them; were they
 * given anew here, they would count as the extension's own, and pg_dump would
 * leave them out.
 */

DO $$
DECLARE
	statements text;
BEGIN
	WITH former (signature) AS (VALUES
		('viflo_upgrade(text,text)'), ('viflo_downgrade(text,text)'), ('viflo_deploy(text,text)'),
		('viflo_revert(text,text)'), ('viflo_deploy_async(text,text)'), ('viflo_revert_async(text,text)'),
		('viflo_stamp(text,boolean,text)'), ('viflo_stamp(text[],boolean,text)'), ('viflo_plan(text,text)'),
		('viflo_sql(text,text)'), ('viflo_record(text,text,timestamptz,integer,text)'), ('viflo_repair(text,text)'),
		('viflo_current(text)'), ('viflo_heads(text)'), ('viflo_branches(text)'), ('viflo_history(text,text)'),
		('viflo_show(text,text)'), ('viflo_log(text)'), ('viflo_unfinished(text)'), ('viflo_check(text)'),
		('viflo.settled(text,text,text,text)'), ('viflo.settle(text,text,text)')
	), privilege AS (
		SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END
				|| pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(proname)
				|| '(' || pg_catalog.oidvectortypes(proargtypes) || ', text)' AS routine,
			COALESCE(proacl, pg_catalog.acldefault('f', proowner)) AS now,
			COALESCE(initprivs, pg_catalog.acldefault('f', proowner)) AS initial
		FROM former
		JOIN pg_catalog.pg_proc p ON p.oid = pg_catalog.to_regprocedure(
			CASE WHEN signature LIKE 'viflo.%' THEN '' ELSE '@extschema@.' END || signature)
		JOIN pg_catalog.pg_namespace n ON n.oid = pronamespace
		LEFT JOIN pg_catalog.pg_init_privs i ON objoid = p.oid AND classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
	), difference AS (
		(SELECT routine, 'GRANT' AS verb, grantee, is_grantable FROM privilege, pg_catalog.aclexplode(now)
		 EXCEPT SELECT routine, 'GRANT', grantee, is_grantable FROM privilege, pg_catalog.aclexplode(initial))
		UNION ALL
		(SELECT routine, 'REVOKE', grantee, false FROM privilege, pg_catalog.aclexplode(initial)
		 EXCEPT SELECT routine, 'REVOKE', grantee, false FROM privilege, pg_catalog.aclexplode(now))
	)
	SELECT pg_catalog.string_agg(pg_catalog.concat(verb, ' EXECUTE ON ', routine,
		CASE verb WHEN 'GRANT' THEN ' TO ' ELSE ' FROM ' END,
		CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END,
		CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END, ';'), E'\n' ORDER BY routine, verb, grantee)
	INTO statements FROM difference;
	IF statements IS NOT NULL THEN
		RAISE WARNING 'privileges on functions of extension "viflo_migrate" have to be granted again'
			USING DETAIL = statements, HINT = 'Run these statements now.';
	END IF;
END
$$;

DROP FUNCTION viflo_upgrade(text, text);

CREATE FUNCTION viflo_upgrade(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, duration interval)
AS 'MODULE_PATHNAME', 'viflo_upgrade' LANGUAGE C;

COMMENT ON FUNCTION viflo_upgrade(text, text, text) IS
'applies what is missing up to target, in the caller''s transaction; a row for each step, none when there is nothing to do';

DROP FUNCTION viflo_downgrade(text, text);

CREATE FUNCTION viflo_downgrade(target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, duration interval)
AS 'MODULE_PATHNAME', 'viflo_downgrade' LANGUAGE C;

COMMENT ON FUNCTION viflo_downgrade(text, text, text) IS
'takes back what is applied beyond target, in the caller''s transaction; a row for each step';

DROP PROCEDURE viflo_deploy(text, text);

CREATE PROCEDURE viflo_deploy(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'viflo_deploy' LANGUAGE C;

COMMENT ON PROCEDURE viflo_deploy(text, text, text) IS
'applies what is missing up to target, online: commits after each revision, bounds every lock wait, runs outside a transaction what has to';

DROP PROCEDURE viflo_revert(text, text);

CREATE PROCEDURE viflo_revert(target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'viflo_revert' LANGUAGE C;

COMMENT ON PROCEDURE viflo_revert(text, text, text) IS
'takes back what is applied beyond target, online: commits after each revision, bounds every lock wait, runs outside a transaction what has to';

DROP FUNCTION viflo_deploy_async(text, text);

CREATE FUNCTION viflo_deploy_async(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'viflo_deploy_async' LANGUAGE C;

COMMENT ON FUNCTION viflo_deploy_async(text, text, text) IS
'starts viflo_deploy(target) in the background once the caller''s transaction commits, and gives the job''s id';

DROP FUNCTION viflo_revert_async(text, text);

CREATE FUNCTION viflo_revert_async(target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'viflo_revert_async' LANGUAGE C;

COMMENT ON FUNCTION viflo_revert_async(text, text, text) IS
'starts viflo_revert(target) in the background once the caller''s transaction commits, and gives the job''s id';

DROP FUNCTION viflo_stamp(text, boolean, text);

CREATE FUNCTION viflo_stamp(target text, purge boolean DEFAULT false, project text DEFAULT NULL,
	tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_stamp' LANGUAGE C;

COMMENT ON FUNCTION viflo_stamp(text, boolean, text, text) IS
'records that the database is at target without running anything; purge forgets what it was at';

DROP FUNCTION viflo_stamp(text[], boolean, text);

CREATE FUNCTION viflo_stamp(targets text[], purge boolean DEFAULT false, project text DEFAULT NULL,
	tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_stamp_many' LANGUAGE C;

COMMENT ON FUNCTION viflo_stamp(text[], boolean, text, text) IS
'records that the database is at all of targets without running anything';

DROP FUNCTION viflo_plan(text, text);

CREATE FUNCTION viflo_plan(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_plan' LANGUAGE C;

COMMENT ON FUNCTION viflo_plan(text, text, text) IS
'what viflo_upgrade(target) would run or, for a target below what is applied, viflo_downgrade(target)';

DROP FUNCTION viflo_sql(text, text);

CREATE FUNCTION viflo_sql(range text DEFAULT 'heads', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_sql' LANGUAGE C;

COMMENT ON FUNCTION viflo_sql(text, text, text) IS
'an offline script for psql -1, from a to b for a range a:b, else from base: runs the revisions and leaves the same history';

DROP FUNCTION viflo_record(text, text, timestamptz, int, text);

CREATE FUNCTION viflo_record(revision text, direction text, started timestamptz DEFAULT NULL,
	statements int DEFAULT 0, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS timestamptz
AS 'MODULE_PATHNAME', 'viflo_record' LANGUAGE C;

COMMENT ON FUNCTION viflo_record(text, text, timestamptz, int, text, text) IS
'for scripts made by viflo_sql(): without started checks that the step fits the database and gives the time; with it records the step as run';

DROP FUNCTION viflo_repair(text, text);

CREATE FUNCTION viflo_repair(revision text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_repair' LANGUAGE C;

COMMENT ON FUNCTION viflo_repair(text, text, text) IS
'takes the registered text of an applied revision for what was applied, for all tenants where none is given, and forgets that a revision was left half done';

DROP FUNCTION viflo_current(text);

CREATE FUNCTION viflo_current(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, is_head boolean, message text, applied_at timestamptz, applied_by text)
AS 'MODULE_PATHNAME', 'viflo_current' LANGUAGE C;

COMMENT ON FUNCTION viflo_current(text, text) IS
'where the database stands: applied revisions that no applied revision follows';

DROP FUNCTION viflo_heads(text);

CREATE FUNCTION viflo_heads(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_heads' LANGUAGE C;

COMMENT ON FUNCTION viflo_heads(text, text) IS 'revisions that no other follows';

DROP FUNCTION viflo_branches(text);

CREATE FUNCTION viflo_branches(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_branches' LANGUAGE C;

COMMENT ON FUNCTION viflo_branches(text, text) IS 'revisions that several others follow';

DROP FUNCTION viflo_history(text, text);

CREATE FUNCTION viflo_history(range text DEFAULT 'base:heads', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_history' LANGUAGE C;

COMMENT ON FUNCTION viflo_history(text, text, text) IS 'revisions of a range, newest first';

DROP FUNCTION viflo_show(text, text);

CREATE FUNCTION viflo_show(INOUT revision text, project text DEFAULT NULL, tenant text DEFAULT NULL,
	OUT down_revision text[], OUT depends_on text[], OUT branch_labels text[], OUT message text,
	OUT is_head boolean, OUT is_branch_point boolean, OUT is_merge_point boolean, OUT is_current boolean,
	OUT applied boolean, OUT transactional boolean, OUT reversible boolean, OUT bundled boolean,
	OUT checksum text, OUT applied_checksum text, OUT applied_at timestamptz, OUT applied_by text,
	OUT source text, OUT repeatable text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_show' LANGUAGE C;

COMMENT ON FUNCTION viflo_show(text, text, text) IS 'all about one revision but its text';

DROP FUNCTION viflo_log(text);

CREATE FUNCTION viflo_log(OUT id bigint, INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT status text, OUT started_at timestamptz, OUT duration interval, OUT role_name text,
	OUT application_name text, OUT client_addr inet, OUT server_version text, OUT checksum text,
	OUT statements int, OUT error text, OUT sqlstate text, OUT pid int, OUT transactional boolean,
	OUT attempts int, OUT detail text, INOUT tenant text DEFAULT NULL)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_log' LANGUAGE C;

COMMENT ON FUNCTION viflo_log(text, text) IS
'history: a row for each step that ran or failed, oldest first, of all tenants where tenant is null; error texts and details are for roles that may read viflo.log';

DROP FUNCTION viflo_unfinished(text);

CREATE FUNCTION viflo_unfinished(INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT started_at timestamptz, OUT statements int, OUT backfill_rows bigint, OUT detail text,
	INOUT tenant text DEFAULT NULL)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_unfinished' LANGUAGE C;

COMMENT ON FUNCTION viflo_unfinished(text, text) IS
'steps that are begun and not done, of all tenants where tenant is null, with the number of statements and of rows that are committed; viflo_deploy() and viflo_revert() resume them';

DROP FUNCTION viflo_check(text);

CREATE FUNCTION viflo_check(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_check' LANGUAGE C;

COMMENT ON FUNCTION viflo_check(text, text) IS
'raises an error when the database is behind, has several heads, or holds a changed or missing revision';

DROP FUNCTION viflo.settled(text, text, text, text);

CREATE FUNCTION viflo.settled(manifest text, target text, project text, default_project text,
	tenant text DEFAULT NULL, OUT settled boolean, OUT in_project text, OUT in_schema text, OUT reads_log boolean)
AS 'MODULE_PATHNAME', 'viflo_settled' LANGUAGE C;

COMMENT ON FUNCTION viflo.settled(text, text, text, text, text) IS
'was nothing left to load and to do when a client settled with this manifest, and has nothing changed since? default_project is for a database without setting viflo_migrate.project; also for the client''s next questions: the project, the extension''s schema, and whether the caller may read viflo.log';

DROP FUNCTION viflo.settle(text, text, text);

CREATE FUNCTION viflo.settle(manifest text, target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'viflo_settle' LANGUAGE C;

COMMENT ON FUNCTION viflo.settle(text, text, text, text) IS
'notes, for viflo.settled(), that nothing is left to do for a client with this manifest; false where it cannot be noted';

CREATE FUNCTION viflo_tenants(pattern text DEFAULT '%', target text DEFAULT 'head', project text DEFAULT NULL)
RETURNS TABLE (tenant text, current text[], pending int, late int, missing int, changed int, unfinished int,
	steps int)
AS 'MODULE_PATHNAME', 'viflo_tenants' LANGUAGE C;

COMMENT ON FUNCTION viflo_tenants(text, text, text) IS
'a row for each schema whose name is LIKE pattern: where it stands as a tenant, how much of target is not applied, and how many steps viflo_upgrade(target) would run; the server''s and the extension''s own schemas only by their exact name';

/* The views keep their place, and what was granted on them. */

ALTER FUNCTION viflo.running() RENAME TO former_running;

CREATE FUNCTION viflo.running(OUT pid int, OUT worker_pid int, OUT job bigint, OUT project text, OUT command text,
	OUT phase text, OUT revision text, OUT direction text, OUT step int, OUT of int, OUT statement int,
	OUT statement_of int, OUT line int, OUT attempt int, OUT rows_done bigint, OUT rows_total bigint,
	OUT waiting_for text, OUT started timestamptz, OUT last_change timestamptz, OUT tenant text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_running' LANGUAGE C;

COMMENT ON FUNCTION viflo.running() IS 'the runs that are under way in this database, for view viflo.progress';

CREATE OR REPLACE VIEW viflo.progress AS
SELECT r.pid, r.worker_pid, r.job, r.project, r.command, r.phase, r.revision, r.direction, r.step, r.of,
	r.statement, r.statement_of, r.line, r.attempt, r.rows_done, r.rows_total, r.waiting_for, r.started,
	r.last_change, i.index_relid::pg_catalog.regclass AS index, i.phase AS index_phase, i.blocks_done,
	i.blocks_total, i.tuples_done, i.tuples_total, r.tenant
FROM viflo.running() AS r
LEFT JOIN pg_catalog.pg_stat_progress_create_index AS i
	ON i.pid OPERATOR(pg_catalog.=) COALESCE(r.worker_pid, r.pid);

ALTER FUNCTION viflo.job_list() RENAME TO former_job_list;

CREATE FUNCTION viflo.job_list(OUT id bigint, OUT project text, OUT direction text, OUT target text, OUT state text,
	OUT role_name text, OUT pid int, OUT created_at timestamptz, OUT started_at timestamptz,
	OUT ended_at timestamptz, OUT done int, OUT steps int, OUT error text, OUT sqlstate text, OUT tenant text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_job_list' LANGUAGE C;

COMMENT ON FUNCTION viflo.job_list() IS 'all jobs, for view viflo.jobs';

CREATE OR REPLACE VIEW viflo.jobs AS
SELECT j.id, j.project, j.direction, j.target, j.state, j.role_name, j.pid, j.created_at, j.started_at, j.ended_at,
	j.done, j.steps, p.phase, p.revision, p.statement, p.statement_of, p.waiting_for, j.error, j.sqlstate,
	j.tenant
FROM viflo.job_list() AS j
LEFT JOIN viflo.running() AS p ON p.job OPERATOR(pg_catalog.=) j.id;

DROP FUNCTION viflo.former_running(), viflo.former_job_list();

REVOKE ALL ON PROCEDURE viflo_deploy(text, text, text), viflo_revert(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION
	viflo_upgrade(text, text, text),
	viflo_downgrade(text, text, text),
	viflo_deploy_async(text, text, text),
	viflo_revert_async(text, text, text),
	viflo_stamp(text, boolean, text, text),
	viflo_stamp(text[], boolean, text, text),
	viflo_sql(text, text, text),
	viflo_record(text, text, timestamptz, int, text, text),
	viflo_repair(text, text, text),
	viflo.settle(text, text, text, text)
FROM PUBLIC;

/* Taking over another tool's history */

CREATE FUNCTION viflo_adopt(revisions text[], applied_at timestamptz[] DEFAULT NULL, applied_by text[] DEFAULT NULL,
	source text DEFAULT NULL, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS int
AS 'MODULE_PATHNAME', 'viflo_adopt' LANGUAGE C;

COMMENT ON FUNCTION viflo_adopt(text[], timestamptz[], text[], text, text, text) IS
'records exactly these revisions as applied, when and by whom another tool did it, without running anything; gives the number of those that were not applied yet';

REVOKE ALL ON FUNCTION viflo_adopt(text[], timestamptz[], text[], text, text, text) FROM PUBLIC;
