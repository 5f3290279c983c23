/*-------------------------------------------------------------------------
 * standing.c
 *	  Where a database stands in the graph, by the set of what is applied.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/standing.h"

bool
viflo_standing_is_closed(const VifloGraph *graph, const bool *applied)
{
	for (int i = 0; i < graph->count; i++)
	{
		const VifloNode *node = &graph->nodes[i];

		if (!applied[i] || node->repeatable)
			continue;
		for (int j = 0; j < node->nparents; j++)
			if (!applied[node->parents[j]])
				return false;
		for (int j = 0; j < node->ndepends; j++)
			if (!applied[node->depends[j]])
				return false;
	}
	return true;
}

bool *
viflo_standing_covered(const VifloGraph *graph, const bool *applied)
{
	bool	   *covered = palloc0(sizeof(bool) * Max(graph->count, 1));

	for (int i = 0; i < graph->count; i++)
	{
		const VifloNode *node = &graph->nodes[i];

		for (int j = 0; j < node->nparents && applied[i]; j++)
			covered[node->parents[j]] = true;
	}
	viflo_graph_ancestors(graph, covered, false);
	return covered;
}

bool
viflo_standing_is_current(const VifloGraph *graph, const bool *applied,
						  const bool *covered, int node)
{
	const VifloNode *n = &graph->nodes[node];

	if (!applied[node] || n->repeatable)
		return false;
	if (covered != NULL)
		return !covered[node];
	for (int i = 0; i < n->nchildren; i++)
		if (applied[n->children[i]])
			return false;
	return true;
}
