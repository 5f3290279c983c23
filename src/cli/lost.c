/*-------------------------------------------------------------------------
 * lost.c
 *	  After a connection was lost while a run was under way: what became of it.
 *
 * A row of the log is committed with its step, and names the process that ran
 * it.  As long as that process lives, it may still commit; once it is gone,
 * what the log has is final.  Behind a pooler the process is not known, and
 * nothing can be said.
 *
 * A run that had no step to do leaves no row.  It was committed if the folder
 * is registered that it has loaded, and nothing is left to do: somebody else
 * may have loaded the same.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"
#include "cli/watch.h"

/* In milliseconds: all of it, and between tries. */
#define RETURN_LIMIT	15000
#define PAUSE			250

/* A clock of the server and ours run alike, give or take. */
#define CLOCK_SLACK		1000

static VifloTurn ask_process(VifloExchange *exchange, bool anew);

void
viflo_note_run(VifloExchange *exchange, const char *columns,
			   const char *target, const char *arguments)
{
	exchange->run.sent = viflo_watch_now();
	exchange->run.columns = columns;
	exchange->run.target = target;
	exchange->run.arguments = arguments;
	exchange->run.loaded = NULL;
}

void
viflo_note_load(VifloExchange *exchange, VifloStep loaded)
{
	viflo_note_run(exchange, NULL, NULL, NULL);
	exchange->run.loaded = loaded;
}

bool
viflo_is_lost(const VifloExchange *exchange)
{
	const VifloSession *session = exchange->database->session;

	return session == NULL || viflo_db_broken(session);
}

void
viflo_hold_failure(VifloExchange *exchange)
{
	exchange->held = exchange->failure;
	memset(&exchange->failure, 0, sizeof(exchange->failure));
}

/*-------------------------------------------------------------------------
 * Until the process is gone
 *-------------------------------------------------------------------------
 */

/* A user who asks to stop while this goes on has heard enough. */
static bool
is_over(const VifloExchange *exchange)
{
	return viflo_watch_now() >= exchange->lost_until ||
		viflo_database_interrupts() > exchange->lost_interrupts;
}

static VifloTurn
took_process(VifloExchange *exchange, VifloDbResult **results)
{
	VifloTurn	turn;

	if (results != NULL)
	{
		VifloDbRow	row = viflo_db_rows(results[0], NULL);

		/* A pooler stands between: these numbers are not the server's. */
		if (!viflo_db_row_next(&row) ||
			viflo_db_row_int32(&row, 0) != viflo_db_backend_pid(exchange->database->session))
			return exchange->then(exchange, NULL);
		if (!viflo_db_row_bool(&row, 1))
			return exchange->then(exchange, results);
	}
	if (is_over(exchange))
		return exchange->then(exchange, NULL);
	turn = ask_process(exchange, results == NULL);
	exchange->pause = PAUSE;
	return turn;
}

/*
 * Is the process still there, and can one tell?  anew: the last question got
 * no answer.
 */
static VifloTurn
ask_process(VifloExchange *exchange, bool anew)
{
	viflo_failure_free(&exchange->failure);
	viflo_exchange_params(exchange)[0] = viflo_db_int32(exchange->database->pid);
	viflo_exchange_add(exchange,
					   pstrdup("SELECT pg_catalog.pg_backend_pid(), EXISTS (SELECT FROM pg_catalog.pg_stat_activity a"
							   " WHERE a.pid OPERATOR(pg_catalog.=) $1 AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
							   " AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())"), 1);
	exchange->is_last = true;
	exchange->anew = anew;
	return viflo_exchange_try(exchange, took_process);
}

VifloTurn
viflo_ask_lost(VifloExchange *exchange, VifloStep then)
{
	if (exchange->database->on_notice == NULL)
		viflo_output_note("the connection was lost; asking the server what became of the run");
	viflo_hold_failure(exchange);
	exchange->then = then;
	exchange->lost_until = viflo_watch_now() + RETURN_LIMIT;
	exchange->lost_interrupts = viflo_database_interrupts();
	return ask_process(exchange, true);
}

/*-------------------------------------------------------------------------
 * What is left to do
 *-------------------------------------------------------------------------
 */

VifloTurn
viflo_ask_left(VifloExchange *exchange, VifloStep then)
{
	const VifloRun *run = &exchange->run;
	VifloDbParam *params = viflo_exchange_params(exchange);
	int			nparams = 1;
	char	   *scope;

	/* So many steps from where it stood are others from where it stands. */
	if (run->target == NULL || viflo_is_relative(run->target))
		return then(exchange, NULL);
	params[0] = viflo_db_text(run->target);
	scope = viflo_database_scope(exchange->database, params, &nparams);
	viflo_exchange_add(exchange,
					   psprintf("SELECT FROM %s.viflo_plan(%s, %s)",
								exchange->database->schema, run->arguments, scope), nparams);
	exchange->is_last = true;
	return viflo_exchange_try(exchange, then);
}

/*-------------------------------------------------------------------------
 * A run that was one transaction
 *-------------------------------------------------------------------------
 */

/* The steps that process $1 has logged since the run began, $2 seconds ago. */
#define STEPS \
	"(SELECT pg_catalog.row_number() OVER (ORDER BY l.id)::pg_catalog.int4 AS step, l.direction," \
	"  l.revision, h.message, l.duration" \
	"  FROM %1$s.viflo_log(%2$s) l LEFT JOIN %1$s.viflo_history(%2$s) h" \
	"  ON h.revision OPERATOR(pg_catalog.=) l.revision" \
	"  WHERE l.pid OPERATOR(pg_catalog.=) $1 AND l.status OPERATOR(pg_catalog.=) 'done'" \
	"  AND l.started_at OPERATOR(pg_catalog.>=)" \
	"  (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $2)) ORDER BY l.id) t"

