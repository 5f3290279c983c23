/*-------------------------------------------------------------------------
 * plan.c
 *	  From where a database stands to where it shall go: the ordered steps.
 *
 * A plan is a set of nodes, written down in topological order: upgrades from
 * below, downgrades from above.  Sets are made by passing over the graph's
 * order, so that everything is linear.  An upgrade to where a closed database
 * is already passes over nothing: it looks at its targets and is done.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/lookup.h"
#include "common/plan.h"
#include "common/sqlstate.h"

static bool *
empty_set(const VifloGraph *graph)
{
	return palloc0(sizeof(bool) * Max(graph->count, 1));
}

static bool
is_applied(VifloState state, int node)
{
	return state.applied != NULL && state.applied[node];
}

/* The set of nodes with all that is below them, palloc'd. */
static bool *
closure(const VifloGraph *graph, const int *nodes, int count)
{
	bool	   *set = empty_set(graph);

	for (int i = 0; i < count; i++)
		set[nodes[i]] = true;
	viflo_graph_ancestors(graph, set, true);
	return set;
}

/*
 * Upgrade.
 */

/* What an upgrade needs, as a part of the graph's order. */
typedef struct Needed
{
	bool	   *set;
	int			count;			/* not applied */
	int			lowest;			/* ranks between which they are */
	int			highest;
} Needed;

/* Adds node to set.  Returns whether what is below it must be looked at. */
static inline bool
need(VifloState state, int node, bool *set)
{
	if (set[node] || (state.closed && is_applied(state, node)))
		return false;
	set[node] = true;
	return true;
}

/*
 * Finds the targets and all below them that is not applied.  Passes down the
 * order until nothing is open; where the applied set is closed, what is
 * applied ends the search.
 */
static void
find_needed(const VifloGraph *graph, VifloState state, const int *targets,
			int ntargets, Needed *needed)
{
	int			open = 0;

	needed->set = empty_set(graph);
	needed->count = 0;
	needed->lowest = graph->count;
	needed->highest = -1;
	for (int i = 0; i < ntargets; i++)
	{
		if (!need(state, targets[i], needed->set))
			continue;
		open++;
		needed->highest = Max(needed->highest, graph->nodes[targets[i]].rank);
	}
	for (int rank = needed->highest; open > 0; rank--)
	{
		int			current = graph->order[rank];
		const VifloNode *node = &graph->nodes[current];

		if (!needed->set[current])
			continue;
		open--;
		if (!is_applied(state, current))
		{
			needed->count++;
			needed->lowest = rank;
		}
		for (int i = 0; i < node->nparents; i++)
			open += need(state, node->parents[i], needed->set);
		for (int i = 0; i < node->ndepends; i++)
			open += need(state, node->depends[i], needed->set);
	}
}

/* Writes down needed; below, if given, is what applied nodes stand on. */
static void
write_upgrade(const VifloGraph *graph, VifloState state,
			  const Needed *needed, const bool *below, VifloPlan *plan)
{
	plan->count = 0;
	plan->steps = palloc(sizeof(VifloStep) * needed->count);
	for (int rank = needed->lowest; rank <= needed->highest; rank++)
	{
		int			node = graph->order[rank];
		VifloStep  *step;

		if (!needed->set[node] || is_applied(state, node))
			continue;
		step = &plan->steps[plan->count++];
		step->node = node;
		step->direction = VIFLO_UP;
		step->late = below != NULL && below[node];
	}
}

static void
plan_up(const VifloGraph *graph, VifloState state, const int *targets,
		int ntargets, VifloPlan *plan)
{
	Needed		needed;
	bool	   *below = NULL;
	bool		done = state.closed;

	plan->count = 0;
	plan->steps = NULL;
	for (int i = 0; i < ntargets && done; i++)
		done = is_applied(state, targets[i]);
	if (done)
		return;

	find_needed(graph, state, targets, ntargets, &needed);
	if (needed.count > 0)
	{
		if (!state.closed && state.applied != NULL)
		{
			below = empty_set(graph);
			memcpy(below, state.applied, sizeof(bool) * graph->count);
			viflo_graph_ancestors(graph, below, true);
		}
		write_upgrade(graph, state, &needed, below, plan);
		if (below != NULL)
			pfree(below);
	}
	pfree(needed.set);
}

/* Is any of those to run that do when their text has changed? */
static bool
has_changed(const VifloGraph *graph, VifloState state)
{
	for (int rank = graph->nversioned; rank < graph->count; rank++)
	{
		int			node = graph->order[rank];

		if (graph->nodes[node].revision->repeatable == VIFLO_REPEATABLE_CHANGED &&
			!is_applied(state, node))
			return true;
	}
	return false;
}

