/*-------------------------------------------------------------------------
 * deploy.c
 *	  viflo deploy, viflo revert: online, a commit after each step.
 *
 * The folder is registered first, in a transaction of its own.  That wants
 * the migrator lock, and a query that waits for it would hold up whoever
 * builds an index concurrently meanwhile: so it is asked for without waiting,
 * again and again.  Most often somebody else has loaded the same folder by
 * then, and nothing is left to load.
 *
 * Then one CALL, by itself, as a procedure may commit only outside of any
 * transaction.  What it did is read from the log, by the process that ran it
 * and the number of the last row before: rows of others may be among them.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/watch.h"
#include "common/sqlstate.h"

/* Pauses between tries to load, in milliseconds. */
#define FIRST_PAUSE		50
#define LONGEST_PAUSE	1000

/* viflo_migrate.lock_wait where it cannot be asked for. */
#define USUAL_LOCK_WAIT (5 * 60 * 1000)

/* Steps that a failure names as kept. */
#define MAX_NAMED		5

/* Deploy or revert: names of what to call, and what each of them does. */
typedef struct OnlineKind
{
	const char *procedure;
	const char *async;
	bool		loads;
} OnlineKind;

static const OnlineKind kind_deploy = {"viflo_deploy", "viflo_deploy_async", true};
static const OnlineKind kind_revert = {"viflo_revert", "viflo_revert_async", false};

/* One run: what to do, and where its rows of the log begin. */
typedef struct Online
{
	const OnlineKind *kind;
	const char *target;
	VifloDatabase database;
	VifloLocal	local;
	bool		folder;			/* local is to be loaded */
	char	   *last;			/* number of the last row of the log before */
} Online;

/*-------------------------------------------------------------------------
 * Loading the folder
 *-------------------------------------------------------------------------
 */

static bool
is_state(const VifloFailure *failure, const char *sqlstate)
{
	return failure->sqlstate != NULL && strcmp(failure->sqlstate, sqlstate) == 0;
}

/* viflo_migrate.lock_wait, in milliseconds. */
static int64
lock_wait(VifloDatabase *database)
{
	VifloDbQuery query = {
		"SELECT s.setting FROM pg_catalog.pg_settings s"
		" WHERE s.name OPERATOR(pg_catalog.=) 'viflo_migrate.lock_wait'", NULL, 0, false
	};
	VifloDbResult *result;
	VifloFailure failure;
	int64		limit = USUAL_LOCK_WAIT;
	VifloDbRow	row;

	if (!viflo_database_run(database, &query, 1, &result, &failure))
		return limit;
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
		limit = strtoll(viflo_db_row_text(&row, 0), NULL, 10);
	viflo_db_result_free(result);
	return limit;
}

/*
 * One try, in which nobody is waited for.  False with *busy: another migrator
 * is at work.
 */
static bool
try_load(Online *online, bool *busy, VifloFailure *failure)
{
	static const char no_wait[] =
	"SELECT pg_catalog.set_config('viflo_migrate.lock_wait', '0', true)";
	VifloUpload upload;
	VifloDbQuery queries[2] = {{no_wait, NULL, 0, false}};
	VifloDbResult *results[2];
	int			count;

	*busy = false;
	count = viflo_command_prepare(&online->database, &online->local, &upload,
								  &queries[1], failure);
	if (count <= 0)
		return count == 0;
	if (viflo_database_run(&online->database, queries, 2, results, failure))
	{
		viflo_db_result_free(results[0]);
		viflo_db_result_free(results[1]);
		return true;
	}
	*busy = is_state(failure, VIFLO_LOCK_TIMEOUT) || is_state(failure, VIFLO_STEP_UNDER_WAY);
	viflo_command_blame(&online->local, failure);
	return false;
}

static void
show_wait(int64 elapsed)
{
	VifloProgress progress = {.phase = "waiting for another migrator to load the folder"};
	int			width = viflo_status_width();
	char	   *line;

	if (width == 0)
		return;
	line = viflo_progress_line(&progress, width, elapsed);
	viflo_status_show(line);
	pfree(line);
}

/* Finds the extension, or makes it, and registers what is new in the folder. */
static bool
load(Online *online, VifloFailure *failure)
{
	int64		started = viflo_watch_now();
	int64		limit = -1;
	int			pause = FIRST_PAUSE;
	bool		busy;

	if (!online->folder)
		return online->kind->loads ?
			viflo_database_find_or_create(&online->database, failure) :
			viflo_database_find(&online->database, failure);
	while (!try_load(online, &busy, failure))
	{
		if (!busy)
			return false;
		if (limit < 0)
			limit = lock_wait(&online->database);
		if (viflo_watch_now() - started >= limit)
			return false;
		show_wait(viflo_watch_now() - started);

		/* Of many that wait, not all shall ask at the same time. */
		viflo_watch_pause(pause / 2 + (viflo_watch_now() ^ online->database.pid) % pause);
		pause = Min(pause * 2, LONGEST_PAUSE);
	}
	viflo_status_erase();
	return true;
}

