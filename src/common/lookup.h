/*-------------------------------------------------------------------------
 * lookup.h
 *	  One name (an id, part of one, a label) to the node it means.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LOOKUP_H
#define VIFLO_LOOKUP_H

#include "common/graph.h"

/* How many candidates a message names. */
#define VIFLO_MAX_CANDIDATES	5

/*
 * Revisions that share a line of descent with the one that a branch label
 * (or an id in its place) names.  members is a set of nodes, palloc'd.
 */
typedef struct VifloBranch
{
	const char *name;			/* as typed */
	int			node;			/* what name means */
	bool	   *members;		/* it, its ancestors and its descendants */
} VifloBranch;

/*
 * Node that name means, or -1 and *error: an exact id, else an exact label,
 * else the beginning of exactly one id or label of four characters or more.
 * With branch, only what is in it counts.
 */
extern int	viflo_lookup(const VifloGraph *graph, const char *name,
						 const VifloBranch *branch, VifloError *error);

/* Fills *branch for name, which must outlive it; false and *error: none such. */
extern bool viflo_lookup_branch(const VifloGraph *graph, const char *name,
								VifloBranch *branch, VifloError *error);

/* It, its ancestors and its descendants: a palloc'd set. */
extern bool *viflo_lookup_lineage(const VifloGraph *graph, int node,
								  bool dependencies);

/* "a", "b" and 3 more: palloc'd, for details. */
extern char *viflo_lookup_list(const VifloGraph *graph, const int *nodes,
							   int count);

#endif							/* VIFLO_LOOKUP_H */
