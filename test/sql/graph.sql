-- Revision graphs: several bases and heads, labels, merges, dependencies, and their faults.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'graph';
CREATE FUNCTION r(id text, down text, depends text DEFAULT '', labels text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT concat(E'-- viflo revision: ', id, E'\n-- revises: ', down,
		CASE WHEN depends <> '' THEN E'\n-- depends on: ' || depends END,
		CASE WHEN labels <> '' THEN E'\n-- labels: ' || labels END,
		E'\n-- message: ', upper(id), E'\n-- viflo up\nSELECT 1;\n-- viflo down\nSELECT 1;\n')
$$;

-- an empty project
SELECT * FROM viflo_history();
SELECT * FROM viflo_heads();
SELECT * FROM viflo_upgrade();
SELECT * FROM viflo_upgrade('heads');
SELECT * FROM viflo_downgrade('base');
SELECT viflo_check();
SELECT viflo_merge();

-- children before their parents, in one call; two bases, a branch, a merge, a dependency
SELECT viflo_load(ARRAY[r('m', 'b2, b3'), r('b3', 'a1'), r('b2', 'a1'), r('a1', '', '', 'app'),
	r('l2', 'l1', 'b2'), r('l1', '', '', 'lib')], '{}');
SELECT revision, down_revision, depends_on, branch_labels, message, is_head AS head, is_branch_point AS branch, is_merge_point AS merge
FROM viflo_history();
SELECT revision FROM viflo_heads();
SELECT revision FROM viflo_branches();
SELECT viflo_upgrade();
SELECT revision FROM viflo_upgrade('lib@head');
SELECT revision, is_head FROM viflo_current();
SELECT viflo_check();
SELECT revision FROM viflo_upgrade('heads');
SELECT viflo_check();
SELECT revision FROM viflo_history('l1:l2');
SELECT revision FROM viflo_history('lib@base:heads');
SELECT revision FROM viflo_history(':app@head');
SELECT revision FROM viflo_downgrade('a1');
SELECT revision, is_head FROM viflo_current();
SELECT revision FROM viflo_downgrade('base');

-- one tree, several heads: check wants them merged, or labelled
SELECT viflo_load(ARRAY[r('a', ''), r('b', 'a'), r('c', 'a')], '{}', project => 'forked');
SELECT viflo_stamp('heads', project => 'forked');
SELECT viflo_check('forked');
SELECT viflo_upgrade(project => 'forked');
SELECT viflo_revision('m', '', revision => 'd', project => 'forked');
SELECT viflo_revision('m', '', revision => 'd', down_revision => '{a}', project => 'forked');
SELECT viflo_revision('m', '', '', revision => 'd', down_revision => '{b}', project => 'forked');
SELECT length(viflo_merge(project => 'forked'));
SELECT down_revision, message, is_merge_point FROM viflo_heads('forked');
SELECT direction, message FROM viflo_upgrade(project => 'forked');
SELECT viflo_check('forked');
\set VERBOSITY terse
SELECT viflo_merge(project => 'forked');
SELECT viflo_merge('{d, c}', project => 'forked');
SELECT direction, message FROM viflo_downgrade('-1', project => 'forked');
\set VERBOSITY default
SELECT direction, message FROM viflo_downgrade('b', project => 'forked');

SELECT viflo_load(ARRAY[r('a', ''), r('b', 'a', '', 'left'), r('c', 'a', '', 'right')], '{}', project => 'labels');
SELECT revision FROM viflo_upgrade('heads', project => 'labels');
SELECT viflo_check('labels');

-- revisions on what is named by parts of an id, labels and relative targets
SELECT viflo_revision('m', '', revision => 'abcdef0001', down_revision => '{left@head}', depends_on => '{right}', branch_labels => '{"more words"}', project => 'labels');
SELECT viflo_revision('m', '', revision => 'abcdef0002', down_revision => '{abcdef0001}', project => 'labels');
SELECT viflo_revision('m', '', revision => 'abcdeX', down_revision => '{base}', depends_on => '{abcdef0002}', project => 'labels');
SELECT revision, down_revision, depends_on, branch_labels FROM viflo_history(project => 'labels');
SELECT revision FROM viflo_upgrade('abcdeX', project => 'labels');
SELECT revision FROM viflo_show('abcdeX', 'labels');
SELECT revision FROM viflo_show('abcdef', 'labels');
SELECT revision FROM viflo_show('abcdef0001@head', 'labels');

-- faults
SELECT viflo_load(r('x', 'nosuch'));
SELECT viflo_load(r('x', 'm', 'nosuch'));
SELECT viflo_load(r('x', 'x'));
SELECT viflo_load(r('x', 'm', 'x'));
SELECT viflo_load(ARRAY[r('x', 'z'), r('y', 'x'), r('z', 'y')], '{}');
SELECT viflo_load(ARRAY[r('x', 'm', 'z'), r('y', 'x'), r('z', 'y')], '{}');
SELECT viflo_load(ARRAY[r('x', 'm'), r('x', 'l2')], '{}');
SELECT viflo_load(r('x', 'm, m'));
SELECT viflo_load(r('x', 'm', '', 'app'));
SELECT viflo_load(r('app', 'm'));
SELECT viflo_load(r('x', 'm', '', 'a1'));
SELECT viflo_load(r('head', 'm'));
SELECT viflo_load(r('-1', 'm'));
-- a replacement that closes a circle: a1 is not applied, and m stands on it
SELECT viflo_load(r('a1', 'm', '', 'app'));
SELECT viflo_load(r('a1', '', '', 'app, second'));
SELECT revision, branch_labels FROM viflo_show('second');
SELECT count(*) FROM viflo_history();

-- taking away
SELECT viflo_remove('a1');
SELECT viflo_remove('b2');
SELECT viflo_remove('l2');
SELECT viflo_stamp('m');
SELECT viflo_remove('m');
SELECT viflo_stamp('base');
SELECT viflo_remove('m');
SELECT viflo_remove('nosuch');
SELECT viflo_remove('base');
SELECT viflo_remove('heads');
SELECT revision FROM viflo_history();

-- a revision that was put below applied ones
SELECT viflo_stamp('b3');
SELECT viflo_load(ARRAY[r('zero', ''), r('a1', 'zero', '', 'app')], '{}', force => true);
SELECT revision, applied FROM viflo_history('base:b3');
SELECT viflo_check();
SELECT revision FROM viflo_plan('b3');
SELECT revision FROM viflo_upgrade('b3');
SET viflo_migrate.late = apply;
SELECT revision FROM viflo_upgrade('b3');
RESET viflo_migrate.late;

-- what is applied, and no longer there
DELETE FROM viflo.revision WHERE project = 'graph' AND revision = 'b3';
SELECT viflo_check();
SELECT viflo_current();
SELECT viflo_upgrade('a1');
SELECT viflo_plan('a1');
SELECT viflo_stamp('a1');
SELECT viflo_stamp('a1', purge => true);
SELECT revision FROM viflo_current();
SELECT direction, revision FROM viflo_log() ORDER BY id DESC LIMIT 1;

-- what is registered does not make a graph: only by hand
UPDATE viflo.revision SET down_revision = '{nowhere}' WHERE project = 'graph' AND revision = 'a1';
SELECT viflo_history();
SELECT viflo_upgrade();
SELECT revision FROM viflo_history(project => 'labels') LIMIT 1;
DELETE FROM viflo.revision WHERE project = 'graph';
SELECT viflo_current();
DELETE FROM viflo.applied WHERE project = 'graph';
SELECT count(*) FROM viflo_current();

DROP EXTENSION viflo_migrate;
DROP FUNCTION r(text, text, text, text);