/* Is this repeatable revision to run?  others: something that counts for it is. */
static bool
is_to_run(const VifloGraph *graph, VifloState state, int node, bool others)
{
	VifloRepeatable kind = graph->nodes[node].revision->repeatable;

	if (!is_applied(state, node))
		return true;
	return kind == VIFLO_REPEATABLE_WITH ? others : kind != VIFLO_REPEATABLE_CHANGED;
}

/* Puts the repeatable revisions that are to run around the steps of plan. */
static void
add_repeatable(const VifloGraph *graph, VifloState state, VifloPlan *plan)
{
	VifloPlan	whole = {0};
	bool		others = plan->count > 0 ||
	has_changed(graph, state);
	int			count = 0;

	for (int rank = graph->nversioned; rank < graph->count; rank++)
		count += is_to_run(graph, state, graph->order[rank], others);
	if (count == 0)
		return;
	whole.steps = palloc(sizeof(VifloStep) * (plan->count + count));
	for (int rank = graph->nversioned; rank <= graph->count; rank++)
	{
		if (rank == graph->nversioned + graph->nfirst)
		{
			for (int i = 0; i < plan->count; i++)
				whole.steps[whole.count++] = plan->steps[i];
		}
		if (rank < graph->count && is_to_run(graph, state, graph->order[rank], others))
			whole.steps[whole.count++] = (VifloStep)
		{
			.node = graph->order[rank],
				.direction = VIFLO_UP
		};
	}
	if (plan->steps != NULL)
		pfree(plan->steps);
	*plan = whole;
}

bool
viflo_plan_upgrade(const VifloGraph *graph, VifloState state,
				   const char *target, VifloPlan *plan, VifloError *error)
{
	int		   *targets;
	int			ntargets = viflo_target_upgrade(graph, state.applied, target,
												&targets, error);

	if (ntargets < 0)
		return false;
	plan_up(graph, state, targets, ntargets, plan);
	if (viflo_target_is_all(target))
		add_repeatable(graph, state, plan);
	pfree(targets);
	return true;
}

/*
 * Downgrade.
 */

/*
 * The set of the lowest revisions that a downgrade to target (-1: base) takes
 * away, palloc'd: its children, or the bases.  Where a branch is named, only
 * those on the way down from what names it; when that is itself at or below
 * target, all are in the branch.  To base without a branch everything goes,
 * and is in the set.
 */
static bool *
find_roots(const VifloGraph *graph, int target, int branch)
{
	bool	   *roots = empty_set(graph);
	bool	   *way;
	bool		any = false;

	if (target < 0 && branch < 0)
	{
		for (int i = 0; i < graph->count; i++)
			roots[i] = !graph->nodes[i].repeatable;
		return roots;
	}
	for (int i = 0; target < 0 && i < graph->count; i++)
		roots[i] = graph->nodes[i].nparents == 0 && !graph->nodes[i].repeatable;
	for (int i = 0; target >= 0 && i < graph->nodes[target].nchildren; i++)
		roots[graph->nodes[target].children[i]] = true;
	if (branch < 0)
		return roots;

	way = empty_set(graph);
	way[branch] = true;
	viflo_graph_ancestors(graph, way, false);
	for (int i = 0; i < graph->count; i++)
	{
		way[i] &= roots[i];
		any |= way[i];
	}
	pfree(any ? roots : way);
	return any ? way : roots;
}

/* Nothing would be dropped: fine where the database is at target. */
static bool
check_standing(const VifloGraph *graph, VifloState state, int node,
			   const char *target, VifloError *error)
{
	int		   *rows = NULL;
	int			count = 0;
	bool		standing = false;

	if (state.applied != NULL)
		count = viflo_graph_maximal(graph, state.applied, true, &rows);
	for (int i = 0; i < count; i++)
		standing |= rows[i] == node;
	if (rows != NULL)
		pfree(rows);
	if (standing)
		return true;

	viflo_error(error, VIFLO_INVALID_TARGET,
				"target \"%s\" is not below where the database stands", target);
	if (is_applied(state, node))
		viflo_error_detail(error, "Revision \"%s\" is applied; nothing that follows it is, only what depends on it.",
						   graph->nodes[node].revision->id);
	else
		viflo_error_detail(error, "Revision \"%s\" is not applied.",
						   graph->nodes[node].revision->id);
	viflo_error_hint(error, "Name an applied revision to go back to.");
	return false;
}

