/*-------------------------------------------------------------------------
 * test_graph_cases.c
 *	  src/common against the answers of Alembic itself, one test a case.
 *
 * Reads graph_cases.txt (see graph_cases.pl) from $VIFLO_TEST_BUILD.  What is
 * compared: the set of steps, that their order is legal, and the rows
 * afterwards, which are the maximal applied revisions; that an error is an
 * error.  Where Alembic crashed, a legal plan or an error passes.  Cases where
 * another answer is wanted are listed below, with the reason.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "common/plan.h"
#include "common/sqlstate.h"
#include "tap.h"

/* What is expected instead of Alembic's answer; NULL: nothing to test. */
static const struct
{
	const char *id;
	const char *sqlstate;
	const char *reason;
}			better[] =

{
	{"g0137", VIFLO_UNREACHABLE, "a walk past base ends nowhere"},
	{"g0266", "", "a set of applied revisions has no overlapping rows"},
	{"g0828", VIFLO_AMBIGUOUS_WALK, "the order of rows must not decide what is dropped"},
	{"g0850", VIFLO_AMBIGUOUS_WALK, "the order of rows must not decide what is dropped"},
	{"g0861", VIFLO_AMBIGUOUS_WALK, "the order of rows must not decide what is dropped"},
	{"g1160", VIFLO_DUPLICATE_REVISION, "a duplicate id is an error"},
	{"g1161", VIFLO_DUPLICATE_REVISION, "a duplicate id is an error"},
	{"g1225", "", "\"-\" within an id is allowed, for file-based layouts"},
	{"g1230", VIFLO_DUPLICATE_REVISION, "a duplicate id is an error"},
	{"g1240", VIFLO_INVALID_TARGET, "text after the number of steps is an error"},
	{"g1241", VIFLO_INVALID_TARGET, "text after the number of steps is an error"},
	{"g1242", VIFLO_INVALID_TARGET, "text after the number of steps is an error"},
	{"g1254", NULL, "an upgrade has one target"},
	{"g1255", VIFLO_INVALID_TARGET, "text after the number of steps is an error"},
	{"g1258", VIFLO_INVALID_TARGET, "text after the number of steps is an error"},
};

typedef struct Step
{
	bool		up;
	char	   *id;
} Step;

#define MAX_REVISIONS	64
#define MAX_LISTS		8

typedef struct Case
{
	char		id[16];
	char		op[16];
	VifloRevision revisions[MAX_REVISIONS + 1];
	int			nrevisions;
	VifloNames	current;
	VifloNames	targets;
	VifloNames	heads;
	VifloNames	depends;
	VifloNames	new_labels;
	char	   *rev_id;
	bool		sql;
	bool		purge;
	bool		splice;
	bool		crash;
	char		expect[16];
	Step		steps[MAX_REVISIONS];
	int			nsteps;
	int			nlists;
	char	   *list_names[MAX_LISTS];
	VifloNames	lists[MAX_LISTS];
} Case;

/* What came out: a failure when error.sqlstate is set. */
typedef struct Result
{
	VifloError	error;
	char		problem[512];	/* why the answer is wrong in itself */
	VifloPlan	plan;
	VifloNames	names;			/* the answer, for ops that give a list */
	bool	   *after;
} Result;