/*-------------------------------------------------------------------------
 * What was done
 *-------------------------------------------------------------------------
 */

/* Notes where the log ends, and by which number the server knows us. */
static bool
mark(Online *online, VifloFailure *failure)
{
	VifloDatabase *database = &online->database;
	VifloDbParam params[1] = {viflo_db_text(database->project)};
	VifloDbQuery query = {
		psprintf("SELECT pg_catalog.pg_backend_pid(), COALESCE(pg_catalog.max(l.id), 0)"
				 " FROM %s.viflo_log(project => $1::pg_catalog.text%s) l", database->schema,
				 viflo_database_tenant(database)),
		params, 1, false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	if (!viflo_database_run(database, &query, 1, &result, failure))
		return false;
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		database->pid = viflo_db_row_int32(&row, 0);
		online->last = pstrdup(viflo_db_row_text(&row, 1));
	}
	viflo_db_result_free(result);
	return true;
}

/* The steps of this run that are done: for people, and (last) as JSON. */
static VifloDbQuery
steps_query(const Online *online, VifloDbParam params[3])
{
	VifloDbQuery query = {0};

	params[0] = viflo_db_text(online->database.project);
	params[1] = viflo_db_text(online->last);
	params[2] = viflo_db_int32(online->database.pid);
	query.sql = psprintf("SELECT s.direction, s.revision, s.message,"
						 " (pg_catalog.date_part('epoch', s.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text,"
						 " s.attempts, s.detail, pg_catalog.row_to_json(s)"
						 " FROM (SELECT pg_catalog.row_number() OVER (ORDER BY l.id) AS step,"
						 "  l.direction, l.revision, h.message, l.duration, l.statements,"
						 "  l.transactional, l.attempts, l.detail"
						 "  FROM %s.viflo_log(project => $1::pg_catalog.text%s) l"
						 "  LEFT JOIN %s.viflo_history(project => $1::pg_catalog.text) h"
						 "  ON h.revision OPERATOR(pg_catalog.=) l.revision"
						 "  WHERE l.id OPERATOR(pg_catalog.>) $2::pg_catalog.int8"
						 "  AND l.pid OPERATOR(pg_catalog.=) $3"
						 "  AND l.status OPERATOR(pg_catalog.=) 'done') s"
						 " ORDER BY s.step",
						 online->database.schema, viflo_database_tenant(&online->database),
						 online->database.schema);
	query.params = params;
	query.nparams = 3;
	return query;
}

/* The documents of one column, each a JSON text, as an array. */
static json_t *
documents(const VifloDbResult *result, int column)
{
	json_t	   *array = json_array();
	VifloDbRow	row = viflo_db_rows(result, NULL);

	while (viflo_db_row_next(&row))
		json_array_append_new(array, json_loads(viflo_db_row_text(&row, column), 0, NULL));
	return array;
}

/* "3 attempts, resumed at statement 4", or NULL. */
static char *
remark(const char *attempts, const char *detail)
{
	bool		again = attempts != NULL && atoi(attempts) > 1;

	if (again && detail != NULL)
		return psprintf("%s attempts, %s", attempts, detail);
	if (again)
		return psprintf("%s attempts", attempts);
	return detail != NULL ? pstrdup(detail) : NULL;
}

static void
print_steps(const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);
	int			rows = viflo_db_result_rows(result);
	const char **cells = palloc(sizeof(char *) * (rows * 5 + 1));
	int			count = 0;

	if (rows == 0)
		viflo_output_line("nothing to do");
	while (viflo_db_row_next(&row))
	{
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 0));
		cells[count++] = viflo_db_row_text(&row, 1);
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_command_duration(viflo_db_row_text(&row, 3));
		cells[count++] = remark(viflo_db_row_text(&row, 4), viflo_db_row_text(&row, 5));
	}
	viflo_output_table(cells, rows, 5);
	viflo_output_json(documents(result, 6));
	pfree(cells);
}

/*-------------------------------------------------------------------------
 * What was not done
 *-------------------------------------------------------------------------
 */

