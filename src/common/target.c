/*-------------------------------------------------------------------------
 * target.c
 *	  From what a user types (head, ae10+2, billing@head, a:b) to nodes.
 *
 * A target is read in two phases.  The text is taken apart first
 * (target_text.c); then the symbol is resolved and the steps are gone, as the
 * command that asks has it.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/sqlstate.h"
#include "common/target.h"
#include "common/target_text.h"
#include "common/walk.h"

/* A target while it is resolved.  Freed by free_parts(). */
typedef struct Parts
{
	VifloTargetText text;
	bool		repeatable;		/* symbol may name a repeatable revision */
	VifloBranch branch;			/* what label names, once asked for */
} Parts;

static void
free_parts(Parts *parts)
{
	viflo_target_text_free(&parts->text);
	if (parts->branch.members != NULL)
		pfree(parts->branch.members);
}

/* Takes target apart.  After a failure, too, free_parts() is due. */
static bool
parse(const VifloGraph *graph, const char *target, Parts *parts,
	  VifloError *error)
{
	memset(parts, 0, sizeof(*parts));
	return viflo_target_text_parse(graph, target, &parts->text, error);
}

/* A repeatable revision has no place that anything could go to. */
static bool
check_in_line(const VifloGraph *graph, int node, VifloError *error)
{
	if (!graph->nodes[node].repeatable)
		return true;
	viflo_error(error, VIFLO_INVALID_TARGET, "revision \"%s\" is repeatable",
				graph->nodes[node].revision->id);
	viflo_error_detail(error, "It has no place in the line of revisions.");
	viflo_error_hint(error, "It runs with an upgrade to \"head\" or \"heads\" when its text has changed.");
	return false;
}

/* Resolves the label, if there is one: *branch is NULL if not. */
static bool
find_branch(const VifloGraph *graph, Parts *parts, const VifloBranch **branch,
			VifloError *error)
{
	*branch = NULL;
	if (parts->text.label == NULL)
		return true;
	if (!viflo_lookup_branch(graph, parts->text.label, &parts->branch, error) ||
		!check_in_line(graph, parts->branch.node, error))
		return false;
	*branch = &parts->branch;
	return true;
}

static int
several_heads(const VifloGraph *graph, const int *heads, int count,
			  const char *target, VifloError *error)
{
	char	   *list = viflo_lookup_list(graph, heads, count);

	viflo_error(error, VIFLO_MULTIPLE_HEADS,
				"target \"%s\" fits several heads", target);
	viflo_error_detail(error, "The heads are %s.", list);
	viflo_error_hint(error, "Name one of them, as in \"%s@head\", or use \"heads\" for all.",
					 graph->nodes[heads[0]].revision->id);
	pfree(list);
	return -1;
}

/* Keeps of count nodes those that are in branch; returns how many. */
static int
keep_branch(int *nodes, int count, const VifloBranch *branch)
{
	int			kept = 0;

	if (branch == NULL)
		return count;
	for (int i = 0; i < count; i++)
	{
		if (branch->members[nodes[i]])
			nodes[kept++] = nodes[i];
	}
	return kept;
}

/*
 * "heads" alone leaves out what others depend on; label@heads and head mind
 * down revisions only.
 */
static int
resolve_heads(const VifloGraph *graph, const Parts *parts,
			  const VifloBranch *branch, int **found, VifloError *error)
{
	bool		all = strcmp(parts->text.symbol, "heads") == 0;
	int			count = viflo_graph_heads(graph, all && branch == NULL, found);

	count = keep_branch(*found, count, branch);
	if (all || count <= 1)
		return count;
	count = several_heads(graph, *found, count, parts->text.target, error);
	pfree(*found);
	return count;
}

/* "-N": so many steps below each head, each node once. */
static int
resolve_below_heads(const VifloGraph *graph, const Parts *parts,
					const VifloBranch *branch, int **found, VifloError *error)
{
	int			nheads = viflo_graph_heads(graph, true, found);
	bool	   *known = palloc0(sizeof(bool) * Max(graph->count, 1));
	int			count = 0;

	nheads = keep_branch(*found, nheads, branch);
	for (int i = 0; i < nheads && count >= 0; i++)
	{
		int			end;

		if (!viflo_walk(graph, (*found)[i], false, parts->text.steps, NULL,
						parts->text.target, &end, error))
			count = -1;
		else if (end != VIFLO_BASE && !known[end])
		{
			known[end] = true;
			(*found)[count++] = end;
		}
	}
	pfree(known);
	if (count < 0)
		pfree(*found);
	return count;
}

