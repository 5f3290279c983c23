-- What a client settled holds until anything changes, and no longer.
CREATE EXTENSION viflo_migrate;
\set VERBOSITY terse
CREATE FUNCTION settled(project text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS
	$$ SELECT s.settled FROM viflo.settled('manifest', 'head', $1, 'app') s $$;
SELECT settled();
SELECT viflo_revision('one', revision => 'one', up => 'SELECT 1', down => 'SELECT 1', project => 'app');
-- not while something is left to do
SELECT viflo.settle('manifest', 'head', 'app');
SELECT count(*) FROM viflo_upgrade(project => 'app');
SELECT viflo.settle('manifest', 'head', 'app');
SELECT settled(), settled('app'), settled('viflo'), (viflo.settled('another', 'head', 'app', NULL)).settled AS another,
       (viflo.settled('manifest', 'heads', 'app', NULL)).settled AS heads;
-- it says, too, what the client's next questions need
SELECT * FROM viflo.settled('another', 'head', NULL, NULL);
SELECT * FROM viflo.settled('another', 'head', NULL, 'app');
-- default_project is for a database without the setting
SET viflo_migrate.project = 'other';
SELECT settled();
SET viflo_migrate.project = 'app';
SELECT settled();
RESET viflo_migrate.project;
SELECT settled();

-- every kind of change forgets it, and a rollback brings it back
BEGIN;
SELECT count(*) FROM viflo_downgrade('base', 'app');
SELECT settled();
ROLLBACK;
SELECT settled();
SELECT viflo_revision('another project', revision => 'x', up => 'SELECT 1', project => 'other');
SELECT settled();
SELECT viflo_revision('two', revision => 'two', up => 'SELECT 2', project => 'app');
SELECT settled();
SELECT viflo_stamp('head', project => 'app');
SELECT viflo.settle('manifest', 'head', 'app'), settled();
SELECT viflo_stamp('one', project => 'app');
SELECT settled();
SELECT viflo_stamp('two', project => 'app');
SELECT viflo.settle('manifest', 'head', 'app'), settled();
DELETE FROM viflo.applied;
SELECT settled();
SELECT viflo_stamp('two', project => 'app');
SELECT viflo.settle('manifest', 'head', 'app'), settled();
SELECT viflo_load(E'-- viflo revision: two\n-- revises: one\n-- viflo up\nSELECT 2;\n-- viflo down\n', force => true, project => 'app');
SELECT settled();
BEGIN READ ONLY;
SELECT viflo.settle('manifest', 'head', 'app');
COMMIT;
CREATE ROLE regress_viflo_settler;
SET ROLE regress_viflo_settler;
SELECT * FROM viflo.settled('manifest', 'head', 'app', NULL);
SELECT viflo.settle('manifest', 'head', 'app');
RESET ROLE;
DROP ROLE regress_viflo_settler;
DROP FUNCTION settled(text);
DROP EXTENSION viflo_migrate;
CREATE SCHEMA "Where it is";
CREATE EXTENSION viflo_migrate SCHEMA "Where it is";
SELECT * FROM viflo.settled('manifest', 'head', 'other', 'app');
DROP EXTENSION viflo_migrate;
DROP SCHEMA "Where it is";
