/*-------------------------------------------------------------------------
 * graphile_current.c
 *	  graphile-migrate's current migration, put together.
 *
 * Files of current/ follow each other by number, each below a line that names
 * it.  "--!include PATH" gives way to the file PATH of fixtures/, which may
 * include more, between lines that name it too.
 *
 * Rules: graphile-migrate's current.ts, migration.ts.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/graphile_current.h"
#include "cli/reader/graphile_text.h"

/* Files that include each other twice at each step grow beyond all bounds. */
#define MAX_COMPILED	(64 * 1024 * 1024)

/* A file that is being put in, and the one that includes it. */
typedef struct Including
{
	const VifloFile *file;
	const struct Including *by;
} Including;

int
viflo_graphile_number_length(const char *base)
{
	int			digits = strspn(base, "0123456789");
	const char *rest = base + digits;

	if (digits > 0 && *rest == '-')
		rest += strspn(rest, "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	return strcmp(rest, ".sql") == 0 ? digits : 0;
}

/* Is the line "--!include PATH.sql"? */
static bool
read_include(VifloSpan line, char **path)
{
	static const char word[] = "include";
	char	   *text = viflo_span_copy(viflo_span_trim(line));
	char	   *p = text + 3;

	if (line.start == line.end || *line.start != '-' || strncmp(text, "--!", 3) != 0)
		return false;
	p += strspn(p, " \t");
	if (strncmp(p, word, strlen(word)) != 0)
		return false;
	p += strlen(word);
	*path = p + strspn(p, " \t");
	return *path > p && viflo_has_suffix(*path, ".sql");
}

/* Comments that the tool itself writes around what is included. */
static bool
is_included_mark(VifloSpan line)
{
	char	   *text = viflo_span_copy(line);
	char	   *p = strstr(text, "--!");

	if (p == NULL)
		return false;
	p += 3;
	p += strspn(p, " \t");
	return strncmp(p, "Include", 7) == 0 || strncmp(p, "EndInclude", 10) == 0;
}

/* The file that a line of one includes; NULL and *failure: there is none. */
static const VifloFile *
find_included(const VifloFolder *folder, const Including *in, int line,
			  const char *name, VifloFailure *failure)
{
	char	   *path = psprintf("fixtures/%s", name);
	const char *file = viflo_folder_path(folder, in->file->name);
	const VifloFile *found;

	canonicalize_path(path);
	if (strncmp(path, "fixtures/", 9) != 0 || path_contains_parent_reference(path))
	{
		viflo_failure_file(failure, file, line, NULL, "included file \"%s\" is not inside fixtures/", name);
		return NULL;
	}
	found = viflo_folder_find(folder, path);
	if (found == NULL)
		viflo_failure_file(failure, file, line, NULL, "included file \"%s\" does not exist", path);
	for (; in != NULL && found != NULL; in = in->by)
	{
		if (in->file != found)
			continue;
		viflo_failure_file(failure, file, line, NULL, "file \"%s\" includes itself", path);
		return NULL;
	}
	return found;
}

/* Appends file with what it includes, without white space at its ends. */
static bool
compile(const VifloFolder *folder, const Including *in, VifloSpan body,
		int line_before, StringInfo to, bool *includes, VifloFailure *failure)
{
	VifloLines	lines = viflo_lines_begin(body.start, body.end - body.start);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		int			number = line_before + lines.number;
		char	   *name;

		if (is_included_mark(line))
			return viflo_failure_file(failure, viflo_folder_path(folder, in->file->name), number, NULL,
									  "comment of what is included cannot be written by hand");
		if (lines.number > 1)
			appendStringInfoChar(to, '\n');
		if (read_include(line, &name))
		{
			Including	next = {find_included(folder, in, number, name, failure), in};
			VifloSpan	text;

			if (next.file == NULL || !viflo_folder_check_text(folder, next.file, failure))
				return false;
			*includes = true;
			appendStringInfo(to, "--! Included %s\n", name);
			text.start = next.file->text;
			text.end = next.file->text + next.file->length;
			if (!compile(folder, &next, viflo_graphile_trim(text), 0, to, includes, failure))
				return false;
			appendStringInfo(to, "\n--! EndIncluded %s", name);
		}
		else
			appendBinaryStringInfo(to, line.start, line.end - line.start);
		if (to->len > MAX_COMPILED)
			return viflo_failure_file(failure, viflo_folder_path(folder, in->file->name), number, NULL,
									  "too much is included");
	}
	return true;
}

