/*-------------------------------------------------------------------------
 * drizzle.c
 *	  Drizzle: NUMBER_name.sql in the order of meta/_journal.json, or, newer,
 *	  TIMESTAMP_name/migration.sql beside a snapshot.json.
 *
 * A text is cut at each "--> statement-breakpoint", wherever it stands, and
 * the parts are sent one by one, so a semicolon takes its place.  The newer
 * folders are ordered by name, and may have a down.sql.
 *
 * Older ones have no way down; TAG.down.sql, which Drizzle does not look at, is
 * taken for one.
 *
 * The order of the journal is the chain.  Drizzle itself compares times, and
 * passes over an entry that is older than the last one applied.
 *
 * migration->version is what Drizzle writes to created_at: milliseconds, from
 * the journal's "when" or the folder's name.
 *
 * Rules: drizzle-orm's migrator.ts and migrator.utils.ts, of 0.45 and 1.0.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <jansson.h>
#include <time.h>

#include "cli/output.h"
#include "cli/reader/directories.h"
#include "common/script.h"

#define JOURNAL		"meta/_journal.json"
#define BREAKPOINT	"--> statement-breakpoint"

/* Entries beyond this are no journal. */
#define MAX_ENTRIES 100000

static const char *const file_names[VIFLO_DIRECTORY_FILES] = {
	"migration.sql", "snapshot.json", "down.sql"
};

static bool
drizzle_wants(const char *name, int dir_length)
{
	const char *base = name + dir_length + 1;

	if (dir_length == 0)
		return viflo_has_suffix(name, ".sql");
	if (strcmp(name, JOURNAL) == 0)
		return true;
	if (memchr(name, '/', dir_length) != NULL)
		return false;
	for (int i = 0; i < VIFLO_DIRECTORY_FILES; i++)
	{
		if (strcmp(base, file_names[i]) == 0)
			return true;
	}
	return false;
}

/* Is there a file of this name in the directory of file? */
static bool
has_sibling(const VifloFolder *folder, const VifloFile *file, const char *name)
{
	return viflo_folder_find(folder, psprintf("%.*s/%s", file->dir_length, file->name, name)) != NULL;
}

static VifloClaim
drizzle_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (strcmp(file->name, JOURNAL) == 0)
		return VIFLO_CLAIM_SURE;
	if (!drizzle_wants(file->name, file->dir_length))
		return VIFLO_CLAIM_NONE;
	if (file->dir_length == 0)
		return viflo_folder_find(folder, JOURNAL) != NULL ? VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
	if (strcmp(viflo_file_base(file), "snapshot.json") == 0)
		return has_sibling(folder, file, "migration.sql") ? VIFLO_CLAIM_SURE : VIFLO_CLAIM_NONE;
	return has_sibling(folder, file, "snapshot.json") ? VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

/* A section of file, cut where Drizzle cuts it. */
static bool
add_section(const VifloFolder *folder, const VifloFile *file, VifloHistory *history,
			VifloSection *section, VifloFailure *failure)
{
	char	   *text;

	if (strstr(file->text, BREAKPOINT) == NULL)
		return viflo_reader_section(folder, file, history, section, failure);
	text = pnstrdup(file->text, file->length);
	for (char *p = text; (p = strstr(p, BREAKPOINT)) != NULL;)
	{
		memset(p, ' ', strlen(BREAKPOINT));
		*p = ';';
	}
	if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
		text += 3;
	return viflo_reader_part(folder, file, history, text, strlen(text), 1, section, failure);
}

/* The journal as JSON, checked to be one. */
static json_t *
read_journal(const VifloFolder *folder, const VifloFile *file, VifloFailure *failure)
{
	char	   *path = viflo_folder_path(folder, file->name);
	json_error_t error;
	json_t	   *journal = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &error);
	const char *dialect;

	if (journal == NULL)
	{
		viflo_failure_file(failure, path, error.line, NULL, "journal is not JSON: %s", error.text);
		return NULL;
	}
	dialect = json_string_value(json_object_get(journal, "dialect"));
	if (dialect != NULL && strcmp(dialect, "postgresql") != 0 && strcmp(dialect, "pg") != 0)
		viflo_failure_file(failure, path, 0, NULL,
						   "migrations are for \"%s\", not for postgresql", dialect);
	else if (!json_is_array(json_object_get(journal, "entries")) ||
			 json_array_size(json_object_get(journal, "entries")) > MAX_ENTRIES)
		viflo_failure_file(failure, path, 0, NULL, "journal has no list of entries");
	else
		return journal;
	json_decref(journal);
	return NULL;
}

