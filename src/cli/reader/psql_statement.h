/*-------------------------------------------------------------------------
 * psql_statement.h
 *	  A look at a statement that psql's lexer has cut off.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PSQL_STATEMENT_H
#define VIFLO_CLI_PSQL_STATEMENT_H

/* Is there nothing but comments and white space? */
extern bool viflo_psql_is_blank(const char *statement);

/* Is it a COPY whose data follow on the next lines? */
extern bool viflo_psql_copies_from_stdin(const char *statement);

#endif							/* VIFLO_CLI_PSQL_STATEMENT_H */
