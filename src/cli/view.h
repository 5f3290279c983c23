/*-------------------------------------------------------------------------
 * view.h
 *	  Folder and database seen together: one graph of all revisions.
 *
 * Either may be missing: a folder nobody has brought to a database yet, or a
 * database whose folder is elsewhere.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_VIEW_H
#define VIFLO_CLI_VIEW_H

#include "cli/database.h"

/* What is known of a revision beside itself. */
typedef struct VifloViewNode
{
	bool		local;			/* the folder has it */
	bool		loaded;			/* the database has it */
	bool		applied;
	bool		current;
	bool		late;			/* not applied, though what follows it is */
	bool		changed;		/* applied, and the folder's text differs, or
								 * the registered one */
} VifloViewNode;

/* Zeroed, then filled by the functions below; lives as long as the program. */
typedef struct VifloView
{
	bool		folder;			/* local is there */
	bool		connected;
	bool		extension;		/* connected, and the database has it */
	VifloDatabase database;
	VifloLocal	local;
	VifloNames	unlike;			/* of the folder: not registered, or not so */
	int			count;
	VifloRevision *revisions;	/* without texts */
	VifloViewNode *nodes;		/* go with revisions */
	VifloGraph *graph;			/* of revisions */
} VifloView;

/*
 * Opens the folder, if there is one, and the database.  False with status 4
 * when only the database could not be reached.
 */
extern bool viflo_view_open(VifloView *view, const VifloSettings *settings,
							VifloFailure *failure);

/*
 * Makes the graph.  queries, of which there are count, travel along where
 * the database has the extension; else their results are NULL.
 */
extern bool viflo_view_read(VifloView *view, const VifloDbQuery *queries, int count,
							VifloDbResult **results, VifloFailure *failure);

#endif							/* VIFLO_CLI_VIEW_H */
