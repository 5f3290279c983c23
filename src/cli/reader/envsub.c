/*-------------------------------------------------------------------------
 * envsub.c
 *	  Variables in a line as a shell has them.
 *
 * A recursive descent over the line, as a default may hold variables again.
 * What is not used (the default of a variable with a value) is read all the
 * same, into a buffer that is thrown away, and may not be wrong either.
 *
 * Rules: the package interpolate that goose uses, its parser and expansions.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/envsub.h"
#include "cli/reader/placeholder.h"

/* Defaults within defaults; more is no text of anybody's. */
#define MAX_DEPTH	50

typedef struct Parser
{
	VifloHistory *history;
	const char *p;
	const char *end;
	int			depth;
	bool		unused;			/* what is read now goes nowhere */
	char	  **unset;
	char	   *error;
} Parser;

static bool expand_text(Parser *parser, char stop, StringInfo out);

static bool
fail(Parser *parser, const char *what)
{
	if (parser->error == NULL)
		parser->error = pstrdup(what);
	return false;
}

static bool
at(const Parser *parser, const char *with)
{
	size_t		length = strlen(with);

	return parser->end - parser->p >= length && memcmp(parser->p, with, length) == 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The name that begins here, or NULL. */
static char *
read_name(Parser *parser)
{
	const char *start = parser->p;

	if (parser->p == parser->end || !is_letter(*parser->p))
	{
		fail(parser, "the name of a variable must begin with a letter");
		return NULL;
	}
	while (parser->p < parser->end &&
		   (is_letter(*parser->p) || (*parser->p >= '0' && *parser->p <= '9') ||
			*parser->p == '_'))
		parser->p++;
	return pnstrdup(start, parser->p - start);
}

static void
append_value(Parser *parser, const char *name, const char *value, StringInfo out)
{
	if (value != NULL)
		appendStringInfoString(out, value);
	else if (!parser->unused && *parser->unset == NULL)
		*parser->unset = pstrdup(name);
}

/* ${NAME:-text} and its like, at text: used unless there is a value. */
static bool
expand_default(Parser *parser, const char *value, StringInfo out)
{
	bool		outer = parser->unused;
	StringInfoData rest;
	bool		good;

	initStringInfo(&rest);
	parser->unused = outer || value != NULL;
	good = expand_text(parser, '}', &rest);
	parser->unused = outer;
	if (good)
		appendStringInfoString(out, value != NULL ? value : rest.data);
	pfree(rest.data);
	return good;
}

/* ${NAME?text}, at text. */
static bool
expand_required(Parser *parser, const char *name, const char *value, StringInfo out)
{
	bool		outer = parser->unused;
	StringInfoData message;
	bool		good;

	initStringInfo(&message);
	parser->unused = true;
	good = expand_text(parser, '}', &message);
	parser->unused = outer;
	if (good && value == NULL && !outer)
		good = fail(parser, psprintf("variable \"%s\" is not set: %s", name,
									 message.len > 0 ? message.data : "it is required"));
	if (good && value != NULL)
		appendStringInfoString(out, value);
	pfree(message.data);
	return good;
}

/* The number up to ":" or "}", with blanks around it. */
static bool
read_number(Parser *parser, int64 *number)
{
	const char *start = parser->p;
	VifloSpan	span;
	char	   *text;
	char	   *end;

	while (parser->p < parser->end && *parser->p != ':' && *parser->p != '}')
		parser->p++;
	span.start = start;
	span.end = parser->p;
	text = viflo_span_copy(viflo_span_trim(span));
	errno = 0;
	*number = strtoi64(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' ||
		*number < PG_INT32_MIN || *number > PG_INT32_MAX)
		return fail(parser, "the part of a variable must be given in numbers");
	return true;
}

/* ${NAME:from} and ${NAME:from:count}, at from. */
static bool
expand_bytes(Parser *parser, const char *name, const char *value, StringInfo out)
{
	int64		length = value ? strlen(value) : 0;
	int64		from;
	int64		to = length;

	if (!read_number(parser, &from))
		return false;
	from = from < 0 ? Max(from + length, 0) : Min(from, length);
	if (parser->p < parser->end && *parser->p == ':')
	{
		parser->p++;
		if (!read_number(parser, &to))
			return false;
		to = to >= 0 ? Min(to + from, length) : Max(to + length, from);
	}
	if (value != NULL)
		appendBinaryStringInfo(out, value + from, to - from);
	else
		append_value(parser, name, NULL, out);
	return true;
}

/* ${...}, after the brace. */
static bool
expand_brace(Parser *parser, StringInfo out)
{
	char	   *name = read_name(parser);
	const char *value;
	bool		good;

	if (name == NULL)
		return false;
	value = viflo_placeholders_value(parser->history, name);
	if (at(parser, "}"))
	{
		append_value(parser, name, value, out);
		good = true;
	}
	else if (at(parser, ":-"))
	{
		parser->p += 2;
		good = expand_default(parser, value && *value ? value : NULL, out);
	}
	else if (at(parser, ":"))
	{
		parser->p++;
		good = expand_bytes(parser, name, value, out);
	}
	else if (at(parser, "-"))
	{
		parser->p++;
		good = expand_default(parser, value, out);
	}
	else if (at(parser, "?"))
	{
		parser->p++;
		good = expand_required(parser, name, value, out);
	}
	else
		good = fail(parser, psprintf("\"${%s\" must be followed by one of } :- - ? :", name));
	if (good && !at(parser, "}"))
		good = fail(parser, psprintf("\"${%s\" is not closed", name));
	parser->p++;
	return good;
}

/* A variable, at its "$", which is not the last of the line. */
static bool
expand_variable(Parser *parser, StringInfo out)
{
	char	   *name;

	parser->history->outside = true;
	parser->p++;
	if (*parser->p == '{')
	{
		parser->p++;
		return expand_brace(parser, out);
	}
	name = read_name(parser);
	if (name != NULL)
		append_value(parser, name, viflo_placeholders_value(parser->history, name), out);
	return name != NULL;
}

/* Text up to stop, or '\0': up to the end. */
static bool
expand_text(Parser *parser, char stop, StringInfo out)
{
	if (++parser->depth > MAX_DEPTH)
		return fail(parser, "variables are nested too deeply");
	while (parser->p < parser->end && (stop == '\0' || *parser->p != stop))
	{
		if (at(parser, "\\$") || at(parser, "$$"))
		{
			appendStringInfoChar(out, '$');
			parser->p += 2;
		}
		else if (at(parser, "\\\\") || at(parser, "$("))
		{
			appendBinaryStringInfo(out, parser->p, 2);
			parser->p += 2;
		}
		else if (*parser->p == '$' && parser->p + 1 < parser->end)
		{
			if (!expand_variable(parser, out))
				return false;
		}
		else
			appendStringInfoChar(out, *parser->p++);
	}
	parser->depth--;
	return true;
}

bool
viflo_envsub_line(VifloHistory *history, VifloSpan line, StringInfo out,
				  char **unset, char **error)
{
	Parser		parser = {.history = history,.p = line.start,.end = line.end,.unset = unset};

	if (expand_text(&parser, '\0', out))
		return true;
	*error = parser.error;
	return false;
}
