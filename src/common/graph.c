/*-------------------------------------------------------------------------
 * graph.c
 *	  Building the graph of revisions, and sets of its nodes.
 *
 * Building goes through these phases, each linear:
 *	1. names: ids and labels into one hash table, so that they cannot collide
 *	2. edges: names of parents and dependencies to nodes, and their inverse
 *	3. order (order.c), which finds cycles
 *	4. heads
 *	5. branch labels (branches.c)
 *
 * Everything is palloc'd in the current memory context; all edges share one
 * array, so that a graph of n revisions takes a handful of allocations.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/branches.h"
#include "common/graph.h"
#include "common/numbers.h"
#include "common/order.h"
#include "common/sqlstate.h"

/* How many revisions back the parent of a revision is looked for first. */
#define NEAR	4

struct VifloGraphIndex
{
	viflo_numbers_hash *names;
	int		   *edges;			/* what parents, depends, ... point into */
	int			nreal_heads;
	int		   *real_heads;		/* neither child nor dependent, in load order */
	VifloBranches *branches;	/* storage of the nodes' branches */
};

/* A palloc'd array of n ints, where n may be 0. */
static int *
alloc_ints(int64 n)
{
	return palloc(sizeof(int) * Max(n, 1));
}

static const char *
node_id(const VifloGraph *graph, int node)
{
	return graph->nodes[node].revision->id;
}

/*
 * Phase 1: names.
 */
static bool
duplicate_revision(const VifloRevision *first, const VifloRevision *second,
				   VifloError *error)
{
	viflo_error(error, VIFLO_DUPLICATE_REVISION,
				"revision \"%s\" is there twice", first->id);
	viflo_error_detail(error, "One has the message \"%s\", the other \"%s\".",
					   first->message ? first->message : "",
					   second->message ? second->message : "");
	viflo_error_hint(error, "Give one of them another id.");
	return false;
}

static bool
add_ids(VifloGraph *graph, VifloError *error)
{
	for (int i = 0; i < graph->count; i++)
	{
		const VifloRevision *revision = graph->nodes[i].revision;
		bool		found;
		VifloNumber *entry;

		entry = viflo_numbers_insert(graph->index->names, revision->id, &found);
		if (found)
			return duplicate_revision(graph->nodes[entry->number].revision,
									  revision, error);
		entry->number = i;
		entry->label = false;
	}
	return true;
}

static bool
duplicate_label(const VifloGraph *graph, const VifloNumber *other,
				const char *label, int node, VifloError *error)
{
	if (!other->label)
	{
		viflo_error(error, VIFLO_DUPLICATE_LABEL,
					"branch label \"%s\" of revision \"%s\" is also the id of a revision",
					label, node_id(graph, node));
	}
	else if (other->number == node)
		viflo_error(error, VIFLO_DUPLICATE_LABEL,
					"revision \"%s\" has the branch label \"%s\" twice",
					node_id(graph, node), label);
	else
		viflo_error(error, VIFLO_DUPLICATE_LABEL,
					"branch label \"%s\" of revision \"%s\" is already used by revision \"%s\"",
					label, node_id(graph, node), node_id(graph, other->number));
	viflo_error_hint(error, "A name stands for one revision: choose another label.");
	return false;
}

static bool
add_labels(VifloGraph *graph, VifloError *error)
{
	for (int i = 0; i < graph->count; i++)
	{
		const VifloNames *labels = &graph->nodes[i].revision->labels;

		if (graph->nodes[i].repeatable && labels->count > 0)
			return viflo_error(error, VIFLO_INVALID_SCRIPT,
							   "repeatable revision \"%s\" cannot have labels",
							   node_id(graph, i));
		for (int j = 0; j < labels->count; j++)
		{
			bool		found;
			VifloNumber *entry;

			entry = viflo_numbers_insert(graph->index->names, labels->names[j], &found);
			if (found)
				return duplicate_label(graph, entry, labels->names[j], i, error);
			entry->number = i;
			entry->label = true;
		}
	}
	return true;
}

/*
 * Phase 2: edges.
 */