/* Ordered by number. */
static int
compare_files(const void *a, const void *b)
{
	const char *left = viflo_file_base(*(const VifloFile *const *) a);
	const char *right = viflo_file_base(*(const VifloFile *const *) b);
	int			left_length;
	int			right_length;

	left += strspn(left, "0");
	right += strspn(right, "0");
	left_length = strspn(left, "0123456789");
	right_length = strspn(right, "0123456789");
	if (left_length != right_length)
		return left_length - right_length;
	return strncmp(left, right, left_length);
}

/* The files of current/, checked and in order; -1 on failure. */
static int
find_parts(const VifloFolder *folder, const VifloFile ***parts, VifloFailure *failure)
{
	int			count = 0;

	*parts = palloc(sizeof(VifloFile *) * (folder->count + 1));
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		const char *base = viflo_file_base(file);

		if (!file->wanted || file->dir_length != 7 || strncmp(file->name, "current/", 8) != 0 ||
			!viflo_has_suffix(base, ".sql"))
			continue;
		if (viflo_graphile_number_length(base) == 0 || base[strspn(base, "0")] == '-' ||
			base[strspn(base, "0")] == '.')
		{
			viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0, NULL,
							   "name is neither NUMBER.sql nor NUMBER-name.sql");
			return -1;
		}
		(*parts)[count++] = file;
	}
	qsort(*parts, count, sizeof(VifloFile *), compare_files);
	for (int i = 1; i < count; i++)
	{
		if (compare_files(&(*parts)[i - 1], &(*parts)[i]) != 0)
			continue;
		viflo_failure_file(failure, viflo_folder_path(folder, (*parts)[i]->name), 0, NULL,
						   "second file of its number, beside \"%s\"", (*parts)[i - 1]->name);
		return -1;
	}
	return count;
}

/* Puts the files of current/ together. */
static bool
join_parts(const VifloFolder *folder, const VifloFile **parts, int count,
		   StringInfo text, VifloFailure *failure)
{
	bool		includes;

	for (int i = 0; i < count; i++)
	{
		Including	in = {parts[i], NULL};
		VifloSpan	body = {parts[i]->text, parts[i]->text + parts[i]->length};
		VifloSpan	trimmed = viflo_graphile_trim(body);
		int			before = 0;

		if (!viflo_folder_check_text(folder, parts[i], failure))
			return false;
		if (viflo_graphile_no_transaction(trimmed))
			return viflo_failure_file(failure, viflo_folder_path(folder, parts[i]->name), 1, NULL,
									  "no-transaction is for current.sql, not for files of current/");
		for (const char *p = body.start; p < trimmed.start; p++)
			before += *p == '\n';
		appendStringInfo(text, "%s--! split: %s\n", i > 0 ? "\n" : "", viflo_file_base(parts[i]));
		if (!compile(folder, &in, trimmed, before, text, &includes, failure))
			return false;
		appendStringInfoChar(text, '\n');
	}
	return true;
}

bool
viflo_graphile_current(const VifloFolder *folder, VifloFile *file, bool *found,
					   VifloFailure *failure)
{
	const VifloFile *single = viflo_folder_find(folder, "current.sql");
	const VifloFile **parts;
	int			count = find_parts(folder, &parts, failure);
	Including	in = {single, NULL};
	VifloSpan	body;
	StringInfoData text;
	bool		includes = false;

	*found = single != NULL || count > 0;
	if (count < 0 || !*found)
		return count >= 0;
	initStringInfo(&text);
	if (single != NULL && count > 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, parts[0]->name), 0, NULL,
								  "there is a file current.sql too");
	*file = single != NULL ? *single : *parts[0];
	if (single == NULL)
	{
		file->name = pstrdup("current");
		file->dir_length = 0;
		if (!join_parts(folder, parts, count, &text, failure))
			return false;
	}
	else
	{
		body.start = single->text;
		body.end = single->text + single->length;
		if (!viflo_folder_check_text(folder, single, failure) ||
			!compile(folder, &in, body, 0, &text, &includes, failure))
			return false;
		if (!includes)
			return true;
		file->name = pstrdup("compiled current.sql");
	}
	file->text = text.data;
	file->length = text.len;
	return true;
}
