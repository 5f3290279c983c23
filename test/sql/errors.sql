-- The failing statement's SQLSTATE, where it stands, and nothing left of the run.
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'errors';
\set VERBOSITY verbose
\set SHOW_CONTEXT always

SELECT viflo_load($script$-- viflo revision: e1
-- revises:
-- message: the third statement fails

-- viflo up
CREATE TABLE e (id int);
INSERT INTO e VALUES (1);
INSERT INTO e
VALUES ('é',
        2, nosuch);
-- viflo down
DROP TABLE nosuch;
$script$, 'e1_fails.sql');
\set VERBOSITY default
SELECT viflo_upgrade();
SELECT to_regclass('e');
SELECT count(*) FROM viflo_log();
SELECT viflo_stamp('e1');
SELECT viflo_downgrade('base');
SELECT viflo_stamp('base');

-- inside a function, the function's context comes too
SELECT viflo_load($script$-- viflo revision: e1
-- revises:
-- viflo up
SELECT 1;

DO $$
BEGIN
	PERFORM 1/0;
END $$;
$script$);
SELECT viflo_upgrade();

-- syntax errors are a warning at registration, an error when run
SELECT viflo_load($script$-- viflo revision: e1
-- viflo up
SELECT 1;
CREATE TABEL x ();
-- viflo down
DROP;
$script$);
SELECT viflo_upgrade();
-- bad COPY data
SELECT viflo_load($script$-- viflo revision: e1
-- viflo up
CREATE TABLE c (a int, b int);
COPY c FROM stdin;
1	2
3	x
\.
$script$);
SELECT viflo_upgrade();

-- no down section: said before anything is touched
SELECT viflo_load($script$-- viflo revision: e1
-- viflo up
CREATE TABLE e (id int);
$script$);
SELECT viflo_revision('second', revision => 'e2', up => 'CREATE TABLE e2 ()', down => 'DROP TABLE e2');
SELECT revision FROM viflo_upgrade();
SELECT viflo_downgrade('base');
SELECT to_regclass('e2');

-- psql's commands are refused by line, but for \restrict
SELECT viflo_load(E'-- viflo revision: e3\n-- revises: e2\n-- viflo up\nSELECT 1;\n\\d\n', 'e3.sql');
SELECT viflo_load(E'-- viflo revision: e3\n-- revises: e2\n-- viflo up\n\\restrict abc\nSELECT 1;\n\\unrestrict abc\n', 'e3.sql');
SELECT revision FROM viflo_upgrade();

-- headers
SELECT viflo_load('SELECT 1');
SELECT viflo_load(E'-- viflo revision: x\n');
SELECT viflo_load(E'-- viflo revision: x\n-- transaction: maybe\n-- viflo up\n', 'x.sql');
SELECT viflo_load(E'-- viflo revision: x\n-- transaction: on\n-- viflo up\nSELECT 1;\nVACUUM;\n', 'x.sql');
SELECT viflo_load(NULL);

-- changed text
SELECT viflo_load(E'-- viflo revision: e3\n-- revises: e2\n-- viflo up\nSELECT 2;\n');
SELECT viflo_load(E'-- viflo revision: e3\n-- revises: e2\n-- message: another header\n-- viflo up\n\\restrict abc\nSELECT 1;\n\\unrestrict abc\n', 'e3.sql');
SELECT viflo_load(E'-- viflo revision: e3\n-- revises: e2\n-- viflo up\nSELECT 2;\n', force => true);
SELECT viflo_check();
SELECT viflo_repair('e3');
SELECT viflo_check();

-- graph faults
SELECT viflo_load(E'-- viflo revision: m\n-- revises: nosuch\n-- viflo up\n');
SELECT viflo_load(E'-- viflo revision: m\n-- revises: e3\n-- depends on: nosuch\n-- viflo up\n');
SELECT viflo_load(ARRAY[E'-- viflo revision: a\n-- revises: c\n-- viflo up\n',
                        E'-- viflo revision: b\n-- revises: a\n-- viflo up\n',
                        E'-- viflo revision: c\n-- revises: b\n-- viflo up\n'], '{}');
SELECT viflo_load(ARRAY[E'-- viflo revision: a\n-- revises: e3\n-- viflo up\n',
                        E'-- viflo revision: a\n-- revises: e3\n-- viflo up\nSELECT 1'], '{}');
SELECT viflo_revision('again', revision => 'e3', up => '');
SELECT viflo_revision('branch', revision => 'e9', down_revision => '{e2}', up => '');
SELECT viflo_upgrade('nosuch');
SELECT viflo_upgrade('e');
SELECT viflo_downgrade(NULL);
SELECT viflo_remove('e3');
SELECT viflo_remove('e1');
SELECT viflo_remove('001_initial', project => 'viflo');
SELECT viflo_check('viflo');
DROP EXTENSION viflo_migrate;
DROP TABLE e, e2;