static void
free_names(VifloNames *names, bool deep)
{
	for (int i = 0; i < names->count && deep; i++)
		pfree(names->names[i]);
	if (names->names != NULL)
		pfree(names->names);
	names->count = 0;
	names->names = NULL;
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
free_case(Case *c)
{
	for (int i = 0; i < c->nrevisions; i++)
	{
		VifloRevision *revision = &c->revisions[i];

		pfree(revision->id);
		free_names(&revision->down, true);
		free_names(&revision->depends_on, true);
		free_names(&revision->labels, true);
	}
	free_names(&c->current, true);
	free_names(&c->targets, true);
	free_names(&c->heads, true);
	free_names(&c->depends, true);
	free_names(&c->new_labels, true);
	if (c->rev_id != NULL)
		pfree(c->rev_id);
	for (int i = 0; i < c->nsteps; i++)
		pfree(c->steps[i].id);
	for (int i = 0; i < c->nlists; i++)
	{
		pfree(c->list_names[i]);
		free_names(&c->lists[i], true);
	}
}

/*
 * Reading.
 */
static void
read_flag(Case *c, const char *flag)
{
	c->sql |= strcmp(flag, "sql") == 0;
	c->purge |= strcmp(flag, "purge") == 0;
	c->splice |= strcmp(flag, "splice") == 0;
	c->crash |= strcmp(flag, "crash") == 0;
}

static void
read_line(Case *c, const char *key, char *value)
{
	VifloRevision *revision = &c->revisions[Max(c->nrevisions - 1, 0)];
	struct
	{
		const char *key;
		VifloNames *names;
	}			lists[] =
	{
		{"down", &revision->down}, {"dep", &revision->depends_on},
		{"label", &revision->labels}, {"current", &c->current},
		{"target", &c->targets}, {"head", &c->heads},
		{"depends", &c->depends}, {"new_label", &c->new_labels},
		{"item", &c->lists[Max(c->nlists - 1, 0)]},
	};

	for (int i = 0; i < lengthof(lists); i++)
	{
		if (strcmp(key, lists[i].key) == 0)
		{
			viflo_names_add(lists[i].names, pstrdup(value));
			return;
		}
	}
	if (strcmp(key, "rev") == 0 && c->nrevisions < MAX_REVISIONS)
	{
		c->revisions[c->nrevisions].id = pstrdup(value);
		c->revisions[c->nrevisions++].message = "";
	}
	else if (strcmp(key, "flag") == 0)
		read_flag(c, value);
	else if (strcmp(key, "rev_id") == 0)
		c->rev_id = pstrdup(value);
	else if (strcmp(key, "expect") == 0)
		strlcpy(c->expect, value, sizeof(c->expect));
	else if (strcmp(key, "list") == 0 && c->nlists < MAX_LISTS)
		c->list_names[c->nlists++] = pstrdup(value);
	else if ((strcmp(key, "up") == 0 || strcmp(key, "down_step") == 0) &&
			 c->nsteps < MAX_REVISIONS)
	{
		c->steps[c->nsteps].up = strcmp(key, "up") == 0;
		c->steps[c->nsteps++].id = pstrdup(value);
	}
	else
	{
		printf("Bail out! %s: cannot read \"%s\"\n", c->id, key);
		exit(1);
	}
}

/* Reads the next case; false at the end. */
static bool
read_case(FILE *file, Case *c)
{
	char		line[4096];
	bool		started = false;

	memset(c, 0, sizeof(*c));
	while (fgets(line, sizeof(line), file) != NULL)
	{
		char	   *value;

		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, '\t');
		if (value != NULL)
			*value++ = '\0';
		if (strcmp(line, "end") == 0)
			return started;
		if (strcmp(line, "case") == 0)
		{
			char	   *op = strchr(value, '\t');

			started = true;
			*op++ = '\0';
			strlcpy(c->id, value, sizeof(c->id));
			strlcpy(c->op, op, sizeof(c->op));
		}
		else
			read_line(c, line, value);
	}
	return false;
}

static const VifloNames *
find_list(const Case *c, const char *name)
{
	for (int i = 0; i < c->nlists; i++)
	{
		if (strcmp(c->list_names[i], name) == 0)
			return &c->lists[i];
	}
	return NULL;
}

/*
 * Running.
 */
static void
add_nodes(const VifloGraph *graph, int *nodes, int count, VifloNames *names)
{
	for (int i = 0; i < count; i++)
		viflo_names_add(names, graph->nodes[nodes[i]].revision->id);
	if (count >= 0)
		pfree(nodes);
}

/* The applied set that the rows of a database stand for. */
static bool *
read_rows(const VifloGraph *graph, const VifloNames *rows, VifloError *error)
{
	bool	   *applied = palloc0(sizeof(bool) * (graph->count + 1));

	for (int i = 0; i < rows->count; i++)
	{
		int			node = viflo_graph_find(graph, rows->names[i]);

		if (node >= 0)
			applied[node] = true;
		else if (error->sqlstate == NULL)
			viflo_error(error, VIFLO_MISSING_REVISION,
						"applied revision \"%s\" does not exist",
						rows->names[i]);
	}
	viflo_graph_ancestors(graph, applied, true);
	return applied;
}

/* Applies plan to set, noting the first step that is out of order. */
static void
run_plan(const VifloGraph *graph, const VifloPlan *plan, bool *set,
		 char *problem, size_t size)
{
	for (int i = 0; i < plan->count; i++)
	{
		const VifloNode *node = &graph->nodes[plan->steps[i].node];
		bool		up = plan->steps[i].direction == VIFLO_UP;
		bool		legal = set[plan->steps[i].node] != up;

		for (int j = 0; up && j < node->nparents; j++)
			legal &= set[node->parents[j]];
		for (int j = 0; up && j < node->ndepends; j++)
			legal &= set[node->depends[j]];
		for (int j = 0; !up && j < node->nchildren; j++)
			legal &= !set[node->children[j]];
		for (int j = 0; !up && j < node->ndependents; j++)
			legal &= !set[node->dependents[j]];
		if (!legal && *problem == '\0')
			snprintf(problem, size, "step %d, \"%s\", is out of order",
					 i + 1, node->revision->id);
		set[plan->steps[i].node] = up;
	}
}

