-- Backfills: what is refused, what belongs to a range, keys of all kinds, going on after an error.
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
CREATE SCHEMA app;
SET search_path = app, public;

-- a project with one revision that has nothing but this backfill
CREATE FUNCTION backfill(project text, section text) RETURNS text LANGUAGE sql AS $$
	SELECT viflo_load(format(E'-- viflo revision: b_%s\n-- viflo up\nSELECT 1;\n-- viflo backfill\n%s', project, section), project => project);
$$;
CREATE FUNCTION transactions(t regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE format('SELECT count(DISTINCT xmin::text) FROM %s', t) INTO n;
	RETURN n;
END $$;
CREATE TABLE orders (id int PRIMARY KEY, price int, quantity int, total int, nothing int, CHECK (total IS DISTINCT FROM -1));
INSERT INTO orders SELECT i, i, 2 FROM generate_series(1, 95) i;

-- ranges of ten, each in a transaction of its own
SET client_min_messages = notice;
SELECT backfill('first', $$-- table: app.orders
-- key: id
-- batch: 10
-- pause: 1ms
UPDATE app.orders SET total = price * quantity
WHERE id BETWEEN :from AND :to AND total IS NULL;
$$);
CALL viflo_deploy(project => 'first');
SET client_min_messages = warning;
SELECT count(*), min(total), max(total), transactions('orders') FROM orders WHERE total = price * quantity;
SELECT status, transactional, detail FROM viflo_log('first');
SELECT count(*) FROM viflo.unfinished;

-- in one transaction, where the caller wants it so
SELECT backfill('one', $$-- table: orders
-- key: id
-- batch: 10
UPDATE orders SET total = total + 1$$);
SELECT revision FROM viflo_upgrade(project => 'one');
SELECT sum(total - price * quantity), transactions('orders') FROM orders;
SELECT viflo_downgrade('base', project => 'one');

-- sections that say too little, or what cannot be
SELECT backfill('bad', E'-- key: id\nUPDATE orders SET total = 1');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\n-- batch: many\nUPDATE orders SET total = 1');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\n/* nothing */;');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1;\n  UPDATE orders SET total = 2');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\n\n  CALL app.fill(:from, :to)');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nINSERT INTO orders SELECT id + 1000 FROM orders');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1\nWHERE id >= :from');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1\nWHERE id <= :TO');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1 WHERE id BETWEEN $1 AND $2');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1 WHERE id BETWEEN :from AND :too');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders\nSET totel = 1');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1,\n id = id + 1000');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE other SET total = 1');
CREATE TABLE other (order_id int, total int);
CALL viflo_deploy(project => 'bad');

-- comparisons that leave out a row at the end of each range
\set VERBOSITY terse
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders o SET total = 1 WHERE o.id > :from AND id <= :to');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders o SET total = 1 WHERE :from::int < o.id AND id <= :to');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE orders SET total = 1 WHERE id >= :from AND NOT (price = 3) AND (id OPERATOR(pg_catalog.<) (:to))');
CALL viflo_deploy(project => 'bad');
SELECT backfill('bad', E'-- table: orders\n-- key: id\nUPDATE other SET total = s.total FROM (SELECT * FROM orders WHERE id >= :from AND :to > id) s WHERE order_id = s.id');
CALL viflo_deploy(project => 'bad');

-- tables and keys that do not do
CREATE TABLE keys (id int PRIMARY KEY, maybe int UNIQUE, plain int NOT NULL, partly int NOT NULL, hashed int NOT NULL,
	described text COLLATE "C" NOT NULL, nulls int NOT NULL, shape point NOT NULL, second int NOT NULL, late int NOT NULL);
