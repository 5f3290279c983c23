/*-------------------------------------------------------------------------
 * standing.h
 *	  Where a database stands in the graph, by the set of what is applied.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STANDING_H
#define VIFLO_STANDING_H

#include "common/graph.h"

/*
 * Has every member of applied all its parents and dependencies in it, too?
 * Repeatable ones are not asked: nothing is late because of them.
 */
extern bool viflo_standing_is_closed(const VifloGraph *graph, const bool *applied);

/* What members of applied follow, by down revisions; palloc'd. */
extern bool *viflo_standing_covered(const VifloGraph *graph, const bool *applied);

/*
 * Is the node applied, and none that follows it by down revision?  Nowhere is
 * where a repeatable one stands.  covered is NULL where applied is closed, as
 * children tell then.
 */
extern bool viflo_standing_is_current(const VifloGraph *graph, const bool *applied,
									  const bool *covered, int node);

#endif							/* VIFLO_STANDING_H */
