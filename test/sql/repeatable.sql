-- Repeatable revisions: after all others, whenever their text has changed.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'app';
\set VERBOSITY terse

-- A repeatable revision's text: its id, what it depends on, and the view that it makes.
CREATE FUNCTION load(id text, view text, depends_on text DEFAULT '', repeatable text DEFAULT 'yes') RETURNS text LANGUAGE sql AS $$
	SELECT viflo_load(format(E'-- viflo revision: %s\n-- repeatable: %s\n-- depends on: %s\n-- message: %s\n\n-- viflo up\n%s\n',
		id, repeatable, depends_on, id, view)) $$;
CREATE VIEW pending AS SELECT string_agg(revision, ' ' ORDER BY n) AS pending
	FROM viflo_pending() WITH ORDINALITY AS p (revision, message, late, repeatable, n);

SELECT viflo_revision('table', revision => 't001', up => 'CREATE TABLE t (a int)', down => 'DROP TABLE t CASCADE');
SELECT load('views_b', 'CREATE OR REPLACE VIEW b AS SELECT * FROM t;');
SELECT load('views_a', 'CREATE OR REPLACE VIEW a AS SELECT * FROM b;', 'views_b, t001');
SELECT viflo_revision('column', revision => 't002', up => 'ALTER TABLE t ADD b int', down => 'ALTER TABLE t DROP b CASCADE');

-- they are in no line
SELECT revision, down_revision FROM viflo_heads();
SELECT revision, down_revision, depends_on, is_head, is_current, applied FROM viflo_history();
SELECT revision FROM viflo_history('t001:t002');
SELECT * FROM viflo_pending();
SELECT viflo_upgrade('views_a');
SELECT viflo_upgrade('views_a@head');
SELECT viflo_downgrade('views_a');
SELECT viflo_history('views_a:');
SELECT viflo_sql('views_a:head');
SELECT viflo_revision('on top', up => '', down_revision => '{views_a}');
SELECT viflo_revision('behind', up => '', depends_on => '{views_a}');
SELECT viflo_load(E'-- viflo revision: x\n-- revises: views_a\n-- viflo up\n');
SELECT viflo_load(E'-- viflo revision: x\n-- depends on: views_a\n-- viflo up\n');
SELECT load('views_c', '', 'nothing');
SELECT viflo_load(E'-- viflo revision: x\n-- repeatable: yes\n-- revises: t002\n-- viflo up\n');
SELECT viflo_load(E'-- viflo revision: x\n-- repeatable: maybe\n-- viflo up\n');

-- a named revision, or a number of steps, does without them
SELECT step, revision FROM viflo_plan('t002');
SELECT revision FROM viflo_upgrade('+1');
SELECT step, direction, revision, transactional FROM viflo_plan();
SELECT step, direction, revision, message FROM viflo_upgrade('head');
SELECT count(*) FROM viflo_upgrade();
SELECT viflo_check();
SELECT revision FROM viflo_current();
SELECT revision, applied FROM viflo_history();
SELECT revision, applied, reversible, repeatable, checksum = applied_checksum AS same FROM viflo_show('views_a');
SELECT count(*) FROM a;

-- another text is no mistake, and runs again
SELECT viflo.settle('manifest', 'head', NULL);
SELECT load('views_b', 'CREATE OR REPLACE VIEW b AS SELECT *, 1 AS one FROM t;');
SELECT (viflo.settled('manifest', 'head', NULL, NULL)).settled, viflo.settle('manifest', 'head', NULL);
SELECT * FROM pending;
SELECT viflo_check();
SELECT applied, checksum = applied_checksum AS same, applied_at IS NOT NULL AS once FROM viflo_show('views_b');
SELECT direction, revision FROM viflo_upgrade('heads');
SELECT viflo.settle('manifest', 'head', NULL), (viflo.settled('manifest', 'head', NULL, NULL)).settled;
SELECT count(one) FROM b;

-- white space is no other text, nor is the header
SELECT load('views_b', E'CREATE OR REPLACE VIEW b AS SELECT *, 1 AS one FROM t;  \n\n', 't001');
SELECT * FROM pending;