static void
run_move(const Case *c, const VifloGraph *graph, bool *applied, Result *r)
{
	VifloDirection direction = strcmp(c->op, "upgrade") == 0 ? VIFLO_UP : VIFLO_DOWN;
	const char *target = c->targets.names[0];
	VifloState	state = {applied, true};
	bool		ok;

	if (c->sql)
		ok = viflo_plan_offline(graph, direction, target, &r->after,
								&r->plan, &r->error);
	else
	{
		r->after = palloc(graph->count + 1);
		memcpy(r->after, applied, graph->count);
		ok = direction == VIFLO_UP ?
			viflo_plan_upgrade(graph, state, target, &r->plan, &r->error) :
			viflo_plan_downgrade(graph, state, target, &r->plan, &r->error);
	}
	if (ok)
		run_plan(graph, &r->plan, r->after, r->problem, sizeof(r->problem));
}

/* Offline, a stamp is told with "a:b" where the database stands. */
static void
run_stamp(const Case *c, const VifloGraph *graph, bool *applied, Result *r)
{
	char	   *start = NULL;
	char	   *end = NULL;
	int		   *nodes;
	VifloState	state = {applied, true};

	if (!c->sql || strchr(c->targets.names[0], ':') == NULL)
	{
		viflo_plan_stamp(graph, state,
						 (const char *const *) c->targets.names,
						 c->targets.count, c->purge, &r->after, &r->error);
		return;
	}
	if (viflo_target_split(c->targets.names[0], &start, &end, &r->error))
	{
		int			count = viflo_target_resolve(graph, start, &nodes, &r->error);

		for (int i = 0; i < count; i++)
			applied[nodes[i]] = true;
		if (count >= 0)
		{
			pfree(nodes);
			viflo_graph_ancestors(graph, applied, true);
			viflo_plan_stamp(graph, state, (const char *const *) &end, 1,
							 false, &r->after, &r->error);
		}
		pfree(start);
		pfree(end);
	}
}

static void
run_resolve(const Case *c, const VifloGraph *graph, Result *r)
{
	int		   *nodes;
	int			node;

	if (strcmp(c->op, "resolve") == 0)
	{
		int			count = viflo_target_resolve(graph, c->targets.names[0],
												 &nodes, &r->error);

		add_nodes(graph, nodes, count, &r->names);
	}
	else if (viflo_target_resolve_one(graph, c->targets.names[0], &node,
									  &r->error) && node >= 0)
		viflo_names_add(&r->names, graph->nodes[node].revision->id);
}

static void
run_history(const Case *c, const VifloGraph *graph, const bool *applied,
			Result *r)
{
	int		   *nodes;
	int			count = viflo_target_history(graph, applied,
											 c->targets.count > 0 ? c->targets.names[0] : NULL,
											 &nodes, &r->error);

	for (int i = 1; i < count; i++)
	{
		if (graph->nodes[nodes[i]].rank > graph->nodes[nodes[i - 1]].rank)
			strlcpy(r->problem, "not newest first", sizeof(r->problem));
	}
	add_nodes(graph, nodes, count, &r->names);
}

/* Are the maximal applied revisions the graph's heads? */
static void
run_check_heads(const VifloGraph *graph, const bool *applied, Result *r)
{
	int		   *rows;
	int			count = viflo_graph_maximal(graph, applied, true, &rows);

	if (count != graph->nheads ||
		memcmp(rows, graph->heads, sizeof(int) * count) != 0)
		viflo_error(&r->error, VIFLO_BEHIND, "not on all heads");
	pfree(rows);
}

static void
compare_names(const VifloNames *got, const VifloNames *expected,
			  const char *what, Result *r)
{
	bool		same = true;

	for (int i = 0; i < got->count; i++)
		same &= viflo_names_contain(expected, got->names[i]);
	for (int i = 0; i < expected->count; i++)
		same &= viflo_names_contain(got, expected->names[i]);
	if (!same && r->problem[0] == '\0')
	{
		snprintf(r->problem, sizeof(r->problem), "%s:", what);
		for (int i = 0; i < got->count; i++)
			snprintf(r->problem + strlen(r->problem),
					 sizeof(r->problem) - strlen(r->problem), " %s",
					 got->names[i]);
	}
}

