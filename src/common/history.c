/*-------------------------------------------------------------------------
 * history.c
 *	  From a range of the history to revisions.
 *
 * "a:b" is everything that leads from a to b: what b needs, by down revisions
 * and dependencies, and of that what descends from a by down revisions.  From
 * base, all that b needs.  Where b is all heads, the repeatable revisions stand
 * above them, as they run last.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/history.h"
#include "common/lookup.h"
#include "common/sqlstate.h"
#include "common/target.h"

/* One end of a range. */
typedef struct End
{
	int			count;
	int		   *nodes;			/* NULL until resolved */
	bool	   *set;			/* the same as a set, with all ancestors */
} End;

static void
free_end(End *end)
{
	if (end->nodes != NULL)
		pfree(end->nodes);
	if (end->set != NULL)
		pfree(end->set);
}

static bool *
empty_set(const VifloGraph *graph)
{
	return palloc0(sizeof(bool) * Max(graph->count, 1));
}

/* Fills end->set from end->nodes. */
static void
close_end(const VifloGraph *graph, End *end)
{
	end->set = empty_set(graph);
	for (int i = 0; i < end->count; i++)
		end->set[end->nodes[i]] = true;
	viflo_graph_ancestors(graph, end->set, true);
}

/*
 * text is one side of a range.  standing is where steps up start from: NULL
 * for the start of the range, where there are none.
 */
static bool
find_end(const VifloGraph *graph, const bool *applied, const char *text,
		 const End *standing, End *end, VifloError *error)
{
	if (strcmp(text, "current") == 0 &&
		viflo_graph_find(graph, text) < 0)
	{
		bool	   *none = applied ? NULL : empty_set(graph);

		end->count = viflo_graph_maximal(graph, applied ? applied : none,
										 true, &end->nodes);
		if (none != NULL)
			pfree(none);
	}
	else if (standing == NULL)
		end->count = viflo_target_resolve(graph, text, &end->nodes, error);
	else
		end->count = viflo_target_upgrade(graph,
										  standing->count > 0 ? standing->set : NULL,
										  text, &end->nodes, error);
	if (end->count < 0)
	{
		end->nodes = NULL;
		return false;
	}
	close_end(graph, end);
	return true;
}

/* label@base as the start keeps of the end's revisions those of the branch. */
static bool
keep_start_branch(const VifloGraph *graph, char *start, End *last,
				  VifloError *error)
{
	char	   *at = strchr(start, '@');
	VifloBranch branch;
	int			kept = 0;

	if (at == NULL || at == start)
		return true;
	*at = '\0';
	if (!viflo_lookup_branch(graph, start, &branch, error))
		return false;
	for (int i = 0; i < last->count; i++)
	{
		if (branch.members[last->nodes[i]])
			last->nodes[kept++] = last->nodes[i];
	}
	last->count = kept;
	pfree(branch.members);
	pfree(last->set);
	close_end(graph, last);
	return true;
}

static bool
is_below(const VifloGraph *graph, const End *first, const End *last,
		 const char *range, VifloError *error)
{
	for (int i = 0; i < first->count; i++)
	{
		if (last->set[first->nodes[i]])
			continue;
		viflo_error(error, VIFLO_INVALID_TARGET,
					"range \"%s\" does not lead up", range);
		if (last->count > 0)
			viflo_error_detail(error, "Revision \"%s\" is not below \"%s\".",
							   graph->nodes[first->nodes[i]].revision->id,
							   graph->nodes[last->nodes[0]].revision->id);
		viflo_error_hint(error, "Write the older revision first.");
		return false;
	}
	return true;
}

/*
 * What lies between the ends, both included, newest first; and with all the
 * repeatable revisions.
 */
static int
collect(const VifloGraph *graph, const End *first, const End *last, bool all,
		int **found)
{
	bool	   *start = empty_set(graph);
	bool	   *above = empty_set(graph);
	int			count = 0;

	for (int i = 0; i < first->count; i++)
		start[first->nodes[i]] = above[first->nodes[i]] = true;
	viflo_graph_descendants(graph, above, false);

	*found = palloc(sizeof(int) * Max(graph->count, 1));
	for (int rank = graph->count - 1; rank >= 0; rank--)
	{
		int			i = graph->order[rank];

		if (graph->nodes[i].repeatable ? all :
			last->set[i] && (first->count == 0 || start[i] || (above[i] && !first->set[i])))
			(*found)[count++] = i;
	}
	pfree(start);
	pfree(above);
	return count;
}

static int
find_range(const VifloGraph *graph, const bool *applied, const char *range,
		   char *start, const char *end, int **found, VifloError *error)
{
	End			first = {0};
	End			last = {0};
	int			count = -1;

	if (find_end(graph, applied, *start ? start : "base", NULL, &first, error) &&
		find_end(graph, applied, *end ? end : "heads", &first, &last, error) &&
		keep_start_branch(graph, start, &last, error) &&
		is_below(graph, &first, &last, range, error))
		count = collect(graph, &first, &last,
						*end == '\0' || viflo_target_is_all(end), found);
	free_end(&first);
	free_end(&last);
	return count;
}

int
viflo_target_history(const VifloGraph *graph, const bool *applied,
					 const char *range, int **found, VifloError *error)
{
	char	   *start;
	char	   *end;
	int			count;

	if (range == NULL)
		range = "base:heads";
	if (!viflo_target_split(range, &start, &end, error))
		return -1;
	count = find_range(graph, applied, range, start, end, found, error);
	pfree(start);
	pfree(end);
	return count;
}
