/*-------------------------------------------------------------------------
 * manage.c
 *	  viflo remove, viflo repair: amends what is registered.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/output.h"

/* A revision is removed for all tenants, as its text is the same for all. */
static int
manage(VifloRequest *request, const char *function, bool of_tenant, const char *done)
{
	VifloDatabase database;
	VifloFailure failure;
	VifloDbParam params[3];
	VifloDbQuery query = {.params = params,.nparams = 1};
	VifloDbResult *result;
	char	   *scope;

	if (!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	params[0] = viflo_db_text(request->args[0]);
	if (!of_tenant)
		database.tenant = NULL;
	scope = viflo_database_scope(&database, params, &query.nparams);
	query.sql = psprintf("SELECT %s.%s(revision => $1::pg_catalog.text, %s)",
						 database.schema, function, scope);
	if (!viflo_database_run(&database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	viflo_output_line("%s %s", done, request->args[0]);
	viflo_output_json(json_pack("{s:o}", done, viflo_output_json_string(request->args[0])));
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

static int
remove_run(VifloRequest *request)
{
	return manage(request, "viflo_remove", false, "removed");
}

static int
repair_run(VifloRequest *request)
{
	return manage(request, "viflo_repair", true, "repaired");
}

const VifloCommand viflo_command_remove = {
	.name = "remove",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "REV",
	.summary = "forget a revision that was never applied",
	.help =
	"Forgets the registered revision REV, which must not be applied and which none\n"
	"may follow.  Its file, if there is one, is not touched, and the next load\n"
	"registers it again.\n"
	"\n"
	"Example:\n"
	"  viflo remove 8f3c21d0a4b7\n",
	.run = remove_run
};

const VifloCommand viflo_command_repair = {
	.name = "repair",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "REV",
	.summary = "accept a changed text as the applied one",
	.help =
	"Accepts the registered text of the revision REV as what was applied, although\n"
	"its checksum is another: for all tenants, or with --tenant for one.\n"
	"\n"
	"Example:\n"
	"  viflo repair 8f3c21d0a4b7\n",
	.run = repair_run
};
