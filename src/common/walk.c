/*-------------------------------------------------------------------------
 * walk.c
 *	  So many steps up or down from a revision, for relative targets.
 *
 * Dependencies are no way to go: a step is to a child or to a down revision.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/sqlstate.h"
#include "common/walk.h"

/* Where one step could go. */
typedef struct Ways
{
	int			count;
	int			nodes[VIFLO_MAX_CANDIDATES];
} Ways;

static void
add_way(Ways *ways, int node, const VifloBranch *branch)
{
	if (branch != NULL && !branch->members[node])
		return;
	if (ways->count < VIFLO_MAX_CANDIDATES)
		ways->nodes[ways->count] = node;
	ways->count++;
}

static void
find_ways_up(const VifloGraph *graph, int from, const VifloBranch *branch,
			 Ways *ways)
{
	ways->count = 0;
	if (from == VIFLO_BASE)
	{
		for (int i = 0; i < graph->count; i++)
		{
			if (graph->nodes[i].nparents == 0 && !graph->nodes[i].repeatable)
				add_way(ways, i, branch);
		}
	}
	else
	{
		const VifloNode *node = &graph->nodes[from];

		for (int i = 0; i < node->nchildren; i++)
			add_way(ways, node->children[i], branch);
	}
}

/* From a base, base itself is the one way down. */
static void
find_ways_down(const VifloGraph *graph, int from, Ways *ways)
{
	const VifloNode *node;

	ways->count = 0;
	if (from == VIFLO_BASE)
		return;
	node = &graph->nodes[from];
	for (int i = 0; i < node->nparents; i++)
		add_way(ways, node->parents[i], NULL);
	if (node->nparents == 0)
	{
		ways->nodes[0] = VIFLO_BASE;
		ways->count = 1;
	}
}

/* "base" or the quoted id, for messages; palloc'd. */
static char *
place(const VifloGraph *graph, int node)
{
	if (node == VIFLO_BASE)
		return pstrdup("base");
	return psprintf("\"%s\"", graph->nodes[node].revision->id);
}

static bool
no_way(const VifloGraph *graph, int start, bool up, int steps, int done,
	   const VifloBranch *branch, const char *target, VifloError *error)
{
	char	   *from = place(graph, start);

	viflo_error(error, VIFLO_UNREACHABLE, "target \"%s\" goes past %s",
				target, up ? "the last revision" : "base");
	if (branch != NULL && up)
		viflo_error_detail(error, "From %s, %d of %d steps up are possible in branch \"%s\".",
						   from, done, steps, branch->name);
	else
		viflo_error_detail(error, "From %s, %d of %d steps %s are possible.",
						   from, done, steps, up ? "up" : "down");
	pfree(from);
	return false;
}

static bool
several_ways(const VifloGraph *graph, int from, bool up, const Ways *ways,
			 const char *target, VifloError *error)
{
	char	   *origin = place(graph, from);
	char	   *list = viflo_lookup_list(graph, ways->nodes, ways->count);

	viflo_error(error, VIFLO_AMBIGUOUS_WALK,
				"target \"%s\" could go several ways", target);
	viflo_error_detail(error, "A step %s from %s leads to %s.",
					   up ? "up" : "down", origin, list);
	if (up)
		viflo_error_hint(error, "Name the branch, as in \"%s@+1\", or the revision itself.",
						 graph->nodes[ways->nodes[0]].revision->id);
	else
		viflo_error_hint(error, "Name the revision itself, such as \"%s\".",
						 graph->nodes[ways->nodes[0]].revision->id);
	pfree(origin);
	pfree(list);
	return false;
}

bool
viflo_walk(const VifloGraph *graph, int start, bool up, int steps,
		   const VifloBranch *branch, const char *target,
		   int *end, VifloError *error)
{
	int			current = start;

	for (int done = 0; done < steps; done++)
	{
		Ways		ways;

		if (up)
			find_ways_up(graph, current, branch, &ways);
		else
			find_ways_down(graph, current, &ways);
		if (ways.count == 0)
			return no_way(graph, start, up, steps, done, branch, target,
						  error);
		if (ways.count > 1)
			return several_ways(graph, current, up, &ways, target, error);
		current = ways.nodes[0];
	}
	*end = current;
	return true;
}
