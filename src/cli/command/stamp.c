/*-------------------------------------------------------------------------
 * stamp.c
 *	  viflo stamp: says what a database has, and runs nothing.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/output.h"

static int
stamp_run(VifloRequest *request)
{
	VifloDatabase database;
	VifloLocal	local = {0};
	VifloFailure failure;
	VifloUpload upload;
	VifloDbParam params[3];
	VifloDbQuery queries[2] = {0};
	VifloDbResult *results[2];
	json_t	   *targets = json_array();
	bool		folder = request->settings.dir_exists;
	int			count;

	if (!viflo_database_open(&database, &request->settings, folder ? &local : NULL, &failure))
		return viflo_output_failure(&failure);
	count = viflo_command_prepare(&database, folder ? &local : NULL, &upload, queries, &failure);
	if (count < 0)
		return viflo_output_failure(&failure);
	if (request->tenants != NULL)
		return viflo_tenants_stamp(request, &database, &local, queries, count);

	if (request->nargs == 1)
		params[0] = viflo_db_text(request->args[0]);
	else
		params[0] = viflo_db_text_array((const char *const *) request->args, NULL,
										request->nargs);
	params[1] = viflo_db_bool(request->purge);
	params[2] = viflo_db_text(database.project);
	queries[count].sql = psprintf("SELECT %s.viflo_stamp($1::pg_catalog.text%s,"
								  " purge => $2::pg_catalog.bool, project => $3::pg_catalog.text%s)",
								  database.schema, request->nargs == 1 ? "" : "[]",
								  viflo_database_tenant(&database));
	queries[count].params = params;
	queries[count].nparams = 3;
	if (!viflo_database_run(&database, queries, count + 1, results, &failure))
	{
		viflo_command_blame(&local, &failure);
		return viflo_output_failure(&failure);
	}
	for (int i = 0; i < request->nargs; i++)
	{
		viflo_output_line("stamped %s", request->args[i]);
		json_array_append_new(targets, viflo_output_json_string(request->args[i]));
	}
	viflo_output_json(json_pack("{s:o, s:b}", "stamped", targets, "purge", request->purge));
	for (int i = 0; i <= count; i++)
		viflo_db_result_free(results[i]);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_stamp = {
	.name = "stamp",
	.options = "pTk",
	.min_args = 1,
	.max_args = -1,
	.arguments = "TARGET... [--purge] [--tenants PATTERN]",
	.summary = "record revisions as applied without running them",
	.help =
	"Records that the database stands at TARGET, running nothing; for a database\n"
	"whose schema is there already.  Registers the folder's revisions first, and\n"
	"creates the extension if it is missing.  Other branches keep what they have,\n"
	"unless:\n"
	"\n"
	"  --purge               forget all that was recorded before\n"
	VIFLO_TENANTS_HELP
	"\n"
	"Example:\n"
	"  viflo stamp head\n",
	.run = stamp_run
};
