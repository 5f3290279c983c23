/*-------------------------------------------------------------------------
 * liquibase_text.c
 *	  One file of Liquibase's formatted SQL, taken apart line by line.
 *
 * A line is a command when it begins with "--" and the command's word, with
 * any white space before and between, in any case; all else is a change set's
 * SQL.  Attributes stand on the line of --changeset; of two of a name, the
 * last counts.
 *
 * Rules: Liquibase's AbstractFormattedChangeLogParser,
 * FormattedSqlChangeLogParser, DatabaseList, StringUtil.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/delimiter.h"
#include "cli/reader/liquibase_text.h"
#include "common/lines.h"
#include "common/sqlstate.h"

/* Where the pass over a file stands. */
typedef struct Pass
{
	VifloChangeLog *log;
	VifloChangeSet *set;		/* the current one, or NULL */
	VifloLines	lines;
	bool		comment;		/* within one before the first change set */
	VifloError *error;
} Pass;

static bool
fail_at(const Pass *pass, const char *what)
{
	return viflo_error_at(pass->error, VIFLO_INVALID_SCRIPT, pass->lines.number, "%s", what);
}

static bool
is_word(char c)
{
	return isalnum((unsigned char) c) || c == '_';
}

static VifloSpan
skip_blank(VifloSpan span)
{
	while (span.start < span.end && isspace((unsigned char) *span.start))
		span.start++;
	return span;
}

/* Takes word, in any case, from the beginning of *span. */
static bool
take(VifloSpan *span, const char *word)
{
	size_t		length = strlen(word);

	if (span->end - span->start < length || pg_strncasecmp(span->start, word, length) != 0)
		return false;
	span->start += length;
	return true;
}

/* The same for a word that ends there. */
static bool
take_word(VifloSpan *span, const char *word)
{
	VifloSpan	rest = *span;

	if (!take(&rest, word) || (rest.start < rest.end && is_word(*rest.start)))
		return false;
	*span = rest;
	return true;
}

/* Takes two words, or parts of them, with any white space between. */
static bool
take_two(VifloSpan *span, const char *first, const char *second)
{
	VifloSpan	rest = *span;

	if (!take(&rest, first))
		return false;
	rest = skip_blank(rest);
	if (!take(&rest, second))
		return false;
	*span = rest;
	return true;
}

/* Is the line a command's?  *command is then what follows the dashes. */
static bool
is_command(VifloSpan line, VifloSpan *command)
{
	*command = skip_blank(line);
	if (!take(command, "--"))
		return false;
	*command = viflo_span_trim(skip_blank(*command));
	return true;
}

bool
viflo_liquibase_is_formatted(const char *text, size_t length)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		VifloSpan	command;

		if (viflo_span_is_empty(skip_blank(line)))
			continue;
		return is_command(line, &command) && take_two(&command, "liquibase", "formatted");
	}
	return false;
}

static void
add_line(VifloLiquibaseLines *lines, int number, VifloSpan line)
{
	if (lines->first_line == 0)
	{
		initStringInfo(&lines->text);
		lines->first_line = number;
		lines->last_line = number - 1;
	}
	while (++lines->last_line < number)
		appendStringInfoChar(&lines->text, '\n');
	appendBinaryStringInfo(&lines->text, line.start, line.end - line.start);
	appendStringInfoChar(&lines->text, '\n');
}

/* Finds the last attribute name (with its colon): *rest is what follows it. */
static bool
find_attribute(VifloSpan attributes, const char *name, VifloSpan *rest)
{
	bool		found = false;

	for (const char *p = attributes.start; p < attributes.end; p++)
	{
		VifloSpan	after = {p, attributes.end};

		if ((p > attributes.start && is_word(p[-1])) || !take(&after, name))
			continue;
		*rest = after;
		found = true;
	}
	return found;
}

/* What the span has before the first white space, palloc'd. */
static char *
first_word(VifloSpan span)
{
	VifloSpan	word = {span.start, span.start};

	while (word.end < span.end && !isspace((unsigned char) *word.end))
		word.end++;
	return viflo_span_copy(word);
}

/* The value of attribute name, palloc'd, or NULL; quotes are part of it. */
static char *
attribute(VifloSpan attributes, const char *name)
{
	VifloSpan	rest;

	return find_attribute(attributes, name, &rest) ? first_word(rest) : NULL;
}

