/*-------------------------------------------------------------------------
 * output.c
 *	  Results, remarks and failures: for people, or as one JSON document.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <signal.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/shown.h"
#include "cli/status.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Columns of a source line that are shown around a caret. */
#define EXCERPT_WIDTH	100

static void say(const char *kind, const char *color, const char *fmt,
				va_list args) pg_attribute_printf(3, 0);
static void print_lines(FILE *stream, const char *fmt, va_list args) pg_attribute_printf(2, 0);

static bool output_json = false;
static bool output_verbose = false;
static bool output_quiet = false;
static bool output_document_done = false;
static bool output_color = false;

void
viflo_output_init(bool json, bool verbose, bool quiet)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	output_json = json;
	output_verbose = verbose;
	output_quiet = quiet;
	viflo_status_init(!json && !quiet);
	output_color = isatty(fileno(stderr)) &&
		(no_color == NULL || no_color[0] == '\0') &&
		(term == NULL || strcmp(term, "dumb") != 0);
}

bool
viflo_output_is_json(void)
{
	return output_json;
}

/* What printf would print, as a terminal may get it. */
static void
print_lines(FILE *stream, const char *fmt, va_list args)
{
	char	   *text = viflo_format(fmt, args);
	char	   *shown = viflo_shown_lines(text);

	fputs(shown, stream);
	pfree(shown);
	pfree(text);
}

void
viflo_output_line(const char *fmt,...)
{
	va_list		args;

	if (output_json)
		return;
	viflo_status_erase();
	va_start(args, fmt);
	print_lines(stdout, fmt, args);
	va_end(args);
	putchar('\n');
}

void
viflo_output_text(const char *text)
{
	size_t		length = strlen(text);

	if (output_json)
		return;
	viflo_status_erase();
	fwrite(text, 1, length, stdout);
	if (length > 0 && text[length - 1] != '\n')
		putchar('\n');
}

