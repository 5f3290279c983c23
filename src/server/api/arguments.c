/*-------------------------------------------------------------------------
 * arguments.c
 *	  Arguments of the SQL functions, and rows of their results.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "api/arguments.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/tenant.h"
#include "settings.h"

char *
viflo_arg_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
viflo_arg_required(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

VifloNames
viflo_arg_names(FunctionCallInfo fcinfo, int n, const char *name, bool nulls_allowed)
{
	VifloNames	result = {0, NULL};
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return result;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	result.names = palloc(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i] && !nulls_allowed)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls", name)));
		result.names[result.count++] = nulls[i] ? NULL : TextDatumGetCString(elements[i]);
	}
	return result;
}

bool
viflo_arg_bool(FunctionCallInfo fcinfo, int n)
{
	return !PG_ARGISNULL(n) && PG_GETARG_BOOL(n);
}

char *
viflo_arg_project(FunctionCallInfo fcinfo, int n)
{
	char	   *project = viflo_arg_text(fcinfo, n);
	VifloError	error = {0};

	if (project == NULL)
		project = pstrdup(viflo_setting_project);
	if (!viflo_name_check(project, "project", &error))
		viflo_report_error(&error);
	return project;
}

char *
viflo_arg_tenants(FunctionCallInfo fcinfo, int n)
{
	char	   *tenant = n < PG_NARGS() ? viflo_arg_text(fcinfo, n) : NULL;

	if (tenant == NULL)
		return NULL;
	if (strlen(tenant) >= NAMEDATALEN)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_NAME),
				 errmsg("tenant \"%s\" cannot be the name of a schema", tenant),
				 errdetail("It is longer than %d bytes.", NAMEDATALEN - 1)));
	if (!viflo_tenant_is_possible(tenant))
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_NAME),
				 errmsg("schema \"%s\" cannot be a tenant", tenant),
				 errdetail("In search_path that name stands for the schema of the current user.")));
	return tenant;
}

char *
viflo_arg_tenant(FunctionCallInfo fcinfo, int n)
{
	char	   *tenant = viflo_arg_tenants(fcinfo, n);

	return tenant != NULL ? tenant : pstrdup("");
}

Datum
viflo_tenant_datum(const char *tenant, bool *isnull)
{
	*isnull = tenant[0] == '\0';
	return *isnull ? (Datum) 0 : CStringGetTextDatum(tenant);
}

void
viflo_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
