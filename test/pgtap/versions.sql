-- Each version that can be installed and updated ends as the newest installed afresh.
\set ECHO none
\set QUIET 1
\set ON_ERROR_STOP true
\pset format unaligned
\pset tuples_only true
\pset pager off

BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA ops;

-- Everything about the extension's members that a user could tell apart.
CREATE FUNCTION extension_state() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY WITH member AS (
		SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
		WHERE extname = 'viflo_migrate' AND deptype = 'e')
	SELECT 'member ' || pg_describe_object(classid, objid, 0) || ': ' || coalesce(obj_description(objid, (SELECT relname FROM pg_class WHERE oid = classid)), '-') FROM member
	UNION ALL SELECT 'function ' || pg_get_functiondef(p.oid) || ' ' || coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(proacl) a), '-') FROM member JOIN pg_proc p ON p.oid = objid
	UNION ALL SELECT concat_ws(' ', 'relation', c.oid::regclass, relkind, relpersistence, relrowsecurity, coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) a), '-'))
		FROM member JOIN pg_class c ON c.oid = objid
	UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attcollation::regcollation, attnotnull, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
		FROM member JOIN pg_attribute a ON attrelid = objid AND attnum > 0 LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
	UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(c.oid)) FROM member JOIN pg_constraint c ON conrelid = objid
	UNION ALL SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), tgenabled) FROM member JOIN pg_trigger t ON tgrelid = objid
	UNION ALL SELECT concat_ws(' ', 'dumped', r.oid, r.condition) FROM pg_extension, unnest(extconfig::regclass[], extcondition) r (oid, condition) WHERE extname = 'viflo_migrate'
	UNION ALL SELECT concat_ws(' ', 'extension', extversion, extnamespace::regnamespace, extrelocatable) FROM pg_extension WHERE extname = 'viflo_migrate'
	UNION ALL SELECT format('revision %s', to_jsonb(r) - 'loaded_at') FROM viflo.revision r
	ORDER BY 1;
END $$;

CREATE FUNCTION state_of(version text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE EXTENSION viflo_migrate SCHEMA ops VERSION %L', version);
	ALTER EXTENSION viflo_migrate UPDATE;
	RETURN QUERY SELECT extension_state();
	DROP EXTENSION viflo_migrate;
END $$;

CREATE TEMP TABLE newest AS SELECT state FROM state_of((SELECT default_version FROM pg_available_extensions WHERE name = 'viflo_migrate')) state;
SELECT plan((SELECT count(*)::int FROM pg_available_extension_versions WHERE name = 'viflo_migrate') + 3);

SELECT cmp_ok((SELECT count(*) FROM newest), '>', 100::bigint, 'there is something to compare');
SELECT set_eq(format('SELECT state_of(%L)', version), 'SELECT state FROM newest', format('version %s, updated, is the newest', version))
FROM pg_available_extension_versions WHERE name = 'viflo_migrate' ORDER BY version;

-- rows of a user's go through an update
CREATE EXTENSION viflo_migrate SCHEMA ops VERSION '1.0';
SELECT ops.viflo_revision('mine', 'SELECT 1', revision => 'm1', project => 'mine') \g /dev/null
SELECT ops.viflo_revision('more', 'CREATE TABLE mine ()', revision => 'm2', down_revision => '{m1}', project => 'mine') \g /dev/null
INSERT INTO viflo.applied SELECT project, '', revision, checksum, now(), current_user FROM viflo.revision WHERE revision = 'm1';
ALTER EXTENSION viflo_migrate UPDATE;
SELECT results_eq('SELECT revision, applied FROM ops.viflo_history(project => ''mine'')', $$VALUES ('m2', false), ('m1', true)$$, 'a user''s history goes through an update');
SELECT count(*) FROM ops.viflo_upgrade('head', 'mine') \g /dev/null

-- and what they made through DROP EXTENSION
DROP EXTENSION viflo_migrate;
SELECT has_table('mine');

SELECT * FROM finish();
ROLLBACK;