/* Compares the graph's own lists with those that are expected. */
static void
check_lists(const Case *c, const VifloGraph *graph, Result *r)
{
	for (int i = 0; i < c->nlists; i++)
	{
		const char *name = c->list_names[i];
		bool		real = strncmp(name, "real_", 5) == 0;
		VifloNames	names = {0};
		int		   *nodes = NULL;
		int			count;

		if (strstr(name, "heads") != NULL)
			count = viflo_graph_heads(graph, real, &nodes);
		else if (strstr(name, "bases") != NULL)
			count = viflo_graph_bases(graph, real, &nodes);
		else if (strcmp(name, "branches") == 0)
		{
			nodes = palloc(sizeof(int) * graph->count);
			count = 0;
			for (int j = 0; j < graph->count; j++)
			{
				if (graph->nodes[j].nchildren > 1)
					nodes[count++] = j;
			}
		}
		else
			continue;
		add_nodes(graph, nodes, count, &names);
		compare_names(&names, &c->lists[i], name, r);
		free_names(&names, false);
	}
}

/* Makes the revision and looks at the graph with it. */
static void
run_revision(Case *c, const VifloGraph *graph, Result *r)
{
	static const char *const head[] = {"head"};
	VifloRevision *made = &c->revisions[c->nrevisions];
	VifloNames	down = {0};
	VifloNames	depends = {0};
	const VifloNames *wanted;
	VifloGraph *with;

	made->id = c->rev_id ? c->rev_id : "newrev";
	made->message = "";
	made->labels = c->new_labels;
	if (viflo_name_check(made->id, "revision", &r->error) &&
		viflo_plan_new(graph,
					   c->heads.count ? (const char *const *) c->heads.names : head,
					   Max(c->heads.count, 1), c->splice, &down, &r->error) &&
		viflo_plan_depends(graph, (const char *const *) c->depends.names,
						   c->depends.count, &depends, &r->error))
	{
		made->down = down;
		made->depends_on = depends;
		with = viflo_graph_build(c->revisions, c->nrevisions + 1, &r->error);
		if (with != NULL)
		{
			check_lists(c, with, r);
			if ((wanted = find_list(c, "down")) != NULL)
				compare_names(&down, wanted, "down", r);
			if ((wanted = find_list(c, "depends_on")) != NULL)
				compare_names(&depends, wanted, "depends_on", r);
			viflo_graph_free(with);
		}
	}
	free_names(&down, false);
	free_names(&depends, false);
}

static void
run_op(Case *c, const VifloGraph *graph, bool *applied, Result *r)
{
	if (strcmp(c->op, "upgrade") == 0 || strcmp(c->op, "downgrade") == 0)
		run_move(c, graph, applied, r);
	else if (strcmp(c->op, "stamp") == 0)
		run_stamp(c, graph, applied, r);
	else if (strncmp(c->op, "resolve", 7) == 0)
		run_resolve(c, graph, r);
	else if (strcmp(c->op, "history") == 0)
		run_history(c, graph, applied, r);
	else if (strcmp(c->op, "current") == 0)
	{
		int		   *nodes;
		int			count = viflo_graph_maximal(graph, applied, false, &nodes);

		add_nodes(graph, nodes, count, &r->names);
	}
	else if (strcmp(c->op, "check_heads") == 0)
		run_check_heads(graph, applied, r);
	else if (strcmp(c->op, "revision") == 0)
		run_revision(c, graph, r);
	else
		check_lists(c, graph, r);
}

/*
 * Judging.
 */
static void
check_steps(const Case *c, const VifloGraph *graph, Result *r)
{
	VifloNames	got = {0};
	VifloNames	expected = {0};

	for (int i = 0; i < r->plan.count; i++)
		viflo_names_add(&got, psprintf("%c%s",
									   r->plan.steps[i].direction == VIFLO_UP ? '+' : '-',
									   graph->nodes[r->plan.steps[i].node].revision->id));
	for (int i = 0; i < c->nsteps; i++)
		viflo_names_add(&expected, psprintf("%c%s",
											c->steps[i].up ? '+' : '-',
											c->steps[i].id));
	compare_names(&got, &expected, "steps", r);
	free_names(&got, true);
	free_names(&expected, true);
}

