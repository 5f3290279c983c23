/*-------------------------------------------------------------------------
 * psql_run.c
 *	  What reading psql's scripts and carrying out their commands share.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/placeholder.h"
#include "cli/reader/psql_run.h"
#include "cli/reader/psql_statement.h"
#include "common/sqlstate.h"

/*
 * Variables that psql itself sets, most of them after connecting.  They have
 * no value here, and that must not pass for "not set".
 */
static const char *const psql_variables[] = {
	"DBNAME", "ENCODING", "HOST", "PORT", "SERVER_VERSION_NAME",
	"SERVER_VERSION_NUM", "USER", "VERSION", "VERSION_NAME", "VERSION_NUM",
	"ERROR", "ROW_COUNT", "SQLSTATE", "LAST_ERROR_MESSAGE", "LAST_ERROR_SQLSTATE"
};

bool
viflo_psql_fail(VifloPsqlSource *source, const char *fmt,...)
{
	char		message[1024];
	va_list		args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return viflo_failure_file(source->run->failure,
							  viflo_folder_path(source->run->folder, source->file->name),
							  source->line, VIFLO_BACKSLASH_COMMAND, "%s", message);
}

/* The last of names that is NAME=VALUE; *known: it is there, with a value or not. */
static const char *
find_value(const VifloNames *names, const char *name, bool *known)
{
	size_t		length = strlen(name);

	*known = false;
	for (int i = names->count - 1; i >= 0; i--)
	{
		const char *entry = names->names[i];

		if (strncmp(entry, name, length) != 0 ||
			(entry[length] != '=' && entry[length] != '\0'))
			continue;
		*known = true;
		return entry[length] == '=' ? entry + length + 1 : NULL;
	}
	return NULL;
}

static bool
is_own(const char *name)
{
	for (int i = 0; i < lengthof(psql_variables); i++)
	{
		if (strcmp(psql_variables[i], name) == 0)
			return true;
	}
	return false;
}

const char *
viflo_psql_value(VifloPsqlRun *run, const char *name)
{
	bool		known;
	const char *value = find_value(&run->set, name, &known);

	if (known)
		return value;
	value = find_value(&run->history->settings->set, name, &known);
	if (!known)
		value = find_value(run->given, name, &known);
	if (!known && !is_own(name))
	{
		value = viflo_placeholders_value(run->history, name);
		known = value != NULL;
	}
	if (known)
		run->history->outside = true;
	return value;
}

const char *
viflo_psql_known_value(VifloPsqlSource *source, const char *name)
{
	VifloFailure *failure = source->run->failure;
	const char *value = viflo_psql_value(source->run, name);

	if (value == NULL && is_own(name) && failure->message == NULL)
	{
		viflo_psql_fail(source, "psql's variable \"%s\" is not known before connecting", name);
		viflo_failure_hint(failure, "Give it a value: --set %s=VALUE", name);
	}
	return value;
}

bool
viflo_psql_can_insert(VifloPsqlSource *source, const char *command)
{
	if (!viflo_psql_between(source))
		return viflo_psql_fail(source, "\\%s in the middle of a statement", command);
	if (source->copies > 0)
		return viflo_psql_fail(source, "\\%s on the line of a COPY whose data follow", command);
	return true;
}

void
viflo_psql_end_statement(VifloPsqlSource *source)
{
	source->copies += viflo_psql_copies_from_stdin(source->statement.data);
	resetStringInfo(&source->statement);
}

bool
viflo_psql_between(const VifloPsqlSource *source)
{
	return viflo_psql_is_blank(source->statement.data);
}

void
viflo_psql_put(VifloPsqlRun *run, const char *text, size_t length)
{
	appendBinaryStringInfo(&run->out, text, length);
	for (const char *p = text; (p = memchr(p, '\n', text + length - p)) != NULL; p++)
		run->line++;
}

bool
viflo_psql_emit(VifloPsqlSource *source, const char *text, size_t length)
{
	if (length > VIFLO_PSQL_MAX_LENGTH - Min(source->run->out.len, VIFLO_PSQL_MAX_LENGTH))
		return viflo_psql_fail(source, "script grows beyond %d MB",
							   VIFLO_PSQL_MAX_LENGTH / (1024 * 1024));
	viflo_psql_put(source->run, text, length);
	return true;
}
