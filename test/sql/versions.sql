-- The extension made at once is the one that version 1.0 is updated to.
SET client_min_messages = warning;
SET check_function_bodies = off;
SELECT default_version AS version FROM pg_available_extensions WHERE name = 'viflo_migrate' \gset

-- Everything about it, a line each.
CREATE FUNCTION snapshot() RETURNS SETOF text LANGUAGE sql SET search_path = pg_catalog AS $$
WITH member AS (
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'viflo_migrate'
), relation AS (
	SELECT c.* FROM pg_class c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_class'::regclass
)
SELECT concat_ws(' | ', i.type, i.identity, o.description) FROM member m
CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) i
LEFT JOIN pg_description o ON o.classoid = m.classid AND o.objoid = m.objid AND o.objsubid = 0
UNION ALL SELECT concat_ws(' | ', pg_get_functiondef(p.oid), p.proacl, i.initprivs) FROM pg_proc p
JOIN member m ON m.objid = p.oid LEFT JOIN pg_init_privs i ON i.classoid = m.classid AND i.objoid = p.oid
UNION ALL SELECT concat_ws(' | ', r.oid::regclass, r.relkind, r.relacl, i.initprivs, r.reloptions,
	CASE r.relkind WHEN 'v' THEN pg_get_viewdef(r.oid) END) FROM relation r
LEFT JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = r.oid
UNION ALL SELECT concat_ws(' | ', r.oid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
	a.attcollation, a.attnotnull, a.attstorage, pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
UNION ALL SELECT concat_ws(' | ', r.oid::regclass, c.conname, pg_get_constraintdef(c.oid))
FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
UNION ALL SELECT concat_ws(' | ', pg_get_triggerdef(t.oid), t.tgenabled) FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid
UNION ALL SELECT concat_ws(' | ', nspname, nspacl, obj_description(oid, 'pg_namespace')) FROM pg_namespace WHERE nspname = 'viflo'
UNION ALL SELECT concat_ws(' | ', 'dumped', t::regclass, condition)
FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS c (t, condition) WHERE e.extname = 'viflo_migrate'
UNION ALL SELECT to_jsonb(r) #- '{loaded_at}' #>> '{}' FROM viflo.revision r
$$;

CREATE EXTENSION viflo_migrate VERSION '1.0';
ALTER EXTENSION viflo_migrate UPDATE;
CREATE TABLE updated AS SELECT * FROM snapshot() AS line;
DROP EXTENSION viflo_migrate;
CREATE EXTENSION viflo_migrate;
SELECT extversion = :'version' AS "newest" FROM pg_extension WHERE extname = 'viflo_migrate';
CREATE TABLE fresh AS SELECT * FROM snapshot() AS line;

SELECT count(*) > 200 AS "looked at much" FROM fresh;
SELECT 'only updated' AS "where", line FROM (SELECT line FROM updated EXCEPT ALL SELECT line FROM fresh) d
UNION ALL SELECT 'only fresh', line FROM (SELECT line FROM fresh EXCEPT ALL SELECT line FROM updated) d ORDER BY 1, 2;

DROP EXTENSION viflo_migrate;
DROP FUNCTION snapshot();
DROP TABLE updated, fresh;
