-- The same project applied in many schemas, each with its own history.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'app';
\set VERBOSITY terse
SELECT viflo_revision('one', revision => 'one', up => 'CREATE TABLE one (id int); INSERT INTO one VALUES (1)', down => 'DROP TABLE one');
SELECT viflo_revision('two', revision => 'two', up => 'ALTER TABLE one ADD COLUMN path text; UPDATE one SET path = current_setting(''search_path'')', down => 'ALTER TABLE one DROP COLUMN path');
CREATE SCHEMA ta;
CREATE SCHEMA tb;
CREATE TABLE one (of_public int);

-- each has a history and a search_path of its own
SELECT step, direction, revision, message FROM viflo_upgrade('one', tenant => 'ta');
SELECT revision FROM viflo_upgrade(tenant => 'tb');
SELECT revision FROM viflo_upgrade(tenant => 'tb');
SELECT path FROM tb.one;
SHOW search_path;
SELECT * FROM ta.one;
SELECT revision, is_head FROM viflo_current(tenant => 'ta');
SELECT revision, is_head FROM viflo_current(tenant => 'tb');
SELECT count(*) FROM viflo_current();
SELECT count(*) FROM viflo_current(tenant => '');
SELECT revision, applied, is_current FROM viflo_history(tenant => 'ta');
SELECT revision, is_current FROM viflo_heads(tenant => 'tb');
SELECT applied FROM viflo_show('two', tenant => 'ta');
SELECT applied_by = current_user FROM viflo_show('two', tenant => 'tb');
SELECT * FROM viflo_plan(tenant => 'ta');
SELECT direction, revision FROM viflo_plan('base', tenant => 'tb');
SELECT viflo_check(tenant => 'tb');
SELECT viflo_check(tenant => 'ta');
SELECT viflo_check();
SELECT * FROM viflo_tenants('t_');

-- the log knows whose it is: of all, of none, of one
SELECT tenant, direction, revision, status FROM viflo_log();
SELECT count(*) FROM viflo_log(tenant => '');
SELECT tenant, revision FROM viflo_log(tenant => 'ta');

-- down, and without a tenant
SELECT revision FROM viflo_downgrade('base', tenant => 'tb');
SELECT to_regclass('tb.one'), to_regclass('ta.one'), to_regclass('public.one');
DROP TABLE public.one;
SELECT revision FROM viflo_upgrade();
SELECT path FROM public.one;
SELECT tenant, current, pending FROM viflo_tenants('t_');
SELECT tenant, count(*) FROM viflo_log() GROUP BY tenant ORDER BY tenant;

-- what a caller has comes after, nothing at all too
SET search_path = '';
SELECT revision FROM public.viflo_upgrade(tenant => 'tb');
SELECT path FROM tb.one;
SET search_path = pg_catalog, public;
SELECT revision FROM viflo_upgrade(tenant => 'ta');
SELECT path FROM ta.one;
RESET search_path;

-- what a script leaves ends with its revision, and begins anew
SELECT viflo_revision('leaves', revision => 'three', up => 'SET search_path = public; CREATE TEMP TABLE left_over ()', down => '');
SELECT viflo_revision('after', revision => 'four', up => 'CREATE TABLE four AS SELECT current_schema() AS schema, to_regclass(''left_over'') AS left_over', down => 'DROP TABLE four');
SELECT revision FROM viflo_upgrade(tenant => 'ta');
SELECT * FROM ta.four;
SELECT to_regclass('public.four');

-- stamp
SELECT viflo_stamp('one', tenant => 'tb', purge => true);
SELECT viflo_stamp('{two}'::text[], tenant => 'tb');
SELECT revision FROM viflo_current(tenant => 'tb');
SELECT revision FROM viflo_current(tenant => 'ta');

-- settled for one is not settled for another, and a change of one forgets only that
SELECT viflo.settle('m', 'head', tenant => 'ta'), viflo.settle('m', 'head', tenant => 'tb');
SELECT count(*) FROM viflo_upgrade(tenant => 'tb');
SELECT (viflo.settled('m', 'head', 'app', NULL, 'ta')).settled, (viflo.settled('m', 'head', 'app', NULL, 'tb')).settled, (viflo.settled('m', 'head', 'app', NULL)).settled;
SELECT viflo_revision('five', revision => 'five', up => 'SELECT 5', down => '');
SELECT (viflo.settled('m', 'head', 'app', NULL, 'ta')).settled;

