/* sql/viflo_migrate--1.3.sql */

\echo Use "CREATE EXTENSION viflo_migrate" to load this file. \quit

/*
 * What version 1.0 and its updates come to, in two thirds of their time, which a
 * fleet of small databases notices.  A test compares the two.
 *
 * Tables.  All of them belong to the extension, and their rows to the user:
 * pg_dump takes the rows along.  Identifiers compare by their bytes
 * (COLLATE "C"), so that no change of locale can corrupt an index here.
 * The C code reads and writes these tables by column number: later versions
 * may only append columns.
 */

CREATE SCHEMA viflo;

COMMENT ON SCHEMA viflo IS 'tables of extension viflo_migrate; use its functions to change them';

CREATE TABLE viflo.revision (
	project text COLLATE "C" NOT NULL,
	revision text COLLATE "C" NOT NULL,
	position bigint NOT NULL,
	message text NOT NULL,
	down_revision text[] NOT NULL,
	depends_on text[] NOT NULL,
	branch_labels text[] NOT NULL,
	transactional boolean NOT NULL,
	down_transactional boolean NOT NULL,
	reversible boolean NOT NULL,
	bundled boolean NOT NULL,
	checksum text COLLATE "C" NOT NULL,
	digest text COLLATE "C" NOT NULL,
	source text,
	loaded_at timestamptz NOT NULL,
	script text NOT NULL,
	repeatable text COLLATE "C",
	CONSTRAINT revision_pkey PRIMARY KEY (project, revision)
) USING heap;

COMMENT ON TABLE viflo.revision IS 'registered revisions, one row each';
COMMENT ON COLUMN viflo.revision.position IS 'load order within the project; decides ties in the graph';
COMMENT ON COLUMN viflo.revision.transactional IS 'up can run inside a transaction';
COMMENT ON COLUMN viflo.revision.down_transactional IS 'down can run inside a transaction';
COMMENT ON COLUMN viflo.revision.reversible IS 'has a down section';
COMMENT ON COLUMN viflo.revision.bundled IS 'delivered by the extension''s own scripts, hence not dumped';
COMMENT ON COLUMN viflo.revision.checksum IS 'SHA-256 of the up and down sections, hexadecimal';
COMMENT ON COLUMN viflo.revision.digest IS 'SHA-256 of script, hexadecimal';
COMMENT ON COLUMN viflo.revision.script IS 'the revision''s text as it was loaded';
COMMENT ON COLUMN viflo.revision.repeatable IS 'runs again: yes (when its text has changed), with others, always, or first (always, before all others)';

CREATE TABLE viflo.applied (
	project text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	revision text COLLATE "C" NOT NULL,
	checksum text COLLATE "C" NOT NULL,
	applied_at timestamptz NOT NULL,
	applied_by text NOT NULL,
	CONSTRAINT applied_pkey PRIMARY KEY (project, tenant, revision)
) USING heap;

COMMENT ON TABLE viflo.applied IS 'revisions that are applied now, one row each';
COMMENT ON COLUMN viflo.applied.tenant IS 'schema that the project was applied to, empty for none in particular';
COMMENT ON COLUMN viflo.applied.checksum IS 'checksum of the revision''s text when it was last applied';

CREATE SEQUENCE viflo.log_id_seq;

CREATE TABLE viflo.log (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('viflo.log_id_seq'::pg_catalog.regclass),
	project text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	revision text COLLATE "C" NOT NULL,
	direction text COLLATE "C" NOT NULL,
	status text COLLATE "C" NOT NULL,
	started_at timestamptz NOT NULL,
	duration interval NOT NULL,
	role_name text NOT NULL,
	application_name text,
	client_addr inet,
	server_version text NOT NULL,
	checksum text COLLATE "C",
	statements integer NOT NULL,
	error text,
	sqlstate text COLLATE "C",
	pid integer,
	transactional boolean,
	attempts integer,
	detail text,
	CONSTRAINT log_pkey PRIMARY KEY (id)
) USING heap;

ALTER SEQUENCE viflo.log_id_seq OWNED BY viflo.log.id;

COMMENT ON TABLE viflo.log IS 'history: one row for every step that ran, and for every step of an online run that failed';
COMMENT ON COLUMN viflo.log.direction IS 'up, down, stamp or unstamp';
COMMENT ON COLUMN viflo.log.status IS 'done or failed';
COMMENT ON COLUMN viflo.log.pid IS 'process of the session that asked for the run';
COMMENT ON COLUMN viflo.log.transactional IS 'the step ran inside one transaction';
COMMENT ON COLUMN viflo.log.attempts IS 'how often it was tried until it ended';
COMMENT ON COLUMN viflo.log.detail IS 'what was out of the ordinary: resumed, tried again, blocked by whom';
COMMENT ON SEQUENCE viflo.log_id_seq IS 'numbers rows of viflo.log';

