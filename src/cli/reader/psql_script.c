/*-------------------------------------------------------------------------
 * psql_script.c
 *	  Scripts that are psql's, not just SQL: what psql itself would send.
 *
 * A file is read line by line, as psql's MainLoop does it: psqlscan finds the
 * ends of statements, replaces variables, and stops at each backslash outside
 * of quotes and comments, from where psql_command.c goes on.  Each file has a
 * lexer of its own.  Data that follow a COPY ... FROM stdin are passed on
 * untouched up to their "\.".
 *
 * Rules: psql's mainloop.c, psqlscan.l.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/psql_command.h"
#include "cli/reader/psql_script.h"
#include "fe_utils/psqlscan_int.h"
#include "fe_utils/string_utils.h"
#include "mb/pg_wchar.h"

/* For psqlscan, which frees the result. */
static char *
get_variable(const char *name, PsqlScanQuoteType quote, void *passthrough)
{
	VifloPsqlSource *source = passthrough;
	const char *value = viflo_psql_known_value(source, name);
	PQExpBufferData buf;

	if (value == NULL)
		return NULL;
	initPQExpBuffer(&buf);
	if (quote == PQUOTE_PLAIN)
		appendPQExpBufferStr(&buf, value);
	else if (quote == PQUOTE_SQL_LITERAL)
		appendStringLiteral(&buf, value, PG_UTF8, true);
	else
	{
		appendPQExpBufferChar(&buf, '"');
		for (; *value != '\0'; value++)
		{
			if (*value == '"')
				appendPQExpBufferChar(&buf, '"');
			appendPQExpBufferChar(&buf, *value);
		}
		appendPQExpBufferChar(&buf, '"');
	}
	return buf.data;
}

static const PsqlScanCallbacks callbacks = {.get_variable = get_variable};

/*
 * Before a line: says which it is where counting would go wrong.  Only between
 * statements, as a comment is one nowhere else for sure.
 */
static void
keep_count(VifloPsqlSource *source)
{
	VifloPsqlRun *run = source->run;
	char	   *mark;

	if ((run->file == source->file && run->line == source->line) ||
		source->copies > 0 || !viflo_psql_between(source) ||
		psql_scan_in_quote(source->scan))
		return;
	mark = psprintf("-- viflo at %d %s\n", source->line, source->file->name);
	viflo_psql_put(run, mark, strlen(mark));
	pfree(mark);
	run->file = source->file;
	run->line = source->line;
}

/* Takes what the lexer has given out, after the byte it began with. */
static void
take_piece(VifloPsqlSource *source, PQExpBuffer piece)
{
	if (conditional_active(source->conditions))
	{
		viflo_psql_put(source->run, piece->data + 1, piece->len - 1);
		appendBinaryStringInfo(&source->statement, piece->data + 1, piece->len - 1);
	}
	resetPQExpBuffer(piece);
	appendPQExpBufferChar(piece, ' ');
}

/*
 * Where in its line the lexer has stopped: it ends its buffer there while it
 * waits.  NULL: within the value of a variable.
 */
static const char *
stopped_at(PsqlScanState scan, const char *line)
{
	return scan->buffer_stack == NULL ? line + strlen(scan->scanbuf) : NULL;
}

/*
 * Reads one line, without its end.  White space and comments that begin a
 * statement come out only if something is in the lexer's buffer before them.
 */
static bool
scan_line(VifloPsqlSource *source, const char *line, size_t length)
{
	const char *end = line + length;
	PQExpBufferData piece;
	bool		good = true;

	initPQExpBuffer(&piece);
	appendPQExpBufferChar(&piece, ' ');
	psql_scan_setup(source->scan, line, length, PG_UTF8, true);
	while (good && !source->ended)
	{
		promptStatus_t prompt;
		PsqlScanResult result = psql_scan(source->scan, &piece, &prompt);

		take_piece(source, &piece);
		if (result == PSCAN_SEMICOLON)
			viflo_psql_end_statement(source);
		else if (result != PSCAN_BACKSLASH)
			break;
		else if ((line = stopped_at(source->scan, line)) == NULL)
			good = viflo_psql_fail(source, "the value of a variable has a backslash command");
		else
		{
			psql_scan_finish(source->scan);
			good = viflo_psql_command(source, &line, end);
			psql_scan_setup(source->scan, line, end - line, PG_UTF8, true);
		}
	}
	psql_scan_finish(source->scan);
	termPQExpBuffer(&piece);
	return good && source->run->failure->message == NULL;
}

/* One line of the file, its end included. */
static bool
read_line(VifloPsqlSource *source, const char *line, const char *end)
{
	const char *text_end = end > line && end[-1] == '\n' ? end - 1 : end;

	keep_count(source);
	if (source->copies > 0)
	{
		size_t		length = text_end - line;

		viflo_psql_put(source->run, line, end - line);
		if (length > 0 && line[length - 1] == '\r')
			length--;
		source->copies -= length == 2 && memcmp(line, "\\.", 2) == 0;
		return true;
	}
	if (!scan_line(source, line, text_end - line))
		return false;
	if (text_end < end)
	{
		viflo_psql_put(source->run, "\n", 1);
		if (source->statement.len > 0)
			appendStringInfoChar(&source->statement, '\n');
	}
	return true;
}

/* What must not be left open at the end of a file. */
static bool
end_file(VifloPsqlSource *source)
{
	if (!conditional_stack_empty(source->conditions))
		return viflo_psql_fail(source, "\\if without an \\endif");
	if (source->run->depth == 1)
		return true;
	if (psql_scan_in_quote(source->scan))
		return viflo_psql_fail(source, "included file ends within a quoted string or comment");
	if (source->run->out.len > 0 && source->run->out.data[source->run->out.len - 1] != '\n')
		viflo_psql_put(source->run, "\n", 1);
	if (source->copies > 0)
		viflo_psql_put(source->run, "\\.\n", 3);
	if (!viflo_psql_between(source))
		viflo_psql_put(source->run, ";\n", 2);
	return true;
}

/* Puts in what psql would send of file. */
static bool
include(VifloPsqlRun *run, const VifloFile *file)
{
	VifloPsqlSource source = {.run = run,.file = file};
	const char *line = file->text;
	const char *end = file->text + file->length;
	bool		good = true;

	if (!viflo_folder_check_text(run->folder, file, run->failure))
		return false;
	if (file->length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0)
		line += 3;
	run->depth++;
	initStringInfo(&source.statement);
	source.scan = psql_scan_create(&callbacks);
	psql_scan_set_passthrough(source.scan, &source);
	source.conditions = conditional_stack_create();
	while (good && line < end && !source.ended)
	{
		const char *next = memchr(line, '\n', end - line);

		next = next ? next + 1 : end;
		source.line++;
		good = read_line(&source, line, next);
		line = next;
	}
	good = good && end_file(&source);
	psql_scan_destroy(source.scan);
	conditional_stack_destroy(source.conditions);
	pfree(source.statement.data);
	run->depth--;
	return good;
}

bool
viflo_psql_section(const VifloFolder *folder, const VifloFile *file,
				   VifloHistory *history, const VifloNames *given,
				   VifloSection *section, VifloFailure *failure)
{
	VifloPsqlRun run = {
		.folder = folder,
		.history = history,
		.failure = failure,
		.given = given,
		.include = include,
		.file = file,
		.line = 1
	};

	memset(failure, 0, sizeof(*failure));
	initStringInfo(&run.out);
	return include(&run, file) &&
		viflo_reader_part(folder, file, history, run.out.data, run.out.len, 1,
						  section, failure);
}