CREATE INDEX ON keys (partly) WHERE id > 3;
CREATE INDEX ON keys USING hash (hashed);
CREATE INDEX ON keys (described COLLATE "POSIX");
CREATE INDEX ON keys (described text_pattern_ops);
CREATE INDEX ON keys (nulls DESC NULLS LAST);
CREATE INDEX ON keys ((second + 0), second);
CREATE INDEX ON keys (second DESC, id);
CREATE VIEW key_view AS SELECT * FROM keys;
SELECT n, backfill('key' || n, format(E'-- table: %s\n-- key: %s\nUPDATE keys SET late = 1', t, k))
FROM (VALUES (1, 'nowhere', 'id'), (2, 'keys', 'nothing'), (3, 'keys', 'id, late'), (4, 'keys', 'maybe'), (5, 'keys', 'plain'),
	(6, 'keys', 'partly'), (7, 'keys', 'hashed'), (8, 'keys', 'described'), (9, 'keys', 'nulls'), (10, 'keys', 'shape'),
	(11, 'key_view', 'id'), (12, 'keys', 'ctid'), (13, 'keys; DROP TABLE keys', 'id'), (14, 'keys', 'keys.id'), (15, 'keys', 'second')) v (n, t, k);
CALL viflo_deploy(project => 'key1');
CALL viflo_deploy(project => 'key2');
CALL viflo_deploy(project => 'key3');
CALL viflo_deploy(project => 'key4');
CALL viflo_deploy(project => 'key5');
CALL viflo_deploy(project => 'key6');
CALL viflo_deploy(project => 'key7');
CALL viflo_deploy(project => 'key8');
CALL viflo_deploy(project => 'key9');
CALL viflo_deploy(project => 'key10');
CALL viflo_deploy(project => 'key11');
CALL viflo_deploy(project => 'key12');
CALL viflo_deploy(project => 'key13');
CALL viflo_deploy(project => 'key14');
-- an index of several columns, and of descending order, does
CALL viflo_deploy(project => 'key15');
\set VERBOSITY default

-- placeholders are what the server's lexer takes for them, and nothing else
SELECT backfill('text', $$-- table: orders
-- key: id
-- batch: 20
UPDATE orders AS ":from" SET nothing = length(':from' || $q$:to$q$ || E'\':to' || U&':from') -- :from and :to
	+ 1::integer /* :to /* :from */ */ + (array[1, 2, 3])[2] WHERE id>=:from::bigint AND:to>=id$$);
CALL viflo_deploy(project => 'text');
SELECT count(*), nothing FROM orders GROUP BY nothing;

-- what it does not say is added, to its own table and in brackets
CREATE SCHEMA twin;
CREATE TABLE twin.orders (id int, price int);
INSERT INTO twin.orders SELECT i, 1 FROM generate_series(1, 40) i;
SELECT backfill('added', $$-- table: orders
-- key: id
-- batch: 7
WITH one AS (SELECT 1 AS n)
UPDATE orders SET nothing = orders.nothing + n FROM one, twin.orders AS o WHERE o.id = app.orders.id AND o.price = 1 OR false RETURNING 1;$$);
CALL viflo_deploy(project => 'added');
SELECT count(*), nothing FROM orders GROUP BY nothing ORDER BY nothing;
SELECT backfill('both', $$-- table: orders
-- key: id
-- batch: 7
UPDATE orders SET nothing = 0 FROM twin.orders WHERE app.orders.id = twin.orders.id$$);
CALL viflo_deploy(project => 'both');
SELECT count(*), nothing FROM orders GROUP BY nothing ORDER BY nothing;

-- DELETE, and INSERT ... SELECT
SELECT backfill('delete', $$-- table: twin.orders
-- key: id
-- batch: 7
DELETE FROM twin.orders AS x USING orders WHERE orders.id = x.id AND x.id % 2 = 0$$);
ALTER TABLE twin.orders ADD PRIMARY KEY (id);
CALL viflo_deploy(project => 'delete');
SELECT count(*), min(id), max(id) FROM twin.orders;
SELECT backfill('insert', $$-- table: orders
-- key: id
-- batch: 30
INSERT INTO other SELECT id, total FROM orders WHERE id BETWEEN :from AND :to ON CONFLICT DO NOTHING$$);
CALL viflo_deploy(project => 'insert');
SELECT count(*), count(DISTINCT order_id), transactions('other') FROM other;

