/* sql/viflo_migrate--1.2--1.3.sql */

\echo Use "ALTER EXTENSION viflo_migrate UPDATE TO '1.3'" to load this file. \quit

/* Taking over another tool's history */

CREATE FUNCTION viflo_adopt(revisions text[], applied_at timestamptz[] DEFAULT NULL, applied_by text[] DEFAULT NULL,
	source text DEFAULT NULL, project text DEFAULT NULL)
RETURNS int
AS 'MODULE_PATHNAME', 'viflo_adopt' LANGUAGE C;

COMMENT ON FUNCTION viflo_adopt(text[], timestamptz[], text[], text, text) IS
'records exactly these revisions as applied, when and by whom another tool did it, without running anything; gives the number of those that were not applied yet';

REVOKE ALL ON FUNCTION viflo_adopt(text[], timestamptz[], text[], text, text) FROM PUBLIC;
/* Repeatable revisions, and late ones */

ALTER TABLE viflo.revision ADD COLUMN repeatable boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN viflo.revision.repeatable IS 'runs after all others whenever its text has changed';
COMMENT ON COLUMN viflo.applied.checksum IS 'checksum of the revision''s text when it was last applied';

DROP FUNCTION viflo_show(text, text);

CREATE FUNCTION viflo_show(INOUT revision text, project text DEFAULT NULL, OUT down_revision text[],
	OUT depends_on text[], OUT branch_labels text[], OUT message text, OUT is_head boolean,
	OUT is_branch_point boolean, OUT is_merge_point boolean, OUT is_current boolean, OUT applied boolean,
	OUT transactional boolean, OUT reversible boolean, OUT bundled boolean, OUT checksum text,
	OUT applied_checksum text, OUT applied_at timestamptz, OUT applied_by text, OUT source text,
	OUT repeatable boolean)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'viflo_show' LANGUAGE C;

COMMENT ON FUNCTION viflo_show(text, text) IS 'all about one revision but its text';

COMMENT ON FUNCTION viflo_remove(text, text) IS
'forgets a revision that is applied nowhere, or is repeatable, and that no other stands on';

CREATE FUNCTION viflo_pending(project text DEFAULT NULL)
RETURNS TABLE (revision text, message text, late boolean, repeatable boolean)
AS 'MODULE_PATHNAME', 'viflo_pending' LANGUAGE C;

COMMENT ON FUNCTION viflo_pending(text) IS
'what waits to be applied, in the order in which an upgrade to heads runs it; late: revisions that follow it are applied';
