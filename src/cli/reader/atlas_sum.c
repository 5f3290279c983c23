/*-------------------------------------------------------------------------
 * atlas_sum.c
 *	  Atlas's atlas.sum: made, and compared.
 *
 * A line has the SHA-256, in base64, of all names and texts up to that file;
 * the first line that of the other lines' names and sums.  A text whose first
 * line is "atlas:sum ignore" gives its name only, and has no line.
 *
 * Rules: Atlas's sql/migrate/dir.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <openssl/evp.h>

#include "cli/reader/atlas_sum.h"
#include "cli/reader/atlas_text.h"

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
is_left_out(const VifloAtlasText *text)
{
	VifloLines	lines = viflo_lines_begin(text->text, text->length);
	VifloSpan	line;
	char	   *name;
	char	   *value;

	return viflo_lines_next(&lines, &line) && viflo_atlas_directive(line, &name, &value) &&
		strcmp(name, "sum") == 0 && strcmp(value, "ignore") == 0;
}

/* Makes the lines of atlas.sum for texts, and the sum of all.  -1: failed. */
int
viflo_atlas_make_sums(const VifloAtlasText *texts, int count, VifloAtlasSum *sums, char total[VIFLO_ATLAS_HASH_SIZE],
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
		VifloAtlasSum *sum = &sums[nsums];

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
	viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_ATLAS_SUM_FILE), line, NULL,
					   "checksum does not match: file \"%s\" was %s", name, what);
	viflo_failure_hint(failure, "Undo that, or write atlas.sum again with: atlas migrate hash");
	return false;
}

static bool
has_sum(const VifloAtlasSum *sums, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(sums[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Reads atlas.sum, and compares it with what it should be. */
bool
viflo_atlas_check_sums(const VifloFolder *folder, const VifloFile *file, const VifloAtlasSum *sums,
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
			return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_ATLAS_SUM_FILE), lines.number,
									  NULL, "line is not a file's name and checksum");
		*hash = '\0';
		hash += strlen(" h1:");
		if (i < count && strcmp(sums[i].name, text) == 0 && strcmp(sums[i].hash, hash) == 0)
			i++;
		else if (!has_sum(sums, count, text))
			return fail_sum(folder, lines.number, text, "removed", failure);
		else if (i == count)
			return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_ATLAS_SUM_FILE), lines.number,
									  NULL, "file \"%s\" stands in an earlier line already", text);
		else if (strcmp(sums[i].name, text) == 0)
			return fail_sum(folder, lines.number, text, "edited", failure);
		else
			return fail_sum(folder, lines.number, sums[i].name, "added", failure);
	}
	if (i < count)
		return fail_sum(folder, lines.number + 1, sums[i].name, "added", failure);
	if (first.end - first.start != VIFLO_ATLAS_HASH_SIZE + 2 || memcmp(first.start, "h1:", 3) != 0 ||
		memcmp(first.start + 3, total, VIFLO_ATLAS_HASH_SIZE - 1) != 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_ATLAS_SUM_FILE), 1, NULL,
								  "checksum does not match the lines below it");
	return true;
}
