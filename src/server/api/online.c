/*-------------------------------------------------------------------------
 * online.c
 *	  Procedures that run on a live database.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"

#include "api/arguments.h"
#include "run/online.h"

PG_FUNCTION_INFO_V1(viflo_deploy);
PG_FUNCTION_INFO_V1(viflo_revert);

/* Raises where the procedure cannot end the transaction. */
static void
check_nonatomic(FunctionCallInfo fcinfo, const char *deploy, const char *upgrade)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic && !IsSubTransaction())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("%s cannot run inside a transaction block", deploy),
			 errdetail("It commits after each revision."),
			 errhint("CALL it outside of transaction blocks, functions and exception handlers, or use %s, which is a part of the caller's transaction.", upgrade)));
}

static Datum
run(FunctionCallInfo fcinfo, VifloDirection direction)
{
	VifloRun	request = {.direction = direction};

	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");

	/* In the procedure's context, which outlives its transactions. */
	request.project = viflo_arg_project(fcinfo, 1);
	request.tenant = viflo_arg_tenant(fcinfo, 2);
	request.target = viflo_arg_required(fcinfo, 0, "target");
	(void) viflo_online_run(&request, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * viflo_deploy(target text, project text, tenant text)
 */
Datum
viflo_deploy(PG_FUNCTION_ARGS)
{
	viflo_steps_check_not_running("run migrations");
	check_nonatomic(fcinfo, "viflo_deploy()", "viflo_upgrade()");
	return run(fcinfo, VIFLO_UP);
}

/*
 * viflo_revert(target text, project text, tenant text)
 */
Datum
viflo_revert(PG_FUNCTION_ARGS)
{
	viflo_steps_check_not_running("run migrations");
	check_nonatomic(fcinfo, "viflo_revert()", "viflo_downgrade()");
	return run(fcinfo, VIFLO_DOWN);
}
