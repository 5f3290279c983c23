/*-------------------------------------------------------------------------
 * main.c
 *	  viflo: the command line.
 *
 * Options may stand before and after the command.  A word of "-" and digits is
 * a relative target (viflo downgrade -1), not an option; getopt does not know
 * that, so such words are handed to it in disguise.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <fcntl.h>
#include <unistd.h>

#include "getopt_long.h"

#include "cli/command/dispatch.h"
#include "cli/command/fleet.h"
#include "cli/output.h"

/* Stands before a word that only looks like an option. */
#define DISGUISE	'\001'

enum
{
	OPTION_URL = 256,
	OPTION_PROJECT,
	OPTION_TENANT,
	OPTION_DIR,
	OPTION_LAYOUT,
	OPTION_PLACEHOLDERS,
	OPTION_ALLOW_PROGRAMS,
	OPTION_FORMAT,
	OPTION_FLEET,
	OPTION_FLEET_QUERY,
	OPTION_JOBS,
	OPTION_KEEP_GOING,
	OPTION_CONFIG
};

static const struct option long_options[] = {
	{"url", required_argument, NULL, OPTION_URL},
	{"project", required_argument, NULL, OPTION_PROJECT},
	{"tenant", required_argument, NULL, OPTION_TENANT},
	{"dir", required_argument, NULL, OPTION_DIR},
	{"layout", required_argument, NULL, OPTION_LAYOUT},
	{"set", required_argument, NULL, 'x'},
	{"placeholders", required_argument, NULL, OPTION_PLACEHOLDERS},
	{"allow-programs", no_argument, NULL, OPTION_ALLOW_PROGRAMS},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"fleet", required_argument, NULL, OPTION_FLEET},
	{"fleet-query", required_argument, NULL, OPTION_FLEET_QUERY},
	{"jobs", required_argument, NULL, OPTION_JOBS},
	{"keep-going", no_argument, NULL, OPTION_KEEP_GOING},
	{"tenants", required_argument, NULL, 'E'},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"database", required_argument, NULL, 'd'},
	{"verbose", no_argument, NULL, 'v'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"message", required_argument, NULL, 'm'},
	{"head", required_argument, NULL, 'H'},
	{"splice", no_argument, NULL, 'S'},
	{"repeatable", optional_argument, NULL, 'P'},
	{"depends-on", required_argument, NULL, 'D'},
	{"label", required_argument, NULL, 'L'},
	{"branch-label", required_argument, NULL, 'L'},
	{"rev-id", required_argument, NULL, 'R'},
	{"purge", no_argument, NULL, 'p'},
	{"range", required_argument, NULL, 'r'},
	{"async", no_argument, NULL, 'a'},
	{"timeout", required_argument, NULL, 't'},
	{"dry-run", no_argument, NULL, 'y'},
	{"force", no_argument, NULL, 'F'},
	{"tool", required_argument, NULL, 'T'},
	{"table", required_argument, NULL, 'B'},
	{"to", required_argument, NULL, 'O'},
	{"late", required_argument, NULL, 'l'},
	{"limit", required_argument, NULL, 'n'},
	{"failed", no_argument, NULL, 'f'},
	{NULL, 0, NULL, 0}
};

/* The letters that may be typed; the others above are long only. */
static const char short_options[] = ":vqhVd:x:m:r:n:";

/* What the options say beside the request. */
typedef struct CommandLine
{
	VifloRequest request;
	bool		help;
	bool		version;
	char		used[32];		/* letters of the command's own options */
} CommandLine;

static bool
is_relative(const char *word)
{
	return word[0] == '-' && isdigit((unsigned char) word[1]);
}

static char *
undisguise(char *word)
{
	return word[0] == DISGUISE ? word + 1 : word;
}

/* Is JSON asked for?  Known before anything else, as errors are JSON too. */
static bool
wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--") == 0)
			break;
		if (strcmp(argv[i], "--format=json") == 0 ||
			(strcmp(argv[i], "--format") == 0 && i + 1 < argc &&
			 strcmp(argv[i + 1], "json") == 0))
			return true;
	}
	return false;
}