static bool
boolean_attribute(VifloSpan attributes, const char *name, bool standard)
{
	char	   *value = attribute(attributes, name);

	if (value == NULL || !is_word(value[0]))
		return standard;
	return pg_strncasecmp(value, "true", 4) == 0 && !is_word(value[4]);
}

/* Is PostgreSQL among databases, a list like "h2,postgresql" or "!oracle"? */
static bool
has_postgresql(char *databases)
{
	bool		named = false;
	bool		others = false;

	for (char *save = NULL, *item = strtok_r(databases, ",", &save); item; item = strtok_r(NULL, ",", &save))
	{
		if (pg_strcasecmp(item, "!postgresql") == 0 || pg_strcasecmp(item, "none") == 0)
			return false;
		named |= pg_strcasecmp(item, "postgresql") == 0 || pg_strcasecmp(item, "all") == 0;
		others |= item[0] != '!';
	}
	return named || !others;
}

/*
 * Does attribute dbms, where there is one, let PostgreSQL in?  Its value is
 * any character but a comma, then word characters, "!" and commas: so a quote
 * before the first name makes that another name, which is no database's.
 */
static bool
is_for_postgresql(VifloSpan attributes)
{
	VifloSpan	list;
	VifloSpan	rest;

	if (!find_attribute(attributes, "dbms:", &rest) || rest.start == rest.end || *rest.start == ',')
		return true;
	list.start = rest.start;
	list.end = rest.start + 1;
	while (list.end < rest.end && (is_word(*list.end) || *list.end == '!' || *list.end == ','))
		list.end++;
	return list.end - list.start < 2 || has_postgresql(viflo_span_copy(list));
}

/* Takes one half of author:id, which ends before stop unless it is quoted. */
static bool
take_name(VifloSpan *span, bool author, char **name)
{
	VifloSpan	found = *span;

	if (take(&found, "\""))
	{
		const char *close = memchr(found.start, '"', found.end - found.start);

		if (close == NULL)
			return false;
		span->start = close + 1;
		found.end = close;
	}
	else
	{
		found.end = found.start;
		while (found.end < span->end &&
			   (author ? *found.end != ':' : !isspace((unsigned char) *found.end)))
			found.end++;
		span->start = found.end;
	}
	*name = viflo_span_copy(found);
	return found.end > found.start;
}

/* Does a quote begin attribute dbms, which Liquibase takes for part of a name? */
static bool
has_quoted_dbms(VifloSpan attributes)
{
	VifloSpan	rest;

	return find_attribute(attributes, "dbms:", &rest) && rest.start < rest.end &&
		(*rest.start == '"' || *rest.start == '\'');
}

static bool
begin_change_set(Pass *pass, VifloSpan rest)
{
	VifloChangeLog *log = pass->log;
	VifloChangeSet *set;

	log->sets = log->sets ? repalloc(log->sets, sizeof(*set) * (log->count + 1)) :
		palloc(sizeof(*set));
	pass->set = set = &log->sets[log->count++];
	memset(set, 0, sizeof(*set));
	set->line = pass->lines.number;
	rest = skip_blank(rest);
	if (!take_name(&rest, true, &set->author) || !take(&rest, ":") ||
		!take_name(&rest, false, &set->id) || set->id[strspn(set->id, ": ")] == '\0')
		return fail_at(pass, "line of a change set is not --changeset author:id");
	set->path = attribute(rest, "logicalFilePath:");
	if (set->path == NULL)
		set->path = log->path;
	set->run_on_change = boolean_attribute(rest, "runOnChange:", false);
	set->run_always = boolean_attribute(rest, "runAlways:", false);
	set->in_transaction = boolean_attribute(rest, "runInTransaction:", true);
	set->may_fail = !boolean_attribute(rest, "failOnError:", true);
	set->splits = boolean_attribute(rest, "splitStatements:", true);
	set->rollback_splits = boolean_attribute(rest, "rollbackSplitStatements:", true);
	set->delimiter = attribute(rest, "endDelimiter:");
	set->rollback_delimiter = attribute(rest, "rollbackEndDelimiter:");
	set->filtered = attribute(rest, "context:") != NULL ||
		attribute(rest, "contextFilter:") != NULL || attribute(rest, "labels:") != NULL;
	set->leaves_out = boolean_attribute(rest, "ignore:", false) || !is_for_postgresql(rest);
	set->quoted_dbms = set->leaves_out && has_quoted_dbms(rest);
	if (attribute(rest, "runWith:") != NULL && !set->leaves_out)
		return fail_at(pass, "change set with runWith is not supported");
	return true;
}

