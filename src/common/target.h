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
#include "common/history.h"

/*
 * Resolves an identifier that is not relative: full id, partial id, head,
 * heads, base, label, label@head, rev@heads, label@base, ...  base gives none.
 * "-N", alone or after label@, is N steps below each head.  A repeatable
 * revision is no target.
 * Returns the number of nodes, *found palloc'd; -1 and *error on failure.
 */
extern int	viflo_target_resolve(const VifloGraph *graph, const char *target,
								 int **found, VifloError *error);

/* The same where one node is wanted; *found = -1 for base. */
extern bool viflo_target_resolve_one(const VifloGraph *graph, const char *target,
									 int *found, VifloError *error);

/* Both for who means revisions themselves: repeatable ones can be found, too. */
extern int	viflo_target_name(const VifloGraph *graph, const char *target,
							  int **found, VifloError *error);
extern bool viflo_target_name_one(const VifloGraph *graph, const char *target,
								  int *found, VifloError *error);

/* Does the target stand for all there is, repeatable revisions included? */
extern bool viflo_target_is_all(const char *target);

/*
 * Nodes that an upgrade of a database that has applied (NULL: nothing) goes
 * to: all that viflo_target_resolve() takes but "-N", and +N, rev+N, rev-N,
 * label@+N, base+N.  Returns as that does.
 */
extern int	viflo_target_upgrade(const VifloGraph *graph, const bool *applied,
								 const char *target, int **found, VifloError *error);

/*
 * The node that a downgrade goes to, -1 for base: a revision, base, -N,
 * rev+N, rev-N, label@-N, ...  *branch is the node that the branch to go
 * down is named by (for "-N", where it starts), -1 where none is.
 */
extern bool viflo_target_downgrade(const VifloGraph *graph, const bool *applied,
								   const char *target, int *found, int *branch,
								   VifloError *error);

/*
 * Splits "a:b" at its colon into palloc'd parts, "" where a side is empty.
 * False and *error when there is not exactly one colon.
 */
extern bool viflo_target_split(const char *range, char **start, char **end,
							   VifloError *error);

#endif							/* VIFLO_TARGET_H */
