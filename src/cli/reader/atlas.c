/*-------------------------------------------------------------------------
 * atlas.c
 *	  Atlas: <version>_<description>.sql and atlas.sum.
 *
 * Files count in order of their names.  atlas.sum must fit, as Atlas itself
 * would not go on otherwise: each line has the SHA-256 of all names and texts
 * up to that file, the first one that of all lines.  Directives of a file are
 * its first comments, if an empty line follows.  A checkpoint does what all
 * files before it do, and is left out where there are any.
 *
 * Rules: Atlas's sql/migrate/dir.go, lex.go and cmdapi/migrate.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <openssl/evp.h>
#include <time.h>

#include "cli/output.h"
#include "cli/reader/atlas.h"
#include "cli/reader/delimiter.h"
#include "cli/reader/numbered.h"
#include "common/lines.h"
#include "common/script.h"

#define SUM_FILE	"atlas.sum"

/* Of a SHA-256 in base64, with the NUL. */
#define HASH_SIZE	45

/* One line of atlas.sum. */
typedef struct Sum
{
	char	   *name;
	char		hash[HASH_SIZE];
} Sum;

/* A name and its text, for summing up. */
typedef struct Text
{
	const char *name;
	const char *text;
	size_t		length;
} Text;

static bool
is_migration(const VifloFile *file)
{
	return file->wanted && file->dir_length == 0 && viflo_has_suffix(file->name, ".sql");
}

/* Room for one more was made. */
static void
add_text(Text *texts, int *count, const char *name, const char *text, size_t length)
{
	Text	   *added = &texts[(*count)++];

	added->name = name;
	added->text = text;
	added->length = length;
}

/* Adds the folder's files. */
static void
add_folder(Text *texts, int *count, const VifloFolder *folder)
{
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];

		if (is_migration(file))
			add_text(texts, count, file->name, file->text, file->length);
	}
}

/* What a file's directives say. */
typedef struct Directives
{
	bool		no_transaction;
	int			transaction_line;
	bool		checkpoint;
} Directives;

static bool
atlas_wants(const char *name, int dir_length)
{
	return dir_length == 0 && strcmp(name, SUM_FILE) == 0;
}

/* Is the line a directive, and of what? */
static bool
read_directive(VifloSpan line, char **name, char **value)
{
	char	   *text = viflo_span_copy(viflo_span_trim(line));
	char	   *found = strstr(text, "atlas:");
	size_t		length;

	if (found == NULL || (text[0] != '#' && strncmp(text, "--", 2) != 0))
		return false;
	found += strlen("atlas:");
	length = strspn(found, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	*name = pnstrdup(found, length);
	*value = found[length] == ' ' ? found + length + strspn(found + length, " ") : pstrdup("");
	return length > 0;
}

/* Is there one among the comments that text begins with? */
static bool
has_directives(const char *text, size_t length)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line;
	char	   *name;
	char	   *value;

	while (viflo_lines_next(&lines, &line) && viflo_line_is_comment(line))
	{
		if (read_directive(line, &name, &value))
			return true;
	}
	return false;
}

static VifloClaim
atlas_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (atlas_wants(file->name, file->dir_length))
		return VIFLO_CLAIM_SURE;
	if (!is_migration(file))
		return VIFLO_CLAIM_NONE;
	if (has_directives(file->text, file->length))
		return VIFLO_CLAIM_SURE;

	/* Atlas knows others' names too, but does not read them as its own. */
	return viflo_folder_find(folder, SUM_FILE) != NULL &&
		isdigit((unsigned char) file->name[0]) && strchr(file->name, '.') == strrchr(file->name, '.') ?
		VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

/* Adds to a digest and, where hash is not NULL, writes what it is so far. */
static bool
digest(EVP_MD_CTX *context, const char *text, size_t length, char *hash)
{
	EVP_MD_CTX *copy;
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int count = 0;
	bool		good = EVP_DigestUpdate(context, text, length) == 1;

	if (!good || hash == NULL)
		return good;
	copy = EVP_MD_CTX_new();
	good = copy != NULL && EVP_MD_CTX_copy_ex(copy, context) == 1 &&
		EVP_DigestFinal_ex(copy, bytes, &count) == 1 && count == 32;
	if (good)
		EVP_EncodeBlock((unsigned char *) hash, bytes, count);
	EVP_MD_CTX_free(copy);
	return good;
}

/* Does a text say that it does not count? */
static bool
is_left_out(const Text *text)
{
	VifloLines	lines = viflo_lines_begin(text->text, text->length);
	VifloSpan	line;
	char	   *name;
	char	   *value;

	return viflo_lines_next(&lines, &line) && read_directive(line, &name, &value) &&
		strcmp(name, "sum") == 0 && strcmp(value, "ignore") == 0;
}

