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
	VIFLO_TOOL_BASELINE,		/* the same, and it need not have a file */
	VIFLO_TOOL_FAILED,			/* it was begun and did not end well */
	VIFLO_TOOL_DIRTY			/* the same, and all before it are applied */
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
	 * What is below needs what only the readers of those layouts know: no
	 * other folder can be compared with the table.
	 */
	bool		own_layouts_only;

	/* A version does not tell which others come before it: it is a hash. */
	bool		unordered;

	/*
	 * Over the table %s: version, name, checksum, applied_at, applied_by,
	 * state (applied, through, baseline, failed, dirty), note; all as text.
	 */
	const char *query;

	/* Is the row about this folder at all?  NULL: all are. */
	bool		(*concerns) (const VifloHistory *history, const VifloToolRow *row);

	/*
	 * The version of a revision of the folder as the query gives it; NULL:
	 * the migration's version.
	 */
	const char *(*version) (const VifloHistory *history, int number);

	/*
	 * Where several revisions have the version: how well does the row fit
	 * this one?  The best one is meant; 0 is none.  NULL: they never do.
	 */
	int			(*fits) (const VifloHistory *history, int number, const VifloToolRow *row);

	/*
	 * Is the row's checksum, which is not NULL, that of the revision as it is
	 * now?  If not, *expected is what it would be, palloc'd.  NULL: the tool
	 * keeps none.
	 */
	bool		(*is_same) (const VifloHistory *history, int number,
							const VifloToolRow *row, char **expected);
} VifloTool;

/* All that are known; the last one has no name. */
extern const VifloTool viflo_tools[];

/* By name; fails (usage) naming those there are. */
extern const VifloTool *viflo_tool_find(const char *name, VifloFailure *failure);

#endif							/* VIFLO_CLI_TOOL_H */
