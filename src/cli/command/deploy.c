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
#include "cli/extension.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "common/sqlstate.h"
#include "lib/stringinfo.h"

/* Pauses between tries to load, in milliseconds. */
#define FIRST_PAUSE		50
#define LONGEST_PAUSE	1000

/* viflo_migrate.lock_wait where it cannot be asked for. */
#define USUAL_LOCK_WAIT (5 * 60 * 1000)

/* Steps that a failure names as kept. */
#define MAX_NAMED		5

/* Deploy or revert: names of what to call; or nothing, once all is loaded. */
typedef struct OnlineKind
{
	const char *procedure;
	const char *async;
} OnlineKind;

static const OnlineKind deploy_kind = {"viflo_deploy", "viflo_deploy_async"};
static const OnlineKind revert_kind = {"viflo_revert", "viflo_revert_async"};
static const OnlineKind load_kind = {NULL, NULL};

/* What an exchange remembers from step to step. */
typedef struct Online
{
	const OnlineKind *kind;
	int64		started;		/* viflo_watch_now() */
	int64		limit;			/* of waiting for another migrator; or -1 */
	int			pause;			/* before the next try to load, about */
	char		last[32];		/* number of the last row of the log before */
	VifloFailure failure;		/* while more is asked about it */
} Online;

static VifloTurn load_now(VifloExchange *exchange, VifloDbResult **results);
static VifloTurn mark(VifloExchange *exchange);

static const char *
online_target(const VifloExchange *exchange)
{
	return exchange->request->nargs > 0 ? exchange->request->args[0] : "head";
}

/*-------------------------------------------------------------------------
 * Loading the folder
 *-------------------------------------------------------------------------
 */

/* Another migrator is at work: tries again after a pause, if there is time. */
static VifloTurn
load_again(VifloExchange *exchange)
{
	Online	   *online = exchange->own;
	int64		waited = viflo_watch_now() - online->started;
	VifloTurn	turn;

	if (waited >= online->limit)
	{
		exchange->failure = online->failure;
		return VIFLO_TURN_FAILED;
	}
	turn = viflo_ask_what_to_load(exchange, load_now);
	exchange->waiting = "waiting for another migrator to load the folder";
	exchange->waited = waited;

	/* Of many that wait, not all shall ask at the same time. */
	exchange->pause = online->pause / 2 +
		(viflo_watch_now() ^ exchange->database->pid) % online->pause;
	online->pause = Min(online->pause * 2, LONGEST_PAUSE);
	return turn;
}

static VifloTurn
took_lock_wait(VifloExchange *exchange, VifloDbResult **results)
{
	Online	   *online = exchange->own;
	VifloDbRow	row;

	online->limit = USUAL_LOCK_WAIT;
	if (results != NULL)
	{
		row = viflo_db_rows(results[0], NULL);
		if (viflo_db_row_next(&row))
			online->limit = strtoll(viflo_db_row_text(&row, 0), NULL, 10);
	}
	return load_again(exchange);
}

/* Asks for viflo_migrate.lock_wait, in milliseconds. */
static VifloTurn
ask_lock_wait(VifloExchange *exchange)
{
	viflo_exchange_add(exchange,
					   pstrdup("SELECT s.setting FROM pg_catalog.pg_settings s"
							   " WHERE s.name OPERATOR(pg_catalog.=) 'viflo_migrate.lock_wait'"), 0);
	return viflo_exchange_try(exchange, took_lock_wait);
}

static VifloTurn
took_load(VifloExchange *exchange, VifloDbResult **results)
{
	Online	   *online = exchange->own;

	if (results != NULL)
		return mark(exchange);
	viflo_upload_blame(exchange->local, &exchange->failure);
	if (!viflo_exchange_failed_with(exchange, VIFLO_LOCK_TIMEOUT) &&
		!viflo_exchange_failed_with(exchange, VIFLO_STEP_UNDER_WAY))
		return VIFLO_TURN_FAILED;
	online->failure = exchange->failure;
	return online->limit < 0 ? ask_lock_wait(exchange) : load_again(exchange);
}

/* One try, in which nobody is waited for. */
static VifloTurn
load_now(VifloExchange *exchange, VifloDbResult **results)
{
	if (exchange->missing.count == 0)
		return mark(exchange);
	viflo_exchange_add(exchange,
					   pstrdup("SELECT pg_catalog.set_config('viflo_migrate.lock_wait', '0', true)"), 0);
	if (viflo_add_upload(exchange) < 0)
		return VIFLO_TURN_FAILED;
	return viflo_exchange_try(exchange, took_load);
}

