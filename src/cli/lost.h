/*-------------------------------------------------------------------------
 * lost.h
 *	  After a connection was lost while a run was under way: what became of it.
 *
 * A lost connection is no failed migration: the server may have committed the
 * run, and the answer got lost.  So nothing is said before it was asked.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_LOST_H
#define VIFLO_CLI_LOST_H

#include "cli/database.h"

typedef enum VifloLost
{
	VIFLO_LOST_COMMITTED,
	VIFLO_LOST_ROLLED_BACK,
	VIFLO_LOST_UNKNOWN
} VifloLost;

/*
 * Connects again, for a few seconds, and waits until the server's process
 * that did the run is gone: what is in the log then is all there will be.
 * False where that cannot be had; the user may end it with ^C.
 */
extern bool viflo_lost_return(VifloDatabase *database);

/*
 * For a run that was one transaction and began at started (viflo_watch_now()):
 * what became of it.  Its steps are result's rows: columns of the alias t,
 * which has those of viflo_upgrade(), or a JSON array.
 */
extern VifloLost viflo_lost_transaction(VifloDatabase *database, int64 started,
										const char *columns, VifloDbResult **result);

/*
 * For an online run to target, either way: is nothing left to do?  False where
 * that cannot be told.
 */
extern bool viflo_lost_is_done(VifloDatabase *database, const char *target);

/* Says what is known, or not, in failure's hint. */
extern void viflo_lost_explain(VifloLost lost, VifloFailure *failure);

#endif							/* VIFLO_CLI_LOST_H */
