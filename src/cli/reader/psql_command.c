/*-------------------------------------------------------------------------
 * psql_command.c
 *	  psql's backslash commands.
 *
 * Those that shape or redirect output do nothing, as a migration's output is
 * thrown away.  Between statements a file can be put in; \set and the like may
 * stand anywhere, as in psql.  A command that is not in the list is an error:
 * none is passed over in silence.
 *
 * Rules: psql's command.c.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/reader/psql_argument.h"
#include "cli/reader/psql_command.h"
#include "cli/reader/psql_copy.h"

/* What a command is given. */
typedef struct Call
{
	VifloPsqlSource *source;
	const char *name;
	const VifloNames *arguments;
} Call;

/* Where a command may stand. */
typedef enum Place
{
	ANYWHERE,
	BETWEEN,					/* only between statements */
	CONDITION					/* so too, and minded where \if leaves out */
} Place;

typedef struct Command
{
	const char *name;
	bool		(*run) (const Call *call);
	Place		place;
} Command;

/* As psql reads a boolean: the beginning of a word, in any case. */
static bool
read_boolean(const char *text, bool *value)
{
	static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};
	size_t		length = strlen(text);

	for (int i = 0; i < lengthof(words) && length > 0; i++)
	{
		if (pg_strncasecmp(text, words[i], length) != 0 ||
			(words[i][0] == 'o' && length < 2))
			continue;
		*value = i < 4;
		return true;
	}
	return false;
}

static bool
run_nothing(const Call *call)
{
	return true;
}

static bool
run_echo(const Call *call)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < call->arguments->count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? " " : "", call->arguments->names[i]);
	viflo_output_verbose("%s:%d: %s",
						 viflo_folder_path(call->source->run->folder, call->source->file->name),
						 call->source->line, text.data);
	pfree(text.data);
	return true;
}

/* \o FILE would only get output that is thrown away; a program would run. */
static bool
run_output(const Call *call)
{
	if (call->arguments->count > 0 && call->arguments->names[0][0] == '|')
		return viflo_psql_fail(call->source, "\\%s to a program is not supported", call->name);
	return true;
}

static bool
run_encoding(const Call *call)
{
	const VifloNames *arguments = call->arguments;

	if (arguments->count == 0 || pg_strcasecmp(arguments->names[0], "utf8") == 0 ||
		pg_strcasecmp(arguments->names[0], "utf-8") == 0)
		return true;
	return viflo_psql_fail(call->source, "encoding \"%s\" is not supported: scripts are UTF-8",
						   arguments->names[0]);
}

/*
 * Names that change how psql goes on: errors always end a migration, and
 * statements are not gathered in transactions of psql's own.
 */
static bool
check_variable(const Call *call, const char *name, const char *text)
{
	static const struct
	{
		const char *name;
		bool		only;
	}			fixed[] = {
		{"ON_ERROR_STOP", true},
		{"AUTOCOMMIT", true},
		{"SINGLELINE", false},
		{"SINGLESTEP", false}
	};

	for (int i = 0; i < lengthof(fixed); i++)
	{
		bool		value;

		if (strcmp(name, fixed[i].name) == 0 &&
			(!read_boolean(text, &value) || value != fixed[i].only))
			return viflo_psql_fail(call->source, "%s = %s is not supported in a migration",
								   name, text);
	}
	return true;
}

static bool
run_set(const Call *call)
{
	const VifloNames *arguments = call->arguments;
	StringInfoData entry;
	char	   *value;

	if (arguments->count == 0)
		return true;
	if (strchr(arguments->names[0], '=') != NULL)
		return viflo_psql_fail(call->source, "invalid variable name: \"%s\"",
							   arguments->names[0]);
	initStringInfo(&entry);
	appendStringInfo(&entry, "%s=", arguments->names[0]);
	for (int i = 1; i < arguments->count; i++)
		appendStringInfoString(&entry, arguments->names[i]);
	if (entry.len > VIFLO_PSQL_MAX_VALUE)
		return viflo_psql_fail(call->source, "value of \"%s\" is too long", arguments->names[0]);
	value = strchr(entry.data, '=') + 1;
	if (!check_variable(call, arguments->names[0],
						arguments->count == 1 ? "on" : value))
		return false;
	viflo_names_add(&call->source->run->set, entry.data);
	return true;
}