-- a text changes for all tenants; a repair is for all, or for one
SELECT viflo_load(E'-- viflo revision: five\n-- revises: four\n-- viflo up\nSELECT 55;\n');
SELECT count(*) FROM viflo_upgrade(tenant => 'ta');
SELECT count(*) FROM viflo_upgrade(tenant => 'tb');
SELECT viflo_load(E'-- viflo revision: five\n-- revises: four\n-- viflo up\nSELECT 555;\n-- viflo down\n');
SELECT viflo_load(E'-- viflo revision: five\n-- revises: four\n-- viflo up\nSELECT 555;\n-- viflo down\n', force => true);
SELECT tenant, pending, changed FROM viflo_tenants('t_');
SELECT viflo_check(tenant => 'ta');
SELECT viflo_repair('five', tenant => 'ta');
SELECT tenant, changed FROM viflo_tenants('t_');
SELECT viflo_repair('five', tenant => 'nosuch');
SELECT viflo_repair('five');
SELECT tenant, changed FROM viflo_tenants('t_');
SELECT viflo_remove('five');

-- names
CREATE SCHEMA "a b,c";
CREATE SCHEMA "q""'$$; drop -- x";
CREATE SCHEMA "Ünicode";
CREATE SCHEMA "123456789012345678901234567890123456789012345678901234567890123";
CREATE SCHEMA "$user";
CREATE SCHEMA "new
line";
SELECT quote_literal(n) AS tenant, count(*), (SELECT count(*) FROM viflo_current(tenant => n))
FROM unnest(ARRAY['a b,c', 'q"''$$; drop -- x', 'Ünicode', repeat('1234567890', 6) || '123', E'new\nline']) n,
	LATERAL viflo_upgrade(tenant => n)
GROUP BY n ORDER BY n COLLATE "C";
SELECT * FROM "q""'$$; drop -- x".four;
SELECT path FROM "a b,c".one;
SELECT length(tenant), current, pending FROM viflo_tenants('1234%');
SELECT * FROM viflo_upgrade(tenant => repeat('x', 64));
SELECT * FROM viflo_upgrade(tenant => '$user');
SELECT * FROM viflo_current(tenant => '$user');
SELECT * FROM viflo_upgrade(tenant => 'nosuch');
SELECT viflo_stamp('head', tenant => 'nosuch');
SELECT viflo_deploy_async(tenant => 'nosuch');
CALL viflo_deploy(tenant => 'nosuch');
SELECT tenant FROM viflo_tenants() WHERE tenant NOT LIKE '%b,c' ORDER BY tenant COLLATE "C";
SELECT tenant FROM viflo_tenants('viflo') UNION ALL SELECT tenant FROM viflo_tenants('pg_catalog') UNION ALL SELECT tenant FROM viflo_tenants('information_schema');
SELECT count(*) FROM viflo_tenants('pg\_%');

-- a schema that one may not use would be skipped in search_path
CREATE ROLE regress_viflo_tenant;
GRANT EXECUTE ON FUNCTION viflo_upgrade TO regress_viflo_tenant;
GRANT CREATE, USAGE ON SCHEMA public TO regress_viflo_tenant;
CREATE SCHEMA closed;
SET ROLE regress_viflo_tenant;
SELECT * FROM viflo_upgrade(tenant => 'closed');
SELECT tenant, pending FROM viflo_tenants('closed');
RESET ROLE;
REVOKE ALL ON FUNCTION viflo_upgrade FROM regress_viflo_tenant;
REVOKE ALL ON SCHEMA public FROM regress_viflo_tenant;
DROP ROLE regress_viflo_tenant;

-- a tenant whose schema is gone can be forgotten
CREATE SCHEMA gone;
SELECT count(*) FROM viflo_upgrade(tenant => 'gone');
\set VERBOSITY sqlstate
DROP SCHEMA gone CASCADE;
\set VERBOSITY terse
SELECT count(*) FROM viflo_tenants('gone');
BEGIN;
CREATE SCHEMA gone;
SELECT count(*) FROM viflo_tenants('gone');
ALTER SCHEMA gone RENAME TO gone_too;
SELECT tenant FROM viflo_tenants('gone%');
ROLLBACK;
SELECT count(*) FROM viflo_tenants('gone%');
SELECT count(*) FROM viflo_upgrade(tenant => 'gone');
CALL viflo_deploy(tenant => 'gone');
SELECT viflo_check(tenant => 'gone');
SELECT viflo.settle('m', 'head', tenant => 'gone');
INSERT INTO viflo.settled VALUES ('app', 'gone', 'head', 'm');
SELECT (viflo.settled('m', 'head', 'app', NULL, 'gone')).settled;
SELECT count(*) FROM viflo_current(tenant => 'gone');
-- but until it is, it is in the way, which says so
INSERT INTO viflo.applied SELECT 'left', 'gone', 'l1', '', now(), 'me';
SELECT viflo_load(E'-- viflo revision: l1\n-- viflo up\nSELECT 1;\n', project => 'left');
\set VERBOSITY default
SELECT viflo_remove('l1', 'left');
SELECT viflo_stamp('base', project => 'left', tenant => 'gone');
INSERT INTO viflo.unfinished VALUES ('left', 'gone', 'l1', 'up', now(), 0, '', 0, '{}', '{}', false, NULL, 0, 1);
SELECT viflo_remove('l1', 'left');
\set VERBOSITY terse
SELECT viflo_repair('l1', 'left', 'gone');
SELECT viflo_remove('l1', 'left');
SELECT viflo_stamp('base', tenant => 'gone');
SELECT count(*) FROM viflo_current(tenant => 'gone');

