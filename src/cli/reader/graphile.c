/*-------------------------------------------------------------------------
 * graphile.c
 *	  graphile-migrate: committed/NUMBER-slug.sql, and the current migration.
 *
 * Committed files form a chain of hashes, each over its body and the hash
 * before it, which must hold.  The current migration is repeatable: it runs
 * after the others whenever its text has changed, its id is current.sql.
 *
 * Rules: graphile-migrate's migrationFilename.ts, migration.ts, commit.ts.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/reader/graphile.h"
#include "cli/reader/graphile_conf.h"
#include "cli/reader/graphile_current.h"
#include "cli/reader/graphile_text.h"
#include "cli/reader/numbered.h"
#include "common/checksum.h"
#include "common/sqlstate.h"

static const char directory[] = "committed/";

/* Is the file one that was committed? */
static bool
is_committed(const char *name)
{
	return strncmp(name, directory, strlen(directory)) == 0 &&
		viflo_graphile_number_length(name + strlen(directory)) > 0;
}

static bool
graphile_wants(const char *name, int dir_length)
{
	return is_committed(name) || strcmp(name, "current.sql") == 0 ||
		(dir_length == 7 && strncmp(name, "current/", 8) == 0 && viflo_has_suffix(name, ".sql"));
}

static bool
graphile_wants_more(const char *name, int dir_length)
{
	return strncmp(name, "fixtures/", 9) == 0 && viflo_has_suffix(name, ".sql");
}

static VifloClaim
graphile_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (!graphile_wants(file->name, file->dir_length))
		return VIFLO_CLAIM_NONE;
	return is_committed(file->name) && strncmp(file->text, "--! Previous:", 13) == 0 ?
		VIFLO_CLAIM_SURE : VIFLO_CLAIM_NAME;
}

/* "NUMBER.sql", by which files are ordered. */
static char *
key_of(const VifloFile *file)
{
	const char *base = viflo_file_base(file);

	return psprintf("%.*s.sql", viflo_graphile_number_length(base), base);
}

static int
compare_files(const void *a, const void *b)
{
	return strcmp(key_of(*(const VifloFile *const *) a), key_of(*(const VifloFile *const *) b));
}

/*
 * Makes the section of a body, with the indentation of its first line; if that
 * only says no-transaction, it is empty.
 */
static bool
add_body(const VifloFolder *folder, const VifloFile *file,
		 VifloHistory *history, VifloSpan body, int line,
		 VifloRevision *revision, VifloFailure *failure)
{
	if (viflo_graphile_no_transaction(body))
	{
		revision->transaction = VIFLO_TRANSACTION_OFF;
		while (body.start < body.end && *body.start != '\n')
			body.start++;
	}
	else
	{
		while (body.start > file->text && viflo_is_blank(body.start[-1]))
			body.start--;
	}
	return viflo_reader_part(folder, file, history, body.start, body.end - body.start,
							 line, &revision->up, failure);
}

/* Does the file follow the one with the hash previous, and is it unchanged? */
static bool
check_hash(const VifloFolder *folder, const VifloFile *file,
		   const VifloGraphileText *text, const char *previous,
		   VifloFailure *failure)
{
	const char *path = viflo_folder_path(folder, file->name);
	char		hash[VIFLO_GRAPHILE_HASH_SIZE];
	bool		matches;

	if ((previous == NULL) != (text->previous == NULL) ||
		(previous != NULL && strcmp(previous, text->previous) != 0))
		return viflo_failure_file(failure, path, 1, VIFLO_INVALID_SCRIPT,
								  "file before this one is not the one with hash %s",
								  text->previous ? text->previous : "-");
	if (!viflo_graphile_hash(text->previous, text->body, hash))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED, "could not compute SHA-1");
	matches = strcmp(hash, text->hash) == 0;
	if (matches != text->allows_other_hash)
		return true;
	if (matches)
		return viflo_failure_file(failure, path, 1, VIFLO_INVALID_SCRIPT,
								  "hash matches, which AllowInvalidHash says it does not");
	viflo_failure_file(failure, path, 1, VIFLO_INVALID_SCRIPT,
					   "text was changed since it was committed: its hash is %s", hash);
	viflo_failure_hint(failure, "Undo the change, or commit it as a migration of its own.");
	return false;
}