/* The message in a name: what follows its number. */
static char *
name_message(const char *name)
{
	int			digits = strspn(name, "0123456789");

	return viflo_reader_message(name[digits] == '_' && name[digits + 1] != '\0' ?
								name + digits + 1 : name);
}

static bool
add_entry(const VifloFolder *folder, VifloHistory *history, const VifloFile *journal,
		  const json_t *entry, int number, VifloFailure *failure)
{
	const char *tag = json_string_value(json_object_get(entry, "tag"));
	const json_t *when = json_object_get(entry, "when");
	char	   *path = viflo_folder_path(folder, journal->name);
	VifloRevision *revision;
	VifloMigration *migration;
	const VifloFile *down;
	char	   *name;

	if (tag == NULL || !json_is_integer(when))
		return viflo_failure_file(failure, path, 0, NULL,
								  "entry %d of the journal has no tag, or no integer as \"when\"",
								  number);
	name = psprintf("%s.sql", tag);
	for (int i = 0; i < history->count; i++)
	{
		if (strcmp(history->revisions[i].id, tag) == 0)
			return viflo_failure_file(failure, path, 0, NULL,
									  "entry %d of the journal is \"%s\" again", number, tag);
	}
	revision = viflo_reader_add(history, name);
	migration = viflo_reader_last(history);
	revision->id = pstrdup(tag);
	revision->message = name_message(tag);
	migration->version = psprintf(INT64_FORMAT, (int64) json_integer_value(when));
	migration->file = viflo_folder_find(folder, name);
	if (migration->file == NULL)
		return viflo_failure_file(failure, path, 0, NULL,
								  "entry %d of the journal is \"%s\", for which there is no file",
								  number, tag);
	down = viflo_folder_find(folder, psprintf("%s.down.sql", tag));
	return add_section(folder, migration->file, history, &revision->up, failure) &&
		(down == NULL || add_section(folder, down, history, &revision->down_section, failure));
}

/* Says which files the journal does not have. */
static void
warn_of_others(const VifloFolder *folder, VifloHistory *history)
{
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		bool		known = false;

		if (!file->wanted || file->dir_length > 0 || !viflo_has_suffix(file->name, ".sql"))
			continue;
		for (int r = 0; r < history->count && !known; r++)
			known = history->migrations[r].file == file ||
				(history->revisions[r].down_section.file != NULL &&
				 strcmp(history->revisions[r].down_section.file, file->name) == 0);
		if (!known)
			viflo_reader_warn(history, folder, file->name, "ignored, as it is not in the journal");
	}
}

static bool
read_by_journal(const VifloFolder *folder, VifloHistory *history,
				const VifloFile *file, VifloFailure *failure)
{
	json_t	   *journal = read_journal(folder, file, failure);
	const json_t *entry;
	size_t		index;
	bool		good = journal != NULL;

	if (!good)
		return false;
	json_array_foreach(json_object_get(journal, "entries"), index, entry)
	{
		good = add_entry(folder, history, file, entry, index, failure);
		if (!good)
			break;
	}
	json_decref(journal);
	if (good)
		warn_of_others(folder, history);
	return good;
}

/* Milliseconds since 1970 of a name that begins with 14 digits; NULL: it does not. */
static char *
name_millis(const char *name)
{
	int			year;
	unsigned	month,
				day,
				hour,
				minute,
				second;
	struct tm	tm = {0};

	if (strspn(name, "0123456789") < 14 ||
		sscanf(name, "%4d%2u%2u%2u%2u%2u", &year, &month, &day, &hour, &minute, &second) != 6)
		return NULL;
	tm.tm_year = year - 1900;
	tm.tm_mon = (int) month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	return psprintf(INT64_FORMAT "000", (int64) timegm(&tm));
}

