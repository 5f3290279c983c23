/*-------------------------------------------------------------------------
 * create.c
 *	  viflo revision, viflo merge: new files in the folder.
 *
 * Neither needs a server: parents are found in the graph of the folder, by
 * the same rules as the server's.  Files are never overwritten.  Names of
 * native files follow the template of viflo.conf, and its hooks then run on
 * the files of any layout; what fails there leaves them.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/command/command.h"
#include "cli/output.h"
#include "cli/process.h"
#include "cli/template.h"
#include "common/author.h"
#include "common/script.h"
#include "common/sqlstate.h"
#include "mb/pg_wchar.h"

#define ID_BYTES	6			/* of a new id: 12 hex digits */

static bool
check_utf8(const char *what, const char *text, VifloFailure *failure)
{
	int			length = text ? strlen(text) : 0;

	return pg_encoding_verifymbstr(PG_UTF8, text ? text : "", length) == length ||
		viflo_failure(failure, VIFLO_EXIT_USAGE, "%s is not UTF-8", what);
}

/* Reads the folder that a new file is for, which has to be readable with it. */
static bool
open_folder(const VifloRequest *request, VifloLocal *local, VifloFailure *failure)
{
	const VifloSettings *settings = &request->settings;

	if (!check_utf8("message", request->message, failure) ||
		!check_utf8("revision id", request->rev_id, failure))
		return false;
	for (int i = 0; i < request->labels.count; i++)
	{
		if (!check_utf8("branch label", request->labels.names[i], failure))
			return false;
	}
	if (!settings->dir_exists)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "folder \"%s\" does not exist",
					  settings->dir);
		viflo_failure_hint(failure, "Make it with: viflo init");
		return false;
	}
	return viflo_local_open(local, settings, failure) &&
		viflo_local_read(local, failure);
}

static json_t *
names_document(const VifloNames *names)
{
	json_t	   *array = json_array();

	for (int i = 0; i < names->count; i++)
		json_array_append_new(array, viflo_output_json_string(names->names[i]));
	return array;
}

/* What the reader calls a native file, or what viflo.conf does. */
static char *
native_name(const VifloSettings *settings, const VifloRevision *revision, char *usual)
{
	const char *template = viflo_config_get(settings->config, settings->database,
											VIFLO_CONFIG_FILE_TEMPLATE);
	const char *length = viflo_config_get(settings->config, settings->database,
										  VIFLO_CONFIG_SLUG_LENGTH);
	StringInfoData slug;

	if (template == NULL && length == NULL)
		return usual;
	initStringInfo(&slug);
	viflo_script_slug(&slug, revision->message,
					  length != NULL ? atoi(length) : VIFLO_DEFAULT_SLUG_LENGTH);
	return viflo_template_name(template != NULL ? template : VIFLO_DEFAULT_TEMPLATE,
							   revision->id, slug.data, time(NULL));
}

/* The hooks, in the order of viflo.conf. */
static void
add_hook(const char *name, const char *value, void *arg)
{
	if (name[0] == '\0')
		viflo_names_add(arg, unconstify(char *, value));
}

/* Runs the hooks of viflo.conf on the new files. */
static bool
run_hooks(const VifloSettings *settings, const VifloNames *paths, VifloFailure *failure)
{
	VifloNames	hooks = {0};

	viflo_config_each(settings->config, settings->database, VIFLO_CONFIG_POST_WRITE,
					  add_hook, &hooks);
	for (int h = 0; h < hooks.count; h++)
	{
		for (int i = 0; i < paths->count; i++)
		{
			if (viflo_process_run("hook post_write", hooks.names[h], paths->names[i],
								  NULL, true, failure))
				continue;
			failure->kept = psprintf("File \"%s\" is written.", paths->names[i]);
			return false;
		}
	}
	return true;
}

/* Writes the files of a new revision and says so. */
static bool
create_files(const VifloSettings *settings, const VifloLocal *local,
			 const VifloNewRevision *wanted, VifloFailure *failure)
{
	static const VifloNames none = {0};
	const VifloHistory *history = &local->history;
	const VifloRevision *revision = wanted->native;
	VifloNewFiles files = {.folder = &local->folder};
	VifloNames	paths = {0};
	char	   *first;
	VifloNames	down = {0};
	char	   *id = NULL;

	if (history->reader->create == NULL)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "new files of layout %s are made by its own tool",
							 history->reader->name);
	if (!history->reader->create(history, wanted, &id, &files, failure))
		return false;
	Assert(files.count > 0);
	if (revision != NULL)
		files.files[0].name = native_name(settings, revision, files.files[0].name);
	first = viflo_folder_path(&local->folder, files.files[0].name);
	if (!viflo_new_files_write(&files, local->folder.path, &paths, failure))
		return false;
	for (int i = 0; i < paths.count; i++)
		viflo_output_line("%s", paths.names[i]);
	if (!run_hooks(settings, &paths, failure))
		return false;
	if (revision != NULL)
		down = revision->down;
	for (int i = history->count - 1; i >= 0 && revision == NULL && down.count == 0; i--)
	{
		if (!history->revisions[i].repeatable)
			viflo_names_add(&down, history->revisions[i].id);
	}
	viflo_output_json(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
								"revision", viflo_output_json_string(id),
								"message", viflo_output_json_string(wanted->message),
								"down_revision", names_document(&down),
								"depends_on", names_document(revision ? &revision->depends_on : &none),
								"branch_labels", names_document(revision ? &revision->labels : &none),
								"file", viflo_output_json_string(first),
								"files", names_document(&paths)));
	return true;
}

