/*-------------------------------------------------------------------------
 * lanes.h
 *	  Where the revisions and lines of a graph go when it is drawn.
 *
 * A lane is a column that waits for one revision: the next one below it that
 * something above it revises.  Only down revisions are lines; dependencies
 * count for the order.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_LANES_H
#define VIFLO_CLI_LANES_H

#include "common/graph.h"

/*
 * All nodes, newest first: each above what it revises and depends on, and a
 * branch in one piece where that can be.  palloc'd.
 */
extern int *viflo_lanes_order(const VifloGraph *graph);

/*
 * Draws the graph in characters: calls fn for each row of it, from the top;
 * node is the one that stands in the row, or -1.  row has no blanks at its
 * end: "|", "/", "\", "_", and for nodes the character that marks has.
 */
typedef void (*VifloLaneFunction) (int node, const char *row, void *arg);

extern void viflo_lanes_draw(const VifloGraph *graph, const int *order,
							 const char *marks, VifloLaneFunction fn, void *arg);

/*
 * The same for a drawing with curves, in which a line keeps its column.  A
 * line leaves the node at (from_row, from_column), is in column from the next
 * row on, and ends at (to_row, to_column): a node, or, to_row being the next
 * row and to_column being column, a place on another line.
 */
typedef struct VifloLine
{
	int			from_row;
	int			from_column;
	int			column;
	int			to_row;
	int			to_column;
} VifloLine;

typedef struct VifloLayout
{
	int			width;			/* columns */
	int		   *columns;		/* of each row */
	int			count;
	VifloLine  *lines;
} VifloLayout;

/* palloc'd. */
extern VifloLayout viflo_lanes_layout(const VifloGraph *graph, const int *order);

#endif							/* VIFLO_CLI_LANES_H */