void
viflo_output_json(json_t *document)
{
	if (output_json && !output_document_done)
	{
		json_dumpf(document, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
		output_document_done = true;
	}
	json_decref(document);
}

void
viflo_output_json_report(json_t *head, const char *name,
						 json_t *(*next) (void *arg), void *arg)
{
	char	   *text = json_dumps(head, JSON_INDENT(2));
	json_t	   *element;
	const char *separator = "\n";

	json_decref(head);
	if (output_json && !output_document_done)
	{
		/* Without the brace that closes it. */
		printf("%.*s,\n  \"%s\": [", (int) strlen(text) - 2, text, name);
		while ((element = next(arg)) != NULL)
		{
			fputs(separator, stdout);
			fputs("    ", stdout);
			json_dumpf(element, stdout, JSON_COMPACT);
			json_decref(element);
			separator = ",\n";
		}
		puts("\n  ]\n}");
		output_document_done = true;
	}
	free(text);
}

void
viflo_output_json_add(json_t *to, const char *name, const char *document)
{
	json_t	   *value = document != NULL ? json_loads(document, JSON_DECODE_ANY, NULL) : NULL;

	if (json_is_object(value))
		json_object_update(to, value);
	else
		json_object_set(to, name, value != NULL ? value : json_null());
	json_decref(value);
}

void
viflo_output_json_text(const char *document)
{
	if (output_json && !output_document_done)
	{
		puts(document);
		output_document_done = true;
	}
}

json_t *
viflo_output_json_string(const char *text)
{
	json_t	   *string;
	char	   *clean;

	if (text == NULL)
		return json_null();
	string = json_string(text);
	if (string != NULL)
		return string;
	clean = pstrdup(text);
	for (char *p = clean; *p != '\0';)
	{
		int			length = pg_utf_mblen((unsigned char *) p);

		if (strnlen(p, length) == length &&
			pg_encoding_verifymbchar(PG_UTF8, p, length) == length)
			p += length;
		else
			*p++ = '?';
	}
	string = json_string(clean);
	pfree(clean);
	return string != NULL ? string : json_null();
}

void
viflo_output_table(const char *const *cells, int rows, int columns)
{
	int		   *widths = palloc0(sizeof(int) * columns);

	if (output_json)
		return;
	viflo_status_erase();
	for (int i = 0; i < rows * columns; i++)
	{
		const char *cell = cells[i] ? cells[i] : "";

		widths[i % columns] = Max(widths[i % columns],
								  viflo_shown_width(cell, strlen(cell)));
	}
	for (int r = 0; r < rows; r++)
	{
		int			pending = 0;
		bool		any = false;

		for (int c = 0; c < columns; c++)
		{
			const char *cell = cells[r * columns + c];

			if (widths[c] == 0)
				continue;
			if (any)
				pending += 2;
			any = true;
			if (cell != NULL && cell[0] != '\0')
			{
				char	   *shown = viflo_shown(cell, strlen(cell));

				printf("%*s%s", pending, "", shown);
				pending = widths[c] - viflo_shown_width(cell, strlen(cell));
				pfree(shown);
			}
			else
				pending += widths[c];
		}
		putchar('\n');
	}
	pfree(widths);
}

char *
viflo_output_duration(const char *milliseconds)
{
	double		value = milliseconds ? atof(milliseconds) : 0;

	if (value < 1000)
		return psprintf("(%.0f ms)", value);
	return psprintf("(%.2f s)", value / 1000);
}

static void
say(const char *kind, const char *color, const char *fmt, va_list args)
{
	fflush(stdout);
	viflo_status_erase();
	fputs("viflo: ", stderr);
	if (kind != NULL && output_color)
		fprintf(stderr, "\033[%sm%s:\033[0m ", color, kind);
	else if (kind != NULL)
		fprintf(stderr, "%s: ", kind);
	print_lines(stderr, fmt, args);
	putc('\n', stderr);
}

void
viflo_output_warning(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	say("warning", "35", fmt, args);
	va_end(args);
}

void
viflo_output_note(const char *fmt,...)
{
	va_list		args;

	if (output_quiet)
		return;
	va_start(args, fmt);
	say(NULL, NULL, fmt, args);
	va_end(args);
}

void
viflo_output_verbose(const char *fmt,...)
{
	va_list		args;

	if (!output_verbose)
		return;
	va_start(args, fmt);
	say(NULL, NULL, fmt, args);
	va_end(args);
}

/*
 * Shows a line with a caret under column (1-based, characters; 0: none).  Of
 * a long line only the part around the caret is shown.
 */
static void
show_line(const char *line, int number, int column)
{
	StringInfoData margin;
	int			length = strlen(line);
	int			start = 0;
	int			at = 0;
	int			before = 0;		/* columns from start to at */
	int			width;
	int			bytes;
	int			end;

	for (int c = 1; c < column && at < length; c++, at += bytes)
		before += viflo_shown_character(line + at, length - at, &bytes);
	for (; before > EXCERPT_WIDTH * 2 / 3; start += bytes)
		before -= viflo_shown_character(line + start, length - start, &bytes);
	width = 0;
	for (end = start; end < length && width < EXCERPT_WIDTH; end += bytes)
		width += viflo_shown_character(line + end, length - end, &bytes);

	initStringInfo(&margin);
	if (number > 0)
		appendStringInfo(&margin, "%5d", number);
	else
		appendStringInfoString(&margin, "     ");
	fprintf(stderr, "%s | %s%s%s\n", margin.data, start > 0 ? "..." : "",
			viflo_shown(line + start, end - start), end < length ? "..." : "");
	if (column > 0)
		fprintf(stderr, "%*s | %*s%s^%s\n", margin.len, "",
				(start > 0 ? 3 : 0) + before, "",
				output_color ? "\033[32m" : "", output_color ? "\033[0m" : "");
	pfree(margin.data);
}

/* The line of query that position, a character, falls on; with a caret. */
static void
show_query(const char *query, int position)
{
	const char *start = query;
	const char *at = query;
	int			column = 1;
	char	   *line;

	for (int i = 1; i < position && *at != '\0'; i++)
	{
		if (*at == '\n')
		{
			start = at + 1;
			column = 0;
		}
		at += strnlen(at, pg_utf_mblen((const unsigned char *) at));
		column++;
	}
	line = pnstrdup(start, strcspn(start, "\r\n"));
	show_line(line, 0, column);
	pfree(line);
}

static void
show_part(const char *title, const char *text)
{
	if (text != NULL && text[0] != '\0')
		fprintf(stderr, "%s:  %s\n", title, viflo_shown_lines(text));
}

json_t *
viflo_output_failure_document(const VifloFailure *failure)
{
	json_t	   *document = json_object();

	json_object_set_new(document, "error", json_true());
	json_object_set_new(document, "status", json_integer(failure->status));
	json_object_set_new(document, "sqlstate", viflo_output_json_string(failure->sqlstate));
	json_object_set_new(document, "message", viflo_output_json_string(failure->message));
	json_object_set_new(document, "detail", viflo_output_json_string(failure->detail));
	json_object_set_new(document, "hint", viflo_output_json_string(failure->hint));
	json_object_set_new(document, "context", viflo_output_json_string(failure->context));
	json_object_set_new(document, "file", viflo_output_json_string(failure->file));
	json_object_set_new(document, "line", failure->line > 0 ?
						json_integer(failure->line) : json_null());
	json_object_set_new(document, "column", failure->column > 0 ?
						json_integer(failure->column) : json_null());
	return document;
}

/* kind is "error" or "warning", in this color on a terminal. */
static void
show_failure(const VifloFailure *failure, const char *kind, const char *color)
{
	fflush(stdout);
	viflo_status_erase();
	if (failure->file != NULL)
	{
		fprintf(stderr, "%s:", viflo_shown(failure->file, strlen(failure->file)));
		if (failure->line > 0)
			fprintf(stderr, "%d:", failure->line);
		if (failure->line > 0 && failure->column > 0)
			fprintf(stderr, "%d:", failure->column);
	}
	else
		fputs("viflo:", stderr);
	if (output_color)
		fprintf(stderr, " \033[%sm%s:\033[0m ", color, kind);
	else
		fprintf(stderr, " %s: ", kind);
	fputs(failure->message ? viflo_shown_lines(failure->message) : "unknown", stderr);
	if (failure->sqlstate != NULL)
		fprintf(stderr, " (SQLSTATE %s)", failure->sqlstate);
	putc('\n', stderr);
	if (failure->source != NULL)
		show_line(failure->source, failure->line, failure->column);
	if (failure->query != NULL)
		show_query(failure->query, failure->query_position);
	show_part("DATABASE", failure->database);
	show_part("DETAIL", failure->detail);
	show_part("HINT", failure->hint);
	show_part("CONTEXT", failure->context);
	show_part("KEPT", failure->kept);
}

void
viflo_output_placed_warning(const VifloFailure *warning)
{
	show_failure(warning, "warning", "35");
}

void
viflo_output_placed_error(const VifloFailure *failure)
{
	show_failure(failure, "error", "1;31");
}

int
viflo_output_failure_more(const VifloFailure *failure, json_t *more)
{
	show_failure(failure, "error", "1;31");
	if (output_json)
	{
		json_t	   *document = viflo_output_failure_document(failure);

		if (more != NULL)
			json_object_update(document, more);
		viflo_output_json(document);
	}
	json_decref(more);
	return failure->status;
}

int
viflo_output_failure(const VifloFailure *failure)
{
	return viflo_output_failure_more(failure, NULL);
}

static void
handle_broken_pipe(int signo)
{
}

void
viflo_output_outlive_reader(void)
{
	struct sigaction action;

	/* A handler, as what is ignored would be so by programs run from here. */
	memset(&action, 0, sizeof(action));
	action.sa_handler = handle_broken_pipe;
	sigemptyset(&action.sa_mask);
	action.sa_flags = SA_RESTART;
	sigaction(SIGPIPE, &action, NULL);
}

int
viflo_output_finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
	{
		fprintf(stderr, "viflo: error: could not write to standard output: %m\n");
		return status != VIFLO_EXIT_DONE ? status : VIFLO_EXIT_REFUSED;
	}
	return status;
}