/* Writes down what is in drop and applied, newest first. */
static void
write_downgrade(const VifloGraph *graph, VifloState state, const bool *drop,
				VifloPlan *plan)
{
	int			count = 0;

	for (int i = 0; i < graph->count; i++)
		count += drop[i] && is_applied(state, i);
	plan->count = 0;
	plan->steps = count > 0 ? palloc(sizeof(VifloStep) * count) : NULL;
	for (int rank = graph->count - 1; plan->count < count; rank--)
	{
		int			node = graph->order[rank];
		VifloStep  *step;

		if (!drop[node] || !is_applied(state, node))
			continue;
		step = &plan->steps[plan->count++];
		step->node = node;
		step->direction = VIFLO_DOWN;
		step->late = false;
	}
}

bool
viflo_plan_downgrade(const VifloGraph *graph, VifloState state,
					 const char *target, VifloPlan *plan, VifloError *error)
{
	VifloPlan	result;
	bool	   *drop;
	int			node;
	int			branch;

	if (!viflo_target_downgrade(graph, state.applied, target, &node, &branch,
								error))
		return false;
	drop = find_roots(graph, node, branch);
	if (node >= 0 || branch >= 0)
		viflo_graph_descendants(graph, drop, true);
	write_downgrade(graph, state, drop, &result);
	pfree(drop);
	if (result.count == 0 && node >= 0 &&
		!check_standing(graph, state, node, target, error))
		return false;
	*plan = result;
	return true;
}

bool
viflo_plan_is_downgrade(const VifloGraph *graph, VifloState state,
						const char *target)
{
	int		   *targets;
	int			ntargets;
	int			node;
	int			branch;
	bool	   *above;
	bool		down = true;

	if (viflo_target_is_all(target))
		return false;

	/* base, -N and label@-N lead nowhere but down */
	ntargets = viflo_target_upgrade(graph, state.applied, target, &targets,
									NULL);
	if (ntargets <= 0)
	{
		if (ntargets == 0)
			pfree(targets);
		return viflo_target_downgrade(graph, state.applied, target, &node,
									  &branch, NULL);
	}

	above = empty_set(graph);
	for (int i = 0; i < ntargets; i++)
	{
		down &= is_applied(state, targets[i]);
		for (int j = 0; j < graph->nodes[targets[i]].nchildren; j++)
			above[graph->nodes[targets[i]].children[j]] = true;
	}
	pfree(targets);
	if (down)
	{
		viflo_graph_descendants(graph, above, false);
		down = false;
		for (int i = 0; i < graph->count && !down; i++)
			down = above[i] && is_applied(state, i);
	}
	pfree(above);
	return down;
}

/*
 * Offline scripts.
 */
static bool
offline_start(const VifloGraph *graph, VifloDirection direction,
			  const char *range, char **start, char **end, VifloError *error)
{
	if (direction == VIFLO_UP && strchr(range, ':') == NULL)
	{
		*start = pstrdup("base");
		*end = pstrdup(range);
		return true;
	}
	if (!viflo_target_split(range, start, end, error))
		return false;
	if (direction == VIFLO_DOWN && (**start == '\0' || **end == '\0'))
	{
		pfree(*start);
		pfree(*end);
		viflo_error(error, VIFLO_INVALID_TARGET,
					"range \"%s\" of a downgrade is open", range);
		viflo_error_hint(error, "Write \"FROM:TO\": a script cannot look at where the database stands.");
		return false;
	}
	return true;
}

bool
viflo_plan_offline(const VifloGraph *graph, VifloDirection direction,
				   const char *range, bool **before, VifloPlan *plan,
				   VifloError *error)
{
	char	   *start;
	char	   *end;
	int		   *nodes;
	int			count;
	bool		ok = false;

	if (!offline_start(graph, direction, range, &start, &end, error))
		return false;
	count = viflo_target_resolve(graph, *start ? start : "base", &nodes, error);
	if (count >= 0)
	{
		VifloState	state;

		state.applied = closure(graph, nodes, count);
		state.closed = true;
		if (direction == VIFLO_UP)
			ok = viflo_plan_upgrade(graph, state, *end ? end : "heads",
									plan, error);
		else
			ok = viflo_plan_downgrade(graph, state, end, plan, error);
		if (ok)
			*before = unconstify(bool *, state.applied);
		else
			pfree(unconstify(bool *, state.applied));
		pfree(nodes);
	}
	pfree(start);
	pfree(end);
	return ok;
}
