/*-------------------------------------------------------------------------
 * stamp.c
 *	  What is applied after a stamp.
 *
 * A stamp works on rows, the maximal applied revisions.  Rows that share a
 * line with any of the targets, dependencies included, are on the targets'
 * branches; they give way when a target lies above or below one of them, or
 * is base.  The other rows stay, with all that they stand on.  Repeatable
 * revisions are in no line, and are seen to at the end.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/lookup.h"
#include "common/sqlstate.h"
#include "common/stamp.h"
#include "common/target.h"

/* What is known of a stamp while it is made; freed by free_stamp(). */
typedef struct Stamp
{
	const bool *applied;		/* NULL: nothing */
	bool		base;			/* base, of some branch, is among the targets */
	bool		all;			/* so is head or heads */
	bool	   *dests;			/* set of targets */
	bool	   *related;		/* first the targets and what labels of bases
								 * name, then all that shares a line with it */
	int			nrows;
	int		   *rows;
} Stamp;

static bool *
empty_set(const VifloGraph *graph)
{
	return palloc0(sizeof(bool) * Max(graph->count, 1));
}

static void
free_stamp(Stamp *stamp)
{
	pfree(stamp->dests);
	pfree(stamp->related);
	if (stamp->rows != NULL)
		pfree(stamp->rows);
}

/* base and label@base name no revision: the branch is all, or the label's. */
static bool
relate_base(const VifloGraph *graph, const char *target, Stamp *stamp,
			VifloError *error)
{
	const char *at = strchr(target, '@');
	char	   *label;
	int			node;

	stamp->base = true;
	if (at == NULL || at == target)
	{
		memset(stamp->related, true, sizeof(bool) * graph->count);
		return true;
	}
	label = pnstrdup(target, at - target);
	node = viflo_lookup(graph, label, NULL, error);
	pfree(label);
	if (node < 0)
		return false;
	stamp->related[node] = true;
	return true;
}

/* "-N" counts from the heads, which nobody means who has a database. */
static bool
check_relative(const char *target, const Stamp *stamp, VifloError *error)
{
	const char *at = strchr(target, '@');

	if (stamp->nrows == 0 || *(at ? at + 1 : target) != '-')
		return true;
	viflo_error(error, VIFLO_INVALID_TARGET,
				"cannot stamp the relative target \"%s\"", target);
	viflo_error_detail(error, "It would count from the heads, and the database stands elsewhere.");
	viflo_error_hint(error, "Name the revision itself.");
	return false;
}

static bool
add_target(const VifloGraph *graph, const char *target, Stamp *stamp,
		   VifloError *error)
{
	int		   *nodes;
	int			count;

	if (!check_relative(target, stamp, error))
		return false;
	count = viflo_target_name(graph, target, &nodes, error);
	if (count < 0)
		return false;
	for (int i = 0; i < count; i++)
		stamp->dests[nodes[i]] = stamp->related[nodes[i]] = true;
	pfree(nodes);
	if (viflo_target_is_all(target))
		stamp->all = true;
	else if (count == 0 && graph->count > 0)
		return relate_base(graph, target, stamp, error);
	return true;
}

/* Extends related to what is above or below. */
static void
find_related(const VifloGraph *graph, Stamp *stamp)
{
	bool	   *below = empty_set(graph);

	memcpy(below, stamp->related, sizeof(bool) * graph->count);
	viflo_graph_ancestors(graph, below, true);
	viflo_graph_descendants(graph, stamp->related, true);
	for (int i = 0; i < graph->count; i++)
		stamp->related[i] |= below[i];
	pfree(below);
}

/* Does a target move a row of its branches, or is each new or there? */
static bool
moves_rows(const VifloGraph *graph, const Stamp *stamp)
{
	bool	   *rows = empty_set(graph);
	bool	   *lines = empty_set(graph);
	bool	   *below = empty_set(graph);
	bool		moves = stamp->base;

	/* lines: all that is above or below a row on the targets' branches */
	for (int i = 0; i < stamp->nrows; i++)
	{
		if (stamp->related[stamp->rows[i]])
			rows[stamp->rows[i]] = lines[stamp->rows[i]] =
				below[stamp->rows[i]] = true;
	}
	viflo_graph_descendants(graph, lines, true);
	viflo_graph_ancestors(graph, below, true);
	for (int i = 0; i < graph->count && !moves; i++)
		moves = stamp->dests[i] && !rows[i] && (lines[i] || below[i]);
	pfree(rows);
	pfree(lines);
	pfree(below);
	return moves;
}

/* The targets with all below them, and what the rows that stay stand on. */
static bool *
find_after(const VifloGraph *graph, const Stamp *stamp)
{
	bool	   *after = empty_set(graph);
	bool	   *kept = empty_set(graph);
	bool		moves = moves_rows(graph, stamp);

	for (int i = 0; i < stamp->nrows; i++)
	{
		if (!moves || !stamp->related[stamp->rows[i]])
			kept[stamp->rows[i]] = true;
	}
	viflo_graph_ancestors(graph, kept, true);

	memcpy(after, stamp->dests, sizeof(bool) * graph->count);
	viflo_graph_ancestors(graph, after, true);
	for (int i = 0; i < graph->count; i++)
		after[i] |= kept[i] && stamp->applied[i];
	pfree(kept);
	return after;
}

/* Decides about the repeatable revisions, once after says all else. */
static void
find_repeatable(const VifloGraph *graph, VifloState state, const Stamp *stamp,
				bool purge, bool *after)
{
	bool		stay = !purge && !stamp->base && state.applied != NULL;

	for (int rank = 0; rank < graph->nversioned && stay; rank++)
		stay = after[graph->order[rank]] || !state.applied[graph->order[rank]];
	for (int rank = graph->nversioned; rank < graph->count; rank++)
	{
		int			node = graph->order[rank];

		after[node] = stamp->all || stamp->dests[node] ||
			(stay && state.applied[node]);
	}
}

bool
viflo_plan_stamp(const VifloGraph *graph, VifloState state,
				 const char *const *targets, int ntargets, bool purge,
				 bool **after, VifloError *error)
{
	Stamp		stamp = {0};
	bool		ok = true;

	stamp.dests = empty_set(graph);
	stamp.related = empty_set(graph);
	if (state.applied != NULL && !purge)
	{
		stamp.applied = state.applied;
		stamp.nrows = viflo_graph_maximal(graph, state.applied, true,
										  &stamp.rows);
	}
	for (int i = 0; i < ntargets && ok; i++)
		ok = add_target(graph, targets[i], &stamp, error);
	if (ok)
	{
		find_related(graph, &stamp);
		*after = find_after(graph, &stamp);
		find_repeatable(graph, state, &stamp, purge, *after);
	}
	free_stamp(&stamp);
	return ok;
}
