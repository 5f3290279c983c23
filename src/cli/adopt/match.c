/*-------------------------------------------------------------------------
 * match.c
 *	  What another tool's history means for a folder's revisions.
 *
 * Rows and revisions meet by version, spelled as the tool spells it.  A row
 * that counts for all before it, too, and has no file of its own (a baseline)
 * takes in every version that is not greater.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/adopt/match.h"

/* A revision by the version that the tool knows it by. */
typedef struct Key
{
	const char *version;
	int			number;
} Key;

/* A comparison under way. */
typedef struct Matching
{
	const VifloHistory *history;
	const VifloTool *tool;
	Key		   *keys;			/* by version */
	int			nkeys;
	VifloMatch *match;
} Matching;

static const char *
version_of(const VifloHistory *history, const VifloTool *tool, int number)
{
	if (tool->version != NULL)
		return tool->version(history, number);
	if (history->migrations[number].version != NULL)
		return history->migrations[number].version;
	return history->revisions[number].id;
}

static int
compare_keys(const void *a, const void *b)
{
	const Key  *left = a;
	const Key  *right = b;
	int			result = strcmp(left->version, right->version);

	return result != 0 ? result : left->number - right->number;
}

static int
compare_version(const void *version, const void *key)
{
	return strcmp(version, ((const Key *) key)->version);
}

static int
find_revision(const Matching *matching, const VifloToolRow *row)
{
	const VifloTool *tool = matching->tool;
	const Key  *end = matching->keys + matching->nkeys;
	const Key  *key = bsearch(row->version, matching->keys, matching->nkeys, sizeof(Key),
							  compare_version);
	int			revision = -1;
	int			best = 0;

	while (key != NULL && key > matching->keys && strcmp(key[-1].version, row->version) == 0)
		key--;
	for (; key != NULL && key < end && strcmp(key->version, row->version) == 0; key++)
	{
		int			fit = tool->fits ? tool->fits(matching->history, key->number, row) : 1;

		if (fit > best)
		{
			best = fit;
			revision = key->number;
		}
	}
	return revision;
}

/*
 * Compares versions part by part, parts being separated by "."; a part that
 * is a number counts as one, and one that is missing is 0.
 */
static int
compare_parts(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0')
	{
		size_t		alen = strcspn(a, ".");
		size_t		blen = strcspn(b, ".");
		size_t		azeros = strspn(a, "0");
		size_t		bzeros = strspn(b, "0");
		int			result;

		if (strspn(a, "0123456789") == alen && strspn(b, "0123456789") == blen)
		{
			azeros = Min(azeros, alen);
			bzeros = Min(bzeros, blen);
			if (alen - azeros != blen - bzeros)
				return alen - azeros < blen - bzeros ? -1 : 1;
			result = strncmp(a + azeros, b + bzeros, alen - azeros);
		}
		else
		{
			result = strncmp(a, b, Min(alen, blen));
			if (result == 0 && alen != blen)
				result = alen < blen ? -1 : 1;
		}
		if (result != 0)
			return result;
		a += alen + (a[alen] == '.');
		b += blen + (b[blen] == '.');
	}
	return 0;
}

static VifloProblem *
add_problem(VifloMatch *match, VifloProblemKind kind, const VifloToolRow *row,
			int revision)
{
	VifloProblem *problem;

	match->problems = match->problems ?
		repalloc(match->problems, sizeof(VifloProblem) * (match->nproblems + 1)) :
		palloc(sizeof(VifloProblem));
	problem = &match->problems[match->nproblems++];
	memset(problem, 0, sizeof(*problem));
	problem->kind = kind;
	problem->row = row;
	problem->revision = revision;
	return problem;
}

/*
 * Marks what a row says of all versions before its own.  Without a file, the
 * versions alone tell which these are (one that is only spelled in another way
 * is the row's own); where they do not, none.
 */
