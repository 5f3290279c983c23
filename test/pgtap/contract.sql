-- What is promised to users: names, arguments, result columns, settings.
-- More of each may come; none of these may go.
\set ECHO none
\set QUIET 1
\set ON_ERROR_STOP true
\pset format unaligned
\pset tuples_only true
\pset pager off

BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION viflo_migrate;

CREATE TEMP TABLE promised (name text, arguments text, columns text);
INSERT INTO promised VALUES
	('viflo_upgrade', 'target text = ''head''', 'step integer, direction text, revision text, message text, duration interval'),
	('viflo_downgrade', 'target text', 'step integer, direction text, revision text, message text, duration interval'),
	('viflo_stamp', 'target text, purge boolean = false', NULL),
	('viflo_stamp', 'targets text[], purge boolean = false', NULL),
	('viflo_plan', 'target text = ''head''', 'step integer, direction text, revision text, message text, transactional boolean'),
	('viflo_sql', 'range text = ''heads''', 'text'),
	('viflo_revision', 'message text, up text, down text = NULL, revision text = NULL, down_revision text[] = ''{head}'', depends_on text[] = ''{}'', branch_labels text[] = ''{}'', verify text = NULL, transactional boolean = NULL', 'text'),
	('viflo_merge', 'revisions text[] = ''{heads}'', message text = NULL', 'text'),
	('viflo_load', 'script text, source text = NULL', 'text'),
	('viflo_load', 'scripts text[], sources text[]', 'SETOF text'),
	('viflo_script', 'revision text', 'text'),
	('viflo_remove', 'revision text', NULL),
	('viflo_repair', 'revision text', NULL),
	('viflo_current', '', 'revision text, is_head boolean, message text, applied_at timestamp with time zone, applied_by text'),
	('viflo_heads', '', 'revision text, down_revision text[], depends_on text[], branch_labels text[], message text, is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean, transactional boolean'),
	('viflo_branches', '', 'revision text, down_revision text[], depends_on text[], branch_labels text[], message text, is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean, transactional boolean'),
	('viflo_history', 'range text = ''base:heads''', 'revision text, down_revision text[], depends_on text[], branch_labels text[], message text, is_head boolean, is_branch_point boolean, is_merge_point boolean, is_current boolean, applied boolean, transactional boolean'),
	('viflo_show', 'revision text', 'revision text'),
	('viflo_log', '', 'id bigint, project text, revision text, direction text, status text, started_at timestamp with time zone, duration interval, role_name text, application_name text, client_addr inet, server_version text, checksum text, statements integer, error text, sqlstate text'),
	('viflo_check', '', NULL),
	('viflo_pending', '', 'revision text, message text, late boolean, repeatable boolean'),
	('viflo_tenants', 'pattern text = ''%'', target text = ''head''', 'tenant text, current text[], pending integer, late integer, missing integer');

-- A function as the table above writes it.
CREATE FUNCTION pg_temp.written(function oid) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat(name, ' ', format_type(type, NULL),
		' = ' || regexp_replace(pg_get_function_arg_default(function, number::int), '::[a-z]+(\[\])?$', '')), ', ' ORDER BY number)
	FROM pg_proc, unnest(coalesce(proallargtypes, proargtypes::oid[]), proargnames, proargmodes) WITH ORDINALITY AS a (type, name, mode, number)
	WHERE oid = function AND coalesce(mode, 'i') IN ('i', 'b')
$$;
CREATE FUNCTION pg_temp.columns(function oid) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT string_agg(name || ' ' || format_type(type, NULL), ', ' ORDER BY ordinality)
		FROM pg_proc, unnest(proallargtypes, proargnames, proargmodes) WITH ORDINALITY AS a (type, name, mode, ordinality)
		WHERE oid = function AND mode IN ('o', 't', 'b')),
		nullif(pg_get_function_result(function), 'void'))
$$;

SELECT plan((SELECT 4 * count(*)::int FROM promised) + 9);

SELECT ok(EXISTS (SELECT FROM pg_proc p WHERE proname = name AND (pg_temp.written(oid) || ', ') ~ 'project text = NULL, (tenant text = NULL, )?$'
		AND starts_with(pg_temp.written(oid) || ', ', nullif(arguments, '') || ', ') IS NOT FALSE),
	format('%s(%s, ... project)', name, arguments))
FROM promised;

-- viflo_log's result has project, too, and viflo_show's first column is its argument
SELECT ok(EXISTS (SELECT FROM pg_proc p WHERE proname = name
		AND starts_with(pg_temp.written(oid) || ', ', nullif(arguments, '') || ', ') IS NOT FALSE
		AND CASE WHEN columns IS NULL THEN pg_temp.columns(oid) IS NULL
			ELSE starts_with(pg_temp.columns(oid) || ', ', columns || ', ') END),
	format('%s returns %s', name, coalesce(columns, 'nothing')))
FROM promised;

-- whatever comes later, a call by these names and no others is not ambiguous
SELECT ok(prokind = 'f' AND NOT prosecdef, format('%s is a plain function', p.oid::regprocedure))
FROM promised JOIN pg_proc p ON proname = name AND starts_with(pg_temp.written(p.oid) || ', ', nullif(arguments, '') || ', ') IS NOT FALSE;
SELECT isnt(obj_description(p.oid, 'pg_proc'), NULL, format('%s is described', p.oid::regprocedure))
FROM promised JOIN pg_proc p ON proname = name AND starts_with(pg_temp.written(p.oid) || ', ', nullif(arguments, '') || ', ') IS NOT FALSE;

-- whatever depends on what is applied is asked for a tenant
SELECT set_eq($$SELECT DISTINCT proname::text FROM pg_proc WHERE proname LIKE 'viflo\_%' AND pg_temp.written(oid) LIKE '%tenant text = NULL'$$,
	ARRAY['viflo_upgrade', 'viflo_downgrade', 'viflo_deploy', 'viflo_revert', 'viflo_deploy_async', 'viflo_revert_async', 'viflo_stamp',
		'viflo_plan', 'viflo_sql', 'viflo_record', 'viflo_repair', 'viflo_current', 'viflo_heads', 'viflo_branches', 'viflo_history',
		'viflo_show', 'viflo_log', 'viflo_unfinished', 'viflo_check', 'viflo_pending', 'viflo_adopt'], 'functions that take a tenant');

SELECT isnt(current_setting(name, true), NULL, 'setting ' || name)
FROM unnest(ARRAY['viflo_migrate.project', 'viflo_migrate.lock_wait', 'viflo_migrate.lock_timeout',
	'viflo_migrate.statement_timeout', 'viflo_migrate.log_level']) name;
SELECT is(current_setting('viflo_migrate.project'), 'viflo', 'the project is viflo unless somebody sets it');
SELECT is((SELECT context FROM pg_settings WHERE name LIKE 'viflo_migrate.%' GROUP BY 1), 'user', 'none needs a restart');
SELECT is((SELECT default_version FROM pg_available_extensions WHERE name = 'viflo_migrate'), '1.3', 'default_version');

SELECT * FROM finish();
ROLLBACK;
