/*-------------------------------------------------------------------------
 * status.c
 *	  viflo status: where database and folder stand, on one screen.
 *
 * Three round trips after connecting: what the database has of the folder;
 * history, log and runs under way; and viflo_check(), which knows best
 * whether something applied is no longer registered.  Only looks, so that
 * anybody may ask, a standby too.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/output.h"
#include "cli/view.h"
#include "common/branches.h"
#include "common/sqlstate.h"

/* A line names so many revisions. */
#define MAX_NAMED	5

/* The queries that go with the history. */
enum
{
	ASK_SERVER,
	ASK_CURRENT,
	ASK_UNFINISHED,
	ASK_FAILED,
	ASK_RUNNING,
	ASK_COUNT
};

typedef struct Status
{
	VifloView	view;
	VifloDbResult *answers[ASK_COUNT];	/* NULL without the extension */
	VifloNames	pending;
	VifloNames	late;
	VifloNames	changed;
	VifloNames	heads;
	bool		forked;			/* several heads where one is wanted */
	VifloFailure missing;		/* its message is NULL when nothing is */
} Status;

/*-------------------------------------------------------------------------
 * Asking
 *-------------------------------------------------------------------------
 */

/*
 * Last column of all but the first: the row as JSON.  To be filled in, in those
 * about the tenant: the extension's schema, the scope of its function, and
 * whether row t is ours.
 */
static const char *const questions[ASK_COUNT] = {
	"SELECT pg_catalog.current_database(), pg_catalog.current_setting('server_version'),"
	" x.extversion, COALESCE($1::pg_catalog.text, pg_catalog.current_setting('viflo_migrate.project', true))"
	" FROM pg_catalog.pg_extension x WHERE x.extname OPERATOR(pg_catalog.=) 'viflo_migrate'",

	"SELECT t.revision, t.message, CASE WHEN t.is_head THEN '(head)' END,"
	" pg_catalog.json_build_object('revision', t.revision, 'message', t.message, 'is_head', t.is_head)"
	" FROM %s.viflo_history(%s) t WHERE t.is_current AND %s",

	"SELECT t.revision, t.direction, t.statements, pg_catalog.row_to_json(t)"
	" FROM %s.viflo_unfinished(%s) t WHERE %s ORDER BY t.started_at",

	/* The last failure, unless the same revision has been done since. */
	"SELECT (l.t).revision, (l.t).direction, pg_catalog.to_char((l.t).started_at, 'YYYY-MM-DD HH24:MI:SSOF'),"
	" (l.t).error, (l.t).sqlstate, pg_catalog.row_to_json(l.t)"
	" FROM (SELECT t, pg_catalog.max(t.id) FILTER (WHERE t.status OPERATOR(pg_catalog.=) 'done')"
	"  OVER (PARTITION BY t.revision) AS done FROM %s.viflo_log(%s) t WHERE %s) l"
	" WHERE (l.t).status OPERATOR(pg_catalog.=) 'failed'"
	" AND (l.done IS NULL OR l.done OPERATOR(pg_catalog.<) (l.t).id)"
	" ORDER BY (l.t).id DESC LIMIT 1",

	/* Without a tenant, of all: they may be what is waited for. */
	"SELECT t.command, t.step, t.of, t.revision, t.pid, t.waiting_for, " VIFLO_ROW_TENANT ","
	" pg_catalog.row_to_json(t)"
	" FROM viflo.progress t WHERE t.project OPERATOR(pg_catalog.=)"
	" COALESCE($1::pg_catalog.text, pg_catalog.current_setting('viflo_migrate.project'))"
	" AND ($2::pg_catalog.text IS NULL OR " VIFLO_ROW_TENANT " OPERATOR(pg_catalog.=) $2::pg_catalog.text)"
	" ORDER BY t.started"
};

/* Sets missing when something applied is not registered. */
static bool
ask_check(Status *status, VifloFailure *failure)
{
	VifloDatabase *database = &status->view.database;
	VifloDbParam params[2];
	VifloDbQuery query = {.params = params};
	VifloDbResult *result;

	query.sql = psprintf("SELECT %s.viflo_check(%s)", database->schema,
						 viflo_database_scope(database, params, &query.nparams));
	if (viflo_database_run(database, &query, 1, &result, failure))
	{
		viflo_db_result_free(result);
		return true;
	}
	if (failure->sqlstate == NULL || strncmp(failure->sqlstate, "VF", 2) != 0)
		return false;
	if (strcmp(failure->sqlstate, VIFLO_MISSING_REVISION) == 0)
		status->missing = *failure;
	return true;
}

