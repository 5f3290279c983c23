/*-------------------------------------------------------------------------
 * psql_copy.h
 *	  psql's \copy: COPY with the data of a file on the client.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PSQL_COPY_H
#define VIFLO_CLI_PSQL_COPY_H

#include "cli/reader/psql_run.h"

/*
 * Puts in COPY ... FROM stdin and the data of the file or program that the
 * rest of the line names, all of which it takes.  Fails for \copy ... to, and
 * for data that cannot be part of a text.
 */
extern bool viflo_psql_copy(VifloPsqlSource *source, const char **at,
							const char *end);

#endif							/* VIFLO_CLI_PSQL_COPY_H */