static bool
run_unset(const Call *call)
{
	if (call->arguments->count == 0)
		return viflo_psql_fail(call->source, "\\unset: missing required argument");
	if (!check_variable(call, call->arguments->names[0], "off"))
		return false;
	viflo_names_add(&call->source->run->set, call->arguments->names[0]);
	return true;
}

static bool
run_getenv(const Call *call)
{
	const VifloNames *arguments = call->arguments;
	const char *value;

	if (arguments->count < 2)
		return viflo_psql_fail(call->source, "\\getenv: missing required argument");
	value = getenv(arguments->names[1]);
	call->source->run->history->outside = true;
	if (value != NULL)
		viflo_names_add(&call->source->run->set, psprintf("%s=%s", arguments->names[0], value));
	return true;
}

/* \ir counts from the file that it stands in. */
static bool
run_include(const Call *call)
{
	VifloPsqlSource *source = call->source;
	VifloPsqlRun *run = source->run;
	bool		relative = strcmp(call->name, "ir") == 0 ||
	strcmp(call->name, "include_relative") == 0;
	const VifloFile *file;
	char	   *name;

	if (call->arguments->count == 0)
		return viflo_psql_fail(source, "\\%s: missing required argument", call->name);
	name = call->arguments->names[0];
	if (relative && name[0] != '/' && source->file->dir_length > 0)
		name = psprintf("%.*s/%s", source->file->dir_length, source->file->name, name);
	else
		name = pstrdup(name);
	canonicalize_path(name);
	if (run->depth >= VIFLO_PSQL_MAX_DEPTH)
		return viflo_psql_fail(source, "more than %d files include one another", VIFLO_PSQL_MAX_DEPTH);
	if (++run->files > VIFLO_PSQL_MAX_FILES || run->out.len > VIFLO_PSQL_MAX_LENGTH)
		return viflo_psql_fail(source, "script includes more than %d files or %d MB",
							   VIFLO_PSQL_MAX_FILES, VIFLO_PSQL_MAX_LENGTH / (1024 * 1024));
	file = viflo_folder_other(run->folder, name);
	run->history->outside = true;
	if (file->error == 0)
		return run->include(run, file);
	errno = file->error;
	return viflo_psql_fail(source, "could not read file \"%s\": %m",
						   viflo_folder_path(run->folder, name));
}

/* The query so far is sent, as if it ended in a semicolon. */
static bool
run_go(const Call *call)
{
	if (call->arguments->count > 0)
		return viflo_psql_fail(call->source, "\\g with a file or program is not supported");
	if (viflo_psql_between(call->source))
		return viflo_psql_fail(call->source, "\\g to repeat a statement is not supported");
	viflo_psql_end_statement(call->source);
	return viflo_psql_emit(call->source, ";", 1);
}

static bool
run_quit(const Call *call)
{
	call->source->ended = true;
	conditional_stack_reset(call->source->conditions);
	return true;
}

/* The condition of \if or \elif. */
static bool
read_condition(const Call *call, bool *value)
{
	const VifloNames *arguments = call->arguments;

	if (arguments->count == 1 && read_boolean(arguments->names[0], value))
		return true;
	return viflo_psql_fail(call->source, "\\%s needs one boolean, not \"%s\"", call->name,
						   arguments->count > 0 ? arguments->names[0] : "");
}

static bool
run_if(const Call *call)
{
	ConditionalStack conditions = call->source->conditions;
	bool		value;

	if (!conditional_active(conditions))
		conditional_stack_push(conditions, IFSTATE_IGNORED);
	else if (!read_condition(call, &value))
		return false;
	else
		conditional_stack_push(conditions, value ? IFSTATE_TRUE : IFSTATE_FALSE);
	return true;
}

/*
 * \elif and \else: the state that follows the present one.  What the lexer
 * was in the middle of, in a branch that is left out, is forgotten.
 */
static bool
run_else(const Call *call)
{
	ConditionalStack conditions = call->source->conditions;
	bool		last = strcmp(call->name, "else") == 0;
	bool		value = last;

	psql_scan_reset(call->source->scan);
	switch (conditional_stack_peek(conditions))
	{
		case IFSTATE_TRUE:
			conditional_stack_poke(conditions, last ? IFSTATE_ELSE_FALSE : IFSTATE_IGNORED);
			return true;
		case IFSTATE_FALSE:
			if (!last && !read_condition(call, &value))
				return false;
			conditional_stack_poke(conditions, last ? IFSTATE_ELSE_TRUE :
								   value ? IFSTATE_TRUE : IFSTATE_FALSE);
			return true;
		case IFSTATE_IGNORED:
			if (last)
				conditional_stack_poke(conditions, IFSTATE_ELSE_FALSE);
			return true;
		case IFSTATE_NONE:
		case IFSTATE_ELSE_TRUE:
		case IFSTATE_ELSE_FALSE:
			break;
	}
	return viflo_psql_fail(call->source, "\\%s without an \\if", call->name);
}

