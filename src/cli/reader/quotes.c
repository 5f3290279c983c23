/*-------------------------------------------------------------------------
 * quotes.c
 *	  Does every quote and comment of a text end?
 *
 * psql's lexer is asked after each line what it is in the middle of, as psql
 * does for its prompt.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/psql_statement.h"
#include "cli/reader/quotes.h"
#include "fe_utils/psqlscan.h"
#include "mb/pg_wchar.h"

/* A text that is being read. */
typedef struct Reading
{
	PsqlScanState scan;
	PQExpBufferData statement;	/* what there is of the one not yet ended */
	promptStatus_t status;		/* at the end of the last line */
	int			copies;			/* COPYs whose data begin on the next line */
} Reading;

/* Neither variables nor anything else of psql's counts here. */
static const PsqlScanCallbacks callbacks = {NULL};

/* What the lexer is in the middle of; NULL: nothing that has to end. */
static const char *
describe(promptStatus_t status)
{
	switch (status)
	{
		case PROMPT_SINGLEQUOTE:
			return "quoted string";
		case PROMPT_DOUBLEQUOTE:
			return "quoted identifier";
		case PROMPT_DOLLARQUOTE:
			return "dollar-quoted string";
		case PROMPT_COMMENT:
			return "comment";
		default:
			return NULL;
	}
}

static void
end_statement(Reading *reading)
{
	reading->copies += viflo_psql_copies_from_stdin(reading->statement.data);
	resetPQExpBuffer(&reading->statement);
}

static void
read_line(Reading *reading, const char *line, const char *end)
{
	PsqlScanResult result;

	psql_scan_setup(reading->scan, line, end - line, PG_UTF8, true);
	do
	{
		result = psql_scan(reading->scan, &reading->statement, &reading->status);
		if (result == PSCAN_SEMICOLON)
			end_statement(reading);
	} while (result == PSCAN_SEMICOLON || result == PSCAN_BACKSLASH);
	psql_scan_finish(reading->scan);
}

/* Of data, nothing counts but the line that ends them. */
static bool
is_end_of_data(const char *line, const char *end)
{
	while (end > line && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	return end - line == 2 && line[0] == '\\' && line[1] == '.';
}

/*
 * May the text change what a backslash means?  It has the name of the setting,
 * and behind that not just "= on", as pg_dump writes.
 */
static bool
changes_rules(const char *text, size_t length)
{
	static const char rule[] = "standard_conforming_strings";
	static const char usual[] = " = on";
	const char *end = text + length;
	const int	before = strlen("standard");

	for (const char *p = text; (p = memchr(p, '_', end - p)) != NULL; p++)
	{
		const char *name = p - before;

		if (p - text < before || end - name < strlen(rule) ||
			pg_strncasecmp(name, rule, strlen(rule)) != 0)
			continue;
		name += strlen(rule);
		if (end - name <= strlen(usual) || memcmp(name, usual, strlen(usual)) != 0 ||
			isalnum((unsigned char) name[strlen(usual)]))
			return true;
	}
	return false;
}

/*
 * Most texts have nothing that could be open.  What one that changes the rules
 * means by a backslash is for the server to say.
 */
static bool
has_quotes(const char *text, size_t length)
{
	if (changes_rules(text, length))
		return false;
	return memchr(text, '\'', length) != NULL || memchr(text, '"', length) != NULL ||
		memchr(text, '$', length) != NULL || memchr(text, '*', length) != NULL;
}

const char *
viflo_quotes_open(const char *text, size_t length, int *line)
{
	Reading		reading = {.status = PROMPT_READY};
	const char *end = text + length;
	const char *open = NULL;
	int			number = 0;

	if (length == 0 || !has_quotes(text, length))
		return NULL;
	reading.scan = psql_scan_create(&callbacks);
	initPQExpBuffer(&reading.statement);
	while (text < end)
	{
		const char *next = memchr(text, '\n', end - text);

		next = next ? next + 1 : end;
		number++;
		if (reading.copies > 0)
			reading.copies -= is_end_of_data(text, next);
		else
		{
			const char *before = open;

			read_line(&reading, text, next);
			open = describe(reading.status);
			if (open != NULL && before == NULL)
				*line = number;
		}
		text = next;
	}
	psql_scan_destroy(reading.scan);
	termPQExpBuffer(&reading.statement);
	return open;
}