static bool
missing_parent(const VifloGraph *graph, int node, const char *name,
			   bool dependency, VifloError *error)
{
	const VifloNumber *entry = viflo_numbers_lookup(graph->index->names, name);

	if (dependency)
		viflo_error(error, VIFLO_MISSING_PARENT,
					"revision \"%s\" depends on \"%s\", which does not exist",
					node_id(graph, node), name);
	else
		viflo_error(error, VIFLO_MISSING_PARENT,
					"down revision \"%s\" of revision \"%s\" does not exist",
					name, node_id(graph, node));
	if (entry != NULL)
	{
		viflo_error_detail(error, "\"%s\" is a branch label, of revision \"%s\".",
						   name, node_id(graph, entry->number));
		viflo_error_hint(error, "Name the revision itself.");
	}
	else
		viflo_error_hint(error, "Add the missing revision, or name another one.");
	return false;
}

/* A repeatable revision is among what the others stand on, or stands on them. */
static bool
misplaced(const VifloGraph *graph, int node, int below, bool dependency,
		  VifloError *error)
{
	if (graph->nodes[node].repeatable)
		viflo_error(error, VIFLO_INVALID_SCRIPT,
					"repeatable revision \"%s\" cannot have down revisions",
					node_id(graph, node));
	else
		viflo_error(error, VIFLO_MISSING_PARENT,
					dependency ? "revision \"%s\" cannot depend on \"%s\", which is repeatable" :
					"revision \"%s\" cannot revise \"%s\", which is repeatable",
					node_id(graph, node), node_id(graph, below));
	viflo_error_hint(error, "Repeatable revisions run after all others.");
	return false;
}

/*
 * Node that revision node means by name, or -1.  Most revisions follow one
 * that was loaded right before, and whose id is at hand: in large graphs that
 * spares most of the far reaches into the hash table.
 */
static int
find_named(const VifloGraph *graph, int node, const char *name, bool dependency)
{
	const VifloNumber *entry;

	for (int i = node - 1; i >= 0 && i >= node - NEAR; i--)
	{
		if (strcmp(node_id(graph, i), name) == 0)
			return i;
	}
	entry = viflo_numbers_lookup(graph->index->names, name);
	if (entry == NULL || (entry->label && !dependency))
		return -1;
	return entry->number;
}

/*
 * Resolves names into edges, each node once.  seen[n] == node tells which
 * nodes node has already.  Returns the number of edges, or -1.
 */
static int
resolve_edges(const VifloGraph *graph, int node, const VifloNames *names,
			  bool dependency, int *seen, int *edges, VifloError *error)
{
	bool		repeatable = graph->nodes[node].repeatable;
	int			count = 0;

	for (int i = 0; i < names->count; i++)
	{
		int			found = find_named(graph, node, names->names[i],
									   dependency);

		if (found < 0)
		{
			missing_parent(graph, node, names->names[i], dependency, error);
			return -1;
		}
		if (dependency && repeatable && !graph->nodes[found].repeatable)
			continue;
		if (repeatable ? !dependency : graph->nodes[found].repeatable)
		{
			misplaced(graph, node, found, dependency, error);
			return -1;
		}
		if (seen[found] == node)
			continue;
		seen[found] = node;
		edges[count++] = found;
	}
	return count;
}

/*
 * A dependency on a parent says nothing new: it becomes no edge.  Nor does
 * that of a repeatable revision on one that is not.
 */
static bool
resolve_all_edges(VifloGraph *graph, VifloError *error)
{
	int		   *seen = alloc_ints(graph->count);
	int		   *next = graph->index->edges;
	bool		ok = true;

	memset(seen, -1, sizeof(int) * graph->count);
	for (int i = 0; i < graph->count && ok; i++)
	{
		VifloNode  *node = &graph->nodes[i];
		int			n;

		node->parents = next;
		n = resolve_edges(graph, i, &node->revision->down, false, seen,
						  next, error);
		if (n >= 0)
		{
			node->nparents = n;
			next += n;
			node->depends = next;
			n = resolve_edges(graph, i, &node->revision->depends_on, true,
							  seen, next, error);
		}
		if (n >= 0)
		{
			node->ndepends = n;
			next += n;
		}
		else
			ok = false;
	}
	pfree(seen);
	return ok;
}

