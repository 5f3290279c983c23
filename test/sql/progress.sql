-- What a run reports, seen from its own scripts, and what is left of it: nothing.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE EXTENSION viflo_migrate;
SELECT * FROM viflo.progress;
SELECT * FROM viflo.jobs;

CREATE TABLE seen (command text, phase text, revision text, direction text, step int, of int, statement int,
	statement_of int, line int, attempt int, rows_done bigint, waiting_for text, process text, timely boolean);
CREATE FUNCTION look() RETURNS void LANGUAGE sql AS $$
	INSERT INTO seen
	SELECT command, phase, revision, direction, step, of, statement, statement_of, line, attempt, rows_done, waiting_for,
		CASE pg_backend_pid() WHEN pid THEN 'own' WHEN worker_pid THEN 'worker' END, started <= last_change
	FROM viflo.progress WHERE project = 'watched' AND job IS NULL AND index IS NULL
$$;
SELECT viflo_revision('one', revision => 'w1', project => 'watched', down => 'SELECT look()', up => $$
SELECT look();
SELECT 1; SELECT look()$$);
SELECT viflo_revision('two', revision => 'w2', project => 'watched', down => 'SELECT look()', up => 'SELECT look()');
CALL viflo_deploy(project => 'watched');
CALL viflo_revert('w1', project => 'watched');
SELECT * FROM seen;
TRUNCATE seen;

-- a step in a worker reports to the same place
SELECT viflo_revision('three', revision => 'w3', project => 'watched', transactional => false, up => $$
SELECT look();
BEGIN;
SELECT look();
COMMIT$$);
CALL viflo_deploy(project => 'watched');
SELECT * FROM seen;
TRUNCATE seen;

-- what failed is not shown any more
SELECT viflo_revision('four', revision => 'w4', project => 'watched', up => 'SELECT 1 / 0');
CALL viflo_deploy(project => 'watched');
SELECT * FROM viflo.progress;
SELECT * FROM viflo_unfinished('watched');
SELECT count(*) FROM pg_locks WHERE classid = 'pg_extension'::regclass;

-- whose job it is to see what
CREATE ROLE regress_viflo_onlooker;
SELECT viflo_deploy_async(project => 'watched') AS job \gset
SELECT viflo_wait(:job);
SELECT state, done, steps, error, sqlstate FROM viflo.jobs;
SET ROLE regress_viflo_onlooker;
SELECT state, done, steps, error, sqlstate FROM viflo.jobs;
SELECT * FROM viflo.progress;
SELECT * FROM viflo_unfinished('watched');
\set VERBOSITY sqlstate
SELECT * FROM viflo.job;
SELECT viflo_deploy_async();
SELECT viflo_revert_async('base');
SELECT viflo_wait(1);
SELECT viflo_cancel(1);
RESET ROLE;
SELECT viflo_wait(NULL);
SELECT viflo_deploy_async(NULL);

DROP ROLE regress_viflo_onlooker;
DROP FUNCTION look();
DROP TABLE seen;
DROP EXTENSION viflo_migrate;
