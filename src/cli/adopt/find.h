/*-------------------------------------------------------------------------
 * find.h
 *	  Looks for another tool's history in a database, and reads it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FIND_H
#define VIFLO_CLI_FIND_H

#include "cli/adopt/tool.h"
#include "cli/database.h"

/* The history that was found.  Strings live as long as the program. */
typedef struct VifloFound
{
	const VifloTool *tool;
	char	   *table;			/* qualified and quoted */
	int			count;
	VifloToolRow *rows;
} VifloFound;

/*
 * Finds the one history table that goes with folders of this layout, and reads
 * it.  tool and table (both may be NULL) are what the user names: table by
 * itself or with its schema, as in SQL.  Fails where there is none, and where
 * there are several, naming what was found.
 */
extern bool viflo_find_history(VifloDatabase *database, const char *layout,
							   const VifloTool *tool, const char *table,
							   VifloFound *found, VifloFailure *failure);

#endif							/* VIFLO_CLI_FIND_H */
