/*-------------------------------------------------------------------------
 * find.h
 *	  Looks for another tool's history in a database, and reads it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FIND_H
#define VIFLO_CLI_FIND_H

#include "cli/adopt/tool.h"
#include "cli/exchange.h"

/* The history that was found.  Strings live as long as the program. */
typedef struct VifloFound
{
	const VifloTool *tool;
	char	   *table;			/* qualified and quoted */
	int			count;
	VifloToolRow *rows;
} VifloFound;

/*
 * The question which tables there are that could be a history; and its answer:
 * the one that goes with folders of this layout.  tool and table (both may be
 * NULL) are what the user names: table by itself or with its schema, as in
 * SQL.  Where the database has a tenant, it is a table in its schema, else one
 * that the search path finds, or of a tool with a schema of its own.  Fails
 * where there is none, and where there are several, naming what was found.
 */
extern void viflo_find_ask_tables(VifloExchange *exchange, const char *table);
extern bool viflo_find_took_tables(const VifloDbResult *result, const char *layout,
								   const VifloTool *tool, const char *table,
								   VifloFound *found, VifloFailure *failure);

/*
 * The question what is in found->table, in whole; and its answer: found->rows,
 * without those that have no version.
 */
extern void viflo_find_ask_rows(VifloExchange *exchange, const VifloFound *found);
extern void viflo_find_took_rows(VifloDbResult **results, VifloFound *found);

#endif							/* VIFLO_CLI_FIND_H */
