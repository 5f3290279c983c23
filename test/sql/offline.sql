-- What viflo_sql() writes, and what it refuses to; test/t/004_offline.pl applies such scripts.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'offline';
SELECT viflo_load(E'-- viflo revision: r1\n-- revises:\n-- message: a table\n-- viflo up\nCREATE TABLE t (id int);\n-- viflo down\nDROP TABLE t', 'r1.sql');
SELECT viflo_load(E'-- viflo revision: r2\n-- revises: r1\n-- message: wrapped\n-- viflo up\nBEGIN;\nCOPY t FROM stdin;\n1\n\\.\nCOMMIT;\n-- viflo down\nDELETE FROM t;\n');
\pset tuples_only on
\pset format unaligned
SELECT viflo_sql('r1');
SELECT viflo_sql('r1:r2');
SELECT viflo_sql('r2:base');
SELECT viflo_sql('head:head');
SELECT viflo_sql(':r1') = replace(viflo_sql('r1'), '''r1''' || E'\n-- Apply', ''':r1''' || E'\n-- Apply') AS same;
\pset format aligned
\pset tuples_only off

-- what a run would refuse
SELECT viflo_revision('no way back', revision => 'r3', up => 'SELECT 1');
SELECT viflo_revision('alone', revision => 'r4', up => 'VACUUM', down => 'SELECT 1');
SELECT viflo_sql('head');
SELECT length(viflo_sql('r3')) > 0 AS made;
SELECT viflo_sql('r3:r2');
SELECT viflo_sql('nosuch');
SELECT viflo_sql('r1:nosuch');
SELECT viflo_sql('r1:r2:r3');
SELECT viflo_sql('+1:r2');
SELECT viflo_sql('');
SELECT viflo_sql(NULL);

-- each step is held against the database
\set VERBOSITY terse
SELECT viflo_record('nosuch', 'up');
SELECT viflo_record('r2', 'up');
SELECT viflo_record('r1', 'down');
SELECT viflo_record('r1', 'up') IS NOT NULL AS fits;
SELECT viflo_record('r1', 'up', now() - interval '1 second', 3) IS NOT NULL AS recorded;
SELECT viflo_record('r1', 'up');
SELECT viflo_record('r2', 'up', now(), 1) IS NOT NULL AS recorded;
SELECT viflo_record('r1', 'down');
SELECT viflo_record('r2', 'down', now(), 1) IS NOT NULL AS recorded;
SELECT viflo_record('r', 'down');
SELECT viflo_record(NULL, 'down');
SELECT viflo_record('r1', NULL);
SELECT direction, revision, statements, duration >= '1 second' AS long, length(checksum) AS checksum FROM viflo_log() ORDER BY id;
SELECT revision FROM viflo_current();
DROP EXTENSION viflo_migrate;
