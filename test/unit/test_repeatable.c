/*-------------------------------------------------------------------------
 * test_repeatable.c
 *	  Repeatable revisions in src/common's graph, targets, plans and stamps:
 *	  beside the line, around it in plans, and run with head and heads alone.
 *
 * Leak-clean: everything that a function of src/common returned is freed.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "common/plan.h"
#include "common/sqlstate.h"
#include "tap.h"

/* Names of one element each. */
#define ONE(name) {1, (char *[]) {name}}

/* Loaded in this order: v2 runs after w, which comes last by its id. */
static const VifloRevision revisions[] = {
	{.id = "vvvv2",.message = "",.repeatable = VIFLO_REPEATABLE_CHANGED,.depends_on = ONE("wwww")},
	{.id = "aaaa",.message = "",.labels = ONE("lib")},
	{.id = "vvvv1",.message = "",.repeatable = VIFLO_REPEATABLE_CHANGED,.depends_on = ONE("lib")},
	{.id = "bbbb",.message = "",.down = ONE("aaaa")},
	{.id = "wwww",.message = "",.repeatable = VIFLO_REPEATABLE_CHANGED},
	{.id = "uuuu",.message = "",.repeatable = VIFLO_REPEATABLE_CHANGED,.depends_on = ONE("bbbb")}
};

/* One and more of each kind. */
static const VifloRevision kinds[] = {
	{.id = "always",.message = "",.repeatable = VIFLO_REPEATABLE_ALWAYS},
	{.id = "between",.message = "",.repeatable = VIFLO_REPEATABLE_ALWAYS,.depends_on = ONE("first")},
	{.id = "changed",.message = "",.repeatable = VIFLO_REPEATABLE_CHANGED,.depends_on = ONE("between")},
	{.id = "with",.message = "",.repeatable = VIFLO_REPEATABLE_WITH},
	{.id = "zfirst",.message = "",.repeatable = VIFLO_REPEATABLE_FIRST},
	{.id = "first",.message = "",.repeatable = VIFLO_REPEATABLE_FIRST,.depends_on = ONE("zfirst")},
	{.id = "one",.message = ""},
	{.id = "two",.message = "",.down = ONE("one")},
};

enum
{
	V2, A, V1, B, W, U, COUNT
};

static void
free_error(VifloError *error)
{
	if (error->message != NULL)
		pfree(error->message);
	if (error->detail != NULL)
		pfree(error->detail);
	if (error->hint != NULL)
		pfree(error->hint);
	memset(error, 0, sizeof(*error));
}

/* Is this the error?  Freed. */
static void
expect_error(VifloError *error, const char *sqlstate, const char *words, const char *name)
{
	bool		passed = error->message != NULL && strcmp(error->sqlstate, sqlstate) == 0 &&
	strstr(error->message, words) != NULL;

	if (!tap_ok(passed, "%s", name))
		tap_note("got %s: %s", error->message ? error->sqlstate : "nothing",
				 error->message ? error->message : "");
	free_error(error);
}

static VifloGraph *
build(void)
{
	VifloError	error = {0};
	VifloGraph *graph = viflo_graph_build(revisions, COUNT, &error);

	if (graph == NULL)
	{
		printf("Bail out! %s\n", error.message);
		exit(1);
	}
	return graph;
}

/* Do the ids of nodes, joined, give expected?  Frees nodes. */
static void
nodes_are(const VifloGraph *graph, int *nodes, int count, const char *expected, const char *name)
{
	char		got[128] = "";

	for (int i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i > 0 ? " " : "",
				 graph->nodes[nodes[i]].revision->id);
	if (!tap_ok(count >= 0 && strcmp(got, expected) == 0, "%s", name))
		tap_note("got %s, expected %s", got, expected);
	if (count >= 0)
		pfree(nodes);
}

static void
test_graph(void)
{
	VifloGraph *graph = build();
	bool		all[COUNT] = {true, true, true, true, true, true};
	bool		base[COUNT] = {false, true};
	int		   *nodes;
	int			count;

	tap_ok(graph->nversioned == 2, "two are not repeatable");
	nodes = palloc(sizeof(int) * COUNT);
	memcpy(nodes, graph->order, sizeof(int) * COUNT);
	nodes_are(graph, nodes, COUNT, "aaaa bbbb uuuu vvvv1 wwww vvvv2", "the order");
	count = viflo_graph_heads(graph, false, &nodes);
	nodes_are(graph, nodes, count, "bbbb", "one head");
	count = viflo_graph_heads(graph, true, &nodes);
	nodes_are(graph, nodes, count, "bbbb", "which is real, as nothing depends on it");
	count = viflo_graph_bases(graph, false, &nodes);
	nodes_are(graph, nodes, count, "aaaa", "one base");
	count = viflo_graph_maximal(graph, all, true, &nodes);
	nodes_are(graph, nodes, count, "bbbb", "where a database with all of them stands");
	viflo_graph_descendants(graph, base, true);
	tap_ok(base[B] && !base[V1] && !base[U], "they descend from nothing");
	viflo_graph_free(graph);
}

