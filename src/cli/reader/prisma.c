/*-------------------------------------------------------------------------
 * prisma.c
 *	  Prisma: TIMESTAMP_name/migration.sql and migration_lock.toml.
 *
 * Directories are ordered by name, bytewise; the name is the id.  The lock
 * file says which database the folder is for; Prisma reads of it the first
 * line that begins with "provider", and so does this.  Prisma has no way
 * down; a down.sql that people keep beside is used.
 *
 * Rules: prisma-engines' migrations_directory.rs.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/directories.h"
#include "cli/reader/numbered.h"
#include "common/lines.h"
#include "common/script.h"

#define LOCK_FILE	"migration_lock.toml"

static const char *const file_names[VIFLO_DIRECTORY_FILES] = {"migration.sql", "down.sql"};

static bool
prisma_wants(const char *name, int dir_length)
{
	const char *base = name + dir_length + 1;

	if (dir_length == 0)
		return strcmp(name, LOCK_FILE) == 0;
	return memchr(name, '/', dir_length) == NULL &&
		(strcmp(base, file_names[0]) == 0 || strcmp(base, file_names[1]) == 0);
}

/* A down.sql alone could be of others. */
static VifloClaim
prisma_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (strcmp(file->name, LOCK_FILE) == 0)
		return VIFLO_CLAIM_SURE;
	if (!prisma_wants(file->name, file->dir_length))
		return VIFLO_CLAIM_NONE;
	if (strcmp(viflo_file_base(file), file_names[0]) == 0 ||
		viflo_folder_find(folder, LOCK_FILE) != NULL ||
		viflo_folder_find(folder, psprintf("%.*s/%s", file->dir_length, file->name,
										   file_names[0])) != NULL)
		return VIFLO_CLAIM_NAME;
	return VIFLO_CLAIM_NONE;
}

/* Fails when the folder is for another database. */
static bool
check_lock(const VifloFolder *folder, VifloFailure *failure)
{
	static const char key[] = "provider";
	const VifloFile *file = viflo_folder_find(folder, LOCK_FILE);
	VifloLines	lines;
	VifloSpan	line;

	if (file == NULL)
		return true;
	lines = viflo_lines_begin(file->text, file->length);
	while (viflo_lines_next(&lines, &line))
	{
		if (line.end - line.start < strlen(key) || strncmp(line.start, key, strlen(key)) != 0)
			continue;
		line.start += strlen(key);
		while (line.start < line.end && (viflo_is_blank(*line.start) || strchr("=\"", *line.start)))
			line.start++;
		while (line.end > line.start && (viflo_is_blank(line.end[-1]) || line.end[-1] == '"'))
			line.end--;
		if (strcmp(viflo_span_copy(line), "postgresql") == 0)
			return true;
		return viflo_failure_file(failure, viflo_folder_path(folder, file->name), lines.number,
								  NULL, "migrations are for \"%s\", not for postgresql",
								  viflo_span_copy(line));
	}
	return viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0, NULL,
							  "file names no provider");
}

static bool
prisma_read(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	VifloDirectory *directories;
	int			count = viflo_directories_find(folder, history, history->reader, file_names,
											   &directories);

	if (!check_lock(folder, failure))
		return false;
	for (int i = 0; i < count; i++)
	{
		if (!viflo_directory_add(folder, history, &directories[i], directories[i].files[0],
								 file_names[0], directories[i].files[1], failure))
			return false;
		viflo_reader_last(history)->version = directories[i].name;
	}
	return true;
}

/* As "prisma migrate dev --create-only" names it. */
static bool
prisma_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const char *last = history->count > 0 ? history->revisions[history->count - 1].id : NULL;
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfo(&name, "%s_", viflo_numbered_stamp(wanted->time, last));
	viflo_script_slug(&name, wanted->message, 60);
	if (!viflo_numbered_follows(history, name.data, failure))
		return false;
	*id = name.data;
	appendStringInfoString(viflo_new_file(files, psprintf("%s/%s", name.data, file_names[0])),
						   wanted->up ? wanted->up : "");
	if (wanted->down != NULL)
		appendStringInfoString(viflo_new_file(files, psprintf("%s/%s", name.data, file_names[1])),
							   wanted->down);
	if (history->count == 0 &&
		(files->folder == NULL || viflo_folder_find(files->folder, LOCK_FILE) == NULL))
		appendStringInfoString(viflo_new_file(files, LOCK_FILE), "provider = \"postgresql\"\n");
	return true;
}

const VifloReader viflo_reader_prisma = {
	.name = "prisma",
	.wants = prisma_wants,
	.claims = prisma_claims,
	.read = prisma_read,
	.linear = true,
	.create = prisma_create,
};
