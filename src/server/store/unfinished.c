/*-------------------------------------------------------------------------
 * unfinished.c
 *	  Rows of viflo.unfinished: how far a step is that commits as it goes.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "store/revisions.h"
#include "store/tables.h"
#include "store/unfinished.h"

static bool
find_row(VifloScan *scan, const char *project, const char *tenant, const char *revision)
{
	const char *keys[] = {project, tenant, revision};

	viflo_scan_begin(scan, VIFLO_TABLE_UNFINISHED, keys, 3, NULL);
	return viflo_scan_next(scan);
}

/* The row that the scan is at. */
static VifloUnfinished *
read_row(const VifloScan *scan)
{
	VifloUnfinished *row = palloc0(sizeof(VifloUnfinished));

	row->project = viflo_scan_text(scan, VIFLO_UNFINISHED_PROJECT);
	row->tenant = viflo_scan_text(scan, VIFLO_UNFINISHED_TENANT);
	row->revision = viflo_scan_text(scan, VIFLO_UNFINISHED_REVISION);
	row->up = strcmp(viflo_scan_text(scan, VIFLO_UNFINISHED_DIRECTION), "up") == 0;
	row->started = DatumGetTimestampTz(scan->values[VIFLO_UNFINISHED_STARTED_AT - 1]);
	row->statements = DatumGetInt32(scan->values[VIFLO_UNFINISHED_STATEMENTS - 1]);
	strlcpy(row->digest, viflo_scan_text(scan, VIFLO_UNFINISHED_DIGEST), sizeof(row->digest));
	row->running = DatumGetInt32(scan->values[VIFLO_UNFINISHED_RUNNING - 1]);
	row->created = viflo_names_from_array(scan->values[VIFLO_UNFINISHED_CREATED - 1]);
	row->replaced = viflo_names_from_array(scan->values[VIFLO_UNFINISHED_REPLACED - 1]);
	row->section_done = DatumGetBool(scan->values[VIFLO_UNFINISHED_SECTION_DONE - 1]);
	row->backfill_key = viflo_scan_text(scan, VIFLO_UNFINISHED_BACKFILL_KEY);
	row->backfill_rows = DatumGetInt64(scan->values[VIFLO_UNFINISHED_BACKFILL_ROWS - 1]);
	row->attempts = DatumGetInt32(scan->values[VIFLO_UNFINISHED_ATTEMPTS - 1]);
	row->detail = viflo_scan_text(scan, VIFLO_UNFINISHED_DETAIL);
	row->backfill_of = viflo_scan_text(scan, VIFLO_UNFINISHED_BACKFILL_OF);
	return row;
}

VifloUnfinished *
viflo_unfinished_get(const char *project, const char *tenant, const char *revision)
{
	VifloScan	scan;
	VifloUnfinished *row = NULL;

	if (find_row(&scan, project, tenant, revision))
		row = read_row(&scan);
	viflo_scan_end(&scan);
	return row;
}

List *
viflo_unfinished_list(const char *project, const char *tenant)
{
	const char *keys[] = {project, tenant};
	VifloScan	scan;
	List	   *rows = NIL;

	/* To have nothing to do must not need the newest version of the tables. */
	if (!viflo_table_exists(VIFLO_TABLE_UNFINISHED))
		return NIL;
	viflo_scan_begin(&scan, VIFLO_TABLE_UNFINISHED, keys, tenant != NULL ? 2 : 1, NULL);
	while (viflo_scan_next(&scan))
		rows = lappend(rows, read_row(&scan));
	viflo_scan_end(&scan);
	return rows;
}

char *
viflo_unfinished_find(const char *project, const char *revision)
{
	ListCell   *cell;

	foreach(cell, viflo_unfinished_list(project, NULL))
	{
		const VifloUnfinished *row = lfirst(cell);

		if (strcmp(row->revision, revision) == 0)
			return row->tenant;
	}
	return NULL;
}

bool
viflo_unfinished_is_half_done(const VifloUnfinished *row)
{
	return row->statements > 0 || row->running > 0 || row->section_done ||
		row->created.count > 0 || row->replaced.count > 0;
}

/* Makes sessions that keep a project's state read it again. */
static void
announce(void)
{
	CacheInvalidateRelcacheByRelid(viflo_table_oid(VIFLO_TABLE_APPLIED));
}

static bool
delete_row(const char *project, const char *tenant, const char *revision)
{
	VifloScan	scan;
	bool		found = find_row(&scan, project, tenant, revision);

	viflo_scan_end(&scan);
	if (found)
		viflo_table_delete(VIFLO_TABLE_UNFINISHED, &scan.tid);
	return found;
}

void
viflo_unfinished_put(const VifloUnfinished *row)
{
	Datum		values[VIFLO_UNFINISHED_COLUMNS] = {0};
	bool		nulls[VIFLO_UNFINISHED_COLUMNS] = {false};

	/* That there is one, and no more, is for other sessions' states to know. */
	if (!delete_row(row->project, row->tenant, row->revision))
		announce();

	values[VIFLO_UNFINISHED_PROJECT - 1] = CStringGetTextDatum(row->project);
	values[VIFLO_UNFINISHED_TENANT - 1] = CStringGetTextDatum(row->tenant);
	values[VIFLO_UNFINISHED_REVISION - 1] = CStringGetTextDatum(row->revision);
	values[VIFLO_UNFINISHED_DIRECTION - 1] = CStringGetTextDatum(row->up ? "up" : "down");
	values[VIFLO_UNFINISHED_STARTED_AT - 1] = TimestampTzGetDatum(row->started);
	values[VIFLO_UNFINISHED_STATEMENTS - 1] = Int32GetDatum(row->statements);
	values[VIFLO_UNFINISHED_DIGEST - 1] = CStringGetTextDatum(row->digest);
	values[VIFLO_UNFINISHED_RUNNING - 1] = Int32GetDatum(row->running);
	values[VIFLO_UNFINISHED_CREATED - 1] = viflo_names_array(&row->created);
	values[VIFLO_UNFINISHED_REPLACED - 1] = viflo_names_array(&row->replaced);
	values[VIFLO_UNFINISHED_SECTION_DONE - 1] = BoolGetDatum(row->section_done);
	values[VIFLO_UNFINISHED_BACKFILL_KEY - 1] = viflo_text_datum(row->backfill_key, &nulls[VIFLO_UNFINISHED_BACKFILL_KEY - 1]);
	values[VIFLO_UNFINISHED_BACKFILL_ROWS - 1] = Int64GetDatum(row->backfill_rows);
	values[VIFLO_UNFINISHED_ATTEMPTS - 1] = Int32GetDatum(row->attempts);
	values[VIFLO_UNFINISHED_DETAIL - 1] = viflo_text_datum(row->detail, &nulls[VIFLO_UNFINISHED_DETAIL - 1]);
	values[VIFLO_UNFINISHED_BACKFILL_OF - 1] = viflo_text_datum(row->backfill_of, &nulls[VIFLO_UNFINISHED_BACKFILL_OF - 1]);
	viflo_table_insert(VIFLO_TABLE_UNFINISHED, values, nulls);
}

void
viflo_unfinished_delete(const char *project, const char *tenant, const char *revision)
{
	if (delete_row(project, tenant, revision))
		announce();
}
