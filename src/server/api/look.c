/*-------------------------------------------------------------------------
 * look.c
 *	  SQL functions that only look.  They work on a hot standby, too.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "common/branches.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/step.h"
#include "run/tenant.h"
#include "store/revisions.h"
#include "store/state.h"
#include "store/tables.h"

PG_FUNCTION_INFO_V1(viflo_current);
PG_FUNCTION_INFO_V1(viflo_heads);
PG_FUNCTION_INFO_V1(viflo_branches);
PG_FUNCTION_INFO_V1(viflo_history);
PG_FUNCTION_INFO_V1(viflo_show);
PG_FUNCTION_INFO_V1(viflo_log);
PG_FUNCTION_INFO_V1(viflo_check);
PG_FUNCTION_INFO_V1(viflo_pending);

/* Columns that every function on revisions begins with; see node_values(). */
#define NODE_COLUMNS 11
#define SHOW_COLUMNS (NODE_COLUMNS + 8)
#define PENDING_COLUMNS 4

static void
node_values(const VifloProjectState *state, int node, Datum *values)
{
	const VifloRevision *revision = &state->revisions[node];
	const VifloNode *n = &state->graph->nodes[node];

	values[0] = CStringGetTextDatum(revision->id);
	values[1] = viflo_names_array(&revision->down);
	values[2] = viflo_names_array(&revision->depends_on);
	values[3] = viflo_names_array(&revision->labels);
	values[4] = CStringGetTextDatum(revision->message);
	values[5] = BoolGetDatum(n->nchildren == 0 && !n->repeatable);
	values[6] = BoolGetDatum(n->nchildren > 1);
	values[7] = BoolGetDatum(n->nparents > 1);
	values[8] = BoolGetDatum(viflo_standing_is_current(state->graph, state->applied, state->covered, node));
	values[9] = BoolGetDatum(state->applied[node]);
	values[10] = BoolGetDatum(state->entries[node].transactional);
}

static void
node_row(FunctionCallInfo fcinfo, const VifloProjectState *state, int node)
{
	Datum		values[NODE_COLUMNS];
	bool		nulls[NODE_COLUMNS] = {false};

	node_values(state, node, values);
	viflo_result_row(fcinfo, values, nulls);
}

/*
 * viflo_current(project text, tenant text)
 */
Datum
viflo_current(PG_FUNCTION_ARGS)
{
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 0),
											   viflo_arg_tenant(fcinfo, 1));

	InitMaterializedSRF(fcinfo, 0);
	viflo_steps_check_missing(state);
	for (int node = 0; node < state->count; node++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};

		if (!viflo_standing_is_current(state->graph, state->applied, state->covered, node))
			continue;
		values[0] = CStringGetTextDatum(state->revisions[node].id);
		values[1] = BoolGetDatum(state->graph->nodes[node].nchildren == 0);
		values[2] = CStringGetTextDatum(state->revisions[node].message);
		values[3] = TimestampTzGetDatum(state->marks[node].at);
		values[4] = CStringGetTextDatum(state->marks[node].by);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * viflo_heads(project text, tenant text)
 */
Datum
viflo_heads(PG_FUNCTION_ARGS)
{
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 0),
											   viflo_arg_tenant(fcinfo, 1));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < state->graph->nheads; i++)
		node_row(fcinfo, state, state->graph->heads[i]);
	return (Datum) 0;
}

/*
 * viflo_branches(project text, tenant text)
 */
Datum
viflo_branches(PG_FUNCTION_ARGS)
{
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 0),
											   viflo_arg_tenant(fcinfo, 1));

	InitMaterializedSRF(fcinfo, 0);
	for (int node = 0; node < state->count; node++)
		if (state->graph->nodes[node].nchildren > 1)
			node_row(fcinfo, state, node);
	return (Datum) 0;
}

/*
 * viflo_history(range text, project text, tenant text)
 */
Datum
viflo_history(PG_FUNCTION_ARGS)
{
	const char *range = viflo_arg_required(fcinfo, 0, "range");
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 1),
											   viflo_arg_tenant(fcinfo, 2));
	VifloError	error = {0};
	int		   *found;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	count = viflo_target_history(state->graph, state->applied, range, &found, &error);
	if (count < 0)
		viflo_report_error(&error);
	for (int i = 0; i < count; i++)
		node_row(fcinfo, state, found[i]);
	return (Datum) 0;
}

/*
 * viflo_show(revision text, project text, tenant text)
 */