static void
match_before(Matching *matching, const VifloToolRow *row, int revision)
{
	const VifloHistory *history = matching->history;
	bool	   *set = palloc0(sizeof(bool) * (history->count + history->stubs));
	int			own = row->state == VIFLO_TOOL_DIRTY ? -1 : 0;

	if (revision >= 0)
		set[revision] = true;
	else if (!matching->tool->unordered)
	{
		for (int i = 0; i < history->count; i++)
			set[i] = !history->revisions[i].repeatable &&
				compare_parts(version_of(history, matching->tool, i), row->version) <= own;
	}
	viflo_graph_ancestors(history->graph, set, true);
	if (revision >= 0)
		set[revision] = false;	/* match_row() has said what it is */
	for (int i = 0; i < history->count; i++)
	{
		if (set[i] && matching->match->rows[i] == NULL)
			matching->match->rows[i] = row;
	}
	pfree(set);
}

/* A checksum that differs makes a repeatable revision one that is to run again. */
static void
check_text(Matching *matching, const VifloToolRow *row, int revision)
{
	const VifloTool *tool = matching->tool;
	VifloMatch *match = matching->match;
	char	   *expected = NULL;

	if (tool->is_same == NULL || row->checksum == NULL ||
		tool->is_same(matching->history, revision, row, &expected))
		return;
	if (matching->history->revisions[revision].repeatable)
		match->rows[revision] = NULL;
	else
		add_problem(match, VIFLO_PROBLEM_CHANGED, row, revision)->expected = expected;
}

static void
match_row(Matching *matching, const VifloToolRow *row)
{
	const VifloTool *tool = matching->tool;
	VifloMatch *match = matching->match;
	int			revision;

	if (tool->concerns != NULL && !tool->concerns(matching->history, row))
		return;
	match->concerned++;
	revision = find_revision(matching, row);
	if (row->state == VIFLO_TOOL_FAILED || row->state == VIFLO_TOOL_DIRTY)
		add_problem(match, VIFLO_PROBLEM_FAILED, row, revision);
	else if (revision >= 0)
	{
		match->rows[revision] = row;
		check_text(matching, row, revision);
	}
	else if (row->state != VIFLO_TOOL_BASELINE)
	{
		add_problem(match, VIFLO_PROBLEM_NO_FILE, row, -1);
		match->without_file++;
	}
	if (row->state != VIFLO_TOOL_APPLIED && row->state != VIFLO_TOOL_FAILED)
		match_before(matching, row, revision);
}

/* Counts what is applied, and what is not though something above it is. */
static void
count_revisions(Matching *matching)
{
	const VifloHistory *history = matching->history;
	VifloMatch *match = matching->match;
	bool	   *set = palloc0(sizeof(bool) * (history->count + history->stubs));

	for (int i = 0; i < history->count; i++)
		match->applied += set[i] = match->rows[i] != NULL;
	viflo_graph_ancestors(history->graph, set, true);
	for (int i = 0; i < history->count; i++)
		match->late += set[i] && match->rows[i] == NULL;
	pfree(set);
}

void
viflo_match(const VifloHistory *history, const VifloTool *tool,
			const VifloToolRow *rows, int count, VifloMatch *match)
{
	Matching	matching = {.history = history,.tool = tool,.match = match};

	memset(match, 0, sizeof(*match));
	match->rows = palloc0(sizeof(VifloToolRow *) * (history->count + 1));
	matching.keys = palloc(sizeof(Key) * (history->count + 1));
	for (int i = 0; i < history->count; i++)
	{
		Key		   *key = &matching.keys[matching.nkeys];

		key->version = version_of(history, tool, i);
		key->number = i;
		matching.nkeys += key->version != NULL;
	}
	qsort(matching.keys, matching.nkeys, sizeof(Key), compare_keys);
	for (int i = 0; i < count; i++)
		match_row(&matching, &rows[i]);
	count_revisions(&matching);
	pfree(matching.keys);
}

const char *
viflo_problem_name(VifloProblemKind kind)
{
	switch (kind)
	{
		case VIFLO_PROBLEM_FAILED:
			return "failed";
		case VIFLO_PROBLEM_CHANGED:
			return "changed";
		case VIFLO_PROBLEM_NO_FILE:
			return "no file";
	}
	return NULL;
}
