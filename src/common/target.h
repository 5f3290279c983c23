/*-------------------------------------------------------------------------
 * target.h
 *	  From what a user types (head, ae10+2, billing@head, a:b) to nodes.
 *
 * The rules are Alembic's (its documentation and test answers), with clear
 * errors where Alembic crashes, hangs or hides the reason.  An exact id
 * always wins over any other reading of the same text.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TARGET_H
#define VIFLO_TARGET_H

#include "common/graph.h"

/*
 * Resolves an identifier that is not relative: full id, partial id, head,
 * heads, base, label, label@head, rev@heads, label@base, ...  base gives none.
 * Returns the number of nodes, *found palloc'd; -1 and *error on failure.
 */
extern int	viflo_target_resolve(const VifloGraph *graph, const char *target,
								 int **found, VifloError *error);

/* The same where one node is wanted; *found = -1 for base. */
extern bool viflo_target_resolve_one(const VifloGraph *graph, const char *target,
									 int *found, VifloError *error);

/*
 * A range for viflo_history(): "a:b", "a:", ":b", "-3:current", "+1:", or a
 * single target, which means the same as target:target would in Alembic's
 * "history -r".  applied is the applied set, for "current" and relative ends.
 * Result: nodes newest first, in *found; number returned, -1 on failure.
 */
extern int	viflo_target_history(const VifloGraph *graph, const bool *applied,
								 const char *range, int **found, VifloError *error);

#endif							/* VIFLO_TARGET_H */