/* Resolves the symbol, which is there, in branch. */
static int
resolve_symbol(const VifloGraph *graph, const Parts *parts,
			   const VifloBranch *branch, int **found, VifloError *error)
{
	int			node;

	if (strcmp(parts->text.symbol, "head") == 0 ||
		strcmp(parts->text.symbol, "heads") == 0)
		return resolve_heads(graph, parts, branch, found, error);

	if (strcmp(parts->text.symbol, "base") == 0)
	{
		*found = palloc(sizeof(int));
		return 0;
	}
	node = viflo_lookup(graph, parts->text.symbol, branch, error);
	if (node < 0 || (!parts->repeatable && !check_in_line(graph, node, error)))
		return -1;
	*found = palloc(sizeof(int));
	**found = node;
	return 1;
}

static int
resolve_parts(const VifloGraph *graph, Parts *parts, int **found,
			  VifloError *error)
{
	const VifloBranch *branch;

	if (parts->text.relative &&
		(parts->text.symbol != NULL || parts->text.up || parts->text.steps == 0))
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"target \"%s\" is relative", parts->text.target);
		viflo_error_detail(error, "A relative target is for upgrade and downgrade only.");
		viflo_error_hint(error, "Name the revision itself.");
		return -1;
	}
	if (!find_branch(graph, parts, &branch, error))
		return -1;
	if (parts->text.relative)
		return resolve_below_heads(graph, parts, branch, found, error);
	return resolve_symbol(graph, parts, branch, found, error);
}

int
viflo_target_resolve(const VifloGraph *graph, const char *target,
					 int **found, VifloError *error)
{
	Parts		parts;
	int			count = -1;

	if (parse(graph, target, &parts, error))
		count = resolve_parts(graph, &parts, found, error);
	free_parts(&parts);
	return count;
}

int
viflo_target_name(const VifloGraph *graph, const char *target, int **found,
				  VifloError *error)
{
	Parts		parts;
	int			count = -1;

	if (parse(graph, target, &parts, error))
	{
		parts.repeatable = true;
		count = resolve_parts(graph, &parts, found, error);
	}
	free_parts(&parts);
	return count;
}

bool
viflo_target_is_all(const char *target)
{
	return strcmp(target, "head") == 0 || strcmp(target, "heads") == 0;
}

/* One node of what was found, which is freed. */
static bool
pick_one(const VifloGraph *graph, int *nodes, int count, const char *target,
		 int *found, VifloError *error)
{
	if (count < 0)
		return false;
	if (count > 1)
		several_heads(graph, nodes, count, target, error);
	else
		*found = count == 0 ? VIFLO_BASE : nodes[0];
	pfree(nodes);
	return count <= 1;
}

bool
viflo_target_resolve_one(const VifloGraph *graph, const char *target,
						 int *found, VifloError *error)
{
	int		   *nodes;
	int			count = viflo_target_resolve(graph, target, &nodes, error);

	return pick_one(graph, nodes, count, target, found, error);
}

bool
viflo_target_name_one(const VifloGraph *graph, const char *target, int *found,
					  VifloError *error)
{
	int		   *nodes;
	int			count = viflo_target_name(graph, target, &nodes, error);

	return pick_one(graph, nodes, count, target, found, error);
}

/* The node before the steps of a relative target, where it names one. */
static bool
resolve_start(const VifloGraph *graph, const Parts *parts,
			  const VifloBranch *branch, int *start, VifloError *error)
{
	int		   *nodes;
	int			count = resolve_symbol(graph, parts, branch, &nodes, error);

	return pick_one(graph, nodes, count, parts->text.target, start, error);
}

static bool
several_rows(const VifloGraph *graph, const int *rows, int count,
			 const Parts *parts, VifloError *error)
{
	char	   *list = viflo_lookup_list(graph, rows, count);

	viflo_error(error, VIFLO_AMBIGUOUS_WALK,
				"target \"%s\" could start from several revisions",
				parts->text.target);
	viflo_error_detail(error, "The database is at %s.", list);
	viflo_error_hint(error, "Name the branch, as in \"%s@%c%d\".",
					 graph->nodes[rows[0]].revision->id,
					 parts->text.up ? '+' : '-', parts->text.steps);
	pfree(list);
	return false;
}

/*
 * Where the branch stands when no row is in it: going up at its maximal
 * applied revisions, going down at those that no down revision leads from.
 */
static int
find_below_rows(const VifloGraph *graph, const bool *applied, bool up,
				const VifloBranch *branch, int **rows)
{
	bool	   *inside;
	int			count;

	if (!up)
	{
		count = viflo_graph_maximal(graph, applied, false, rows);
		return keep_branch(*rows, count, branch);
	}
	inside = palloc(sizeof(bool) * Max(graph->count, 1));
	for (int i = 0; i < graph->count; i++)
		inside[i] = applied[i] && branch->members[i];
	count = viflo_graph_maximal(graph, inside, true, rows);
	pfree(inside);
	return count;
}

