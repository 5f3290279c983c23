/*-------------------------------------------------------------------------
 * fleet_list.c
 *	  Which databases a fleet has: read from a file, or asked of a database.
 *
 * One a line; blank lines, and those that begin with "#", say nothing.  No
 * line is ever quoted in a message, as it may hold a password: file and line
 * lead there.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/config.h"
#include "cli/database.h"
#include "cli/fleet_list.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* No connection string that anybody wrote is longer. */
#define MAX_LINE	8192

/* A server cuts off what is longer, and might so take it for another one. */
#define MAX_NAME	63

/* While a list is read. */
typedef struct Reading
{
	VifloFleet *fleet;
	const VifloSettings *settings;
	const VifloConfig *config;	/* names databases, too */
	const char *unit;			/* "line" or "row" */
	VifloFailure *failure;
} Reading;

/* Member number i, and what it leads to. */
typedef struct Target
{
	char	   *text;
	int			number;
} Target;

static bool fail_at(const Reading *reading, int line, const char *fmt,...) pg_attribute_printf(3, 4);

/* A line, or row, is at fault. */
static bool
fail_at(const Reading *reading, int line, const char *fmt,...)
{
	char		message[1024];
	va_list		args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (strcmp(reading->unit, "line") == 0)
		viflo_failure_file(reading->failure, reading->fleet->source, line, NULL, "%s", message);
	else
		viflo_failure(reading->failure, VIFLO_EXIT_USAGE, "row %d of the fleet's query: %s",
					  line, message);
	reading->failure->status = VIFLO_EXIT_USAGE;
	return false;
}

/*-------------------------------------------------------------------------
 * One member
 *-------------------------------------------------------------------------
 */

/* Copies what libviflo malloc'd. */
static char *
take_text(char *text)
{
	char	   *copy = pstrdup(text != NULL ? text : "");

	free(text);
	return copy;
}

/* Is it text that may be shown on a terminal, and sent as UTF-8? */
static bool
is_plain_text(const char *text)
{
	int			length = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			return false;
	}
	return pg_encoding_verifymbstr(PG_UTF8, text, length) == length;
}

/*
 * A section may say where the database is, and which project and tenant are
 * meant.  All else would have to be read from a folder, or in a way, of its own.
 */
static bool
check_section(const Reading *reading, int line, const char *name)
{
	static const char *const shared[] = {
		VIFLO_CONFIG_DIR, VIFLO_CONFIG_LAYOUT, VIFLO_CONFIG_LATE
	};
	const char *key = NULL;

	for (int i = 0; i < lengthof(shared) && key == NULL; i++)
	{
		if (viflo_config_get_own(reading->config, name, shared[i]) != NULL)
			key = shared[i];
	}
	if (viflo_config_sets_own(reading->config, name))
		key = VIFLO_CONFIG_SET "NAME";
	if (key == NULL)
		return true;
	fail_at(reading, line, "database \"%s\" of file \"%s\" has a \"%s\" of its own",
			name, viflo_config_file(reading->config), key);
	viflo_failure_hint(reading->failure, "All databases of a fleet are given the same texts.");
	return false;
}

/*
 * The section's value of a key, unless what is set for all comes from
 * elsewhere than the top of viflo.conf.  palloc'd, or NULL.
 */
static char *
own_value(const Reading *reading, const char *section, const char *key, const char *of_all)
{
	const char *own = viflo_config_get_own(reading->config, section, key);
	const char *top = viflo_config_get(reading->config, NULL, key);

	if (own == NULL || (of_all != NULL && (top == NULL || strcmp(top, of_all) != 0)))
		return NULL;
	return pstrdup(own);
}

