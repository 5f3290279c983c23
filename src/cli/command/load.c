/*-------------------------------------------------------------------------
 * load.c
 *	  viflo load: registers the folder's revisions, and runs none.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/output.h"

static void
print_loaded(const VifloLocal *local, const VifloNames *missing)
{
	const VifloHistory *history = &local->history;
	json_t	   *loaded = json_array();
	const char **cells = palloc(sizeof(char *) * 3 * (missing->count + 1));
	int			count = 0;

	for (int i = 0; i < history->count && missing->count > 0; i++)
	{
		const VifloRevision *revision = &history->revisions[i];

		if (!viflo_names_contain(missing, revision->id))
			continue;
		cells[count++] = "load";
		cells[count++] = revision->id;
		cells[count++] = revision->message;
		json_array_append_new(loaded,
							  json_pack("{s:o, s:o, s:o}",
										"revision", viflo_output_json_string(revision->id),
										"message", viflo_output_json_string(revision->message),
										"source", viflo_output_json_string(history->migrations[i].source)));
	}
	if (count > 0)
		viflo_output_table(cells, count / 3, 3);
	else
		viflo_output_line("nothing to load");
	viflo_output_json(loaded);
	pfree(cells);
}

static int
load_run(VifloRequest *request)
{
	VifloDatabase database;
	VifloLocal	local;
	VifloFailure failure;
	VifloNames	missing;
	VifloUpload upload;
	VifloDbQuery query;
	VifloDbResult *result;
	int			count;

	if (!request->settings.dir_exists)
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "folder \"%s\" does not exist",
					  request->settings.dir);
		viflo_failure_hint(&failure, "Name the folder with --dir, or make one with: viflo init");
		return viflo_output_failure(&failure);
	}
	if (!viflo_database_open(&database, &request->settings, &local, &failure) ||
		!viflo_database_missing(&database, &local, true, &missing, &failure))
		return viflo_output_failure(&failure);
	count = viflo_command_upload(&database, &local, &missing, &upload, &query, &failure);
	if (count > 0 && !viflo_database_run(&database, &query, 1, &result, &failure))
	{
		viflo_command_blame(&local, &failure);
		count = -1;
	}
	if (count < 0)
		return viflo_output_failure(&failure);
	if (count > 0)
		viflo_db_result_free(result);
	print_loaded(&local, &missing);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_load = {
	.name = "load",
	.options = "",
	.arguments = "",
	.summary = "register the folder's migrations without running them",
	.help =
	"Registers the revisions of the folder in the database, in one transaction, and\n"
	"runs none of them.  What is there already is not sent again.  A file that\n"
	"differs from what was applied is refused.  Creates the extension if it is\n"
	"missing.\n"
	"\n"
	"Example:\n"
	"  viflo --dir db/migrations load\n",
	.run = load_run
};
