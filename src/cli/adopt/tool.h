/*-------------------------------------------------------------------------
 * tool.h
 *	  The history tables of other migration tools.
 *
 * A tool is a row of a table: where it keeps its history, how that is asked
 * for, and how a checksum in it is made.  find.c looks which of them a
 * database has, match.c compares what they say with a folder.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_TOOL_H
#define VIFLO_CLI_TOOL_H

#include "cli/reader/reader.h"

/* What one row of a tool's history means. */
typedef enum VifloToolState
{
	VIFLO_TOOL_APPLIED,
	VIFLO_TOOL_THROUGH,			/* this version and all before it */
	VIFLO_TOOL_FAILED			/* it was begun and did not end well */
} VifloToolState;

/* One row, in the order the tool has them.  Strings live as long as the program. */
typedef struct VifloToolRow
{
	char	   *version;		/* as the tool writes it */
	char	   *name;			/* what it calls it beside, or NULL */
	char	   *checksum;		/* or NULL */
	char	   *applied_at;		/* a timestamptz's text, or NULL */
	char	   *applied_by;		/* or NULL */
	VifloToolState state;
	char	   *note;			/* of a failed one: what the tool says; or
								 * NULL */
} VifloToolRow;

typedef struct VifloTool
{
	const char *name;
	const char *layouts;		/* names of readers, a comma between */

	/* Its table: where it lies (NULL: in any schema), and columns it has. */
	const char *schema;
	const char *table;
	const char *columns;		/* a comma between; "!" before one it has not */

	/*
	 * Over the table %s: version, name, checksum, applied_at, applied_by,
	 * state (applied, through, failed), note; all as text.
	 */
	const char *query;

	/*
	 * The version of a revision of the folder as the query gives it; NULL:
	 * the migration's version.
	 */
	const char *(*version) (const VifloHistory *history, int number);

	/*
	 * Where several revisions have the version: is this the one that the row
	 * is about?  NULL: they never do.
	 */
	bool		(*fits) (const VifloHistory *history, int number, const VifloToolRow *row);

	/*
	 * Is the row's checksum, which is not NULL, that of the revision as it is
	 * now?  If not, *expected is what it would be, palloc'd.  NULL: the tool
	 * keeps none.
	 */
	bool		(*is_same) (const VifloHistory *history, int number,
							const char *checksum, char **expected);
} VifloTool;

/* All that are known; the last one has no name. */
extern const VifloTool viflo_tools[];

/* By name; fails (usage) naming those there are. */
extern const VifloTool *viflo_tool_find(const char *name, VifloFailure *failure);

/* Is name among the items of a list with commas between? */
extern bool viflo_tool_lists(const char *list, const char *name);

#endif							/* VIFLO_CLI_TOOL_H */
