/*-------------------------------------------------------------------------
 * atlas.c
 *	  Atlas: <version>_<description>.sql and atlas.sum.
 *
 * Files count in order of their names.  atlas.sum must fit, as Atlas itself
 * would not go on otherwise.  A checkpoint does what all files before it do,
 * and is left out where there are any.
 *
 * Rules: Atlas's sql/migrate/dir.go; for what it holds atlas_sum.c, atlas_text.c.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/output.h"
#include "cli/reader/atlas.h"
#include "cli/reader/atlas_sum.h"
#include "cli/reader/atlas_text.h"
#include "cli/reader/delimiter.h"
#include "cli/reader/numbered.h"
#include "common/script.h"

static bool
is_migration(const VifloFile *file)
{
	return file->wanted && file->dir_length == 0 && viflo_has_suffix(file->name, ".sql");
}

/* Room for one more was made. */
static void
add_text(VifloAtlasText *texts, int *count, const char *name, const char *text, size_t length)
{
	VifloAtlasText *added = &texts[(*count)++];

	added->name = name;
	added->text = text;
	added->length = length;
}

/* Adds the folder's files. */
static void
add_folder(VifloAtlasText *texts, int *count, const VifloFolder *folder)
{
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];

		if (is_migration(file))
			add_text(texts, count, file->name, file->text, file->length);
	}
}

static bool
atlas_wants(const char *name, int dir_length)
{
	return dir_length == 0 && strcmp(name, VIFLO_ATLAS_SUM_FILE) == 0;
}

static VifloClaim
atlas_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (atlas_wants(file->name, file->dir_length))
		return VIFLO_CLAIM_SURE;
	if (!is_migration(file))
		return VIFLO_CLAIM_NONE;
	if (viflo_atlas_has_directives(file->text, file->length))
		return VIFLO_CLAIM_SURE;

	/* Atlas knows others' names too, but does not read them as its own. */
	return viflo_folder_find(folder, VIFLO_ATLAS_SUM_FILE) != NULL &&
		isdigit((unsigned char) file->name[0]) && strchr(file->name, '.') == strrchr(file->name, '.') ?
		VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

/* Makes the section of a file: txmode's line is empty, delimiters are ";". */
static bool
read_text(const VifloFolder *folder, VifloHistory *history,
		  const VifloFile *file, const VifloAtlasDirectives *directives,
		  VifloSection *section, VifloFailure *failure)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	char	   *delimiter = viflo_atlas_delimiter(file);
	StringInfoData text;
	VifloSpan	line;

	if (delimiter != NULL && delimiter[0] == '\0')
		return viflo_failure_file(failure, viflo_folder_path(folder, file->name), 1, NULL,
								  "atlas:delimiter is empty");
	initStringInfo(&text);
	while (viflo_lines_next(&lines, &line))
	{
		if (lines.number != directives->transaction_line && (delimiter == NULL || lines.number > 1))
			appendBinaryStringInfo(&text, line.start, line.end - line.start);
		appendStringInfoChar(&text, '\n');
	}
	if (delimiter != NULL && strcmp(delimiter, ";") != 0)
		viflo_delimiter_replace(&text, delimiter, VIFLO_DELIMITER_ANYWHERE);
	return viflo_reader_part(folder, file, history, text.data, text.len, 1, section, failure);
}

static bool
add_revision(const VifloFolder *folder, VifloHistory *history,
			 const VifloFile *file, const VifloAtlasDirectives *directives,
			 const char *hash, VifloFailure *failure)
{
	VifloRevision *revision = viflo_reader_add(history, file->name);
	VifloMigration *migration = viflo_reader_last(history);
	VifloAtlasDetail *detail = palloc0(sizeof(VifloAtlasDetail));
	const char *rest;

	revision->id = pnstrdup(file->name, strlen(file->name) - 4);
	rest = strchr(revision->id, '_');
	revision->message = viflo_reader_message(rest && rest[1] != '\0' ? rest + 1 : revision->id);
	if (directives->no_transaction)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	detail->description = rest ? pstrdup(rest + 1) : "";
	detail->hash = hash;
	migration->version = pnstrdup(revision->id, strcspn(revision->id, "_"));
	migration->file = file;
	migration->detail = detail;
	return read_text(folder, history, file, directives, &revision->up, failure);
}

/* The sums of all files; -1 when they are not what atlas.sum has. */
static int
sum_folder(const VifloFolder *folder, VifloAtlasSum **sums, VifloFailure *failure)
{
	const VifloFile *file = viflo_folder_find(folder, VIFLO_ATLAS_SUM_FILE);
	VifloAtlasText *texts = palloc(sizeof(VifloAtlasText) * (folder->count + 1));
	char		total[VIFLO_ATLAS_HASH_SIZE];
	int			count = 0;
	int			nsums;

	add_folder(texts, &count, folder);
	*sums = palloc0(sizeof(VifloAtlasSum) * (count + 1));
	nsums = viflo_atlas_make_sums(texts, count, *sums, total, failure);
	if (file == NULL && count > 0)
	{
		viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_ATLAS_SUM_FILE), 0, NULL,
						   "file is missing in a folder of Atlas");
		viflo_failure_hint(failure, "Write it with: atlas migrate hash");
		return -1;
	}
	if (nsums >= 0 && file != NULL && !viflo_atlas_check_sums(folder, file, *sums, nsums, total, failure))
		return -1;
	return nsums;
}

