/*-------------------------------------------------------------------------
 * goose.c
 *	  goose: NUMBER_name.sql, up and down in one file.
 *
 * Lines "-- +goose WORD", at the beginning of a line and in any case, also
 * inside of strings and functions: Up and Down begin the parts; StatementBegin
 * and StatementEnd keep a statement together, which nobody needs here, but
 * one without the other is an error; NO TRANSACTION holds for the whole file;
 * between ENVSUB ON and ENVSUB OFF variables are replaced (envsub.h), but not
 * in comments between statements, for which ends of statements are found as
 * goose finds them: a ";" at the end of a line.  Any other word is an error.
 *
 * A last statement without ";", which goose refuses, is taken.  Migrations in
 * Go cannot be run; a file of that kind is an error.
 *
 * Rules: goose's internal/sqlparser/parser.go, NumericComponent() in
 * migration.go, create.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/envsub.h"
#include "cli/reader/numbered.h"
#include "cli/reader/part.h"
#include "common/checksum.h"

#define DIRECTIVE	"+goose"

typedef enum Word
{
	WORD_UP,
	WORD_DOWN,
	WORD_STATEMENT_BEGIN,
	WORD_STATEMENT_END,
	WORD_NO_TRANSACTION,
	WORD_ENVSUB_ON,
	WORD_ENVSUB_OFF,
	WORD_NONE
} Word;

static const char *const words[WORD_NONE] = {
	"Up", "Down", "StatementBegin", "StatementEnd", "NO TRANSACTION", "ENVSUB ON",
	"ENVSUB OFF"
};

/* A file being read. */
typedef struct Parser
{
	const VifloFolder *folder;
	const VifloFile *file;
	VifloHistory *history;
	VifloFailure *failure;
	int			line;
	VifloPart	up;
	VifloPart	down;
	VifloPart  *part;			/* the one that lines go to; NULL before Up */
	int			begin;			/* line of an open StatementBegin, or 0 */
	bool		open;			/* a statement has begun and not ended */
	bool		envsub;
	bool		no_transaction;
} Parser;

static const char *
find_text(VifloSpan span, const char *what)
{
	size_t		length = strlen(what);

	for (const char *p = span.start; span.end - p >= length; p++)
	{
		p = memchr(p, what[0], span.end - p - length + 1);
		if (p == NULL || memcmp(p, what, length) == 0)
			return p;
	}
	return NULL;
}

/* Would goose look for a word in this line? */
static bool
is_directive(VifloSpan line)
{
	return viflo_line_begins(line, true, "--") && find_text(line, DIRECTIVE) != NULL;
}

static bool
goose_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 &&
		viflo_numbered_split(file, 0, VIFLO_NUMBERED_SQL, part) &&
		part->name[part->digits] == '_';
}

static bool
is_go_migration(const VifloFile *file)
{
	size_t		digits = strspn(file->name, "0123456789");

	return file->dir_length == 0 && digits > 0 && file->name[digits] == '_' &&
		viflo_has_suffix(file->name, ".go") && !viflo_has_suffix(file->name, "_test.go");
}

static bool
goose_wants(const char *name, int dir_length)
{
	VifloFile	file = {.name = unconstify(char *, name),.dir_length = dir_length};

	return is_go_migration(&file);
}

/* Sure of a directive at the beginning of any line. */
static VifloClaim
goose_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloSpan	text = {file->text, file->text + file->length};
	VifloNumbered part;
	const char *found;

	if (is_go_migration(file))
		return VIFLO_CLAIM_NAME;
	if (file->dir_length > 0 || !viflo_has_suffix(file->name, ".sql"))
		return VIFLO_CLAIM_NONE;
	while ((found = find_text(text, DIRECTIVE)) != NULL)
	{
		const char *p = found;

		while (p > file->text && viflo_is_blank(p[-1]))
			p--;
		if (p - file->text >= 2 && p[-1] == '-' && p[-2] == '-' &&
			(p - file->text == 2 || p[-3] == '\n' || p[-3] == '\xbf'))
			return VIFLO_CLAIM_SURE;
		text.start = found + 1;
	}
	return goose_take(file, &part) ? VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

static const char *
goose_refuse(const VifloFile *file)
{
	if (is_go_migration(file))
		return "a migration in Go cannot be run";
	if (goose_claims(NULL, file) == VIFLO_CLAIM_SURE)
		return "name of a goose migration does not begin with a number and \"_\"";
	return NULL;
}

