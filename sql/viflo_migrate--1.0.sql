/* sql/viflo_migrate--1.0.sql */

\echo Use "CREATE EXTENSION viflo_migrate" to load this file. \quit

/*
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
COMMENT ON COLUMN viflo.applied.checksum IS 'checksum of the revision''s text when it was applied';

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
	CONSTRAINT log_pkey PRIMARY KEY (id)
) USING heap;

ALTER SEQUENCE viflo.log_id_seq OWNED BY viflo.log.id;

COMMENT ON TABLE viflo.log IS 'history: one row for every step that ran';
COMMENT ON COLUMN viflo.log.direction IS 'up, down, stamp or unstamp';
COMMENT ON COLUMN viflo.log.status IS 'done or failed';
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

SELECT pg_catalog.pg_extension_config_dump('viflo.revision', 'WHERE NOT bundled');
SELECT pg_catalog.pg_extension_config_dump('viflo.applied', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.log', '');
SELECT pg_catalog.pg_extension_config_dump('viflo.log_id_seq', '');

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
ALTER TABLE viflo.revision ENABLE ALWAYS TRIGGER changed;
CREATE TRIGGER changed_row AFTER INSERT OR UPDATE OR DELETE ON viflo.revision
	FOR EACH ROW EXECUTE FUNCTION viflo.changed();
ALTER TABLE viflo.revision ENABLE ALWAYS TRIGGER changed_row;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON viflo.applied
	FOR EACH STATEMENT EXECUTE FUNCTION viflo.changed();
ALTER TABLE viflo.applied ENABLE ALWAYS TRIGGER changed;
CREATE TRIGGER changed_row AFTER INSERT OR UPDATE OR DELETE ON viflo.applied
	FOR EACH ROW EXECUTE FUNCTION viflo.changed();
ALTER TABLE viflo.applied ENABLE ALWAYS TRIGGER changed_row;

/*
 * For clients that bring a folder each time: one cheap question instead of
 * all its checksums.  In schema viflo, so that it can be asked without looking
 * for the extension's schema first.
 */