static bool
run_endif(const Call *call)
{
	psql_scan_reset(call->source->scan);
	return conditional_stack_pop(call->source->conditions) ||
		viflo_psql_fail(call->source, "\\endif without an \\if");
}

static const Command commands[] = {
	{"i", run_include, BETWEEN},
	{"include", run_include, BETWEEN},
	{"ir", run_include, BETWEEN},
	{"include_relative", run_include, BETWEEN},
	{"set", run_set, ANYWHERE},
	{"unset", run_unset, ANYWHERE},
	{"getenv", run_getenv, ANYWHERE},
	{"echo", run_echo, ANYWHERE},
	{"qecho", run_echo, ANYWHERE},
	{"warn", run_echo, ANYWHERE},
	{"encoding", run_encoding, ANYWHERE},
	{"o", run_output, ANYWHERE},
	{"out", run_output, ANYWHERE},
	{"g", run_go, ANYWHERE},
	{"q", run_quit, BETWEEN},
	{"quit", run_quit, BETWEEN},
	{"if", run_if, CONDITION},
	{"elif", run_else, CONDITION},
	{"else", run_else, CONDITION},
	{"endif", run_endif, CONDITION},
	{"pset", run_nothing, ANYWHERE},
	{"timing", run_nothing, ANYWHERE},
	{"t", run_nothing, ANYWHERE},
	{"a", run_nothing, ANYWHERE},
	{"x", run_nothing, ANYWHERE},
	{"H", run_nothing, ANYWHERE},
	{"f", run_nothing, ANYWHERE},
	{"C", run_nothing, ANYWHERE},
	{"T", run_nothing, ANYWHERE},
	{"restrict", run_nothing, ANYWHERE},
	{"unrestrict", run_nothing, ANYWHERE}
};

static const Command *
find_command(const char *name)
{
	for (int i = 0; i < lengthof(commands); i++)
	{
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Is all of the rest of the line this command's? */
static bool
takes_line(const char *name)
{
	static const char *const names[] = {"copy", "!", "ef", "ev", "h", "help", "sf", "sv"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/*
 * The arguments of a command.  Where \if leaves out, none is looked into, nor
 * is the condition of an \elif after a branch that was taken.
 */
static bool
read_arguments(VifloPsqlSource *source, bool wanted, bool printed, const char **at,
			   const char *end, VifloNames *arguments)
{
	bool		good = true;
	char	   *argument;

	if (!wanted)
	{
		viflo_psql_skip_arguments(at, end);
		return true;
	}
	while ((argument = viflo_psql_argument(source, at, end, printed, &good)) != NULL)
		viflo_names_add(arguments, argument);
	return good;
}

bool
viflo_psql_command(VifloPsqlSource *source, const char **at, const char *end)
{
	const char *start = *at;
	bool		active = conditional_active(source->conditions);
	VifloNames	arguments = {0};
	Call		call = {.source = source,.arguments = &arguments};
	const Command *command;
	bool		wanted = active;

	while (*at < end && **at != '\\' && !isspace((unsigned char) **at))
		(*at)++;
	call.name = pnstrdup(start, *at - start);
	if (active && strcmp(call.name, "copy") == 0)
		return viflo_psql_copy(source, at, end);
	command = find_command(call.name);
	if (command == NULL && active)
		return viflo_psql_fail(source, "psql's command \\%s is not supported in a migration",
							   call.name);
	if (command == NULL && takes_line(call.name))
	{
		*at = end;
		return true;
	}
	if (active && command->place != ANYWHERE && !viflo_psql_can_insert(source, call.name))
		return false;
	if (command != NULL && command->run == run_else)
		wanted = conditional_stack_peek(source->conditions) == IFSTATE_FALSE;
	if (!read_arguments(source, wanted, command != NULL && command->run == run_echo,
						at, end, &arguments))
		return false;
	if (*at + 1 < end && (*at)[0] == '\\' && (*at)[1] == '\\')
		*at += 2;
	return command == NULL || (!active && command->place != CONDITION) || command->run(&call);
}
