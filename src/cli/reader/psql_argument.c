/*-------------------------------------------------------------------------
 * psql_argument.c
 *	  Arguments of psql's backslash commands.
 *
 * Words between blanks, up to the end of the line or an unquoted backslash.
 * In single quotes there are escapes, in double quotes nothing is special and
 * the quotes stay, a text in backticks, with variables replaced, is a program
 * whose output it gives.
 *
 * Rules: psql's psqlscanslash.l, which no library has.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/program.h"
#include "cli/reader/psql_argument.h"
#include "fe_utils/string_utils.h"

static bool
is_space(char c)
{
	return c != '\0' && strchr(" \t\r\n\f\v", c) != NULL;
}

static bool
is_name(char c)
{
	return isalnum((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

bool
viflo_psql_program(VifloPsqlSource *source, const char *command, StringInfo out)
{
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	VifloPsqlRun *run = source->run;
	VifloFailure why;

	if (!run->history->settings->allow_programs)
	{
		viflo_psql_fail(source, "script wants to run a program: %s", command);
		viflo_failure_hint(run->failure, "--allow-programs lets scripts run programs on this machine.");
		return false;
	}
	run->history->outside = true;
	if (viflo_program_run(argv, run->folder->fd, out, &why))
		return true;
	viflo_psql_fail(source, "%s", why.message);
	run->failure->detail = why.detail ? why.detail : psprintf("Command: %s", command);
	return false;
}

/* The character that the escape at *at stands for. */
static char
read_escape(const char **at, const char *end)
{
	static const char letters[] = "nbtrf";
	static const char meanings[] = "\n\b\t\r\f";
	const char *letter = strchr(letters, **at);
	int			base = **at == 'x' ? 16 : 8;
	int			most = base == 16 ? 2 : 3;
	int			value = 0;
	const char *p = base == 16 ? *at + 1 : *at;
	const char *first = p;

	if (letter != NULL)
	{
		(*at)++;
		return meanings[letter - letters];
	}
	for (; p < end && p - first < most; p++)
	{
		int			digit = isdigit((unsigned char) *p) ? *p - '0' :
		isxdigit((unsigned char) *p) ? pg_tolower((unsigned char) *p) - 'a' + 10 : 16;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	if (p == first)
		return *(*at)++;
	*at = p;
	return (char) value;
}

/* A text in single quotes, the first of which is taken. */
static bool
read_quoted(VifloPsqlSource *source, const char **at, const char *end, StringInfo to)
{
	while (*at < end)
	{
		char		c = *(*at)++;

		if (c == '\'' && (*at == end || **at != '\''))
			return true;
		if (c == '\'')
			(*at)++;
		else if (c == '\\' && *at < end)
			c = read_escape(at, end);
		if (c == '\0')
			return viflo_psql_fail(source, "NUL byte in an argument of a backslash command");
		appendStringInfoChar(to, c);
	}
	return viflo_psql_fail(source, "unterminated quoted string");
}

/*
 * A variable within backticks, from its colon on: name, or 'name' as an
 * argument for the shell.  False: it is none, or has no value.
 */
static bool
read_shell_variable(VifloPsqlSource *source, const char **at, const char *end,
					StringInfo to)
{
	bool		quoted = end - *at > 1 && (*at)[1] == '\'';
	const char *name = *at + 1 + quoted;
	const char *p = name;
	const char *value;
	PQExpBufferData argument;

	while (p < end && is_name(*p))
		p++;
	if (p == name || (quoted && (p == end || *p != '\'')))
		return false;
	value = viflo_psql_known_value(source, pnstrdup(name, p - name));
	if (value == NULL)
		return false;
	*at = p + quoted;
	if (!quoted)
	{
		appendStringInfoString(to, value);
		return true;
	}
	initPQExpBuffer(&argument);
	if (!appendShellStringNoError(&argument, value))
		viflo_psql_fail(source, "argument of a program contains a newline or carriage return");
	appendBinaryStringInfo(to, argument.data, argument.len);
	termPQExpBuffer(&argument);
	return true;
}

/* A program in backticks, the first of which is taken. */
static bool
read_program(VifloPsqlSource *source, const char **at, const char *end, StringInfo to)
{
	const char *close = memchr(*at, '`', end - *at);
	StringInfoData command;
	bool		good;

	if (close == NULL)
		return viflo_psql_fail(source, "unterminated quoted string");
	initStringInfo(&command);
	while (*at < close)
	{
		if (**at != ':' || !read_shell_variable(source, at, close, &command))
			appendStringInfoChar(&command, *(*at)++);
	}
	good = source->run->failure->message == NULL &&
		viflo_psql_program(source, command.data, to);
	if (good && to->len > 0 && to->data[to->len - 1] == '\n')
		to->data[--to->len] = '\0';
	*at = close + 1;
	return good;
}

/*
 * A variable after its colon: name, 'name', "name", {?name}.  False: it is
 * none, or has no value, and the text stays.
 */
static bool
read_variable(VifloPsqlSource *source, const char **at, const char *end,
			  bool printed, StringInfo to)
{
	const char *p = *at;
	bool		test = end - p > 2 && p[0] == '{' && p[1] == '?';
	char		quote = !test && p < end && (*p == '\'' || *p == '"') ? *p : '\0';
	const char *name = p + (test ? 2 : quote != '\0' ? 1 : 0);
	const char *value;

	for (p = name; p < end && is_name(*p);)
		p++;
	if (p == name || ((test || quote != '\0') && (p == end || *p != (test ? '}' : quote))))
		return false;
	name = pnstrdup(name, p - name);
	value = printed ? viflo_psql_value(source->run, name) : viflo_psql_known_value(source, name);
	if (test)
		value = value ? "TRUE" : "FALSE";
	if (value == NULL)
		return false;
	if (quote != '\0')
		appendStringInfoChar(to, quote);
	for (; *value != '\0'; value++)
	{
		if (*value == quote)
			appendStringInfoChar(to, quote);
		appendStringInfoChar(to, *value);
	}
	if (quote != '\0')
		appendStringInfoChar(to, quote);
	*at = p + (test || quote != '\0');
	return true;
}

char *
viflo_psql_argument(VifloPsqlSource *source, const char **at, const char *end,
					bool printed, bool *good)
{
	StringInfoData word;

	while (*at < end && is_space(**at))
		(*at)++;
	if (*at == end || **at == '\\')
		return NULL;
	initStringInfo(&word);
	while (*good && *at < end && !is_space(**at) && **at != '\\')
	{
		char		c = *(*at)++;
		const char *close;

		if (c == '\'')
			*good = read_quoted(source, at, end, &word);
		else if (c == '`')
			*good = read_program(source, at, end, &word);
		else if (c == '"')
		{
			close = memchr(*at, '"', end - *at);
			if (close == NULL)
				*good = viflo_psql_fail(source, "unterminated quoted string");
			else
			{
				appendBinaryStringInfo(&word, *at - 1, close + 2 - *at);
				*at = close + 1;
			}
		}
		else if (c != ':' || !read_variable(source, at, end, printed, &word))
			appendStringInfoChar(&word, c);
		*good &= source->run->failure->message == NULL;
	}
	return *good ? word.data : NULL;
}

void
viflo_psql_skip_arguments(const char **at, const char *end)
{
	while (*at < end && **at != '\\')
	{
		char		quote = *(*at)++;

		if (strchr("'\"`", quote) == NULL)
			continue;
		while (*at < end && **at != quote)
			*at += quote == '\'' && **at == '\\' && *at + 1 < end ? 2 : 1;
		if (*at < end)
			(*at)++;
	}
}
