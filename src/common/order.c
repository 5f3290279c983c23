/*-------------------------------------------------------------------------
 * order.c
 *	  The topological order of a graph, and its cycles.
 *
 * Nodes are taken in load order, each after everything below it: where the
 * load order is legal already, it is the result.  Repeatable ones follow,
 * by kind, and in the order of their ids, which they are known by.  The walk keeps its own
 * stack, as a line of revisions may be as deep as there are revisions; when
 * it meets a node of that stack again, the stack is the way round.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/order.h"
#include "common/sqlstate.h"
#include "lib/stringinfo.h"

/* How many members of a cycle a message names. */
#define MAX_NAMED	8

static const char *
id_of(const VifloGraph *graph, int node)
{
	return graph->nodes[node].revision->id;
}

/* The n-th node right below node, dependencies last, or -1. */
static int
nth_below(const VifloNode *node, int n)
{
	if (n < node->nparents)
		return node->parents[n];
	n -= node->nparents;
	return n < node->ndepends ? node->depends[n] : -1;
}

/* members[0] has members[1] below it, and so on; the last has the first. */
static bool
cycle_found(const VifloGraph *graph, const int *members, int count,
			VifloError *error)
{
	StringInfoData names;
	StringInfoData way;

	if (count == 1)
	{
		viflo_error(error, VIFLO_CYCLE, "revision \"%s\" follows itself",
					id_of(graph, members[0]));
		viflo_error_hint(error, "Take it out of its own down revisions and dependencies.");
		return false;
	}

	initStringInfo(&names);
	initStringInfo(&way);
	for (int i = 0; i < count && i < MAX_NAMED; i++)
	{
		const VifloNode *node = &graph->nodes[members[i]];
		int			below = members[(i + 1) % count];
		bool		parent = false;

		for (int j = 0; j < node->nparents; j++)
			parent |= node->parents[j] == below;
		appendStringInfo(&names, "%s\"%s\"", i > 0 ? ", " : "",
						 node->revision->id);
		appendStringInfo(&way, "%s \"%s\"%s",
						 parent ? " revises" : " depends on",
						 id_of(graph, below),
						 i + 1 < count ? ", which" : "");
	}
	if (count > MAX_NAMED)
	{
		appendStringInfoString(&names, ", ...");
		appendStringInfo(&way, " goes on round %d revisions in all", count);
	}
	viflo_error(error, VIFLO_CYCLE, "revisions %s form a cycle", names.data);
	viflo_error_detail(error, "\"%s\"%s.", id_of(graph, members[0]), way.data);
	viflo_error_hint(error, "Correct the down revision or dependency of one of them.");
	pfree(names.data);
	pfree(way.data);
	return false;
}

/*
 * Ranks start and all below it that have no rank.  path is the stack, next[n]
 * is how many of the nodes right below n were looked at, -1 before n is.
 */
static bool
order_from(VifloGraph *graph, int start, int *path, int *next, int *nranked,
		   VifloError *error)
{
	int			depth = 0;

	path[depth++] = start;
	next[start] = 0;
	while (depth > 0)
	{
		int			current = path[depth - 1];
		VifloNode  *node = &graph->nodes[current];
		int			below = nth_below(node, next[current]);

		if (below < 0)
		{
			node->rank = *nranked;
			graph->order[(*nranked)++] = current;
			depth--;
		}
		else if (next[below] < 0)
		{
			next[current]++;
			next[below] = 0;
			path[depth++] = below;
		}
		else if (graph->nodes[below].rank >= 0)
			next[current]++;
		else
		{
			int			first = depth - 1;

			while (path[first] != below)
				first--;
			return cycle_found(graph, path + first, depth - first, error);
		}
	}
	return true;
}

static int
compare_repeatable(const void *a, const void *b)
{
	const VifloRevision *left = (*(VifloNode *const *) a)->revision;
	const VifloRevision *right = (*(VifloNode *const *) b)->revision;
	int			result = (int) left->repeatable - (int) right->repeatable;

	return result != 0 ? result : strcmp(left->id, right->id);
}

/* The repeatable nodes by kind and id, palloc'd, in *sorted.  Returns how many. */
static int
sort_repeatable(VifloGraph *graph, VifloNode ***sorted)
{
	int			count = 0;

	for (int i = 0; i < graph->count; i++)
		count += graph->nodes[i].repeatable;
	*sorted = palloc(sizeof(VifloNode *) * Max(count, 1));
	count = 0;
	for (int i = 0; i < graph->count; i++)
	{
		if (graph->nodes[i].repeatable)
			(*sorted)[count++] = &graph->nodes[i];
	}
	qsort(*sorted, count, sizeof(VifloNode *), compare_repeatable);
	return count;
}

bool
viflo_order_build(VifloGraph *graph, VifloError *error)
{
	size_t		size = sizeof(int) * Max(graph->count, 1);
	int		   *path = palloc(size);
	int		   *next = palloc(size);
	VifloNode **repeatable;
	int			nrepeatable = sort_repeatable(graph, &repeatable);
	int			nranked = 0;
	bool		ok = true;

	graph->nversioned = graph->count - nrepeatable;
	while (graph->nfirst < nrepeatable &&
		   repeatable[graph->nfirst]->revision->repeatable == VIFLO_REPEATABLE_FIRST)
		graph->nfirst++;
	memset(next, -1, sizeof(int) * graph->count);
	graph->order = palloc(size);
	for (int i = 0; i < graph->count && ok; i++)
	{
		if (next[i] < 0 && !graph->nodes[i].repeatable)
			ok = order_from(graph, i, path, next, &nranked, error);
	}
	for (int i = 0; i < nrepeatable && ok; i++)
	{
		int			node = repeatable[i] - graph->nodes;

		if (next[node] < 0)
			ok = order_from(graph, node, path, next, &nranked, error);
	}
	pfree(repeatable);
	pfree(path);
	pfree(next);
	return ok;
}
