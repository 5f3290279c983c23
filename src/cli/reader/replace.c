/*-------------------------------------------------------------------------
 * replace.c
 *	  Replaces names in one text: ${name}, :name as psql has it, or :NAME.
 *
 * psql's variables are found by psql's own lexer, which is told that none of
 * them is set: then it gives back the text as it was but for two things.  A
 * backslash that stands before ";" or ":" is gone, and :{?name} has become
 * FALSE.  So the places that it asked about in its output are those of the
 * text after walking along both.  The data of a COPY is no SQL and goes around
 * the lexer.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/psql_statement.h"
#include "cli/reader/replace.h"
#include "fe_utils/psqlscan.h"
#include "mb/pg_wchar.h"
#include "pqexpbuffer.h"

/* No name that may stay as it is in a text is longer. */
#define MAX_NAME	256

/* What one run of psql's lexer gave. */
typedef struct Lexed
{
	PQExpBuffer output;
	size_t	   *places;			/* of variables, in output */
	int			count;
	int			allocated;
} Lexed;

static bool
is_word(char c)
{
	return isalnum((unsigned char) c) || c == '_';
}

/* As psqlscan.l has it. */
static bool
is_variable_char(char c)
{
	return is_word(c) || IS_HIGHBIT_SET(c);
}

/* Appends a value, and notes where it is. */
static void
append_value(VifloReplacement *replacement, const char *value)
{
	int			count = replacement->value_count++;

	if (count == 0)
		replacement->values = palloc(sizeof(VifloExtent));
	else if ((count & (count - 1)) == 0)
		replacement->values = repalloc(replacement->values, 2 * count * sizeof(VifloExtent));
	replacement->values[count].start = replacement->result.len;
	appendStringInfoString(&replacement->result, value);
	replacement->values[count].end = replacement->result.len;
}

/*
 * Has the piece of text any part that is kept?  Asked for pieces in order:
 * those parts that end before it are left behind.
 */
static bool
is_kept(VifloReplacement *replacement, const char *from, const char *to)
{
	size_t		start = from - replacement->text;
	size_t		end = to - replacement->text;

	while (replacement->kept_count > 0 && replacement->kept->end <= start)
	{
		replacement->kept++;
		replacement->kept_count--;
	}
	return replacement->kept_count > 0 && replacement->kept->start < end;
}

/* False: name has no value and must have one, at where. */
static bool
fail_missing(VifloReplacement *replacement, const char *where, char *name)
{
	replacement->missing = name;
	replacement->line = 1;
	for (const char *p = replacement->text; p < where; p++)
		replacement->line += *p == '\n';
	return false;
}

bool
viflo_replace_dollar(VifloReplacement *replacement)
{
	const char *end = replacement->text + replacement->length;
	const char *copied = replacement->text;
	const char *p = copied;

	initStringInfo(&replacement->result);
	while ((p = memchr(p, '$', end - p)) != NULL)
	{
		const char *close;
		const char *value;
		char	   *name;

		if (++p == end || *p != '{')
			continue;
		close = memchr(p, '}', replacement->strict ? end - p : Min(end - p, MAX_NAME));
		if (close == NULL && replacement->strict)
			return fail_missing(replacement, p, NULL);
		if (close == NULL)
			continue;
		name = pnstrdup(p + 1, close - p - 1);
		value = replacement->value(name, replacement->arg);
		if (value == NULL && replacement->strict)
			return fail_missing(replacement, p, name);
		pfree(name);
		if (value == NULL)
			continue;
		appendBinaryStringInfo(&replacement->result, copied, p - 1 - copied);
		append_value(replacement, value);
		copied = p = close + 1;
	}
	appendBinaryStringInfo(&replacement->result, copied, end - copied);
	return true;
}

bool
viflo_replace_words(VifloReplacement *replacement)
{
	const char *end = replacement->text + replacement->length;
	const char *copied = replacement->text;
	const char *p = copied;

	initStringInfo(&replacement->result);
	while ((p = memchr(p, ':', end - p)) != NULL)
	{
		const char *word = ++p;
		const char *value;
		char	   *name;

		while (p < end && is_word(*p))
			p++;
		if (p == word)
			continue;
		name = pnstrdup(word, p - word);
		value = replacement->value(name, replacement->arg);
		pfree(name);
		if (value == NULL)
			continue;
		appendBinaryStringInfo(&replacement->result, copied, word - 1 - copied);
		appendStringInfoString(&replacement->result, value);
		copied = p;
	}
	appendBinaryStringInfo(&replacement->result, copied, end - copied);
	return true;
}

/* The lexer's question: notes where, and answers that there is no such name. */
static char *
note_variable(const char *name, PsqlScanQuoteType quote, void *arg)
{
	Lexed	   *lexed = arg;

	if (lexed->count >= lexed->allocated)
	{
		lexed->allocated = lexed->allocated ? lexed->allocated * 2 : 64;
		lexed->places = lexed->places ?
			repalloc(lexed->places, lexed->allocated * sizeof(size_t)) :
			palloc(lexed->allocated * sizeof(size_t));
	}
	lexed->places[lexed->count++] = lexed->output->len;
	return NULL;
}

/* Where the last variable can be, or NULL: behind it the lexer need not look. */
static const char *
last_variable(const char *text, size_t length)
{
	for (const char *p = text + length; p > text;)
	{
		if (*--p == ':' &&
			(is_variable_char(p[1]) || p[1] == '\'' || p[1] == '"' || p[1] == '{'))
			return p;
	}
	return NULL;
}

/* The end of the first line that could be that of a COPY's data, or NULL. */
static const char *
next_data_end(const char *p)
{
	static const char mark[] = "\n\\.";

	while ((p = strstr(p, mark)) != NULL)
	{
		p += strlen(mark);
		if (*p == '\n' || *p == '\r' || *p == '\0')
			return p;
	}
	return NULL;
}

