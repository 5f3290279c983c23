-- The model's life: migrate, see the table, write, read back, downgrade, gone.
\set ECHO none
\set QUIET 1
\set ON_ERROR_STOP true
\pset format unaligned
\pset tuples_only true
\pset pager off

BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(36);

CREATE EXTENSION viflo_migrate;
SELECT has_extension('viflo_migrate');
SELECT hasnt_table('public', 'projects', 'CREATE EXTENSION brings no table of a user''s');
SELECT throws_ok('SELECT viflo_check()', 'VF040', NULL, 'and a check says that one is waiting');

-- migrate
SELECT results_eq(
	$$SELECT step, direction, revision FROM viflo_upgrade('head')$$,
	$$VALUES (1, 'up', '001_initial')$$,
	'viflo_upgrade() applies the first revision');
SELECT is_empty($$SELECT * FROM viflo_upgrade('head')$$, 'once');
SELECT lives_ok('SELECT viflo_check()', 'and a check finds nothing wrong');
SELECT results_eq(
	'SELECT revision, is_head, applied_by FROM viflo_current()',
	'SELECT ''001_initial'', true, current_user::text COLLATE "default"',
	'it is where the database stands');

-- the table
SELECT has_table('public', 'projects', 'the table is there');
SELECT columns_are('public', 'projects', ARRAY['id', 'name', 'created_at']);
SELECT col_is_pk('public', 'projects', 'id', 'id is the key');
SELECT col_type_is('public', 'projects', 'id', 'uuid', 'id is a uuid');
SELECT col_has_default('public', 'projects', 'id', 'id comes by itself');
SELECT col_default_is('public', 'projects', 'id', 'gen_random_uuid()', 'from gen_random_uuid()');
SELECT col_type_is('public', 'projects', 'name', 'text', 'name is text');
SELECT col_not_null('public', 'projects', 'name', 'name is wanted');
SELECT col_hasnt_default('public', 'projects', 'name', 'name has no default');
SELECT col_type_is('public', 'projects', 'created_at', 'timestamp with time zone', 'created_at is a timestamptz');
SELECT col_not_null('public', 'projects', 'created_at', 'created_at is wanted');
SELECT col_default_is('public', 'projects', 'created_at', 'now()', 'and is now by default');
SELECT has_index('public', 'projects', 'projects_name_idx', 'name', 'name is indexed');
SELECT table_owner_is('public', 'projects', current_user, 'it belongs to whoever ran the migration');
SELECT is_empty(
	$$SELECT 1 FROM pg_depend WHERE objid = 'projects'::regclass AND deptype = 'e'$$,
	'and not to the extension');

-- write, read back
SELECT lives_ok($$INSERT INTO projects (name) VALUES ('one')$$, 'a row goes in');
SELECT results_eq(
	'SELECT name, created_at FROM projects',
	$$SELECT 'one', now()$$,
	'and comes back');
SELECT isnt((SELECT id FROM projects), NULL, 'with an id');
SELECT throws_ok('INSERT INTO projects (name) VALUES (NULL)', '23502', NULL, 'a row without a name does not go in');
SELECT throws_ok('INSERT INTO projects SELECT * FROM projects', '23505', NULL, 'nor one twice');

-- a failing revision on top leaves everything as it is
SELECT is(viflo_revision('fails', 'DROP TABLE projects; SELECT 1/0', revision => 'failing', project => 'viflo'), 'failing', 'a revision on top');
SELECT throws_ok($$SELECT viflo_upgrade()$$, '22012', NULL, 'that fails');
SELECT isnt_empty('SELECT * FROM projects', 'takes nothing away');
SELECT viflo_remove('failing') \g /dev/null

-- down, gone
SELECT results_eq(
	$$SELECT step, direction, revision FROM viflo_downgrade('base')$$,
	$$VALUES (1, 'down', '001_initial')$$,
	'viflo_downgrade() takes it back');
SELECT hasnt_table('public', 'projects', 'the table is gone');
SELECT is_empty('SELECT * FROM viflo_current()', 'and nothing is applied');
SELECT results_eq(
	'SELECT direction, revision, status, role_name FROM viflo_log() ORDER BY id',
	$$VALUES ('up', '001_initial', 'done', current_user::text COLLATE "default"), ('down', '001_initial', 'done', current_user)$$,
	'both are on record');

-- and up again
SELECT isnt_empty('SELECT * FROM viflo_upgrade()', 'it comes back');
SELECT is_empty('SELECT * FROM projects', 'empty');

SELECT * FROM finish();
ROLLBACK;