-- targets of a survey
SELECT tenant, current, pending, late FROM viflo_tenants('t_', 'five');
SELECT tenant, pending FROM viflo_tenants('t_', '+1');
SELECT tenant, pending FROM viflo_tenants('closed', '+1');
SELECT * FROM viflo_tenants('t_', 'nosuch');
SELECT * FROM viflo_tenants('nosuch', 'nosuch');
SELECT * FROM viflo_tenants(NULL);
DELETE FROM viflo.applied WHERE tenant = 'ta' AND revision = 'one';
SELECT tenant, current, pending, late FROM viflo_tenants('t_');
SELECT viflo_stamp('five', tenant => 'ta');
INSERT INTO viflo.applied VALUES ('app', 'ta', 'unknown', '', now(), 'me');
SELECT * FROM viflo_tenants('t_');
SELECT * FROM viflo_upgrade(tenant => 'ta');
SELECT * FROM viflo_plan(tenant => 'tb');
DELETE FROM viflo.applied WHERE revision = 'unknown';
SELECT tenant, missing FROM viflo_tenants('t_');
BEGIN;
SELECT count(*) FROM viflo_downgrade('four', tenant => 'tb');
SELECT tenant, current FROM viflo_tenants('t_');
ROLLBACK;
SELECT tenant, current FROM viflo_tenants('t_');
SELECT count(*) > 5 FROM viflo_tenants(project => 'viflo') WHERE pending = 1;

-- errors say whose they are
SELECT viflo_revision('fails', revision => 'fails', up => E'SELECT 1;\nSELECT nosuch;', down => '');
\set VERBOSITY default
SELECT * FROM viflo_upgrade(tenant => 'ta');
\set VERBOSITY terse
SELECT viflo_remove('fails');

-- online: in a transaction, outside of one, a backfill, and a lock that is looked for
SELECT viflo_load(ARRAY[
E'-- viflo revision: t1\n-- viflo up\nCREATE TABLE big AS SELECT g AS id, 0 AS n FROM generate_series(1, 10) g;\nALTER TABLE big ADD PRIMARY KEY (id);\n-- viflo backfill\n-- table: big\n-- key: id\n-- batch: 4\nUPDATE big SET n = id;\n-- viflo down\nDROP TABLE big;\n',
E'-- viflo revision: t2\n-- revises: t1\n-- viflo up\nCREATE INDEX CONCURRENTLY big_n ON big (n);\n-- viflo down\nDROP INDEX CONCURRENTLY big_n;\n',
E'-- viflo revision: t3\n-- revises: t2\n-- viflo up\nALTER TABLE big ADD COLUMN t text DEFAULT current_schema();\n-- viflo down\nALTER TABLE big DROP COLUMN t;\n'], '{}', project => 'online');
CREATE TABLE public.big (id int);
CALL viflo_deploy(project => 'online', tenant => 'ta');
SELECT sum(n), max(t) FROM ta.big;
SELECT indrelid::regclass FROM pg_index WHERE indexrelid = 'ta.big_n'::regclass;
SELECT tenant, revision, transactional FROM viflo_log('online');
CALL viflo_deploy('t1', 'online', 'a b,c');
SELECT sum(n) FROM "a b,c".big;
SELECT current FROM viflo_tenants('ta', project => 'online');
CALL viflo_revert('base', 'online', 'ta');
SELECT to_regclass('ta.big'), to_regclass('public.big');
SELECT revision FROM viflo_upgrade('t1', 'online', 'ta');
SELECT sum(n) FROM ta.big;
SHOW search_path;