/* One option that only some commands take. */
static void
take_command_option(CommandLine *line, int option, char *value)
{
	VifloRequest *request = &line->request;
	int			used = strlen(line->used);

	if (used < sizeof(line->used) - 1 && strchr(line->used, option) == NULL)
		line->used[used] = option;
	switch (option)
	{
		case 'm':
			request->message = value;
			break;
		case 'H':
			viflo_names_add(&request->heads, value);
			break;
		case 'P':
			request->repeatable = value ? value : "yes";
			break;
		case 'S':
			request->splice = true;
			break;
		case 'D':
			viflo_names_add(&request->depends_on, value);
			break;
		case 'L':
			viflo_names_add(&request->labels, value);
			break;
		case 'R':
			request->rev_id = value;
			break;
		case 'p':
			request->purge = true;
			break;
		case 'r':
			request->range = value;
			break;
		case 'a':
			request->async = true;
			break;
		case 't':
			request->timeout = value;
			break;
		case 'y':
			request->dry_run = true;
			break;
		case 'F':
			request->force = true;
			break;
		case 'T':
			request->tool = value;
			break;
		case 'B':
			request->table = value;
			break;
		case 'O':
			request->to = value;
			break;
		case 'E':
			request->tenants = value;
			break;
		case 'l':
			request->late = value;
			break;
		case 'n':
			request->limit = value;
			break;
		case 'f':
			request->failed = true;
			break;
	}
}

static bool
take_option(CommandLine *line, int option, char *value, VifloFailure *failure)
{
	VifloSettings *settings = &line->request.settings;

	switch (option)
	{
		case OPTION_URL:
			settings->url = value;
			break;
		case OPTION_PROJECT:
			settings->project = value;
			break;
		case OPTION_TENANT:
			settings->tenant = value;
			break;
		case OPTION_DIR:
			settings->dir = pstrdup(value);
			break;
		case OPTION_LAYOUT:
			settings->layout = value;
			break;
		case 'x':
			if (strchr(value, '=') == NULL || value[0] == '=')
				return viflo_failure(failure, VIFLO_EXIT_USAGE,
									 "\"%s\" is not NAME=VALUE", value);
			viflo_names_add(&settings->set, value);
			break;
		case OPTION_PLACEHOLDERS:
			settings->placeholders = value;
			if (strcmp(value, "dollar") != 0 && strcmp(value, "psql") != 0 &&
				strcmp(value, "none") != 0)
				return viflo_failure(failure, VIFLO_EXIT_USAGE,
									 "unknown style of placeholders \"%s\": dollar, psql and none are known", value);
			break;
		case OPTION_ALLOW_PROGRAMS:
			settings->allow_programs = true;
			break;
		case OPTION_FORMAT:
			settings->format = value;
			settings->json = strcmp(value, "json") == 0;
			break;
		case OPTION_CONFIG:
			settings->config_file = value;
			break;
		case 'd':
			settings->database = value;
			break;
		case OPTION_FLEET:
			line->request.fleet = value;
			break;
		case OPTION_FLEET_QUERY:
			line->request.fleet_query = value;
			break;
		case OPTION_JOBS:
			line->request.jobs = value;
			break;
		case OPTION_KEEP_GOING:
			line->request.keep_going = true;
			break;
		case 'v':
			settings->verbose = true;
			break;
		case 'q':
			settings->quiet = true;
			break;
		case 'h':
			line->help = true;
			break;
		case 'V':
			line->version = true;
			break;
		default:
			take_command_option(line, option, value);
	}
	return true;
}

/* What getopt could not read, in our own words. */
static bool
fail_option(int argc, char **argv, int result, VifloFailure *failure)
{
	const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (optopt > 0 && optopt < 256 && strncmp(word, "--", 2) != 0)
		viflo_failure(failure, VIFLO_EXIT_USAGE, result == ':' ?
					  "option -%c needs a value" : "unknown option -%c", optopt);
	else
		viflo_failure(failure, VIFLO_EXIT_USAGE, result == ':' ?
					  "option %s needs a value" : "unknown option %s", word);
	viflo_failure_hint(failure, "\"viflo help\" tells what there is.");
	return false;
}

static bool
read_options(CommandLine *line, int argc, char **argv, VifloFailure *failure)
{
	int			option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
	{
		if (option == '?' || option == ':')
			return fail_option(argc, argv, option, failure);
		if (!take_option(line, option, optarg ? undisguise(optarg) : NULL, failure))
			return false;
	}
	return true;
}

