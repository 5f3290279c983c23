/*-------------------------------------------------------------------------
 * view.c
 *	  Folder and database seen together: one graph of all revisions.
 *
 * A revision that both have is the folder's, as that is what the next load
 * makes of it.  Then come those that only the database has, then names that
 * neither has, which are parents of others.  The order in which revisions
 * were loaded decides where the graph does not.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/extension.h"
#include "cli/view.h"
#include "common/script.h"

/* Columns of the history. */
#define REVISION	0
#define DOWN		1
#define DEPENDS		2
#define LABELS		3
#define MESSAGE		4
#define APPLIED		5
#define CURRENT		6
#define CHANGED		7
#define CHECKSUM	8
#define REPEATABLE	9

bool
viflo_view_open(VifloView *view, const VifloSettings *settings, VifloFailure *failure)
{
	bool		good;

	memset(view, 0, sizeof(*view));
	view->folder = settings->dir_exists;
	if (!viflo_database_open(&view->database, settings,
							 view->folder ? &view->local : NULL, failure))
		return false;
	view->connected = true;
	good = view->folder ?
		viflo_database_missing(&view->database, &view->local, false, &view->unlike, failure) :
		viflo_database_find(&view->database, failure);
	view->extension = view->database.schema != NULL;
	viflo_names_sort(&view->unlike);
	return good || !view->extension;
}

/* Newest first, as the server has it.  Older extensions know no repeatable ones. */
static VifloDbQuery
history_query(const VifloView *view, VifloDbParam params[2])
{
	VifloDbQuery query = {.params = params};
	char	   *scope = viflo_database_scope(&view->database, params, &query.nparams);

	query.sql = psprintf("SELECT t.revision, t.down_revision, t.depends_on, t.branch_labels,"
						 " t.message, t.applied, t.is_current,"
						 " t.applied AND s.checksum OPERATOR(pg_catalog.<>) s.applied_checksum, s.checksum,"
						 " pg_catalog.row_to_json(s) OPERATOR(pg_catalog.->>) 'repeatable'"
						 " FROM %s.viflo_history(%s) t"
						 " CROSS JOIN LATERAL %s.viflo_show(t.revision, %s) s",
						 view->database.schema, scope, view->database.schema, scope);
	return query;
}

static VifloNames
read_names(VifloDbRow *row, int column)
{
	VifloDbTextArray array = viflo_db_row_text_array(row, column);
	VifloNames	names = {array.count, array.values};

	/* Not freed: the graph points into it. */
	return names;
}

static bool
is_true(VifloDbRow *row, int column)
{
	const char *text = viflo_db_row_text(row, column);

	return text != NULL && text[0] == 't';
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp((*(VifloRevision *const *) a)->id, (*(VifloRevision *const *) b)->id);
}

/* The folder's revisions by id, to be searched. */
static VifloRevision **
sort_local(const VifloView *view)
{
	int			count = view->local.history.count;
	VifloRevision **sorted = palloc(sizeof(VifloRevision *) * (count + 1));

	for (int i = 0; i < count; i++)
		sorted[i] = &view->local.history.revisions[i];
	qsort(sorted, count, sizeof(VifloRevision *), compare_ids);
	return sorted;
}

/* The number that the folder's revision of this id has, or -1. */
static int
find_local(const VifloView *view, VifloRevision **sorted, const char *id)
{
	VifloRevision key = {.id = unconstify(char *, id)};
	VifloRevision *wanted = &key;
	VifloRevision **found = NULL;

	if (view->local.history.count > 0)
		found = bsearch(&wanted, sorted, view->local.history.count,
						sizeof(VifloRevision *), compare_ids);
	return found != NULL ? *found - view->local.history.revisions : -1;
}

/* Room for so many revisions, zeroed. */
static void
make_room(VifloView *view, int count)
{
	view->revisions = palloc0(sizeof(VifloRevision) * (count + 1));
	view->nodes = palloc0(sizeof(VifloViewNode) * (count + 1));
}

static void
add_local(VifloView *view)
{
	for (int i = 0; i < view->local.history.count; i++)
	{
		const VifloRevision *revision = &view->local.history.revisions[i];

		view->revisions[view->count] = *revision;
		view->nodes[view->count++].local = true;
	}
}

/*
 * Would the server refuse the folder's text, as it has another checksum?  Most
 * texts are those that the server has, byte by byte.
 */
