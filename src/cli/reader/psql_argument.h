/*-------------------------------------------------------------------------
 * psql_argument.h
 *	  Arguments of psql's backslash commands.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PSQL_ARGUMENT_H
#define VIFLO_CLI_PSQL_ARGUMENT_H

#include "cli/reader/psql_run.h"

/*
 * The next argument of a command, palloc'd, with quotes taken off, variables
 * replaced, and `programs` run; *at is then past it.  NULL: there is none, at
 * the end of the line or the next backslash.  Sets *good to false on failure;
 * only where the argument is printed, a variable of psql's own may be unknown.
 */
extern char *viflo_psql_argument(VifloPsqlSource *source, const char **at,
								 const char *end, bool printed, bool *good);

/* Past all arguments of a command that is left out. */
extern void viflo_psql_skip_arguments(const char **at, const char *end);

/*
 * Runs a command line by the shell in the folder, which only
 * --allow-programs makes possible, and appends its output to out.
 */
extern bool viflo_psql_program(VifloPsqlSource *source, const char *command,
							   StringInfo out);

#endif							/* VIFLO_CLI_PSQL_ARGUMENT_H */