/*
 * Runs the lexer over text, to its end or to that of a COPY that data follows.
 * output begins with one byte that is not the text's, as the lexer leaves out
 * white space where output is empty.  True: it was a COPY.
 */
static bool
lex(PsqlScanState state, const char *text, size_t length, Lexed *lexed)
{
	PsqlScanResult result;
	promptStatus_t prompt;
	size_t		statement = 1;
	bool		copy = false;

	lexed->count = 0;
	resetPQExpBuffer(lexed->output);
	appendPQExpBufferChar(lexed->output, ' ');
	psql_scan_reset(state);
	psql_scan_setup(state, text, length, PG_UTF8, true);
	do
	{
		result = psql_scan(state, lexed->output, &prompt);
		if (PQExpBufferDataBroken(*lexed->output))
		{
			fprintf(stderr, _("out of memory\n"));
			exit(EXIT_FAILURE);
		}
		if (result == PSCAN_BACKSLASH)
			appendPQExpBufferChar(lexed->output, '\\');
		else if (result == PSCAN_SEMICOLON)
		{
			copy = viflo_psql_copies_from_stdin(lexed->output->data + statement);
			statement = lexed->output->len;
		}
	} while ((result == PSCAN_SEMICOLON || result == PSCAN_BACKSLASH) && !copy);
	psql_scan_finish(state);
	return copy;
}

/*
 * Appends what stands for the variable at p, which is :name, :'name', :"name"
 * or :{?name}, and sets *end behind it.  False: it has no value and must.
 */
static bool
replace_variable(VifloReplacement *replacement, const char *p, const char **end)
{
	StringInfo	result = &replacement->result;
	char		quote = is_variable_char(p[1]) ? '\0' : p[1];
	const char *start = quote == '\0' ? p + 1 : quote == '{' ? p + 3 : p + 2;
	const char *stop = start;
	const char *value;
	char	   *name;

	while (is_variable_char(*stop))
		stop++;
	*end = quote == '\0' ? stop : stop + 1;
	if (is_kept(replacement, p, *end))
	{
		appendBinaryStringInfo(result, p, *end - p);
		return true;
	}
	name = pnstrdup(start, stop - start);
	value = replacement->value(name, replacement->arg);
	if (quote == '{' && (value != NULL || replacement->strict))
		appendStringInfoString(result, value ? "TRUE" : "FALSE");
	else if (value == NULL && quote != '\0' && replacement->strict)
		return fail_missing(replacement, p, name);
	else if (value == NULL)
		appendBinaryStringInfo(result, p, *end - p);
	else if (quote == '\0')
		appendStringInfoString(result, value);
	else
	{
		bool		escape = quote == '\'' && strchr(value, '\\') != NULL;

		appendStringInfo(result, "%s%c", escape ? " E" : "", quote);
		for (; *value != '\0'; value++)
		{
			if (*value == quote || (escape && *value == '\\'))
				appendStringInfoChar(result, *value);
			appendStringInfoChar(result, *value);
		}
		appendStringInfoChar(result, quote);
	}
	pfree(name);
	return true;
}

/* Copies from *p what the lexer gave back of it, with values. */
static bool
copy_lexed(VifloReplacement *replacement, const Lexed *lexed, const char **p)
{
	const char *output = lexed->output->data;
	const char *copied = *p;
	size_t		at = 1;
	int			next = 0;

	while (at < lexed->output->len && **p != '\0')
	{
		const char *end;

		if (next >= lexed->count || at != lexed->places[next])
		{
			if (**p == output[at])
				at++;
			(*p)++;
			continue;
		}
		next++;
		appendBinaryStringInfo(&replacement->result, copied, *p - copied);
		if (!replace_variable(replacement, *p, &end))
			return false;
		at += (*p)[1] == '{' ? strlen("FALSE") : end - *p;
		copied = *p = end;
	}
	appendBinaryStringInfo(&replacement->result, copied, *p - copied);
	return true;
}

/* The end of the data that begins on the line after p. */
static const char *
data_end(const char *p)
{
	p += strcspn(p, "\n");
	while (*p == '\n')
	{
		const char *line = ++p;

		p += strcspn(p, "\n");
		if (line[0] == '\\' && line[1] == '.' && (p - line == 2 || line[2] == '\r'))
			break;
	}
	return p;
}

bool
viflo_replace_psql(VifloReplacement *replacement)
{
	static const PsqlScanCallbacks callbacks = {note_variable};
	const char *p = pnstrdup(replacement->text, replacement->length);
	const char *end = p + replacement->length;
	const char *last = last_variable(p, replacement->length);
	PsqlScanState state = psql_scan_create(&callbacks);
	Lexed		lexed = {.output = createPQExpBuffer()};
	bool		good = true;

	replacement->text = p;
	initStringInfo(&replacement->result);
	psql_scan_set_passthrough(state, &lexed);
	while (good && last != NULL && p <= last)
	{
		/* The lexer copies all that it is given, even if it stops at a COPY. */
		const char *stop = next_data_end(p);
		bool		copy = stop != NULL && lex(state, p, stop - p, &lexed);

		if (!copy)
			copy = lex(state, p, end - p, &lexed);
		good = copy_lexed(replacement, &lexed, &p);
		if (good && copy)
		{
			const char *after = data_end(p);

			appendBinaryStringInfo(&replacement->result, p, after - p);
			p = after;
		}
		else
			break;
	}
	if (good)
		appendBinaryStringInfo(&replacement->result, p, end - p);
	psql_scan_destroy(state);
	destroyPQExpBuffer(lexed.output);
	return good;
}
