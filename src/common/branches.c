/*-------------------------------------------------------------------------
 * branches.c
 *	  Which branch labels hold for which revisions.
 *
 * A label holds for the revision that carries it and for all its descendants
 * by down revisions.  Where these form one line up to a head, it also holds
 * for the ancestors, down to the first branch or merge point (excluded), as
 * Alembic has it: a line is the branch that its label names, wherever on it
 * the label is written.
 *
 * Lists are shared between nodes.  A list that grows along a line shares even
 * its storage: each node sees a longer part of the same array, so that one
 * label on each of n nodes costs n pointers, not n squared.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/branches.h"

/*
 * An array that lists are the beginnings of.  Chunks are never moved once a
 * list points into them: a full one is copied into one of twice the size.
 */
typedef struct Chunk
{
	struct Chunk *previous;		/* all of a graph's chunks, to free them */
	int			used;
	int			size;
	char	   *names[FLEXIBLE_ARRAY_MEMBER];
} Chunk;

struct VifloBranches
{
	Chunk	   *last;
};

/* The list of a node while it is made. */
typedef struct List
{
	int			count;
	Chunk	   *chunk;			/* NULL when count is 0 */
} List;

static Chunk *
make_chunk(VifloBranches *branches, int size)
{
	Chunk	   *chunk = palloc(offsetof(Chunk, names) + sizeof(char *) * size);

	chunk->previous = branches->last;
	chunk->used = 0;
	chunk->size = size;
	branches->last = chunk;
	return chunk;
}

/* Appends label, leaving what others see of the same chunk as it is. */
static void
list_append(VifloBranches *branches, List *list, char *label)
{
	Chunk	   *chunk = list->chunk;

	if (chunk == NULL || chunk->used != list->count ||
		chunk->used == chunk->size)
	{
		Chunk	   *copy = make_chunk(branches, Max(2 * list->count, 2));

		if (chunk != NULL && list->count > 0)
			memcpy(copy->names, chunk->names, sizeof(char *) * list->count);
		copy->used = list->count;
		list->chunk = chunk = copy;
	}
	chunk->names[chunk->used++] = label;
	list->count++;
}

static int
compare_pointers(const void *a, const void *b)
{
	const char *left = *(char *const *) a;
	const char *right = *(char *const *) b;

	return left < right ? -1 : left > right;
}

/*
 * Appends the labels of other that list has not.  Labels are unique in a
 * graph, so that comparing their addresses is comparing them.
 */
static void
list_union(VifloBranches *branches, List *list, const List *other)
{
	char	  **sorted;
	int			nsorted = list->count;

	if (other->count == 0 ||
		(list->chunk == other->chunk && list->count >= other->count))
		return;
	if (list->count == 0 ||
		(list->chunk == other->chunk && list->count < other->count))
	{
		*list = *other;
		return;
	}

	sorted = palloc(sizeof(char *) * nsorted);
	memcpy(sorted, list->chunk->names, sizeof(char *) * nsorted);
	qsort(sorted, nsorted, sizeof(char *), compare_pointers);
	for (int i = 0; i < other->count; i++)
	{
		char	   *label = other->chunk->names[i];

		if (bsearch(&label, sorted, nsorted, sizeof(char *),
					compare_pointers) == NULL)
			list_append(branches, list, label);
	}
	pfree(sorted);
}

/* Labels that node has by itself and from all its ancestors. */
static void
inherit(VifloBranches *branches, const VifloGraph *graph, List *lists, int i)
{
	const VifloNode *node = &graph->nodes[i];
	const VifloNames *labels = &node->revision->labels;

	for (int j = 0; j < node->nparents; j++)
		list_union(branches, &lists[i], &lists[node->parents[j]]);
	for (int j = 0; j < labels->count; j++)
		list_append(branches, &lists[i], labels->names[j]);
}

/*
 * top[n] is the head in which the line through n ends when neither n nor any
 * node above it branches or merges (dependencies branch, too), else -1.
 */
static int *
find_line_ends(const VifloGraph *graph)
{
	int		   *top = palloc(sizeof(int) * Max(graph->count, 1));

	for (int rank = graph->count - 1; rank >= 0; rank--)
	{
		int			i = graph->order[rank];
		const VifloNode *node = &graph->nodes[i];

		if (node->nparents > 1 || node->nchildren + node->ndependents > 1)
			top[i] = -1;
		else if (node->nchildren == 0)
			top[i] = i;
		else
			top[i] = top[node->children[0]];
	}
	return top;
}

VifloBranches *
viflo_branches_spread(VifloGraph *graph)
{
	VifloBranches *branches = palloc0(sizeof(VifloBranches));
	List	   *lists = NULL;
	int		   *top;
	bool		any = false;

	for (int i = 0; i < graph->count && !any; i++)
		any = graph->nodes[i].revision->labels.count > 0;
	if (!any)
		return branches;

	lists = palloc0(sizeof(List) * graph->count);
	for (int rank = 0; rank < graph->count; rank++)
		inherit(branches, graph, lists, graph->order[rank]);

	top = find_line_ends(graph);
	for (int i = 0; i < graph->count; i++)
	{
		const List *list = &lists[top[i] >= 0 ? top[i] : i];

		graph->nodes[i].branches.count = list->count;
		graph->nodes[i].branches.names = list->count > 0 ?
			list->chunk->names : NULL;
	}
	pfree(top);
	pfree(lists);
	return branches;
}

void
viflo_branches_free(VifloBranches *branches)
{
	while (branches->last != NULL)
	{
		Chunk	   *previous = branches->last->previous;

		pfree(branches->last);
		branches->last = previous;
	}
	pfree(branches);
}

/* Does any head but this one have the label, too? */
static bool
is_shared_label(const VifloGraph *graph, int head, const char *label)
{
	for (int i = 0; i < graph->nheads; i++)
		if (graph->heads[i] != head &&
			viflo_names_contain(&graph->nodes[graph->heads[i]].branches, label))
			return true;
	return false;
}

bool
viflo_branches_divide(const VifloGraph *graph)
{
	for (int i = 0; i < graph->nheads; i++)
	{
		const VifloNames *branches = &graph->nodes[graph->heads[i]].branches;
		bool		own = false;

		for (int j = 0; j < branches->count && !own; j++)
			own = !is_shared_label(graph, graph->heads[i], branches->names[j]);
		if (!own)
			return false;
	}
	return true;
}