/* An id for a new native revision: the one asked for, or a random one. */
static bool
choose_id(const VifloRequest *request, const VifloGraph *graph, char **id,
		  VifloFailure *failure)
{
	VifloError	error = {0};
	uint8		bytes[ID_BYTES];

	if (request->rev_id != NULL)
	{
		if (!viflo_name_check(request->rev_id, "revision", &error))
			return viflo_failure_common(failure, NULL, &error);
		if (viflo_graph_find(graph, request->rev_id) >= 0)
		{
			viflo_failure(failure, VIFLO_EXIT_REFUSED,
						  "revision \"%s\" exists already", request->rev_id);
			failure->sqlstate = pstrdup(VIFLO_DUPLICATE_REVISION);
			return false;
		}
		if (strchr(request->rev_id, '/') != NULL)
			return viflo_failure(failure, VIFLO_EXIT_USAGE,
								 "a revision id that names a file cannot have a \"/\"");
		if (request->rev_id[0] == '.')
			return viflo_failure(failure, VIFLO_EXIT_USAGE,
								 "a revision id that names a file cannot begin with a dot, as such files are not read");
		*id = request->rev_id;
		return true;
	}
	*id = palloc(ID_BYTES * 2 + 1);
	do
	{
		if (!pg_strong_random(bytes, sizeof(bytes)))
			return viflo_failure(failure, VIFLO_EXIT_REFUSED,
								 "could not get random bytes");
		for (int i = 0; i < ID_BYTES; i++)
			snprintf(*id + i * 2, 3, "%02x", bytes[i]);
	} while (viflo_graph_find(graph, *id) >= 0);
	return true;
}

static bool
check_labels(const VifloRequest *request, const VifloGraph *graph,
			 VifloFailure *failure)
{
	for (int i = 0; i < request->labels.count; i++)
	{
		const char *label = request->labels.names[i];
		VifloError	error = {0};

		if (!viflo_name_check(label, "branch label", &error))
			return viflo_failure_common(failure, NULL, &error);
		if (viflo_graph_find_label(graph, label) >= 0 ||
			viflo_graph_find(graph, label) >= 0)
		{
			viflo_failure(failure, VIFLO_EXIT_REFUSED,
						  "branch label \"%s\" is taken", label);
			failure->sqlstate = pstrdup(VIFLO_DUPLICATE_LABEL);
			return false;
		}
		for (int before = 0; before < i; before++)
		{
			if (strcmp(request->labels.names[before], label) == 0)
				return viflo_failure(failure, VIFLO_EXIT_USAGE,
									 "branch label \"%s\" is given twice", label);
		}
	}
	return true;
}

/* The time for the header "created:". */
static char *
now_text(void)
{
	time_t		now = time(NULL);
	char		text[32];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	return pstrdup(text);
}

/* The next files of a layout whose order is that of the names. */
static bool
create_linear(const VifloRequest *request, const VifloLocal *local,
			  VifloFailure *failure)
{
	VifloNewRevision wanted = {.message = request->message,.time = time(NULL)};

	if (request->heads.count > 0 || request->splice || request->repeatable != NULL || request->rev_id != NULL ||
		request->depends_on.count > 0 || request->labels.count > 0)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "a %s folder is one line of revisions: only --message can be given",
							 local->history.reader->name);
	return create_files(&request->settings, local, &wanted, failure);
}

static bool
create_native(const VifloRequest *request, const VifloLocal *local,
			  VifloFailure *failure)
{
	static const char *const default_heads[] = {"head"};
	const VifloGraph *graph = local->history.graph;
	VifloRevision revision = {0};
	VifloNewRevision wanted = {.message = request->message,.native = &revision,.time = time(NULL)};
	VifloError	error = {0};
	bool		given = request->heads.count > 0;

	revision.message = request->message;
	revision.labels = request->labels;
	revision.created = now_text();
	if (!choose_id(request, graph, &revision.id, failure) ||
		!check_labels(request, graph, failure))
		return false;
	if (request->repeatable != NULL &&
		!viflo_repeatable_read(viflo_span_of(request->repeatable), &revision.repeatable))
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "\"%s\" is no kind of repeatable revision",
					  request->repeatable);
		viflo_failure_hint(failure, "There are \"yes\", \"with others\", \"always\" and \"first\".");
		return false;
	}
	if (revision.repeatable && (given || request->splice || request->labels.count > 0))
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "a repeatable revision has no place in the line of the others: neither --head, --splice nor --label fits it");
	if (!revision.repeatable &&
		!viflo_plan_new(graph, given ? (const char *const *) request->heads.names : default_heads,
						given ? request->heads.count : 1, request->splice,
						&revision.down, &error))
		return viflo_failure_common(failure, NULL, &error);
	if (!viflo_plan_depends(graph, (const char *const *) request->depends_on.names,
							request->depends_on.count, &revision.depends_on, &error))
		return viflo_failure_common(failure, NULL, &error);
	return create_files(&request->settings, local, &wanted, failure);
}

