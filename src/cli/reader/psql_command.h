/*-------------------------------------------------------------------------
 * psql_command.h
 *	  psql's backslash commands, and their arguments.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PSQL_COMMAND_H
#define VIFLO_CLI_PSQL_COMMAND_H

#include "cli/reader/psql_run.h"

/*
 * Carries out the command whose name begins at *at, after its backslash, and
 * sets *at to where SQL, or another command, goes on in the line.
 */
extern bool viflo_psql_command(VifloPsqlSource *source, const char **at,
							   const char *end);

#endif							/* VIFLO_CLI_PSQL_COMMAND_H */