/*-------------------------------------------------------------------------
 * What was done
 *-------------------------------------------------------------------------
 */

/* Asks for the steps of this run that are done: for people, and (last) as JSON. */
static void
add_steps_query(VifloExchange *exchange)
{
	const Online *online = exchange->own;
	const VifloDatabase *database = exchange->database;
	VifloDbParam *params = viflo_exchange_params(exchange);
	int			nparams = 2;
	char	   *scope = viflo_database_scope(database, params, &nparams);

	params[0] = viflo_db_text(online->last);
	params[1] = viflo_db_int32(database->pid);
	viflo_exchange_add(exchange,
					   psprintf("SELECT s.direction, s.revision, s.message,"
								" (pg_catalog.date_part('epoch', s.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text,"
								" s.attempts, s.detail, pg_catalog.row_to_json(s)"
								" FROM (SELECT pg_catalog.row_number() OVER (ORDER BY l.id) AS step,"
								"  l.direction, l.revision, h.message, l.duration, l.statements,"
								"  l.transactional, l.attempts, l.detail"
								"  FROM %s.viflo_log(%s) l LEFT JOIN %s.viflo_history(%s) h"
								"  ON h.revision OPERATOR(pg_catalog.=) l.revision"
								"  WHERE l.id OPERATOR(pg_catalog.>) $1::pg_catalog.int8"
								"  AND l.pid OPERATOR(pg_catalog.=) $2"
								"  AND l.status OPERATOR(pg_catalog.=) 'done') s"
								" ORDER BY s.step",
								database->schema, scope, database->schema, scope), nparams);
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
print_steps(const VifloExchange *exchange)
{
	VifloDbRow	row = viflo_db_rows(exchange->result, NULL);
	int			rows = viflo_db_result_rows(exchange->result);
	const char **cells = palloc(sizeof(char *) * (rows * 6 + 1));
	int			count = 0;

	while (viflo_db_row_next(&row))
	{
		cells[count++] = viflo_each_tenant_column(exchange);
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 0));
		cells[count++] = viflo_db_row_text(&row, 1);
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_output_duration(viflo_db_row_text(&row, 3));
		cells[count++] = remark(viflo_db_row_text(&row, 4), viflo_db_row_text(&row, 5));
	}
	viflo_output_table(cells, rows, 6);
	pfree(cells);
}

/*-------------------------------------------------------------------------
 * What was not done
 *-------------------------------------------------------------------------
 */

