/*-------------------------------------------------------------------------
 * test_graph.c
 *	  src/common's graph, targets and plans: large graphs, what is refused and
 *	  in which words, and properties of random graphs against naive oracles.
 *
 * Leak-clean: everything that a function of src/common returned is freed.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "common/plan.h"
#include "common/sqlstate.h"
#include "tap.h"

/*
 * Revisions are written as words: "id<parent,parent~dependency#label".
 * Freed by free_revisions().
 */
typedef struct Revisions
{
	int			count;
	VifloRevision *list;
} Revisions;

static void
free_names(VifloNames *names)
{
	for (int i = 0; i < names->count; i++)
		pfree(names->names[i]);
	if (names->names != NULL)
		pfree(names->names);
}

static void
free_revisions(Revisions *revisions)
{
	for (int i = 0; i < revisions->count; i++)
	{
		pfree(revisions->list[i].id);
		free_names(&revisions->list[i].down);
		free_names(&revisions->list[i].depends_on);
		free_names(&revisions->list[i].labels);
	}
	pfree(revisions->list);
}

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

static void
read_revision(VifloRevision *revision, const char *word, size_t length)
{
	size_t		at = 0;
	char		kind = '\0';

	memset(revision, 0, sizeof(*revision));
	revision->message = "";
	while (at < length)
	{
		size_t		n = strcspn(word + at, "<~#, ");
		char	   *name = pnstrdup(word + at, n);

		if (kind == '\0')
			revision->id = name;
		else
			viflo_names_add(kind == '<' ? &revision->down :
							kind == '~' ? &revision->depends_on :
							&revision->labels, name);
		at += n;
		if (at < length && word[at] != ',')
			kind = word[at];
		at++;
	}
}

static Revisions
read_revisions(const char *text)
{
	Revisions	revisions = {0};

	revisions.list = palloc(sizeof(VifloRevision) * (strlen(text) + 1));
	while (*text)
	{
		size_t		n = strcspn(text, " ");

		read_revision(&revisions.list[revisions.count++], text, n);
		text += n;
		text += *text == ' ';
	}
	return revisions;
}

/* revision number n, "r000042", with down revisions and a dependency or -1 */
static void
number_revision(Revisions *revisions, int parent1, int parent2, int depends)
{
	VifloRevision *revision = &revisions->list[revisions->count];

	memset(revision, 0, sizeof(*revision));
	revision->id = psprintf("r%06d", revisions->count++);
	revision->message = "";
	if (parent1 >= 0)
		viflo_names_add(&revision->down, psprintf("r%06d", parent1));
	if (parent2 >= 0)
		viflo_names_add(&revision->down, psprintf("r%06d", parent2));
	if (depends >= 0)
		viflo_names_add(&revision->depends_on, psprintf("r%06d", depends));
}

static VifloGraph *
build(const Revisions *revisions)
{
	VifloError	error = {0};
	VifloGraph *graph = viflo_graph_build(revisions->list, revisions->count, &error);

	if (graph == NULL)
	{
		printf("Bail out! %s\n", error.message);
		exit(1);
	}
	return graph;
}

/*
 * Names and errors.
 */

/* Does error have this SQLSTATE and all the words, in message, detail, hint? */
static void
expect_error(VifloError *error, const char *sqlstate, const char *words,
			 const char *name)
{
	char	   *all = psprintf("%s | %s | %s",
							   error->message ? error->message : "",
							   error->detail ? error->detail : "",
							   error->hint ? error->hint : "");
	bool		passed = error->sqlstate != NULL &&
	strcmp(error->sqlstate, sqlstate) == 0;
	char	   *copy = pstrdup(words);

	for (char *word = strtok(copy, "|"); word != NULL; word = strtok(NULL, "|"))
		passed &= strstr(all, word) != NULL;
	if (!tap_ok(passed, "%s", name))
		tap_note("got %s: %s, expected %s: %s",
				 error->sqlstate ? error->sqlstate : "nothing", all, sqlstate, words);
	pfree(all);
	pfree(copy);
	free_error(error);
}

/* Building text fails so. */
static void
refused(const char *text, const char *sqlstate, const char *words)
{
	VifloError	error = {0};
	Revisions	revisions = read_revisions(text);
	VifloGraph *graph = viflo_graph_build(revisions.list, revisions.count, &error);

	if (graph != NULL)
		viflo_graph_free(graph);
	expect_error(&error, sqlstate, words, text);
	free_revisions(&revisions);
}

