/*-------------------------------------------------------------------------
 * liquibase_text.h
 *	  One file of Liquibase's formatted SQL, taken apart.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_LIQUIBASE_TEXT_H
#define VIFLO_CLI_LIQUIBASE_TEXT_H

#include "common/error.h"
#include "common/revision.h"
#include "lib/stringinfo.h"

/*
 * Lines out of a file.  Those in between are empty ones here, so that lines
 * count as in the file, from first_line on; 0: there is none.
 */
typedef struct VifloLiquibaseLines
{
	StringInfoData text;
	int			first_line;
	int			last_line;
} VifloLiquibaseLines;

typedef struct VifloChangeSet
{
	char	   *author;
	char	   *id;
	int			line;			/* of --changeset */
	const char *comment;		/* or NULL */
	const char *path;			/* logicalFilePath, or NULL */
	bool		leaves_out;		/* it is not for PostgreSQL, or ignored */
	bool		quoted_dbms;	/* left out, as a quote begins dbms */
	bool		filtered;		/* it has a context or labels */
	bool		run_on_change;
	bool		run_always;
	bool		in_transaction;
	bool		may_fail;		/* failOnError:false */
	bool		splits;			/* splitStatements, rollbackSplitStatements */
	bool		rollback_splits;
	const char *delimiter;		/* endDelimiter, or NULL */
	const char *rollback_delimiter;
	VifloLiquibaseLines sql;
	VifloLiquibaseLines rollback;
} VifloChangeSet;

/* Made by viflo_liquibase_parse(); palloc'd, lives as long as the program. */
typedef struct VifloChangeLog
{
	int			count;
	VifloChangeSet *sets;
	const char *path;			/* logicalFilePath of all, or NULL */
	VifloNames	properties;		/* NAME=VALUE, as they stand there */
} VifloChangeLog;

/* Is the first line that is not empty the one that formatted SQL begins with? */
extern bool viflo_liquibase_is_formatted(const char *text, size_t length);

/*
 * Takes length bytes of text apart.  Fails, with the line in error->line, on
 * what Liquibase refuses, on SQL outside of change sets, and on what is not
 * supported: preconditions, runWith, rollbacks of other change sets, and what
 * only Liquibase's paid edition has.
 */
extern bool viflo_liquibase_parse(const char *text, size_t length,
								  VifloChangeLog *log, VifloError *error);

/*
 * Puts ";" where delimiter (NULL: Liquibase's own, a line of "/" or "go")
 * ends a statement: at the end of a line, outside of quotes and comments;
 * "/", and what begins with "\n", must be all of it.  Fails when
 * delimiter is a pattern otherwise.
 */
extern bool viflo_liquibase_delimit(StringInfo text, const char *delimiter);

#endif							/* VIFLO_CLI_LIQUIBASE_TEXT_H */
