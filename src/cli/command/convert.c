/*-------------------------------------------------------------------------
 * convert.c
 *	  viflo import, viflo export: a folder of one layout as one of another.
 *
 * Neither needs a server, and neither changes the folder that it reads.
 * An import keeps ids, parents and texts, so that a database that has adopted
 * the one folder has the same revisions as the other.  An export asks the
 * other layout's reader to make a new revision after the last, for one after
 * the other; what that layout has no place for is said.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/command/command.h"
#include "cli/output.h"
#include "common/script.h"

#define SLUG_MAX	60

/* Longest name of a file without its ".sql", and a later byte of a character. */
#define NAME_BYTES	251
#define IS_CONTINUATION(c)	(((unsigned char) (c) & 0xC0) == 0x80)

/* Reads the folder that is to be written in another way. */
static bool
open_folder(const VifloSettings *settings, VifloLocal *local, VifloFailure *failure)
{
	if (!settings->dir_exists)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "folder \"%s\" does not exist",
					  settings->dir);
		viflo_failure_hint(failure, "Name the folder to read with --dir.");
		return false;
	}
	return viflo_local_open(local, settings, failure) &&
		viflo_local_read(local, failure);
}

/*
 * A section by itself: no blank lines that only kept its place in a file, and
 * no other file's name.
 */
static VifloSection
own_section(const VifloSection *section)
{
	VifloSection own = *section;

	own.file = NULL;
	own.first_line = 0;
	while (own.length > 0 && isspace((unsigned char) own.text[own.length - 1]))
		own.length--;
	for (size_t i = 0; i < own.length && isspace((unsigned char) own.text[i]); i++)
	{
		if (own.text[i] != '\n')
			continue;
		own.text += i + 1;
		own.length -= i + 1;
		i = -1;
	}
	return own;
}

/* The text of a section, NUL-terminated; NULL where it is absent. */
static char *
section_text(const VifloSection *section)
{
	VifloSection own = own_section(section);

	if (section->text == NULL)
		return NULL;
	return own.length > 0 ? psprintf("%.*s\n", (int) own.length, own.text) : pstrdup("");
}

/* Among other files, new ones could be taken for what they are not. */
static bool
check_empty(const char *dir, VifloFailure *failure)
{
	int			state;

	if (dir[0] == '\0')
		return viflo_failure(failure, VIFLO_EXIT_USAGE, "name of the folder is empty");
	state = pg_check_dir(dir);
	if (state < 0)
		return viflo_failure_file(failure, dir, 0, NULL, "could not read folder: %m");
	if (state > 1)
	{
		viflo_failure_file(failure, dir, 0, NULL, "folder is not empty");
		viflo_failure_hint(failure, "Name a new one with --to.");
		return false;
	}
	return true;
}

/* Says what was written. */
static void
print_written(const VifloHistory *history, const char *layout, const VifloNames *paths)
{
	json_t	   *files = json_array();

	for (int i = 0; i < paths->count; i++)
	{
		viflo_output_line("%s", paths->names[i]);
		json_array_append_new(files, viflo_output_json_string(paths->names[i]));
	}
	viflo_output_json(json_pack("{s:s, s:s, s:i, s:o}", "from", history->reader->name,
								"to", layout, "revisions", history->count, "files", files));
}

/*
 * ID.sql, or ID_message.sql where the id does not say what the message does.
 * What cannot be in a file name, or would hide it, becomes "_"; what is too
 * long for one is cut.
 */
static char *
native_name(const VifloRevision *revision)
{
	StringInfoData name;
	StringInfoData slug;
	StringInfoData said;

	initStringInfo(&name);
	initStringInfo(&slug);
	initStringInfo(&said);
	viflo_script_slug(&slug, revision->message, SLUG_MAX);
	viflo_script_slug(&said, revision->id, VIFLO_ID_MAX);
	appendStringInfoString(&name, revision->id);
	if (slug.len > 0 && strstr(said.data, slug.data) == NULL &&
		name.len + slug.len < MAXPGPATH / 8)
		appendStringInfo(&name, "_%s", slug.data);
	for (char *p = name.data; *p != '\0'; p++)
	{
		if (*p == '/' || (*p == '.' && p == name.data))
			*p = '_';
	}
	if (name.len > NAME_BYTES)
	{
		name.len = NAME_BYTES;
		while (name.len > 0 && IS_CONTINUATION(name.data[name.len]))
			name.len--;
		name.data[name.len] = '\0';
	}
	appendStringInfoString(&name, ".sql");
	return name.data;
}

static bool
import(const VifloRequest *request, VifloFailure *failure)
{
	const char *to = request->to ? request->to : VIFLO_DEFAULT_DIR;
	VifloNewFiles files = {.folder = NULL};
	VifloLocal	local;
	VifloNames	paths = {0};
	VifloSettings from = request->settings;
	const VifloHistory *history;

	from.importing = true;
	if (!check_empty(to, failure) || !open_folder(&from, &local, failure))
		return false;
	history = &local.history;
	for (int i = 0; i < history->count; i++)
	{
		VifloRevision revision = history->revisions[i];
		char	   *name = native_name(&revision);
		StringInfo	text = viflo_new_file(&files, name);

		if (text->len > 0)
			return viflo_failure_file(failure,
									  viflo_folder_path(&local.folder, history->migrations[i].source),
									  0, NULL, "two revisions would be file \"%s\"", name);
		revision.up = own_section(&revision.up);
		revision.down_section = own_section(&revision.down_section);
		revision.verify = own_section(&revision.verify);
		revision.backfill = own_section(&revision.backfill);
		viflo_script_write(text, &revision);
	}
	if (!viflo_new_files_write(&files, to, &paths, failure))
		return false;
	print_written(history, "native", &paths);
	return true;
}