static bool
ask(Status *status, const VifloSettings *settings, VifloFailure *failure)
{
	VifloView  *view = &status->view;
	VifloDbQuery queries[ASK_COUNT] = {0};
	VifloDbParam params[2];
	char	   *scope;
	int			nparams = 0;

	if (!viflo_view_open(view, settings, failure))
		return false;
	scope = viflo_database_scope(&view->database, params, &nparams);
	params[1] = viflo_db_text(view->database.tenant);
	for (int i = 0; i < ASK_COUNT && view->extension; i++)
	{
		bool		filled = strstr(questions[i], "%s") != NULL;

		queries[i].sql = !filled ? questions[i] :
			psprintf(questions[i], view->database.schema, scope,
					 viflo_command_is_ours(&view->database));
		queries[i].params = params;
		queries[i].nparams = filled ? nparams : i == ASK_RUNNING ? 2 : 1;
	}
	return viflo_view_read(view, queries, ASK_COUNT, status->answers, failure) &&
		(!view->extension || ask_check(status, failure));
}

/* Sorts the revisions into those that matter. */
static void
sort_out(Status *status)
{
	const VifloView *view = &status->view;
	const VifloGraph *graph = view->graph;

	for (int i = 0; i < graph->count; i++)
	{
		const VifloViewNode *node = &view->nodes[graph->order[i]];
		char	   *id = view->revisions[graph->order[i]].id;

		if (!node->applied && (node->local || node->loaded))
			viflo_names_add(&status->pending, id);
		if (node->late)
			viflo_names_add(&status->late, id);
		if (node->changed)
			viflo_names_add(&status->changed, id);
	}
	for (int i = 0; i < graph->nheads; i++)
		viflo_names_add(&status->heads, view->revisions[graph->heads[i]].id);
	status->forked = graph->nheads > 1 && !viflo_branches_divide(graph);
}

static int
rows(const Status *status, int question)
{
	const VifloDbResult *answer = status->answers[question];

	return answer != NULL ? viflo_db_result_rows(answer) : 0;
}

/* What is wrong, in two or three words; NULL: nothing. */
static const char *
verdict(const Status *status)
{
	if (status->missing.message != NULL)
		return "missing";
	if (rows(status, ASK_UNFINISHED) > 0)
		return "unfinished";
	if (status->changed.count > 0)
		return "changed";
	if (status->forked)
		return "several heads";
	if (status->late.count > 0)
		return "late";
	if (status->pending.count > 0)
		return "behind";
	return NULL;
}

/* What to do about it. */
static const char *
advice(const Status *status)
{
	if (status->missing.message != NULL)
		return "A revision that is applied is not registered: bring its file back, and run: viflo load";
	if (rows(status, ASK_UNFINISHED) > 0)
		return "A step is half done. Run: viflo deploy, or for one that goes down: viflo revert";
	if (status->changed.count > 0)
		return "Texts differ from what was applied. Restore them, or see: viflo help repair";
	if (status->forked)
		return "Branches were not joined. Run: viflo merge";
	if (status->late.count > 0)
		return "Revisions were put below applied ones, which an upgrade refuses; see viflo_migrate.late.";
	return "Run: viflo upgrade";
}

/*-------------------------------------------------------------------------
 * For people
 *-------------------------------------------------------------------------
 */

static void
line(const char *title, const char *text)
{
	viflo_output_line("%-12s%s", title, text);
}

/* "3: a, b, c", of long lists only the beginning. */
static void
print_names(const char *title, const VifloNames *names)
{
	StringInfoData text;

	if (names->count == 0)
		return;
	initStringInfo(&text);
	appendStringInfo(&text, "%d: ", names->count);
	for (int i = 0; i < names->count && i < MAX_NAMED; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names->names[i]);
	if (names->count > MAX_NAMED)
		appendStringInfo(&text, " and %d more", names->count - MAX_NAMED);
	line(title, text.data);
	pfree(text.data);
}

