/*-------------------------------------------------------------------------
 * state.h
 *	  What a project has registered and where the database stands, in memory.
 *
 * A backend keeps the graph of the projects it last used, so that asking
 * again costs no table access; and for each what is applied for the tenants it
 * last used, which all share that graph.  Whoever changes viflo.revision or
 * viflo.applied sends a relation cache invalidation for that table; the graph,
 * or what is applied, is then read anew at its next use.  Invalidations arrive
 * before the changing session's commit returns to its client and before its
 * locks go, hence "nothing to do" is never said by a state older than the call.
 *
 * What is applied is never older than the graph that it goes with, but may,
 * for as long as a commit takes, be newer.  That shows as a revision that is
 * applied and not in the graph, and both are then read once more.  Whoever
 * holds a migrator lock sees neither older nor newer than the other.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STATE_H
#define VIFLO_STATE_H

#include "common/plan.h"
#include "common/standing.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/palloc.h"
#include "utils/snapshot.h"

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
} VifloEntry;

/* How a revision was applied, with whatever text. */
typedef struct VifloMark
{
	char	   *checksum;		/* NULL: it is not applied */
	TimestampTz at;
	char	   *by;
} VifloMark;

/*
 * Owned by the cache, read-only for others, and valid only until the caller
 * next runs or waits for anything: whoever needs parts of it longer copies them.
 */
typedef struct VifloProjectState
{
	/* shared by all tenants of the project */
	struct VifloProject *shared;	/* private: owns what follows */
	char	   *project;
	VifloRevision *revisions;	/* count elements, no texts */
	VifloEntry *entries;		/* likewise */
	VifloGraph *graph;
	int			count;
	int64		last_position;

	/* the tenant's own */
	char	   *tenant;
	uint64		generation;		/* private: of what it was read */
	bool		held;			/* private: see viflo_state_hold() */
	MemoryContext context;
	bool	   *applied;		/* count elements; a repeatable one: with its
								 * present text, and not half done */
	VifloMark  *marks;			/* likewise */
	bool		closed;			/* applied holds all ancestors of its members */
	bool	   *covered;		/* viflo_standing_covered(); NULL where closed */
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

/*
 * Goes up with whatever may change a state of any project: what was worked out
 * from one holds for as long as this stays the same.
 */
extern uint64 viflo_state_generation(void);

/*
 * For who reads what is applied by snapshot and finds an id that the graph has
 * not: is the graph older than that, as its invalidation is under way?  It is
 * then read anew at its next use.
 */
extern bool viflo_state_is_behind(const char *project, const char *revision, Snapshot snapshot);

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
 * To be called once before the first write of a change of project's revisions
 * (NULL: of any project's), or of what is applied for its tenant (NULL: for
 * any): makes all other backends read that again when the transaction
 * commits, and this one if it aborts; and forgets that it was settled.
 */
extern void viflo_state_announce_revisions(const char *project);
extern void viflo_state_announce_applied(const char *project, const char *tenant);

#endif							/* VIFLO_STATE_H */