/* --property name:NAME value:VALUE, where blanks may follow the colons. */
static bool
add_property(Pass *pass, VifloSpan rest)
{
	VifloSpan	after_name;
	VifloSpan	after_value;
	char	   *name;
	char	   *value;

	if (!find_attribute(rest, "name:", &after_name) ||
		!find_attribute(rest, "value:", &after_value))
		return fail_at(pass, "property is not name:NAME value:VALUE");
	name = first_word(skip_blank(after_name));
	value = first_word(skip_blank(after_value));
	if (name[0] == '\0')
		return fail_at(pass, "property is not name:NAME value:VALUE");
	if (!is_for_postgresql(rest))
		return true;
	viflo_names_add(&pass->log->properties, psprintf("%s=%s", name, value));
	return true;
}

/* --ignoreLines:N, or --ignoreLines:start to --ignoreLines:end. */
static bool
ignore_lines(Pass *pass, VifloSpan rest)
{
	VifloSpan	line;
	char	   *word = viflo_span_copy(viflo_span_trim(rest));
	int			count = strtol(word, NULL, 10);

	if (strcmp(word, "start") != 0)
	{
		if (word[0] == '\0' || word[strspn(word, "0123456789")] != '\0')
			return fail_at(pass, "ignoreLines is followed by neither a number nor start");
		while (count-- > 0 && viflo_lines_next(&pass->lines, &line))
			;
		return true;
	}
	while (viflo_lines_next(&pass->lines, &line))
	{
		VifloSpan	command;

		if (is_command(line, &command) && take(&command, "ignoreLines:") &&
			take_word(&command, "end"))
			return true;
	}
	return true;
}

/* The lines up to one that ends with the comment's end. */
static bool
take_rollback_comment(Pass *pass)
{
	int			begin = pass->lines.number;
	VifloSpan	line;

	while (viflo_lines_next(&pass->lines, &line))
	{
		VifloSpan	trimmed = viflo_span_trim(line);
		bool		last = trimmed.end - trimmed.start >= 2 && memcmp(trimmed.end - 2, "*/", 2) == 0;

		if (last)
			line.end = trimmed.end - 2;
		if (line.end > line.start || !last)
			add_line(&pass->set->rollback, pass->lines.number, line);
		if (last)
			return true;
	}
	return viflo_error_at(pass->error, VIFLO_INVALID_SCRIPT, begin,
						  "comment with a rollback does not end");
}

/* A command with one dash too few. */
static bool
check_dashes(const Pass *pass, VifloSpan line)
{
	static const char *const words[] = {
		"changeset", "rollback", "preconditions", "precondition", "comment",
		"property", "ignoreLines", "validCheckSum"
	};
	VifloSpan	rest = skip_blank(line);

	if (!take(&rest, "-") || rest.start == rest.end || *rest.start == '-')
		return true;
	rest = skip_blank(rest);
	for (int i = 0; i < lengthof(words); i++)
	{
		VifloSpan	after = rest;

		if (take(&after, words[i]) && after.start < after.end &&
			(*after.start == ':' || isspace((unsigned char) *after.start)))
			return fail_at(pass, "command needs two dashes before it");
	}
	return true;
}

/* Commands that would change what happens, and are not supported. */
static bool
check_supported(const Pass *pass, VifloSpan command)
{
	static const char *const words[] = {"rollbackSqlFile", "tagDatabase:", "includeAll"};
	VifloSpan	rest = command;

	if (take(&rest, "precondition-"))
		return fail_at(pass, "precondition is not supported");
	if (take_two(&rest, "include", "file:"))
		return fail_at(pass, "command include is not supported");
	for (int i = 0; i < lengthof(words); i++)
	{
		rest = command;
		if (take(&rest, words[i]) && rest.start < rest.end && isspace((unsigned char) *rest.start))
			return fail_at(pass, psprintf("command %s is not supported", words[i]));
	}
	return true;
}

/* Does the line begin a comment with a rollback? */
static bool
begins_rollback(VifloSpan line)
{
	VifloSpan	rest = skip_blank(line);

	if (!take_two(&rest, "/*", "liquibase"))
		return false;
	rest = skip_blank(rest);
	return take(&rest, "rollback") && viflo_span_is_empty(skip_blank(rest));
}

