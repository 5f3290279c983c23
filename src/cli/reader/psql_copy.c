/*-------------------------------------------------------------------------
 * psql_copy.c
 *	  psql's \copy: COPY with the data of a file on the client.
 *
 * The rest of the line is taken as it stands, without variables.  What comes
 * before "from" and after the file's name goes into COPY unchanged.  The data
 * follow inline, up to a line "\.": so they must be text, UTF-8, and have no
 * such line before their end.
 *
 * Rules: psql's copy.c.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/psql_argument.h"
#include "cli/reader/psql_copy.h"

/* The line taken apart. */
typedef struct Copy
{
	char	   *what;			/* table and columns */
	char	   *name;			/* of file or program; NULL: stdin */
	bool		program;
	char	   *options;
} Copy;

/* Past white space. */
static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n\f\v");
}

/* text without white space at its ends, and semicolons at the last. */
static char *
trim(char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && strchr(" \t\r\n\f\v;", text[length - 1]) != NULL)
		text[--length] = '\0';
	return text + strspn(text, " \t\r\n\f\v");
}

/* Is the next word this one?  Then *p is past it. */
static bool
take_word(const char **p, const char *word)
{
	const char *at = skip_space(*p);
	size_t		length = strlen(word);

	if (pg_strncasecmp(at, word, length) != 0 ||
		isalnum((unsigned char) at[length]) || at[length] == '_' ||
		IS_HIGHBIT_SET(at[length]))
		return false;
	*p = at + length;
	return true;
}

/* Past a quoted text whose first quote p points to; NULL: it does not end. */
static const char *
skip_quoted(const char *p)
{
	const char *end = strchr(p + 1, *p);

	return end ? end + 1 : NULL;
}

/* Finds the word "from" outside of quotes and parentheses. */
static const char *
find_from(const char *text)
{
	int			depth = 0;
	bool		word_begins = true;

	for (const char *p = text; p != NULL && *p != '\0';)
	{
		const char *at = p;

		if (word_begins && depth == 0 && take_word(&at, "from"))
			return p;
		if (word_begins && depth == 0 && take_word(&at, "to"))
			return NULL;
		word_begins = strchr(" \t\r\n\f\v)\"", *p) != NULL;
		depth += (*p == '(') - (*p == ')');
		p = *p == '"' || *p == '\'' ? skip_quoted(p) : p + 1;
	}
	return NULL;
}

/* 'it''s' as it is meant. */
static char *
unquote(const char *start, const char *end)
{
	char	   *result = palloc(end - start + 1);
	char	   *to = result;

	for (const char *p = start; p < end; p++)
	{
		*to++ = *p;
		if (*p == '\'')
			p++;
	}
	*to = '\0';
	return result;
}

/* Where the data come from. */
static bool
read_source(VifloPsqlSource *source, const char **p, Copy *copy)
{
	const char *start;

	copy->program = take_word(p, "program");
	start = *p = skip_space(*p);
	if (*start == '\'')
	{
		const char *end = start;

		/* A doubled quote does not end it. */
		do
			end = skip_quoted(end);
		while (end != NULL && *end == '\'');
		if (end == NULL)
			return viflo_psql_fail(source, "\\copy: unterminated quoted string");
		copy->name = unquote(start + 1, end - 1);
		*p = end;
		return true;
	}
	if (copy->program)
		return viflo_psql_fail(source, "\\copy: the program must be in single quotes");
	if (take_word(p, "stdin"))
		return true;
	if (take_word(p, "pstdin"))
		return viflo_psql_fail(source, "\\copy from pstdin is not supported");
	*p += strcspn(*p, " \t\r\n\f\v;");
	if (*p == start)
		return viflo_psql_fail(source, "\\copy: arguments required");
	copy->name = pnstrdup(start, *p - start);
	return true;
}

static bool
read_line(VifloPsqlSource *source, const char *line, Copy *copy)
{
	const char *from = find_from(line);
	const char *p = from;

	memset(copy, 0, sizeof(*copy));
	if (from == NULL)
		return viflo_psql_fail(source, "only \\copy ... from is supported in a migration");
	copy->what = trim(pnstrdup(line, from - line));
	(void) take_word(&p, "from");
	if (!read_source(source, &p, copy))
		return false;
	copy->options = trim(pstrdup(p));
	return true;
}

/* The data themselves, as a file. */
static const VifloFile *
read_data(VifloPsqlSource *source, const Copy *copy)
{
	VifloPsqlRun *run = source->run;
	VifloFile  *file;
	StringInfoData output;

	run->history->outside = true;
	if (!copy->program)
	{
		file = viflo_folder_other(run->folder, copy->name);
		errno = file->error;
		if (file->error != 0)
		{
			viflo_psql_fail(source, "could not read file \"%s\": %m",
							viflo_folder_path(run->folder, copy->name));
			return NULL;
		}
		return viflo_folder_check_text(run->folder, file, run->failure) ? file : NULL;
	}
	initStringInfo(&output);
	if (!viflo_psql_program(source, copy->name, &output))
		return NULL;
	file = palloc0(sizeof(VifloFile));
	file->name = source->file->name;
	file->text = output.data;
	file->length = output.len;
	if (viflo_folder_check_text(run->folder, file, run->failure))
		return file;
	viflo_psql_fail(source, "program writes what is not text in UTF-8: %s", copy->name);
	return NULL;
}

/*
 * Bytes of the data up to a line "\.", which psql takes for their end.
 * Something after it would be lost, with some formats and servers.
 */
static bool
data_length(VifloPsqlSource *source, const VifloFile *data, size_t *length)
{
	const char *end = data->text + data->length;
	int			number = 1;

	*length = data->length;
	for (const char *line = data->text; line < end; number++)
	{
		const char *next = memchr(line, '\n', end - line);
		size_t		size = (next ? next : end) - line;

		if (size > 0 && line[size - 1] == '\r')
			size--;
		next = next ? next + 1 : end;
		if (size == 2 && memcmp(line, "\\.", 2) == 0)
		{
			if (next < end)
				return viflo_psql_fail(source, "data of \\copy go on after \"\\.\" in line %d", number);
			*length = line - data->text;
		}
		line = next;
	}
	return true;
}

bool
viflo_psql_copy(VifloPsqlSource *source, const char **at, const char *end)
{
	Copy		copy;
	const VifloFile *data;
	size_t		length;
	char	   *command;
	char	   *line = pnstrdup(*at, end - *at);

	*at = end;
	if (!viflo_psql_can_insert(source, "copy") || !read_line(source, line, &copy))
		return false;
	command = psprintf("COPY %s FROM STDIN%s%s;", copy.what,
					   copy.options[0] != '\0' ? " " : "", copy.options);
	if (!viflo_psql_emit(source, command, strlen(command)))
		return false;
	if (copy.name == NULL)
	{
		source->copies++;
		return true;
	}
	data = read_data(source, &copy);
	if (data == NULL || !data_length(source, data, &length) ||
		!viflo_psql_emit(source, "\n", 1) ||
		!viflo_psql_emit(source, data->text, length))
		return false;
	if (length > 0 && data->text[length - 1] != '\n')
	{
		const char *first = memchr(data->text, '\n', length);
		bool		crlf = first != NULL && first > data->text && first[-1] == '\r';

		if (!viflo_psql_emit(source, crlf ? "\r\n" : "\n", crlf ? 2 : 1))
			return false;
	}
	return viflo_psql_emit(source, "\\.", 2);
}
