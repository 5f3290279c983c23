/*-------------------------------------------------------------------------
 * order.h
 *	  The topological order of a graph, and its cycles.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ORDER_H
#define VIFLO_ORDER_H

#include "common/graph.h"

/*
 * Fills order and the nodes' ranks of a graph whose edges are there and whose
 * ranks are -1.  False and *error, naming the members, when there is a cycle.
 */
extern bool viflo_order_build(VifloGraph *graph, VifloError *error);

#endif							/* VIFLO_ORDER_H */
