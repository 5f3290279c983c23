/*-------------------------------------------------------------------------
 * psql_script.h
 *	  Scripts that are psql's, not just SQL: what psql itself would send.
 *
 * psql's commands work on the client: \i and \ir put in another file, \copy
 * the data of one, \set and :name values, \if leaves out.  All that is done
 * here, before anything is sent, by PostgreSQL's own lexer for psql's input.
 * What needs a server (\gset), a shell (\!) or another session (\connect) is
 * an error that names file and line.
 */
#ifndef VIFLO_CLI_PSQL_SCRIPT_H
#define VIFLO_CLI_PSQL_SCRIPT_H

#include "cli/reader/reader.h"

/*
 * Makes all of file a section of a revision, as viflo_reader_section() does,
 * with psql's commands carried out.  Paths are relative to the folder, where
 * psql is taken to run.  given are values for names that neither \set nor
 * --set has; others come from the environment, and a name without a value
 * stays as it is, as in psql.
 *
 * Where lines of the result are not those of file, a comment
 *		-- viflo at LINE FILE
 * says what the next line is (script.h).
 */
extern bool viflo_psql_section(const VifloFolder *folder, const VifloFile *file,
							   VifloHistory *history, const VifloNames *given,
							   VifloSection *section, VifloFailure *failure);

#endif							/* VIFLO_CLI_PSQL_SCRIPT_H */