static void
print_places(const Status *status)
{
	const VifloView *view = &status->view;
	VifloDbRow	row;

	if (view->extension)
	{
		row = viflo_db_rows(status->answers[ASK_SERVER], NULL);
		if (viflo_db_row_next(&row))
		{
			line("project", viflo_db_row_text(&row, 3));
			line("database", psprintf("%s%s%s (PostgreSQL %s, extension %s)",
									  viflo_db_row_text(&row, 0),
									  view->database.settings->database ? ", of section " : "",
									  view->database.settings->database ? view->database.settings->database : "",
									  viflo_db_row_text(&row, 1), viflo_db_row_text(&row, 2)));
		}
	}
	else
		line("database", "has no extension viflo_migrate; \"viflo upgrade\" installs it");
	if (view->database.tenant != NULL)
		line("tenant", view->database.tenant);
	if (view->folder)
		line("folder", psprintf("%s (%d revisions, %s)", view->local.folder.path,
								view->local.history.count, view->local.history.reader->name));
	else
		line("folder", psprintf("none at %s", view->database.settings->dir));
}

static void
print_current(const Status *status)
{
	const VifloDbResult *answer = status->answers[ASK_CURRENT];
	VifloDbRow	row = viflo_db_rows(answer, NULL);
	int			count = viflo_db_result_rows(answer);

	if (count == 0)
		line("current", "nothing is applied");
	for (int i = 0; i < MAX_NAMED && viflo_db_row_next(&row); i++)
	{
		const char *mark = viflo_db_row_text(&row, 2);

		line(i == 0 ? "current" : "", psprintf("%s  %s%s%s", viflo_db_row_text(&row, 0),
											   viflo_db_row_text(&row, 1),
											   mark ? "  " : "", mark ? mark : ""));
	}
	if (count > MAX_NAMED)
		line("", psprintf("and %d more", count - MAX_NAMED));
}

/* Calls fn for each row of an answer. */
static void
print_rows(const Status *status, int question, char *(*fn) (VifloDbRow *row), const char *title)
{
	VifloDbRow	row;

	if (rows(status, question) == 0)
		return;
	row = viflo_db_rows(status->answers[question], NULL);
	while (viflo_db_row_next(&row))
		line(title, fn(&row));
}

static char *
unfinished_text(VifloDbRow *row)
{
	return psprintf("%s (%s), of which %s statements are done", viflo_db_row_text(row, 0),
					viflo_db_row_text(row, 1), viflo_db_row_text(row, 2));
}

static char *
failed_text(VifloDbRow *row)
{
	return psprintf("%s (%s) at %s: %s (SQLSTATE %s)", viflo_db_row_text(row, 0),
					viflo_db_row_text(row, 1), viflo_db_row_text(row, 2),
					viflo_db_row_text(row, 3), viflo_db_row_text(row, 4));
}

static char *
running_text(VifloDbRow *row)
{
	const char *revision = viflo_db_row_text(row, 3);
	const char *waiting = viflo_db_row_text(row, 5);
	const char *tenant = viflo_db_row_text(row, 6);

	return psprintf("%s%s%s by process %s: step %s of %s%s%s%s%s", viflo_db_row_text(row, 0),
					tenant ? " for tenant " : "", tenant ? tenant : "",
					viflo_db_row_text(row, 4), viflo_db_row_text(row, 1),
					viflo_db_row_text(row, 2), revision ? ", " : "", revision ? revision : "",
					waiting ? ", waiting for " : "", waiting ? waiting : "");
}

static void
print_status(const Status *status)
{
	print_places(status);
	if (status->view.extension)
		print_current(status);
	print_names(status->forked ? "FORKED" : "heads", &status->heads);
	print_names("pending", &status->pending);
	print_names("LATE", &status->late);
	print_names("CHANGED", &status->changed);
	if (status->missing.message != NULL)
		line("MISSING", status->missing.message);
	print_rows(status, ASK_UNFINISHED, unfinished_text, "UNFINISHED");
	print_rows(status, ASK_FAILED, failed_text, "failed");
	print_rows(status, ASK_RUNNING, running_text, "running");
	if (verdict(status) != NULL)
		line("next", advice(status));
	else if (!status->view.folder && !status->view.extension)
		line("next", "There is nothing yet. Run: viflo init");
	else
		viflo_output_line("all is well");
}