/* Is the folder registered, which are $3 and $4, in project $5? */
#define LOADED \
	"NOT EXISTS (SELECT FROM %1$s.viflo_missing($3::pg_catalog.text[], $4::pg_catalog.text[]," \
	" project => $5::pg_catalog.text))"

/* Was there something of the folder to load? */
static bool
has_upload(const VifloExchange *exchange)
{
	return exchange->upload.sources.count > 0;
}

/* No step is in the log, and the folder is registered, by whomever. */
static VifloTurn
took_left(VifloExchange *exchange, VifloDbResult **results)
{
	if (results != NULL && viflo_db_result_rows(results[0]) == 0)
		return viflo_end_lost(exchange, VIFLO_LOST_COMMITTED);
	if (exchange->run.target == NULL && has_upload(exchange))
		return viflo_end_lost(exchange, VIFLO_LOST_UNKNOWN);
	return viflo_end_lost(exchange, VIFLO_LOST_ROLLED_BACK);
}

static VifloTurn
took_outcome(VifloExchange *exchange, VifloDbResult **results)
{
	VifloRun   *run = &exchange->run;
	VifloDbRow	row;
	bool		loaded;

	if (results == NULL)
		return viflo_end_lost(exchange, VIFLO_LOST_UNKNOWN);
	row = viflo_db_rows(results[0], NULL);
	(void) viflo_db_row_next(&row);
	run->logged = viflo_db_row_int32(&row, 0);
	loaded = viflo_db_row_bool(&row, 1);
	if (loaded && run->loaded != NULL)
	{
		viflo_failure_free(&exchange->held);
		return run->loaded(exchange, NULL);
	}
	if (run->columns == NULL)
		return viflo_end_lost(exchange, loaded ? VIFLO_LOST_COMMITTED : VIFLO_LOST_ROLLED_BACK);
	if (run->logged > 0)
	{
		viflo_exchange_keep(exchange, &results[1]);
		return viflo_end_lost(exchange, VIFLO_LOST_COMMITTED);
	}
	return loaded ? viflo_ask_left(exchange, took_left) :
		viflo_end_lost(exchange, VIFLO_LOST_ROLLED_BACK);
}

static VifloDbParam *
outcome_params(VifloExchange *exchange)
{
	VifloDbParam *params = viflo_exchange_params(exchange);
	int64		elapsed = viflo_watch_now() - exchange->run.sent;

	params[0] = viflo_db_int32(exchange->database->pid);
	params[1] = viflo_db_float64((elapsed + CLOCK_SLACK) / 1000.0);
	return params;
}

/* The process is gone: how many steps has it logged, is its folder there? */
static VifloTurn
ask_outcome(VifloExchange *exchange, VifloDbResult **results)
{
	const VifloDatabase *database = exchange->database;
	const char *columns = exchange->run.columns;
	bool		loads = has_upload(exchange);
	int			nparams = loads ? 4 : 2;
	VifloDbParam *params;
	char	   *scope;

	if (results == NULL)
		return took_outcome(exchange, NULL);
	params = outcome_params(exchange);
	if (loads)
	{
		const VifloDigests *digests = &exchange->local->digests;

		params[2] = viflo_db_text_array(digests->ids, NULL, digests->count);
		params[3] = viflo_db_text_array(digests->digests, NULL, digests->count);
	}
	scope = viflo_database_scope(database, params, &nparams);
	viflo_exchange_add(exchange, psprintf(loads ?
										  "SELECT pg_catalog.count(*)::pg_catalog.int4, " LOADED " FROM " STEPS :
										  "SELECT pg_catalog.count(*)::pg_catalog.int4, true FROM " STEPS,
										  database->schema, scope), nparams);
	if (columns != NULL)
	{
		nparams = 2;
		scope = viflo_database_scope(database, outcome_params(exchange), &nparams);
		viflo_exchange_add(exchange, psprintf("SELECT %3$s FROM " STEPS, database->schema, scope,
											  viflo_output_is_json() ?
											  "COALESCE(pg_catalog.json_agg(t), '[]')" : columns), nparams);
	}
	exchange->is_last = true;
	return viflo_exchange_try(exchange, took_outcome);
}

VifloTurn
viflo_ask_lost_transaction(VifloExchange *exchange)
{
	return viflo_ask_lost(exchange, ask_outcome);
}

VifloTurn
viflo_end_lost(VifloExchange *exchange, VifloLost lost)
{
	VifloFailure *failure = &exchange->failure;

	viflo_failure_free(failure);
	*failure = exchange->held;
	memset(&exchange->held, 0, sizeof(exchange->held));
	switch (lost)
	{
		case VIFLO_LOST_COMMITTED:
			viflo_failure_hint(failure, "The connection was lost after all of it was committed.");
			exchange->warns = true;
			return VIFLO_TURN_DONE;
		case VIFLO_LOST_ROLLED_BACK:
			viflo_failure_hint(failure, "The connection was lost, and the server has rolled back the run: the database is as it was before.");
			break;
		case VIFLO_LOST_UNKNOWN:
			failure->status = VIFLO_EXIT_CONNECTION;
			viflo_failure_hint(failure, "The connection was lost, and whether the run was committed could not be found out. Run: viflo status");
			break;
	}
	return VIFLO_TURN_FAILED;
}