static bool
add_committed(const VifloFolder *folder, VifloHistory *history,
			  const VifloFile *file, const char **previous,
			  VifloFailure *failure)
{
	VifloRevision *revision = viflo_reader_add(history, file->name);
	VifloMigration *migration = viflo_reader_last(history);
	VifloGraphileDetail *detail = palloc0(sizeof(VifloGraphileDetail));
	const char *base = viflo_file_base(file);
	const char *slug = base + viflo_graphile_number_length(base) + 1;
	VifloGraphileText text;
	VifloError	error = {0};

	if (!viflo_folder_check_text(folder, file, failure))
		return false;
	if (!viflo_graphile_read(file->text, file->length, &text, &error))
		return viflo_failure_common(failure, viflo_folder_path(folder, file->name), &error);
	if (!check_hash(folder, file, &text, *previous, failure))
		return false;
	revision->id = pnstrdup(base, strlen(base) - 4);
	revision->message = text.message != NULL && text.message[0] != '\0' ? pstrdup(text.message) :
		viflo_reader_message(strcmp(slug, "sql") == 0 ? revision->id : pnstrdup(slug, strlen(slug) - 4));
	detail->hash = text.hash;
	detail->previous = text.previous;
	migration->version = key_of(file);
	migration->file = file;
	migration->detail = detail;
	*previous = text.hash;
	return add_body(folder, file, history, text.body, text.body_line, revision, failure);
}

static bool
add_current(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	VifloFile  *file = palloc0(sizeof(VifloFile));
	VifloRevision *revision;
	VifloSpan	body;
	bool		found;

	if (!viflo_graphile_current(folder, file, &found, failure))
		return false;
	if (!found)
		return true;
	revision = viflo_reader_add(history, file->name);
	revision->id = pstrdup("current.sql");
	revision->message = pstrdup("current migration");
	revision->repeatable = VIFLO_REPEATABLE_CHANGED;
	viflo_reader_last(history)->file = file;
	body.start = file->text;
	body.end = file->text + file->length;
	return add_body(folder, file, history, body, 1, revision, failure);
}

static bool
graphile_read(const VifloFolder *folder, VifloHistory *history,
			  VifloFailure *failure)
{
	const VifloFile **files = palloc(sizeof(VifloFile *) * (folder->count + 1));
	const char *previous = NULL;
	int			count = 0;

	if (!viflo_graphile_conf_read(folder, history, failure))
		return false;
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];

		if (file->wanted && is_committed(file->name))
			files[count++] = file;
		else if (strncmp(file->name, directory, strlen(directory)) == 0)
			viflo_reader_warn(history, folder, file->name,
							  "ignored, as its name is neither NUMBER.sql nor NUMBER-slug.sql");
		else if (!graphile_wants(file->name, file->dir_length))
			viflo_output_verbose("%s: not a migration, ignored",
								 viflo_folder_path(folder, file->name));
	}
	qsort(files, count, sizeof(VifloFile *), compare_files);
	for (int i = 0; i < count; i++)
	{
		if (i > 0 && compare_files(&files[i - 1], &files[i]) == 0)
			return viflo_failure_file(failure, viflo_folder_path(folder, files[i]->name), 0, NULL,
									  "second file of its number, beside \"%s\"", files[i - 1]->name);
		if (!add_committed(folder, history, files[i], &previous, failure))
			return false;
	}
	return add_current(folder, history, failure);
}

