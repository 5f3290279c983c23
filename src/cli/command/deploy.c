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
 * transaction.  What it did is read from the log (online_log.h); so it is after
 * a connection was lost, over another one.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/command/online_log.h"
#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "common/sqlstate.h"

/* Pauses between tries to load, in milliseconds. */
#define FIRST_PAUSE		50
#define LONGEST_PAUSE	1000

/* viflo_migrate.lock_wait where it cannot be asked for. */
#define USUAL_LOCK_WAIT (5 * 60 * 1000)

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
	bool		lost;			/* the connection, while it ran */
} Online;

static VifloTurn load_now(VifloExchange *exchange, VifloDbResult **results);
static VifloTurn run_what_is_loaded(VifloExchange *exchange, VifloDbResult **results);
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
		exchange->failure = exchange->held;
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
	if (viflo_is_lost(exchange))
		return viflo_ask_lost_transaction(exchange);
	viflo_upload_blame(exchange->local, &exchange->failure);
	if (!viflo_exchange_failed_with(exchange, VIFLO_LOCK_TIMEOUT) &&
		!viflo_exchange_failed_with(exchange, VIFLO_STEP_UNDER_WAY))
		return VIFLO_TURN_FAILED;
	viflo_hold_failure(exchange);
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
	viflo_note_load(exchange, run_what_is_loaded);
	return viflo_exchange_try(exchange, took_load);
}

/*-------------------------------------------------------------------------
 * The run failed
 *-------------------------------------------------------------------------
 */

/* What to do now, where the message alone would mislead. */
static void
set_hint(VifloExchange *exchange, bool lost)
{
	VifloFailure *failure = &exchange->failure;

	if (viflo_database_interrupted() && viflo_exchange_failed_with(exchange, "57014"))
		viflo_failure_hint(failure, "You asked to stop: what was committed before stays, the rest was rolled back.");
	else if (lost)
		viflo_failure_hint(failure, "What was committed before stays, and the same command again goes on from there; the connection was lost, not the database.");
}

/* The connection was lost, but perhaps all was done by then. */
static VifloTurn
took_left(VifloExchange *exchange, VifloDbResult **results)
{
	if (results != NULL && viflo_db_result_rows(results[0]) == 0)
	{
		exchange->held.kept = NULL;
		return viflo_end_lost(exchange, VIFLO_LOST_COMMITTED);
	}
	exchange->failure = exchange->held;
	return VIFLO_TURN_FAILED;
}

/* Of what failed, there is this all the same. */
static VifloTurn
took_kept(VifloExchange *exchange, VifloDbResult **results)
{
	const Online *online = exchange->own;

	if (results == NULL && online->lost)
		return viflo_end_lost(exchange, VIFLO_LOST_UNKNOWN);
	exchange->failure = exchange->held;
	set_hint(exchange, online->lost);
	if (results == NULL)
		return VIFLO_TURN_FAILED;
	viflo_online_keep(exchange, results);
	if (!online->lost)
		return VIFLO_TURN_FAILED;
	viflo_exchange_keep(exchange, &results[0]);
	viflo_hold_failure(exchange);
	return viflo_ask_left(exchange, took_left);
}

static VifloTurn
ask_kept(VifloExchange *exchange, VifloDbResult **results)
{
	const Online *online = exchange->own;

	if (results == NULL && online->lost)
		return took_kept(exchange, NULL);
	viflo_online_ask_steps(exchange, online->last);
	viflo_online_ask_unfinished(exchange);
	exchange->is_last = true;
	return viflo_exchange_try(exchange, took_kept);
}

/* The run failed: asks what there is of it. */
static VifloTurn
fail(VifloExchange *exchange)
{
	Online	   *online = exchange->own;

	online->lost = viflo_is_lost(exchange);
	if (online->lost)
		return viflo_ask_lost(exchange, ask_kept);
	viflo_hold_failure(exchange);
	return ask_kept(exchange, NULL);
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
	{
		viflo_failure(&exchange->failure, VIFLO_EXIT_REFUSED,
					  "done, but the log cannot be read: %s", exchange->failure.message);
		exchange->warns = true;
	}
	if (viflo_can_settle(exchange, online_target(exchange)))
		return viflo_ask_settle(exchange, online_target(exchange));
	return VIFLO_TURN_DONE;
}

static VifloTurn
took_run(VifloExchange *exchange, VifloDbResult **results)
{
	const Online *online = exchange->own;

	if (results == NULL)
		return fail(exchange);
	viflo_online_ask_steps(exchange, online->last);
	exchange->is_last = viflo_database_interrupted();
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
	const char *arguments = viflo_command_target(exchange->request);
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
								arguments, scope), nparams);
	viflo_note_run(exchange, NULL, online_target(exchange), arguments);
	exchange->is_long = true;
	return viflo_exchange_try(exchange, took_run);
}

static VifloTurn
took_job(VifloExchange *exchange, VifloDbResult **results)
{
	if (results == NULL)
	{
		if (viflo_is_lost(exchange))
			viflo_failure_hint(&exchange->failure, "The connection was lost, and whether the job was started is not known. Run: viflo jobs");
		return VIFLO_TURN_FAILED;
	}
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
	return viflo_exchange_try(exchange, took_job);
}

/* All is loaded: runs it, and asks before where the log ends. */
static VifloTurn
mark(VifloExchange *exchange)
{
	const Online *online = exchange->own;

	if (online->kind->procedure == NULL)
		return VIFLO_TURN_DONE;
	if (exchange->request->async)
		return run_async(exchange);
	viflo_online_ask_last(exchange);
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
		viflo_online_print_steps(exchange);
	else if (!exchange->warns && viflo_each_tenant_column(exchange) == NULL)
		viflo_output_line("nothing to do");
}

static char *
online_document(VifloExchange *exchange)
{
	json_t	   *document;

	if (exchange->request->async)
		document = json_pack("{s:I}", "job", (json_int_t) atoll(job_number(exchange)));
	else if (exchange->result != NULL)
		document = viflo_online_steps(exchange->result);
	else
		document = json_array();
	return viflo_command_document_text(document);
}

static char *
online_summary(VifloExchange *exchange)
{
	if (exchange->request->async)
		return psprintf("job %s", job_number(exchange));
	if (exchange->warns && exchange->result == NULL)
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
	.wanted = VIFLO_TENANT_IS_TO_RUN,
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