/* The connection string that a line stands for, and which project. */
static bool
resolve(Reading *reading, VifloFleetMember *member, const char *text, VifloDbUrl **url)
{
	const char *base = reading->settings->url;
	VifloDbError error = {0};
	bool		by_name = !viflo_db_is_conninfo(text);
	bool		has_section = false;

	if (viflo_database_foreign_scheme(text) > 0)
		return fail_at(reading, member->line, "URL does not begin with postgresql:// or postgres://");
	if (by_name && viflo_config_has_database(reading->config, text))
	{
		const char *own = viflo_config_get(reading->config, text, VIFLO_CONFIG_URL);

		if (!check_section(reading, member->line, text))
			return false;
		has_section = true;
		base = own != NULL ? own : base;
		member->project = own_value(reading, text, VIFLO_CONFIG_PROJECT,
									reading->settings->project);
		member->tenant = own_value(reading, text, VIFLO_CONFIG_TENANT,
								   reading->settings->tenant);
	}
	else if (by_name && strlen(text) > MAX_NAME)
		return fail_at(reading, member->line, "name of a database is longer than %d bytes", MAX_NAME);

	*url = viflo_db_url_parse(by_name ? base : text, &error);
	if (*url == NULL || (by_name && !has_section && !viflo_db_url_set(*url, "dbname", text, &error)))
	{
		fail_at(reading, member->line, "connection string cannot be read: %s", error.message);
		viflo_db_error_clear(&error);
		viflo_db_url_free(*url);
		return false;
	}
	return true;
}

/* Appends the member that text names; label may be NULL. */
static bool
add_member(Reading *reading, int line, const char *text, const char *label)
{
	VifloFleet *fleet = reading->fleet;
	VifloFleetMember *member;
	VifloDbUrl *url = NULL;

	if (!is_plain_text(text) || (label != NULL && !is_plain_text(label)))
		return fail_at(reading, line, "control character, or a byte that is not UTF-8");
	if (fleet->count == 0)
		fleet->members = palloc(sizeof(VifloFleetMember));
	else if ((fleet->count & (fleet->count - 1)) == 0)
		fleet->members = repalloc(fleet->members, 2 * fleet->count * sizeof(VifloFleetMember));
	member = &fleet->members[fleet->count];
	memset(member, 0, sizeof(*member));
	member->line = line;
	if (!resolve(reading, member, text, &url))
		return false;
	member->url = take_text(viflo_db_url_format(url, true));
	member->shown = take_text(viflo_db_url_format(url, false));
	if (label != NULL && label[0] != '\0')
		member->name = pstrdup(label);
	else
		member->name = viflo_db_is_conninfo(text) ? member->shown : pstrdup(text);
	viflo_db_url_free(url);
	fleet->count++;
	return true;
}

/*-------------------------------------------------------------------------
 * All of them
 *-------------------------------------------------------------------------
 */

static int
compare_targets(const void *a, const void *b)
{
	const Target *x = a;
	const Target *y = b;
	int			order = strcmp(x->text, y->text);

	return order != 0 ? order : x->number - y->number;
}

/*
 * Two runs in one database would only wait for each other; more often it is a
 * mistake.  The same one by another name is not found out here.
 */
static bool
check_twins(Reading *reading)
{
	VifloFleet *fleet = reading->fleet;
	Target	   *targets = palloc(sizeof(Target) * (fleet->count + 1));
	int			second = -1;
	int			first = -1;

	for (int i = 0; i < fleet->count; i++)
	{
		VifloFleetMember *member = &fleet->members[i];
		VifloDbUrl *url = viflo_db_url_parse(member->url, NULL);
		char	   *target = take_text(url != NULL ? viflo_db_url_target(url) : NULL);

		targets[i].text = psprintf("%s%s/%s", target, member->project ? member->project : "",
								   member->tenant ? member->tenant : "");
		targets[i].number = i;
		pfree(target);
		viflo_db_url_free(url);
	}
	qsort(targets, fleet->count, sizeof(Target), compare_targets);
	for (int i = 1; i < fleet->count; i++)
	{
		if (strcmp(targets[i].text, targets[i - 1].text) == 0 &&
			(second < 0 || targets[i].number < second))
		{
			second = targets[i].number;
			first = targets[i - 1].number;
		}
	}
	for (int i = 0; i < fleet->count; i++)
		pfree(targets[i].text);
	pfree(targets);
	if (second < 0)
		return true;
	return fail_at(reading, fleet->members[second].line,
				   "database \"%s\" is in the fleet already, by %s %d",
				   fleet->members[second].name, reading->unit, fleet->members[first].line);
}