/* Building these two fails so. */
static void
refused(VifloRevision first, VifloRevision second, const char *sqlstate, const char *words)
{
	VifloRevision both[] = {first, second};
	VifloError	error = {0};
	VifloGraph *graph = viflo_graph_build(both, 2, &error);

	if (graph != NULL)
		viflo_graph_free(graph);
	expect_error(&error, sqlstate, words, words);
}

static void
test_refused(void)
{
	const VifloRevision r = {.id = "r",.message = "",.repeatable = VIFLO_REPEATABLE_CHANGED};
	const VifloRevision a = {.id = "a",.message = ""};
	const VifloNames to_r = ONE("r");
	const VifloNames to_a = ONE("a");
	const VifloNames to_s = ONE("s");
	VifloRevision other = a;

	other.down = to_r;
	refused(r, other, VIFLO_MISSING_PARENT, "\"a\" cannot revise \"r\", which is repeatable");
	other = a;
	other.depends_on = to_r;
	refused(other, r, VIFLO_MISSING_PARENT, "\"a\" cannot depend on \"r\", which is repeatable");
	other = r;
	other.down = to_a;
	refused(a, other, VIFLO_INVALID_SCRIPT, "\"r\" cannot have down revisions");
	other = r;
	other.labels = to_s;
	refused(a, other, VIFLO_INVALID_SCRIPT, "\"r\" cannot have labels");
	other = r;
	other.depends_on = to_s;
	refused(a, other, VIFLO_MISSING_PARENT, "\"r\" depends on \"s\"");
	other.id = "s";
	refused(other, r, VIFLO_CYCLE, "\"s\" follows itself");
	other = r;
	other.repeatable = VIFLO_REPEATABLE_FIRST;
	other.depends_on = to_a;
	refused(a, other, VIFLO_MISSING_PARENT, "\"r\" cannot depend on \"a\", which runs after it");
	other.id = "f";
	other.depends_on = to_r;
	refused(other, r, VIFLO_MISSING_PARENT, "\"f\" cannot depend on \"r\", which runs after it");
	other = r;
	other.id = "a";
	refused(a, other, VIFLO_DUPLICATE_REVISION, "\"a\" is there twice");
}

static void
test_targets(void)
{
	static const char *const no_targets[] = {"wwww", "wwww@head", "wwww@base", "wwww+1"};
	VifloGraph *graph = build();
	VifloError	error = {0};
	int		   *nodes;
	int			node;
	int			branch;
	int			count;

	for (int i = 0; i < lengthof(no_targets); i++)
	{
		if (viflo_target_upgrade(graph, NULL, no_targets[i], &nodes, &error) >= 0)
			pfree(nodes);
		expect_error(&error, VIFLO_INVALID_TARGET, "\"wwww\" is repeatable", no_targets[i]);
	}
	viflo_target_downgrade(graph, NULL, "wwww", &node, &branch, &error);
	expect_error(&error, VIFLO_INVALID_TARGET, "\"wwww\" is repeatable", "nor to go down to");
	count = viflo_target_name(graph, "vvvv2", &nodes, NULL);
	nodes_are(graph, nodes, count, "vvvv2", "but it can be named");
	count = viflo_target_name(graph, "uu", &nodes, NULL);
	nodes_are(graph, nodes, count, "uuuu", "also by its beginning");
	viflo_target_name(graph, "vvvv", &nodes, &error);
	expect_error(&error, VIFLO_AMBIGUOUS_REVISION, "\"vvvv\"", "where that fits one");
	count = viflo_target_history(graph, NULL, NULL, &nodes, NULL);
	nodes_are(graph, nodes, count, "vvvv2 wwww vvvv1 uuuu bbbb aaaa", "the history has them on top");
	count = viflo_target_history(graph, NULL, "aaaa:bbbb", &nodes, NULL);
	nodes_are(graph, nodes, count, "bbbb aaaa", "not where it ends at a revision");
	count = viflo_target_history(graph, NULL, "bbbb:", &nodes, NULL);
	nodes_are(graph, nodes, count, "vvvv2 wwww vvvv1 uuuu bbbb", "where it is open, it does");
	viflo_graph_free(graph);
}

/* The plan from applied to target, up or down, is expected. */
static void
plan(const VifloGraph *graph, const bool *applied, VifloDirection direction, const char *target,
	 const char *expected)
{
	VifloState	state = {.applied = applied,.closed = true};
	VifloPlan	plan = {0};
	VifloError	error = {0};
	int		   *nodes;
	char	   *name = psprintf("%s to %s: (%s)", direction == VIFLO_UP ? "up" : "down", target, expected);
	bool		ok = direction == VIFLO_UP ?
	viflo_plan_upgrade(graph, state, target, &plan, &error) :
	viflo_plan_downgrade(graph, state, target, &plan, &error);

	nodes = palloc(sizeof(int) * (plan.count + 1));
	for (int i = 0; i < plan.count; i++)
		nodes[i] = plan.steps[i].direction == direction && !plan.steps[i].late ? plan.steps[i].node : 0;
	nodes_are(graph, nodes, ok ? plan.count : 0, expected, name);
	if (plan.steps != NULL)
		pfree(plan.steps);
	pfree(name);
	free_error(&error);
}