-- what fails stays as it was, and waits
SELECT load('views_b', 'CREATE OR REPLACE VIEW b AS SELECT nosuch FROM t;');
SELECT viflo_upgrade();
SELECT * FROM pending;
-- as repaired, by hand
SELECT viflo_repair('views_b');
SELECT * FROM pending;
SELECT viflo_check();

-- one that is taken back has them run again
SELECT load('views_b', 'CREATE OR REPLACE VIEW b AS SELECT a FROM t;');
SELECT direction, revision FROM viflo_downgrade('-1');
SELECT * FROM pending;
SELECT revision, applied, applied_checksum IS NULL AS never FROM viflo_show('views_a');
SELECT revision FROM viflo_upgrade();
SELECT direction, revision FROM viflo_downgrade('base');
SELECT * FROM viflo_current();
SELECT revision FROM viflo_upgrade();
SELECT direction, revision, count(*) FROM viflo_log() GROUP BY direction, revision ORDER BY direction, revision;

-- stamps: head marks them, a revision does not, their own names do
SELECT viflo_stamp('base');
SELECT * FROM pending;
SELECT viflo_stamp('t002');
SELECT * FROM pending;
SELECT viflo_stamp('views_b');
SELECT * FROM pending;
SELECT viflo_stamp('t001');
SELECT * FROM pending;
SELECT viflo_stamp('head');
SELECT * FROM pending;
SELECT load('views_b', 'CREATE OR REPLACE VIEW b AS SELECT a FROM t WHERE a > 0;');
SELECT viflo_stamp('{t002,views_b}'::text[]);
SELECT * FROM pending;
SELECT viflo_stamp('t002', purge => true);
SELECT * FROM pending;
SELECT viflo_stamp('heads', purge => true);
SELECT * FROM pending;

-- they can be shown and forgotten, though they are applied, unless needed
SELECT split_part(viflo_script('views_a'), E'\n', 2);
SELECT viflo_remove('t001');
SELECT viflo_remove('views_b');
SELECT load('views_b', 'CREATE OR REPLACE VIEW b AS SELECT 1;', 'views_a');
SELECT load('views_a', '', 't002');
SELECT revision FROM viflo_downgrade('t001');
SELECT viflo_remove('t002');
SELECT viflo_remove('views_a');
SELECT viflo_remove('views_b');
SELECT viflo_remove('views_a');
SELECT count(*) FROM viflo.applied WHERE revision LIKE 'views%';
SELECT viflo_check();
DROP VIEW pending;

-- one that runs outside of a transaction
SELECT load('vacuums', 'VACUUM t;');
SELECT viflo_upgrade();
CALL viflo_deploy();
SELECT viflo_check();
CALL viflo_deploy();
SELECT load('vacuums', 'VACUUM (ANALYZE) t;');
CALL viflo_deploy();
SELECT revision, transactional, checksum = (SELECT s.checksum FROM viflo_show('vacuums') s) AS present
FROM viflo_log() WHERE revision = 'vacuums' ORDER BY id;
CALL viflo_revert('-1');
SELECT revision, late, repeatable FROM viflo_pending();
CALL viflo_deploy('heads');

-- one that becomes repeatable, and one that no longer is
SELECT viflo_load(E'-- viflo revision: t003\n-- revises: t002\n-- viflo up\nCREATE OR REPLACE VIEW c AS SELECT 1\n');
SELECT revision FROM viflo_upgrade();
SELECT viflo_load(E'-- viflo revision: t003\n-- repeatable: yes\n-- viflo up\nCREATE OR REPLACE VIEW c AS SELECT 2\n');
SELECT viflo_load(E'-- viflo revision: t003\n-- repeatable: yes\n-- viflo up\nCREATE OR REPLACE VIEW c AS SELECT 1\n');
SELECT revision FROM viflo_heads();
SELECT viflo_check();
SELECT viflo_load(E'-- viflo revision: t003\n-- revises: t002\n-- viflo up\nCREATE OR REPLACE VIEW c AS SELECT 3\n');
SELECT viflo_load(E'-- viflo revision: t003\n-- revises: t002\n-- viflo up\nCREATE OR REPLACE VIEW c AS SELECT 1\n');
SELECT revision, is_head FROM viflo_current();