/*-------------------------------------------------------------------------
 * As JSON
 *-------------------------------------------------------------------------
 */

static json_t *
names_document(const VifloNames *names)
{
	json_t	   *array = json_array();

	for (int i = 0; i < names->count; i++)
		json_array_append_new(array, viflo_output_json_string(names->names[i]));
	return array;
}

/* The last column of each row. */
static json_t *
rows_document(const Status *status, int question)
{
	json_t	   *array = json_array();
	const VifloDbResult *answer = status->answers[question];
	VifloDbRow	row;

	if (answer == NULL)
		return array;
	row = viflo_db_rows(answer, NULL);
	while (viflo_db_row_next(&row))
		json_array_append_new(array, json_loads(viflo_db_row_text(&row, viflo_db_result_columns(answer) - 1),
												0, NULL));
	return array;
}

static json_t *
database_document(const Status *status, const char **project)
{
	const char *section = status->view.database.settings->database;
	VifloDbRow	row;

	*project = NULL;
	if (!status->view.extension)
		return json_pack("{s:o, s:n, s:n, s:n}", "section", viflo_output_json_string(section),
						 "name", "server_version", "extension");
	row = viflo_db_rows(status->answers[ASK_SERVER], NULL);
	(void) viflo_db_row_next(&row);
	*project = viflo_db_row_text(&row, 3);
	return json_pack("{s:o, s:o, s:o, s:o}", "section", viflo_output_json_string(section),
					 "name", viflo_output_json_string(viflo_db_row_text(&row, 0)),
					 "server_version", viflo_output_json_string(viflo_db_row_text(&row, 1)),
					 "extension", viflo_output_json_string(viflo_db_row_text(&row, 2)));
}

static json_t *
folder_document(const VifloView *view)
{
	if (!view->folder)
		return json_null();
	return json_pack("{s:o, s:s, s:i}", "dir", viflo_output_json_string(view->local.folder.path),
					 "layout", view->local.history.reader->name,
					 "revisions", view->local.history.count);
}

static json_t *
first_or_null(json_t *array)
{
	json_t	   *first = json_array_size(array) > 0 ? json_incref(json_array_get(array, 0)) : json_null();

	json_decref(array);
	return first;
}

static void
print_document(const Status *status)
{
	const char *project;
	const char *wrong = verdict(status);
	json_t	   *database = database_document(status, &project);

	viflo_output_json(json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
								"ok", wrong == NULL,
								"state", wrong != NULL ? wrong : "ok",
								"project", viflo_output_json_string(project),
								"tenant", viflo_output_json_string(status->view.database.tenant),
								"database", database,
								"folder", folder_document(&status->view),
								"current", rows_document(status, ASK_CURRENT),
								"heads", names_document(&status->heads),
								"forked", status->forked,
								"pending", names_document(&status->pending),
								"late", names_document(&status->late),
								"changed", names_document(&status->changed),
								"missing", viflo_output_json_string(status->missing.message),
								"unfinished", rows_document(status, ASK_UNFINISHED),
								"last_failure", first_or_null(rows_document(status, ASK_FAILED)),
								"running", rows_document(status, ASK_RUNNING)));
}

static int
status_run(VifloRequest *request)
{
	Status		status = {0};
	VifloFailure failure;

	if (!ask(&status, &request->settings, &failure))
		return viflo_output_failure(&failure);
	sort_out(&status);
	print_status(&status);
	if (viflo_output_is_json())
		print_document(&status);
	viflo_database_close(&status.view.database);
	return verdict(&status) == NULL ? VIFLO_EXIT_DONE : VIFLO_EXIT_BEHIND;
}

const VifloCommand viflo_command_status = {
	.name = "status",
	.options = "",
	.arguments = "",
	.summary = "show where database and folder stand",
	.help =
	"Shows on one screen where the database stands, which revisions of folder and\n"
	"database wait, are late, changed or missing, what is half done, what failed\n"
	"last, and what runs just now.  Exit status 0 when all is well, 3 when not.\n"
	"\n"
	"Example:\n"
	"  viflo status\n"
	"  viflo -d staging --format json status\n",
	.run = status_run
};
