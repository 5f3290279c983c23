/*-------------------------------------------------------------------------
 * author.c
 *	  Where a revision to be made goes in the graph.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/author.h"
#include "common/sqlstate.h"
#include "common/target.h"

static bool
not_a_head(const VifloGraph *graph, int node, VifloError *error)
{
	const VifloNode *parent = &graph->nodes[node];

	viflo_error(error, VIFLO_NOT_A_HEAD, "revision \"%s\" is not a head",
				parent->revision->id);
	viflo_error_detail(error, "Revision \"%s\" follows it; a new one would start another branch.",
					   graph->nodes[parent->children[0]].revision->id);
	viflo_error_hint(error, "Name a head, or ask for splice if a new branch is wanted.");
	return false;
}

/* Resolves what the user named, each once, into *down. */
static bool
add_parents(const VifloGraph *graph, const char *name, bool splice,
			VifloNames *down, VifloError *error)
{
	int		   *nodes;
	int			count = viflo_target_resolve(graph, name, &nodes, error);
	bool		ok = count >= 0;

	for (int i = 0; i < count && ok; i++)
	{
		const VifloNode *node = &graph->nodes[nodes[i]];

		if (node->nchildren > 0 && !splice)
			ok = not_a_head(graph, nodes[i], error);
		else if (viflo_names_contain(down, node->revision->id))
			ok = viflo_error(error, VIFLO_INVALID_TARGET,
							 "revision \"%s\" is named twice as a down revision",
							 node->revision->id);
		else
			viflo_names_add(down, node->revision->id);
	}
	if (count >= 0)
		pfree(nodes);
	return ok;
}

bool
viflo_plan_new(const VifloGraph *graph, const char *const *heads, int nheads,
			   bool splice, VifloNames *down, VifloError *error)
{
	VifloNames	parents = {0};

	for (int i = 0; i < nheads; i++)
	{
		if (!add_parents(graph, heads[i], splice, &parents, error))
		{
			if (parents.names != NULL)
				pfree(parents.names);
			return false;
		}
	}
	*down = parents;
	return true;
}

bool
viflo_plan_merge(const VifloGraph *graph, const char *const *revisions,
				 int nrevisions, VifloNames *down, VifloError *error)
{
	VifloNames	parents = {0};

	/*
	 * Elsewhere "heads" leaves out what others depend on; here it means the
	 * heads that make "head" ambiguous, which a merge is there to mend.
	 */
	if (nrevisions == 1 && strcmp(revisions[0], "heads") == 0)
	{
		for (int i = 0; i < graph->nheads; i++)
			viflo_names_add(&parents, graph->nodes[graph->heads[i]].revision->id);
	}
	else if (!viflo_plan_new(graph, revisions, nrevisions, false, &parents, error))
		return false;
	if (parents.count < 2)
	{
		viflo_error(error, VIFLO_NOTHING_TO_MERGE, "there is nothing to merge");
		if (parents.count == 1)
			viflo_error_detail(error, "The one head is \"%s\".", parents.names[0]);
		viflo_error_hint(error, "A merge needs at least two heads.");
		if (parents.names != NULL)
			pfree(parents.names);
		return false;
	}
	*down = parents;
	return true;
}

/* A label stays as it is: the dependency is then on whatever carries it. */
static char *
find_dependency(const VifloGraph *graph, const char *name, VifloError *error)
{
	int			node;

	if (!viflo_target_resolve_one(graph, name, &node, error))
		return NULL;
	if (node < 0)
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"a revision cannot depend on \"%s\"", name);
		viflo_error_detail(error, "It stands for no revision.");
		viflo_error_hint(error, "Name a revision or a branch label.");
		return NULL;
	}
	if (viflo_graph_find_label(graph, name) >= 0)
	{
		const VifloNames *labels = &graph->nodes[node].revision->labels;

		for (int i = 0; i < labels->count; i++)
		{
			if (strcmp(labels->names[i], name) == 0)
				return labels->names[i];
		}
	}
	return graph->nodes[node].revision->id;
}

bool
viflo_plan_depends(const VifloGraph *graph, const char *const *depends_on,
				   int ndepends, VifloNames *result, VifloError *error)
{
	VifloNames	found = {0};

	for (int i = 0; i < ndepends; i++)
	{
		char	   *name = find_dependency(graph, depends_on[i], error);

		if (name == NULL)
		{
			if (found.names != NULL)
				pfree(found.names);
			return false;
		}
		if (!viflo_names_contain(&found, name))
			viflo_names_add(&found, name);
	}
	*result = found;
	return true;
}
