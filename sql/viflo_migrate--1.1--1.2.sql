/* sql/viflo_migrate--1.1--1.2.sql */

\echo Use "ALTER EXTENSION viflo_migrate UPDATE TO '1.2'" to load this file. \quit

/* History: what an online run has to tell beside. */

ALTER TABLE viflo.log
	ADD COLUMN pid integer,
	ADD COLUMN transactional boolean,
	ADD COLUMN attempts integer,
	ADD COLUMN detail text;

COMMENT ON TABLE viflo.log IS 'history: one row for every step that ran, and for every step of an online run that failed';
COMMENT ON COLUMN viflo.log.pid IS 'process of the session that asked for the run';
COMMENT ON COLUMN viflo.log.transactional IS 'the step ran inside one transaction';
COMMENT ON COLUMN viflo.log.attempts IS 'how often it was tried until it ended';
COMMENT ON COLUMN viflo.log.detail IS 'what was out of the ordinary: resumed, tried again, blocked by whom';

/*
 * A step that does not fit in one transaction commits how far it is.  The row
 * is there from before its first statement until it is done, in whatever way
 * it was cut off meanwhile.
 */
CREATE TABLE viflo.unfinished (
	project text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	revision text COLLATE "C" NOT NULL,
	direction text COLLATE "C" NOT NULL,
	started_at timestamptz NOT NULL,
	statements integer NOT NULL,
	digest text COLLATE "C" NOT NULL,
	running integer NOT NULL,
	created text[] NOT NULL,
	replaced text[] NOT NULL,
	section_done boolean NOT NULL,
	backfill_key text,
	backfill_rows bigint NOT NULL,
	attempts integer NOT NULL,
	detail text,
	backfill_of text,
	CONSTRAINT unfinished_pkey PRIMARY KEY (project, tenant, revision)
) USING heap;

COMMENT ON TABLE viflo.unfinished IS 'steps that were begun outside of one transaction and are not done yet, one row each';
COMMENT ON COLUMN viflo.unfinished.statements IS 'number of the last statement that is done and committed';
COMMENT ON COLUMN viflo.unfinished.digest IS 'chain of SHA-256 over the statements up to that one, hexadecimal';
COMMENT ON COLUMN viflo.unfinished.running IS 'number of the statement that was begun, 0 for none';
COMMENT ON COLUMN viflo.unfinished.created IS 'indexes that it made, as OID, space, qualified name';
COMMENT ON COLUMN viflo.unfinished.replaced IS 'indexes that it set out to replace, likewise';
COMMENT ON COLUMN viflo.unfinished.section_done IS 'only the backfill is left to do';
COMMENT ON COLUMN viflo.unfinished.backfill_key IS 'last key of the last range that is done, as text';
COMMENT ON COLUMN viflo.unfinished.backfill_rows IS 'rows that the backfill has changed';
COMMENT ON COLUMN viflo.unfinished.backfill_of IS 'schema, table and column that the key belongs to';

SELECT pg_catalog.pg_extension_config_dump('viflo.unfinished', '');

/* Jobs: runs that go on without the session that asked for them. */

CREATE SEQUENCE viflo.job_id_seq;

CREATE TABLE viflo.job (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('viflo.job_id_seq'::pg_catalog.regclass),
	project text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	direction text COLLATE "C" NOT NULL,
	target text NOT NULL,
	state text COLLATE "C" NOT NULL,
	role_name text NOT NULL,
	pid integer,
	created_at timestamptz NOT NULL,
	started_at timestamptz,
	ended_at timestamptz,
	done integer NOT NULL,
	steps integer,
	error text,
	sqlstate text COLLATE "C",
	CONSTRAINT job_pkey PRIMARY KEY (id)
) USING heap;

ALTER SEQUENCE viflo.job_id_seq OWNED BY viflo.job.id;

COMMENT ON TABLE viflo.job IS 'runs in the background, one row each; view viflo.jobs shows which of them are alive';
COMMENT ON COLUMN viflo.job.state IS 'queued, running, done, failed or cancelled';
COMMENT ON COLUMN viflo.job.done IS 'steps that are committed';
COMMENT ON SEQUENCE viflo.job_id_seq IS 'numbers rows of viflo.job';

