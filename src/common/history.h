/*-------------------------------------------------------------------------
 * history.h
 *	  From a range of the history to revisions.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_HISTORY_H
#define VIFLO_HISTORY_H

#include "common/graph.h"

/*
 * A range for viflo_history(): "a:b", "a:", ":b", "-3:current", "a:+2"; NULL
 * is everything.  A start of "-N" counts down from the heads, an end of "+N"
 * up from the start.  applied is the applied set, for "current".
 * Result: nodes newest first, in *found; number returned, -1 on failure.
 */
extern int	viflo_target_history(const VifloGraph *graph, const bool *applied,
								 const char *range, int **found, VifloError *error);

#endif							/* VIFLO_HISTORY_H */
