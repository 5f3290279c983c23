/*-------------------------------------------------------------------------
 * adopt.c
 *	  viflo_adopt(): what another tool has applied.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "run/adopt.h"

PG_FUNCTION_INFO_V1(viflo_adopt);

/* Raises when an array that goes with revisions has another length. */
static void
check_length(int count, int expected, const char *name)
{
	if (count != expected)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" has %d elements for %d revisions", name, count, expected)));
}

static void
take_times(VifloAdopted *adopted, int expected, ArrayType *array)
{
	Datum	   *times;
	bool	   *unknown;
	int			count;

	deconstruct_array(array, TIMESTAMPTZOID, sizeof(TimestampTz),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &times, &unknown, &count);
	check_length(count, expected, "applied_at");
	for (int i = 0; i < count; i++)
	{
		TimestampTz *applied_at;

		if (unknown[i])
			continue;
		applied_at = palloc(sizeof(TimestampTz));
		*applied_at = DatumGetTimestampTz(times[i]);
		adopted[i].applied_at = applied_at;
	}
}

/*
 * viflo_adopt(revisions text[], applied_at timestamptz[], applied_by text[],
 * source text, project text, tenant text)
 */
Datum
viflo_adopt(PG_FUNCTION_ARGS)
{
	VifloNames	revisions = viflo_arg_names(fcinfo, 0, "revisions", false);
	VifloNames	applied_by = viflo_arg_names(fcinfo, 2, "applied_by", true);
	VifloAdopted *adopted = palloc0(sizeof(VifloAdopted) * Max(revisions.count, 1));

	if (!PG_ARGISNULL(1))
		take_times(adopted, revisions.count, PG_GETARG_ARRAYTYPE_P(1));
	if (!PG_ARGISNULL(2))
		check_length(applied_by.count, revisions.count, "applied_by");
	for (int i = 0; i < revisions.count; i++)
	{
		adopted[i].revision = revisions.names[i];
		if (applied_by.count > 0)
			adopted[i].applied_by = applied_by.names[i];
	}
	PG_RETURN_INT32(viflo_adopt_revisions(viflo_arg_project(fcinfo, 4),
										  viflo_arg_tenant(fcinfo, 5), adopted,
										  revisions.count, viflo_arg_text(fcinfo, 3)));
}
