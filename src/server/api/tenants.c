/*-------------------------------------------------------------------------
 * tenants.c
 *	  The SQL function on all tenants of a project.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "api/arguments.h"
#include "run/survey.h"
#include "store/revisions.h"

PG_FUNCTION_INFO_V1(viflo_tenants);

#define TENANT_COLUMNS 8

/*
 * viflo_tenants(pattern text, target text, project text)
 */
Datum
viflo_tenants(PG_FUNCTION_ARGS)
{
	const char *pattern = viflo_arg_required(fcinfo, 0, "pattern");
	const char *target = viflo_arg_required(fcinfo, 1, "target");
	int			count;
	VifloSurveyRow *rows = viflo_survey(viflo_arg_project(fcinfo, 2), pattern, target, &count);
	Datum		current = (Datum) 0;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		const VifloSurveyRow *row = &rows[i];
		const VifloStanding *standing = row->standing;
		Datum		values[TENANT_COLUMNS];
		bool		nulls[TENANT_COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		if (i == 0 || standing != rows[i - 1].standing)
			current = viflo_names_array(&standing->current);
		values[0] = CStringGetTextDatum(row->tenant);
		values[1] = current;
		values[2] = Int32GetDatum(standing->pending);
		values[3] = Int32GetDatum(standing->late);
		nulls[2] = nulls[3] = nulls[7] = standing->steps < 0 || row->missing > 0;
		values[4] = Int32GetDatum(row->missing);
		values[5] = Int32GetDatum(standing->changed);
		values[6] = Int32GetDatum(row->unfinished);
		values[7] = Int32GetDatum(standing->steps);
		viflo_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}
