/*-------------------------------------------------------------------------
 * branches.h
 *	  Which branch labels hold for which revisions.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_BRANCHES_H
#define VIFLO_BRANCHES_H

#include "common/graph.h"

/* Storage of all nodes' branches; opaque. */
typedef struct VifloBranches VifloBranches;

/*
 * Fills branches of every node of a graph whose edges and order are there.
 * The result is palloc'd in the current context and goes with the graph.
 */
extern VifloBranches *viflo_branches_spread(VifloGraph *graph);
extern void viflo_branches_free(VifloBranches *branches);

/* Are several heads meant: has each a branch label of its own? */
extern bool viflo_branches_divide(const VifloGraph *graph);

#endif							/* VIFLO_BRANCHES_H */
