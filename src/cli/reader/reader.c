/*-------------------------------------------------------------------------
 * reader.c
 *	  Reads a folder, and does what all readers have in common.
 *
 * Reading goes in these steps: every file that some layout could want is read
 * into memory; one reader is named or found out (detect.c), which makes
 * revisions of the files; linear layouts become a chain; all but native files
 * are wrapped into a native script; the graph is built, which finds duplicates
 * and cycles.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/reader/placeholder.h"
#include "cli/reader/quotes.h"
#include "cli/reader/reader.h"
#include "common/script.h"
#include "common/sqlstate.h"
#include "mb/pg_wchar.h"

VifloRevision *
viflo_reader_add(VifloHistory *history, const char *source)
{
	if (history->count >= history->allocated)
	{
		int			allocated = history->allocated ? history->allocated * 2 : 64;

		history->revisions = history->revisions ?
			repalloc(history->revisions, allocated * sizeof(VifloRevision)) :
			palloc(allocated * sizeof(VifloRevision));
		history->migrations = history->migrations ?
			repalloc(history->migrations, allocated * sizeof(VifloMigration)) :
			palloc(allocated * sizeof(VifloMigration));
		history->allocated = allocated;
	}
	memset(&history->revisions[history->count], 0, sizeof(VifloRevision));
	memset(&history->migrations[history->count], 0, sizeof(VifloMigration));
	history->migrations[history->count].source = source;
	return &history->revisions[history->count++];
}

VifloMigration *
viflo_reader_last(const VifloHistory *history)
{
	return &history->migrations[history->count - 1];
}

/* Fails where a line of text would be taken for one of the native format. */
static bool
check_markers(const VifloFolder *folder, const VifloFile *file,
			  const char *text, size_t length, int first_line,
			  VifloFailure *failure)
{
	int			marker = viflo_script_marker_line(text, length);

	if (marker == 0)
		return true;
	viflo_failure_file(failure, viflo_folder_path(folder, file->name),
					   first_line + marker - 1, VIFLO_INVALID_SCRIPT,
					   "line begins a section of a native file, in a folder of another layout");
	viflo_failure_hint(failure, "Change this comment, or keep native files in a folder of their own.");
	return false;
}

/*
 * Fails where a value has made something else than UTF-8 of the text; what
 * still lies in the file is that.
 */
static bool
check_values(const VifloFolder *folder, const VifloFile *file,
			 const VifloSection *section, VifloFailure *failure)
{
	size_t		valid;
	int			line = section->first_line;

	if (section->text >= file->text && section->text <= file->text + file->length)
		return true;
	valid = pg_encoding_verifymbstr(PG_UTF8, section->text, section->length);
	if (valid == section->length)
		return true;
	for (size_t i = 0; i < valid; i++)
		line += section->text[i] == '\n';
	return viflo_failure_file(failure, viflo_folder_path(folder, file->name), line, "22021",
							  "value of a placeholder is not UTF-8: byte 0x%02x",
							  (unsigned char) section->text[valid]);
}

bool
viflo_reader_part(const VifloFolder *folder, const VifloFile *file,
				  VifloHistory *history, const char *text, size_t length,
				  int first_line, VifloSection *section,
				  VifloFailure *failure)
{
	section->text = text;
	section->length = length;
	section->first_line = first_line;
	section->file = file->name;
	/* A file may have thousands of parts. */
	if (history->checked != file && !viflo_folder_check_text(folder, file, failure))
		return false;
	history->checked = file;
	return viflo_placeholders_replace(folder, history, section, failure) &&
		check_values(folder, file, section, failure) &&
		check_markers(folder, file, section->text, section->length, first_line, failure);
}

