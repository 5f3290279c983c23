/*-------------------------------------------------------------------------
 * graph.h
 *	  The directed acyclic graph of one project's revisions.
 *
 * Nodes are numbered 0..count-1 in load order, which breaks ties wherever
 * the graph alone does not decide.  Two kinds of edges: to down revisions
 * (the branches users see) and to dependencies (order only).  A set of nodes
 * is a bool array of count elements.  Everything here is linear in nodes plus
 * edges.  The graph borrows the revisions' strings: they must outlive it.
 *
 * Repeatable revisions are nodes beside the line: names find them, and they
 * stand at the end of the order, but they are neither heads nor bases, and
 * no edge leads between them and the others.  That one depends on another
 * that is not repeatable is no edge, as it runs after all of those anyway;
 * those that run first cannot depend on what runs after them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_GRAPH_H
#define VIFLO_GRAPH_H

#include "common/revision.h"

/* What planning reads stands first, within one cache line. */
typedef struct VifloNode
{
	int			nparents;		/* down revisions */
	int			ndepends;
	int		   *parents;
	int		   *depends;		/* dependencies, resolved to nodes; never a
								 * parent */
	int			rank;			/* position in the topological order */
	int			nchildren;		/* inverse of parents, in load order */
	int		   *children;
	int		   *dependents;		/* inverse of depends */
	int			ndependents;
	bool		repeatable;
	VifloNames	branches;		/* labels that hold for it: own and inherited,
								 * by Alembic's rules */
	const VifloRevision *revision;
} VifloNode;

typedef struct VifloGraph
{
	int			count;
	VifloNode  *nodes;
	int			nversioned;		/* not repeatable: the first ones in order */
	int			nfirst;			/* repeatable that run first: those after them */
	int		   *order;			/* order[rank] = node: parents and
								 * dependencies first, ties by load order;
								 * then the repeatable ones, dependencies
								 * first, ties by kind and by id, bytewise */
	int			nheads;			/* no child by down revision, in load order */
	int		   *heads;
	struct VifloGraphIndex *index;	/* names to nodes; private to graph.c */
} VifloGraph;

/*
 * Builds the graph of count revisions, palloc'd in the current context.
 * NULL and *error when an id is there twice, a parent or dependency is not
 * there, a label is used twice or collides with an id, a repeatable revision
 * has parents or labels, or one that is not, or that runs before it, stands on
 * it, or there is a cycle: the message names the revisions, the detail the way round.
 */
extern VifloGraph *viflo_graph_build(const VifloRevision *revisions, int count,
									 VifloError *error);
extern void viflo_graph_free(VifloGraph *graph);	/* for callers without
													 * memory contexts */

/* Node of this exact id, or -1. */
extern int	viflo_graph_find(const VifloGraph *graph, const char *id);

/* Node that carries this branch label itself, or -1. */
extern int	viflo_graph_find_label(const VifloGraph *graph, const char *label);

/*
 * Nodes whose id begins with prefix: their number, and up to limit of them
 * in *found, in load order.
 */
extern int	viflo_graph_find_prefix(const VifloGraph *graph, const char *prefix,
									int *found, int limit);

/* Adds to set everything above (ancestors) or below (descendants) what is in it. */
extern void viflo_graph_ancestors(const VifloGraph *graph, bool *set, bool dependencies);
extern void viflo_graph_descendants(const VifloGraph *graph, bool *set, bool dependencies);

/*
 * Maximal members of set: those with no child (and, with dependencies, no
 * dependent) in it.  Returns the number; *heads is palloc'd, in load order.
 * A child counts even when it is reached only through nodes outside set.
 * Repeatable ones do not count.
 */
extern int	viflo_graph_maximal(const VifloGraph *graph, const bool *set,
								bool dependencies, int **heads);

/* Heads and bases as Alembic has them; "real" ones also mind dependencies. */
extern int	viflo_graph_heads(const VifloGraph *graph, bool real, int **heads);
extern int	viflo_graph_bases(const VifloGraph *graph, bool real, int **bases);

#endif							/* VIFLO_GRAPH_H */
