/*-------------------------------------------------------------------------
 * plan.c
 *	  viflo plan, viflo sql: what would be run.
 *
 * Files that are not registered yet count: they are loaded in a transaction
 * that is rolled back, so that the server's own planner answers and nothing
 * stays.  So is the extension, in a database that has not got it.  Who may not
 * write, or asks a standby, gets the answer without them.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/extension.h"
#include "cli/output.h"

#define MAX_QUERIES 4			/* BEGIN, load, what is asked, ROLLBACK */

static bool
may_not_write(const VifloFailure *failure)
{
	return failure->sqlstate != NULL &&
		(strcmp(failure->sqlstate, "42501") == 0 ||
		 strcmp(failure->sqlstate, "25006") == 0);
}

/*
 * What the folder has and the database has not.  Where the extension is missing
 * it is made in a transaction, *begun, in which the rest is to happen, too.
 */
static bool
find_missing(VifloDatabase *database, VifloLocal *local, VifloNames *missing, bool *begun,
			 VifloFailure *failure)
{
	VifloDbQuery queries[] = {{.sql = "BEGIN"}, {.sql = "CREATE EXTENSION viflo_migrate"}};
	VifloDbResult *results[lengthof(queries)];
	VifloFailure own;

	*begun = false;
	if (viflo_database_missing(database, local, false, missing, failure))
		return true;
	if (failure->sqlstate == NULL || strcmp(failure->sqlstate, "42704") != 0 ||
		!viflo_database_run(database, queries, lengthof(queries), results, &own))
		return false;
	for (int i = 0; i < lengthof(queries); i++)
		viflo_db_result_free(results[i]);
	*begun = true;
	viflo_output_note("extension viflo_migrate would be created");
	return viflo_database_find(database, failure) &&
		viflo_database_missing(database, local, false, missing, failure);
}

/*
 * Answers question with the folder's missing revisions loaded for as long as
 * it takes, in a transaction that has begun or not.  *result is the question's.
 */
static bool
ask_with_folder(VifloDatabase *database, VifloLocal *local,
				VifloNames *missing, bool begun, const VifloDbQuery *question,
				VifloDbResult **result, VifloFailure *failure)
{
	VifloUpload upload;
	VifloDbQuery queries[MAX_QUERIES] = {{.sql = "BEGIN"}};
	VifloDbResult *results[MAX_QUERIES] = {NULL};
	int			first = begun ? 1 : 0;
	int			count;

	count = viflo_upload_prepare(database, local, missing, &upload, &queries[1], failure);
	if (count < 0)
		return false;
	if (count == 0)
		return viflo_database_run(database, question, 1, result, failure);
	queries[2] = *question;
	queries[3].sql = "ROLLBACK";
	if (viflo_database_run(database, queries + first, MAX_QUERIES - first, results + first,
						   failure))
	{
		*result = results[2];
		for (int i = 0; i < MAX_QUERIES; i++)
		{
			if (i != 2)
				viflo_db_result_free(results[i]);
		}
		return true;
	}
	viflo_upload_blame(local, failure);
	if (begun || !may_not_write(failure))
		return false;
	viflo_output_warning("%d revisions of the folder are left out, as they are not registered: %s",
						 missing->count, failure->message);
	return viflo_db_rollback(database->session, NULL) &&
		viflo_database_run(database, question, 1, result, failure);
}

/*
 * Asks what sql gives, whose parameters are the one argument of the request,
 * or this default; the pattern of tenants, if there is one; and those of scope.
 * *result is to be freed; false with *failure.
 */
static bool
ask(const VifloRequest *request,
	char *(*sql) (const VifloDatabase *database, const VifloRequest *request, const char *scope),
	const char *argument, VifloDbResult **result, VifloFailure *failure)
{
	VifloDatabase database;
	VifloLocal	local = {0};
	VifloNames	missing = {0};
	VifloDbParam params[4];
	VifloDbQuery question = {.params = params,.nparams = 1};
	bool		folder = request->settings.dir_exists;
	bool		begun = false;

	if (!viflo_database_open(&database, &request->settings, folder ? &local : NULL, failure))
		return false;
	if (!(folder ?
		  find_missing(&database, &local, &missing, &begun, failure) :
		  viflo_database_find(&database, failure)))
		return false;
	params[0] = viflo_db_text(request->nargs > 0 ? request->args[0] : argument);
	if (request->tenants != NULL)
		params[question.nparams++] = viflo_db_text(request->tenants);
	question.sql = sql(&database, request,
					   viflo_database_scope(&database, params, &question.nparams));
	if (!ask_with_folder(&database, &local, &missing, begun, &question, result, failure))
		return false;
	viflo_database_close(&database);
	return true;
}

