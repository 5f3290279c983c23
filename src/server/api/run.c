/*-------------------------------------------------------------------------
 * run.c
 *	  SQL functions that run, record, or show a plan.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/engine.h"
#include "run/offline.h"
#include "run/tenant.h"
#include "settings.h"
#include "store/settled.h"
#include "store/state.h"
#include "store/tables.h"

PG_FUNCTION_INFO_V1(viflo_upgrade);
PG_FUNCTION_INFO_V1(viflo_downgrade);
PG_FUNCTION_INFO_V1(viflo_stamp);
PG_FUNCTION_INFO_V1(viflo_stamp_many);
PG_FUNCTION_INFO_V1(viflo_plan);
PG_FUNCTION_INFO_V1(viflo_sql);
PG_FUNCTION_INFO_V1(viflo_record);
PG_FUNCTION_INFO_V1(viflo_settled);
PG_FUNCTION_INFO_V1(viflo_settle);

/* Watcher: a result row for each step that ran. */
static void
add_step_row(void *state, const VifloWatchedStep *step, instr_time duration)
{
	FunctionCallInfo fcinfo = state;
	Interval	interval = {0};
	Datum		values[5];
	bool		nulls[5] = {false};

	interval.time = INSTR_TIME_GET_MICROSEC(duration);
	values[0] = Int32GetDatum(step->number);
	values[1] = CStringGetTextDatum(step->up ? "up" : "down");
	values[2] = CStringGetTextDatum(step->revision);
	values[3] = CStringGetTextDatum(step->message);
	values[4] = IntervalPGetDatum(&interval);
	viflo_result_row(fcinfo, values, nulls);
}

static Datum
run(FunctionCallInfo fcinfo, VifloDirection direction)
{
	VifloWatcher rows = {.state = fcinfo,.step_end = add_step_row};
	VifloRun	request = {
		.project = viflo_arg_project(fcinfo, 1),
		.tenant = viflo_arg_tenant(fcinfo, 2),
		.direction = direction,
		.target = viflo_arg_required(fcinfo, 0, "target"),
		.watchers = &rows
	};

	InitMaterializedSRF(fcinfo, 0);
	(void) viflo_engine_run(&request);
	return (Datum) 0;
}

/*
 * viflo_upgrade(target text, project text, tenant text)
 */
Datum
viflo_upgrade(PG_FUNCTION_ARGS)
{
	return run(fcinfo, VIFLO_UP);
}

/*
 * viflo_downgrade(target text, project text, tenant text)
 */
Datum
viflo_downgrade(PG_FUNCTION_ARGS)
{
	return run(fcinfo, VIFLO_DOWN);
}

/*
 * viflo_stamp(target text, purge boolean, project text, tenant text)
 */
Datum
viflo_stamp(PG_FUNCTION_ARGS)
{
	const char *target = viflo_arg_required(fcinfo, 0, "target");

	viflo_engine_stamp(viflo_arg_project(fcinfo, 2), viflo_arg_tenant(fcinfo, 3), &target, 1,
					   viflo_arg_bool(fcinfo, 1));
	PG_RETURN_VOID();
}

/*
 * viflo_stamp(targets text[], purge boolean, project text, tenant text)
 */
Datum
viflo_stamp_many(PG_FUNCTION_ARGS)
{
	VifloNames	targets = viflo_arg_names(fcinfo, 0, "targets", false);

	viflo_engine_stamp(viflo_arg_project(fcinfo, 2), viflo_arg_tenant(fcinfo, 3),
					   (const char *const *) targets.names, targets.count,
					   viflo_arg_bool(fcinfo, 1));
	PG_RETURN_VOID();
}

/*
 * viflo_plan(target text, project text, tenant text)
 */
