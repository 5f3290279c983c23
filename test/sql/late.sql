-- A revision that was put below applied ones, and heads that are meant to be several.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'late';
\set VERBOSITY terse
SELECT viflo_revision('first', revision => 'l1', up => 'SELECT 1', down => 'SELECT 1');
SELECT viflo_revision('third', revision => 'l3', up => 'SELECT 3', down => 'SELECT 3');
SELECT count(*) FROM viflo_upgrade();
-- a folder is loaded with a file in between
SELECT viflo_load(ARRAY[E'-- viflo revision: l2\n-- revises: l1\n-- viflo up\nSELECT 2;\n-- viflo down\nSELECT 2;\n',
                        E'-- viflo revision: l3\n-- revises: l2\n-- viflo up\nSELECT 3\n-- viflo down\nSELECT 3'], '{}');
SELECT revision, applied, is_current FROM viflo_history();
SELECT viflo_check();
SELECT viflo_upgrade();
SELECT revision, late FROM viflo_pending();

-- listed and left out, each time, by whatever way of running
SET viflo_migrate.late = list;
SELECT revision FROM viflo_plan();
SELECT revision FROM viflo_upgrade();
CALL viflo_deploy();
SELECT viflo_check();
SELECT viflo.settle('manifest', 'head', NULL);
SELECT viflo_revision('fourth', revision => 'l4', up => 'SELECT 4', down => 'SELECT 4');
SELECT viflo_load(E'-- viflo revision: view\n-- repeatable: yes\n-- viflo up\nSELECT 1;\n');
SELECT step, revision FROM viflo_plan();
SELECT step, revision FROM viflo_upgrade();
SELECT revision, applied, is_current FROM viflo_history();

-- several are all named
SELECT viflo_load(ARRAY[E'-- viflo revision: l2b\n-- revises: l2\n-- viflo up\nSELECT 2;\n-- viflo down\nSELECT 2;\n',
                        E'-- viflo revision: l3\n-- revises: l2b\n-- viflo up\nSELECT 3\n-- viflo down\nSELECT 3'], '{}');
SELECT revision, late FROM viflo_pending();
SELECT revision FROM viflo_upgrade();
SET viflo_migrate.late = refuse;
SELECT revision FROM viflo_plan();
\set VERBOSITY default
SELECT viflo_upgrade();
\set VERBOSITY terse
CALL viflo_deploy();
BEGIN;
SELECT viflo_stamp('l3');
SELECT revision FROM viflo_pending();
ROLLBACK;
BEGIN;
SELECT viflo_stamp('l4');
SELECT revision FROM viflo_pending();
ROLLBACK;

SET viflo_migrate.late = apply;
SELECT revision FROM viflo_plan();
SELECT direction, revision FROM viflo_upgrade();
SELECT viflo_check();
SELECT direction, revision FROM viflo_downgrade('base');
SELECT viflo_remove('l4'), viflo_remove('view');

-- two heads by accident
SELECT viflo_revision('fork', revision => 'l5', down_revision => '{l2}', splice => true, up => '', down => '');
SELECT viflo_upgrade();
SELECT count(*) FROM viflo_upgrade('heads');
SELECT viflo_check();
SELECT length(viflo_merge()) AS id;
SELECT count(*) FROM viflo_upgrade();
SELECT viflo_check();
SELECT direction, count(*) FROM viflo_downgrade('base') GROUP BY direction;

-- two that are meant
SET viflo_migrate.project = 'branches';
SELECT viflo_revision('a', revision => 'a1', down_revision => '{}', branch_labels => '{apple}', up => '', down => '');
SELECT viflo_revision('b', revision => 'b1', down_revision => '{}', branch_labels => '{berry}', up => '', down => '');
SELECT viflo_check();
SELECT count(*) FROM viflo_upgrade('heads');
SELECT viflo_check();
SELECT revision FROM viflo_upgrade('apple@head');

-- each step is told at the level asked for
SET viflo_migrate.log_level = notice;
SELECT revision FROM viflo_downgrade('apple@base');
DROP EXTENSION viflo_migrate;