static bool
read_by_name(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	VifloDirectory *directories;
	int			count = viflo_directories_find(folder, history, history->reader, file_names,
											   &directories);

	for (int i = 0; i < count; i++)
	{
		VifloDirectory *directory = &directories[i];
		VifloRevision *revision;
		char	   *millis = name_millis(directory->name);

		if (directory->files[0] == NULL)
		{
			viflo_output_verbose("%s: no migration.sql, ignored",
								 viflo_folder_path(folder, directory->name));
			continue;
		}
		if (millis == NULL)
			return viflo_failure_file(failure, viflo_folder_path(folder, directory->name), 0, NULL,
									  "name of the migration does not begin with a time of 14 digits");
		revision = viflo_reader_add(history, directory->files[0]->name);
		revision->id = directory->name;
		revision->message = name_message(directory->name);
		viflo_reader_last(history)->version = millis;
		viflo_reader_last(history)->file = directory->files[0];
		if (!add_section(folder, directory->files[0], history, &revision->up, failure) ||
			(directory->files[2] != NULL &&
			 !add_section(folder, directory->files[2], history, &revision->down_section, failure)))
			return false;
	}
	return true;
}

static bool
drizzle_read(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	const VifloFile *journal = viflo_folder_find(folder, JOURNAL);

	return journal != NULL ? read_by_journal(folder, history, journal, failure) :
		read_by_name(folder, history, failure);
}

/*
 * A file and its entry, as "drizzle-kit generate --custom" makes them, but for
 * the snapshot, which is a model of the schema that only Drizzle has.
 */
static bool
create_by_journal(const VifloNewRevision *wanted, char **id, VifloNewFiles *files,
				  VifloFailure *failure)
{
	StringInfo	text = viflo_changed_file(files, JOURNAL);
	json_t	   *journal = text->len > 0 ? json_loadb(text->data, text->len, 0, NULL) :
	json_pack("{s:s, s:s, s:[]}", "version", "7", "dialect", "postgresql", "entries");
	json_t	   *entries = json_object_get(journal, "entries");
	const json_t *last = json_array_get(entries, json_array_size(entries) - 1);
	int64		index = json_array_size(entries) == 0 ? 0 :
	json_integer_value(json_object_get(last, "idx")) + 1;
	int64		before = json_integer_value(json_object_get(last, "when"));
	int64		when = Max(wanted->time * INT64CONST(1000), before + 1);
	StringInfoData name;
	char	   *dump;

	initStringInfo(&name);
	appendStringInfo(&name, "%04d_", (int) index);
	viflo_script_slug(&name, wanted->message, 60);
	*id = name.data;
	json_array_append_new(entries, json_pack("{s:I, s:s, s:I, s:s, s:b}", "idx", (json_int_t) index,
											 "version", "7", "when", (json_int_t) when,
											 "tag", name.data, "breakpoints", 1));
	dump = json_dumps(journal, JSON_INDENT(2));
	json_decref(journal);
	if (dump == NULL)
		return viflo_failure(failure, VIFLO_EXIT_REFUSED, "could not write \"%s\"", JOURNAL);
	resetStringInfo(text);
	appendStringInfoString(text, dump);
	free(dump);
	appendStringInfoString(viflo_new_file(files, psprintf("%s.sql", name.data)),
						   wanted->up ? wanted->up : "");
	if (wanted->down != NULL)
		appendStringInfoString(viflo_new_file(files, psprintf("%s.down.sql", name.data)),
							   wanted->down);
	return true;
}

/* Newer folders need a snapshot, which only the tool can make. */
static bool
drizzle_create(const VifloHistory *history, const VifloNewRevision *wanted,
			   char **id, VifloNewFiles *files, VifloFailure *failure)
{
	if (history->count > 0 && viflo_has_suffix(history->migrations[0].source, "/migration.sql"))
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "new files of this folder are made by drizzle-kit, as they need a snapshot");
	if ((wanted->up != NULL && strstr(wanted->up, BREAKPOINT) != NULL) ||
		(wanted->down != NULL && strstr(wanted->down, BREAKPOINT) != NULL))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "text holds \"%s\", at which Drizzle would cut it", BREAKPOINT);
	return create_by_journal(wanted, id, files, failure);
}

const VifloReader viflo_reader_drizzle = {
	.name = "drizzle",
	.wants = drizzle_wants,
	.claims = drizzle_claims,
	.read = drizzle_read,
	.linear = true,
	.create = drizzle_create,
};
