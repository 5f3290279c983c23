-- Surroundings that are made to mislead us, and names that are hard to quote.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_viflo_victim;
CREATE SCHEMA hostile;
CREATE SCHEMA target;
GRANT ALL ON SCHEMA target TO regress_viflo_victim;
GRANT USAGE ON SCHEMA hostile TO regress_viflo_victim;

-- everything of our own or the system's that a careless query would name
CREATE TABLE hostile.witness (what text);
GRANT ALL ON hostile.witness TO PUBLIC;
CREATE FUNCTION hostile.trap(what pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO hostile.witness VALUES (what);
	RETURN false;
END $$;
CREATE FUNCTION hostile.eq(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.trap('=') $$;
CREATE FUNCTION hostile.eq_array(pg_catalog.text[], pg_catalog.text[]) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.trap('= of arrays') $$;
CREATE OPERATOR hostile.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = hostile.eq);
CREATE OPERATOR hostile.= (LEFTARG = pg_catalog.text[], RIGHTARG = pg_catalog.text[], FUNCTION = hostile.eq_array);
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.trap('now'); SELECT NULL::timestamptz $$;
CREATE FUNCTION hostile.count(anyelement) RETURNS bigint LANGUAGE sql AS $$ SELECT hostile.trap('count'); SELECT 0::bigint $$;
CREATE FUNCTION hostile.nextval(pg_catalog.text) RETURNS bigint LANGUAGE sql AS $$ SELECT hostile.trap('nextval'); SELECT 0::bigint $$;
CREATE FUNCTION hostile.length(pg_catalog.text) RETURNS int LANGUAGE sql AS $$ SELECT hostile.trap('length'); SELECT 0 $$;
CREATE FUNCTION hostile.viflo_record(text, text, timestamptz DEFAULT NULL, int DEFAULT 0, project text DEFAULT NULL,
	tenant text DEFAULT NULL)
	RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.trap('viflo_record'); SELECT now() $$;
CREATE DOMAIN hostile.text AS pg_catalog.text CHECK (hostile.trap('text'));
CREATE TABLE hostile.revision (id int);
CREATE TABLE hostile.applied (id int);
CREATE TABLE hostile.log (id int);
CREATE TABLE hostile.pg_class (id int);
CREATE TABLE hostile.pg_extension (id int);
CREATE VIEW hostile.pg_namespace AS SELECT hostile.trap('pg_namespace');
CREATE TYPE hostile.mood AS ENUM ('x');
CREATE FUNCTION hostile.to_mood(pg_catalog.text) RETURNS hostile.mood LANGUAGE sql AS $$ SELECT hostile.trap('cast'); SELECT 'x'::hostile.mood $$;
CREATE CAST (pg_catalog.text AS hostile.mood) WITH FUNCTION hostile.to_mood(pg_catalog.text) AS IMPLICIT;

-- the extension is made there, too: in a schema whose owner is not to be trusted
SET search_path = hostile, pg_catalog;
CREATE EXTENSION viflo_migrate SCHEMA hostile;
DROP FUNCTION hostile.viflo_record(pg_catalog.text, pg_catalog.text, timestamptz, int, pg_catalog.text, pg_catalog.text);
CREATE EXTENSION viflo_migrate SCHEMA hostile;
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'viflo.log'::regclass;
DROP EXTENSION viflo_migrate;
CREATE EXTENSION viflo_migrate SCHEMA public;

-- names of ours in the temporary schema, which comes before all others
CREATE TEMP TABLE revision (id int);
CREATE TEMP TABLE applied (id int);
CREATE TEMP TABLE log (id int);
CREATE TEMP TABLE viflo (id int);
CREATE TEMP TABLE pg_proc (id int);
SET search_path = pg_temp, hostile, pg_catalog, target, public;
SET viflo_migrate.project = 'hostile';
SELECT public.viflo_revision('one', revision => 'r1', up => 'CREATE TABLE target.t (id int)', down => 'DROP TABLE target.t');
SELECT public.viflo_revision('two', revision => 'r2', up => 'INSERT INTO target.t VALUES (1)', down => 'DELETE FROM target.t');
SELECT revision FROM public.viflo_upgrade();
SELECT direction, revision FROM public.viflo_downgrade('r1');
SELECT public.viflo_stamp('r2');
SELECT public.viflo_stamp(ARRAY['r1']);
SELECT public.viflo_load(public.viflo_script('r2'));
SELECT * FROM public.viflo_missing(ARRAY['r2'], ARRAY['x']);
SELECT revision, is_head FROM public.viflo_current();
SELECT revision, applied FROM public.viflo_history();
SELECT revision, applied FROM public.viflo_show('r1');
SELECT direction, revision, status FROM public.viflo_log();
SELECT revision FROM public.viflo_plan();
SELECT pg_catalog.length(public.viflo_sql('r1')) > 100 AS sql;
SELECT public.viflo_repair('r1');
SELECT public.viflo_remove('r2');
SELECT public.viflo_check();
SELECT what FROM hostile.witness;
SELECT public.viflo_downgrade('base') IS NOT NULL AS down;
SELECT public.viflo_remove('r1');

DROP TABLE pg_temp.revision, pg_temp.applied, pg_temp.log, pg_temp.viflo, pg_temp.pg_proc;
SET search_path = target, public;

-- event triggers: not for us, but for what a migration does
CREATE FUNCTION hostile.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no % today', tg_tag;
END $$;
CREATE EVENT TRIGGER regress_viflo_start ON ddl_command_start EXECUTE FUNCTION hostile.refuse();
CREATE EVENT TRIGGER regress_viflo_end ON ddl_command_end EXECUTE FUNCTION hostile.refuse();
CREATE EVENT TRIGGER regress_viflo_drop ON sql_drop EXECUTE FUNCTION hostile.refuse();
SELECT viflo_revision('no DDL', revision => 'e1', up => 'SELECT 1', down => 'SELECT 1');
SELECT revision FROM viflo_upgrade();
SELECT direction FROM viflo_downgrade('base');
SELECT viflo_stamp('e1');
SELECT viflo_check();
SELECT viflo_revision('DDL', revision => 'e2', up => 'SELECT 1; CREATE TABLE target.x ()', down => '');
SELECT viflo_upgrade();
ALTER EVENT TRIGGER regress_viflo_start DISABLE;
ALTER EVENT TRIGGER regress_viflo_end DISABLE;
ALTER EVENT TRIGGER regress_viflo_drop DISABLE;
DROP EVENT TRIGGER regress_viflo_start;
DROP EVENT TRIGGER regress_viflo_end;
DROP EVENT TRIGGER regress_viflo_drop;
CREATE OR REPLACE FUNCTION hostile.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO hostile.witness VALUES (tg_event || ' ' || tg_tag);
END $$;
CREATE EVENT TRIGGER regress_viflo_end ON ddl_command_end EXECUTE FUNCTION hostile.refuse();
SELECT revision FROM viflo_upgrade();
SELECT what FROM hostile.witness;
TRUNCATE hostile.witness;
-- it may even look at us meanwhile
CREATE OR REPLACE FUNCTION hostile.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO hostile.witness SELECT revision || ' ' || applied FROM public.viflo_history();
END $$;
SELECT viflo_revision('DDL', revision => 'e3', up => 'CREATE TABLE target.y ()', down => '');
SELECT revision FROM viflo_upgrade();
SELECT what FROM hostile.witness;
TRUNCATE hostile.witness;
DROP EVENT TRIGGER regress_viflo_end;
SELECT viflo_stamp('base');

-- row security, triggers and rules on our tables
GRANT EXECUTE ON FUNCTION viflo_upgrade, viflo_downgrade TO regress_viflo_victim;
ALTER TABLE viflo.revision ENABLE ROW LEVEL SECURITY;
ALTER TABLE viflo.revision FORCE ROW LEVEL SECURITY;
ALTER TABLE viflo.applied ENABLE ROW LEVEL SECURITY;
ALTER TABLE viflo.applied FORCE ROW LEVEL SECURITY;
ALTER TABLE viflo.log ENABLE ROW LEVEL SECURITY;
ALTER TABLE viflo.log FORCE ROW LEVEL SECURITY;
CREATE FUNCTION hostile.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stop'; END $$;
CREATE TRIGGER stop BEFORE INSERT OR UPDATE OR DELETE ON viflo.applied FOR EACH ROW EXECUTE FUNCTION hostile.stop();
CREATE TRIGGER stop BEFORE INSERT OR UPDATE OR DELETE ON viflo.log FOR EACH STATEMENT EXECUTE FUNCTION hostile.stop();
CREATE RULE nothing AS ON INSERT TO viflo.applied DO INSTEAD NOTHING;
CREATE RULE nothing AS ON INSERT TO viflo.revision DO INSTEAD NOTHING;
SET ROLE regress_viflo_victim;
SELECT revision FROM viflo_history();
SELECT revision FROM viflo_upgrade('e1');
SELECT revision FROM viflo_current();
SELECT count(*) > 0 AS logged FROM viflo_log();
SELECT direction, revision FROM viflo_downgrade('base');
RESET ROLE;
SELECT viflo_revision('after rules', revision => 'e4', up => '', down => '');
SELECT revision FROM viflo_history();

-- indexes of the user's own on our tables are kept, too
CREATE INDEX by_expression ON viflo.log (pg_catalog.lower(revision));
CREATE INDEX by_part ON viflo.applied (revision) WHERE project = 'hostile';
SELECT revision FROM viflo_upgrade('e1');
SET enable_seqscan = off;
SELECT count(*) FROM viflo.log WHERE pg_catalog.lower(revision) = 'e1';
SELECT count(*) FROM viflo.applied WHERE project = 'hostile' AND revision = 'e1';
RESET enable_seqscan;

DROP EXTENSION viflo_migrate;
DROP CAST (pg_catalog.text AS hostile.mood);
RESET search_path;

-- names
CREATE SCHEMA "Odd; schema";
CREATE EXTENSION viflo_migrate SCHEMA "Odd; schema";
SET search_path = "Odd; schema", target;
SELECT viflo_revision(E'it''s "quoted"\nand \\ two lines \t é 日本', revision => E'r''1 "é" \\ 日本', project => 'p''r"o\j é',
	up => $$CREATE TABLE target."T'1" (id int)$$, down => $$DROP TABLE target."T'1"$$);
SELECT viflo_revision(E'-- viflo up\n\\! echo', revision => '$$r2$viflo$', project => 'p''r"o\j é', up => $up$
DO $viflo$ BEGIN PERFORM '$$', '$script$'; END $viflo$;
SELECT '*/ -- \', /* /* */ */ 'x'$up$, down => '');
SELECT revision FROM viflo_upgrade(project => 'p''r"o\j é');
SELECT revision, message FROM viflo_history(project => 'p''r"o\j é');
SELECT revision FROM viflo_show('$$r2', 'p''r"o\j é');
-- nothing of it comes to stand where psql would take it for a command
SELECT line FROM regexp_split_to_table(viflo_sql('head', 'p''r"o\j é'), E'\n') line
WHERE line LIKE '\\%' OR line LIKE '-- up %' OR line LIKE '-- viflo_migrate%' OR line ~ '.*viflo_record.*';
SELECT direction, revision FROM viflo_downgrade('base', 'p''r"o\j é');

-- as long as they may be, and too long
SELECT length(viflo_revision(repeat('m', 300), revision => repeat('é', 127), project => repeat('p', 255), up => 'SELECT 1'));
SELECT length(revision), length(message) FROM viflo_upgrade(project => repeat('p', 255));
\set VERBOSITY sqlstate
SELECT viflo_revision('m', revision => repeat('r', 256), project => 'p', up => '');
SELECT viflo_revision('m', '', project => repeat('p', 300));
SELECT viflo_revision('m', '', project => '');
SELECT viflo_revision('m', '', project => ' p');
SELECT viflo_revision('m', '', revision => 'a@b');
SELECT viflo_revision('m', '', revision => E'a\nb');
SELECT viflo_revision('m', '', revision => 'heads');
SELECT viflo_revision('m', '', revision => 'x', branch_labels => '{a:b}');
SELECT viflo_revision('m', '', revision => 'x', branch_labels => '{x}');
SELECT viflo_revision('m', E'SELECT 1;\n-- viflo down\nSELECT 2;\n', revision => 'x');
SELECT viflo_revision('m', '', down => E'-- viflo revision: y', revision => 'x');
SELECT viflo_revision('m', '', verify => E'\n-- viflo up', revision => 'x');
SELECT viflo_revision(NULL, '');
SELECT viflo_revision('m', NULL);
SELECT viflo_revision('m', '', down_revision => '{NULL}');
SELECT viflo_load(ARRAY['x', NULL], '{}');
SELECT viflo_load(ARRAY['x'], ARRAY['a', 'b']);
SELECT viflo_missing('{a}', '{}');
SELECT viflo_record('x', 'sideways');
SELECT viflo_record('x', 'up', 'infinity');
SELECT viflo_upgrade(project => repeat('x', 1000000));
\set VERBOSITY default
DROP EXTENSION viflo_migrate;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA "Odd; schema";
DROP SCHEMA hostile, target CASCADE;
DROP ROLE regress_viflo_victim;
