/*-------------------------------------------------------------------------
 * init.c
 *	  viflo init: a folder to keep migrations in, and the extension.
 *
 * The folder needs no server.  Where a database is named, the extension is
 * made too; one named on the command line has to be there for that.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <sys/stat.h>

#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/output.h"
#include "common/file_perm.h"

/* Makes the extension.  False only when that is a failure of the command. */
static bool
init_database(const VifloRequest *request, const char **state,
			  VifloFailure *failure)
{
	const VifloSettings *settings = &request->settings;
	VifloDatabase database;
	bool		result;

	*state = "unchecked";
	if (settings->url == NULL)
		return true;
	if (!viflo_database_open(&database, settings, NULL, failure))
	{
		if (settings->url_by_option)
			return false;
		viflo_output_warning("cannot connect, so the extension was not looked for: %s",
							 failure->message);
		return true;
	}
	*state = "installed";
	result = viflo_database_find_or_create(&database, failure);
	viflo_database_close(&database);
	return result;
}

static int
init_run(VifloRequest *request)
{
	VifloFailure failure;
	char	   *dir = request->nargs > 0 ? request->args[0] : request->settings.dir;
	const char *extension;
	struct stat st;
	bool		created;

	if (dir[0] == '\0')
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "name of the folder is empty");
		return viflo_output_failure(&failure);
	}
	created = stat(dir, &st) != 0;
	if (!created && !S_ISDIR(st.st_mode))
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "\"%s\" is not a folder", dir);
		return viflo_output_failure(&failure);
	}
	if (created && pg_mkdir_p(pstrdup(dir), S_IRWXU | S_IRWXG | S_IRWXO) < 0)
	{
		viflo_failure_file(&failure, dir, 0, NULL, "could not make folder: %m");
		return viflo_output_failure(&failure);
	}
	if (!init_database(request, &extension, &failure))
		return viflo_output_failure(&failure);
	viflo_output_line(created ? "made folder %s" : "folder %s is there", dir);
	if (strcmp(dir, request->settings.dir) != 0)
		viflo_output_line("# say --dir %s, or VIFLO_DIR=%s in .env, from now on", dir, dir);
	viflo_output_line("# next: viflo revision -m \"what it does\", edit the file, viflo upgrade");
	viflo_output_json(json_pack("{s:o, s:b, s:s}", "dir", viflo_output_json_string(dir),
								"created", created, "extension", extension));
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_init = {
	.name = "init",
	.options = "",
	.max_args = 1,
	.arguments = "[DIR]",
	.summary = "make a folder for migrations",
	.help =
	"Makes the folder DIR (default: that of --dir, else ./migrations); needs no\n"
	"database.  Where one is named by --url, DATABASE_URL or .env, the extension\n"
	"viflo_migrate is created in it too if it is missing.\n"
	"\n"
	"Example:\n"
	"  viflo init\n",
	.makes_folder = true,
	.run = init_run
};
