/*-------------------------------------------------------------------------
 * failure.c
 *	  Filling a VifloFailure, and finding the place in the user's own file.
 *
 * The server names file and line in its context lines, and the position
 * within the statement that failed.  The line of the local file that holds
 * this piece of the statement gives the column.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <unistd.h>

#include "cli/failure.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Lines between DO and the quote of its body. */
#define MOST_LINES_OF_WORDS	5

char *
viflo_format(const char *fmt, va_list args)
{
	size_t		size = 256;

	for (;;)
	{
		char	   *buf = palloc(size);
		va_list		copy;
		size_t		needed;

		va_copy(copy, args);
		needed = pvsnprintf(buf, size, fmt, copy);
		va_end(copy);
		if (needed < size)
			return buf;
		pfree(buf);
		size = needed;
	}
}

static char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

bool
viflo_failure(VifloFailure *failure, int status, const char *fmt,...)
{
	va_list		args;

	memset(failure, 0, sizeof(*failure));
	failure->status = status;
	va_start(args, fmt);
	failure->message = viflo_format(fmt, args);
	va_end(args);
	return false;
}

bool
viflo_failure_file(VifloFailure *failure, const char *file, int line,
				   const char *sqlstate, const char *fmt,...)
{
	va_list		args;

	memset(failure, 0, sizeof(*failure));
	failure->status = VIFLO_EXIT_REFUSED;
	failure->file = pstrdup(file);
	failure->line = line;
	failure->sqlstate = copy_text(sqlstate);
	va_start(args, fmt);
	failure->message = viflo_format(fmt, args);
	va_end(args);
	return false;
}

bool
viflo_failure_common(VifloFailure *failure, const char *file,
					 const VifloError *error)
{
	memset(failure, 0, sizeof(*failure));
	failure->status = VIFLO_EXIT_REFUSED;
	failure->sqlstate = copy_text(error->sqlstate);
	failure->message = copy_text(error->message);
	failure->detail = copy_text(error->detail);
	failure->hint = copy_text(error->hint);
	failure->file = copy_text(file);
	failure->line = file ? error->line : 0;
	return false;
}

void
viflo_failure_hint(VifloFailure *failure, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	failure->hint = viflo_format(fmt, args);
	va_end(args);
}

void
viflo_failure_free(VifloFailure *failure)
{
	char	   *texts[] = {
		failure->sqlstate, failure->message, failure->database, failure->detail,
		failure->hint, failure->context, failure->kept, failure->file,
		failure->source, failure->query
	};

	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL)
			pfree(texts[i]);
	}
	memset(failure, 0, sizeof(*failure));
}

/* Line number of file, palloc'd without its end; NULL when it is not there. */
static char *
file_line(const char *file, int number)
{
	FILE	   *stream = fopen(file, "rb");
	StringInfoData buf;
	int			line = 1;
	int			c;
	bool		any = false;

	if (stream == NULL)
		return NULL;
	initStringInfo(&buf);
	while ((c = getc(stream)) != EOF && line <= number)
	{
		if (c == '\n')
			line++;
		else if (line == number)
			appendStringInfoChar(&buf, c);
		any |= (line == number);
	}
	fclose(stream);
	if (buf.len > 0 && buf.data[buf.len - 1] == '\r')
		buf.data[--buf.len] = '\0';
	if (number == 1 && strncmp(buf.data, "\xEF\xBB\xBF", 3) == 0)
		memmove(buf.data, buf.data + 3, buf.len - 3 + 1);
	return any ? buf.data : NULL;
}

/* Bytes that the first count characters of text take. */
static int
bytes_of(const char *text, int count)
{
	int			length = strlen(text);
	int			bytes = 0;

	while (count-- > 0 && bytes < length)
		bytes += pg_utf_mblen((const unsigned char *) text + bytes);
	return Min(bytes, length);
}

static int
characters_of(const char *text, int bytes)
{
	int			count = 0;

	for (int i = 0; i < bytes; i += pg_utf_mblen((const unsigned char *) text + i))
		count++;
	return count;
}

/*
 * Where in source, a line of the file, does the piece of query stand that
 * position (a character of query) points to?  1-based column, or 0.
 */
static int
column_in(const char *source, const char *query, int position)
{
	int			at = bytes_of(query, position - 1);
	int			start = at;
	int			end = at;
	char	   *piece;
	const char *found;
	int			column = 0;

	while (start > 0 && query[start - 1] != '\n')
		start--;
	while (query[end] != '\0' && query[end] != '\n' && query[end] != '\r')
		end++;
	piece = pnstrdup(query + start, end - start);
	found = strstr(source, piece);
	if (found != NULL)
		column = characters_of(source, (found - source) + (at - start)) + 1;
	pfree(piece);
	return column;
}

/*
 * Reads a context line
 *		revision "ID" (up), line 12, statement 3, file "NAME"
 * of which all but the revision may be missing, or stand in another order.
 * Names are not escaped in it: a quote ends one when what may follow follows.
 */
