/*-------------------------------------------------------------------------
 * program.h
 *	  Runs a program and takes what it writes.
 *
 * No shell stands in between, unless the program is one.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PROGRAM_H
#define VIFLO_CLI_PROGRAM_H

#include "cli/failure.h"
#include "lib/stringinfo.h"

/* What a program may write, and how long it may take. */
#define VIFLO_PROGRAM_MAX_OUTPUT	(256 * 1024 * 1024)
#define VIFLO_PROGRAM_MAX_SECONDS	600

/*
 * Runs argv, a NULL-terminated list whose first is looked for in PATH, in the
 * directory dir, without input.  Its output is appended to out.  Fails when it
 * cannot be started, does not end with 0, or goes beyond what is allowed; the
 * detail then is what it wrote to stderr.
 */
extern bool viflo_program_run(const char *const *argv, int dir, StringInfo out,
							  VifloFailure *failure);

#endif							/* VIFLO_CLI_PROGRAM_H */