SELECT pg_catalog.pg_extension_config_dump('viflo.job', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.job_id_seq', '');

/* Running online */

CREATE PROCEDURE viflo_deploy(target text DEFAULT 'head', project text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'viflo_deploy' LANGUAGE C;

COMMENT ON PROCEDURE viflo_deploy(text, text) IS
'applies what is missing up to target, online: commits after each revision, bounds every lock wait, runs outside a transaction what has to';

CREATE PROCEDURE viflo_revert(target text, project text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'viflo_revert' LANGUAGE C;

COMMENT ON PROCEDURE viflo_revert(text, text) IS
'takes back what is applied beyond target, online: commits after each revision, bounds every lock wait, runs outside a transaction what has to';

CREATE FUNCTION viflo_deploy_async(target text DEFAULT 'head', project text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'viflo_deploy_async' LANGUAGE C;

COMMENT ON FUNCTION viflo_deploy_async(text, text) IS
'starts viflo_deploy(target) in the background once the caller''s transaction commits, and gives the job''s id';

CREATE FUNCTION viflo_revert_async(target text, project text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'viflo_revert_async' LANGUAGE C;

COMMENT ON FUNCTION viflo_revert_async(text, text) IS
'starts viflo_revert(target) in the background once the caller''s transaction commits, and gives the job''s id';

CREATE FUNCTION viflo_wait(job bigint, timeout interval DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_wait' LANGUAGE C;

COMMENT ON FUNCTION viflo_wait(bigint, interval) IS
'waits for the end of a job, for timeout at most, and gives its state; returns early where the job would have to wait for this very query';

CREATE FUNCTION viflo_cancel(job bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'viflo_cancel' LANGUAGE C;

COMMENT ON FUNCTION viflo_cancel(bigint) IS
'cancels a job, which rolls back what it has not committed; false when it had ended before';

COMMENT ON FUNCTION viflo_repair(text, text) IS
'takes the registered text of an applied revision for what was applied, and forgets that a revision was left half done';

/* Looking */

DROP FUNCTION viflo_log(text);

CREATE FUNCTION viflo_log(OUT id bigint, INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT status text, OUT started_at timestamptz, OUT duration interval, OUT role_name text,
	OUT application_name text, OUT client_addr inet, OUT server_version text, OUT checksum text,
	OUT statements int, OUT error text, OUT sqlstate text, OUT pid int, OUT transactional boolean,
	OUT attempts int, OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_log' LANGUAGE C;

COMMENT ON FUNCTION viflo_log(text) IS
'history: a row for each step that ran or failed, oldest first; error texts and details are for roles that may read viflo.log';

CREATE FUNCTION viflo_unfinished(INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT started_at timestamptz, OUT statements int, OUT backfill_rows bigint, OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_unfinished' LANGUAGE C;

COMMENT ON FUNCTION viflo_unfinished(text) IS
'steps that are begun and not done, with the number of statements and of rows that are committed; viflo_deploy() and viflo_revert() resume them';

CREATE FUNCTION viflo.running(OUT pid int, OUT worker_pid int, OUT job bigint, OUT project text, OUT command text,
	OUT phase text, OUT revision text, OUT direction text, OUT step int, OUT of int, OUT statement int,
	OUT statement_of int, OUT line int, OUT attempt int, OUT rows_done bigint, OUT rows_total bigint,
	OUT waiting_for text, OUT started timestamptz, OUT last_change timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_running' LANGUAGE C;

COMMENT ON FUNCTION viflo.running() IS 'the runs that are under way in this database, for view viflo.progress';

CREATE VIEW viflo.progress AS
SELECT r.pid, r.worker_pid, r.job, r.project, r.command, r.phase, r.revision, r.direction, r.step, r.of,
	r.statement, r.statement_of, r.line, r.attempt, r.rows_done, r.rows_total, r.waiting_for, r.started,
	r.last_change, i.index_relid::pg_catalog.regclass AS index, i.phase AS index_phase, i.blocks_done,
	i.blocks_total, i.tuples_done, i.tuples_total
FROM viflo.running() AS r
LEFT JOIN pg_catalog.pg_stat_progress_create_index AS i
	ON i.pid OPERATOR(pg_catalog.=) COALESCE(r.worker_pid, r.pid);

COMMENT ON VIEW viflo.progress IS 'the runs that are under way in this database, one row each';
COMMENT ON COLUMN viflo.progress.of IS 'number of steps';
COMMENT ON COLUMN viflo.progress.statement_of IS 'number of statements of the step';
COMMENT ON COLUMN viflo.progress.line IS 'line of the statement in its file or script';
COMMENT ON COLUMN viflo.progress.waiting_for IS 'what the run waits for: the processes that hold it up, or a pause';
COMMENT ON COLUMN viflo.progress.last_change IS 'when the run last reported anything';

CREATE FUNCTION viflo.job_list(OUT id bigint, OUT project text, OUT direction text, OUT target text, OUT state text,
	OUT role_name text, OUT pid int, OUT created_at timestamptz, OUT started_at timestamptz,
	OUT ended_at timestamptz, OUT done int, OUT steps int, OUT error text, OUT sqlstate text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_job_list' LANGUAGE C;

COMMENT ON FUNCTION viflo.job_list() IS 'all jobs, for view viflo.jobs';

CREATE VIEW viflo.jobs AS
SELECT j.id, j.project, j.direction, j.target, j.state, j.role_name, j.pid, j.created_at, j.started_at, j.ended_at,
	j.done, j.steps, p.phase, p.revision, p.statement, p.statement_of, p.waiting_for, j.error, j.sqlstate
FROM viflo.job_list() AS j
LEFT JOIN viflo.running() AS p ON p.job OPERATOR(pg_catalog.=) j.id;

COMMENT ON VIEW viflo.jobs IS 'runs in the background: state, progress, error';
COMMENT ON COLUMN viflo.jobs.state IS 'queued, running, done, failed, cancelled, or interrupted: its process is gone without having said how it ended';

GRANT SELECT ON viflo.progress, viflo.jobs TO PUBLIC;

REVOKE ALL ON PROCEDURE viflo_deploy(text, text), viflo_revert(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION
	viflo_deploy_async(text, text),
	viflo_revert_async(text, text),
	viflo_wait(bigint, interval),
	viflo_cancel(bigint)
FROM PUBLIC;