static void
test_refused_graphs(void)
{
	refused("a<a", VIFLO_CYCLE, "\"a\"|itself");
	refused("a~a", VIFLO_CYCLE, "\"a\"|itself");
	refused("base0 a<base0,c b<a c<b head0<c", VIFLO_CYCLE,
			"\"a\", \"c\", \"b\"|\"a\" revises \"c\", which revises \"b\", which revises \"a\"");
	refused("a b<a~d c<b d<c e<d", VIFLO_CYCLE, "\"b\" depends on \"d\"|cycle");
	refused("x#lab<y y~z z~lab", VIFLO_CYCLE, "\"y\", which depends on \"z\", which depends on \"x\"|cycle");
	refused("a b<a a<b", VIFLO_DUPLICATE_REVISION, "\"a\"|twice");
	refused("a b<nope", VIFLO_MISSING_PARENT, "\"nope\"|\"b\"");
	refused("a b<a~nope", VIFLO_MISSING_PARENT, "\"b\" depends on \"nope\"");
	refused("a#lab b<lab", VIFLO_MISSING_PARENT, "\"lab\"|branch label, of revision \"a\"");
	refused("a#lab b#lab", VIFLO_DUPLICATE_LABEL, "\"lab\"|\"b\"|\"a\"");
	refused("a#b b", VIFLO_DUPLICATE_LABEL, "\"b\"|id");
	refused("a#lab,lab", VIFLO_DUPLICATE_LABEL, "\"lab\" twice");
}

static void
test_long_cycle(void)
{
	const int	n = 100000;
	Revisions	revisions = {0};
	VifloError	error = {0};

	revisions.list = palloc(sizeof(VifloRevision) * n);
	for (int i = 0; i < n; i++)
		number_revision(&revisions, i - 1, i == 10 ? n - 10 : -1, -1);
	tap_ok(viflo_graph_build(revisions.list, n, &error) == NULL,
		   "a cycle of 99981 revisions is refused");
	expect_error(&error, VIFLO_CYCLE, "r000010|...|99981 revisions",
				 "some of its members are named, and how many there are");
	free_revisions(&revisions);
}

static void
name_refused(const char *name, const char *words)
{
	VifloError	error = {0};
	char	   *label = psprintf("name refused: %.20s", name);

	viflo_name_check(name, "revision", &error);
	expect_error(&error, VIFLO_INVALID_NAME, words, label);
	pfree(label);
}

static void
test_names(void)
{
	char		name[VIFLO_ID_MAX + 2];
	static const char *const good[] = {
		"a", "8f3c21d0a4b7", "20221102090533_auto-detect", "100_helm_options",
		"v1.0", "sp ace", "\303\251t\303\251", "Head", "heads1", "(x)"
	};
	bool		passed = true;

	for (int i = 0; i < lengthof(good); i++)
		passed &= viflo_name_check(good[i], "revision", NULL);
	memset(name, 'x', sizeof(name));
	name[VIFLO_ID_MAX] = '\0';
	passed &= viflo_name_check(name, "revision", NULL);
	tap_ok(passed, "usable names");

	name[VIFLO_ID_MAX] = 'x';
	name[VIFLO_ID_MAX + 1] = '\0';
	name_refused(name, "too long|256|255");
	name_refused("", "empty");
	name_refused("a@b", "\"@\"");
	name_refused("a:b", "\":\"");
	name_refused("a+b", "\"+\"");
	name_refused("a,b", "\",\"");
	name_refused("a\tb", "control character");
	name_refused("a\177", "control character");
	name_refused(" a", "white space");
	name_refused("a ", "white space");
	name_refused("-1", "begins with \"-\"");
	name_refused("head", "reserved");
	name_refused("heads", "reserved");
	name_refused("base", "reserved");
	name_refused("current", "reserved");
}

/*
 * Targets.  expected: ids in load order, or an SQLSTATE and words.
 */