-- nothing but repeatable ones
SET viflo_migrate.project = 'views';
SELECT load('only', 'CREATE OR REPLACE VIEW only_view AS SELECT 1;');
SELECT viflo_check();
SELECT direction, revision FROM viflo_plan();
SELECT revision FROM viflo_upgrade();
SELECT viflo_check();
SELECT * FROM viflo_current();

-- in a transaction that has seen another state
SELECT load('only', 'CREATE OR REPLACE VIEW only_view AS SELECT 2;');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT revision FROM viflo_upgrade();
COMMIT;

-- those that run without a new text: each time, before or after the others, or with any of them
SET viflo_migrate.project = 'kinds';
CREATE TABLE ran (id int GENERATED ALWAYS AS IDENTITY, what text);
SELECT viflo_revision('one', revision => 'k1', up => $$INSERT INTO ran (what) VALUES ('k1')$$, down => 'SELECT 1');
SELECT load(id, format('INSERT INTO ran (what) VALUES (%L);', id), depends_on, kind) FROM (VALUES
	('a_always', '', 'always'), ('b_first', '', 'first'), ('a_first', 'b_first', 'first'), ('c_with', '', 'with others'),
	('a_between', '', 'always'), ('d_yes', 'a_between', 'yes')) AS v (id, depends_on, kind);
SELECT load('x_first', '', 'd_yes', 'first');
SELECT load('x_first', '', 'k1', 'first');
SELECT load('x', '', '', 'sometimes');
SELECT s.revision, s.repeatable FROM viflo_history() h CROSS JOIN LATERAL viflo_show(h.revision) s;
SELECT step, revision FROM viflo_upgrade();
SELECT string_agg(what, ' ' ORDER BY id) FROM ran;
SELECT step, direction, revision FROM viflo_plan();
SELECT * FROM viflo_pending();
SELECT viflo_check();
SELECT tenant, pending, steps FROM viflo_tenants('public');
SELECT viflo.settle('manifest', 'head', NULL), (viflo.settled('manifest', 'head', NULL, NULL)).settled;
SELECT revision FROM viflo_upgrade();
SELECT revision FROM viflo_upgrade('k1');
SELECT viflo_revision('two', revision => 'k2', up => '', down => '');
SELECT revision FROM viflo_upgrade();
SELECT load('d_yes', 'SELECT 2;', 'a_between');
SELECT revision FROM viflo_upgrade();
SELECT load('c_with', 'SELECT 2;', '', 'with others');
SELECT revision FROM viflo_pending();
SELECT revision FROM viflo_upgrade();
CALL viflo_deploy();
SELECT revision, count(*) FROM viflo_log() WHERE direction = 'up' GROUP BY revision ORDER BY revision;
SELECT revision, applied_at IS NOT NULL AS once, repeatable FROM viflo_show('a_always');
SELECT direction, revision FROM viflo_downgrade('-1');
SELECT revision FROM viflo_pending();
SELECT viflo_stamp('head');
SELECT revision FROM viflo_pending();
SELECT load('a_always', 'INSERT INTO ran (what) VALUES (''a_always'');');
SELECT revision FROM viflo_plan();
-- in scripts for psql
SELECT regexp_matches(viflo_sql('base:head'), $r$viflo_record\('([a-z0-9_]+)', 'up', project$r$, 'g');
DROP TABLE ran;

-- tables of an older version
DROP EXTENSION viflo_migrate;
CREATE EXTENSION viflo_migrate VERSION '1.2';
SELECT load('only', 'SELECT 1;');
SELECT viflo_revision('one', up => 'SELECT 1', revision => 'one1');
SELECT revision FROM viflo_upgrade();
ALTER EXTENSION viflo_migrate UPDATE;
SELECT load('only', 'SELECT 1;');
SELECT revision FROM viflo_upgrade();
DROP EXTENSION viflo_migrate;
DROP FUNCTION load;
DROP TABLE t CASCADE;
DROP VIEW c, only_view;
