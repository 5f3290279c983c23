/*-------------------------------------------------------------------------
 * delimiter.c
 *	  What ends a statement in texts of tools that can be told so.
 *
 * The lexer is given the text piece by piece, up to each delimiter, and asked
 * in what it ends.  It does not tell of a "--" comment: a delimiter at the end
 * of a line of one is replaced, as ";" means nothing there.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/delimiter.h"
#include "common/lines.h"
#include "fe_utils/psqlscan.h"
#include "mb/pg_wchar.h"

static bool
is_word(char c)
{
	return isalnum((unsigned char) c) || c == '_';
}

/* Goes on with a piece: what would psql's prompt say after it? */
static promptStatus_t
scan(PsqlScanState state, const char *piece, size_t length)
{
	PQExpBuffer output = createPQExpBuffer();
	PsqlScanResult result;
	promptStatus_t prompt = PROMPT_READY;

	psql_scan_setup(state, piece, length, PG_UTF8, true);
	do
		result = psql_scan(state, output, &prompt);
	while (result == PSCAN_SEMICOLON || result == PSCAN_BACKSLASH);
	psql_scan_finish(state);
	destroyPQExpBuffer(output);
	return prompt;
}

static bool
is_quoted(promptStatus_t prompt)
{
	return prompt == PROMPT_SINGLEQUOTE || prompt == PROMPT_DOUBLEQUOTE ||
		prompt == PROMPT_DOLLARQUOTE || prompt == PROMPT_COMMENT;
}

/* Does the line end in delimiter, or consist of it?  *start: where. */
static bool
find_at_end(VifloSpan line, const char *delimiter, bool alone, const char **start)
{
	size_t		length = strlen(delimiter);

	line = viflo_span_trim(line);
	*start = line.end - length;
	return line.end - line.start >= length &&
		pg_strncasecmp(*start, delimiter, length) == 0 &&
		(*start == line.start ||
		 (!alone && !(is_word(delimiter[0]) && is_word((*start)[-1]))));
}

static void
replace_at_ends(PsqlScanState state, StringInfo text, const char *delimiter,
				bool alone)
{
	VifloLines	lines = viflo_lines_begin(text->data, text->len);
	promptStatus_t prompt = PROMPT_READY;
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		const char *start;

		if (find_at_end(line, delimiter, alone, &start))
		{
			if (start > line.start)
				prompt = scan(state, line.start, start - line.start);
			if (!is_quoted(prompt))
			{
				char	   *p = text->data + (start - text->data);

				memset(p, ' ', strlen(delimiter));
				*p = ';';
				psql_scan_reset(state);
				continue;
			}
			line.start = start;
		}
		prompt = scan(state, line.start, line.end - line.start);
	}
}

/* ";" for a delimiter that may have line ends: after the first of these. */
static void
append_end(StringInfo result, const char *delimiter)
{
	bool		done = strchr(delimiter, '\n') == NULL;

	if (done)
		appendStringInfoChar(result, ';');
	for (; *delimiter != '\0'; delimiter++)
	{
		if (*delimiter != '\n')
			continue;
		appendStringInfoString(result, done ? "\n" : "\n;");
		done = true;
	}
}

/*
 * A "--" that the delimiter does not begin with is where the lexer is asked,
 * too: what a comment has, quotes and delimiters, counts for nothing.
 */
static void
replace_anywhere(PsqlScanState state, StringInfo text, const char *delimiter)
{
	size_t		length = strlen(delimiter);
	const char *piece = text->data;
	const char *end = strstr(piece, delimiter);
	const char *comment = strstr(piece, "--");
	StringInfoData result;

	initStringInfo(&result);
	while (end != NULL)
	{
		const char *found = comment != NULL && comment < end ? comment : end;
		const char *next = found + (found == end ? length : 2);
		promptStatus_t prompt = scan(state, piece, found - piece);

		appendBinaryStringInfo(&result, piece, found - piece);
		piece = found;
		if (found == end && !is_quoted(prompt) && prompt != PROMPT_PAREN)
		{
			append_end(&result, delimiter);
			piece = next;
			psql_scan_reset(state);
		}
		else if (found == comment && !is_quoted(prompt))
		{
			next = found + strcspn(found, "\n");
			appendBinaryStringInfo(&result, found, next - found);
			piece = next;
		}
		if (end < next)
			end = strstr(next, delimiter);
		if (comment != NULL && comment < next)
			comment = strstr(next, "--");
	}
	appendStringInfoString(&result, piece);
	pfree(text->data);
	*text = result;
}

void
viflo_delimiter_replace(StringInfo text, const char *delimiter,
						VifloDelimiterPlace place)
{
	static const PsqlScanCallbacks callbacks = {NULL};
	PsqlScanState state = psql_scan_create(&callbacks);

	if (place == VIFLO_DELIMITER_ANYWHERE)
		replace_anywhere(state, text, delimiter);
	else
		replace_at_ends(state, text, delimiter, place == VIFLO_DELIMITER_LINE);
	psql_scan_destroy(state);
}