static void
add_unfinished_query(VifloExchange *exchange)
{
	const VifloDatabase *database = exchange->database;
	int			nparams = 0;
	char	   *scope = viflo_database_scope(database, viflo_exchange_params(exchange), &nparams);

	viflo_exchange_add(exchange,
					   psprintf("SELECT t.revision, t.direction, t.statements, t.backfill_rows,"
								" pg_catalog.row_to_json(t)"
								" FROM %s.viflo_unfinished(%s) t WHERE %s"
								" ORDER BY t.started_at",
								database->schema, scope, viflo_command_is_ours(database)), nparams);
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
set_hint(VifloExchange *exchange, bool lost)
{
	VifloFailure *failure = &exchange->failure;

	if (viflo_database_interrupted() && viflo_exchange_failed_with(exchange, "57014"))
		viflo_failure_hint(failure, "You asked to stop: what was committed before stays, the rest was rolled back.");
	else if (lost)
		viflo_failure_hint(failure, "What was committed before stays; \"viflo log\" shows it. The same command again goes on from there.");
}

/* Of what failed, there is this all the same. */
static VifloTurn
took_kept(VifloExchange *exchange, VifloDbResult **results)
{
	Online	   *online = exchange->own;
	StringInfoData kept;

	exchange->failure = online->failure;
	if (results == NULL)
		return VIFLO_TURN_FAILED;
	initStringInfo(&kept);
	add_steps(&kept, results[0]);
	add_unfinished(&kept, results[1]);
	exchange->failure.kept = kept.data;
	exchange->more = json_pack("{s:o, s:o}", "steps", documents(results[0], 6),
							   "unfinished", documents(results[1], 4));
	return VIFLO_TURN_FAILED;
}

/* The run failed: asks what there is of it. */
static VifloTurn
fail(VifloExchange *exchange)
{
	Online	   *online = exchange->own;
	bool		lost = viflo_db_broken(exchange->database->session);

	set_hint(exchange, lost);
	if (lost)
		return VIFLO_TURN_FAILED;
	online->failure = exchange->failure;
	add_steps_query(exchange);
	add_unfinished_query(exchange);
	exchange->is_last = true;
	return viflo_exchange_try(exchange, took_kept);
}

/*-------------------------------------------------------------------------
 * The run
 *-------------------------------------------------------------------------
 */

/* Notes what the run did.  That it cannot be read is no failure of the run. */
static VifloTurn
took_steps(VifloExchange *exchange, VifloDbResult **results)
{
	if (results != NULL)
		viflo_exchange_keep(exchange, &results[0]);
	else
		exchange->warning = psprintf("done, but the log cannot be read: %s",
									 exchange->failure.message);
	if (viflo_can_settle(exchange, online_target(exchange)))
		return viflo_ask_settle(exchange, online_target(exchange));
	return VIFLO_TURN_DONE;
}

static VifloTurn
took_run(VifloExchange *exchange, VifloDbResult **results)
{
	if (results == NULL)
		return fail(exchange);
	add_steps_query(exchange);
	return viflo_exchange_try(exchange, took_steps);
}

/*
 * Notes where the log ended, and by which number the server knows us; then the
 * one CALL.
 */
static VifloTurn
run_now(VifloExchange *exchange, VifloDbResult **results)
{
	Online	   *online = exchange->own;
	VifloDatabase *database = exchange->database;
	VifloDbRow	row = viflo_db_rows(results[0], NULL);
	VifloDbParam *params = viflo_exchange_params(exchange);
	int			nparams = 1;
	char	   *scope;

	if (viflo_db_row_next(&row))
	{
		database->pid = viflo_db_row_int32(&row, 0);
		strlcpy(online->last, viflo_db_row_text(&row, 1), sizeof(online->last));
	}
	params[0] = viflo_db_text(online_target(exchange));
	scope = viflo_database_scope(database, params, &nparams);
	viflo_exchange_add(exchange,
					   psprintf("CALL %s.%s(%s, %s)", database->schema, online->kind->procedure,
								viflo_command_target(exchange->request), scope), nparams);
	exchange->is_long = true;
	return viflo_exchange_try(exchange, took_run);
}

static VifloTurn
took_job(VifloExchange *exchange, VifloDbResult **results)
{
	viflo_exchange_keep(exchange, &results[0]);
	return VIFLO_TURN_DONE;
}

static VifloTurn
run_async(VifloExchange *exchange)
{
	const Online *online = exchange->own;
	const VifloDatabase *database = exchange->database;
	VifloDbParam *params = viflo_exchange_params(exchange);
	int			nparams = 1;
	char	   *scope = viflo_database_scope(database, params, &nparams);

	params[0] = viflo_db_text(online_target(exchange));
	viflo_exchange_add(exchange,
					   psprintf("SELECT %s.%s(%s, %s)", database->schema, online->kind->async,
								viflo_command_target(exchange->request), scope), nparams);
	return viflo_exchange_ask(exchange, took_job);
}

/* All is loaded: runs it, and asks before where the log ends. */
static VifloTurn
mark(VifloExchange *exchange)
{
	const Online *online = exchange->own;
	const VifloDatabase *database = exchange->database;
	int			nparams = 0;
	char	   *scope;

	if (online->kind->procedure == NULL)
		return VIFLO_TURN_DONE;
	if (exchange->request->async)
		return run_async(exchange);
	scope = viflo_database_scope(database, viflo_exchange_params(exchange), &nparams);
	viflo_exchange_add(exchange,
					   psprintf("SELECT pg_catalog.pg_backend_pid(), COALESCE(pg_catalog.max(l.id), 0)"
								" FROM %s.viflo_log(%s) l", database->schema, scope), nparams);
	return viflo_exchange_ask(exchange, run_now);
}

static VifloTurn
run_what_is_loaded(VifloExchange *exchange, VifloDbResult **results)
{
	return mark(exchange);
}

static VifloTurn
load_unless_settled(VifloExchange *exchange, VifloDbResult **results)
{
	if (exchange->settled)
		return VIFLO_TURN_DONE;
	return viflo_ask_what_to_load(exchange, load_now);
}

static void
begin(VifloExchange *exchange, const OnlineKind *kind)
{
	Online	   *online = palloc0(sizeof(Online));

	online->kind = kind;
	online->started = viflo_watch_now();
	online->limit = -1;
	online->pause = FIRST_PAUSE;
	exchange->own = online;
}

static VifloTurn
deploy_begin(VifloExchange *exchange)
{
	const char *target = online_target(exchange);

	begin(exchange, &deploy_kind);
	if (viflo_can_settle(exchange, target) && !exchange->request->async)
		return viflo_ask_settled(exchange, target, load_unless_settled);
	return viflo_ask_what_to_load(exchange, load_now);
}

/* For many tenants the folder is loaded once, before. */
static VifloTurn
deploy_load_begin(VifloExchange *exchange)
{
	begin(exchange, &load_kind);
	return viflo_ask_what_to_load(exchange, load_now);
}

static VifloTurn
revert_begin(VifloExchange *exchange)
{
	begin(exchange, &revert_kind);
	return viflo_ask_extension(exchange, false, run_what_is_loaded);
}

/*-------------------------------------------------------------------------
 * What came of it: steps, or the number of a job
 *-------------------------------------------------------------------------
 */

static const char *
job_number(const VifloExchange *exchange)
{
	VifloDbRow	row = viflo_db_rows(exchange->result, NULL);

	return viflo_db_row_next(&row) ? viflo_db_row_text(&row, 0) : "";
}

static void
print_online(VifloExchange *exchange)
{
	if (exchange->request->async)
	{
		viflo_output_line("%s", job_number(exchange));
		viflo_output_verbose("\"viflo wait %s\" waits for its end", job_number(exchange));
	}
	else if (exchange->result != NULL && viflo_db_result_rows(exchange->result) > 0)
		print_steps(exchange);
	else if (exchange->warning == NULL && viflo_each_tenant_column(exchange) == NULL)
		viflo_output_line("nothing to do");
}

static char *
online_document(VifloExchange *exchange)
{
	json_t	   *document;

	if (exchange->request->async)
		document = json_pack("{s:I}", "job", (json_int_t) atoll(job_number(exchange)));
	else if (exchange->result != NULL)
		document = documents(exchange->result, 6);
	else
		document = json_array();
	return viflo_command_document_text(document);
}

static char *
online_summary(VifloExchange *exchange)
{
	if (exchange->request->async)
		return psprintf("job %s", job_number(exchange));
	if (exchange->warning != NULL)
		return pstrdup("steps are not known");
	return viflo_command_count_steps(exchange);
}

static const VifloExchangeKind deploy_exchange = {
	.folder = VIFLO_FOLDER_IF_THERE,
	.changes = true,
	.begin = deploy_begin,
	.print = print_online,
	.document = online_document,
	.summary = online_summary,
	.subject = "steps"
};

static const VifloExchangeKind deploy_load_exchange = {
	.folder = VIFLO_FOLDER_IF_THERE,
	.changes = true,
	.begin = deploy_load_begin
};

static const VifloEachTenant deploy_each_tenant = {
	.wanted = VIFLO_TENANT_IS_BEHIND,
	.up = true,
	.load = &deploy_load_exchange,
	.done = "deployed"
};

static const VifloExchangeKind revert_exchange = {
	.folder = VIFLO_FOLDER_UNUSED,
	.changes = true,
	.begin = revert_begin,
	.print = print_online,
	.document = online_document,
	.summary = online_summary,
	.subject = "steps"
};

static const VifloEachTenant revert_each_tenant = {
	.wanted = VIFLO_TENANT_IS_ANYWHERE,
	.done = "reverted"
};

const VifloCommand viflo_command_deploy = {
	.name = "deploy",
	.options = "alE",
	.max_args = 1,
	.arguments = "[TARGET] [OPTION]...",
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
	"  --late WHAT           revisions below others that are applied already:\n"
	"                        refuse to run (default), apply them, or list them and\n"
	"                        run the rest\n"
	VIFLO_EACH_TENANT_HELP
	"\n"
	"Example:\n"
	"  viflo deploy\n"
	"  viflo wait $(viflo deploy --async)\n",
	.exchange = &deploy_exchange,
	.each_tenant = &deploy_each_tenant
};

const VifloCommand viflo_command_revert = {
	.name = "revert",
	.options = "aE",
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
	VIFLO_EACH_TENANT_HELP
	"\n"
	"Example:\n"
	"  viflo revert -1\n",
	.exchange = &revert_exchange,
	.each_tenant = &revert_each_tenant
};
