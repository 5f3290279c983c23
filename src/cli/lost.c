/*-------------------------------------------------------------------------
 * lost.c
 *	  After a connection was lost while a run was under way: what became of it.
 *
 * A row of the log is committed with its step, and names the process that ran
 * it.  As long as that process lives, it may still commit; once it is gone,
 * what the log has is final.  Behind a pooler the process is not known, and
 * nothing can be said.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/lost.h"
#include "cli/output.h"
#include "cli/watch.h"

/* In milliseconds: all of it, and between tries. */
#define RETURN_LIMIT	15000
#define PAUSE			250

/* A clock of the server and ours run alike, give or take. */
#define CLOCK_SLACK		1000

static VifloTurn ask_process(VifloExchange *exchange);

void
viflo_hold_failure(VifloExchange *exchange)
{
	exchange->held = exchange->failure;
	memset(&exchange->failure, 0, sizeof(exchange->failure));
}

bool
viflo_is_lost(const VifloExchange *exchange)
{
	const VifloSession *session = exchange->database->session;

	return session == NULL || viflo_db_broken(session);
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
		if (strcmp(viflo_db_row_text(&row, 1), "t") != 0)
			return exchange->then(exchange, results);
	}
	if (is_over(exchange))
		return exchange->then(exchange, NULL);
	turn = ask_process(exchange);
	exchange->pause = PAUSE;
	return turn;
}

/* Is the process still there, and can one tell? */
static VifloTurn
ask_process(VifloExchange *exchange)
{
	viflo_exchange_params(exchange)[0] = viflo_db_int32(exchange->database->pid);
	viflo_exchange_add(exchange,
					   pstrdup("SELECT pg_catalog.pg_backend_pid(), EXISTS (SELECT FROM pg_catalog.pg_stat_activity a"
							   " WHERE a.pid OPERATOR(pg_catalog.=) $1 AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
							   " AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())"), 1);
	exchange->is_last = true;
	exchange->anew = viflo_is_lost(exchange);
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
	return ask_process(exchange);
}

/*-------------------------------------------------------------------------
 * A run that was one transaction
 *-------------------------------------------------------------------------
 */

/* The steps that process $2 has logged since the run began, $3 seconds ago. */
#define STEPS \
	"(SELECT pg_catalog.row_number() OVER (ORDER BY l.id)::pg_catalog.int4 AS step, l.direction," \
	"  l.revision, h.message, l.duration" \
	"  FROM %1$s.viflo_log(project => $1::pg_catalog.text) l" \
	"  LEFT JOIN %1$s.viflo_history(project => $1::pg_catalog.text) h" \
	"  ON h.revision OPERATOR(pg_catalog.=) l.revision" \
	"  WHERE l.pid OPERATOR(pg_catalog.=) $2 AND l.status OPERATOR(pg_catalog.=) 'done'" \
	"  AND l.started_at OPERATOR(pg_catalog.>=)" \
	"  (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $3)) ORDER BY l.id) t"

static VifloTurn
took_outcome(VifloExchange *exchange, VifloDbResult **results)
{
	VifloDbRow	row;

	if (results == NULL)
	{
		viflo_lost_explain(exchange, VIFLO_LOST_UNKNOWN);
		return VIFLO_TURN_FAILED;
	}
	row = viflo_db_rows(results[0], NULL);
	if (viflo_db_row_next(&row) && strcmp(viflo_db_row_text(&row, 0), "t") == 0)
	{
		viflo_exchange_keep(exchange, &results[1]);
		viflo_lost_explain(exchange, VIFLO_LOST_COMMITTED);
		exchange->warns = true;
		return VIFLO_TURN_DONE;
	}
	viflo_lost_explain(exchange, VIFLO_LOST_ROLLED_BACK);
	return VIFLO_TURN_FAILED;
}

static void
add_outcome_query(VifloExchange *exchange, const char *columns)
{
	VifloDbParam *params = viflo_exchange_params(exchange);
	const VifloDatabase *database = exchange->database;
	int64		elapsed = viflo_watch_now() - exchange->started;

	params[0] = viflo_db_text(database->project);
	params[1] = viflo_db_int32(database->pid);
	params[2] = viflo_db_float64((elapsed + CLOCK_SLACK) / 1000.0);
	viflo_exchange_add(exchange, psprintf("SELECT %2$s FROM " STEPS, database->schema, columns), 3);
}

static VifloTurn
ask_outcome(VifloExchange *exchange, VifloDbResult **results)
{
	if (results == NULL)
		return took_outcome(exchange, NULL);
	add_outcome_query(exchange, "pg_catalog.count(*) OPERATOR(pg_catalog.>) 0");
	add_outcome_query(exchange, viflo_output_is_json() ?
					  "COALESCE(pg_catalog.json_agg(t), '[]')" : exchange->columns);
	exchange->is_last = true;
	return viflo_exchange_try(exchange, took_outcome);
}

VifloTurn
viflo_ask_lost_transaction(VifloExchange *exchange, const char *columns)
{
	exchange->columns = columns;
	return viflo_ask_lost(exchange, ask_outcome);
}

void
viflo_lost_explain(VifloExchange *exchange, VifloLost lost)
{
	VifloFailure *failure = &exchange->failure;

	*failure = exchange->held;
	switch (lost)
	{
		case VIFLO_LOST_COMMITTED:
			viflo_failure_hint(failure, "The connection was lost after all of it was committed.");
			break;
		case VIFLO_LOST_ROLLED_BACK:
			viflo_failure_hint(failure, "The connection was lost, and the server has rolled back the run: the database is as it was before.");
			break;
		case VIFLO_LOST_UNKNOWN:
			failure->status = VIFLO_EXIT_CONNECTION;
			viflo_failure_hint(failure, "The connection was lost, and whether the run was committed could not be found out. Run: viflo status");
			break;
	}
}