/* Makes the lines of atlas.sum for texts, and the sum of all.  -1: failed. */
static int
make_sums(const Text *texts, int count, Sum *sums, char total[HASH_SIZE],
		  VifloFailure *failure)
{
	EVP_MD_CTX *each = EVP_MD_CTX_new();
	EVP_MD_CTX *all = EVP_MD_CTX_new();
	int			nsums = 0;
	bool		good = each != NULL && all != NULL &&
	EVP_DigestInit_ex(each, EVP_sha256(), NULL) == 1 &&
	EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;

	for (int i = 0; i < count && good; i++)
	{
		Sum		   *sum = &sums[nsums];

		good = digest(each, texts[i].name, strlen(texts[i].name), NULL);
		if (!good || is_left_out(&texts[i]))
			continue;
		sum->name = pstrdup(texts[i].name);
		good = digest(each, texts[i].text, texts[i].length, sum->hash) &&
			digest(all, sum->name, strlen(sum->name), NULL) &&
			digest(all, sum->hash, strlen(sum->hash), NULL);
		nsums++;
	}
	good = good && digest(all, "", 0, total);
	EVP_MD_CTX_free(each);
	EVP_MD_CTX_free(all);
	if (!good)
		viflo_failure(failure, VIFLO_EXIT_REFUSED, "could not compute SHA-256");
	return good ? nsums : -1;
}

/* Says what is wrong with a line of atlas.sum. */
static bool
fail_sum(const VifloFolder *folder, int line, const char *name,
		 const char *what, VifloFailure *failure)
{
	viflo_failure_file(failure, viflo_folder_path(folder, SUM_FILE), line, NULL,
					   "checksum does not match: file \"%s\" was %s", name, what);
	viflo_failure_hint(failure, "Undo that, or write atlas.sum again with: atlas migrate hash");
	return false;
}

static bool
has_sum(const Sum *sums, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(sums[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Reads atlas.sum, and compares it with what it should be. */
static bool
check_sums(const VifloFolder *folder, const VifloFile *file, const Sum *sums,
		   int count, const char *total, VifloFailure *failure)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	VifloSpan	line = {file->text, file->text};
	VifloSpan	first;
	int			i = 0;

	(void) viflo_lines_next(&lines, &line);
	first = viflo_span_trim(line);
	while (viflo_lines_next(&lines, &line))
	{
		char	   *text = viflo_span_copy(viflo_span_trim(line));
		char	   *hash = strstr(text, " h1:");

		if (hash == NULL)
			return viflo_failure_file(failure, viflo_folder_path(folder, SUM_FILE), lines.number,
									  NULL, "line is not a file's name and checksum");
		*hash = '\0';
		hash += strlen(" h1:");
		if (i < count && strcmp(sums[i].name, text) == 0 && strcmp(sums[i].hash, hash) == 0)
			i++;
		else if (!has_sum(sums, count, text))
			return fail_sum(folder, lines.number, text, "removed", failure);
		else if (strcmp(sums[i].name, text) == 0)
			return fail_sum(folder, lines.number, text, "edited", failure);
		else
			return fail_sum(folder, lines.number, sums[i].name, "added", failure);
	}
	if (i < count)
		return fail_sum(folder, lines.number + 1, sums[i].name, "added", failure);
	if (first.end - first.start != HASH_SIZE + 2 || memcmp(first.start, "h1:", 3) != 0 ||
		memcmp(first.start + 3, total, HASH_SIZE - 1) != 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, SUM_FILE), 1, NULL,
								  "checksum does not match the lines below it");
	return true;
}

/* Takes a directive of a file; an unknown one is another tool's concern. */
static bool
take_directive(const VifloFolder *folder, const VifloFile *file, int line,
			   const char *name, const char *value, Directives *directives,
			   VifloFailure *failure)
{
	const char *path = viflo_folder_path(folder, file->name);

	if (strcmp(name, "checkpoint") == 0)
		directives->checkpoint = true;
	else if (strcmp(name, "txtar") == 0 || strcmp(name, "import") == 0)
		return viflo_failure_file(failure, path, line, NULL,
								  "directive atlas:%s is not supported", name);
	else if (strcmp(name, "txmode") == 0)
	{
		if (strcmp(value, "none") != 0 && strcmp(value, "file") != 0)
			return viflo_failure_file(failure, path, line, NULL,
									  "atlas:txmode is neither none nor file");
		if (directives->transaction_line > 0)
			return viflo_failure_file(failure, path, line, NULL, "second atlas:txmode");
		directives->no_transaction = strcmp(value, "none") == 0;
		directives->transaction_line = line;
	}
	return true;
}

/* Reads the comments that a file begins with. */
static bool
read_directives(const VifloFolder *folder, VifloHistory *history,
				const VifloFile *file, Directives *directives,
				VifloFailure *failure)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	VifloSpan	line;
	bool		more;

	memset(directives, 0, sizeof(*directives));
	while ((more = viflo_lines_next(&lines, &line)) && line.start < line.end &&
		   (*line.start == '#' || (viflo_line_is_comment(line) && *line.start == '-')))
	{
		char	   *name;
		char	   *value;

		if (read_directive(line, &name, &value) &&
			!take_directive(folder, file, lines.number, name, value, directives, failure))
			return false;
	}
	if (!more || viflo_span_is_empty(viflo_span_trim(line)))
		return true;
	if (directives->transaction_line > 0 || directives->checkpoint)
		viflo_reader_warn(history, folder, file->name,
						  "directives do not count, as no empty line follows them");
	memset(directives, 0, sizeof(*directives));
	return true;
}