/* Every command has human and json, some have more. */
static bool
check_format(const VifloCommand *command, const char *format, VifloFailure *failure)
{
	const char *const *more = command->formats;

	if (format == NULL || strcmp(format, "human") == 0 || strcmp(format, "json") == 0)
		return true;
	for (int i = 0; more != NULL && more[i] != NULL; i++)
	{
		if (strcmp(format, more[i]) == 0)
			return true;
	}
	viflo_failure(failure, VIFLO_EXIT_USAGE, "unknown format \"%s\" of \"viflo %s\"",
				  format, command->name);
	viflo_failure_hint(failure, "\"viflo help %s\" tells which there are.", command->name);
	return false;
}

/* Does the command take what it was given? */
static bool
check_command(const VifloCommand *command, const CommandLine *line,
			  VifloFailure *failure)
{
	const VifloRequest *request = &line->request;

	for (const char *letter = line->used; *letter != '\0'; letter++)
	{
		if (strchr(command->options, *letter) != NULL)
			continue;
		for (int i = 0; long_options[i].name != NULL; i++)
		{
			if (long_options[i].val == *letter)
				return viflo_failure(failure, VIFLO_EXIT_USAGE,
									 "\"viflo %s\" has no option --%s",
									 command->name, long_options[i].name);
		}
	}
	if (request->nargs < command->min_args)
		viflo_failure(failure, VIFLO_EXIT_USAGE, "\"viflo %s\" needs %s",
					  command->name, command->arguments);
	else if (command->max_args >= 0 && request->nargs > command->max_args)
		viflo_failure(failure, VIFLO_EXIT_USAGE,
					  "\"viflo %s\" does not take the argument \"%s\"",
					  command->name, request->args[command->max_args]);
	else
		return true;
	viflo_failure_hint(failure, "Usage: viflo %s %s", command->name, command->arguments);
	return false;
}

const struct option *
viflo_command_options(void)
{
	return long_options;
}

static int
run_command(CommandLine *line, const char *name)
{
	const VifloCommand *command = viflo_command_find(name);
	VifloRequest *request = &line->request;
	VifloFailure failure;

	if (command == NULL)
	{
		viflo_failure(&failure, VIFLO_EXIT_USAGE, "unknown command \"%s\"", name);
		viflo_failure_hint(&failure, "\"viflo help\" lists the commands.");
		return viflo_output_failure(&failure);
	}
	if (line->help)
	{
		request->nargs = 1;
		request->args[0] = unconstify(char *, command->name);
		return viflo_command_help.run(request);
	}
	if (!check_format(command, request->settings.format, &failure) ||
		!check_command(command, line, &failure) ||
		!viflo_command_check_many(command, request, &failure) ||
		(!command->no_settings &&
		 !viflo_settings_complete(&request->settings, !command->makes_folder, &failure)) ||
		!viflo_command_choose_late(request, &failure))
		return viflo_output_failure(&failure);
	return viflo_command_run(command, request);
}

static int
run(int argc, char **argv)
{
	CommandLine line = {0};
	VifloRequest *request = &line.request;
	VifloFailure failure;
	int			first;

	viflo_output_init(wants_json(argc, argv), false, false);
	for (int i = 1; i < argc; i++)
	{
		if (is_relative(argv[i]))
			argv[i] = psprintf("%c%s", DISGUISE, argv[i]);
	}
	if (!read_options(&line, argc, argv, &failure))
		return viflo_output_failure(&failure);
	viflo_output_init(request->settings.json, request->settings.verbose,
					  request->settings.quiet);

	first = optind;
	request->args = palloc0(sizeof(char *) * (argc + 2));
	for (int i = first + 1; i < argc; i++)
		request->args[request->nargs++] = undisguise(argv[i]);
	if (line.version)
		return viflo_command_version.run(request);
	if (first < argc)
		return run_command(&line, undisguise(argv[first]));
	if (line.help)
		return viflo_command_help.run(request);
	viflo_failure(&failure, VIFLO_EXIT_USAGE, "no command given");
	viflo_failure_hint(&failure, "\"viflo help\" lists the commands.");
	return viflo_output_failure(&failure);
}

/*
 * Where stdin, stdout or stderr is closed, what is opened next would take its
 * place: what is said would be sent to a server.  These fail when used.
 */
static void
reserve_standard_files(void)
{
	int			fd;

	do
		fd = open("/dev/null", O_CLOEXEC | (fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY));
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	int			status;

	reserve_standard_files();
	status = viflo_output_finish(run(argc, argv));

	/*
	 * Not exit(): a thread that still connects, to a server that nothing will
	 * be sent to, must not see libraries being torn down.
	 */
	_exit(status);
}
