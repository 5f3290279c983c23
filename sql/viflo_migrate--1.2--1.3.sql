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