/* The delimiter that the file's first line sets, with line ends, or NULL. */
static char *
read_delimiter(const VifloFile *file)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	VifloSpan	line;
	char	   *name;
	char	   *value;
	char	   *to;

	if (!viflo_lines_next(&lines, &line) || line.end - line.start < 9 ||
		memcmp(line.start, "-- atlas:", 9) != 0 || !read_directive(line, &name, &value) ||
		strcmp(name, "delimiter") != 0)
		return NULL;
	to = value;
	for (char *from = value; *from != '\0'; from++)
	{
		const char *letter = from[0] == '\\' && from[1] != '\0' ? strchr("n\nr\rt\t", from[1]) : NULL;

		if (letter != NULL)
			from++;
		*to++ = letter ? letter[1] : *from;
	}
	*to = '\0';
	return value;
}

/* Makes the section of a file: txmode's line is empty, delimiters are ";". */
static bool
read_text(const VifloFolder *folder, VifloHistory *history,
		  const VifloFile *file, const Directives *directives,
		  VifloSection *section, VifloFailure *failure)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	char	   *delimiter = read_delimiter(file);
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
			 const VifloFile *file, const Directives *directives,
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
sum_folder(const VifloFolder *folder, Sum **sums, VifloFailure *failure)
{
	const VifloFile *file = viflo_folder_find(folder, SUM_FILE);
	Text	   *texts = palloc(sizeof(Text) * (folder->count + 1));
	char		total[HASH_SIZE];
	int			count = 0;
	int			nsums;

	add_folder(texts, &count, folder);
	*sums = palloc0(sizeof(Sum) * (count + 1));
	nsums = make_sums(texts, count, *sums, total, failure);
	if (file == NULL && count > 0)
	{
		viflo_failure_file(failure, viflo_folder_path(folder, SUM_FILE), 0, NULL,
						   "file is missing in a folder of Atlas");
		viflo_failure_hint(failure, "Write it with: atlas migrate hash");
		return -1;
	}
	if (nsums >= 0 && file != NULL && !check_sums(folder, file, *sums, nsums, total, failure))
		return -1;
	return nsums;
}

static bool
atlas_read(const VifloFolder *folder, VifloHistory *history,
		   VifloFailure *failure)
{
	Sum		   *sums;
	int			nsums = sum_folder(folder, &sums, failure);
	int			next = 0;

	for (int i = 0; i < folder->count && nsums >= 0; i++)
	{
		const VifloFile *file = &folder->files[i];
		const char *hash = NULL;
		Directives	directives;

		if (!is_migration(file))
		{
			if (strcmp(file->name, SUM_FILE) != 0)
				viflo_output_verbose("%s: not a migration, ignored",
									 viflo_folder_path(folder, file->name));
			continue;
		}
		if (next < nsums && strcmp(sums[next].name, file->name) == 0)
			hash = sums[next++].hash;
		if (!read_directives(folder, history, file, &directives, failure))
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
	return strcmp(((const Text *) a)->name, ((const Text *) b)->name);
}

/* Writes atlas.sum for the folder's files and the new ones. */
static bool
write_sums(VifloNewFiles *files, VifloFailure *failure)
{
	const VifloFolder *folder = files->folder;
	int			room = (folder ? folder->count : 0) + files->count;
	Text	   *texts = palloc(sizeof(Text) * (room + 1));
	Sum		   *sums = palloc0(sizeof(Sum) * (room + 1));
	char		total[HASH_SIZE];
	int			count = 0;
	int			nsums;
	StringInfo	text;

	for (int i = 0; i < files->count; i++)
	{
		const VifloNewFile *file = &files->files[i];

		if (strcmp(file->name, SUM_FILE) != 0)
			add_text(texts, &count, file->name, file->text.data, file->text.len);
	}
	if (folder != NULL)
		add_folder(texts, &count, folder);
	qsort(texts, count, sizeof(Text), compare_texts);
	nsums = make_sums(texts, count, sums, total, failure);
	if (nsums < 0)
		return false;
	text = viflo_new_file(files, SUM_FILE);
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
	if (wanted->up != NULL && !wanted->no_transaction && has_directives(wanted->up, strlen(wanted->up)))
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
