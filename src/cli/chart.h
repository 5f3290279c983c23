/*-------------------------------------------------------------------------
 * chart.h
 *	  A graph of revisions as other programs draw it: dot, Mermaid, SVG.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_CHART_H
#define VIFLO_CLI_CHART_H

#include "cli/view.h"
#include "lib/stringinfo.h"

/* Each appends a whole document.  order is that of viflo_lanes_order(). */
extern void viflo_chart_dot(StringInfo out, const VifloView *view, const int *order);
extern void viflo_chart_mermaid(StringInfo out, const VifloView *view, const int *order);
extern void viflo_chart_svg(StringInfo out, const VifloView *view, const int *order);

/*
 * "current, head, billing" and whatever else people want to know of a
 * revision; palloc'd, empty when there is nothing.
 */
extern char *viflo_chart_remarks(const VifloView *view, int node);

#endif							/* VIFLO_CLI_CHART_H */
