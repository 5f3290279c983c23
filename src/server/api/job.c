/*-------------------------------------------------------------------------
 * job.c
 *	  SQL functions on runs in the background, and on what is under way.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "observe/progress.h"
#include "run/job.h"
#include "run/job_control.h"
#include "store/tables.h"

PG_FUNCTION_INFO_V1(viflo_deploy_async);
PG_FUNCTION_INFO_V1(viflo_revert_async);
PG_FUNCTION_INFO_V1(viflo_wait);
PG_FUNCTION_INFO_V1(viflo_cancel);
PG_FUNCTION_INFO_V1(viflo_running);
PG_FUNCTION_INFO_V1(viflo_job_list);
PG_FUNCTION_INFO_V1(viflo_unfinished);

/* Older versions of the extension know all but the last of each: tenant. */
#define RUNNING_COLUMNS 20
#define JOB_LIST_COLUMNS 15
#define UNFINISHED_COLUMNS 8

/* Columns that show data of users' tables are for those who may read ours. */
#define HIDDEN "<insufficient privilege>"

static Datum
start(FunctionCallInfo fcinfo, VifloDirection direction)
{
	VifloRun	run = {
		.project = viflo_arg_project(fcinfo, 1),
		.tenant = viflo_arg_tenant(fcinfo, 2),
		.direction = direction,
		.target = viflo_arg_required(fcinfo, 0, "target")
	};

	PG_RETURN_INT64(viflo_job_start(&run));
}

/*
 * viflo_deploy_async(target text, project text, tenant text)
 */
Datum
viflo_deploy_async(PG_FUNCTION_ARGS)
{
	return start(fcinfo, VIFLO_UP);
}

/*
 * viflo_revert_async(target text, project text, tenant text)
 */
Datum
viflo_revert_async(PG_FUNCTION_ARGS)
{
	return start(fcinfo, VIFLO_DOWN);
}

/* Argument n in milliseconds, -1 for NULL. */
static int64
arg_milliseconds(FunctionCallInfo fcinfo, int n)
{
	const Interval *interval;
	double		milliseconds;

	if (PG_ARGISNULL(n))
		return -1;
	interval = PG_GETARG_INTERVAL_P(n);
	milliseconds = ceil(interval->time / 1000.0) +
		interval->day * (SECS_PER_DAY * 1000.0) +
		interval->month * (double) DAYS_PER_MONTH * (SECS_PER_DAY * 1000.0);
	return (int64) Max(0, milliseconds);
}

static int64
arg_job(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "job")));
	return PG_GETARG_INT64(0);
}

/*
 * viflo_wait(job bigint, timeout interval)
 */
Datum
viflo_wait(PG_FUNCTION_ARGS)
{
	char	   *state = viflo_job_wait(arg_job(fcinfo), arg_milliseconds(fcinfo, 1));

	PG_RETURN_TEXT_P(cstring_to_text(state));
}

/*
 * viflo_cancel(job bigint)
 */
Datum
viflo_cancel(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(viflo_job_cancel(arg_job(fcinfo)));
}

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL || string[0] == '\0';
	return *isnull ? (Datum) 0 : CStringGetTextDatum(string);
}

static Datum
int_or_null(int value, bool *isnull)
{
	*isnull = value == 0;
	return Int32GetDatum(value);
}

static Datum
bigint_or_null(int64 value, bool *isnull)
{
	*isnull = value == 0;
	return Int64GetDatum(value);
}

static Datum
time_or_null(TimestampTz time, bool *isnull)
{
	*isnull = time == 0;
	return TimestampTzGetDatum(time);
}

/*
 * viflo.running()
 */
