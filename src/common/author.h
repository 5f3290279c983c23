/*-------------------------------------------------------------------------
 * author.h
 *	  Where a revision to be made goes in the graph.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_AUTHOR_H
#define VIFLO_AUTHOR_H

#include "common/graph.h"

/*
 * Parents of a revision to be made on heads (what viflo_revision() has as
 * down_revision): ids in *down, which borrows the graph's strings.  Without
 * splice they must be heads.  viflo_plan_merge() additionally wants at least
 * two.
 */
extern bool viflo_plan_new(const VifloGraph *graph, const char *const *heads,
						   int nheads, bool splice, VifloNames *down, VifloError *error);
extern bool viflo_plan_merge(const VifloGraph *graph, const char *const *revisions,
							 int nrevisions, VifloNames *down, VifloError *error);

/* Full ids or labels for depends_on, from what a user typed; borrowed, too. */
extern bool viflo_plan_depends(const VifloGraph *graph, const char *const *depends_on,
							   int ndepends, VifloNames *result, VifloError *error);

#endif							/* VIFLO_AUTHOR_H */
