/*-------------------------------------------------------------------------
 * record.c
 *	  What is applied, and the log of what ever ran.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "store/record.h"
#include "store/tables.h"
#include "store/unfinished.h"

/* The row of viflo.applied, in scan->tid and scan->values; false: none. */
static bool
find_applied(VifloScan *scan, const char *project, const char *tenant, const char *revision)
{
	const char *keys[] = {project, tenant, revision};

	viflo_scan_begin(scan, VIFLO_TABLE_APPLIED, keys, 3, NULL);
	return viflo_scan_next(scan);
}

static void
mark_applied(const VifloRecord *record)
{
	Datum		values[VIFLO_APPLIED_COLUMNS] = {0};
	bool		nulls[VIFLO_APPLIED_COLUMNS] = {false};
	const char *role = record->applied_by ? record->applied_by :
	GetUserNameFromId(GetUserId(), false);

	values[VIFLO_APPLIED_PROJECT - 1] = CStringGetTextDatum(record->project);
	values[VIFLO_APPLIED_TENANT - 1] = CStringGetTextDatum(record->tenant);
	values[VIFLO_APPLIED_REVISION - 1] = CStringGetTextDatum(record->revision);
	values[VIFLO_APPLIED_CHECKSUM - 1] = CStringGetTextDatum(record->checksum);
	values[VIFLO_APPLIED_APPLIED_AT - 1] =
		TimestampTzGetDatum(record->applied_at ? *record->applied_at : record->ended);
	values[VIFLO_APPLIED_APPLIED_BY - 1] = CStringGetTextDatum(role);
	viflo_table_insert(VIFLO_TABLE_APPLIED, values, nulls);
}

static void
mark_unapplied(const VifloRecord *record, const char *revision)
{
	VifloScan	scan;
	bool		found = find_applied(&scan, record->project, record->tenant, revision);

	viflo_scan_end(&scan);
	if (found)
		viflo_table_delete(VIFLO_TABLE_APPLIED, &scan.tid);
}

/* Address of the client; false: none, as for a Unix-domain socket. */
static bool
client_address(Datum *address)
{
	LOCAL_FCINFO(fcinfo, 0);

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	*address = inet_client_addr(fcinfo);
	return !fcinfo->isnull;
}

static void
add_log(const VifloRecord *record, const char *status)
{
	Datum		values[VIFLO_LOG_COLUMNS] = {0};
	bool		nulls[VIFLO_LOG_COLUMNS] = {false};
	Interval   *duration = palloc0(sizeof(Interval));

	duration->time = record->ended - record->started;

	values[VIFLO_LOG_ID - 1] = Int64GetDatum(nextval_internal(viflo_log_sequence_oid(), false));
	values[VIFLO_LOG_PROJECT - 1] = CStringGetTextDatum(record->project);
	values[VIFLO_LOG_TENANT - 1] = CStringGetTextDatum(record->tenant);
	values[VIFLO_LOG_REVISION - 1] = CStringGetTextDatum(record->revision);
	values[VIFLO_LOG_DIRECTION - 1] = CStringGetTextDatum(record->direction);
	values[VIFLO_LOG_STATUS - 1] = CStringGetTextDatum(status);
	values[VIFLO_LOG_STARTED_AT - 1] = TimestampTzGetDatum(record->started);
	values[VIFLO_LOG_DURATION - 1] = IntervalPGetDatum(duration);
	values[VIFLO_LOG_ROLE_NAME - 1] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[VIFLO_LOG_APPLICATION_NAME - 1] = CStringGetTextDatum(application_name ? application_name : "");
	nulls[VIFLO_LOG_CLIENT_ADDR - 1] = !client_address(&values[VIFLO_LOG_CLIENT_ADDR - 1]);
	values[VIFLO_LOG_SERVER_VERSION - 1] = CStringGetTextDatum(PG_VERSION);
	values[VIFLO_LOG_CHECKSUM - 1] = viflo_text_datum(record->checksum, &nulls[VIFLO_LOG_CHECKSUM - 1]);
	values[VIFLO_LOG_STATEMENTS - 1] = Int32GetDatum(record->statements);
	values[VIFLO_LOG_ERROR - 1] = viflo_text_datum(record->error, &nulls[VIFLO_LOG_ERROR - 1]);
	values[VIFLO_LOG_SQLSTATE - 1] = viflo_text_datum(record->sqlstate, &nulls[VIFLO_LOG_SQLSTATE - 1]);
	values[VIFLO_LOG_PID - 1] = Int32GetDatum(MyProcPid);
	values[VIFLO_LOG_TRANSACTIONAL - 1] = BoolGetDatum(!record->nontransactional);
	values[VIFLO_LOG_ATTEMPTS - 1] = Int32GetDatum(Max(record->attempts, 1));
	values[VIFLO_LOG_DETAIL - 1] = viflo_text_datum(record->detail, &nulls[VIFLO_LOG_DETAIL - 1]);
	viflo_table_insert(VIFLO_TABLE_LOG, values, nulls);
}

void
viflo_record_step(const VifloRecord *record)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "viflo record",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		up = strcmp(record->direction, "up") == 0 || strcmp(record->direction, "stamp") == 0;

	if (!up || record->again)
		mark_unapplied(record, record->revision);
	if (up)
		mark_applied(record);
	for (int i = 0; record->forgets != NULL && i < record->forgets->count; i++)
		mark_unapplied(record, record->forgets->names[i]);
	viflo_unfinished_delete(record->project, record->tenant, record->revision);
	add_log(record, "done");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
viflo_record_add_detail(StringInfo detail, const char *part)
{
	if (detail->len > 0)
		appendStringInfoString(detail, "; ");
	appendStringInfoString(detail, part);
}

void
viflo_record_take_detail(StringInfo detail, const char *parts)
{
	if (parts == NULL)
		return;
	resetStringInfo(detail);
	appendStringInfoString(detail, parts);
}

void
viflo_record_failure(const VifloRecord *record)
{
	add_log(record, "failed");
}

void
viflo_record_repair(const char *project, const char *tenant, const char *revision,
					const char *checksum)
{
	VifloScan	scan;
	const char *keys[] = {project, tenant};

	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, tenant != NULL ? 2 : 1, NULL);
	while (viflo_scan_next(&scan))
	{
		if (!viflo_scan_is(&scan, VIFLO_APPLIED_REVISION, revision))
			continue;
		scan.values[VIFLO_APPLIED_CHECKSUM - 1] = CStringGetTextDatum(checksum);
		viflo_table_update(VIFLO_TABLE_APPLIED, &scan.tid, scan.values, scan.nulls);
	}
	viflo_scan_end(&scan);
}

void
viflo_record_forget(const char *project, const char *revision)
{
	VifloScan	scan;
	const char *keys[] = {project};

	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, 1, NULL);
	while (viflo_scan_next(&scan))
	{
		if (viflo_scan_is(&scan, VIFLO_APPLIED_REVISION, revision))
			viflo_table_delete(VIFLO_TABLE_APPLIED, &scan.tid);
	}
	viflo_scan_end(&scan);
}

char *
viflo_record_find(const char *project, const char *tenant, const char *revision)
{
	VifloScan	scan;
	const char *keys[] = {project, tenant};
	char	   *found = NULL;

	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, tenant != NULL ? 2 : 1, NULL);
	while (found == NULL && viflo_scan_next(&scan))
		if (viflo_scan_is(&scan, VIFLO_APPLIED_REVISION, revision))
			found = viflo_scan_text(&scan, VIFLO_APPLIED_TENANT);
	viflo_scan_end(&scan);
	return found;
}
