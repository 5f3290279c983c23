/*-------------------------------------------------------------------------
 * process.c
 *	  Runs another program on files.
 *
 * wordexp() splits the command.  It refuses braces, so that {} travels in
 * disguise, which also keeps blanks in a file's name from splitting it.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "cli/process.h"
#include "lib/stringinfo.h"

/* Stands for {} while the command is split. */
#define DISGUISE	'\001'

extern char **environ;

/* text with each from, a string, replaced by to. */
static char *
replace(const char *text, const char *from, const char *to)
{
	StringInfoData result;
	const char *found;

	initStringInfo(&result);
	while ((found = strstr(text, from)) != NULL)
	{
		appendBinaryStringInfo(&result, text, found - text);
		appendStringInfoString(&result, to);
		text = found + strlen(from);
	}
	appendStringInfoString(&result, text);
	return result.data;
}

/* The words of command, NULL-terminated, or NULL with *failure. */
static char **
split(const char *what, const char *command, const char *file, char *const *more,
	  VifloFailure *failure)
{
	static const char disguise[] = {DISGUISE, '\0'};
	wordexp_t	words = {0};
	char	  **argv;
	int			count = 0;
	int			result;

	result = wordexp(replace(command, VIFLO_PROCESS_FILE, disguise), &words, WRDE_NOCMD);
	if (result != 0 || words.we_wordc == 0)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "%s: command \"%s\" %s", what, command,
					  result == WRDE_BADCHAR ? "has characters of a shell outside of quotes" :
					  result == WRDE_CMDSUB ? "has a command in it" :
					  result == 0 ? "is empty" : "has a quote that is not closed");
		viflo_failure_hint(failure, "For pipes and the like say: sh -c '...' sh %s",
						   VIFLO_PROCESS_FILE);
		return NULL;
	}
	while (more != NULL && more[count] != NULL)
		count++;
	argv = palloc0(sizeof(char *) * (words.we_wordc + count + 1));
	for (int i = 0; i < words.we_wordc; i++)
		argv[i] = replace(words.we_wordv[i], disguise, file ? file : "");
	for (int i = 0; i < count; i++)
		argv[words.we_wordc + i] = more[i];
	wordfree(&words);
	return argv;
}

/*
 * Runs argv to its end; 0 or an errno.  As with system(), ^C at the terminal is
 * for the program: an editor goes on after it, and has to find us here then.
 */
static int
run(char **argv, bool quiet, int *status)
{
	static const int signals[] = {SIGINT, SIGQUIT};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before[lengthof(signals)];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t	defaults;
	pid_t		pid;
	int			result;

	sigemptyset(&defaults);
	for (int i = 0; i < lengthof(signals); i++)
	{
		sigaction(signals[i], &ignore, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaddset(&defaults, signals[i]);
	}
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	if (quiet)
		posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	result = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	while (result == 0 && waitpid(pid, status, 0) < 0)
	{
		if (errno != EINTR)
			result = errno;
	}
	for (int i = 0; i < lengthof(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	return result;
}

bool
viflo_process_run(const char *what, const char *command, const char *file,
				  char *const *more, bool quiet, VifloFailure *failure)
{
	char	  **argv = split(what, command, file, more, failure);
	int			status;

	if (argv == NULL)
		return false;
	fflush(stdout);
	errno = run(argv, quiet, &status);
	if (errno != 0)
		return viflo_failure(failure, VIFLO_EXIT_REFUSED, "%s: could not run \"%s\": %m",
							 what, argv[0]);
	if (status == 0)
		return true;
	return viflo_failure(failure, VIFLO_EXIT_REFUSED, "%s: command \"%s\" failed: %s",
						 what, command, wait_result_to_str(status));
}

bool
viflo_process_exists(const char *name)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0')
	{
		int			length = strcspn(path, ":");
		char	   *file = psprintf("%.*s/%s", length, path, name);
		bool		there = access(file, X_OK) == 0;

		pfree(file);
		if (there)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}