/* The number and hash that a new file comes after; of files made just now, too. */
static bool
find_last(const VifloHistory *history, const VifloNewFiles *files,
		  int64 *number, const char **hash)
{
	*number = 0;
	*hash = NULL;
	for (int i = 0; i < history->count; i++)
	{
		const VifloGraphileDetail *detail = history->migrations[i].detail;

		if (detail == NULL)
			continue;
		*number = strtoll(history->migrations[i].version, NULL, 10);
		*hash = detail->hash;
	}
	for (int i = 0; i < files->count; i++)
	{
		const VifloNewFile *file = &files->files[i];
		VifloGraphileText text;
		VifloError	error = {0};

		if (!is_committed(file->name))
			continue;
		if (!viflo_graphile_read(file->text.data, file->text.len, &text, &error))
			return false;
		*number = strtoll(file->name + strlen(directory), NULL, 10);
		*hash = text.hash;
	}
	return *number < PG_INT64_MAX;
}

/* As the tool makes it of a message. */
static char *
make_slug(const char *message)
{
	StringInfoData slug;

	initStringInfo(&slug);
	for (; *message != '\0' && slug.len < 60; message++)
	{
		char		c = pg_ascii_tolower((unsigned char) *message);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')
			appendStringInfoChar(&slug, c);
		else if (slug.len > 0 && slug.data[slug.len - 1] != '-')
			appendStringInfoChar(&slug, '-');
	}
	while (slug.len > 0 && slug.data[slug.len - 1] == '-')
		slug.data[--slug.len] = '\0';
	return slug.data;
}

/* Is what trimming took away white space to others than JavaScript, too? */
static bool
is_plain_trim(const StringInfo text, VifloSpan trimmed)
{
	for (const char *p = text->data; p < text->data + text->len; p++)
	{
		if (p == trimmed.start)
			p = trimmed.end;
		if (IS_HIGHBIT_SET(*p))
			return false;
	}
	return true;
}

/*
 * A committed file, as "graphile-migrate commit" writes it.  Its hash is over
 * the text, so there is no empty one to be filled in.
 */
static bool
graphile_create(const VifloHistory *history, const VifloNewRevision *wanted,
				char **id, VifloNewFiles *files, VifloFailure *failure)
{
	int64		number;
	const char *previous;
	char	   *slug = make_slug(wanted->message);
	char		hash[VIFLO_GRAPHILE_HASH_SIZE];
	StringInfoData body;
	VifloSpan	span;

	if (wanted->up == NULL)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "new migrations of graphile-migrate are written in current.sql");
		viflo_failure_hint(failure, "Commit it with: graphile-migrate commit");
		return false;
	}
	if (!find_last(history, files, &number, &previous))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED, "no number comes after the last one");
	initStringInfo(&body);
	if (wanted->no_transaction)
		appendStringInfoString(&body, "--! no-transaction\n");
	appendStringInfoString(&body, wanted->up);
	span.start = body.data;
	span.end = body.data + body.len;
	span = viflo_graphile_trim(span);
	if (strstr(wanted->up, ":DATABASE_NAME") != NULL || strstr(wanted->up, ":DATABASE_OWNER") != NULL)
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "text of \"%s\" has what is a placeholder of graphile-migrate",
							 wanted->message);
	if (!is_plain_trim(&body, span))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "text of \"%s\" begins or ends with white space that graphile-migrate takes away",
							 wanted->message);
	if (!viflo_graphile_hash(previous, span, hash))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED, "could not compute SHA-1");
	*id = psprintf("%06lld%s%s", (long long) number + 1, slug[0] != '\0' ? "-" : "", slug);
	viflo_numbered_no_down(wanted, *id, "graphile-migrate");
	appendStringInfo(viflo_new_file(files, psprintf("%s%s.sql", directory, *id)),
					 "--! Previous: %s\n--! Hash: %s\n--! Message: %s\n\n%s\n",
					 previous ? previous : "-", hash, viflo_line_from(wanted->message), body.data);
	return true;
}

const VifloReader viflo_reader_graphile_migrate = {
	.name = "graphile-migrate",
	.wants = graphile_wants,
	.wants_more = graphile_wants_more,
	.claims = graphile_claims,
	.read = graphile_read,
	.linear = true,
	.placeholders = VIFLO_PLACEHOLDERS_WORDS,
	.create = graphile_create,
	.keeps_no_transaction = true,
};
