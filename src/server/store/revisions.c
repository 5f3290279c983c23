/*-------------------------------------------------------------------------
 * revisions.c
 *	  Rows of viflo.revision.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/revisions.h"
#include "store/tables.h"

Datum
viflo_names_array(const VifloNames *names)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(names->count, 1));

	for (int i = 0; i < names->count; i++)
		elements[i] = CStringGetTextDatum(names->names[i]);
	return PointerGetDatum(construct_array(elements, names->count, TEXTOID, -1,
										   false, TYPALIGN_INT));
}

/* Positions the scan on the row; false: there is none.  To be ended either way. */
static bool
find_row(VifloScan *scan, const char *project, const char *revision)
{
	const char *keys[] = {project, revision};

	viflo_scan_begin(scan, VIFLO_TABLE_REVISION, keys, 2, NULL);
	return viflo_scan_next(scan);
}

VifloNames
viflo_names_from_array(Datum datum)
{
	VifloNames	result = {0, NULL};
	ArrayType  *array = DatumGetArrayTypeP(datum);
	Datum	   *elements;
	int			count;

	if (ARR_NDIM(array) > 0)
	{
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
						  &elements, NULL, &count);
		result.names = palloc(sizeof(char *) * count);
		for (int i = 0; i < count; i++)
			result.names[result.count++] = TextDatumGetCString(elements[i]);
		pfree(elements);
	}
	if ((Pointer) array != DatumGetPointer(datum))
		pfree(array);
	return result;
}

Datum
viflo_repeatable_datum(VifloRepeatable repeatable, bool *isnull)
{
	return viflo_text_datum(repeatable == VIFLO_REPEATABLE_NO ? NULL :
							viflo_repeatable_word(repeatable), isnull);
}

void
viflo_revisions_put(const VifloRevisionRow *row, bool replace)
{
	const VifloRevision *revision = row->revision;
	Datum		values[VIFLO_REVISION_COLUMNS];
	bool		nulls[VIFLO_REVISION_COLUMNS] = {false};

	values[VIFLO_REVISION_PROJECT - 1] = CStringGetTextDatum(row->project);
	values[VIFLO_REVISION_REVISION - 1] = CStringGetTextDatum(revision->id);
	values[VIFLO_REVISION_POSITION - 1] = Int64GetDatum(row->position);
	values[VIFLO_REVISION_MESSAGE - 1] = CStringGetTextDatum(revision->message);
	values[VIFLO_REVISION_DOWN_REVISION - 1] = viflo_names_array(&revision->down);
	values[VIFLO_REVISION_DEPENDS_ON - 1] = viflo_names_array(&revision->depends_on);
	values[VIFLO_REVISION_BRANCH_LABELS - 1] = viflo_names_array(&revision->labels);
	values[VIFLO_REVISION_TRANSACTIONAL - 1] = BoolGetDatum(row->transactional);
	values[VIFLO_REVISION_DOWN_TRANSACTIONAL - 1] = BoolGetDatum(row->down_transactional);
	values[VIFLO_REVISION_REVERSIBLE - 1] = BoolGetDatum(revision->down_section.text != NULL);
	values[VIFLO_REVISION_BUNDLED - 1] = BoolGetDatum(row->bundled);
	values[VIFLO_REVISION_CHECKSUM - 1] = CStringGetTextDatum(revision->checksum);
	values[VIFLO_REVISION_DIGEST - 1] = CStringGetTextDatum(row->digest);
	values[VIFLO_REVISION_SOURCE - 1] = viflo_text_datum(row->source, &nulls[VIFLO_REVISION_SOURCE - 1]);
	values[VIFLO_REVISION_LOADED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[VIFLO_REVISION_REPEATABLE - 1] =
		viflo_repeatable_datum(revision->repeatable, &nulls[VIFLO_REVISION_REPEATABLE - 1]);
	values[VIFLO_REVISION_SCRIPT - 1] = PointerGetDatum(cstring_to_text_with_len(row->script, row->length));

	if (replace)
	{
		VifloScan	scan;
		bool		found = find_row(&scan, row->project, revision->id);

		viflo_scan_end(&scan);
		if (!found)
			elog(ERROR, "could not find revision \"%s\" to replace", revision->id);
		viflo_table_update(VIFLO_TABLE_REVISION, &scan.tid, values, nulls);
	}
	else
		viflo_table_insert(VIFLO_TABLE_REVISION, values, nulls);
}

void
viflo_revisions_delete(const char *project, const char *revision)
{
	VifloScan	scan;
	bool		found = find_row(&scan, project, revision);

	viflo_scan_end(&scan);
	if (found)
		viflo_table_delete(VIFLO_TABLE_REVISION, &scan.tid);
}

char *
viflo_revisions_script(const char *project, const char *revision, size_t *length)
{
	VifloScan	scan;
	char	   *result = NULL;

	if (find_row(&scan, project, revision))
	{
		result = viflo_scan_text(&scan, VIFLO_REVISION_SCRIPT);
		*length = strlen(result);
	}
	viflo_scan_end(&scan);
	return result;
}
