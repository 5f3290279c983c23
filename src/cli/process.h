/*-------------------------------------------------------------------------
 * process.h
 *	  Runs another program on files: an editor, a hook.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PROCESS_H
#define VIFLO_CLI_PROCESS_H

#include "cli/failure.h"

/* Stands for the file in a command. */
#define VIFLO_PROCESS_FILE	"{}"

/*
 * Runs command, whose words are split as a shell does, with its quotes and
 * variables, but by no shell: no pipes, no command in a command.  {} in it
 * becomes file; more are words behind it (NULL-terminated, or NULL).  quiet
 * sends what it prints to stderr.  Waits for its end; false with *failure,
 * whose message begins with what (as "hook post_write"), when it cannot be run
 * or fails.
 */
extern bool viflo_process_run(const char *what, const char *command, const char *file,
							  char *const *more, bool quiet, VifloFailure *failure);

/* Is there a program of this name? */
extern bool viflo_process_exists(const char *name);

#endif							/* VIFLO_CLI_PROCESS_H */