static bool
differs(const VifloView *view, int number, const char *checksum)
{
	const VifloMigration *migration = &view->local.history.migrations[number];
	VifloRevision revision = {0};
	VifloError	error = {0};

	if (!viflo_names_find(&view->unlike, view->local.history.revisions[number].id))
		return false;
	return !viflo_script_read(migration->script, migration->length, &revision, &error) ||
		strcmp(revision.checksum, checksum) != 0;
}

/* A revision that only the database has. */
static void
fill_revision(VifloRevision *revision, VifloDbRow *row)
{
	const char *repeatable = viflo_db_row_text(row, REPEATABLE);

	revision->id = pstrdup(viflo_db_row_text(row, REVISION));
	revision->message = pstrdup(viflo_db_row_text(row, MESSAGE));
	revision->down = read_names(row, DOWN);
	revision->depends_on = read_names(row, DEPENDS);
	revision->labels = read_names(row, LABELS);
	if (repeatable != NULL)
		(void) viflo_repeatable_read(viflo_span_of(repeatable), &revision->repeatable);
}

/* Rows of the history: oldest first, behind what the folder has. */
static void
add_loaded(VifloView *view, const VifloDbResult *result)
{
	VifloRevision **sorted = sort_local(view);
	VifloDbRow	row = viflo_db_rows(result, NULL);

	for (row.number = viflo_db_result_rows(result) - 1; row.number >= 0; row.number--)
	{
		int			at = find_local(view, sorted, viflo_db_row_text(&row, REVISION));
		VifloViewNode *node = &view->nodes[at >= 0 ? at : view->count];

		node->loaded = true;
		node->applied = is_true(&row, APPLIED);
		node->current = is_true(&row, CURRENT);
		node->changed = is_true(&row, CHANGED);
		if (at < 0)
			fill_revision(&view->revisions[view->count++], &row);
		else
			node->changed |= node->applied &&
				differs(view, at, viflo_db_row_text(&row, CHECKSUM));
	}
	pfree(sorted);
}

/* What the folder's files name, and nobody has. */
static void
add_stubs(VifloView *view)
{
	const VifloHistory *history = &view->local.history;
	int			known = view->count;

	for (int s = history->count; s < history->count + history->stubs; s++)
	{
		bool		there = false;

		for (int i = history->count; i < known && !there; i++)
			there = strcmp(view->revisions[i].id, history->revisions[s].id) == 0 ||
				viflo_names_contain(&view->revisions[i].labels, history->revisions[s].id);
		if (!there)
			view->revisions[view->count++] = history->revisions[s];
	}
}

/* Not applied, though something that follows is. */
static void
mark_late(VifloView *view)
{
	bool	   *set = palloc0(sizeof(bool) * (view->count + 1));

	for (int i = 0; i < view->count; i++)
		set[i] = view->nodes[i].applied;
	viflo_graph_ancestors(view->graph, set, true);
	for (int i = 0; i < view->count; i++)
		view->nodes[i].late = set[i] && !view->nodes[i].applied;
	pfree(set);
}

bool
viflo_view_read(VifloView *view, const VifloDbQuery *queries, int count,
				VifloDbResult **results, VifloFailure *failure)
{
	VifloDbQuery *all = palloc0(sizeof(VifloDbQuery) * (count + 1));
	VifloDbResult **answers = palloc0(sizeof(VifloDbResult *) * (count + 1));
	VifloDbParam params[2];
	VifloError	error = {0};
	int			rows = 0;

	if (view->folder && !viflo_local_read(&view->local, failure))
		return false;
	if (view->extension)
	{
		all[0] = history_query(view, params);
		for (int i = 0; i < count; i++)
			all[i + 1] = queries[i];
		if (!viflo_database_run(&view->database, all, count + 1, answers, failure))
			return false;
		rows = viflo_db_result_rows(answers[0]);
	}
	for (int i = 0; i < count; i++)
		results[i] = answers[i + 1];
	make_room(view, view->local.history.count + view->local.history.stubs + rows);
	add_local(view);
	if (view->extension)
		add_loaded(view, answers[0]);
	add_stubs(view);
	view->graph = viflo_graph_build(view->revisions, view->count, &error);
	if (view->graph == NULL)
		return viflo_failure_common(failure, NULL, &error);
	mark_late(view);
	viflo_db_result_free(answers[0]);
	return true;
}
