/*-------------------------------------------------------------------------
 * check.c
 *	  viflo check: is the database where the folder and the server want it?
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/output.h"
#include "common/sqlstate.h"

/* Conditions that make the status 3 and not 1. */
static const char *const not_well[] = {
	VIFLO_BEHIND, VIFLO_MISSING_REVISION, VIFLO_CHANGED_REVISION,
	VIFLO_MULTIPLE_HEADS, VIFLO_LATE_REVISION, VIFLO_UNFINISHED
};

/* Appends up to so many names of revisions to a detail. */
#define MAX_NAMED	5

static char *
list_names(const VifloNames *names)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < names->count && i < MAX_NAMED; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", names->names[i]);
	if (names->count > MAX_NAMED)
		appendStringInfo(&list, " and %d more", names->count - MAX_NAMED);
	return list.data;
}

/*
 * Tells what it means that the server has not these texts: revisions that are
 * applied have changed since, others are not loaded.
 */
static bool
fail_missing(VifloDatabase *database, const VifloNames *missing,
			 VifloFailure *failure)
{
	VifloDbParam params[2];
	VifloDbQuery query = {0};
	VifloDbResult *result;
	VifloDbRow	row;
	VifloNames	changed = {0};

	params[0] = viflo_db_text_array((const char *const *) missing->names, NULL,
									missing->count);
	params[1] = viflo_db_text(database->project);
	query.sql = psprintf("SELECT t.revision FROM %s.viflo_history(project => $2::pg_catalog.text%s) t"
						 " WHERE t.applied AND t.revision OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])",
						 database->schema, viflo_database_tenant(database));
	query.params = params;
	query.nparams = 2;
	if (!viflo_database_run(database, &query, 1, &result, failure))
		return false;
	row = viflo_db_rows(result, NULL);
	while (viflo_db_row_next(&row))
		viflo_names_add(&changed, pstrdup(viflo_db_row_text(&row, 0)));
	viflo_db_result_free(result);

	if (changed.count > 0)
	{
		viflo_failure(failure, VIFLO_EXIT_BEHIND,
					  "files of applied revisions have changed: %s", list_names(&changed));
		failure->sqlstate = pstrdup(VIFLO_CHANGED_REVISION);
		return false;
	}
	viflo_failure(failure, VIFLO_EXIT_BEHIND,
				  "database is behind: %d revisions of folder \"%s\" are not registered",
				  missing->count, database->settings->dir);
	failure->sqlstate = pstrdup(VIFLO_BEHIND);
	failure->detail = psprintf("They are %s.", list_names(missing));
	viflo_failure_hint(failure, "Run: viflo upgrade");
	return false;
}

static bool
check(const VifloRequest *request, VifloFailure *failure)
{
	VifloDatabase database;
	VifloLocal	local = {0};
	VifloNames	missing = {0};
	VifloDbParam params[1];
	VifloDbQuery query = {0};
	VifloDbResult *result;
	bool		folder = request->settings.dir_exists;

	if (!viflo_database_open(&database, &request->settings, folder ? &local : NULL, failure))
		return false;
	if (!(folder ?
		  viflo_database_missing(&database, &local, false, &missing, failure) :
		  viflo_database_find(&database, failure)))
		return false;
	if (missing.count > 0)
		return fail_missing(&database, &missing, failure);
	if (request->tenants != NULL && !viflo_tenants_check(request, &database, failure))
		return false;
	params[0] = viflo_db_text(database.project);
	query.sql = psprintf("SELECT %s.viflo_check(project => $1::pg_catalog.text%s)", database.schema,
						 viflo_database_tenant(&database));
	query.params = params;
	query.nparams = 1;
	if (!viflo_database_run(&database, &query, 1, &result, failure))
	{
		for (int i = 0; i < lengthof(not_well) && failure->sqlstate != NULL; i++)
		{
			if (strcmp(failure->sqlstate, not_well[i]) == 0)
				failure->status = VIFLO_EXIT_BEHIND;
		}
		return false;
	}
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return true;
}

static int
check_run(VifloRequest *request)
{
	VifloFailure failure;

	if (!check(request, &failure))
		return viflo_output_failure(&failure);
	viflo_output_line("all is well");
	viflo_output_json(json_pack("{s:b}", "ok", true));
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_check = {
	.name = "check",
	.options = "T",
	.arguments = "[--tenants PATTERN]",
	.summary = "fail when the database is behind or has drifted",
	.help =
	"Exit status 0 when every revision of the folder and of the database is applied,\n"
	"unchanged, and ends in one head; 3, and a message, when not.  For CI.\n"
	"\n"
	"  --tenants PATTERN     of all schemas that are LIKE PATTERN\n"
	"\n"
	"Example:\n"
	"  viflo check || viflo plan\n",
	.run = check_run
};