/* Holds nothing that could not be found out again: not dumped. */
CREATE TABLE viflo.settled (
	project text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	target text COLLATE "C" NOT NULL,
	manifest text COLLATE "C" NOT NULL,
	CONSTRAINT settled_pkey PRIMARY KEY (project, tenant, target)
) USING heap;

COMMENT ON TABLE viflo.settled IS 'what a client had when nothing was left to do; emptied by every change';
COMMENT ON COLUMN viflo.settled.manifest IS 'the client''s own digest of all that it would load';

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

SELECT pg_catalog.pg_extension_config_dump('viflo.revision', 'WHERE NOT bundled');
SELECT pg_catalog.pg_extension_config_dump('viflo.applied', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.log', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.log_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.unfinished', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.job', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.job_id_seq', '');

/*
 * Every session keeps a project's graph in memory.  The functions below tell
 * other sessions when they change it; this trigger does so for everybody
 * else: a restore, or a repair by hand.
 */
CREATE FUNCTION viflo.changed() RETURNS trigger
AS 'MODULE_PATHNAME', 'viflo_changed' LANGUAGE C;

COMMENT ON FUNCTION viflo.changed() IS 'trigger: makes every session read the changed table again';

REVOKE ALL ON FUNCTION viflo.changed() FROM PUBLIC;

CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON viflo.revision
	FOR EACH STATEMENT EXECUTE FUNCTION viflo.changed();
CREATE TRIGGER changed_row AFTER INSERT OR UPDATE OR DELETE ON viflo.revision
	FOR EACH ROW EXECUTE FUNCTION viflo.changed();
ALTER TABLE viflo.revision ENABLE ALWAYS TRIGGER changed, ENABLE ALWAYS TRIGGER changed_row;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON viflo.applied
	FOR EACH STATEMENT EXECUTE FUNCTION viflo.changed();
CREATE TRIGGER changed_row AFTER INSERT OR UPDATE OR DELETE ON viflo.applied
	FOR EACH ROW EXECUTE FUNCTION viflo.changed();
ALTER TABLE viflo.applied ENABLE ALWAYS TRIGGER changed, ENABLE ALWAYS TRIGGER changed_row;

/*
 * For clients that bring a folder each time: one cheap question instead of
 * all its checksums.  In schema viflo, so that it can be asked without looking
 * for the extension's schema first.
 */
CREATE FUNCTION viflo.settled(manifest text, target text, project text, default_project text,
	tenant text DEFAULT NULL, OUT settled boolean, OUT in_project text, OUT in_schema text, OUT reads_log boolean)
AS 'MODULE_PATHNAME', 'viflo_settled' LANGUAGE C;

COMMENT ON FUNCTION viflo.settled(text, text, text, text, text) IS
'was nothing left to load and to do when a client settled with this manifest, and has nothing changed since? default_project is for a database without setting viflo_migrate.project; also for the client''s next questions: the project, the extension''s schema, and whether the caller may read viflo.log';