/* Which word does a directive say?  -- and the first +goose do not count. */
static Word
read_word(VifloSpan line)
{
	const char *directive = find_text(line, DIRECTIVE);
	StringInfoData text;
	VifloSpan	rest;
	Word		word = 0;

	initStringInfo(&text);
	for (const char *p = line.start; p < line.end;)
	{
		if (p == directive)
			p += strlen(DIRECTIVE);
		else if (line.end - p >= 2 && p[0] == '-' && p[1] == '-')
			p += 2;
		else
			appendStringInfoChar(&text, *p++);
	}
	rest.start = text.data;
	rest.end = text.data + text.len;
	rest = viflo_span_trim(rest);
	text.data[rest.end - text.data] = '\0';
	while (word < WORD_NONE && pg_strcasecmp(rest.start, words[word]) != 0)
		word++;
	pfree(text.data);
	return word;
}

static bool
fail(Parser *parser, const char *message)
{
	return viflo_failure_file(parser->failure,
							  viflo_folder_path(parser->folder, parser->file->name),
							  parser->line, NULL, "%s", message);
}

/* Begins a part; the lines up to the next directive of this kind are its. */
static bool
begin_part(Parser *parser, Word word, VifloPart *part)
{
	if (parser->begin > 0)
		return fail(parser, psprintf("\"-- +goose %s\" before the StatementEnd of line %d",
									 words[word], parser->begin));
	if (part->first_line > 0 || (word == WORD_UP && parser->part != NULL))
		return fail(parser, psprintf("second \"-- +goose %s\"", words[word]));
	if (word == WORD_DOWN && parser->part == NULL)
		return fail(parser, "\"-- +goose Down\" before \"-- +goose Up\"");
	parser->part = part;
	parser->open = false;
	viflo_part_begin(part, parser->line + 1);
	return true;
}

static bool
read_directive(Parser *parser, VifloSpan line)
{
	Word		word = read_word(line);

	if (viflo_is_blank(*line.start))
		return fail(parser, "white space before a goose directive");
	switch (word)
	{
		case WORD_UP:
			return begin_part(parser, word, &parser->up);
		case WORD_DOWN:
			return begin_part(parser, word, &parser->down);
		case WORD_STATEMENT_BEGIN:
			if (parser->part == NULL)
				return fail(parser, "\"-- +goose StatementBegin\" before \"-- +goose Up\"");
			if (parser->begin > 0)
				return fail(parser, psprintf("second \"-- +goose StatementBegin\" after that of line %d",
											 parser->begin));
			parser->begin = parser->line;
			return true;
		case WORD_STATEMENT_END:
			if (parser->begin == 0)
				return fail(parser, "\"-- +goose StatementEnd\" without a StatementBegin");
			parser->begin = 0;
			parser->open = false;
			return true;
		case WORD_NO_TRANSACTION:
			parser->no_transaction = true;
			return true;
		case WORD_ENVSUB_ON:
			parser->envsub = true;
			return true;
		case WORD_ENVSUB_OFF:
			parser->envsub = false;
			return true;
		case WORD_NONE:
			break;
	}
	fail(parser, psprintf("unknown goose directive: %s", viflo_span_copy(viflo_span_trim(line))));
	viflo_failure_hint(parser->failure, "Directives are Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF.");
	return false;
}

/* Does a statement end with this line, as goose sees it? */
static bool
ends_statement(VifloSpan line)
{
	char		last = '\0';

	for (const char *p = line.start; p < line.end; p++)
	{
		bool		begins = p == line.start || viflo_is_blank(p[-1]);

		if (begins && line.end - p >= 2 && p[0] == '-' && p[1] == '-')
			break;
		if (!viflo_is_blank(*p))
			last = *p;
	}
	return last == ';';
}

/* Replaces variables in line, which then is a copy. */
static bool
substitute(Parser *parser, VifloSpan *line)
{
	StringInfoData text;
	char	   *unset = NULL;
	char	   *error;

	initStringInfo(&text);
	if (!viflo_envsub_line(parser->history, *line, &text, &unset, &error))
		return fail(parser, psprintf("cannot replace variables: %s", error));
	if (unset != NULL)
		viflo_reader_warn(parser->history, parser->folder, parser->file->name,
						  psprintf("line %d: variable \"%s\" is not set and becomes nothing",
								   parser->line, unset));
	line->start = text.data;
	line->end = text.data + text.len;
	return true;
}

