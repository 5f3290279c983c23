/*-------------------------------------------------------------------------
 * stamp.h
 *	  What a database has, and what it has after a stamp.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STAMP_H
#define VIFLO_STAMP_H

#include "common/graph.h"

/* What the database has. */
typedef struct VifloState
{
	const bool *applied;		/* count elements; NULL means nothing is */
	bool		closed;			/* applied holds all ancestors of its members */
} VifloState;

/*
 * The applied set after stamping targets: by Alembic's rules for each branch
 * (what other branches hold stays), or exactly their ancestors with purge.
 * "-N" is for databases with nothing applied: it counts from the heads.
 * Of the repeatable revisions, those are applied after it that targets name,
 * all of them with head or heads; the others stay as they are, but for purge
 * and where anything else is no longer applied.
 * *after is palloc'd, count elements.
 */
extern bool viflo_plan_stamp(const VifloGraph *graph, VifloState state,
							 const char *const *targets, int ntargets, bool purge,
							 bool **after, VifloError *error);

#endif							/* VIFLO_STAMP_H */
