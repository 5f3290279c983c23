/*-------------------------------------------------------------------------
 * jobs.c
 *	  Rows of viflo.job.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/jobs.h"
#include "store/tables.h"

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string ? CStringGetTextDatum(string) : (Datum) 0;
}

static Datum
time_or_null(TimestampTz time, bool *isnull)
{
	*isnull = time == 0;
	return TimestampTzGetDatum(time);
}

static void
fill_row(const VifloJobRow *row, Datum *values, bool *nulls)
{
	values[VIFLO_JOB_ID - 1] = Int64GetDatum(row->id);
	values[VIFLO_JOB_PROJECT - 1] = CStringGetTextDatum(row->project);
	values[VIFLO_JOB_TENANT - 1] = CStringGetTextDatum(row->tenant);
	values[VIFLO_JOB_DIRECTION - 1] = CStringGetTextDatum(row->up ? "up" : "down");
	values[VIFLO_JOB_TARGET - 1] = CStringGetTextDatum(row->target);
	values[VIFLO_JOB_STATE - 1] = CStringGetTextDatum(row->state);
	values[VIFLO_JOB_ROLE_NAME - 1] = CStringGetTextDatum(row->role_name);
	values[VIFLO_JOB_PID - 1] = Int32GetDatum(row->pid);
	nulls[VIFLO_JOB_PID - 1] = row->pid == 0;
	values[VIFLO_JOB_CREATED_AT - 1] = TimestampTzGetDatum(row->created);
	values[VIFLO_JOB_STARTED_AT - 1] = time_or_null(row->started, &nulls[VIFLO_JOB_STARTED_AT - 1]);
	values[VIFLO_JOB_ENDED_AT - 1] = time_or_null(row->ended, &nulls[VIFLO_JOB_ENDED_AT - 1]);
	values[VIFLO_JOB_DONE - 1] = Int32GetDatum(row->done);
	values[VIFLO_JOB_STEPS - 1] = Int32GetDatum(row->steps);
	nulls[VIFLO_JOB_STEPS - 1] = row->steps < 0;
	values[VIFLO_JOB_ERROR - 1] = text_or_null(row->error, &nulls[VIFLO_JOB_ERROR - 1]);
	values[VIFLO_JOB_SQLSTATE - 1] = text_or_null(row->sqlstate, &nulls[VIFLO_JOB_SQLSTATE - 1]);
}

static int32
int_or(const VifloScan *scan, int column, int32 otherwise)
{
	return scan->nulls[column - 1] ? otherwise : DatumGetInt32(scan->values[column - 1]);
}

static TimestampTz
time_or_0(const VifloScan *scan, int column)
{
	return scan->nulls[column - 1] ? 0 : DatumGetTimestampTz(scan->values[column - 1]);
}

/* Has the current transaction made the row that the scan found? */
static bool
is_uncommitted(const VifloScan *scan)
{
	bool		isnull;
	Datum		xmin = slot_getsysattr(scan->scan->slot, MinTransactionIdAttributeNumber, &isnull);

	return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin));
}

static VifloJobRow *
read_row(const VifloScan *scan)
{
	VifloJobRow *row = palloc0(sizeof(VifloJobRow));
	char	   *direction = viflo_scan_text(scan, VIFLO_JOB_DIRECTION);

	row->id = DatumGetInt64(scan->values[VIFLO_JOB_ID - 1]);
	row->project = viflo_scan_text(scan, VIFLO_JOB_PROJECT);
	row->tenant = viflo_scan_text(scan, VIFLO_JOB_TENANT);
	row->up = strcmp(direction, "up") == 0;
	row->target = viflo_scan_text(scan, VIFLO_JOB_TARGET);
	row->state = viflo_scan_text(scan, VIFLO_JOB_STATE);
	row->role_name = viflo_scan_text(scan, VIFLO_JOB_ROLE_NAME);
	row->pid = int_or(scan, VIFLO_JOB_PID, 0);
	row->created = time_or_0(scan, VIFLO_JOB_CREATED_AT);
	row->started = time_or_0(scan, VIFLO_JOB_STARTED_AT);
	row->ended = time_or_0(scan, VIFLO_JOB_ENDED_AT);
	row->done = int_or(scan, VIFLO_JOB_DONE, 0);
	row->steps = int_or(scan, VIFLO_JOB_STEPS, -1);
	row->error = viflo_scan_text(scan, VIFLO_JOB_ERROR);
	row->sqlstate = viflo_scan_text(scan, VIFLO_JOB_SQLSTATE);
	row->uncommitted = is_uncommitted(scan);
	return row;
}

int64
viflo_jobs_add(VifloJobRow *row)
{
	Datum		values[VIFLO_JOB_COLUMNS] = {0};
	bool		nulls[VIFLO_JOB_COLUMNS] = {false};

	/* Whoever may start a job need have no rights on its number. */
	row->id = nextval_internal(viflo_job_sequence_oid(), false);
	fill_row(row, values, nulls);
	viflo_table_insert(VIFLO_TABLE_JOB, values, nulls);
	return row->id;
}

VifloJobRow *
viflo_jobs_get(int64 id)
{
	VifloScan	scan;
	VifloJobRow *row = NULL;

	viflo_scan_begin_id(&scan, VIFLO_TABLE_JOB, id);
	if (viflo_scan_next(&scan))
		row = read_row(&scan);
	viflo_scan_end(&scan);
	return row;
}

List *
viflo_jobs_list(void)
{
	VifloScan	scan;
	List	   *rows = NIL;

	viflo_scan_begin(&scan, VIFLO_TABLE_JOB, NULL, 0, NULL);
	while (viflo_scan_next(&scan))
		rows = lappend(rows, read_row(&scan));
	viflo_scan_end(&scan);
	return rows;
}

void
viflo_jobs_put(const VifloJobRow *row)
{
	Datum		values[VIFLO_JOB_COLUMNS] = {0};
	bool		nulls[VIFLO_JOB_COLUMNS] = {false};
	VifloScan	scan;
	bool		found;

	viflo_scan_begin_id(&scan, VIFLO_TABLE_JOB, row->id);
	found = viflo_scan_next(&scan);
	viflo_scan_end(&scan);
	if (!found)
		return;
	fill_row(row, values, nulls);
	viflo_table_update(VIFLO_TABLE_JOB, &scan.tid, values, nulls);
}
