/*-------------------------------------------------------------------------
 * settled.c
 *	  "Nothing is left to do", remembered across sessions.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "store/settled.h"
#include "store/tables.h"

bool
viflo_settled_find(const char *project, const char *tenant,
				   const char *target, const char *manifest)
{
	VifloScan	scan;
	const char *keys[] = {project, tenant, target};
	bool		result;

	viflo_scan_begin(&scan, VIFLO_TABLE_SETTLED, keys, 3, NULL);
	result = viflo_scan_next(&scan) &&
		strcmp(viflo_scan_text(&scan, VIFLO_SETTLED_MANIFEST), manifest) == 0;
	viflo_scan_end(&scan);
	return result;
}

/* Deletes the rows that agree with keys. */
static void
delete_rows(const char *const *keys, int nkeys)
{
	VifloScan	scan;

	viflo_scan_begin(&scan, VIFLO_TABLE_SETTLED, keys, nkeys, NULL);
	while (viflo_scan_next(&scan))
		viflo_table_delete(VIFLO_TABLE_SETTLED, &scan.tid);
	viflo_scan_end(&scan);
}

void
viflo_settled_put(const char *project, const char *tenant,
				  const char *target, const char *manifest)
{
	const char *keys[] = {project, tenant, target};
	Datum		values[VIFLO_SETTLED_COLUMNS];
	bool		nulls[VIFLO_SETTLED_COLUMNS] = {false};

	delete_rows(keys, 3);
	values[VIFLO_SETTLED_PROJECT - 1] = CStringGetTextDatum(project);
	values[VIFLO_SETTLED_TENANT - 1] = CStringGetTextDatum(tenant);
	values[VIFLO_SETTLED_TARGET - 1] = CStringGetTextDatum(target);
	values[VIFLO_SETTLED_MANIFEST - 1] = CStringGetTextDatum(manifest);
	viflo_table_insert(VIFLO_TABLE_SETTLED, values, nulls);
}

void
viflo_settled_forget(const char *project, const char *tenant)
{
	const char *keys[] = {project, tenant};

	delete_rows(keys, project == NULL ? 0 : tenant == NULL ? 1 : 2);
}