Datum
viflo_show(PG_FUNCTION_ARGS)
{
	const char *name = viflo_arg_required(fcinfo, 0, "revision");
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 1),
											   viflo_arg_tenant(fcinfo, 2));
	VifloError	error = {0};
	int		   *found;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	count = viflo_target_name(state->graph, name, &found, &error);
	if (count < 0)
		viflo_report_error(&error);
	for (int i = 0; i < count; i++)
	{
		const VifloEntry *entry = &state->entries[found[i]];
		const VifloMark *mark = &state->marks[found[i]];
		Datum		values[SHOW_COLUMNS] = {0};
		bool		nulls[SHOW_COLUMNS] = {false};

		node_values(state, found[i], values);
		values[11] = BoolGetDatum(entry->reversible);
		values[12] = BoolGetDatum(entry->bundled);
		values[13] = CStringGetTextDatum(state->revisions[found[i]].checksum);
		if (mark->checksum != NULL)
		{
			values[14] = CStringGetTextDatum(mark->checksum);
			values[15] = TimestampTzGetDatum(mark->at);
			values[16] = CStringGetTextDatum(mark->by);
		}
		else
			nulls[14] = nulls[15] = nulls[16] = true;
		if (entry->source != NULL)
			values[17] = CStringGetTextDatum(entry->source);
		else
			nulls[17] = true;
		values[18] = viflo_repeatable_datum(state->revisions[found[i]].repeatable, &nulls[18]);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * viflo_log(project text, tenant text)
 *
 * Error texts may hold data of the tables that a script worked on, details
 * queries of others; addresses are as private as in pg_stat_activity.
 */
Datum
viflo_log(PG_FUNCTION_ARGS)
{
	const char *project = viflo_arg_project(fcinfo, 0);
	const char *tenant = viflo_arg_tenants(fcinfo, 1);
	bool		may_see_all = viflo_table_is_readable(VIFLO_TABLE_LOG);
	VifloScan	scan;

	InitMaterializedSRF(fcinfo, 0);
	viflo_scan_begin(&scan, VIFLO_TABLE_LOG, NULL, 0, NULL);
	while (viflo_scan_next(&scan))
	{
		Datum		values[VIFLO_LOG_COLUMNS];
		bool		nulls[VIFLO_LOG_COLUMNS];
		int			column = 0;

		if (!viflo_scan_is(&scan, VIFLO_LOG_PROJECT, project) ||
			(tenant != NULL && !viflo_scan_is(&scan, VIFLO_LOG_TENANT, tenant)))
			continue;
		if (!may_see_all && !scan.nulls[VIFLO_LOG_ERROR - 1])
			scan.values[VIFLO_LOG_ERROR - 1] = CStringGetTextDatum("<insufficient privilege>");
		if (!may_see_all && !scan.nulls[VIFLO_LOG_DETAIL - 1])
			scan.values[VIFLO_LOG_DETAIL - 1] = CStringGetTextDatum("<insufficient privilege>");
		if (!may_see_all)
			scan.nulls[VIFLO_LOG_CLIENT_ADDR - 1] = true;
		for (int i = 1; i <= VIFLO_LOG_COLUMNS; i++)
		{
			if (i == VIFLO_LOG_TENANT)
				continue;
			values[column] = scan.values[i - 1];
			nulls[column] = scan.nulls[i - 1];
			column++;
		}
		values[column] = scan.values[VIFLO_LOG_TENANT - 1];
		nulls[column] = viflo_scan_is(&scan, VIFLO_LOG_TENANT, "");
		viflo_result_row(fcinfo, values, nulls);
	}
	viflo_scan_end(&scan);
	return (Datum) 0;
}

/*
 * viflo_pending(project text, tenant text)
 */
Datum
viflo_pending(PG_FUNCTION_ARGS)
{
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 0),
											   viflo_arg_tenant(fcinfo, 1));
	VifloPlan	plan = {0};
	VifloError	error = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (!viflo_plan_upgrade(state->graph, viflo_state_view(state), "heads", &plan, &error))
		viflo_report_error(&error);
	for (int i = 0; i < plan.count; i++)
	{
		const VifloRevision *revision = &state->revisions[plan.steps[i].node];
		Datum		values[PENDING_COLUMNS];
		bool		nulls[PENDING_COLUMNS] = {false};

		/* What runs each time does not wait. */
		if (state->applied[plan.steps[i].node])
			continue;
		values[0] = CStringGetTextDatum(revision->id);
		values[1] = CStringGetTextDatum(revision->message);
		values[2] = BoolGetDatum(plan.steps[i].late);
		values[3] = BoolGetDatum(revision->repeatable != VIFLO_REPEATABLE_NO);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * viflo_check(project text, tenant text)
 */
Datum
viflo_check(PG_FUNCTION_ARGS)
{
	const char *tenant = viflo_arg_tenant(fcinfo, 1);
	VifloProjectState *state;
	int			pending = 0;
	int			first = -1;

	viflo_tenant_check_exists(tenant);
	state = viflo_state_get(viflo_arg_project(fcinfo, 0), tenant);
	viflo_steps_check_missing(state);
	if (state->unfinished != NIL)
		viflo_steps_raise_unfinished(linitial(state->unfinished));
	for (int i = 0; i < state->count; i++)
	{
		int			node = state->graph->order[i];

		if (!state->applied[node])
		{
			if (pending++ == 0)
				first = node;
		}
		else if (strcmp(state->marks[node].checksum, state->revisions[node].checksum) != 0)
			ereport(ERROR,
					(viflo_errcode(VIFLO_CHANGED_REVISION),
					 errmsg("revision \"%s\" has changed since it was applied", state->revisions[node].id),
					 errdetail("It was applied with checksum %s; the registered text has %s.",
							   state->marks[node].checksum, state->revisions[node].checksum),
					 errhint("Restore its text, or accept the registered one with viflo_repair().")));
	}
	if (state->graph->nheads > 1 && !viflo_branches_divide(state->graph))
		ereport(ERROR,
				(viflo_errcode(VIFLO_MULTIPLE_HEADS),
				 errmsg("project \"%s\" has %d heads", state->project, state->graph->nheads),
				 errdetail("Two of them are \"%s\" and \"%s\".",
						   state->revisions[state->graph->heads[0]].id,
						   state->revisions[state->graph->heads[1]].id),
				 errhint("Join them with viflo_merge(), or give each branch a label.")));
	if (pending > 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_BEHIND),
				 errmsg_plural("%d revision of project \"%s\" is not applied",
							   "%d revisions of project \"%s\" are not applied",
							   pending, pending, state->project),
				 errdetail("The first of them is \"%s\".", state->revisions[first].id),
				 errhint("Apply them with viflo_upgrade().")));
	PG_RETURN_VOID();
}