static int
revision_run(VifloRequest *request)
{
	VifloLocal	local;
	VifloFailure failure;
	bool		result;

	if (request->message == NULL || request->message[0] == '\0')
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "a message is needed: -m MESSAGE");
		return viflo_output_failure(&failure);
	}
	result = open_folder(request, &local, &failure);
	if (result && local.history.reader->linear)
		result = create_linear(request, &local, &failure);
	else if (result)
		result = create_native(request, &local, &failure);
	return result ? VIFLO_EXIT_DONE : viflo_output_failure(&failure);
}

/* "merge a and b" for a merge that nobody gave a message. */
static char *
merge_message(const VifloNames *down)
{
	StringInfoData message;

	initStringInfo(&message);
	appendStringInfoString(&message, "merge ");
	for (int i = 0; i < down->count; i++)
		appendStringInfo(&message, "%s%s",
						 i == 0 ? "" : i == down->count - 1 ? " and " : ", ",
						 down->names[i]);
	return message.data;
}

static int
merge_run(VifloRequest *request)
{
	static const char *const default_revisions[] = {"heads"};
	VifloLocal	local;
	VifloFailure failure;
	VifloRevision revision = {0};
	VifloNewRevision wanted = {.native = &revision};
	VifloError	error = {0};
	bool		given = request->nargs > 0;

	if (!open_folder(request, &local, &failure))
		return viflo_output_failure(&failure);
	if (local.history.reader->linear)
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE,
					  "a %s folder is one line of revisions: there is nothing to merge",
					  local.history.reader->name);
		return viflo_output_failure(&failure);
	}
	revision.created = now_text();
	revision.labels = request->labels;
	if (!choose_id(request, local.history.graph, &revision.id, &failure) ||
		!check_labels(request, local.history.graph, &failure))
		return viflo_output_failure(&failure);
	if (!viflo_plan_merge(local.history.graph,
						  given ? (const char *const *) request->args : default_revisions,
						  given ? request->nargs : 1, &revision.down, &error))
	{
		viflo_failure_common(&failure, NULL, &error);
		return viflo_output_failure(&failure);
	}
	revision.message = request->message ? request->message : merge_message(&revision.down);
	wanted.message = revision.message;
	if (!create_files(&request->settings, &local, &wanted, &failure))
		return viflo_output_failure(&failure);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_revision = {
	.name = "revision",
	.options = "mHSPDLR",
	.arguments = "-m MESSAGE [OPTION]...",
	.summary = "write a new migration file",
	.help =
	"Writes a new file into the folder, with empty sections, and prints its name;\n"
	"needs no database.  In a folder of another tool's layout it writes the next\n"
	"files of that layout, and only --message can be given.  viflo.conf may say what\n"
	"native files are called (file_template, slug_length), and what to run on a new\n"
	"file (post_write).\n"
	"\n"
	"  -m, --message TEXT    what the revision does; needed\n"
	"  --head REV            put it on this revision (default head; again for more)\n"
	"  --splice              REV need not be a head: make a branch\n"
	"  --repeatable[=KIND]   it runs again: yes (the default), after all others when\n"
	"                        its text has changed; \"with others\", at the end of\n"
	"                        upgrades that run anything else; always, at the end of\n"
	"                        each; first, before all others in each\n"
	"  --depends-on REV      run after this one too (again for more)\n"
	"  --label NAME          branch label (again for more)\n"
	"  --rev-id ID           id (default: 12 random hex digits)\n"
	"\n"
	"Example:\n"
	"  viflo revision -m \"add users\"\n",
	.run = revision_run
};

const VifloCommand viflo_command_merge = {
	.name = "merge",
	.options = "mLR",
	.max_args = -1,
	.arguments = "[REV]... [-m MESSAGE]",
	.summary = "write a migration file that joins branches",
	.help =
	"Writes a new file that has all of REV (default: all heads) as its parents and\n"
	"does nothing else, and prints its name; needs no database.\n"
	"\n"
	"  -m, --message TEXT    what to call it\n"
	"  --label NAME          branch label (again for more)\n"
	"  --rev-id ID           id (default: 12 random hex digits)\n"
	"\n"
	"Example:\n"
	"  viflo merge -m \"join billing and accounts\"\n",
	.run = merge_run
};
