-- What a session keeps, and what a call with nothing to do costs: counts, never seconds.
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'memory';
CREATE TABLE counter (n int);
SELECT count(*) FROM viflo_load(ARRAY(SELECT format(E'-- viflo revision: r%s\n-- revises: %s\n-- viflo up\nINSERT INTO counter VALUES (%s);\n-- viflo down\nDELETE FROM counter WHERE n = %s;\n',
	n, CASE WHEN n > 1 THEN 'r' || n - 1 END, n, n) FROM generate_series(1, 3000) n), '{}');

-- a backend's own memory, but for what the caches of the server's take
CREATE FUNCTION contexts() RETURNS TABLE (name text, contexts bigint) LANGUAGE sql AS $$
	SELECT name, count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'viflo%' GROUP BY 1 ORDER BY 1
$$;
CREATE FUNCTION own_memory() RETURNS numeric LANGUAGE sql AS $$
	SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext' OR name LIKE 'viflo%'
$$;

-- nothing but the cache is left of a run of 3000 steps
SELECT count(*) FROM viflo_upgrade();
SELECT count(*), count(DISTINCT n) FROM counter;
SELECT * FROM contexts();
SELECT count(*) FROM viflo_downgrade('r1');
SELECT * FROM contexts();
SELECT count(*) FROM viflo_upgrade('r100');

-- nor of one that fails
SELECT viflo_revision('fails', revision => 'f1', down_revision => '{r3000}', up => 'INSERT INTO counter VALUES (0); SELECT 1/0');
\set VERBOSITY terse
SELECT count(*) FROM viflo_upgrade();
\set VERBOSITY default
SELECT count(*) FROM counter;
SELECT viflo_remove('f1');
SELECT count(*) FROM viflo_upgrade();
SELECT * FROM contexts();

-- 10,000 calls with nothing to do leave nothing
DO $$
DECLARE
	before numeric;
BEGIN
	FOR i IN 1..10 LOOP
		PERFORM viflo_upgrade();
	END LOOP;
	before := own_memory();
	FOR i IN 1..10000 LOOP
		PERFORM viflo_upgrade();
	END LOOP;
	IF own_memory() > before + 1024 THEN
		RAISE EXCEPTION 'from % to % bytes', before, own_memory();
	END IF;
END $$;

-- nor do 200 changes that make the state be read again
DO $$
DECLARE
	before numeric;
BEGIN
	FOR i IN 1..210 LOOP
		PERFORM viflo_stamp('r2999');
		PERFORM viflo_upgrade();
		IF i = 10 THEN
			before := own_memory();
		END IF;
	END LOOP;
	IF own_memory() > before * 1.02 THEN
		RAISE EXCEPTION 'from % to % bytes', before, own_memory();
	END IF;
END $$;

-- many projects: a few are kept
SELECT count(*) FROM generate_series(1, 50) n, viflo_current('project ' || n);
SELECT contexts <= 10 AS few FROM contexts() WHERE name = 'viflo project state';
SELECT count(*) FROM viflo_upgrade();

-- many tenants: a few are kept, and all share one graph, which none of their changes has read again
SELECT count(*) FROM generate_series(1, 50) n, viflo_current(tenant => 'tenant ' || n);
SELECT contexts <= 16 AS few FROM contexts() WHERE name = 'viflo project state';
BEGIN;
SELECT seq_scan + idx_scan AS scans FROM pg_stat_xact_user_tables WHERE relid = 'viflo.revision'::regclass \gset
DO $$
BEGIN
	FOR i IN 1..30 LOOP
		EXECUTE format('CREATE SCHEMA regress_tenant_%s', i);
		PERFORM viflo_stamp('r2999', tenant => 'regress_tenant_' || i);
		PERFORM viflo_stamp('head', tenant => 'regress_tenant_' || i);
		PERFORM viflo_upgrade(tenant => 'regress_tenant_' || i);
		PERFORM viflo_check(tenant => 'regress_tenant_' || i);
	END LOOP;
	PERFORM viflo_tenants();
END $$;
SELECT seq_scan + idx_scan - :scans AS scans FROM pg_stat_xact_user_tables WHERE relid = 'viflo.revision'::regclass;
ROLLBACK;
SELECT count(*) FROM viflo_upgrade();

-- a call with nothing to do takes no lock on a table, and reads none
SELECT count(*) FROM viflo_upgrade();
BEGIN;
SELECT sum(seq_scan + idx_scan + n_tup_ins + n_tup_upd + n_tup_del) AS scans FROM pg_stat_xact_user_tables WHERE schemaname = 'viflo' \gset
SELECT count(*) FROM viflo_upgrade();
SELECT locktype, relation::regclass, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND (locktype = 'object' OR relation::regclass::text LIKE 'viflo%');
SELECT sum(seq_scan + idx_scan + n_tup_ins + n_tup_upd + n_tup_del) - :scans AS scans FROM pg_stat_xact_user_tables WHERE schemaname = 'viflo';
-- the same count sees one that looks at the log
SELECT count(*) FROM viflo_log('nothing');
SELECT sum(seq_scan + idx_scan + n_tup_ins + n_tup_upd + n_tup_del) - :scans AS scans FROM pg_stat_xact_user_tables WHERE schemaname = 'viflo';
COMMIT;

-- it is given no transaction id, and so leaves nothing for a standby
BEGIN;
SELECT count(*) FROM viflo_upgrade();
SELECT count(*) FROM viflo_history();
SELECT viflo_check();
SELECT pg_current_xact_id_if_assigned();
COMMIT;

-- whoever had something to do holds the lock of its project, and just that
BEGIN;
SELECT direction FROM viflo_downgrade('r2999');
SELECT locktype, classid::regclass, mode, granted FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'object' AND classid = 'pg_extension'::regclass;
ROLLBACK;
DROP EXTENSION viflo_migrate;
DROP FUNCTION contexts(), own_memory();
DROP TABLE counter;