CREATE FUNCTION viflo.settled(manifest text, target text, project text, default_project text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'viflo_settled' LANGUAGE C;

COMMENT ON FUNCTION viflo.settled(text, text, text, text) IS
'was nothing left to load and to do when a client settled with this manifest, and has nothing changed since? default_project is for a database without setting viflo_migrate.project';

CREATE FUNCTION viflo.settle(manifest text, target text, project text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'viflo_settle' LANGUAGE C;

COMMENT ON FUNCTION viflo.settle(text, text, text) IS
'notes, for viflo.settled(), that nothing is left to do for a client with this manifest; false where it cannot be noted';

REVOKE ALL ON FUNCTION viflo.settle(text, text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA viflo TO PUBLIC;

/* Running */

CREATE FUNCTION viflo_upgrade(target text DEFAULT 'head', project text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, duration interval)
AS 'MODULE_PATHNAME', 'viflo_upgrade' LANGUAGE C;

COMMENT ON FUNCTION viflo_upgrade(text, text) IS
'applies what is missing up to target, in the caller''s transaction; a row for each step, none when there is nothing to do';

CREATE FUNCTION viflo_downgrade(target text, project text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, duration interval)
AS 'MODULE_PATHNAME', 'viflo_downgrade' LANGUAGE C;

COMMENT ON FUNCTION viflo_downgrade(text, text) IS
'takes back what is applied beyond target, in the caller''s transaction; a row for each step';

CREATE FUNCTION viflo_stamp(target text, purge boolean DEFAULT false, project text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_stamp' LANGUAGE C;

COMMENT ON FUNCTION viflo_stamp(text, boolean, text) IS
'records that the database is at target without running anything; purge forgets what it was at';

CREATE FUNCTION viflo_stamp(targets text[], purge boolean DEFAULT false, project text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_stamp_many' LANGUAGE C;

COMMENT ON FUNCTION viflo_stamp(text[], boolean, text) IS
'records that the database is at all of targets without running anything';

CREATE FUNCTION viflo_plan(target text DEFAULT 'head', project text DEFAULT NULL)
RETURNS TABLE (step int, direction text, revision text, message text, transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_plan' LANGUAGE C;

COMMENT ON FUNCTION viflo_plan(text, text) IS
'what viflo_upgrade(target) would run or, for a target below what is applied, viflo_downgrade(target)';

CREATE FUNCTION viflo_sql(range text DEFAULT 'heads', project text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'viflo_sql' LANGUAGE C;

COMMENT ON FUNCTION viflo_sql(text, text) IS
'an offline script for psql -1, from a to b for a range a:b, else from base: runs the revisions and leaves the same history';

CREATE FUNCTION viflo_record(revision text, direction text, started timestamptz DEFAULT NULL,
	statements int DEFAULT 0, project text DEFAULT NULL)
RETURNS timestamptz
AS 'MODULE_PATHNAME', 'viflo_record' LANGUAGE C;

COMMENT ON FUNCTION viflo_record(text, text, timestamptz, int, text) IS
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
'forgets a revision that is applied nowhere and that no other stands on';

CREATE FUNCTION viflo_repair(revision text, project text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_repair' LANGUAGE C;

COMMENT ON FUNCTION viflo_repair(text, text) IS
'takes the registered text of an applied revision for what was applied';

/* Looking */

CREATE FUNCTION viflo_current(project text DEFAULT NULL)
RETURNS TABLE (revision text, is_head boolean, message text, applied_at timestamptz, applied_by text)
AS 'MODULE_PATHNAME', 'viflo_current' LANGUAGE C;

COMMENT ON FUNCTION viflo_current(text) IS
'where the database stands: applied revisions that no applied revision follows';

CREATE FUNCTION viflo_heads(project text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_heads' LANGUAGE C;

COMMENT ON FUNCTION viflo_heads(text) IS 'revisions that no other follows';

CREATE FUNCTION viflo_branches(project text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_branches' LANGUAGE C;

COMMENT ON FUNCTION viflo_branches(text) IS 'revisions that several others follow';

CREATE FUNCTION viflo_history(range text DEFAULT 'base:heads', project text DEFAULT NULL)
RETURNS TABLE (revision text, down_revision text[], depends_on text[], branch_labels text[], message text,
	is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean,
	transactional boolean)
AS 'MODULE_PATHNAME', 'viflo_history' LANGUAGE C;

COMMENT ON FUNCTION viflo_history(text, text) IS 'revisions of a range, newest first';

CREATE FUNCTION viflo_show(INOUT revision text, project text DEFAULT NULL, OUT down_revision text[],
	OUT depends_on text[], OUT branch_labels text[], OUT message text, OUT is_head boolean,
	OUT is_branch_point boolean, OUT is_merge_point boolean, OUT is_current boolean, OUT applied boolean,
	OUT transactional boolean, OUT reversible boolean, OUT bundled boolean, OUT checksum text,
	OUT applied_checksum text, OUT applied_at timestamptz, OUT applied_by text, OUT source text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_show' LANGUAGE C;

COMMENT ON FUNCTION viflo_show(text, text) IS 'all about one revision but its text';

CREATE FUNCTION viflo_log(OUT id bigint, INOUT project text DEFAULT NULL, OUT revision text, OUT direction text,
	OUT status text, OUT started_at timestamptz, OUT duration interval, OUT role_name text,
	OUT application_name text, OUT client_addr inet, OUT server_version text, OUT checksum text,
	OUT statements int, OUT error text, OUT sqlstate text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_log' LANGUAGE C;

COMMENT ON FUNCTION viflo_log(text) IS
'history: a row for each step that ran, oldest first; error texts are for roles that may read viflo.log';

CREATE FUNCTION viflo_check(project text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'viflo_check' LANGUAGE C;

COMMENT ON FUNCTION viflo_check(text) IS
'raises an error when the database is behind, has several heads, or holds a changed or missing revision';

/*
 * Looking is for everybody, as in the system catalogs.  Whatever changes
 * something or shows a script is for the owner and for whom it is granted to.
 */
REVOKE ALL ON FUNCTION
	viflo_upgrade(text, text),
	viflo_downgrade(text, text),
	viflo_stamp(text, boolean, text),
	viflo_stamp(text[], boolean, text),
	viflo_sql(text, text),
	viflo_record(text, text, timestamptz, int, text),
	viflo_revision(text, text, text, text, text[], text[], text[], text, boolean, boolean, text),
	viflo_merge(text[], text, text),
	viflo_load(text, text, boolean, text),
	viflo_load(text[], text[], boolean, text),
	viflo_script(text, text),
	viflo_remove(text, text),
	viflo_repair(text, text)
FROM PUBLIC;