static VifloDbQuery
unfinished_query(const Online *online, VifloDbParam params[1])
{
	VifloDbQuery query = {0};

	params[0] = viflo_db_text(online->database.project);
	query.sql = psprintf("SELECT u.revision, u.direction, u.statements, u.backfill_rows,"
						 " pg_catalog.row_to_json(u)"
						 " FROM %s.viflo_unfinished(project => $1::pg_catalog.text%s) u"
						 "%s ORDER BY u.started_at", online->database.schema,
						 viflo_database_tenant(&online->database),
						 online->database.tenant != NULL ? "" :
						 " WHERE (pg_catalog.row_to_json(u) OPERATOR(pg_catalog.->>) 'tenant') IS NULL");
	query.params = params;
	query.nparams = 1;
	return query;
}

/* Both add sentences, one a line, to what is kept. */
static void
add_steps(StringInfo kept, const VifloDbResult *result)
{
	int			rows = viflo_db_result_rows(result);
	VifloDbRow	row = viflo_db_rows(result, NULL);

	if (rows == 0)
		return;
	appendStringInfo(kept, "%d %s done and committed:", rows,
					 rows == 1 ? "step is" : "steps are");
	for (int i = 0; viflo_db_row_next(&row); i++)
	{
		/* The last one says where the database stands. */
		if (rows <= MAX_NAMED || i < MAX_NAMED - 1 || i == rows - 1)
			appendStringInfo(kept, "%s %s \"%s\"", i > 0 ? "," : "",
							 viflo_db_row_text(&row, 0), viflo_db_row_text(&row, 1));
		else if (i == MAX_NAMED - 1)
			appendStringInfo(kept, ", %d more", rows - MAX_NAMED);
	}
	appendStringInfoChar(kept, '.');
}

static void
add_unfinished(StringInfo kept, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);

	while (viflo_db_row_next(&row))
	{
		const char *direction = viflo_db_row_text(&row, 1);
		long long	rows = atoll(viflo_db_row_text(&row, 3));

		appendStringInfo(kept, "%sOf revision \"%s\" (%s), %s statements are done",
						 kept->len > 0 ? "\n" : "", viflo_db_row_text(&row, 0),
						 direction, viflo_db_row_text(&row, 2));
		if (rows > 0)
			appendStringInfo(kept, ", and %lld rows of its backfill", rows);
		appendStringInfo(kept, "; \"viflo %s\" resumes there.",
						 strcmp(direction, "up") == 0 ? "deploy" : "revert");
	}
}

/* What to do now, where the message alone would mislead. */
static void
set_hint(VifloFailure *failure, bool lost)
{
	if (viflo_database_interrupted() && is_state(failure, "57014"))
		viflo_failure_hint(failure, "You asked to stop: what was committed before stays, the rest was rolled back.");
	else if (lost)
		viflo_failure_hint(failure, "What was committed before stays; \"viflo log\" shows it. The same command again goes on from there.");
}

/* The run failed: says why, and what there is of it all the same. */
static int
fail(Online *online, VifloFailure *failure)
{
	VifloDbParam steps_params[3];
	VifloDbParam unfinished_params[1];
	VifloDbQuery queries[2];
	VifloDbResult *results[2];
	StringInfoData kept;
	json_t	   *more;
	bool		lost = viflo_db_broken(online->database.session);

	set_hint(failure, lost);
	queries[0] = steps_query(online, steps_params);
	queries[1] = unfinished_query(online, unfinished_params);
	if (lost || !viflo_database_look_back(&online->database, queries, 2, results))
		return viflo_output_failure(failure);
	initStringInfo(&kept);
	add_steps(&kept, results[0]);
	add_unfinished(&kept, results[1]);
	failure->kept = kept.data;
	more = json_pack("{s:o, s:o}", "steps", documents(results[0], 6),
					 "unfinished", documents(results[1], 4));
	viflo_db_result_free(results[0]);
	viflo_db_result_free(results[1]);
	return viflo_output_failure_more(failure, more);
}

/*-------------------------------------------------------------------------
 * The commands
 *-------------------------------------------------------------------------
 */

/* Tells what the run did.  That it cannot be read is no failure of the run. */
static void
print_done(Online *online)
{
	VifloDbParam params[3];
	VifloDbQuery query = steps_query(online, params);
	VifloDbResult *result;
	VifloFailure failure;

	if (viflo_database_run(&online->database, &query, 1, &result, &failure))
	{
		print_steps(result);
		viflo_db_result_free(result);
		return;
	}
	viflo_output_warning("done, but the log cannot be read: %s", failure.message);
	viflo_output_json(json_array());
}

