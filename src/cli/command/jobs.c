/*-------------------------------------------------------------------------
 * jobs.c
 *	  viflo jobs, viflo wait, viflo cancel: runs in the background.
 *
 * Waiting is asking again and again, each time in a short query of its own:
 * a query that waited in the server would be in the job's own way, as an
 * index that is built concurrently waits for all older queries.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/watch.h"

/* Pauses between two looks, in milliseconds. */
#define FIRST_PAUSE		20
#define LONGEST_PAUSE	250

/* In place of a connection that is lost, another one is tried for so long. */
#define RETURN_LIMIT	15000

/* Number of a job, or usage. */
static bool
read_job(const char *word, VifloFailure *failure)
{
	if (word[0] != '\0' && strspn(word, "0123456789") == strlen(word) && strlen(word) <= 18)
		return true;
	return viflo_failure(failure, VIFLO_EXIT_USAGE, "\"%s\" is not the number of a job", word);
}

static bool
fail_unknown(const char *job, VifloFailure *failure)
{
	viflo_failure(failure, VIFLO_EXIT_REFUSED, "job %s does not exist", job);
	failure->sqlstate = pstrdup("42704");
	viflo_failure_hint(failure, "\"viflo jobs\" lists them.");
	return false;
}

/*-------------------------------------------------------------------------
 * viflo jobs
 *-------------------------------------------------------------------------
 */

#define WHEN(column) "pg_catalog.to_char(" column ", 'YYYY-MM-DD HH24:MI:SSOF')"

