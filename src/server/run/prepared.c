/*-------------------------------------------------------------------------
 * prepared.c
 *	  A statement that is analysed once and run many times.
 *
 * By the server's plan cache, as PREPARE does it, so that whoever changes a
 * table between two runs is noticed.  Planned for each run's parameters: the
 * runs are long, and a plan that guesses how much a range holds may be wrong
 * by a thousand times.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "compat.h"
#include "nodes/nodes.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "run/prepared.h"

CachedPlanSource *
viflo_prepare(RawStmt *raw, const char *text, Oid *types, int count)
{
	CachedPlanSource *prepared = CreateCachedPlan(raw, text, CreateCommandTag(raw->stmt));
	List	   *queries;

	PushActiveSnapshot(GetTransactionSnapshot());
	queries = pg_analyze_and_rewrite_fixedparams(raw, text, types, count, NULL);
	PopActiveSnapshot();
	CompleteCachedPlan(prepared, queries, NULL, types, count, NULL, NULL,
					   CURSOR_OPT_CUSTOM_PLAN, false);
	return prepared;
}

void
viflo_prepared_keep(CachedPlanSource *prepared)
{
	SaveCachedPlan(prepared);
}

void
viflo_prepared_drop(CachedPlanSource *prepared)
{
	if (prepared != NULL && prepared->is_saved)
		DropCachedPlan(prepared);
}

ParamListInfo
viflo_prepared_parameters(const Oid *types, const Datum *values, int count)
{
	ParamListInfo parameters = makeParamList(count);

	for (int i = 0; i < count; i++)
	{
		parameters->params[i].value = values[i];
		parameters->params[i].isnull = false;
		parameters->params[i].pflags = PARAM_FLAG_CONST;
		parameters->params[i].ptype = types[i];
	}
	return parameters;
}

void
viflo_prepared_run(CachedPlanSource *prepared, ParamListInfo parameters,
				   DestReceiver *dest, QueryCompletion *completion)
{
	Portal		portal;
	CachedPlan *plan;

	CommandCounterIncrement();
	portal = CreateNewPortal();
	portal->visible = false;

	PushActiveSnapshot(GetTransactionSnapshot());
	plan = GetCachedPlan(prepared, parameters, NULL, NULL);
	PortalDefineQuery(portal, NULL, prepared->query_string, prepared->commandTag,
					  plan->stmt_list, plan);
	PopActiveSnapshot();

	PortalStart(portal, parameters, 0, InvalidSnapshot);
	viflo_portal_run_all(portal, dest, completion);
	PortalDrop(portal, false);
}