bool
viflo_reader_section(const VifloFolder *folder, const VifloFile *file,
					 VifloHistory *history, VifloSection *section,
					 VifloFailure *failure)
{
	size_t		mark = file->length >= 3 && memcmp(file->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

	return viflo_reader_part(folder, file, history, file->text + mark,
							 file->length - mark, 1, section, failure);
}

void
viflo_reader_warn(VifloHistory *history, const VifloFolder *folder,
				  const char *name, const char *what)
{
	history->warned = true;
	viflo_output_warning("%s: %s", viflo_folder_path(folder, name), what);
}

char *
viflo_reader_message(const char *name)
{
	char	   *message = pstrdup(name);

	for (char *p = message; *p != '\0'; p++)
	{
		if (*p == '_')
			*p = ' ';
	}
	return message;
}

/* Makes each revision the child of the one before it that has a place. */
static void
make_chain(VifloHistory *history)
{
	char	   *last = NULL;

	for (int i = 0; i < history->count; i++)
	{
		VifloRevision *revision = &history->revisions[i];

		if (revision->repeatable)
			continue;
		if (last != NULL)
			viflo_names_add(&revision->down, last);
		last = revision->id;
	}
}

/* Fails at a quote or comment of the section that does not end. */
static bool
check_quotes(const VifloFolder *folder, const VifloMigration *migration,
			 const VifloSection *section, VifloFailure *failure)
{
	const char *file = viflo_section_file(section, migration->source);
	const char *open;
	int			line = 0;

	if (section->text == NULL ||
		(open = viflo_quotes_open(section->text, section->length, &line)) == NULL)
		return true;
	return viflo_failure_file(failure,
							  viflo_folder_path(folder, file ? file : migration->source),
							  section->first_line + line - 1, VIFLO_INVALID_SCRIPT,
							  "unterminated %s", open);
}

static bool
check_sections(const VifloFolder *folder, const VifloHistory *history,
			   VifloFailure *failure)
{
	for (int i = 0; i < history->count; i++)
	{
		const VifloRevision *revision = &history->revisions[i];
		const VifloMigration *migration = &history->migrations[i];

		if (!check_quotes(folder, migration, &revision->up, failure) ||
			!check_quotes(folder, migration, &revision->down_section, failure) ||
			!check_quotes(folder, migration, &revision->verify, failure) ||
			!check_quotes(folder, migration, &revision->backfill, failure))
			return false;
	}
	return true;
}

/* Checks ids and writes native scripts where the files are none. */
static bool
make_scripts(const VifloFolder *folder, VifloHistory *history,
			 VifloFailure *failure)
{
	for (int i = 0; i < history->count; i++)
	{
		VifloMigration *migration = &history->migrations[i];
		VifloError	error = {0};
		StringInfoData script;

		if (migration->script != NULL)
			continue;
		if (!viflo_name_check(history->revisions[i].id, "revision", &error))
			return viflo_failure_common(failure,
										viflo_folder_path(folder, migration->source),
										&error);
		initStringInfo(&script);
		viflo_script_write(&script, &history->revisions[i]);
		migration->script = script.data;
		migration->length = script.len;
	}
	return true;
}

static bool
make_digests(VifloHistory *history, VifloFailure *failure)
{
	for (int i = 0; i < history->count; i++)
	{
		VifloMigration *migration = &history->migrations[i];
		const char *script = migration->script;
		VifloError	error = {0};

		if (!viflo_digest(&script, &migration->length, 1, migration->digest, &error))
			return viflo_failure(failure, VIFLO_EXIT_REFUSED, "%s", error.message);
	}
	return true;
}

/* Makes a stub of every name in names that is not among known, which is sorted. */
static void
add_stubs(VifloHistory *history, const VifloNames *names,
		  const VifloNames *known)
{
	for (int i = 0; i < names->count; i++)
	{
		char	   *name = names->names[i];
		bool		there = viflo_names_find(known, name);

		for (int s = history->count; s < history->count + history->stubs && !there; s++)
			there = strcmp(history->revisions[s].id, name) == 0;
		if (there)
			continue;
		if (history->count + history->stubs >= history->allocated)
		{
			history->allocated *= 2;
			history->revisions = repalloc(history->revisions,
										  history->allocated * sizeof(VifloRevision));
		}
		memset(&history->revisions[history->count + history->stubs], 0,
			   sizeof(VifloRevision));
		history->revisions[history->count + history->stubs].message = "";
		history->revisions[history->count + history->stubs++].id = name;
	}
}

/* Parents and dependencies that no file defines. */
static void
find_stubs(VifloHistory *history)
{
	VifloNames	known = {0};

	for (int i = 0; i < history->count; i++)
	{
		VifloRevision *revision = &history->revisions[i];

		viflo_names_add(&known, revision->id);
		for (int l = 0; l < revision->labels.count; l++)
			viflo_names_add(&known, revision->labels.names[l]);
	}
	if (known.count == 0)
		return;
	viflo_names_sort(&known);
	for (int i = 0; i < history->count; i++)
	{
		add_stubs(history, &history->revisions[i].down, &known);
		add_stubs(history, &history->revisions[i].depends_on, &known);
	}
}

/* The file that a graph error is about: the last one whose id it names. */
static const char *
file_of_error(const VifloFolder *folder, const VifloHistory *history,
			  const VifloError *error)
{
	for (int i = history->count - 1; i >= 0; i--)
	{
		char	   *quoted = psprintf("\"%s\"", history->revisions[i].id);
		bool		named;

		named = strstr(error->message, quoted) != NULL ||
			(error->detail != NULL && strstr(error->detail, quoted) != NULL);
		pfree(quoted);
		if (named)
			return viflo_folder_path(folder, history->migrations[i].source);
	}
	return folder->path;
}

/* Says which other file has the id of the duplicate in file. */
static void
name_duplicate(const VifloFolder *folder, const VifloHistory *history,
			   const char *file, VifloError *error)
{
	int			last = history->count - 1;

	while (last >= 0 &&
		   strcmp(viflo_folder_path(folder, history->migrations[last].source), file) != 0)
		last--;
	for (int i = 0; i < last; i++)
	{
		if (strcmp(history->revisions[i].id, history->revisions[last].id) == 0)
		{
			viflo_error_detail(error, "The other file is \"%s\".",
							   viflo_folder_path(folder, history->migrations[i].source));
			return;
		}
	}
}

static bool
make_graph(const VifloFolder *folder, VifloHistory *history,
		   VifloFailure *failure)
{
	VifloError	error = {0};
	const char *file;

	find_stubs(history);
	history->graph = viflo_graph_build(history->revisions,
									   history->count + history->stubs, &error);
	if (history->graph != NULL)
		return true;
	file = file_of_error(folder, history, &error);
	if (strcmp(error.sqlstate, VIFLO_DUPLICATE_REVISION) == 0)
		name_duplicate(folder, history, file, &error);
	return viflo_failure_common(failure, file, &error);
}

bool
viflo_reader_read(VifloFolder *folder, const VifloSettings *settings,
				  VifloHistory *history, VifloFailure *failure)
{
	memset(history, 0, sizeof(*history));
	history->settings = settings;
	if (settings->layout != NULL)
	{
		history->reader = viflo_reader_find(settings->layout, failure);
		if (history->reader == NULL)
			return false;
	}
	if (!viflo_folder_read(folder, failure))
		return false;
	if (history->reader == NULL)
		history->reader = viflo_reader_detect(folder, failure);
	if (history->reader == NULL ||
		(history->reader->wants_more != NULL &&
		 !viflo_folder_read_more(folder, history->reader->wants_more,
								 &history->outside, failure)) ||
		!history->reader->read(folder, history, failure))
		return false;
	if (history->reader->linear)
		make_chain(history);
	return check_sections(folder, history, failure) &&
		make_scripts(folder, history, failure) &&
		make_digests(history, failure) &&
		make_graph(folder, history, failure);
}
