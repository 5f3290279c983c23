/*-------------------------------------------------------------------------
 * match.h
 *	  What another tool's history means for a folder's revisions.
 *
 * Nothing here asks or tells a server: rows and files in, verdicts out.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_MATCH_H
#define VIFLO_CLI_MATCH_H

#include "cli/adopt/tool.h"

typedef enum VifloProblemKind
{
	VIFLO_PROBLEM_FAILED,		/* the tool says that it failed, or is dirty */
	VIFLO_PROBLEM_CHANGED,		/* its checksum is not that of the file */
	VIFLO_PROBLEM_NO_FILE		/* the folder has no file of it */
} VifloProblemKind;

/* Something that the user has to know before anything is taken over. */
typedef struct VifloProblem
{
	VifloProblemKind kind;
	const VifloToolRow *row;
	int			revision;		/* its number in the history, or -1 */
	char	   *expected;		/* changed: the checksum of the file */
} VifloProblem;

/* Made by viflo_match(); palloc'd, lives as long as the program. */
typedef struct VifloMatch
{
	const VifloToolRow **rows;	/* for each revision: the row that says that
								 * it is applied, or NULL */
	int			applied;		/* number of those */
	int			late;			/* not applied, though later ones are */
	int			concerned;		/* number of rows that are about the folder */
	int			without_file;	/* number of these that have no file */
	VifloProblem *problems;
	int			nproblems;
} VifloMatch;

/*
 * Compares rows, count of them, of the tool's table with the folder.  A failed
 * row does not count as applied.  Where versions and all before them count, the
 * revisions below are applied as well, by the graph; a row without a file then
 * counts by its version, if versions have an order.
 */
extern void viflo_match(const VifloHistory *history, const VifloTool *tool,
						const VifloToolRow *rows, int count, VifloMatch *match);

/* "failed", "changed", "no file": for people and for JSON. */
extern const char *viflo_problem_name(VifloProblemKind kind);

#endif							/* VIFLO_CLI_MATCH_H */