static bool
read_place(const char *line, char **file, int *number)
{
	const char *at = strstr(line, "\" (");

	if (strncmp(line, "revision \"", 10) != 0 || at == NULL)
		return false;
	*file = NULL;
	*number = 0;
	at += strcspn(at, ")");
	while ((at = strstr(at, ", ")) != NULL)
	{
		at += 2;
		if (strncmp(at, "line ", 5) == 0)
			*number = atoi(at + 5);
		else if (strncmp(at, "file \"", 6) == 0)
		{
			const char *end = at + 6;

			while ((end = strchr(end, '"')) != NULL && end[1] != '\0' &&
				   strncmp(end + 1, ", line ", 7) != 0 &&
				   strncmp(end + 1, ", statement ", 12) != 0)
				end++;
			if (end == NULL)
				break;
			*file = pnstrdup(at + 6, end - (at + 6));
			at = end + 1;
		}
	}
	return true;
}

/* The outermost place named in the context: the last of them. */
static void
find_place(VifloFailure *failure, const char *dir)
{
	char	   *context = pstrdup(failure->context);
	char	   *file = NULL;
	char	   *state = NULL;

	for (char *line = strtok_r(context, "\n", &state); line != NULL;
		 line = strtok_r(NULL, "\n", &state))
	{
		char	   *name;
		int			number;

		if (read_place(line, &name, &number))
		{
			file = name;
			failure->line = number;
		}
	}
	pfree(context);
	if (file == NULL)
		return;
	if (dir != NULL)
	{
		char	   *path = psprintf("%s/%s", dir, file);

		if (access(path, R_OK) == 0)
			file = path;
	}
	failure->file = file;
}

/*
 * Of a DO block that failed the server names the line at which it begins, and
 * PL/pgSQL that of its body, in most languages of messages like this:
 *		PL/pgSQL function inline_code_block line 10 at RAISE
 * The block's own is the outermost, the last.  Line 1 is that of the quote.
 * Where it does not compile its name stands in quotes, and the server's line is
 * the very one.
 */
static int
line_in_block(const char *context)
{
	static const char name[] = "inline_code_block ";
	const char *last = NULL;

	for (const char *at = context; (at = strstr(at, name)) != NULL; at += strlen(name))
		last = at + strlen(name);
	if (last != NULL)
		last += strcspn(last, "0123456789\n");
	return last != NULL ? atoi(last) : 0;
}

/* Goes on to the line of the block where it failed, if the file has that. */
static void
enter_block(VifloFailure *failure)
{
	int			inner = line_in_block(failure->context);
	int			number = failure->line;
	char	   *source = failure->source;

	/* Words may stand before the quote. */
	for (int i = 0; inner > 0 && source != NULL && strpbrk(source, "$'") == NULL; i++)
		source = i < MOST_LINES_OF_WORDS ? file_line(failure->file, ++number) : NULL;
	if (inner <= 1 || inner > PG_INT32_MAX - number || source == NULL ||
		(source = file_line(failure->file, number + inner - 1)) == NULL)
		return;
	failure->source = source;
	failure->line = number + inner - 1;
}

/*
 * Reads the call of a function at text, "viflo_load()" or "viflo_stamp(...,
 * purge => true)", and appends the command that does the same.  Its length, or
 * 0: there is none.
 */
static int
append_command(StringInfo buf, const char *text)
{
	int			name = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	int			option = 0;
	const char *rest = text + name;

	if (strncmp(text, "viflo_", 6) != 0 || *rest != '(')
		return 0;
	rest += strncmp(rest, "(..., ", 6) == 0 ? 6 : 1;
	if (*rest != ')')
	{
		option = strcspn(rest, " )");
		if (strncmp(rest + option, " => true)", 9) != 0)
			return 0;
	}
	appendStringInfo(buf, "\"viflo %.*s", name - 6, text + 6);
	if (option > 0)
		appendStringInfo(buf, " --%.*s", option, rest);
	appendStringInfoChar(buf, '"');
	return rest - text + (option > 0 ? option + 9 : 1);
}

/* A hint of the server's, who knows of functions only, for the terminal; palloc'd. */
static char *
hint_for_terminal(const char *hint)
{
	StringInfoData buf;

	initStringInfo(&buf);
	while (*hint != '\0')
	{
		int			call = strncmp(hint, "CALL viflo_", 11) == 0 ? 5 : 0;
		int			length = append_command(&buf, hint + call);

		if (length > 0)
			hint += call + length;
		else if (strncmp(hint, "force => true", 13) == 0)
		{
			appendStringInfoString(&buf, "--force");
			hint += 13;
		}
		else
			appendStringInfoChar(&buf, *hint++);
	}
	return buf.data;
}

bool
viflo_failure_database(VifloFailure *failure, const char *dir,
					   const VifloDbError *error)
{
	memset(failure, 0, sizeof(*failure));
	failure->status = error->kind == VIFLO_DB_CONNECTION_ERROR ?
		VIFLO_EXIT_CONNECTION : VIFLO_EXIT_REFUSED;
	failure->sqlstate = copy_text(error->sqlstate);
	failure->message = copy_text(error->message);
	failure->detail = copy_text(error->detail);
	failure->hint = error->hint != NULL ? hint_for_terminal(error->hint) : NULL;
	failure->context = copy_text(error->context);
	if (failure->context != NULL)
		find_place(failure, dir);
	if (failure->file != NULL && failure->line > 0)
		failure->source = file_line(failure->file, failure->line);
	if (failure->source != NULL)
		enter_block(failure);
	if (error->internal_query == NULL || error->internal_position <= 0)
		return false;
	if (failure->source != NULL)
		failure->column = column_in(failure->source, error->internal_query,
									error->internal_position);
	if (failure->column == 0)
	{
		failure->query = pstrdup(error->internal_query);
		failure->query_position = error->internal_position;
	}
	return false;
}