/* The plan, and what is out of the ordinary with its steps. */
static char *
steps_sql(const VifloDatabase *database, const VifloRequest *request, const char *scope)
{
	return psprintf("SELECT p.*, COALESCE(w.late, false) AS late,"
					" s.repeatable IS NOT NULL AS repeatable"
					" FROM %s.viflo_plan(%s, %s) p LEFT JOIN %s.viflo_pending(%s) w"
					" ON w.revision OPERATOR(pg_catalog.=) p.revision"
					" CROSS JOIN LATERAL %s.viflo_show(p.revision, %s) s ORDER BY p.step",
					database->schema, viflo_command_target(request), scope,
					database->schema, scope, database->schema, scope);
}

/*
 * The same for each tenant.  Of an upgrade to the heads it is known which of
 * them have none.
 */
static char *
tenants_sql(const VifloDatabase *database, const VifloRequest *request, const char *scope)
{
	const char *target = request->nargs > 0 ? request->args[0] : "head";
	bool		up = strcmp(target, "head") == 0 || strcmp(target, "heads") == 0;

	return psprintf("SELECT t.tenant, x.*"
					" FROM %s.viflo_tenants(pattern => $2::pg_catalog.text, %s, %s) t"
					" CROSS JOIN LATERAL (%s) x WHERE %s ORDER BY t.tenant, x.step",
					database->schema,
					up ? viflo_command_target(request) : "target => 'heads'", scope,
					steps_sql(database, request, psprintf("%s, tenant => t.tenant", scope)),
					up ? VIFLO_TENANT_IS_TO_RUN : "true");
}

static char *
plan_sql(const VifloDatabase *database, const VifloRequest *request, const char *scope)
{
	bool		many = request->tenants != NULL;

	return psprintf("SELECT %s%s FROM (%s) t",
					many && !viflo_output_is_json() ? "t.tenant, " : "",
					viflo_output_is_json() ? "COALESCE(pg_catalog.json_agg(t), '[]')" :
					"pg_catalog.rpad(t.direction, 4), t.revision, t.message,"
					" NULLIF(pg_catalog.concat_ws(' ', CASE WHEN t.late THEN '(late)' END,"
					" CASE WHEN t.repeatable THEN '(repeatable)' END,"
					" CASE WHEN NOT t.transactional THEN '(not in a transaction)' END), '')",
					many ? tenants_sql(database, request, scope) :
					steps_sql(database, request, scope));
}

static int
plan_run(VifloRequest *request)
{
	VifloFailure failure;
	VifloDbResult *result;

	if (!ask(request, plan_sql, "head", &result, &failure))
		return viflo_output_failure(&failure);
	if (viflo_db_result_rows(result) == 0)
		viflo_output_line("nothing to do");
	viflo_command_print(result);
	viflo_db_result_free(result);
	return VIFLO_EXIT_DONE;
}

static char *
script_sql(const VifloDatabase *database, const VifloRequest *request, const char *scope)
{
	return viflo_database_sql(database, "t", "viflo_sql", "range => $1::pg_catalog.text", scope);
}

static int
sql_run(VifloRequest *request)
{
	VifloFailure failure;
	VifloDbResult *result;
	VifloDbRow	row;

	if (!ask(request, script_sql, "heads", &result, &failure))
		return viflo_output_failure(&failure);
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		const char *text = viflo_db_row_text(&row, 0);

		viflo_output_text(text ? text : "");
		if (viflo_output_is_json())
		{
			json_t	   *scripts = json_loads(text, 0, NULL);

			viflo_output_json(json_pack("{s:O}", "sql", json_array_get(scripts, 0)));
			json_decref(scripts);
		}
	}
	viflo_db_result_free(result);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_plan = {
	.name = "plan",
	.options = "lE",
	.max_args = 1,
	.arguments = "[TARGET] [--late WHAT] [--tenants PATTERN]",
	.summary = "show what upgrade, or downgrade, would run",
	.help =
	"Shows the steps that \"viflo upgrade TARGET\" (default head) would run, or for a\n"
	"TARGET below where the database stands, those of \"viflo downgrade TARGET\".\n"
	"Files that are not registered yet are counted in, and nothing is changed: where\n"
	"the database has not even the extension, that is made and taken back, too.\n"
	"Revisions below others that are applied already are marked as late; whether an\n"
	"upgrade runs them is for --late, there and here, to say.\n"
	"\n"
	"  --late WHAT           refuse or apply: show late ones; list: leave them out,\n"
	"                        with a warning\n"
	"  --tenants PATTERN     for each schema that is LIKE PATTERN\n"
	"\n"
	"Example:\n"
	"  viflo plan\n",
	.run = plan_run
};

const VifloCommand viflo_command_sql = {
	.name = "sql",
	.options = "",
	.max_args = 1,
	.arguments = "[RANGE]",
	.summary = "print a script for psql that does the same",
	.help =
	"Prints a script that \"psql -1\" applies elsewhere, and that leaves the same\n"
	"history behind.  RANGE is FROM:TO, or a target to go to from base (default\n"
	"heads).  Files that are not registered yet are counted in, and nothing is\n"
	"changed.\n"
	"\n"
	"Example:\n"
	"  viflo sql 001_initial:head > upgrade.sql\n",
	.run = sql_run
};
