/*-------------------------------------------------------------------------
 * walk.h
 *	  So many steps up or down from a revision, for relative targets.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_WALK_H
#define VIFLO_WALK_H

#include "common/lookup.h"

/* In place of a node: below all bases. */
#define VIFLO_BASE	(-1)

/*
 * Goes steps up (by children) or down (by down revisions) from start, which
 * may be VIFLO_BASE.  With branch, steps up stay in it.  False and *error
 * where a step could go several ways or none; target is the text it is for.
 */
extern bool viflo_walk(const VifloGraph *graph, int start, bool up, int steps,
					   const VifloBranch *branch, const char *target,
					   int *end, VifloError *error);

#endif							/* VIFLO_WALK_H */