CREATE FUNCTION viflo.settle(manifest text, target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'viflo_settle' LANGUAGE C;

COMMENT ON FUNCTION viflo.settle(text, text, text, text) IS
'notes, for viflo.settled(), that nothing is left to do for a client with this manifest; false where it cannot be noted';

GRANT USAGE ON SCHEMA viflo TO PUBLIC;

/* Running */

CREATE FUNCTION viflo_upgrade(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, duration interval)
AS 'MODULE_PATHNAME', 'viflo_upgrade' LANGUAGE C;

COMMENT ON FUNCTION viflo_upgrade(text, text, text) IS
'applies what is missing up to target, in the caller''s transaction; a row for each step, none when there is nothing to do';

CREATE FUNCTION viflo_downgrade(target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, duration interval)
AS 'MODULE_PATHNAME', 'viflo_downgrade' LANGUAGE C;

COMMENT ON FUNCTION viflo_downgrade(text, text, text) IS
'takes back what is applied beyond target, in the caller''s transaction; a row for each step';

CREATE PROCEDURE viflo_deploy(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'viflo_deploy' LANGUAGE C;

COMMENT ON PROCEDURE viflo_deploy(text, text, text) IS
'applies what is missing up to target, online: commits after each revision, bounds every lock wait, runs outside a transaction what has to';

CREATE PROCEDURE viflo_revert(target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'viflo_revert' LANGUAGE C;

COMMENT ON PROCEDURE viflo_revert(text, text, text) IS
'takes back what is applied beyond target, online: commits after each revision, bounds every lock wait, runs outside a transaction what has to';

CREATE FUNCTION viflo_deploy_async(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'viflo_deploy_async' LANGUAGE C;

COMMENT ON FUNCTION viflo_deploy_async(text, text, text) IS
'starts viflo_deploy(target) in the background once the caller''s transaction commits, and gives the job''s id';

CREATE FUNCTION viflo_revert_async(target text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'viflo_revert_async' LANGUAGE C;

COMMENT ON FUNCTION viflo_revert_async(text, text, text) IS
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

CREATE FUNCTION viflo_stamp(target text, purge boolean DEFAULT false, project text DEFAULT NULL,
	tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_stamp' LANGUAGE C;

COMMENT ON FUNCTION viflo_stamp(text, boolean, text, text) IS
'records that the database is at target without running anything; purge forgets what it was at';

CREATE FUNCTION viflo_stamp(targets text[], purge boolean DEFAULT false, project text DEFAULT NULL,
	tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_stamp_many' LANGUAGE C;

COMMENT ON FUNCTION viflo_stamp(text[], boolean, text, text) IS
'records that the database is at all of targets without running anything';

CREATE FUNCTION viflo_adopt(revisions text[], applied_at timestamptz[] DEFAULT NULL, applied_by text[] DEFAULT NULL,
	source text DEFAULT NULL, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS int
AS 'MODULE_PATHNAME', 'viflo_adopt' LANGUAGE C;

COMMENT ON FUNCTION viflo_adopt(text[], timestamptz[], text[], text, text, text) IS
'records exactly these revisions as applied, when and by whom another tool did it, without running anything; gives the number of those that were not applied yet';

CREATE FUNCTION viflo_plan(target text DEFAULT 'head', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_plan' LANGUAGE C;

COMMENT ON FUNCTION viflo_plan(text, text, text) IS
'what viflo_upgrade(target) would run or, for a target below what is applied, viflo_downgrade(target)';

CREATE FUNCTION viflo_sql(range text DEFAULT 'heads', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_sql' LANGUAGE C;

COMMENT ON FUNCTION viflo_sql(text, text, text) IS
'an offline script for psql -1, from a to b for a range a:b, else from base: runs the revisions and leaves the same history';

CREATE FUNCTION viflo_record(revision text, direction text, started timestamptz DEFAULT NULL,
	statements int DEFAULT 0, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS timestamptz
AS 'MODULE_PATHNAME', 'viflo_record' LANGUAGE C;

COMMENT ON FUNCTION viflo_record(text, text, timestamptz, int, text, text) IS
'for scripts made by viflo_sql(): without started checks that the step fits the database and gives the time; with it records the step as run';

/* Authoring */

CREATE FUNCTION viflo_revision(message text, up text, down text DEFAULT NULL, revision text DEFAULT NULL,
	down_revision text[] DEFAULT '{head}', depends_on text[] DEFAULT '{}', branch_labels text[] DEFAULT '{}',
	verify text DEFAULT NULL, transactional boolean DEFAULT NULL, splice boolean DEFAULT false,
	project text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_revision' LANGUAGE C;

COMMENT ON FUNCTION viflo_revision(text, text, text, text, text[], text[], text[], text, boolean, boolean, text) IS
'registers a new revision on down_revision and gives its id; splice allows one that is not a head';

CREATE FUNCTION viflo_merge(revisions text[] DEFAULT '{heads}', message text DEFAULT NULL, project text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_merge' LANGUAGE C;

COMMENT ON FUNCTION viflo_merge(text[], text, text) IS
'registers an empty revision that joins several heads and gives its id';

CREATE FUNCTION viflo_load(script text, source text DEFAULT NULL, force boolean DEFAULT false, project text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_load' LANGUAGE C;

COMMENT ON FUNCTION viflo_load(text, text, boolean, text) IS
'registers one native migration text and gives its id; the same text again does nothing; force allows another text for an applied revision';

CREATE FUNCTION viflo_load(scripts text[], sources text[], force boolean DEFAULT false, project text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'viflo_load_many' LANGUAGE C;

COMMENT ON FUNCTION viflo_load(text[], text[], boolean, text) IS
'registers many native migration texts at once, in any order, and gives their ids';

CREATE FUNCTION viflo_missing(revisions text[], checksums text[], project text DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'viflo_missing' LANGUAGE C;

COMMENT ON FUNCTION viflo_missing(text[], text[], text) IS
'those of revisions that are not registered with a text of that SHA-256 (hexadecimal, of the whole text)';

CREATE FUNCTION viflo_script(revision text, project text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_script' LANGUAGE C;

COMMENT ON FUNCTION viflo_script(text, text) IS 'the text of a revision, as it was loaded';

CREATE FUNCTION viflo_remove(revision text, project text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_remove' LANGUAGE C;

COMMENT ON FUNCTION viflo_remove(text, text) IS
'forgets a revision that is applied nowhere, or is repeatable, and that no other stands on';

CREATE FUNCTION viflo_repair(revision text, project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_repair' LANGUAGE C;

COMMENT ON FUNCTION viflo_repair(text, text, text) IS
'takes the registered text of an applied revision for what was applied, for all tenants where none is given, and forgets that a revision was left half done';

/* Looking */

CREATE FUNCTION viflo_current(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, is_head boolean, message text, applied_at timestamptz, applied_by text)
AS 'MODULE_PATHNAME', 'viflo_current' LANGUAGE C;

COMMENT ON FUNCTION viflo_current(text, text) IS
'where the database stands: applied revisions that no applied revision follows';

CREATE FUNCTION viflo_heads(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_heads' LANGUAGE C;

COMMENT ON FUNCTION viflo_heads(text, text) IS 'revisions that no other follows';

CREATE FUNCTION viflo_branches(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_branches' LANGUAGE C;

COMMENT ON FUNCTION viflo_branches(text, text) IS 'revisions that several others follow';

CREATE FUNCTION viflo_history(range text DEFAULT 'base:heads', project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_history' LANGUAGE C;

COMMENT ON FUNCTION viflo_history(text, text, text) IS 'revisions of a range, newest first';

CREATE FUNCTION viflo_show(INOUT revision text, project text DEFAULT NULL, tenant text DEFAULT NULL,
	OUT down_revision text[], OUT depends_on text[], OUT branch_labels text[], OUT message text,
	OUT is_head boolean, OUT is_branch_point boolean, OUT is_merge_point boolean, OUT is_current boolean,
	OUT applied boolean, OUT transactional boolean, OUT reversible boolean, OUT bundled boolean,
	OUT checksum text, OUT applied_checksum text, OUT applied_at timestamptz, OUT applied_by text,
	OUT source text, OUT repeatable text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_show' LANGUAGE C;

COMMENT ON FUNCTION viflo_show(text, text, text) IS 'all about one revision but its text';

CREATE FUNCTION viflo_pending(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS TABLE (revision text, message text, late boolean, repeatable boolean)
AS 'MODULE_PATHNAME', 'viflo_pending' LANGUAGE C;

COMMENT ON FUNCTION viflo_pending(text, text) IS
'what waits to be applied, in the order in which an upgrade to heads runs it; late: revisions that follow it are applied';

CREATE FUNCTION viflo_tenants(pattern text DEFAULT '%', target text DEFAULT 'head', project text DEFAULT NULL)
RETURNS TABLE (tenant text, current text[], pending int, late int, missing int, changed int, unfinished int,
	steps int)
AS 'MODULE_PATHNAME', 'viflo_tenants' LANGUAGE C;

COMMENT ON FUNCTION viflo_tenants(text, text, text) IS
'a row for each schema whose name is LIKE pattern: where it stands as a tenant, how much of target is not applied, and how many steps viflo_upgrade(target) would run; the server''s and the extension''s own schemas only by their exact name';

CREATE FUNCTION viflo_log(OUT id bigint, INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT status text, OUT started_at timestamptz, OUT duration interval, OUT role_name text,
	OUT application_name text, OUT client_addr inet, OUT server_version text, OUT checksum text,
	OUT statements int, OUT error text, OUT sqlstate text, OUT pid int, OUT transactional boolean,
	OUT attempts int, OUT detail text, INOUT tenant text DEFAULT NULL)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_log' LANGUAGE C;

COMMENT ON FUNCTION viflo_log(text, text) IS
'history: a row for each step that ran or failed, oldest first, of all tenants where tenant is null; error texts and details are for roles that may read viflo.log';

CREATE FUNCTION viflo_unfinished(INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT started_at timestamptz, OUT statements int, OUT backfill_rows bigint, OUT detail text,
	INOUT tenant text DEFAULT NULL)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_unfinished' LANGUAGE C;

COMMENT ON FUNCTION viflo_unfinished(text, text) IS
'steps that are begun and not done, of all tenants where tenant is null, with the number of statements and of rows that are committed; viflo_deploy() and viflo_revert() resume them';

CREATE FUNCTION viflo_check(project text DEFAULT NULL, tenant text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_check' LANGUAGE C;

COMMENT ON FUNCTION viflo_check(text, text) IS
'raises an error when the database is behind, has several heads, or holds a changed or missing revision';

CREATE FUNCTION viflo.running(OUT pid int, OUT worker_pid int, OUT job bigint, OUT project text, OUT command text,
	OUT phase text, OUT revision text, OUT direction text, OUT step int, OUT of int, OUT statement int,
	OUT statement_of int, OUT line int, OUT attempt int, OUT rows_done bigint, OUT rows_total bigint,
	OUT waiting_for text, OUT started timestamptz, OUT last_change timestamptz, OUT tenant text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_running' LANGUAGE C;

COMMENT ON FUNCTION viflo.running() IS 'the runs that are under way in this database, for view viflo.progress';

CREATE VIEW viflo.progress AS
SELECT r.pid, r.worker_pid, r.job, r.project, r.command, r.phase, r.revision, r.direction, r.step, r.of,
	r.statement, r.statement_of, r.line, r.attempt, r.rows_done, r.rows_total, r.waiting_for, r.started,
	r.last_change, i.index_relid::pg_catalog.regclass AS index, i.phase AS index_phase, i.blocks_done,
	i.blocks_total, i.tuples_done, i.tuples_total, r.tenant
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
	OUT ended_at timestamptz, OUT done int, OUT steps int, OUT error text, OUT sqlstate text, OUT tenant text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_job_list' LANGUAGE C;

COMMENT ON FUNCTION viflo.job_list() IS 'all jobs, for view viflo.jobs';

CREATE VIEW viflo.jobs AS
SELECT j.id, j.project, j.direction, j.target, j.state, j.role_name, j.pid, j.created_at, j.started_at, j.ended_at,
	j.done, j.steps, p.phase, p.revision, p.statement, p.statement_of, p.waiting_for, j.error, j.sqlstate,
	j.tenant
FROM viflo.job_list() AS j
LEFT JOIN viflo.running() AS p ON p.job OPERATOR(pg_catalog.=) j.id;

COMMENT ON VIEW viflo.jobs IS 'runs in the background: state, progress, error';
COMMENT ON COLUMN viflo.jobs.state IS 'queued, running, done, failed, cancelled, or interrupted: its process is gone without having said how it ended';

GRANT SELECT ON viflo.progress, viflo.jobs TO PUBLIC;

/*
 * Looking is for everybody, as in the system catalogs.  Whatever changes
 * something or shows a script is for the owner and for whom it is granted to.
 */
REVOKE ALL ON PROCEDURE viflo_deploy(text, text, text), viflo_revert(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION
	viflo_upgrade(text, text, text),
	viflo_downgrade(text, text, text),
	viflo_deploy_async(text, text, text),
	viflo_revert_async(text, text, text),
	viflo_wait(bigint, interval),
	viflo_cancel(bigint),
	viflo_stamp(text, boolean, text, text),
	viflo_stamp(text[], boolean, text, text),
	viflo_adopt(text[], timestamptz[], text[], text, text, text),
	viflo_sql(text, text, text),
	viflo_record(text, text, timestamptz, int, text, text),
	viflo_revision(text, text, text, text, text[], text[], text[], text, boolean, boolean, text),
	viflo_merge(text[], text, text),
	viflo_load(text, text, boolean, text),
	viflo_load(text[], text[], boolean, text),
	viflo_script(text, text),
	viflo_remove(text, text),
	viflo_repair(text, text, text),
	viflo.settle(text, text, text, text)
FROM PUBLIC;

/* The revision that the extension brings, as its update to 1.1 does. */
SELECT @extschema@.viflo_load($script$-- viflo revision: 001_initial
-- revises:
-- message: create table projects
-- created: 2026-11-22T00:00:00Z

-- viflo up
CREATE TABLE projects (
	id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	name text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE INDEX projects_name_idx ON projects (name);

-- viflo down
DROP TABLE projects;
$script$, 'viflo_migrate--1.0--1.1.sql', project => 'viflo');