static bool
atlas_read(const VifloFolder *folder, VifloHistory *history,
		   VifloFailure *failure)
{
	VifloAtlasSum *sums;
	int			nsums = sum_folder(folder, &sums, failure);
	int			next = 0;

	for (int i = 0; i < folder->count && nsums >= 0; i++)
	{
		const VifloFile *file = &folder->files[i];
		const char *hash = NULL;
		VifloAtlasDirectives directives;

		if (!is_migration(file))
		{
			if (strcmp(file->name, VIFLO_ATLAS_SUM_FILE) != 0)
				viflo_output_verbose("%s: not a migration, ignored",
									 viflo_folder_path(folder, file->name));
			continue;
		}
		if (next < nsums && strcmp(sums[next].name, file->name) == 0)
			hash = sums[next++].hash;
		if (!viflo_atlas_read_directives(folder, history, file, &directives, failure))
			return false;
		if (directives.checkpoint && history->count > 0)
			viflo_output_verbose("%s: a checkpoint, left out as the files before it do the same",
								 viflo_folder_path(folder, file->name));
		else if (!add_revision(folder, history, file, &directives, hash, failure))
			return false;
	}
	return nsums >= 0;
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(((const VifloAtlasText *) a)->name, ((const VifloAtlasText *) b)->name);
}

/* Writes atlas.sum for the folder's files and the new ones. */
static bool
write_sums(VifloNewFiles *files, VifloFailure *failure)
{
	const VifloFolder *folder = files->folder;
	int			room = (folder ? folder->count : 0) + files->count;
	VifloAtlasText *texts = palloc(sizeof(VifloAtlasText) * (room + 1));
	VifloAtlasSum *sums = palloc0(sizeof(VifloAtlasSum) * (room + 1));
	char		total[VIFLO_ATLAS_HASH_SIZE];
	int			count = 0;
	int			nsums;
	StringInfo	text;

	for (int i = 0; i < files->count; i++)
	{
		const VifloNewFile *file = &files->files[i];

		if (strcmp(file->name, VIFLO_ATLAS_SUM_FILE) != 0)
			add_text(texts, &count, file->name, file->text.data, file->text.len);
	}
	if (folder != NULL)
		add_folder(texts, &count, folder);
	qsort(texts, count, sizeof(VifloAtlasText), compare_texts);
	nsums = viflo_atlas_make_sums(texts, count, sums, total, failure);
	if (nsums < 0)
		return false;
	text = viflo_changed_file(files, VIFLO_ATLAS_SUM_FILE);
	resetStringInfo(text);
	appendStringInfo(text, "h1:%s\n", total);
	for (int i = 0; i < nsums; i++)
		appendStringInfo(text, "%s h1:%s\n", sums[i].name, sums[i].hash);
	return true;
}

/* The time, or, where versions are counted, the next number. */
static bool
next_version(const VifloHistory *history, time_t now, char **version,
			 VifloFailure *failure)
{
	const char *id = history->count > 0 ? history->revisions[history->count - 1].id : "";
	const char *last = pnstrdup(id, strcspn(id, "_"));
	int			digits = strspn(last, "0123456789");
	char		stamp[32];

	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", gmtime(&now));
	*version = pstrdup(stamp);
	if (last[0] != '\0' && last[digits] == '\0' && digits <= 18 && strcmp(stamp, last) <= 0)
		*version = psprintf("%0*lld", digits, strtoll(last, NULL, 10) + 1);
	else if (last[0] != '\0' && last[digits] == '\0' && digits < 14)
		*version = psprintf("%0*lld", digits, strtoll(last, NULL, 10) + 1);
	return strcmp(*version, last) > 0 ||
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "version %s would not come after \"%s\"", *version, last);
}

static bool
atlas_create(const VifloHistory *history, const VifloNewRevision *wanted,
			 char **id, VifloNewFiles *files, VifloFailure *failure)
{
	StringInfoData name;
	char	   *version;
	StringInfo	text;

	if (!next_version(history, wanted->time, &version, failure))
		return false;
	initStringInfo(&name);
	appendStringInfo(&name, "%s_", version);
	viflo_script_slug(&name, wanted->message, 60);
	*id = name.data;
	if (wanted->up != NULL && !wanted->no_transaction && viflo_atlas_has_directives(wanted->up, strlen(wanted->up)))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "text of \"%s\" begins with a directive of Atlas", wanted->message);
	viflo_numbered_no_down(wanted, *id, "Atlas");
	text = viflo_new_file(files, psprintf("%s.sql", name.data));
	if (wanted->no_transaction)
		appendStringInfoString(text, "-- atlas:txmode none\n\n");
	appendStringInfoString(text, wanted->up ? wanted->up : "");
	return write_sums(files, failure);
}

const VifloReader viflo_reader_atlas = {
	.name = "atlas",
	.wants = atlas_wants,
	.claims = atlas_claims,
	.read = atlas_read,
	.linear = true,
	.create = atlas_create,
	.keeps_no_transaction = true,
};
