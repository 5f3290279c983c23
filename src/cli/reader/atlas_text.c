/*-------------------------------------------------------------------------
 * atlas_text.c
 *	  Directives of a file of Atlas.
 *
 * Rules: Atlas's sql/migrate/dir.go, lex.go and cmdapi/migrate.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/atlas_text.h"

/* Is the line a directive, and of what? */
bool
viflo_atlas_directive(VifloSpan line, char **name, char **value)
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
bool
viflo_atlas_has_directives(const char *text, size_t length)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line;
	char	   *name;
	char	   *value;

	while (viflo_lines_next(&lines, &line) && viflo_line_is_comment(line))
	{
		if (viflo_atlas_directive(line, &name, &value))
			return true;
	}
	return false;
}

/* Takes a directive of a file; an unknown one is another tool's concern. */
static bool
take_directive(const VifloFolder *folder, const VifloFile *file, int line,
			   const char *name, const char *value, VifloAtlasDirectives *directives,
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
bool
viflo_atlas_read_directives(const VifloFolder *folder, VifloHistory *history,
							const VifloFile *file, VifloAtlasDirectives *directives,
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

		if (viflo_atlas_directive(line, &name, &value) &&
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
char *
viflo_atlas_delimiter(const VifloFile *file)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	VifloSpan	line;
	char	   *name;
	char	   *value;
	char	   *to;

	if (!viflo_lines_next(&lines, &line) || line.end - line.start < 9 ||
		memcmp(line.start, "-- atlas:", 9) != 0 || !viflo_atlas_directive(line, &name, &value) ||
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
