/*-------------------------------------------------------------------------
 * edit.c
 *	  viflo edit: opens the files of a revision in the user's editor.
 *
 * Needs no database.  Where one is named, it says beforehand that a revision
 * is applied there, as another text would then be refused; whether that is
 * wanted is up to the user.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/output.h"
#include "cli/process.h"
#include "common/target.h"

/* Editors of a system, if the user has none of his own. */
static const char *const usual_editors[] = {"editor", "vi"};

/* What VISUAL, else EDITOR has, or the first editor that is there. */
static const char *
find_editor(void)
{
	static const char *const variables[] = {"VISUAL", "EDITOR"};

	for (int i = 0; i < lengthof(variables); i++)
	{
		const char *editor = getenv(variables[i]);

		if (editor != NULL && editor[0] != '\0')
			return editor;
	}
	for (int i = 0; i < lengthof(usual_editors); i++)
	{
		if (viflo_process_exists(usual_editors[i]))
			return usual_editors[i];
	}
	return NULL;
}

/* The number of the folder's revision that the target means, or -1. */
static int
find_revision(const VifloLocal *local, const char *target, VifloFailure *failure)
{
	VifloError	error = {0};
	int			found;

	if (!viflo_target_resolve_one(local->history.graph, target, &found, &error))
	{
		viflo_failure_common(failure, NULL, &error);
		return -1;
	}
	if (found < 0)
		viflo_failure(failure, VIFLO_EXIT_REFUSED, "\"%s\" is no revision", target);
	else if (found >= local->history.count)
		viflo_failure(failure, VIFLO_EXIT_REFUSED, "revision \"%s\" has no file in folder \"%s\"",
					  local->history.revisions[found].id, local->folder.path);
	else
		return found;
	return -1;
}

static void
add_file(VifloNames *paths, const VifloLocal *local, const char *name)
{
	char	   *path;

	if (name == NULL)
		return;
	path = viflo_folder_path(&local->folder, name);
	if (!viflo_names_contain(paths, path))
		viflo_names_add(paths, path);
}

/* The files of a revision, NULL-terminated: some layouts have two. */
static char **
find_files(const VifloLocal *local, int number)
{
	const VifloRevision *revision = &local->history.revisions[number];
	VifloNames	paths = {0};

	add_file(&paths, local, local->history.migrations[number].source);
	if (local->history.reader != &viflo_reader_native)
	{
		add_file(&paths, local, revision->up.file);
		add_file(&paths, local, revision->down_section.file);
	}
	viflo_names_add(&paths, NULL);
	return paths.names;
}

/* Is the revision applied in the database that the user has named? */
static bool
is_applied(const VifloSettings *settings, const char *id)
{
	VifloDatabase database;
	VifloFailure failure;
	VifloDbParam params[3];
	VifloDbQuery query = {.params = params,.nparams = 1};
	VifloDbResult *result;
	bool		applied = false;

	if (settings->url == NULL)
		return false;
	if (!viflo_database_open(&database, settings, NULL, &failure))
	{
		viflo_output_verbose("cannot tell whether it is applied: %s", failure.message);
		return false;
	}
	params[0] = viflo_db_text(id);
	if (viflo_database_find(&database, &failure))
	{
		query.sql = psprintf("SELECT FROM %s.viflo_history(%s) t"
							 " WHERE t.applied AND t.revision OPERATOR(pg_catalog.=) $1::pg_catalog.text",
							 database.schema,
							 viflo_database_scope(&database, params, &query.nparams));
		if (viflo_database_run(&database, &query, 1, &result, &failure))
		{
			applied = viflo_db_result_rows(result) > 0;
			viflo_db_result_free(result);
		}
	}
	viflo_database_close(&database);
	return applied;
}

static int
edit_run(VifloRequest *request)
{
	VifloLocal	local;
	VifloFailure failure;
	const char *editor = find_editor();
	const char *id;
	char	  **files;
	int			number;

	if (editor == NULL)
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "there is no editor");
		viflo_failure_hint(&failure, "Name one in VISUAL or EDITOR.");
		return viflo_output_failure(&failure);
	}
	if (!request->settings.dir_exists)
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "folder \"%s\" does not exist",
					  request->settings.dir);
		viflo_failure_hint(&failure, "Make it with: viflo init");
		return viflo_output_failure(&failure);
	}
	if (!viflo_local_open(&local, &request->settings, &failure) ||
		!viflo_local_read(&local, &failure) ||
		(number = find_revision(&local, request->args[0], &failure)) < 0)
		return viflo_output_failure(&failure);
	id = local.history.revisions[number].id;
	files = find_files(&local, number);
	if (is_applied(&request->settings, id))
		viflo_output_warning("revision \"%s\" is applied: another text of it will be refused", id);
	if (!viflo_process_run("editor", editor, NULL, files, viflo_output_is_json(), &failure))
		return viflo_output_failure(&failure);
	viflo_output_json(json_pack("{s:o, s:o}", "revision", viflo_output_json_string(id),
								"file", viflo_output_json_string(files[0])));
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_edit = {
	.name = "edit",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "REV",
	.summary = "open the file of a revision in your editor",
	.help =
	"Opens the file of the folder's revision REV in the editor that VISUAL, else\n"
	"EDITOR names, else in editor or vi; in some layouts these are two files.  Warns\n"
	"where a database is named and the revision is applied there.\n"
	"\n"
	"Example:\n"
	"  viflo edit head\n",
	.run = edit_run
};