Datum
viflo_running(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, viflo_progress_list())
	{
		const VifloProgress *run = lfirst(cell);
		const char *direction = run->step == 0 ? NULL : run->up ? "up" : "down";
		Datum		values[RUNNING_COLUMNS];
		bool		nulls[RUNNING_COLUMNS] = {false};

		values[0] = Int32GetDatum(run->pid);
		values[1] = int_or_null(run->worker_pid, &nulls[1]);
		values[2] = bigint_or_null(run->job, &nulls[2]);
		values[3] = CStringGetTextDatum(run->project);
		values[4] = CStringGetTextDatum(run->command);
		values[5] = CStringGetTextDatum(viflo_phase_name(run->phase));
		values[6] = text_or_null(run->revision, &nulls[6]);
		values[7] = text_or_null(direction, &nulls[7]);
		values[8] = int_or_null(run->step, &nulls[8]);
		values[9] = int_or_null(run->of, &nulls[9]);
		values[10] = int_or_null(run->statement, &nulls[10]);
		values[11] = int_or_null(run->statement_of, &nulls[11]);
		values[12] = int_or_null(run->line, &nulls[12]);
		values[13] = int_or_null(run->attempt, &nulls[13]);
		values[14] = Int64GetDatum(run->rows_done);
		nulls[14] = run->rows_done == 0 && run->rows_total == 0;
		values[15] = bigint_or_null(run->rows_total, &nulls[15]);
		values[16] = text_or_null(run->waiting_for, &nulls[16]);
		values[17] = TimestampTzGetDatum(run->started);
		values[18] = TimestampTzGetDatum(run->last_change);
		values[19] = viflo_tenant_datum(run->tenant, &nulls[19]);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * viflo.job_list()
 */
Datum
viflo_job_list(PG_FUNCTION_ARGS)
{
	bool		may_see_all = viflo_table_is_readable(VIFLO_TABLE_JOB);
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, viflo_job_get_all())
	{
		const VifloJobRow *row = lfirst(cell);
		const char *error = row->error && !may_see_all ? HIDDEN : row->error;
		Datum		values[JOB_LIST_COLUMNS];
		bool		nulls[JOB_LIST_COLUMNS] = {false};

		values[0] = Int64GetDatum(row->id);
		values[1] = CStringGetTextDatum(row->project);
		values[2] = CStringGetTextDatum(row->up ? "up" : "down");
		values[3] = CStringGetTextDatum(row->target);
		values[4] = CStringGetTextDatum(row->state);
		values[5] = CStringGetTextDatum(row->role_name);
		values[6] = int_or_null(row->pid, &nulls[6]);
		values[7] = TimestampTzGetDatum(row->created);
		values[8] = time_or_null(row->started, &nulls[8]);
		values[9] = time_or_null(row->ended, &nulls[9]);
		values[10] = Int32GetDatum(row->done);
		values[11] = Int32GetDatum(row->steps);
		nulls[11] = row->steps < 0;
		values[12] = text_or_null(error, &nulls[12]);
		values[13] = text_or_null(row->sqlstate, &nulls[13]);
		values[14] = viflo_tenant_datum(row->tenant, &nulls[14]);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * viflo_unfinished(project text, tenant text)
 */
Datum
viflo_unfinished(PG_FUNCTION_ARGS)
{
	const char *keys[] = {viflo_arg_project(fcinfo, 0), viflo_arg_tenants(fcinfo, 1)};
	bool		may_see_all = viflo_table_is_readable(VIFLO_TABLE_UNFINISHED);
	VifloScan	scan;

	InitMaterializedSRF(fcinfo, 0);
	viflo_scan_begin(&scan, VIFLO_TABLE_UNFINISHED, keys, keys[1] != NULL ? 2 : 1, NULL);
	while (viflo_scan_next(&scan))
	{
		static const int columns[UNFINISHED_COLUMNS - 1] = {
			VIFLO_UNFINISHED_PROJECT,
			VIFLO_UNFINISHED_REVISION,
			VIFLO_UNFINISHED_DIRECTION,
			VIFLO_UNFINISHED_STARTED_AT,
			VIFLO_UNFINISHED_STATEMENTS,
			VIFLO_UNFINISHED_BACKFILL_ROWS,
			VIFLO_UNFINISHED_DETAIL
		};
		Datum		values[UNFINISHED_COLUMNS];
		bool		nulls[UNFINISHED_COLUMNS];

		for (int i = 0; i < UNFINISHED_COLUMNS - 1; i++)
		{
			values[i] = scan.values[columns[i] - 1];
			nulls[i] = scan.nulls[columns[i] - 1];
		}
		if (!may_see_all && !nulls[6])
			values[6] = CStringGetTextDatum(HIDDEN);
		values[7] = viflo_tenant_datum(viflo_scan_text(&scan, VIFLO_UNFINISHED_TENANT), &nulls[7]);
		viflo_result_row(fcinfo, values, nulls);
	}
	viflo_scan_end(&scan);
	return (Datum) 0;
}