/*
 * The next line, which stands in buffer, without its end and blanks around it.
 * NULL at the end, and with *failed where it cannot be used.
 */
static const char *
next_line(const Reading *reading, FILE *stream, int number, char buffer[MAX_LINE], bool *failed)
{
	const char *line = buffer;
	int			length = 0;
	int			c;

	while ((c = getc(stream)) != EOF && c != '\n')
	{
		*failed = c == '\0' || length == MAX_LINE - 1;
		if (*failed)
		{
			fail_at(reading, number, c == '\0' ? "NUL byte" : "line is too long");
			return NULL;
		}
		buffer[length++] = c;
	}
	if (c == EOF && (length == 0 || ferror(stream)))
		return NULL;
	while (length > 0 && isspace((unsigned char) buffer[length - 1]))
		length--;
	buffer[length] = '\0';
	if (number == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0)
		line += 3;
	return line + strspn(line, " \t");
}

static bool
read_stream(Reading *reading, FILE *stream)
{
	char		buffer[MAX_LINE];
	const char *line;
	bool		failed = false;

	for (int number = 1; (line = next_line(reading, stream, number, buffer, &failed)) != NULL; number++)
	{
		if (line[0] != '\0' && line[0] != '#' && !add_member(reading, number, line, NULL))
			return false;
	}
	if (!failed && ferror(stream))
		return fail_at(reading, 0, "could not read file: %m");
	return !failed && check_twins(reading);
}

bool
viflo_fleet_read(VifloFleet *fleet, const char *file, const VifloSettings *settings,
				 VifloFailure *failure)
{
	Reading		reading = {fleet, settings, settings->config, "line", failure};
	bool		piped = strcmp(file, "-") == 0;
	FILE	   *stream = piped ? stdin : fopen(file, "rb");
	bool		read;

	fleet->source = piped ? "standard input" : file;
	if (stream == NULL)
		return fail_at(&reading, 0, "could not read file: %m");
	read = read_stream(&reading, stream);
	if (!piped)
		fclose(stream);
	return read;
}

static bool
add_rows(Reading *reading, const VifloDbResult *result)
{
	bool		has_label = viflo_db_result_columns(result) > 1;
	VifloDbRow	row = viflo_db_rows(result, NULL);

	if (viflo_db_result_columns(result) == 0)
		return viflo_failure(reading->failure, VIFLO_EXIT_USAGE,
							 "the fleet's query gives no rows of databases");
	while (viflo_db_row_next(&row))
	{
		const char *text = viflo_db_row_text(&row, 0);
		const char *label = has_label ? viflo_db_row_text(&row, 1) : NULL;

		if (text == NULL || text[0] == '\0')
			return fail_at(reading, row.number + 1, "no name of a database");
		if (!add_member(reading, row.number + 1, text, label))
			return false;
	}
	return check_twins(reading);
}

bool
viflo_fleet_query(VifloFleet *fleet, const char *sql, const VifloSettings *settings,
				  VifloFailure *failure)
{
	Reading		reading = {fleet, settings, settings->config, "row", failure};
	VifloDbQuery query = {sql, NULL, 0, false};
	VifloDatabase database;
	VifloDbResult *result;
	bool		read;

	fleet->source = "query";
	if (!viflo_database_open(&database, settings, NULL, failure) ||
		!viflo_database_run(&database, &query, 1, &result, failure))
		return false;
	read = add_rows(&reading, result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return read;
}
