/* sql/viflo_migrate--1.0--1.1.sql */

\echo Use "ALTER EXTENSION viflo_migrate UPDATE TO '1.1'" to load this file. \quit

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
