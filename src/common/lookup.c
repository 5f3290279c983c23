/*-------------------------------------------------------------------------
 * lookup.c
 *	  One name (an id, part of one, a label) to the node it means.
 *
 * Exact names cost one look into the hash table.  Everything else passes over
 * all names once: parts of ids are typed by people, and so are mistakes.
 * The messages tell apart what is not there, what fits several revisions and
 * what is in another branch.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>

#include "common/lookup.h"
#include "common/sqlstate.h"
#include "lib/stringinfo.h"

/* Shorter names must be given whole, as otherwise "a" would mean "a1". */
#define MIN_PARTIAL_NAME	4

/* What a partial name fits. */
typedef struct Candidates
{
	int			count;			/* different nodes */
	int			nodes[VIFLO_MAX_CANDIDATES];
	int			elsewhere;		/* a node outside the branch, or -1 */
	bool		too_short;		/* something shorter would fit */
} Candidates;

char *
viflo_lookup_list(const VifloGraph *graph, const int *nodes, int count)
{
	StringInfoData buf;
	int			shown = Min(count, VIFLO_MAX_CANDIDATES);

	initStringInfo(&buf);
	for (int i = 0; i < shown; i++)
	{
		if (i > 0)
			appendStringInfoString(&buf,
								   i == count - 1 ? " and " : ", ");
		appendStringInfo(&buf, "\"%s\"", graph->nodes[nodes[i]].revision->id);
	}
	if (count > shown)
		appendStringInfo(&buf, " and %d more", count - shown);
	return buf.data;
}

bool *
viflo_lookup_lineage(const VifloGraph *graph, int node, bool dependencies)
{
	bool	   *lineage = palloc0(sizeof(bool) * graph->count);
	bool	   *below = palloc0(sizeof(bool) * graph->count);

	lineage[node] = below[node] = true;
	viflo_graph_descendants(graph, lineage, dependencies);
	viflo_graph_ancestors(graph, below, dependencies);
	for (int i = 0; i < graph->count; i++)
		lineage[i] |= below[i];
	pfree(below);
	return lineage;
}

/*
 * How alike are a name that does not exist and one that does?  0: not at all.
 */
static int
likeness(const char *typed, const char *name)
{
	int			common = 0;

	if (pg_strcasecmp(typed, name) == 0)
		return INT_MAX;
	while (typed[common] != '\0' &&
		   pg_tolower((unsigned char) typed[common]) ==
		   pg_tolower((unsigned char) name[common]))
		common++;
	if (strlen(typed) >= MIN_PARTIAL_NAME && strstr(name, typed) != NULL)
		return strlen(typed);
	if (strlen(name) >= MIN_PARTIAL_NAME && strstr(typed, name) != NULL)
		return strlen(name);
	return common >= MIN_PARTIAL_NAME ? common : 0;
}

/* The name that typed is most like, or NULL. */
static const char *
find_alike(const VifloGraph *graph, const char *typed)
{
	static const char *const words[] = {"head", "heads", "base", "current"};
	const char *best = NULL;
	int			best_score = 0;

	for (int i = 0; i < lengthof(words); i++)
	{
		if (pg_strcasecmp(typed, words[i]) == 0)
			return words[i];
	}
	for (int i = 0; i < graph->count; i++)
	{
		const VifloRevision *revision = graph->nodes[i].revision;

		for (int j = -1; j < revision->labels.count; j++)
		{
			const char *name = j < 0 ? revision->id : revision->labels.names[j];
			int			score = likeness(typed, name);

			if (score > best_score)
			{
				best_score = score;
				best = name;
			}
		}
	}
	return best;
}

/* Is name long enough to be meant by its beginning, and does part fit? */
static bool
fits(const char *name, const char *part, size_t length, bool *too_short)
{
	if (strncmp(name, part, length) != 0)
		return false;
	if (strlen(name) >= MIN_PARTIAL_NAME)
		return true;
	*too_short = true;
	return false;
}