static int
run_now(Online *online)
{
	VifloDatabase *database = &online->database;
	VifloDbParam params[2] = {
		viflo_db_text(online->target), viflo_db_text(database->project)
	};
	VifloDbQuery query = {
		psprintf("CALL %s.%s(target => $1::pg_catalog.text, project => $2::pg_catalog.text%s)",
				 database->schema, online->kind->procedure, viflo_database_tenant(database)),
		params, 2, false
	};
	VifloDbResult *result;
	VifloFailure failure;

	if (!mark(online, &failure))
		return viflo_output_failure(&failure);
	if (!viflo_database_run_shown(database, &query, 1, &result, &failure))
		return fail(online, &failure);
	viflo_db_result_free(result);
	print_done(online);
	return VIFLO_EXIT_DONE;
}

static int
run_async(Online *online)
{
	VifloDatabase *database = &online->database;
	VifloDbParam params[2] = {
		viflo_db_text(online->target), viflo_db_text(database->project)
	};
	VifloDbQuery query = {
		psprintf("SELECT %s.%s(target => $1::pg_catalog.text, project => $2::pg_catalog.text%s)",
				 database->schema, online->kind->async, viflo_database_tenant(database)),
		params, 2, false
	};
	VifloDbResult *result;
	VifloDbRow	row;
	VifloFailure failure;

	if (!viflo_database_run(database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		const char *job = viflo_db_row_text(&row, 0);

		viflo_output_line("%s", job);
		viflo_output_verbose("\"viflo wait %s\" waits for its end", job);
		viflo_output_json(json_pack("{s:I}", "job", (json_int_t) atoll(job)));
	}
	viflo_db_result_free(result);
	return VIFLO_EXIT_DONE;
}

static int
run_online(const VifloRequest *request, const OnlineKind *kind)
{
	Online		online = {.kind = kind};
	VifloDatabase *database = &online.database;
	VifloFailure failure;
	bool		settled = false;
	bool		can_settle;
	int			status;

	online.target = request->nargs > 0 ? request->args[0] : "head";
	online.folder = kind->loads && request->settings.dir_exists;
	can_settle = online.folder && !request->async && request->tenants == NULL &&
		viflo_command_can_settle(online.target);

	if (!viflo_database_open(database, &request->settings,
							 online.folder ? &online.local : NULL, &failure))
		return viflo_output_failure(&failure);
	if (can_settle &&
		!viflo_database_settled(database, online.local.manifest, online.target, &settled, &failure))
		return viflo_output_failure(&failure);
	if (settled)
	{
		viflo_command_print_nothing();
		viflo_database_close(database);
		return VIFLO_EXIT_DONE;
	}
	if (!load(&online, &failure))
		return viflo_output_failure(&failure);
	if (request->tenants != NULL)
		return viflo_tenants_online(request, database, kind->procedure, online.target);
	status = request->async ? run_async(&online) : run_now(&online);
	if (status == VIFLO_EXIT_DONE && can_settle)
		viflo_database_settle(database, online.local.manifest, online.target);
	viflo_database_close(database);
	return status;
}

static int
deploy_run(VifloRequest *request)
{
	return run_online(request, &kind_deploy);
}

static int
revert_run(VifloRequest *request)
{
	return run_online(request, &kind_revert);
}

const VifloCommand viflo_command_deploy = {
	.name = "deploy",
	.options = "aTk",
	.max_args = 1,
	.arguments = "[TARGET] [--async | --tenants PATTERN]",
	.summary = "load the folder and run what is missing, online",
	.help =
	"Registers the folder's revisions that the database has not got yet, then runs\n"
	"upwards to TARGET (default head) while applications go on working: a commit\n"
	"after each revision, no lock waited for any longer than applications can bear,\n"
	"and outside of a transaction what cannot run in one, such as CREATE INDEX\n"
	"CONCURRENTLY.  After a failure the revisions before stay, and so do the done\n"
	"statements of one that runs outside of a transaction; the same command goes on\n"
	"from there.\n"
	"\n"
	"  --async               start a job in the server, print its number, and do\n"
	"                        not wait for it; see viflo wait and viflo jobs\n"
	VIFLO_TENANTS_HELP
	"\n"
	"Example:\n"
	"  viflo deploy\n"
	"  viflo wait $(viflo deploy --async)\n",
	.run = deploy_run
};

const VifloCommand viflo_command_revert = {
	.name = "revert",
	.options = "aTk",
	.min_args = 1,
	.max_args = 1,
	.arguments = "TARGET [--async | --tenants PATTERN]",
	.summary = "run down sections, back to a revision, online",
	.help =
	"Runs the down sections of what stands above TARGET, newest first, as viflo\n"
	"deploy runs up sections: a commit after each revision.  TARGET is what viflo\n"
	"downgrade takes.\n"
	"\n"
	"  --async               start a job in the server, print its number, and do\n"
	"                        not wait for it; see viflo wait and viflo jobs\n"
	VIFLO_TENANTS_HELP
	"\n"
	"Example:\n"
	"  viflo revert -1\n",
	.run = revert_run
};
