-- Values added to an enum type in the same transaction.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'enum';
\set SHOW_CONTEXT never
\set VERBOSITY sqlstate

-- of a type made in the same transaction: usable, also by later revisions
SELECT viflo_revision('type', revision => 'n1', up => $$CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE moods (m mood);$$,
                      down => 'DROP TABLE moods; DROP TYPE mood;');
SELECT viflo_revision('value', revision => 'n2', up => $$ALTER TYPE mood ADD VALUE 'happy'; INSERT INTO moods VALUES ('happy');$$,
                      down => '');
SELECT viflo_revision('renamed', revision => 'n3', up => $$ALTER TYPE mood RENAME TO mood_old; ALTER TYPE mood_old ADD VALUE 'new' BEFORE 'sad';
                      CREATE INDEX ON moods (m); INSERT INTO moods VALUES ('new');$$, down => 'ALTER TYPE mood_old RENAME TO mood');
SELECT revision FROM viflo_upgrade();
SELECT m FROM moods ORDER BY m;

-- of an older type: forbidden, as ever, or an index could keep a value that is rolled back
SELECT viflo_revision('used at once', revision => 'n4', up => $$ALTER TYPE mood_old ADD VALUE 'unsafe'; INSERT INTO moods VALUES ('unsafe');$$, down => '');
SELECT revision FROM viflo_upgrade();
SELECT viflo_remove('n4');
-- also when another type is new, and when the old one was changed before
SELECT viflo_revision('both', revision => 'n4', up => $$CREATE TYPE fresh AS ENUM ('a'); ALTER TYPE fresh ADD VALUE 'b';
                      ALTER TYPE mood_old RENAME VALUE 'sad' TO 'blue';
                      ALTER TYPE mood_old ADD VALUE 'unsafe'; SELECT 'b'::fresh; INSERT INTO moods VALUES ('unsafe');$$, down => '');
SELECT revision FROM viflo_upgrade();
SELECT m FROM moods ORDER BY m;
SELECT viflo_remove('n4');
-- and when it is not used: committed values are as good as any
SELECT viflo_revision('added', revision => 'n4', up => $$ALTER TYPE mood_old ADD VALUE 'later';$$, down => '');
SELECT revision FROM viflo_upgrade();
INSERT INTO moods VALUES ('later');
SELECT revision FROM viflo_downgrade('base');
DROP EXTENSION viflo_migrate;