static void
target(const VifloGraph *graph, const char *text, const char *expected)
{
	VifloError	error = {0};
	int		   *nodes;
	int			count = viflo_target_upgrade(graph, NULL, text, &nodes, &error);
	char	   *name = psprintf("target \"%s\"", text);

	if (strncmp(expected, "VF", 2) == 0)
	{
		char	   *sqlstate = pnstrdup(expected, 5);

		if (count >= 0)
			pfree(nodes);
		expect_error(&error, sqlstate, expected + 5, name);
		pfree(sqlstate);
	}
	else
	{
		char		got[256] = "";

		for (int i = 0; i < count; i++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
					 i > 0 ? " " : "", graph->nodes[nodes[i]].revision->id);
		if (!tap_ok(count >= 0 && strcmp(got, expected) == 0, "%s", name))
			tap_note("got %s%s", got, error.message ? error.message : "");
		if (count >= 0)
			pfree(nodes);
		free_error(&error);
	}
	pfree(name);
}

static void
test_targets(void)
{
	Revisions	revisions =
	read_revisions("20221102090533_auto-detect 100-2<20221102090533_auto-detect "
				   "100-2abc<100-2 abcd1<100-2abc abcd2<abcd1 abcd3<abcd1 "
				   "abcd4<abcd1 abcd5<abcd1 abcd6<abcd1 abcd7<abcd1 xy#billing");
	VifloGraph *graph = build(&revisions);

	target(graph, "100-2", "100-2");
	target(graph, "100-2-1", "20221102090533_auto-detect");
	target(graph, "100-2+1", "100-2abc");
	target(graph, "2022@100-2", "100-2");
	target(graph, "100-2a", "100-2abc");
	target(graph, "100-2abc-2", "20221102090533_auto-detect");
	target(graph, "20221102090533_auto-detect+2", "100-2abc");
	target(graph, "20221102090533_auto-", "20221102090533_auto-detect");
	target(graph, "2022", "20221102090533_auto-detect");
	target(graph, "2022+1", "100-2");
	target(graph, "100-2@head", "VF003|\"abcd2\"|and 1 more");
	target(graph, "billing@head", "xy");
	target(graph, "bill", "xy");
	target(graph, "bill@+1", "xy");
	target(graph, "xy-1", "");
	target(graph, "xy-2", "VF005|1 of 2 steps");
	target(graph, "x", "VF001|written whole");
	target(graph, "abcd", "VF002|\"abcd1\", \"abcd2\", \"abcd3\", \"abcd4\", \"abcd5\" and 2 more");
	target(graph, "abcd1+1", "VF004|\"abcd2\"|and 1 more");
	target(graph, "+99999999999", "VF005|too far");
	target(graph, "abcd1-99999999999999999999999999", "VF005|too far");
	target(graph, "+2147483647", "VF004|could go several ways");
	target(graph, "+1x", "VF006|after the number|Leave out \"x\"");
	target(graph, "abcd1-1x", "VF006|after the number|Leave out \"x\"");
	target(graph, "base-1", "VF005|past base");
	target(graph, "billing@abcd1", "VF006|not in branch \"billing\"");
	target(graph, "nope@head", "VF001|branch \"nope\" does not exist");
	target(graph, "nope@base", "VF001|branch \"nope\" does not exist");
	target(graph, "abcd1x", "VF001|\"abcd1x\" does not exist|Perhaps you meant \"abcd1\"");
	target(graph, "HEAD", "VF001|Perhaps you meant \"head\"");
	target(graph, "auto-detect", "VF001|Perhaps you meant \"20221102090533_auto-detect\"");
	target(graph, "a:b", "VF006|range");
	target(graph, "", "VF006|empty");
	target(graph, "@", "VF006|nothing after");
	target(graph, "@@", "VF001|does not exist");
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

/*
 * Stamps.  rows and expected are ids; targets are separated by blanks.
 */
static void
read_applied(const VifloGraph *graph, const char *rows, bool *applied)
{
	char	   *copy = pstrdup(rows);

	memset(applied, 0, graph->count);
	for (char *row = strtok(copy, " "); row != NULL; row = strtok(NULL, " "))
		applied[viflo_graph_find(graph, row)] = true;
	viflo_graph_ancestors(graph, applied, true);
	pfree(copy);
}

static void
stamp(const VifloGraph *graph, const char *rows, const char *targets,
	  bool purge, const char *expected)
{
	VifloError	error = {0};
	VifloState	state;
	bool	   *applied = palloc(graph->count);
	bool	   *wanted = palloc(graph->count);
	bool	   *after = NULL;
	char	   *copy = pstrdup(targets);
	const char *list[8];
	int			n = 0;

	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		list[n++] = word;
	read_applied(graph, rows, applied);
	read_applied(graph, expected, wanted);
	state.applied = applied;
	state.closed = true;
	if (!tap_ok(viflo_plan_stamp(graph, state, list, n, purge, &after, &error) &&
				memcmp(after, wanted, graph->count) == 0,
				"stamp at (%s) to (%s)%s gives (%s)", rows, targets,
				purge ? " with purge" : "", expected))
		tap_note("%s", error.message ? error.message : "another set");
	if (after != NULL)
		pfree(after);
	free_error(&error);
	pfree(applied);
	pfree(wanted);
	pfree(copy);
}

static void
test_stamps(void)
{
	Revisions	revisions = read_revisions("a1#lib a2<a1 a3<a2 b1#app b2<b1~a2 c1#doc c2<c1");
	VifloGraph *graph = build(&revisions);

	stamp(graph, "", "a2 c1", false, "a2 c1");
	stamp(graph, "a3", "a1 c2", false, "a1 c2");
	stamp(graph, "a1", "a3 c1", false, "a3 c1");
	stamp(graph, "c2", "a3", false, "a3 c2");
	stamp(graph, "a3 c2", "c1", false, "a3 c1");
	stamp(graph, "a3 c2", "doc@base", false, "a3");
	stamp(graph, "a3 c2", "base", false, "");
	stamp(graph, "a3 b2 c2", "a3 c1", false, "a3 b2 c1");
	stamp(graph, "a3 c2", "heads", false, "a3 b2 c2");
	stamp(graph, "a3 c2", "a1", true, "a1");
	stamp(graph, "a3 c2", "base", true, "");
	stamp(graph, "a3 c2", "a1 b1", true, "a1 b1");
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

static void
test_authoring(void)
{
	Revisions	revisions = read_revisions("a1#lib a2<a1 b1");
	VifloGraph *graph = build(&revisions);
	VifloError	error = {0};
	VifloNames	names = {0};
	const char *both[] = {"heads", "a2"};
	const char *one[] = {"lib@head"};
	const char *old[] = {"a1"};
	const char *base[] = {"base"};
	const char *deps[] = {"lib", "lib@head", "b1", "b1"};

	tap_ok(viflo_plan_merge(graph, both, 1, &names, &error) && names.count == 2 &&
		   strcmp(names.names[0], "a2") == 0 && strcmp(names.names[1], "b1") == 0,
		   "merge of heads");
	pfree(names.names);
	viflo_plan_merge(graph, one, 1, &names, &error);
	expect_error(&error, VIFLO_NOTHING_TO_MERGE, "\"a2\"", "merge of one head");
	viflo_plan_new(graph, both, 2, false, &names, &error);
	expect_error(&error, VIFLO_INVALID_TARGET, "\"a2\" is named twice", "a parent twice");
	viflo_plan_new(graph, old, 1, false, &names, &error);
	expect_error(&error, VIFLO_NOT_A_HEAD, "\"a1\"|\"a2\" follows it|splice", "not a head");
	tap_ok(viflo_plan_new(graph, old, 1, true, &names, &error) && names.count == 1,
		   "not a head, with splice");
	pfree(names.names);
	tap_ok(viflo_plan_new(graph, base, 1, false, &names, &error) && names.count == 0,
		   "base has no parents");
	tap_ok(viflo_plan_depends(graph, deps, 4, &names, &error) && names.count == 3 &&
		   strcmp(names.names[0], "lib") == 0 && strcmp(names.names[1], "a2") == 0 &&
		   strcmp(names.names[2], "b1") == 0,
		   "dependencies: labels stay, others become ids, each once");
	pfree(names.names);
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

/* direction of one target, as viflo_plan() wants it */
static void
test_either_way(void)
{
	Revisions	revisions = read_revisions("a b<a c<b d<c#top x~c");
	VifloGraph *graph = build(&revisions);
	bool		applied[5];
	VifloState	state = {applied, true};
	static const char *const down[] = {"base", "a", "b", "-1", "c-1", "a+1", "top@base"};
	static const char *const up[] = {"c", "d", "head", "heads", "+1", "x", "c+1", "nope", "top@head"};
	bool		passed = true;

	read_applied(graph, "c", applied);
	for (int i = 0; i < lengthof(down); i++)
		passed &= viflo_plan_is_downgrade(graph, state, down[i]);
	tap_ok(passed, "targets below where the database stands");
	passed = true;
	for (int i = 0; i < lengthof(up); i++)
		passed &= !viflo_plan_is_downgrade(graph, state, up[i]);
	tap_ok(passed, "other targets");
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

static void
test_late(void)
{
	Revisions	revisions = read_revisions("a b<a c<b d<c x e<d~x y<x");
	VifloGraph *graph = build(&revisions);
	bool		applied[7] = {true, false, true, true, false, true, false};
	VifloState	state = {applied, false};
	VifloPlan	plan = {0};
	VifloError	error = {0};

	tap_ok(viflo_plan_upgrade(graph, state, "e", &plan, &error) && plan.count == 2 &&
		   plan.steps[0].node == 1 && plan.steps[0].late &&
		   plan.steps[1].node == 4 && plan.steps[1].late,
		   "gaps below an applied target are planned, and late");
	pfree(plan.steps);
	tap_ok(viflo_plan_upgrade(graph, state, "heads", &plan, &error) && plan.count == 3 &&
		   plan.steps[0].late && plan.steps[1].late &&
		   plan.steps[2].node == 6 && !plan.steps[2].late,
		   "what nothing applied stands on is not late");
	pfree(plan.steps);
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

/*
 * Large graphs.
 */
typedef enum Shape
{
	LINE,
	DIAMONDS,
	TWO_ROOTS
} Shape;

static Revisions
make_shape(Shape shape, int n)
{
	Revisions	revisions = {0};

	revisions.list = palloc(sizeof(VifloRevision) * n);
	for (int i = 0; i < n; i++)
	{
		if (shape == LINE)
			number_revision(&revisions, i - 1, -1, -1);
		else if (shape == TWO_ROOTS)
			number_revision(&revisions, i - 2, -1, i % 2 == 1 ? i - 1 : -1);
		else if (i % 3 == 0)
			number_revision(&revisions, i - 2, i > 0 ? i - 1 : -1, -1);
		else
			number_revision(&revisions, i - i % 3, -1, -1);
	}
	return revisions;
}

/* Is plan legal from applied, which it changes? */
static bool
run_plan(const VifloGraph *graph, const VifloPlan *plan, bool *applied)
{
	for (int i = 0; i < plan->count; i++)
	{
		const VifloNode *node = &graph->nodes[plan->steps[i].node];
		bool		up = plan->steps[i].direction == VIFLO_UP;

		if (applied[plan->steps[i].node] == up)
			return false;
		for (int j = 0; j < node->nparents && up; j++)
			if (!applied[node->parents[j]])
				return false;
		for (int j = 0; j < node->ndepends && up; j++)
			if (!applied[node->depends[j]])
				return false;
		for (int j = 0; j < node->nchildren && !up; j++)
			if (applied[node->children[j]])
				return false;
		for (int j = 0; j < node->ndependents && !up; j++)
			if (applied[node->dependents[j]])
				return false;
		applied[plan->steps[i].node] = up;
	}
	return true;
}

/* Goes to target; whether that was legal and took so many steps. */
static bool
go(const VifloGraph *graph, bool *applied, VifloDirection direction,
   const char *text, int steps)
{
	VifloState	state = {applied, true};
	VifloPlan	plan = {0};
	VifloError	error = {0};
	bool		passed;

	passed = direction == VIFLO_UP ?
		viflo_plan_upgrade(graph, state, text, &plan, &error) :
		viflo_plan_downgrade(graph, state, text, &plan, &error);
	passed = passed && plan.count == steps && run_plan(graph, &plan, applied);
	if (!passed)
		tap_note("%s: %d steps, %s", text, plan.count,
				 error.message ? error.message : "");
	if (plan.steps != NULL)
		pfree(plan.steps);
	free_error(&error);
	return passed;
}

static void
test_large(Shape shape, const char *name, const char *half, int steps)
{
	const int	n = 100000;
	Revisions	revisions = make_shape(shape, n);
	VifloGraph *graph = build(&revisions);
	bool	   *applied = palloc0(n);
	bool		passed = true;

	for (int i = 0; i < n; i++)
		passed &= graph->order[i] == i && graph->nodes[i].rank == i;
	tap_ok(passed, "%s: a legal load order is kept", name);
	tap_ok(go(graph, applied, VIFLO_UP, half, steps),
		   "%s: half way up", name);
	tap_ok(go(graph, applied, VIFLO_UP, "heads", n - steps),
		   "%s: the rest", name);
	tap_ok(go(graph, applied, VIFLO_UP, "heads", 0), "%s: nothing to do", name);
	tap_ok(go(graph, applied, VIFLO_DOWN, "base", n), "%s: and down", name);
	pfree(applied);
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

/* A label on every revision of a line: all lists together stay small. */
static void
test_many_labels(void)
{
	const int	n = 20000;
	Revisions	revisions = make_shape(LINE, n);
	VifloGraph *graph;

	for (int i = 0; i < n; i++)
		viflo_names_add(&revisions.list[i].labels, psprintf("label%d", i));
	graph = build(&revisions);
	tap_ok(graph->nodes[0].branches.count == n &&
		   graph->nodes[0].branches.names == graph->nodes[n - 1].branches.names,
		   "labels of one line are one list");
	tap_ok(viflo_graph_find_label(graph, "label777") == 777, "and are found");
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

/* Branches that share the beginning of a list do not see each other's end. */
static void
test_shared_labels(void)
{
	Revisions	revisions = read_revisions("a#l1 b<a#l2 c<b#l3 d<c#l4 e<d#l5 f<e#l6 g<e#l7");
	VifloGraph *graph = build(&revisions);
	const VifloNames *f = &graph->nodes[5].branches;
	const VifloNames *g = &graph->nodes[6].branches;

	tap_ok(f->count == 6 && g->count == 6 &&
		   viflo_names_contain(f, "l6") && !viflo_names_contain(f, "l7") &&
		   viflo_names_contain(g, "l7") && !viflo_names_contain(g, "l6") &&
		   graph->nodes[4].branches.count == 5,
		   "labels of two branches");
	viflo_graph_free(graph);
	free_revisions(&revisions);
}

/*
 * Random graphs.
 */
#define MAX_RANDOM	40

static uint64 random_state = 1;

static int
draw(int limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 16) % limit;
}

/* reach[d][a][b]: is b a strict ancestor of a (d: by dependencies, too)? */
typedef struct Random
{
	Revisions	revisions;
	VifloGraph *graph;
	bool		reach[2][MAX_RANDOM][MAX_RANDOM];
	bool		parent[MAX_RANDOM][MAX_RANDOM];
} Random;

static void
make_random(Random *random)
{
	int			n = 1 + draw(MAX_RANDOM);
	int			place[MAX_RANDOM];	/* position of the i-th in load order */
	VifloRevision *list = palloc0(sizeof(VifloRevision) * n);

	memset(random, 0, sizeof(*random));
	for (int i = 0; i < n; i++)
		place[i] = i;
	for (int i = n - 1; i > 0; i--)
	{
		int			j = draw(i + 1);
		int			swap = place[i];

		place[i] = place[j];
		place[j] = swap;
	}
	for (int i = 0; i < n; i++)
	{
		VifloRevision *revision = &list[place[i]];

		revision->id = psprintf("rev%02d", place[i]);
		revision->message = "";
		for (int k = draw(4); i > 0 && k > 0; k--)
		{
			int			other = place[i - 1 - draw(Min(i, 6))];
			bool		dependency = draw(3) == 0;

			viflo_names_add(dependency ? &revision->depends_on : &revision->down,
							psprintf("rev%02d", other));
			random->reach[1][place[i]][other] = true;
			if (!dependency)
				random->reach[0][place[i]][other] =
					random->parent[place[i]][other] = true;
		}
		if (draw(6) == 0)
			viflo_names_add(&revision->labels, psprintf("label%02d", place[i]));
	}
	for (int d = 0; d < 2; d++)
		for (int k = 0; k < n; k++)
			for (int a = 0; a < n; a++)
				for (int b = 0; b < n; b++)
					random->reach[d][a][b] |= random->reach[d][a][k] && random->reach[d][k][b];
	random->revisions.count = n;
	random->revisions.list = list;
	random->graph = build(&random->revisions);
}

static void
free_random(Random *random)
{
	viflo_graph_free(random->graph);
	free_revisions(&random->revisions);
}

/* A random set; closed over ancestors if asked for. */
static void
draw_set(const Random *random, bool closed, bool *set)
{
	int			n = random->graph->count;
	int			odds = 1 + draw(8);

	for (int i = 0; i < n; i++)
		set[i] = draw(odds) == 0;
	for (int i = 0; i < n && closed; i++)
		for (int j = 0; j < n; j++)
			set[i] |= set[j] && random->reach[1][j][i];
}

static bool
check_order(const Random *random)
{
	const VifloGraph *graph = random->graph;

	for (int i = 0; i < graph->count; i++)
	{
		if (graph->order[graph->nodes[i].rank] != i)
			return false;
		for (int j = 0; j < graph->count; j++)
			if (random->reach[1][i][j] && graph->nodes[j].rank >= graph->nodes[i].rank)
				return false;
	}
	return true;
}

static bool
check_sets(const Random *random)
{
	int			n = random->graph->count;
	bool		set[MAX_RANDOM];
	bool		passed = true;

	draw_set(random, draw(2) == 0, set);
	for (int d = 0; d < 2; d++)
	{
		bool		below[MAX_RANDOM];
		bool		above[MAX_RANDOM];
		int		   *heads;
		int			count = viflo_graph_maximal(random->graph, set, d, &heads);
		int			next = 0;

		memcpy(below, set, sizeof(below));
		memcpy(above, set, sizeof(above));
		viflo_graph_ancestors(random->graph, below, d);
		viflo_graph_descendants(random->graph, above, d);
		for (int i = 0; i < n; i++)
		{
			bool		is_below = set[i];
			bool		is_above = set[i];
			bool		has_above = false;

			for (int j = 0; j < n; j++)
			{
				is_below |= set[j] && random->reach[d][j][i];
				is_above |= set[j] && random->reach[d][i][j];
				has_above |= set[j] && random->reach[d][j][i];
			}
			passed &= below[i] == is_below && above[i] == is_above;
			if (set[i] && !has_above)
				passed &= next < count && heads[next++] == i;
		}
		passed &= next == count;
		pfree(heads);
	}
	return passed;
}

/* Up to a random revision and down to base again. */
static bool
check_up(const Random *random)
{
	const VifloGraph *graph = random->graph;
	int			to = draw(graph->count);
	bool		applied[MAX_RANDOM];
	int			wanted = 0;
	int			all = 0;
	bool		passed;

	draw_set(random, true, applied);
	for (int i = 0; i < graph->count; i++)
		wanted += !applied[i] && (i == to || random->reach[1][to][i]);
	passed = go(graph, applied, VIFLO_UP, graph->nodes[to].revision->id, wanted);
	for (int i = 0; i < graph->count; i++)
		all += applied[i];
	return passed && go(graph, applied, VIFLO_DOWN, "base", all);
}

static bool
check_late(const Random *random)
{
	const VifloGraph *graph = random->graph;
	int			to = draw(graph->count);
	bool		applied[MAX_RANDOM];
	VifloState	state = {applied, false};
	VifloPlan	plan = {0};
	VifloError	error = {0};
	int			wanted = 0;
	bool		passed;

	draw_set(random, false, applied);
	for (int i = 0; i < graph->count; i++)
		wanted += !applied[i] && (i == to || random->reach[1][to][i]);
	passed = viflo_plan_upgrade(graph, state, graph->nodes[to].revision->id, &plan, &error) &&
		plan.count == wanted;
	for (int i = 0; i < plan.count; i++)
	{
		bool		late = false;

		for (int j = 0; j < graph->count; j++)
			late |= applied[j] && random->reach[1][j][plan.steps[i].node];
		passed &= plan.steps[i].late == late;
	}
	if (plan.steps != NULL)
		pfree(plan.steps);
	free_error(&error);
	return passed;
}

/* Down to a random revision: its children, and all that stands on them. */
static bool
check_down(const Random *random)
{
	const VifloGraph *graph = random->graph;
	int			to = draw(graph->count);
	const char *id = graph->nodes[to].revision->id;
	bool		applied[MAX_RANDOM];
	bool		row;
	int			wanted = 0;

	draw_set(random, true, applied);
	row = applied[to];
	for (int i = 0; i < graph->count; i++)
	{
		bool		drop = random->parent[i][to];

		for (int j = 0; j < graph->count; j++)
			drop |= random->parent[j][to] && random->reach[1][i][j];
		wanted += drop && applied[i];
		row &= !(applied[i] && random->reach[1][i][to]);
	}
	if (wanted == 0 && !row)
	{
		VifloError	error = {0};
		VifloPlan	plan = {0};
		VifloState	state = {applied, true};
		bool		passed;

		passed = !viflo_plan_downgrade(graph, state, id, &plan, &error) &&
			strcmp(error.sqlstate, VIFLO_INVALID_TARGET) == 0;
		free_error(&error);
		return passed;
	}
	return go(graph, applied, VIFLO_DOWN, id, wanted);
}

/*
 * Alembic's rule, word for word: a label goes to all descendants, and from
 * the last of them down to the first branch or merge point.  Where the
 * descendants are no line, that is above the label's own revision.
 */
static bool
has_label(const Random *random, int node, int owner)
{
	const VifloGraph *graph = random->graph;
	int			at = owner;

	if (node == owner || random->reach[0][node][owner])
		return true;
	for (;;)					/* up to the head */
	{
		const VifloNode *n = &graph->nodes[at];

		if (n->nparents > 1 || n->nchildren + n->ndependents > 1)
			return false;
		if (n->nchildren == 0)
			break;
		at = n->children[0];
	}
	for (at = owner; graph->nodes[at].nparents == 1;)	/* down from there */
	{
		const VifloNode *n = &graph->nodes[at = graph->nodes[at].parents[0]];

		if (n->nparents > 1 || n->nchildren + n->ndependents > 1)
			return false;
		if (at == node)
			return true;
	}
	return false;
}

static bool
check_labels(const Random *random)
{
	const VifloGraph *graph = random->graph;

	for (int i = 0; i < graph->count; i++)
	{
		int			wanted = 0;

		for (int j = 0; j < graph->count; j++)
		{
			const VifloNames *labels = &graph->nodes[j].revision->labels;

			if (labels->count == 0 || !has_label(random, i, j))
				continue;
			wanted++;
			if (!viflo_names_contain(&graph->nodes[i].branches, labels->names[0]))
				return false;
		}
		if (graph->nodes[i].branches.count != wanted)
			return false;
	}
	return true;
}

static void
test_random(const char *name, bool (*check) (const Random *random))
{
	bool		passed = true;
	Random	   *random = palloc(sizeof(Random));

	for (int i = 1; i <= 400 && passed; i++)
	{
		random_state = UINT64CONST(0x9E3779B97F4A7C15) * i;
		make_random(random);
		passed = check(random);
		if (!passed)
			tap_note("seed %d", i);
		free_random(random);
	}
	pfree(random);
	tap_ok(passed, "400 random graphs: %s", name);
}

static void
test_empty(void)
{
	VifloGraph *graph = viflo_graph_build(NULL, 0, NULL);
	bool		applied[1] = {false};
	int		   *nodes;

	tap_ok(graph != NULL && graph->nheads == 0 &&
		   go(graph, applied, VIFLO_UP, "head", 0) &&
		   go(graph, applied, VIFLO_UP, "heads", 0) &&
		   go(graph, applied, VIFLO_DOWN, "base", 0),
		   "no revisions at all: nothing to do");
	tap_ok(viflo_target_history(graph, NULL, NULL, &nodes, NULL) == 0, "and no history");
	pfree(nodes);
	tap_ok(viflo_target_resolve(graph, "x", &nodes, NULL) < 0, "nothing is found");
	viflo_graph_free(graph);
}

int
main(void)
{
	test_empty();
	test_names();
	test_refused_graphs();
	test_long_cycle();
	test_targets();
	test_stamps();
	test_authoring();
	test_either_way();
	test_late();
	test_large(LINE, "100,000 in a line", "r050000", 50001);
	test_large(DIAMONDS, "100,000 in diamonds", "r050000", 50000);
	test_large(TWO_ROOTS, "100,000 on two roots with dependencies",
			   "r050001", 50002);
	test_many_labels();
	test_shared_labels();
	test_random("the order is legal", check_order);
	test_random("ancestors, descendants, maximal", check_sets);
	test_random("up, and down to base leaves nothing", check_up);
	test_random("gaps are late", check_late);
	test_random("down to a revision", check_down);
	test_random("branch labels", check_labels);
	return tap_done();
}
