-- Recording without running.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'stamp';
SELECT viflo_load(ARRAY(SELECT format(E'-- viflo revision: %s\n-- revises: %s\n%s-- viflo up\nSELECT 1/0;\n', id, down, '-- labels: ' || label || E'\n')
	FROM (VALUES ('a1', '', 'app'), ('a2', 'a1', NULL), ('a3', 'a2', NULL), ('l1', '', 'lib'), ('l2', 'l1', NULL), ('m', 'a3, l2', NULL)) v (id, down, label)), '{}');

SELECT viflo_stamp('a2');
SELECT revision FROM viflo_current();
SELECT viflo_stamp('lib@head');
SELECT viflo_stamp('l2');
SELECT revision FROM viflo_current();
SELECT viflo_stamp('a1');
SELECT revision FROM viflo_current();
SELECT viflo_stamp('m');
SELECT revision, is_head FROM viflo_current();
SELECT viflo_check();
-- many, and one that is below another
SELECT viflo_stamp('{a2, l1}'::text[]);
SELECT revision FROM viflo_current() ORDER BY 1;
SELECT viflo_stamp('{a1, a3}'::text[], purge => true);
SELECT revision FROM viflo_current();
SELECT viflo_stamp('{}'::text[]);
SELECT viflo_stamp('{NULL}'::text[]);
SELECT viflo_stamp(NULL::text);
SELECT viflo_stamp('nosuch');
SELECT viflo_stamp('+1');
SELECT revision FROM viflo_current();
SELECT viflo_stamp('base');
SELECT count(*) FROM viflo_current();

-- each is in the log, in the order of the graph
SELECT direction, revision, status, statements, length(checksum) AS checksum, role_name = current_user AS me FROM viflo_log() ORDER BY id;

-- the same again changes nothing
SELECT viflo_stamp('a2');
SELECT count(*) FROM viflo_log();
SELECT viflo_stamp('a2');
SELECT viflo_stamp('a2', purge => true);
SELECT count(*) FROM viflo_log();

-- all or nothing
BEGIN;
SELECT viflo_stamp('m');
SAVEPOINT s;
SELECT viflo_stamp('base');
SELECT count(*) FROM viflo_current();
ROLLBACK TO s;
SELECT revision FROM viflo_current();
ROLLBACK;
SELECT revision FROM viflo_current();

-- repair
SELECT viflo_load(E'-- viflo revision: a2\n-- revises: a1\n-- viflo up\nSELECT 2;\n', force => true);
SELECT revision, checksum = applied_checksum AS same FROM viflo_show('a2');
SELECT viflo_stamp('m');
SELECT viflo_check();
SELECT viflo_repair('a2');
SELECT viflo_check();
SELECT viflo_repair('nosuch');
SELECT viflo_stamp('base');
SELECT viflo_repair('a2');
SELECT viflo_repair('base');

-- a repeatable revision whose text has changed since goes with all else, and does not come back with its old text
SELECT viflo_load(E'-- viflo revision: rep\n-- repeatable: yes\n-- viflo up\nSELECT 1;\n', project => 'views');
SELECT viflo_load(E'-- viflo revision: one\n-- viflo up\nSELECT 1;\n', project => 'views');
SELECT count(*) FROM viflo_upgrade(project => 'views');
SELECT viflo_load(E'-- viflo revision: rep\n-- repeatable: yes\n-- viflo up\nSELECT 2;\n', project => 'views');
SELECT viflo_stamp('one', project => 'views');
SELECT revision FROM viflo.applied WHERE project = 'views' ORDER BY revision;
BEGIN;
SELECT viflo_stamp('one', purge => true, project => 'views');
SELECT revision FROM viflo.applied WHERE project = 'views';
ROLLBACK;
SELECT viflo_stamp('base', project => 'views');
SELECT count(*) FROM viflo.applied WHERE project = 'views';
SELECT viflo_load(E'-- viflo revision: rep\n-- repeatable: yes\n-- viflo up\nSELECT 1;\n', project => 'views');
SELECT revision FROM viflo_upgrade(project => 'views');
SELECT direction, revision FROM viflo_log('views');
DROP EXTENSION viflo_migrate;