/*
 * Where a relative target without a symbol starts: where the database stands,
 * in branch.  VIFLO_BASE when nothing (of branch) is applied.
 */
static bool
find_standing(const VifloGraph *graph, const bool *applied,
			  const Parts *parts, const VifloBranch *branch, int *start,
			  VifloError *error)
{
	int		   *rows;
	int			count;

	*start = VIFLO_BASE;
	if (applied == NULL)
		return true;
	count = viflo_graph_maximal(graph, applied, true, &rows);
	count = keep_branch(rows, count, branch);
	if (count == 0 && branch != NULL)
	{
		pfree(rows);
		count = find_below_rows(graph, applied, parts->text.up, branch, &rows);
	}
	if (count > 1)
		several_rows(graph, rows, count, parts, error);
	else if (count == 1)
		*start = rows[0];
	pfree(rows);
	return count <= 1;
}

static bool
upgrade_parts(const VifloGraph *graph, const bool *applied, Parts *parts,
			  int *end, VifloError *error)
{
	const VifloBranch *branch;
	int			start;

	if (parts->text.symbol == NULL && (!parts->text.up || parts->text.steps == 0))
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"target \"%s\" does not lead up", parts->text.target);
		viflo_error_hint(error, "Use \"+1\", or downgrade to go down.");
		return false;
	}
	if (!find_branch(graph, parts, &branch, error))
		return false;
	if (parts->text.symbol != NULL
		? !resolve_start(graph, parts, branch, &start, error)
		: !find_standing(graph, applied, parts, branch, &start, error))
		return false;
	return viflo_walk(graph, start, parts->text.up, parts->text.steps, branch,
					  parts->text.target, end, error);
}

int
viflo_target_upgrade(const VifloGraph *graph, const bool *applied,
					 const char *target, int **found, VifloError *error)
{
	Parts		parts;
	int			count = -1;
	int			end;

	if (!parse(graph, target, &parts, error))
		 /* said so */ ;
	else if (!parts.text.relative)
		count = resolve_parts(graph, &parts, found, error);
	else if (upgrade_parts(graph, applied, &parts, &end, error))
	{
		count = end == VIFLO_BASE ? 0 : 1;
		*found = palloc(sizeof(int));
		**found = end;
	}
	free_parts(&parts);
	return count;
}

/* "-N" and label@-N: down from where the database stands. */
static bool
downgrade_standing(const VifloGraph *graph, const bool *applied,
				   const Parts *parts, const VifloBranch *branch,
				   int *found, int *branch_node, VifloError *error)
{
	int			start;

	if (parts->text.up || parts->text.steps == 0)
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"target \"%s\" does not lead down", parts->text.target);
		viflo_error_hint(error, "Use \"-1\", or upgrade to go up.");
		return false;
	}
	if (!find_standing(graph, applied, parts, branch, &start, error))
		return false;
	if (start == VIFLO_BASE)
	{
		viflo_error(error, VIFLO_UNREACHABLE, "target \"%s\" goes past base",
					parts->text.target);
		if (branch != NULL)
			viflo_error_detail(error, "Nothing of branch \"%s\" is applied.",
							   branch->name);
		else
			viflo_error_detail(error, "Nothing is applied.");
		return false;
	}
	*branch_node = start;
	return viflo_walk(graph, start, false, parts->text.steps, NULL, parts->text.target,
					  found, error);
}

static bool
downgrade_parts(const VifloGraph *graph, const bool *applied, Parts *parts,
				int *found, int *branch_node, VifloError *error)
{
	const VifloBranch *branch;
	int			start;

	if (!find_branch(graph, parts, &branch, error))
		return false;
	*branch_node = branch != NULL ? branch->node : -1;
	if (parts->text.symbol == NULL)
		return downgrade_standing(graph, applied, parts, branch, found,
								  branch_node, error);
	if (!resolve_start(graph, parts, branch, &start, error))
		return false;
	return viflo_walk(graph, start, parts->text.up, parts->text.steps, branch,
					  parts->text.target, found, error);
}

bool
viflo_target_downgrade(const VifloGraph *graph, const bool *applied,
					   const char *target, int *found, int *branch,
					   VifloError *error)
{
	Parts		parts;
	bool		ok;

	ok = parse(graph, target, &parts, error) &&
		downgrade_parts(graph, applied, &parts, found, branch, error);
	free_parts(&parts);
	return ok;
}

bool
viflo_target_split(const char *range, char **start, char **end,
				   VifloError *error)
{
	const char *colon = strchr(range, ':');

	if (colon == NULL || strchr(colon + 1, ':') != NULL)
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"\"%s\" is not a range", range);
		viflo_error_hint(error, "Write \"START:END\", \"START:\" or \":END\".");
		return false;
	}
	*start = pnstrdup(range, colon - range);
	*end = pstrdup(colon + 1);
	return true;
}
