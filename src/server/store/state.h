/*-------------------------------------------------------------------------
 * state.h
 *	  What a project has registered and where the database stands, in memory.
 *
 * A backend keeps the graph of the projects it last used, so that asking
 * again costs no table access.  Whoever changes viflo.revision or
 * viflo.applied sends a relation cache invalidation for it; the state is then
 * read anew at its next use.  Invalidations arrive before the changing
 * session's commit returns to its client and before its locks go, hence
 * "nothing to do" is never said by a state older than the call.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STATE_H
#define VIFLO_STATE_H

#include "common/plan.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/palloc.h"

/* What is known of a registered revision beside its VifloRevision. */
typedef struct VifloEntry
{
	int64		position;
	bool		transactional;
	bool		down_transactional;
	bool		reversible;
	bool		bundled;
	char	   *source;			/* or NULL */
	char	   *digest;
	/* the rest holds when it is applied, with whatever text */
	char	   *applied_checksum;	/* NULL: it is not */
	TimestampTz applied_at;
	char	   *applied_by;
} VifloEntry;

/*
 * Owned by the cache, read-only for others, and valid only until the caller
 * next runs or waits for anything: whoever needs parts of it longer copies them.
 */
typedef struct VifloProjectState
{
	char	   *project;
	char	   *tenant;
	uint64		generation;		/* private: of what it was read */
	bool		held;			/* private: see viflo_state_hold() */
	MemoryContext context;
	VifloRevision *revisions;	/* count elements, no texts */
	VifloEntry *entries;		/* likewise */
	VifloGraph *graph;			/* NULL: damaged, see graph_error */
	VifloError	graph_error;
	int			count;
	bool	   *applied;		/* a repeatable one: with its present text,
								 * and not half done */
	bool		closed;			/* applied holds all ancestors of its members */
	bool	   *covered;		/* what applied revisions follow, by down
								 * revisions; NULL where closed, as children
								 * tell then */
	int64		last_position;
	List	   *missing;		/* ids (char *) that are applied, not
								 * registered */
	List	   *unfinished;		/* VifloUnfinished: which there are is
								 * current, how far they are may not be */
} VifloProjectState;

/* Registers the invalidation callback.  Called once, by _PG_init. */
extern void viflo_state_init(void);

/*
 * The newest state of project for tenant ("" for none).  A project without
 * revisions is an empty one.  Raises the graph's error if the registered
 * revisions do not make a graph (somebody changed the table by hand).
 */
extern VifloProjectState *viflo_state_get(const char *project, const char *tenant);

/*
 * Makes this state outlive, to the end of the transaction at most, that it is
 * read anew: for who goes on using it while writing, as indexes that users
 * have put on our tables may call functions that ask for the state.
 */
extern void viflo_state_hold(VifloProjectState *state);
extern void viflo_state_release(VifloProjectState *state);

/*
 * Node of the one revision that a user names, a repeatable one perhaps;
 * raises where it is not one.
 */
extern int	viflo_state_resolve(const VifloProjectState *state, const char *name);

/* plan.h's view of it. */
static inline VifloState
viflo_state_view(const VifloProjectState *state)
{
	VifloState	view;

	view.applied = state->applied;
	view.closed = state->closed;
	return view;
}

/*
 * To be called once before the first write of a change of project (NULL: of
 * any): makes all other backends read their states again when the transaction
 * commits, and this one if it aborts; and forgets that it was settled.
 */
extern void viflo_state_announce(const char *project);

#endif							/* VIFLO_STATE_H */