static int
import_run(VifloRequest *request)
{
	VifloFailure failure;

	return import(request, &failure) ? VIFLO_EXIT_DONE : viflo_output_failure(&failure);
}

/* What a revision has that a line of the reader's scripts cannot say. */
static void
warn_lost(const VifloRevision *revision, const VifloReader *reader)
{
	const char *lost[] = {
		revision->backfill.text != NULL ? "its backfill is left out" : NULL,
		revision->verify.text != NULL && !reader->keeps_verify ?
		"its verify section is left out" : NULL,
		revision->transaction == VIFLO_TRANSACTION_OFF && !reader->keeps_no_transaction ?
		"that it runs outside of a transaction is left out" : NULL,
		revision->down.count > 1 ? "a merge becomes one step of a line" : NULL,
		revision->labels.count > 0 ? "its labels are left out" : NULL,
		revision->depends_on.count > 0 ? "what it depends on is only kept by the order" : NULL
	};

	for (int i = 0; i < lengthof(lost); i++)
	{
		if (lost[i] != NULL)
			viflo_output_warning("revision \"%s\": %s", revision->id, lost[i]);
	}
}

/* Makes the files of one revision, after what made has already. */
static bool
export_revision(const VifloHistory *history, int number, time_t when,
				VifloHistory *made, VifloNewFiles *files, VifloFailure *failure)
{
	const VifloRevision *revision = &history->revisions[number];
	VifloNewRevision wanted = {
		.message = revision->message[0] != '\0' ? revision->message : revision->id,
		.up = section_text(&revision->up),
		.down = section_text(&revision->down_section),
		.verify = section_text(&revision->verify),
		.no_transaction = revision->transaction == VIFLO_TRANSACTION_OFF,
		.time = when
	};
	int			before = files->count;
	char	   *id = NULL;
	VifloRevision *copy;

	warn_lost(revision, made->reader);
	if (!made->reader->create(made, &wanted, &id, files, failure))
		return false;
	copy = viflo_reader_add(made, files->files[Min(before, files->count - 1)].name);
	copy->id = id;
	copy->message = revision->message;
	return true;
}

static bool
export(VifloRequest *request, VifloFailure *failure)
{
	VifloSettings from = request->settings;
	VifloHistory made = {.settings = &request->settings};
	VifloNewFiles files = {.folder = NULL};
	VifloLocal	local;
	VifloNames	paths = {0};
	const VifloHistory *history;
	time_t		when;

	if (request->settings.layout == NULL || request->to == NULL)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "\"viflo export\" needs --layout NAME and --to DIR");
		return false;
	}
	made.reader = viflo_reader_find(request->settings.layout, failure);
	if (made.reader == NULL)
		return false;
	if (made.reader == &viflo_reader_native || made.reader->create == NULL)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "cannot export to layout \"%s\"", made.reader->name);
		if (made.reader == &viflo_reader_native)
			viflo_failure_hint(failure, "\"viflo import\" writes native files.");
		return false;
	}
	from.layout = NULL;
	if (!check_empty(request->to, failure) ||
		!open_folder(&from, &local, failure))
		return false;
	history = &local.history;

	/* A second each, so that names made of the time stay in order. */
	when = time(NULL) - history->count;
	for (int i = 0; i < history->graph->count; i++)
	{
		int			number = history->graph->order[i];

		if (number < history->count && !history->revisions[number].repeatable &&
			!export_revision(history, number, when++, &made, &files, failure))
			return false;
	}
	for (int i = 0; i < history->count; i++)
	{
		if (history->revisions[i].repeatable)
			viflo_output_warning("revision \"%s\": repeatable, left out", history->revisions[i].id);
	}
	if (!viflo_new_files_write(&files, request->to, &paths, failure))
		return false;
	print_written(history, made.reader->name, &paths);
	return true;
}

static int
export_run(VifloRequest *request)
{
	VifloFailure failure;

	return export(request, &failure) ? VIFLO_EXIT_DONE : viflo_output_failure(&failure);
}

const VifloCommand viflo_command_import = {
	.name = "import",
	.options = "O",
	.arguments = "[--to DIR]",
	.summary = "write another tool's folder as native files",
	.help =
	"Reads the folder, of whatever layout it is, and writes each revision as a native\n"
	"file, with the same id, place and text.  Needs no database; the folder that is\n"
	"read stays as it is.\n"
	"\n"
	"  --to DIR              where to write (default ./migrations)\n"
	"\n"
	"Example:\n"
	"  viflo --dir db/migrate import --to migrations\n",
	.run = import_run
};

const VifloCommand viflo_command_export = {
	.name = "export",
	.options = "O",
	.arguments = "--layout NAME --to DIR",
	.summary = "write the folder in another tool's layout",
	.help =
	"Reads the folder and writes it as the tool of that layout would have it, oldest\n"
	"first, so that nobody is bound to viflo.  Branches become one line, and what the\n"
	"layout has no place for is named.  Needs no database.\n"
	"\n"
	"  --layout NAME         whose layout to write\n"
	"  --to DIR              where to write\n"
	"\n"
	"Example:\n"
	"  viflo export --layout golang-migrate --to golang\n",
	.run = export_run
};