Datum
viflo_plan(PG_FUNCTION_ARGS)
{
	const char *target = viflo_arg_required(fcinfo, 0, "target");
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 1),
											   viflo_arg_tenant(fcinfo, 2));
	VifloPlan	plan = {0};
	VifloError	error = {0};
	bool		ok;

	InitMaterializedSRF(fcinfo, 0);
	viflo_steps_check_missing(state);
	if (viflo_plan_is_downgrade(state->graph, viflo_state_view(state), target))
		ok = viflo_plan_downgrade(state->graph, viflo_state_view(state), target, &plan, &error);
	else
		ok = viflo_plan_upgrade(state->graph, viflo_state_view(state), target, &plan, &error);
	if (!ok)
		viflo_report_error(&error);
	viflo_steps_leave_out_late(viflo_setting_late, state, &plan);

	for (int i = 0; i < plan.count; i++)
	{
		const VifloRevision *revision = &state->revisions[plan.steps[i].node];
		const VifloEntry *entry = &state->entries[plan.steps[i].node];
		bool		up = plan.steps[i].direction == VIFLO_UP;
		Datum		values[5];
		bool		nulls[5] = {false};

		values[0] = Int32GetDatum(i + 1);
		values[1] = CStringGetTextDatum(up ? "up" : "down");
		values[2] = CStringGetTextDatum(revision->id);
		values[3] = CStringGetTextDatum(revision->message);
		values[4] = BoolGetDatum(up ? entry->transactional : entry->down_transactional);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * viflo_sql(range text, project text, tenant text)
 */
Datum
viflo_sql(PG_FUNCTION_ARGS)
{
	StringInfoData buf;
	char	   *schema = get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));

	initStringInfo(&buf);
	viflo_offline_script(&buf, viflo_arg_project(fcinfo, 1), viflo_arg_tenant(fcinfo, 2),
						 viflo_arg_required(fcinfo, 0, "range"), quote_identifier(schema));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}

/*
 * viflo_record(revision text, direction text, started timestamptz, statements int,
 *				project text, tenant text)
 */
Datum
viflo_record(PG_FUNCTION_ARGS)
{
	const char *revision = viflo_arg_required(fcinfo, 0, "revision");
	const char *direction = viflo_arg_required(fcinfo, 1, "direction");
	const char *project = viflo_arg_project(fcinfo, 4);
	const char *tenant = viflo_arg_tenant(fcinfo, 5);
	bool		up = strcmp(direction, "up") == 0;

	if (!up && strcmp(direction, "down") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("direction must be \"up\" or \"down\", not \"%s\"", direction)));
	if (!PG_ARGISNULL(2) && TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(2)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be finite", "started")));
	if (PG_ARGISNULL(2))
		viflo_offline_check(project, tenant, revision, up);
	else
		viflo_offline_record(project, tenant, revision, up, PG_GETARG_TIMESTAMPTZ(2),
							 PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3));
	PG_RETURN_TIMESTAMPTZ(GetCurrentTimestamp());
}

/* The schema of the extension, where what users call is; as SQL writes it. */
static const char *
extension_schema(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	const char *schema = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("viflo_migrate"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = quote_identifier(get_namespace_name(((Form_pg_extension) GETSTRUCT(tuple))->extnamespace));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return schema;
}

/*
 * viflo.settled(manifest text, target text, project text, default_project text,
 *				 tenant text)
 *
 * Before version 1.3 without tenant, and a boolean is all that it returns.
 */
Datum
viflo_settled(PG_FUNCTION_ARGS)
{
	const char *manifest = viflo_arg_required(fcinfo, 0, "manifest");
	const char *target = viflo_arg_required(fcinfo, 1, "target");
	const char *tenant = viflo_arg_tenant(fcinfo, 4);
	const char *project;
	const char *schema;
	bool		settled;
	TupleDesc	descriptor;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (PG_ARGISNULL(2) && !PG_ARGISNULL(3) && !viflo_setting_project_is_set)
		project = viflo_arg_text(fcinfo, 3);
	else
		project = viflo_arg_project(fcinfo, 2);
	settled = viflo_tenant_exists(tenant) &&
		viflo_settled_find(project, tenant, target, manifest);
	if (PG_NARGS() < 5)
		PG_RETURN_BOOL(settled);

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	schema = extension_schema();
	nulls[2] = schema == NULL;
	values[0] = BoolGetDatum(settled);
	values[1] = CStringGetTextDatum(project);
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(schema);
	values[3] = BoolGetDatum(viflo_table_is_readable(VIFLO_TABLE_LOG));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

/*
 * viflo.settle(manifest text, target text, project text, tenant text)
 */
Datum
viflo_settle(PG_FUNCTION_ARGS)
{
	const char *manifest = viflo_arg_required(fcinfo, 0, "manifest");
	const char *target = viflo_arg_required(fcinfo, 1, "target");

	PG_RETURN_BOOL(viflo_engine_settle(viflo_arg_project(fcinfo, 2), viflo_arg_tenant(fcinfo, 3),
									   target, manifest));
}