/* A line of a change set. */
static bool
take_line(Pass *pass, VifloSpan line)
{
	VifloChangeSet *set = pass->set;
	VifloSpan	command;
	VifloSpan	rest;

	if (begins_rollback(line))
		return take_rollback_comment(pass);
	if (!is_command(line, &command))
	{
		add_line(&set->sql, pass->lines.number, line);
		return true;
	}
	if (!set->leaves_out && !check_supported(pass, command))
		return false;
	rest = skip_blank(line);
	(void) take(&rest, "--");
	rest = skip_blank(rest);
	if (take(&rest, "rollback "))
		add_line(&set->rollback, pass->lines.number, rest);
	else if (take_word(&command, "comment"))
	{
		(void) take(&command, ":");
		set->comment = viflo_span_copy(viflo_span_trim(command));
	}
	else if (!take_word(&command, "preconditions") && !take_word(&command, "validCheckSum"))
		add_line(&set->sql, pass->lines.number, line);
	return true;
}

/* Before the first change set there may be comments only. */
static bool
take_outer_line(Pass *pass, VifloSpan line)
{
	VifloSpan	rest = skip_blank(line);

	if (viflo_line_is_comment(line) || viflo_span_is_empty(rest))
		return true;
	pass->comment |= take(&rest, "/*");
	if (!pass->comment)
		return fail_at(pass, "text stands before the first change set");
	for (const char *p = rest.start; p + 1 < rest.end && pass->comment; p++)
		pass->comment = p[0] != '*' || p[1] != '/';
	return true;
}

/* One line of the file. */
static bool
take_any_line(Pass *pass, VifloSpan line)
{
	VifloSpan	command;
	VifloSpan	rest;

	if (!check_dashes(pass, line))
		return false;
	if (is_command(line, &command))
	{
		rest = command;
		if (pass->log->path == NULL && take_word(&rest, "liquibase"))
			pass->log->path = attribute(rest, "logicalFilePath:");
		rest = command;
		if (take_word(&rest, "property") && attribute(rest, "name:") != NULL)
			return add_property(pass, rest);
		rest = command;
		if (take(&rest, "ignoreLines:"))
			return ignore_lines(pass, rest);
		rest = command;
		if (take_word(&rest, "changeset"))
			return begin_change_set(pass, rest);
		rest = command;
		if (take(&rest, "changeset"))
			return fail_at(pass, "line of a change set is not --changeset author:id");
	}
	return pass->set != NULL ? take_line(pass, line) : take_outer_line(pass, line);
}

/* What a rollback that is no SQL means. */
static bool
check_rollback(VifloChangeSet *set, VifloError *error)
{
	const char *text = set->rollback.text.data;

	if (set->rollback.first_line == 0)
		return true;
	text += strspn(text, " \t\r\n");
	if (pg_strncasecmp(text, "not required", 12) == 0 || pg_strncasecmp(text, "empty", 5) == 0)
	{
		resetStringInfo(&set->rollback.text);
		return true;
	}
	for (; *text != '\0'; text++)
	{
		if (pg_strncasecmp(text, "changesetid", 11) == 0)
			return viflo_error_at(error, VIFLO_INVALID_SCRIPT, set->rollback.first_line,
								  "rollback by another change set is not supported");
	}
	return true;
}

bool
viflo_liquibase_parse(const char *text, size_t length, VifloChangeLog *log,
					  VifloError *error)
{
	Pass		pass = {.log = log,.lines = viflo_lines_begin(text, length),.error = error};
	VifloSpan	line;

	memset(log, 0, sizeof(*log));
	while (viflo_lines_next(&pass.lines, &line))
	{
		if (!take_any_line(&pass, line))
			return false;
	}
	for (int i = 0; i < log->count; i++)
	{
		if (!check_rollback(&log->sets[i], error))
			return false;
	}
	return true;
}

bool
viflo_liquibase_delimit(StringInfo text, const char *delimiter)
{
	bool		alone = delimiter != NULL && strncmp(delimiter, "\\n", 2) == 0;

	if (delimiter == NULL)
	{
		viflo_delimiter_replace(text, "go", VIFLO_DELIMITER_LINE);
		viflo_delimiter_replace(text, "/", VIFLO_DELIMITER_LINE);
		return true;
	}
	if (alone)
		delimiter += 2;
	if (delimiter[0] == '\0' ||
		(strlen(delimiter) > 1 && strpbrk(delimiter, "\\[](){}.*+?") != NULL))
		return false;
	alone |= strcmp(delimiter, "/") == 0;
	if (strcmp(delimiter, ";") != 0)
		viflo_delimiter_replace(text, delimiter,
								alone ? VIFLO_DELIMITER_LINE : VIFLO_DELIMITER_LINE_END);
	return true;
}