/* Rows are maximal: what the expected ones imply is taken out of them. */
static void
check_after(const Case *c, const VifloGraph *graph, Result *r)
{
	const VifloNames *wanted = find_list(c, "after");
	VifloNames	got = {0};
	VifloNames	expected = {0};
	VifloError	ignored = {0};
	bool	   *set;
	int		   *nodes;
	int			count;

	if (wanted == NULL || r->after == NULL)
		return;
	count = viflo_graph_maximal(graph, r->after, true, &nodes);
	add_nodes(graph, nodes, count, &got);
	set = read_rows(graph, wanted, &ignored);
	count = viflo_graph_maximal(graph, set, true, &nodes);
	add_nodes(graph, nodes, count, &expected);
	pfree(set);
	free_error(&ignored);
	compare_names(&got, &expected, "rows after", r);
	free_names(&got, false);
	free_names(&expected, false);
}

static void
check_result(const Case *c, const VifloGraph *graph, Result *r)
{
	const VifloNames *wanted;

	if (strcmp(c->expect, "steps") == 0)
		check_steps(c, graph, r);
	else if ((wanted = find_list(c, "revs")) != NULL)
		compare_names(&r->names, wanted, "revs", r);
	check_after(c, graph, r);
}

/* Every error says what and why, in PostgreSQL's style. */
static void
check_error(Result *r)
{
	const char *message = r->error.message;

	if (strncmp(r->error.sqlstate, "VF", 2) != 0 ||
		message[strlen(message) - 1] == '.' ||
		strstr(message, "locate") != NULL ||
		(r->error.detail != NULL &&
		 r->error.detail[strlen(r->error.detail) - 1] != '.') ||
		(r->error.hint != NULL &&
		 r->error.hint[strlen(r->error.hint) - 1] != '.'))
		strlcpy(r->problem, "the error is not well made", sizeof(r->problem));
}

static bool
judge(const Case *c, const VifloGraph *graph, Result *r,
	  const char *wanted_state)
{
	bool		failed = r->error.sqlstate != NULL;

	if (failed)
		check_error(r);
	if (r->problem[0] != '\0')
		return false;
	if (wanted_state != NULL && *wanted_state != '\0')
		return failed && strcmp(r->error.sqlstate, wanted_state) == 0;
	if (wanted_state != NULL)
		return !failed;
	if (c->crash)
		return true;
	if (strcmp(c->expect, "error") == 0)
		return failed;
	if (failed)
		return false;
	check_result(c, graph, r);
	return r->problem[0] == '\0';
}

static void
run_case(Case *c)
{
	Result		r = {0};
	VifloGraph *graph = viflo_graph_build(c->revisions, c->nrevisions, &r.error);
	const char *wanted_state = NULL;
	const char *reason = NULL;

	for (int i = 0; i < lengthof(better); i++)
	{
		if (strcmp(better[i].id, c->id) != 0)
			continue;
		wanted_state = better[i].sqlstate;
		reason = better[i].reason;
	}
	if (reason != NULL && wanted_state == NULL)
		tap_ok(true, "%s %s # SKIP %s", c->id, c->op, reason);
	else
	{
		if (graph != NULL)
		{
			bool	   *applied = read_rows(graph, &c->current, &r.error);

			if (c->purge)
				free_error(&r.error);
			if (r.error.sqlstate == NULL)
				run_op(c, graph, applied, &r);
			pfree(applied);
		}
		if (!tap_ok(judge(c, graph, &r, wanted_state), "%s %s%s%s%s%s", c->id,
					c->op, c->targets.count > 0 ? " " : "",
					c->targets.count > 0 ? c->targets.names[0] : "",
					reason ? ": " : "", reason ? reason : ""))
			tap_note("got %s", r.problem);
		if (r.error.sqlstate != NULL)
			tap_note("%s: %s | %s | %s", r.error.sqlstate, r.error.message,
					 r.error.detail ? r.error.detail : "-",
					 r.error.hint ? r.error.hint : "-");
	}
	free_error(&r.error);
	free_names(&r.names, false);
	if (r.after != NULL)
		pfree(r.after);
	if (r.plan.steps != NULL)
		pfree(r.plan.steps);
	if (graph != NULL)
		viflo_graph_free(graph);
}

int
main(void)
{
	const char *dir = getenv("VIFLO_TEST_BUILD");
	char	   *path = psprintf("%s/graph_cases.txt", dir ? dir : ".build");
	FILE	   *file = fopen(path, "r");
	Case	   *c = palloc(sizeof(Case));

	if (file == NULL)
	{
		printf("Bail out! could not open \"%s\": %s\n", path, strerror(errno));
		return 1;
	}
	while (read_case(file, c))
	{
		run_case(c);
		free_case(c);
	}
	fclose(file);
	pfree(path);
	pfree(c);
	tap_ok(tap_tests == 522, "all 522 cases were read");
	return tap_done();
}