-- keys of all kinds; each row is met once, and an error in the middle is gone on after
CREATE TYPE mood AS ENUM ('z', 'y', 'x', 'w', 'v', 'u', 't', 's', 'r', 'q');
CREATE DOMAIN code AS varchar(20) CHECK (VALUE <> '');
CREATE TABLE fail (on_number int);
CREATE FUNCTION check_row(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF n IN (SELECT on_number FROM fail) THEN
		RAISE 'row % cannot be changed', n;
	END IF;
	RETURN 1;
END $$;
SET IntervalStyle = 'sql_standard';
SET DateStyle = 'German';
SET extra_float_digits = -10;
CREATE FUNCTION make_table(name text, type text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %I (k %s NOT NULL, n int, met int DEFAULT 0)', name, type);
	EXECUTE format('INSERT INTO %I SELECT %s, i FROM generate_series(1, 100) i', name, value);
	EXECUTE format('CREATE INDEX ON %I (k)', name);
	RETURN backfill(name, format(E'-- table: %I\n-- key: k\n-- batch: 9\nUPDATE %1$I SET met = met + app.check_row(n) WHERE k BETWEEN :from AND :to', name));
END $$;
CREATE FUNCTION seen(t oid, OUT met text, OUT rows bigint, OUT several boolean) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT string_agg(DISTINCT met::text, '',''), count(*), count(DISTINCT xmin::text) > 1 FROM %s', t::regclass)
	INTO met, rows, several;
END $$;
SELECT make_table(name, type, value) FROM (VALUES
	('t_int', 'int', 'i * 3'),
	('t_uuid', 'uuid', 'md5(i::text)::uuid'),
	('t_text', 'text COLLATE "C"', '''k'' || i || chr(i + 32)'),
	('t_name', 'name', '''k'' || i'),
	('t_bpchar', 'char(5)', '''k'' || i'),
	('t_domain', 'code', '''k'' || i / 4'),
	('t_time', 'timestamptz', '''2020-02-03 04:05:06.789+11''::timestamptz + i * interval ''31.000001 days'''),
	('t_date', 'date', 'date ''0044-03-15 BC'' + i * 1000'),
	('t_interval', 'interval', 'make_interval(months => i - 50, days => - i, secs => i * 0.001)'),
	('t_float', 'double precision', 'CASE i WHEN 99 THEN ''NaN'' WHEN 98 THEN ''-Infinity'' ELSE 1e-9 + i / 3.0::float8 END'),
	('t_real', 'real', '1 / (101 - i)::float4'),
	('t_numeric', 'numeric', '(i / 2)::numeric(10,2) + CASE WHEN i % 2 = 0 THEN 0 ELSE 0.0000 END'),
	('t_bool', 'boolean', 'i > 60'),
	('t_mood', 'mood', '(enum_range(NULL::mood))[1 + i % 10]'),
	('t_array', 'text[]', 'array[''"'', NULL, '','' || i]'),
	('t_range', 'int4range', 'int4range(i, i * 2, ''[]'')'),
	('t_row', 'orders', 'ROW(1, i, NULL, NULL, NULL)::orders'),
	('t_inet', 'cidr', '(''10.0.'' || i || ''.0/24'')::cidr'),
	('t_class', 'regclass', '''pg_class''::regclass'),
	('t_bytea', 'bytea', 'sha256(i::text::bytea)'),
	('t_money', 'money', 'i::money')
) AS v (name, type, value);
INSERT INTO fail VALUES (97);
CALL viflo_deploy(project => 't_int');
CALL viflo_deploy(project => 't_uuid');
CALL viflo_deploy(project => 't_text');
CALL viflo_deploy(project => 't_name');
CALL viflo_deploy(project => 't_bpchar');
CALL viflo_deploy(project => 't_domain');
CALL viflo_deploy(project => 't_time');
CALL viflo_deploy(project => 't_date');
CALL viflo_deploy(project => 't_interval');
CALL viflo_deploy(project => 't_float');
CALL viflo_deploy(project => 't_real');
CALL viflo_deploy(project => 't_numeric');
CALL viflo_deploy(project => 't_bool');
CALL viflo_deploy(project => 't_mood');
CALL viflo_deploy(project => 't_array');
CALL viflo_deploy(project => 't_range');
CALL viflo_deploy(project => 't_row');
CALL viflo_deploy(project => 't_inet');
CALL viflo_deploy(project => 't_class');
CALL viflo_deploy(project => 't_bytea');
CALL viflo_deploy(project => 't_money');
SELECT project, revision, section_done, backfill_key, backfill_rows FROM viflo.unfinished ORDER BY project COLLATE "C";
SELECT revision, statements, backfill_rows FROM viflo_unfinished('t_int');
SELECT viflo_upgrade(project => 't_int');
TRUNCATE fail;
SET DateStyle = 'SQL, MDY';
SET IntervalStyle = 'iso_8601';
SET TimeZone = 'Asia/Kolkata';
RESET extra_float_digits;
SET client_min_messages = notice;
CALL viflo_deploy(project => 't_int');
SET client_min_messages = warning;
CALL viflo_deploy(project => 't_uuid');
CALL viflo_deploy(project => 't_text');
CALL viflo_deploy(project => 't_name');
CALL viflo_deploy(project => 't_bpchar');
CALL viflo_deploy(project => 't_domain');
CALL viflo_deploy(project => 't_time');
CALL viflo_deploy(project => 't_date');
CALL viflo_deploy(project => 't_interval');
CALL viflo_deploy(project => 't_float');
CALL viflo_deploy(project => 't_real');
CALL viflo_deploy(project => 't_numeric');
CALL viflo_deploy(project => 't_bool');
CALL viflo_deploy(project => 't_mood');
CALL viflo_deploy(project => 't_array');
CALL viflo_deploy(project => 't_range');
CALL viflo_deploy(project => 't_row');
CALL viflo_deploy(project => 't_inet');
CALL viflo_deploy(project => 't_class');
CALL viflo_deploy(project => 't_bytea');
CALL viflo_deploy(project => 't_money');
RESET DateStyle;
RESET IntervalStyle;
RESET TimeZone;
SELECT relname, s.* FROM pg_class, LATERAL seen(oid) s
WHERE relname LIKE 't\_%' AND relnamespace = 'app'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";
SELECT project, count(*), max(detail) LIKE 'backfill resumed after key %; backfill changed 100 rows' AS resumed
FROM viflo.log WHERE project LIKE 't\_%' AND status = 'done' GROUP BY project ORDER BY project COLLATE "C";

-- no rows, and rows that come and go while it runs
CREATE TABLE empty (id int PRIMARY KEY, n int);
SELECT backfill('empty', E'-- table: empty\n-- key: id\nUPDATE empty SET n = 1');
CALL viflo_deploy(project => 'empty');
SELECT status, detail FROM viflo_log('empty');
CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO empty SELECT max(id) + 1, 0 FROM empty;
	RETURN new;
END $$;
INSERT INTO empty SELECT i, 0 FROM generate_series(1, 20) i;
CREATE TRIGGER grow BEFORE UPDATE ON empty FOR EACH ROW EXECUTE FUNCTION grow();
SELECT backfill('grow', E'-- table: empty\n-- key: id\n-- batch: 3\nUPDATE empty SET n = n + 1');
CALL viflo_deploy(project => 'grow');
SELECT n, count(*) FROM empty GROUP BY n ORDER BY n;
DROP TRIGGER grow ON empty;

-- partitions, and children that have an index or not
CREATE TABLE parts (id int, n int DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (30);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (30) TO (100);
ALTER TABLE parts ADD PRIMARY KEY (id);
INSERT INTO parts SELECT generate_series(1, 95);
SELECT backfill('parts', E'-- table: parts\n-- key: id\n-- batch: 8\nUPDATE parts p SET n = n + 1');
CALL viflo_deploy(project => 'parts');
SELECT n, count(*), count(DISTINCT xmin::text) FROM parts GROUP BY n;
CREATE TABLE child (CONSTRAINT c CHECK (id > 0)) INHERITS (empty);
INSERT INTO child VALUES (50, 0);
SELECT backfill('child', E'-- table: empty\n-- key: id\n-- batch: 8\nUPDATE ONLY empty SET n = 100');
CALL viflo_deploy(project => 'child');
CREATE INDEX ON child (id);
CALL viflo_deploy(project => 'child');
SELECT tableoid::regclass, n, count(*) FROM empty GROUP BY 1, 2 ORDER BY 1, 2;

-- a child whose key may be null, though the parent's may not: 18 has other means for it
CREATE TABLE above (id int NOT NULL, n int DEFAULT 0);
CREATE TABLE below () INHERITS (above);
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 180000 THEN
		ALTER TABLE above ALTER id DROP NOT NULL;
		EXECUTE 'ALTER TABLE above ADD CONSTRAINT above_id NOT NULL id NO INHERIT';
	ELSE
		ALTER TABLE below ALTER id DROP NOT NULL;
	END IF;
END $$;
CREATE INDEX ON above (id);
CREATE INDEX ON below (id);
INSERT INTO above SELECT generate_series(1, 20);
INSERT INTO below VALUES (NULL), (30);
SELECT backfill('below', E'-- table: above\n-- key: id\n-- batch: 8\nUPDATE above SET n = n + 1');
CALL viflo_deploy(project => 'below');
SELECT n, count(*) FROM above GROUP BY n;
UPDATE below SET id = 31 WHERE id IS NULL;
ALTER TABLE below ALTER id SET NOT NULL;
CALL viflo_deploy(project => 'below');
SELECT n, count(*) FROM above GROUP BY n;

-- a key that changes with another column
CREATE TABLE made (n int, k int NOT NULL GENERATED ALWAYS AS (n + 0) STORED UNIQUE, note text);
INSERT INTO made SELECT generate_series(1, 20);
SELECT backfill('made', E'-- table: made\n-- key: k\n-- batch: 8\nUPDATE made AS m\nSET n = n + 10');
CALL viflo_deploy(project => 'made');
SELECT min(n), max(n) FROM made;
SELECT backfill('made', E'-- table: made\n-- key: k\n-- batch: 8\nDELETE FROM made WHERE n < 15');
CALL viflo_deploy(project => 'made');
SELECT min(n), max(n) FROM made;

-- half done by one key, it is not gone on with by another, nor in another table
CREATE TABLE "two Keys" (id int PRIMARY KEY, other int NOT NULL UNIQUE, n int DEFAULT 0);
INSERT INTO "two Keys" SELECT i, 101 - i FROM generate_series(1, 100) i;
CREATE FUNCTION two_keys("table" text, key text) RETURNS text LANGUAGE sql AS $$
	SELECT backfill('two_keys', format(E'-- table: %s\n-- key: %s\n-- batch: 20\nUPDATE app."two Keys" SET n = n + app.check_row(id) WHERE %2$s BETWEEN :from AND :to', "table", key));
$$;
INSERT INTO fail VALUES (50);
SELECT two_keys('"two Keys"', 'other');
CALL viflo_deploy(project => 'two_keys');
TRUNCATE fail;
SELECT backfill_key, backfill_rows, backfill_of FROM viflo.unfinished WHERE project = 'two_keys';
SELECT two_keys('"two Keys"', 'id');
CALL viflo_deploy(project => 'two_keys');
SELECT two_keys('orders', 'id');
CALL viflo_deploy(project => 'two_keys');
SELECT n, count(*) FROM "two Keys" GROUP BY n ORDER BY n;
SELECT backfill_key, backfill_rows, backfill_of FROM viflo.unfinished WHERE project = 'two_keys';
-- however it is written
SELECT two_keys('app."two Keys"', 'Other');
SET quote_all_identifiers = on;
CALL viflo_deploy(project => 'two_keys');
RESET quote_all_identifiers;
SELECT n, count(*) FROM "two Keys" GROUP BY n ORDER BY n;

-- a statement's settings and its deferred checks end with the range
CREATE FUNCTION set_it(n int) RETURNS int LANGUAGE sql AS $$
	SELECT set_config('application_name', 'from the backfill', false); SELECT n;
$$;
ALTER TABLE orders ADD COLUMN other int REFERENCES orders DEFERRABLE INITIALLY DEFERRED;
SELECT backfill('deferred', E'-- table: orders\n-- key: id\n-- batch: 30\nUPDATE orders SET nothing = app.set_it(2), other = CASE WHEN id > 40 THEN -id END');
CALL viflo_deploy(project => 'deferred');
SELECT current_setting('application_name') = 'from the backfill' AS changed;
SELECT backfill_key, backfill_rows FROM viflo.unfinished WHERE project = 'deferred';
SELECT count(*) FROM orders WHERE nothing = 2;

-- cancelled in the middle
CREATE FUNCTION cancel_at(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF n IN (SELECT on_number FROM fail) THEN
		PERFORM pg_cancel_backend(pg_backend_pid());
		PERFORM pg_sleep(60);
	END IF;
	RETURN n;
END $$;
INSERT INTO fail VALUES (50);
SELECT backfill('cancel', E'-- table: orders\n-- key: id\n-- batch: 20\nUPDATE orders SET nothing = app.cancel_at(id)');
CALL viflo_deploy(project => 'cancel');
SELECT backfill_key, backfill_rows FROM viflo.unfinished WHERE project = 'cancel';
SELECT status, sqlstate FROM viflo_log('cancel');
TRUNCATE fail;
CALL viflo_deploy(project => 'cancel');
SELECT count(*) FROM orders WHERE nothing = id;

-- names and search_paths of somebody who means harm
CREATE SCHEMA "a.b ""c"" $1 :from";
CREATE TABLE "a.b ""c"" $1 :from"."t; :to --" ("k'ey :to" int PRIMARY KEY, "select" int);
INSERT INTO "a.b ""c"" $1 :from"."t; :to --" SELECT generate_series(1, 50);
SELECT backfill('names', $$-- table: "a.b ""c"" $1 :from"."t; :to --"
-- key: "k'ey :to"
-- batch: 6
UPDATE "a.b ""c"" $1 :from"."t; :to --" SET "select" = 1$$);
CALL viflo_deploy(project => 'names');
SELECT "select", count(*), count(DISTINCT xmin::text) FROM "a.b ""c"" $1 :from"."t; :to --" GROUP BY 1;
CREATE SCHEMA evil;
CREATE FUNCTION evil.never(int, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'evil'; END $$;
CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
CREATE OPERATOR evil.>= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
CREATE OPERATOR evil.<= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
CREATE OPERATOR evil.< (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);
SELECT backfill('evil', E'-- table: app.orders\n-- key: id\n-- batch: 6\nUPDATE app.orders SET nothing = 7');
SET search_path = evil, pg_catalog, public;
CALL viflo_deploy(project => 'evil');
SET search_path = app, public;
SELECT count(*) FROM orders WHERE nothing = 7;

-- rights are the caller's
CREATE ROLE regress_viflo_backfill;
GRANT USAGE ON SCHEMA app TO regress_viflo_backfill;
GRANT EXECUTE ON PROCEDURE viflo_deploy TO regress_viflo_backfill;
GRANT UPDATE (nothing) ON orders TO regress_viflo_backfill;
SELECT backfill('rights', E'-- table: app.orders\n-- key: id\n-- batch: 6\nUPDATE app.orders SET nothing = 8');
SET ROLE regress_viflo_backfill;
\set VERBOSITY terse
CALL viflo_deploy(project => 'rights');
RESET ROLE;
GRANT SELECT ON orders TO regress_viflo_backfill;
SET ROLE regress_viflo_backfill;
CALL viflo_deploy(project => 'rights');
RESET ROLE;
SELECT count(*) FROM orders WHERE nothing = 8;
\set VERBOSITY default

-- clean up
SET client_min_messages = error;
DROP OWNED BY regress_viflo_backfill;
DROP ROLE regress_viflo_backfill;
DROP SCHEMA app, twin, evil, "a.b ""c"" $1 :from" CASCADE;
DROP EXTENSION viflo_migrate CASCADE;
DROP SCHEMA IF EXISTS viflo CASCADE;
