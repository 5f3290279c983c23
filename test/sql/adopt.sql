-- Recording what another tool has applied, revision by revision.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TimeZone = UTC;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'adopt';
SELECT viflo_load(ARRAY(SELECT format(E'-- viflo revision: r%s\n-- revises: %s\n-- viflo up\nCREATE TABLE t%s ();\n-- viflo down\nDROP TABLE t%s;\n', n, CASE WHEN n > 1 THEN 'r' || n - 1 END, n, n)
	FROM generate_series(1, 4) n), '{}');

-- a hole stays a hole: r3 came late, and is not taken for applied
SELECT viflo_adopt('{r1, r2, r4}', '{2020-01-01 10:00, NULL, 2020-01-04 10:00}', '{ann, bob, NULL}', 'table x');
SELECT revision, applied FROM viflo_history();
SELECT revision, applied_at < now() - interval '1 year' AS old, applied_by = current_user AS by_me FROM viflo.applied ORDER BY revision;
SELECT revision, direction, status, statements, detail, started_at > now() - interval '1 hour' AS now FROM viflo_log() ORDER BY id;
SELECT viflo_upgrade();
SET viflo_migrate.late = apply;
CREATE TABLE t1 (); CREATE TABLE t2 (); CREATE TABLE t4 ();
SELECT revision FROM viflo_upgrade();
SELECT to_regclass('t3');

-- again, and what is there already
SELECT viflo_adopt('{r1, r4, r4}');
SELECT viflo_adopt('{}');
SELECT applied_by FROM viflo.applied WHERE revision = 'r1';

-- all or nothing
SELECT viflo_downgrade('base') \g /dev/null
SELECT viflo_adopt('{r1, nosuch}');
SELECT count(*) FROM viflo_current();
SELECT viflo_adopt('{r1, NULL}');
SELECT viflo_adopt('{r1}', '{}');
SELECT viflo_adopt('{r1}', NULL, '{a, b}');
SELECT viflo_adopt('{r}');
BEGIN READ ONLY;
SELECT viflo_adopt('{r1}');
ROLLBACK;
SELECT viflo_adopt('{r1}', tenant => 'nosuch');
SELECT count(*) FROM viflo_current(tenant => 'nosuch');

-- any time is one, also that which the server counts from
SELECT viflo_adopt('{r1, r2}', '{2000-01-01 00:00, -infinity}');
SELECT revision, applied_at FROM viflo.applied ORDER BY revision;
DROP EXTENSION viflo_migrate;
