-- What a caller finds who catches a run's error, and other ways to mislead one.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'caught';
\set VERBOSITY terse
\set SHOW_CONTEXT never

-- a caught error leaves no timer of ours behind, and gives the caller's back
SELECT viflo_revision('fails', revision => 'c1', up => 'SELECT 1/0');
SET viflo_migrate.statement_timeout = '300ms';
DO $$
BEGIN
	BEGIN
		PERFORM viflo_upgrade();
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
	PERFORM pg_sleep(0.6);
END $$;
SELECT viflo_remove('c1');
SELECT viflo_revision('sleeps', revision => 'c1', up => 'SELECT pg_sleep(10)');
SET statement_timeout = '1s';
DO $$
BEGIN
	BEGIN
		PERFORM viflo_upgrade();
	EXCEPTION WHEN query_canceled THEN
		RAISE NOTICE 'caught';
	END;
	PERFORM pg_sleep(10);
END $$;
RESET statement_timeout;
RESET viflo_migrate.statement_timeout;
SELECT viflo_remove('c1');

-- the trigger function is for our tables alone
CREATE TEMP TABLE mine (i int);
CREATE TRIGGER t AFTER INSERT ON mine FOR EACH STATEMENT EXECUTE FUNCTION viflo.changed();
INSERT INTO mine VALUES (1);
SELECT viflo.changed();
DROP TABLE mine;

-- one id twice, though it is registered
SELECT viflo_revision('one', revision => 'd1', up => 'SELECT 1', down => '');
SELECT viflo_load(ARRAY[E'-- viflo revision: d1\n-- viflo up\nSELECT 2', E'-- viflo revision: d1\n-- viflo up\nSELECT 3'], '{}');
-- recording from within
SELECT viflo_revision('records', revision => 'd2', up => $$SELECT viflo_record('d2', 'up', now())$$);
SELECT viflo_upgrade();
SELECT viflo_remove('d2');

-- a message that would end its comment, and comments in the script's own BEGIN
SELECT viflo_revision(E'one\rCREATE TABLE injected (); --\nCREATE TABLE injected ();', revision => 'd2',
	up => E'BEGIN -- first /* the start\n;\nSELECT 2;\nCOMMIT;');
SELECT line FROM regexp_split_to_table(viflo_sql('d1:d2'), '\r|\n') line WHERE line ~ 'injected|BEGIN|first|transaction';

-- columns and indexes that a user has added, whose functions may even look at us
ALTER TABLE viflo.log ADD COLUMN team text NOT NULL DEFAULT 'core';
CREATE FUNCTION looks(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.viflo_heads('caught');
	RETURN $1;
END $$;
CREATE INDEX ON viflo.applied (looks(revision));
CREATE INDEX ON viflo.log (looks(revision));
SELECT viflo_stamp('d2');
SELECT revision, team FROM viflo.log ORDER BY id;
SELECT viflo_stamp('base');
SELECT revision FROM viflo_upgrade('d1');
SELECT viflo_load(E'-- viflo revision: d2\n-- revises: d1\n-- viflo up\nSELECT 4');
ALTER TABLE viflo.log DROP COLUMN team;
SELECT revision FROM viflo_current();

-- what is new to an old snapshot is for a new transaction
SELECT viflo_revision('three', revision => 'd3', up => 'SELECT 3', down => '');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT revision FROM viflo_upgrade('d2');
SELECT revision FROM viflo_upgrade('d3');
ROLLBACK;
DROP EXTENSION viflo_migrate;
DROP FUNCTION looks;
