/*-------------------------------------------------------------------------
 * plan.h
 *	  From where a database stands to where it shall go: the ordered steps.
 *
 * applied is the set of applied nodes.  It is usually closed over parents
 * and dependencies; where it is not (a revision was put below applied ones
 * later), an upgrade plans the gap and marks it late.
 * All of it is linear in the size of the graph, and an upgrade whose targets
 * are all applied (with nothing missing below them) costs no allocation
 * beyond the result of resolving the target when the caller says that
 * applied is closed.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_PLAN_H
#define VIFLO_PLAN_H

#include "common/target.h"

typedef enum VifloDirection
{
	VIFLO_UP,
	VIFLO_DOWN
} VifloDirection;

typedef struct VifloStep
{
	int			node;
	VifloDirection direction;
	bool		late;			/* up, though a descendant is applied */
} VifloStep;

typedef struct VifloPlan
{
	int			count;
	VifloStep  *steps;			/* palloc'd; in the order to run them */
} VifloPlan;

/* What the database has. */
typedef struct VifloState
{
	const bool *applied;		/* count elements; NULL means nothing is */
	bool		closed;			/* applied holds all ancestors of its members */
} VifloState;

/* All return false and fill *error on failure; *plan is then untouched. */
extern bool viflo_plan_upgrade(const VifloGraph *graph, VifloState state,
							   const char *target, VifloPlan *plan, VifloError *error);
extern bool viflo_plan_downgrade(const VifloGraph *graph, VifloState state,
								 const char *target, VifloPlan *plan, VifloError *error);

/*
 * For offline scripts: "a:b" (from a to b, up), "a:", ":b" (from base), or
 * one target (from base).  What the database has is taken from the range's
 * start, not from state.  For a downgrade "a:b" goes from a down to b.
 * *before is the applied set the script starts from (palloc'd).
 */
extern bool viflo_plan_offline(const VifloGraph *graph, VifloDirection direction,
							   const char *range, bool **before,
							   VifloPlan *plan, VifloError *error);

/*
 * For viflo_plan() and viflo_sql(), which take one target either way: is it
 * below where the database stands?  True: downgrade, else upgrade.
 */
extern bool viflo_plan_is_downgrade(const VifloGraph *graph, VifloState state,
									const char *target);

/*
 * The applied set after stamping targets: by Alembic's rules for each branch
 * (what other branches hold stays), or exactly their ancestors with purge.
 * *after is palloc'd, count elements.
 */
extern bool viflo_plan_stamp(const VifloGraph *graph, VifloState state,
							 const char *const *targets, int ntargets, bool purge,
							 bool **after, VifloError *error);

/*
 * Parents of a revision to be made on heads (what viflo_revision() has as
 * down_revision): ids in *down.  Without splice they must be heads.
 * viflo_plan_merge() additionally wants at least two.
 */
extern bool viflo_plan_new(const VifloGraph *graph, const char *const *heads,
						   int nheads, bool splice, VifloNames *down, VifloError *error);
extern bool viflo_plan_merge(const VifloGraph *graph, const char *const *revisions,
							 int nrevisions, VifloNames *down, VifloError *error);

/* Full ids or labels for depends_on, from what a user typed. */
extern bool viflo_plan_depends(const VifloGraph *graph, const char *const *depends_on,
							   int ndepends, VifloNames *result, VifloError *error);

#endif							/* VIFLO_PLAN_H */