/* Fills children and dependents from free on. */
static void
invert_edges(VifloGraph *graph, int *free_edges)
{
	for (int i = 0; i < graph->count; i++)
	{
		const VifloNode *node = &graph->nodes[i];

		for (int j = 0; j < node->nparents; j++)
			graph->nodes[node->parents[j]].nchildren++;
		for (int j = 0; j < node->ndepends; j++)
			graph->nodes[node->depends[j]].ndependents++;
	}
	for (int i = 0; i < graph->count; i++)
	{
		VifloNode  *node = &graph->nodes[i];

		node->children = free_edges;
		node->dependents = node->children + node->nchildren;
		free_edges = node->dependents + node->ndependents;
		node->nchildren = node->ndependents = 0;
	}
	for (int i = 0; i < graph->count; i++)
	{
		const VifloNode *node = &graph->nodes[i];

		for (int j = 0; j < node->nparents; j++)
		{
			VifloNode  *parent = &graph->nodes[node->parents[j]];

			parent->children[parent->nchildren++] = i;
		}
		for (int j = 0; j < node->ndepends; j++)
		{
			VifloNode  *needed = &graph->nodes[node->depends[j]];

			needed->dependents[needed->ndependents++] = i;
		}
	}
}

static bool
build_edges(VifloGraph *graph, VifloError *error)
{
	int64		nedges = 0;

	for (int i = 0; i < graph->count; i++)
		nedges += graph->nodes[i].revision->down.count +
			graph->nodes[i].revision->depends_on.count;
	graph->index->edges = alloc_ints(2 * nedges);
	if (!resolve_all_edges(graph, error))
		return false;
	invert_edges(graph, graph->index->edges + nedges);
	return true;
}

/*
 * Phase 4: heads.
 */
static void
build_heads(VifloGraph *graph)
{
	graph->nheads = graph->index->nreal_heads = 0;
	for (int i = 0; i < graph->count; i++)
	{
		if (graph->nodes[i].nchildren > 0 || graph->nodes[i].repeatable)
			continue;
		graph->nheads++;
		if (graph->nodes[i].ndependents == 0)
			graph->index->nreal_heads++;
	}
	graph->heads = alloc_ints(graph->nheads);
	graph->index->real_heads = alloc_ints(graph->index->nreal_heads);
	graph->nheads = graph->index->nreal_heads = 0;
	for (int i = 0; i < graph->count; i++)
	{
		if (graph->nodes[i].nchildren > 0 || graph->nodes[i].repeatable)
			continue;
		graph->heads[graph->nheads++] = i;
		if (graph->nodes[i].ndependents == 0)
			graph->index->real_heads[graph->index->nreal_heads++] = i;
	}
}

VifloGraph *
viflo_graph_build(const VifloRevision *revisions, int count,
				  VifloError *error)
{
	VifloGraph *graph = palloc0(sizeof(VifloGraph));

	graph->count = count;
	graph->nodes = palloc0(sizeof(VifloNode) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		graph->nodes[i].revision = &revisions[i];
		graph->nodes[i].repeatable = revisions[i].repeatable;
		graph->nodes[i].rank = -1;
	}
	graph->index = palloc0(sizeof(struct VifloGraphIndex));
	graph->index->names = viflo_numbers_create(count, NULL);

	if (!add_ids(graph, error) ||
		!add_labels(graph, error) ||
		!build_edges(graph, error) ||
		!viflo_order_build(graph, error))
	{
		viflo_graph_free(graph);
		return NULL;
	}
	build_heads(graph);
	graph->index->branches = viflo_branches_spread(graph);
	return graph;
}

