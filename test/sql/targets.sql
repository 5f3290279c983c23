-- All kinds of targets, by what viflo_plan() makes of them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION viflo_migrate;
SET viflo_migrate.project = 'targets';
SELECT viflo_load(ARRAY(SELECT format(E'-- viflo revision: %s\n-- revises: %s\n%s-- viflo up\nSELECT 1;\n-- viflo down\nSELECT 1;\n',
		id, down, '-- labels: ' || label || E'\n')
	FROM (VALUES ('aaaa1111', '', 'main'), ('aaaa2222', 'aaaa1111', NULL), ('bbbb3333', 'aaaa2222', NULL),
		('cccc4444', 'bbbb3333', NULL), ('1dddd', '', 'side'), ('2dddd', '1dddd', NULL)) v (id, down, label)), '{}');
CREATE FUNCTION plan(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	steps text;
	hint text;
BEGIN
	SELECT coalesce(string_agg(direction || ' ' || revision, ', ' ORDER BY step), 'nothing') INTO steps FROM viflo_plan(target);
	RETURN steps;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || coalesce(' / ' || nullif(hint, ''), '');
END $$;

CREATE TABLE target (number int GENERATED ALWAYS AS IDENTITY, text text);
INSERT INTO target (text) VALUES
	('head'), ('heads'), ('base'), ('main'), ('main@head'), ('side@heads'), ('main@base'), ('cccc4444'), ('cccc'), ('cccc4444@head'),
	('aaaa'), ('aaaa2'), ('a'), ('aaa'), ('bbbb'), ('b'), ('nosuch'), ('nosuch@head'), ('main@2dddd'), ('side@aaaa2222'), ('mai'),
	('+1'), ('+2'), ('+9'), ('-1'), ('-2'), ('-9'), ('main@+1'), ('side@+1'), ('main@-1'), ('aaaa1111+2'), ('aaaa1+2'), ('cccc4444-2'), ('cccc4444+1'),
	('bbbb3333-9'), ('base+1'), ('main@base+1'), ('+0'), ('-0'), ('+1x'), ('cccc4444-1x'), ('+99999999999999999999'), ('+'), ('-'), ('@'), ('@head'),
	('main@'), (''), (' '), (' head'), ('head '), ('HEAD'), ('head:base'), ('a:b:c'), (':'), ('current'), ('head,heads'), ('aaaa1111,1dddd'),
	(NULL), ('%'), ('aaaa%'), (E'a\nb'), (repeat('x', 10000));

-- nothing is applied
SELECT left(text, 40) AS target, regexp_replace(plan(text), 'x{100,}', 'xxx') AS plan FROM target ORDER BY number;

-- in the middle of one branch
SELECT revision FROM viflo_upgrade('bbbb');
SELECT left(text, 40) AS target, regexp_replace(plan(text), 'x{100,}', 'xxx') AS plan FROM target ORDER BY number;

-- everything
SELECT revision FROM viflo_upgrade('heads');
SELECT left(text, 40) AS target, regexp_replace(plan(text), 'x{100,}', 'xxx') AS plan FROM target ORDER BY number;

-- an exact id wins over any other reading
SELECT viflo_load(E'-- viflo revision: 2024-01\n-- revises: cccc4444\n-- viflo up\n-- viflo down\n');
SELECT viflo_load(E'-- viflo revision: 2024-01-x\n-- revises: 2024-01\n-- viflo up\n-- viflo down\n');
SELECT viflo_load(E'-- viflo revision: 2024\n-- revises: 2024-01-x\n-- viflo up\n-- viflo down\n');
SELECT plan('2024-01'), plan('2024'), plan('2024-1'), plan('2024-01-'), plan('2024-01-x-1');

-- ranges of the history
CREATE FUNCTION history(range text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT coalesce(string_agg(revision, ' '), 'nothing') FROM viflo_history(range));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT range, history(range) FROM unnest(ARRAY['base:heads', 'main@base:main@head', 'aaaa2:cccc', ':bbbb', 'bbbb:', 'side@base:heads', 'bbbb:bbbb',
	'cccc:aaaa2', 'bbbb', ':', 'current:', ':current', '-1:', 'aaaa2:+1', 'nosuch:', 'a:b:c', '', 'head:head', ':head', NULL]) range;
SELECT viflo_history(NULL);

DROP FUNCTION history(text);
DROP FUNCTION plan(text);
DROP TABLE target;
DROP EXTENSION viflo_migrate;