static void
find_candidates(const VifloGraph *graph, const char *part,
				const VifloBranch *branch, Candidates *candidates)
{
	size_t		length = strlen(part);

	candidates->count = 0;
	candidates->elsewhere = -1;
	candidates->too_short = false;
	for (int i = 0; i < graph->count; i++)
	{
		const VifloRevision *revision = graph->nodes[i].revision;
		bool		fit = fits(revision->id, part, length,
							   &candidates->too_short);

		for (int j = 0; j < revision->labels.count && !fit; j++)
			fit = fits(revision->labels.names[j], part, length,
					   &candidates->too_short);
		if (!fit)
			continue;
		if (branch != NULL && !branch->members[i])
		{
			candidates->elsewhere = i;
			continue;
		}
		if (candidates->count < VIFLO_MAX_CANDIDATES)
			candidates->nodes[candidates->count] = i;
		candidates->count++;
	}
}

static void
ambiguous(const VifloGraph *graph, const char *name,
		  const Candidates *candidates, VifloError *error)
{
	char	   *list = viflo_lookup_list(graph, candidates->nodes,
										 candidates->count);

	viflo_error(error, VIFLO_AMBIGUOUS_REVISION,
				"revision \"%s\" is ambiguous", name);
	viflo_error_detail(error, "It fits %s.", list);
	viflo_error_hint(error, "Write more of the id.");
	pfree(list);
}

static void
other_branch(const VifloGraph *graph, int node, const VifloBranch *branch,
			 VifloError *error)
{
	viflo_error(error, VIFLO_INVALID_TARGET,
				"revision \"%s\" is not in branch \"%s\"",
				graph->nodes[node].revision->id, branch->name);
	if (strcmp(graph->nodes[branch->node].revision->id, branch->name) == 0)
		viflo_error_detail(error, "It is neither above nor below that revision.");
	else
		viflo_error_detail(error, "It is neither above nor below revision \"%s\", which that branch is named by.",
						   graph->nodes[branch->node].revision->id);
	viflo_error_hint(error, "Leave out \"%s@\", or name another revision.",
					 branch->name);
}

static void
unknown(const VifloGraph *graph, const char *name, bool too_short,
		VifloError *error)
{
	const char *alike;

	viflo_error(error, VIFLO_UNKNOWN_REVISION,
				"revision \"%s\" does not exist", name);
	if (error == NULL)
		return;
	if (too_short)
		viflo_error_detail(error, "Names of fewer than %d characters must be written whole.",
						   MIN_PARTIAL_NAME);
	else if (strcmp(name, "current") == 0)
		viflo_error_detail(error, "\"current\" is for ranges of the history only.");

	alike = find_alike(graph, name);
	if (alike != NULL && strcmp(alike, name) != 0)
		viflo_error_hint(error, "Perhaps you meant \"%s\".", alike);
	else if (graph->count == 0)
		viflo_error_hint(error, "There are no revisions yet.");
	else
		viflo_error_hint(error, "The history lists the revisions there are.");
}

int
viflo_lookup(const VifloGraph *graph, const char *name,
			 const VifloBranch *branch, VifloError *error)
{
	Candidates	candidates;
	int			node = viflo_graph_find(graph, name);

	if (node < 0)
		node = viflo_graph_find_label(graph, name);
	if (node >= 0)
	{
		if (branch == NULL || branch->members[node])
			return node;
		other_branch(graph, node, branch, error);
		return -1;
	}

	find_candidates(graph, name, branch, &candidates);
	if (candidates.count == 1)
		return candidates.nodes[0];
	if (candidates.count > 1)
		ambiguous(graph, name, &candidates, error);
	else if (candidates.elsewhere >= 0)
		other_branch(graph, candidates.elsewhere, branch, error);
	else
		unknown(graph, name, candidates.too_short, error);
	return -1;
}

bool
viflo_lookup_branch(const VifloGraph *graph, const char *name,
					VifloBranch *branch, VifloError *error)
{
	int			node = viflo_lookup(graph, name, NULL, error);

	if (node < 0)
	{
		if (error != NULL && strcmp(error->sqlstate, VIFLO_UNKNOWN_REVISION) == 0)
		{
			char	   *hint = error->hint;

			pfree(error->message);
			if (error->detail != NULL)
				pfree(error->detail);
			viflo_error(error, VIFLO_UNKNOWN_REVISION,
						"branch \"%s\" does not exist", name);
			viflo_error_detail(error, "There is neither a branch label nor a revision of that name.");
			error->hint = hint;
		}
		return false;
	}
	branch->name = name;
	branch->node = node;
	branch->members = viflo_lookup_lineage(graph, node, false);
	return true;
}