void
viflo_graph_free(VifloGraph *graph)
{
	struct VifloGraphIndex *index = graph->index;

	viflo_numbers_destroy(index->names);
	if (index->branches)
		viflo_branches_free(index->branches);
	if (index->edges)
		pfree(index->edges);
	if (index->real_heads)
		pfree(index->real_heads);
	if (graph->heads)
		pfree(graph->heads);
	if (graph->order)
		pfree(graph->order);
	pfree(index);
	pfree(graph->nodes);
	pfree(graph);
}

int
viflo_graph_find(const VifloGraph *graph, const char *id)
{
	const VifloNumber *entry = viflo_numbers_lookup(graph->index->names, id);

	return entry != NULL && !entry->label ? entry->number : -1;
}

int
viflo_graph_find_label(const VifloGraph *graph, const char *label)
{
	const VifloNumber *entry = viflo_numbers_lookup(graph->index->names, label);

	return entry != NULL && entry->label ? entry->number : -1;
}

int
viflo_graph_find_prefix(const VifloGraph *graph, const char *prefix,
						int *found, int limit)
{
	size_t		length = strlen(prefix);
	int			count = 0;

	for (int i = 0; i < graph->count; i++)
	{
		if (strncmp(node_id(graph, i), prefix, length) != 0)
			continue;
		if (count < limit)
			found[count] = i;
		count++;
	}
	return count;
}

/* Adds the nodes right below node to set. */
static void
add_below(const VifloNode *node, bool *set, bool dependencies)
{
	for (int i = 0; i < node->nparents; i++)
		set[node->parents[i]] = true;
	for (int i = 0; dependencies && i < node->ndepends; i++)
		set[node->depends[i]] = true;
}

void
viflo_graph_ancestors(const VifloGraph *graph, bool *set, bool dependencies)
{
	for (int rank = graph->count - 1; rank >= 0; rank--)
	{
		int			i = graph->order[rank];

		if (set[i])
			add_below(&graph->nodes[i], set, dependencies);
	}
}

void
viflo_graph_descendants(const VifloGraph *graph, bool *set, bool dependencies)
{
	for (int rank = 0; rank < graph->count; rank++)
	{
		const VifloNode *node = &graph->nodes[graph->order[rank]];

		if (!set[graph->order[rank]])
			continue;
		for (int i = 0; i < node->nchildren; i++)
			set[node->children[i]] = true;
		for (int i = 0; dependencies && i < node->ndependents; i++)
			set[node->dependents[i]] = true;
	}
}

int
viflo_graph_maximal(const VifloGraph *graph, const bool *set,
					bool dependencies, int **heads)
{
	bool	   *below = palloc0(sizeof(bool) * Max(graph->count, 1));
	int			count = 0;

	/* the strict ancestors of what is in set */
	for (int rank = graph->count - 1; rank >= 0; rank--)
	{
		int			i = graph->order[rank];

		if (set[i] || below[i])
			add_below(&graph->nodes[i], below, dependencies);
	}
	for (int i = 0; i < graph->count; i++)
		count += set[i] && !below[i] && !graph->nodes[i].repeatable;
	*heads = alloc_ints(count);
	count = 0;
	for (int i = 0; i < graph->count; i++)
	{
		if (set[i] && !below[i] && !graph->nodes[i].repeatable)
			(*heads)[count++] = i;
	}
	pfree(below);
	return count;
}

int
viflo_graph_heads(const VifloGraph *graph, bool real, int **heads)
{
	int			count = real ? graph->index->nreal_heads : graph->nheads;
	const int  *from = real ? graph->index->real_heads : graph->heads;

	*heads = alloc_ints(count);
	memcpy(*heads, from, sizeof(int) * count);
	return count;
}

int
viflo_graph_bases(const VifloGraph *graph, bool real, int **bases)
{
	int			count = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 1)
			*bases = alloc_ints(count);
		count = 0;
		for (int i = 0; i < graph->count; i++)
		{
			const VifloNode *node = &graph->nodes[i];

			if (node->nparents > 0 || (real && node->ndepends > 0) || node->repeatable)
				continue;
			if (pass == 1)
				(*bases)[count] = i;
			count++;
		}
	}
	return count;
}
