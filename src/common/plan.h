/*-------------------------------------------------------------------------
 * plan.h
 *	  From where a database stands to where it shall go: the ordered steps.
 *
 * applied is the set of applied nodes.  It is usually closed over parents
 * and dependencies; where it is not (a revision was put below applied ones
 * later), an upgrade plans the gap and marks it late.  A repeatable revision is
 * applied when it is so with its present text.  An upgrade to head or heads
 * begins and ends with those that are not, and with those whose kind has them
 * run again (VifloRepeatable); nothing else runs any.
 * All of it is linear in the size of the graph, and an upgrade whose targets
 * are all applied (with nothing missing below them) costs no allocation
 * beyond the result of resolving the target when the caller says that
 * applied is closed.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_PLAN_H
#define VIFLO_PLAN_H

#include "common/author.h"
#include "common/stamp.h"
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

/* All return false and fill *error on failure; *plan is then untouched. */
extern bool viflo_plan_upgrade(const VifloGraph *graph, VifloState state,
							   const char *target, VifloPlan *plan, VifloError *error);
extern bool viflo_plan_downgrade(const VifloGraph *graph, VifloState state,
								 const char *target, VifloPlan *plan, VifloError *error);

/*
 * For offline scripts: "a:b" (from a to b, up), "a:" (to the heads), ":b"
 * (from base), or one target (from base).  What the database has is taken
 * from the range's start, not from state.  For a downgrade "a:b" goes from a
 * down to b, and both must be given.
 * *before is the applied set the script starts from (palloc'd).
 */
extern bool viflo_plan_offline(const VifloGraph *graph, VifloDirection direction,
							   const char *range, bool **before,
							   VifloPlan *plan, VifloError *error);

/*
 * For viflo_plan() and viflo_sql(), which take one target either way: is it
 * below where the database stands?  True: downgrade, else upgrade.  A target
 * that cannot be resolved is an upgrade's, which then says why.
 */
extern bool viflo_plan_is_downgrade(const VifloGraph *graph, VifloState state,
									const char *target);

#endif							/* VIFLO_PLAN_H */