static int
jobs_run(VifloRequest *request)
{
	VifloDatabase database;
	VifloFailure failure;
	VifloDbParam params[1];
	VifloDbQuery query = {0};
	VifloDbResult *result;

	if (!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	params[0] = viflo_db_text(request->settings.project);
	query.sql = psprintf("SELECT %s FROM (SELECT * FROM viflo.jobs j"
						 " WHERE $1::pg_catalog.text IS NULL OR j.project OPERATOR(pg_catalog.=) $1::pg_catalog.text"
						 " ORDER BY j.id) t",
						 viflo_output_is_json() ? "COALESCE(pg_catalog.json_agg(t), '[]')" :
						 "t.id, t.project, " VIFLO_ROW_TENANT ", t.direction, t.target, t.state,"
						 " pg_catalog.concat(t.done, ' of ', COALESCE(t.steps::pg_catalog.text, '?')),"
						 " " WHEN("t.created_at") ", " WHEN("t.ended_at") ", t.role_name, t.revision, t.phase, t.sqlstate, t.error");
	query.params = params;
	query.nparams = 1;
	if (!viflo_database_run(&database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	viflo_command_print(result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

/*-------------------------------------------------------------------------
 * viflo wait
 *-------------------------------------------------------------------------
 */

/* --timeout in milliseconds, by the server's rules for intervals; -1: none. */
static bool
read_timeout(VifloDatabase *database, const char *text, int64 *timeout, VifloFailure *failure)
{
	VifloDbParam params[1] = {viflo_db_text(text)};
	VifloDbQuery query = {
		"SELECT pg_catalog.ceil(pg_catalog.date_part('epoch', $1::pg_catalog.interval)"
		" OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.int8", params, 1, false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	*timeout = -1;
	if (text == NULL)
		return true;
	if (!viflo_database_run(database, &query, 1, &result, failure))
	{
		if (failure->sqlstate != NULL && strncmp(failure->sqlstate, "22", 2) == 0)
			failure->status = VIFLO_EXIT_USAGE;
		return false;
	}
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
		*timeout = Max(viflo_db_row_int64(&row, 0), 0);
	viflo_db_result_free(result);
	return true;
}

/* One look at the job: its state, what it does, and (last) all as JSON. */
static const char look_query[] =
"SELECT j.state, j.error, j.sqlstate, j.done, j.steps, " VIFLO_PROGRESS_COLUMNS ","
" pg_catalog.row_to_json(j) FROM viflo.jobs j"
" LEFT JOIN viflo.progress p ON p.job OPERATOR(pg_catalog.=) j.id"
" WHERE j.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8";

#define LOOK_STATE		0
#define LOOK_ERROR		1
#define LOOK_SQLSTATE	2
#define LOOK_DONE		3
#define LOOK_STEPS		4
#define LOOK_PROGRESS	5

static bool
has_ended(const char *state)
{
	return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

/*
 * A look, over another connection where the last one was lost: the job is not
 * in it.
 */
static bool
look(VifloDatabase *database, const VifloDbQuery *query, VifloDbResult **result,
	 VifloFailure *failure)
{
	int64		until = viflo_watch_now() + RETURN_LIMIT;

	while (!viflo_database_run(database, query, 1, result, failure))
	{
		if (viflo_database_interrupted() || !viflo_db_broken(database->session))
			return false;
		viflo_output_verbose("the connection was lost; connecting again");
		do
			viflo_watch_pause(LONGEST_PAUSE);
		while (!viflo_database_interrupted() && viflo_watch_now() < until &&
			   !viflo_database_reconnect(database, failure));
		if (database->session == NULL || viflo_db_broken(database->session))
		{
			failure->status = VIFLO_EXIT_CONNECTION;
			return false;
		}
	}
	return true;
}

/* Looks until it has ended, or the time is up.  *result is the last look. */
static bool
look_until_end(VifloDatabase *database, const char *job, int64 timeout,
			   VifloDbResult **result, VifloFailure *failure)
{
	VifloDbParam params[1] = {viflo_db_text(job)};
	VifloDbQuery query = {look_query, params, 1, false};
	int64		started = viflo_watch_now();
	int			pause = FIRST_PAUSE;

	for (;;)
	{
		VifloDbRow	row;
		int64		elapsed;
		int			width = viflo_status_width();

		if (!look(database, &query, result, failure))
			return false;
		row = viflo_db_rows(*result, NULL);
		if (!viflo_db_row_next(&row))
		{
			viflo_db_result_free(*result);
			return fail_unknown(job, failure);
		}
		elapsed = viflo_watch_now() - started;
		if (has_ended(viflo_db_row_text(&row, LOOK_STATE)) ||
			(timeout >= 0 && elapsed >= timeout))
			return true;
		if (width > 0)
		{
			VifloProgress progress = viflo_progress_read(&row, LOOK_PROGRESS);
			char	   *line = viflo_progress_line(&progress, width, elapsed);

			viflo_status_show(line);
			pfree(line);
		}
		viflo_db_result_free(*result);
		viflo_watch_pause(timeout >= 0 ? (int) Min(pause, timeout - elapsed) : pause);
		pause = Min(pause * 2, LONGEST_PAUSE);
	}
}

/* Cuts text off at "\nTITLE:  ", and gives what stands behind it, or NULL. */
static char *
cut_part(char *text, const char *title)
{
	char	   *mark = psprintf("\n%s:  ", title);
	char	   *found = strstr(text, mark);
	char	   *part = NULL;

	if (found != NULL)
	{
		*found = '\0';
		part = found + strlen(mark);
	}
	pfree(mark);
	return part;
}

/* What the job's own error says, with its parts, as a client would get it. */
static void
fill_from_error(VifloFailure *failure, const VifloDatabase *database, const char *job,
				const char *state, const char *text, const char *sqlstate)
{
	VifloDbError error = {.kind = VIFLO_DB_SERVER_ERROR};
	char	   *message = pstrdup(text);

	/* From the last one on: what is cut off of one is no part of another. */
	error.context = cut_part(message, "CONTEXT");
	error.hint = cut_part(message, "HINT");
	error.detail = cut_part(message, "DETAIL");
	error.message = psprintf("job %s %s%s: %s", job,
							 strcmp(state, "failed") == 0 ? "" : "was ", state, message);
	strlcpy(error.sqlstate, sqlstate ? sqlstate : "", sizeof(error.sqlstate));
	viflo_failure_database(failure, database->settings->dir, &error);
	if (sqlstate == NULL)
		failure->sqlstate = NULL;
	pfree(error.message);
	pfree(message);
}

/* The job has not ended well, or not at all: says so in *failure. */
static void
fill_failure(VifloFailure *failure, const VifloDatabase *database, const char *job,
			 VifloDbRow *row)
{
	const char *state = viflo_db_row_text(row, LOOK_STATE);
	const char *error = viflo_db_row_text(row, LOOK_ERROR);
	const char *steps = viflo_db_row_text(row, LOOK_STEPS);

	if (error != NULL)
		fill_from_error(failure, database, job, state, error,
						viflo_db_row_text(row, LOOK_SQLSTATE));
	else if (has_ended(state))
		viflo_failure(failure, VIFLO_EXIT_REFUSED, "job %s was %s", job, state);
	else
	{
		viflo_failure(failure, VIFLO_EXIT_BEHIND, "job %s is still %s", job, state);
		viflo_failure_hint(failure, "It goes on: \"viflo wait %s\" waits again, \"viflo cancel %s\" stops it.", job, job);
	}
	if (steps != NULL)
		failure->kept = psprintf("%s of %s steps are done and committed.",
								 viflo_db_row_text(row, LOOK_DONE), steps);
	if (failure->hint == NULL)
		viflo_failure_hint(failure, "The same run again goes on from where it stopped.");
}

/* Exit status for the last look. */
static int
tell_end(const VifloDatabase *database, const char *job, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);
	VifloFailure failure;
	json_t	   *document;

	viflo_db_row_next(&row);
	document = json_loads(viflo_db_row_text(&row, viflo_db_result_columns(result) - 1), 0, NULL);
	if (strcmp(viflo_db_row_text(&row, LOOK_STATE), "done") == 0)
	{
		viflo_output_line("job %s is done: %s steps", job, viflo_db_row_text(&row, LOOK_DONE));
		viflo_output_json(document);
		return VIFLO_EXIT_DONE;
	}
	fill_failure(&failure, database, job, &row);
	return viflo_output_failure_more(&failure, json_pack("{s:o}", "job", document));
}

static int
wait_run(VifloRequest *request)
{
	const char *job = request->args[0];
	VifloDatabase database;
	VifloFailure failure;
	VifloDbResult *result;
	int64		timeout;
	int			status;

	if (!read_job(job, &failure) ||
		!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure) ||
		!read_timeout(&database, request->timeout, &timeout, &failure))
		return viflo_output_failure(&failure);
	if (!look_until_end(&database, job, timeout, &result, &failure))
	{
		if (viflo_database_interrupted())
		{
			viflo_failure(&failure, VIFLO_EXIT_REFUSED, "interrupted while waiting for job %s", job);
			viflo_failure_hint(&failure, "The job goes on; \"viflo cancel %s\" stops it.", job);
		}
		else if (failure.status == VIFLO_EXIT_CONNECTION)
			viflo_failure_hint(&failure, "What became of the job is not known; \"viflo wait %s\" waits again.", job);
		return viflo_output_failure(&failure);
	}
	status = tell_end(&database, job, result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return status;
}

/*-------------------------------------------------------------------------
 * viflo cancel
 *-------------------------------------------------------------------------
 */

static int
cancel_run(VifloRequest *request)
{
	const char *job = request->args[0];
	VifloDatabase database;
	VifloFailure failure;
	VifloDbParam params[1];
	VifloDbQuery query = {0};
	VifloDbResult *result;
	VifloDbRow	row;
	bool		cancelled;

	if (!read_job(job, &failure) ||
		!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	params[0] = viflo_db_text(job);
	query.sql = psprintf("SELECT %s.viflo_cancel(job => $1::pg_catalog.int8)", database.schema);
	query.params = params;
	query.nparams = 1;
	if (!viflo_database_run(&database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	row = viflo_db_rows(result, NULL);
	cancelled = viflo_db_row_next(&row) && strcmp(viflo_db_row_text(&row, 0), "t") == 0;
	viflo_db_result_free(result);
	viflo_output_line(cancelled ? "cancelled job %s" : "job %s had ended before", job);
	viflo_output_json(json_pack("{s:I, s:b}", "job", (json_int_t) atoll(job), "cancelled", cancelled));
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_jobs = {
	.name = "jobs",
	.options = "",
	.arguments = "",
	.summary = "list runs in the background, and how they ended",
	.help =
	"Lists the jobs that viflo deploy --async and viflo_deploy_async() have started\n"
	"in this database: those of all projects, or of --project.  A job is queued,\n"
	"running, done, failed, cancelled, or interrupted when its process is gone\n"
	"without having said how it ended.\n"
	"\n"
	"Example:\n"
	"  viflo jobs\n",
	.run = jobs_run
};

const VifloCommand viflo_command_wait = {
	.name = "wait",
	.options = "t",
	.min_args = 1,
	.max_args = 1,
	.arguments = "JOB",
	.summary = "wait for a run in the background to end",
	.help =
	"Waits until the job of this number has ended.  Exit status 0 when it is done, 1\n"
	"when it failed, was cancelled or interrupted, 3 when the time is up.  ^C ends\n"
	"the wait, not the job.\n"
	"\n"
	"  --timeout TIME        wait no longer than that: seconds, or an interval as\n"
	"                        PostgreSQL takes it, such as 5min\n"
	"\n"
	"Example:\n"
	"  viflo wait --timeout 1h 7\n",
	.run = wait_run
};

const VifloCommand viflo_command_cancel = {
	.name = "cancel",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "JOB",
	.summary = "cancel a run in the background",
	.help =
	"Cancels the job of this number, which rolls back what it has not committed.\n"
	"Steps that are done stay.\n"
	"\n"
	"Example:\n"
	"  viflo cancel 7\n",
	.run = cancel_run
};