-- one worker does several steps, each of which begins anew
SELECT viflo_load(ARRAY[
E'-- viflo revision: w1\n-- transaction: off\n-- viflo up\nCREATE TABLE w AS SELECT 1 AS n, current_setting(''search_path'') AS path;\nSET search_path = public;\nSELECT 1;\n',
E'-- viflo revision: w2\n-- revises: w1\n-- transaction: off\n-- viflo up\nINSERT INTO w SELECT 2, current_setting(''search_path'');\nRESET ALL;\nINSERT INTO ta.w SELECT 3, current_setting(''search_path'');\n',
E'-- viflo revision: w3\n-- revises: w2\n-- transaction: off\n-- viflo up\nINSERT INTO w SELECT 4, current_setting(''search_path'');\n'], '{}', project => 'worker');
SET search_path = public, pg_catalog;
CALL viflo_deploy(project => 'worker', tenant => 'ta');
RESET search_path;
SELECT * FROM ta.w ORDER BY n;

-- a step that was cut off is its tenant's
SELECT viflo_load(E'-- viflo revision: t2b\n-- revises: t1\n-- labels: broken\n-- transaction: off\n-- viflo up\nCREATE TABLE half ();\nVACUUM half;\nSELECT 1/0;\n', project => 'online');
CALL viflo_deploy('broken@head', 'online', 'ta');
SELECT tenant, revision, statements FROM viflo_unfinished('online');
SELECT count(*) FROM viflo_unfinished('online', 'tb');
SELECT tenant, unfinished FROM viflo_tenants('t_', project => 'online', target => 'heads');
SELECT viflo_remove('t2b', 'online');
SELECT viflo_repair('t2b', 'online');
SELECT viflo_repair('t2b', 'online', 'ta');
SELECT count(*) FROM viflo_unfinished('online');
SELECT viflo_remove('t2b', 'online');

-- a repeatable revision that is half done is not applied, not even with the text that once was
SELECT viflo_load(E'-- viflo revision: r\n-- repeatable: yes\n-- viflo up\nSELECT 1;\n', project => 'half');
SELECT tenant, count(*) FROM viflo_tenants('t_', project => 'half'), viflo_upgrade(project => 'half', tenant => tenant) GROUP BY tenant ORDER BY tenant;
SELECT viflo_load(E'-- viflo revision: r\n-- repeatable: yes\n-- viflo up\nCREATE TABLE half_r ();\nVACUUM half_r;\nSELECT 1/0;\n', project => 'half');
CALL viflo_deploy(project => 'half', tenant => 'tb');
SELECT viflo_load(E'-- viflo revision: r\n-- repeatable: yes\n-- viflo up\nSELECT 1;\n', project => 'half');
SELECT tenant, pending, unfinished FROM viflo_tenants('t_', project => 'half');
SELECT revision FROM viflo_pending('half', 'tb');
SELECT viflo_repair('r', 'half', 'tb');
SELECT tenant, pending, unfinished FROM viflo_tenants('t_', project => 'half');

-- jobs
SELECT viflo_deploy_async('t1', 'online', 'tb') AS job \gset
SELECT viflo_wait(:job);
SELECT tenant, state, done FROM viflo.jobs;
SELECT sum(n) FROM tb.big;
SELECT count(*) FROM viflo.progress WHERE tenant IS NOT NULL;

-- offline
CREATE SCHEMA "off'line";
SELECT viflo_load(ARRAY[
E'-- viflo revision: o1\n-- viflo up\nCREATE TABLE o1 AS SELECT current_setting(''search_path'') AS path;\n',
E'-- viflo revision: o2\n-- revises: o1\n-- viflo up\nSET search_path = public;\n',
E'-- viflo revision: o3\n-- revises: o2\n-- viflo up\nCREATE TABLE o3 AS SELECT current_setting(''search_path'') AS path;\n'], '{}', project => 'off');
SELECT line FROM regexp_split_to_table(viflo_sql('o1:o2', 'off', 'off''line'), '\n') line WHERE line ~ 'line''|path';
SELECT viflo_sql('heads', 'off', '') = viflo_sql('heads', 'off'), viflo_sql('heads', 'off') LIKE '%tenant%';
SET search_path = 'pg_catalog';
\pset format unaligned
\t on
SELECT public.viflo_sql('heads', 'off', 'off''line')
\g results/tenant.sql
\set ECHO none
\o /dev/null
\i results/tenant.sql
\o
\set ECHO all
\t off
\pset format aligned
SELECT o1.path, o3.path FROM "off'line".o1, "off'line".o3;
SELECT tenant, current FROM viflo_tenants('off%', project => 'off');
SELECT tenant, direction, revision, statements FROM viflo_log('off');
SHOW search_path;

\set VERBOSITY sqlstate
DROP EXTENSION viflo_migrate;
DROP SCHEMA ta, tb, "a b,c", "q""'$$; drop -- x", "Ünicode", "123456789012345678901234567890123456789012345678901234567890123",
	"$user", "new
line", closed, "off'line" CASCADE;
DROP TABLE public.one, public.big;