static bool
read_line(Parser *parser, VifloSpan line)
{
	bool		comment = viflo_line_is_comment(line);

	if (is_directive(line))
		return read_directive(parser, line);
	if (parser->part == NULL)
	{
		if (comment || viflo_span_is_empty(viflo_span_trim(line)))
			return true;
		return fail(parser, "text before \"-- +goose Up\"");
	}
	/* Comments between statements are nothing to goose; here they stay. */
	if (parser->open || !(comment || viflo_span_is_empty(viflo_span_trim(line))))
	{
		if (parser->envsub && !substitute(parser, &line))
			return false;
		parser->open = parser->begin > 0 || !ends_statement(line);
	}
	viflo_part_add(parser->part, parser->line, line);
	return true;
}

static bool
read_file(Parser *parser)
{
	VifloLines	lines = viflo_lines_begin(parser->file->text, parser->file->length);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		parser->line = lines.number;
		if (!read_line(parser, line))
			return false;
	}
	if (parser->begin > 0)
	{
		parser->line = parser->begin;
		return fail(parser, "\"-- +goose StatementBegin\" without a StatementEnd");
	}
	if (parser->part == NULL)
	{
		parser->line = 0;
		return fail(parser, "no \"-- +goose Up\"");
	}
	return true;
}

static bool
goose_add(const VifloFolder *folder, VifloHistory *history,
		  const VifloNumbered *up, const VifloNumbered *down,
		  VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, true);
	Parser		parser = {.folder = folder,.file = up->file,.history = history,.failure = failure};

	if (!viflo_folder_check_text(folder, up->file, failure) || !read_file(&parser))
		return false;
	if (parser.no_transaction)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	return viflo_part_section(folder, up->file, history, &parser.up, &revision->up, failure) &&
		viflo_part_section(folder, up->file, history, &parser.down, &revision->down_section, failure);
}

static const VifloNumberedRules goose_rules = {
	.take = goose_take,
	.refuse = goose_refuse,
	.smallest = 1,
	.largest = PG_INT64_MAX,
	.ignored = "ignored, as goose wants a number and \"_\" at the beginning",
	.any_ignored = true,
	.add = goose_add,
};

static bool
goose_read(const VifloFolder *folder, VifloHistory *history,
		   VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &goose_rules, failure);
}

/*
 * A part of a new file.  goose splits at every ";" that ends a line, so that a
 * text with dollar quotes, or any that may be sent as a whole, is kept whole.
 */
static void
write_part(StringInfo file, Word word, const char *text, bool whole)
{
	appendStringInfo(file, "-- +goose %s\n", words[word]);
	if (text == NULL || text[strspn(text, " \t\r\n")] == '\0')
		appendStringInfoChar(file, '\n');
	else if (whole || strchr(text, '$') != NULL)
		appendStringInfo(file, "-- +goose StatementBegin\n%s%s-- +goose StatementEnd\n",
						 text, text[strlen(text) - 1] == '\n' ? "" : "\n");
	else
		appendStringInfo(file, "%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

/* Named by the time, as "goose create" does, or by the next number. */
static bool
goose_create(const VifloHistory *history, const VifloNewRevision *wanted,
			 char **id, VifloNewFiles *files, VifloFailure *failure)
{
	StringInfo	file;

	if (!viflo_part_check_new(wanted->up, is_directive, "goose", failure) ||
		!viflo_part_check_new(wanted->down, is_directive, "goose", failure))
		return false;
	*id = viflo_numbered_stem(viflo_numbered_next(history, &goose_rules, wanted->time, NULL), wanted);
	file = viflo_new_file(files, psprintf("%s.sql", *id));
	if (wanted->no_transaction)
		appendStringInfoString(file, "-- +goose NO TRANSACTION\n");
	write_part(file, WORD_UP, wanted->up, !wanted->no_transaction);
	if (wanted->down != NULL || wanted->up == NULL)
		write_part(file, WORD_DOWN, wanted->down, !wanted->no_transaction);
	return true;
}

const VifloReader viflo_reader_goose = {
	.name = "goose",
	.wants = goose_wants,
	.claims = goose_claims,
	.read = goose_read,
	.linear = true,
	.create = goose_create,
	.keeps_no_transaction = true,
};