static void
test_plans(void)
{
	VifloGraph *graph = build();
	bool		none[COUNT] = {false};
	const VifloState nothing = {.applied = none,.closed = true};
	bool		some[COUNT] = {false};
	bool		all[COUNT] = {true, true, true, true, true, true};
	bool	   *before;
	VifloPlan	offline = {0};

	plan(graph, none, VIFLO_UP, "head", "aaaa bbbb uuuu vvvv1 wwww vvvv2");
	plan(graph, none, VIFLO_UP, "bbbb", "aaaa bbbb");
	plan(graph, none, VIFLO_UP, "lib@head", "aaaa bbbb");
	plan(graph, none, VIFLO_UP, "+1", "aaaa");
	some[A] = some[B] = some[V1] = some[V2] = true;
	plan(graph, some, VIFLO_UP, "heads", "uuuu wwww");
	plan(graph, some, VIFLO_UP, "aaaa+1", "");
	plan(graph, all, VIFLO_UP, "head", "");
	plan(graph, all, VIFLO_DOWN, "base", "bbbb aaaa");
	plan(graph, all, VIFLO_DOWN, "-1", "bbbb");
	tap_ok(viflo_plan_offline(graph, VIFLO_UP, "aaaa:head", &before, &offline, NULL) &&
		   offline.count == 5 && !before[U], "an offline script to head has them all");
	pfree(before);
	pfree(offline.steps);
	viflo_graph_free(graph);

	/* Nothing else at all. */
	graph = viflo_graph_build(&revisions[W], 1, NULL);
	plan(graph, none, VIFLO_UP, "head", "wwww");
	plan(graph, none, VIFLO_UP, "base", "");
	plan(graph, all, VIFLO_UP, "heads", "");
	tap_ok(!viflo_plan_is_downgrade(graph, nothing, "head"),
		   "with nothing else at all, head is up");
	viflo_graph_free(graph);
}

/* Those that run without a new text. */
static void
test_kinds(void)
{
	VifloGraph *graph = viflo_graph_build(kinds, lengthof(kinds), NULL);
	bool		none[lengthof(kinds)] = {false};
	bool		all[lengthof(kinds)] = {true, true, true, true, true, true, true, true};

	tap_ok(graph->nversioned == 2 && graph->nfirst == 2, "two of each");
	plan(graph, none, VIFLO_UP, "head", "zfirst first one two between changed with always");
	plan(graph, all, VIFLO_UP, "head", "zfirst first between always");
	plan(graph, all, VIFLO_UP, "two", "");
	plan(graph, none, VIFLO_UP, "+1", "one");
	all[7] = false;
	plan(graph, all, VIFLO_UP, "heads", "zfirst first two between with always");
	all[7] = true;
	all[2] = false;
	plan(graph, all, VIFLO_UP, "heads", "zfirst first between changed with always");
	all[2] = true;
	all[3] = false;
	plan(graph, all, VIFLO_UP, "heads", "zfirst first between with always");
	plan(graph, all, VIFLO_DOWN, "base", "two one");
	viflo_graph_free(graph);
}

/* A stamp of a database with all, but for w, leaves these repeatable ones applied. */
static void
stamp(const char *target, bool purge, const char *expected)
{
	static const bool applied[COUNT] = {true, true, true, true, false, true};
	VifloGraph *graph = build();
	VifloState	state = {.applied = applied,.closed = true};
	bool	   *after = NULL;
	int		   *nodes = palloc(sizeof(int) * COUNT);
	int			count = 0;
	char	   *name = psprintf("stamp %s%s", target, purge ? " with purge" : "");

	if (!viflo_plan_stamp(graph, state, &target, 1, purge, &after, NULL))
		count = -1;
	for (int i = 0; i < COUNT && count >= 0; i++)
	{
		if (graph->nodes[i].repeatable && after[i])
			nodes[count++] = i;
	}
	nodes_are(graph, nodes, count, expected, name);
	pfree(after);
	pfree(name);
	viflo_graph_free(graph);
}

static void
test_stamps(void)
{
	stamp("head", false, "vvvv2 vvvv1 wwww uuuu");
	stamp("heads", true, "vvvv2 vvvv1 wwww uuuu");
	stamp("bbbb", false, "vvvv2 vvvv1 uuuu");
	stamp("bbbb", true, "");
	stamp("aaaa", false, "");
	stamp("base", false, "");
	stamp("wwww", false, "vvvv2 vvvv1 wwww uuuu");
	stamp("vvvv2", true, "vvvv2");
}

int
main(void)
{
	test_graph();
	test_refused();
	test_targets();
	test_plans();
	test_kinds();
	test_stamps();
	return tap_done();
}
