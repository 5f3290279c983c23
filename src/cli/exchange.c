/*-------------------------------------------------------------------------
 * exchange.c
 *	  Questions and answers of one database, and carrying them while waiting.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/exchange.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/watch.h"

void
viflo_exchange_init(VifloExchange *exchange, const VifloExchangeKind *kind,
					VifloDatabase *database, VifloLocal *local,
					const struct VifloRequest *request)
{
	memset(exchange, 0, sizeof(*exchange));
	exchange->kind = kind;
	exchange->database = database;
	exchange->local = local;
	exchange->request = request;
}

/* The question is answered, or will never be asked. */
static void
forget_question(VifloExchange *exchange)
{
	for (int i = 0; i < exchange->count; i++)
		pfree(unconstify(char *, exchange->queries[i].sql));
	exchange->count = 0;
	exchange->tries = false;
	exchange->is_long = false;
	exchange->is_last = false;
	exchange->anew = false;
	exchange->pause = 0;
	exchange->waiting = NULL;
}

void
viflo_exchange_forget_missing(VifloExchange *exchange)
{
	VifloNames *missing = &exchange->missing;

	for (int i = 0; i < missing->count; i++)
		pfree(missing->names[i]);
	if (missing->names != NULL)
		pfree(missing->names);
	memset(missing, 0, sizeof(*missing));
}

void
viflo_exchange_end(VifloExchange *exchange)
{
	forget_question(exchange);
	viflo_exchange_forget_missing(exchange);
	viflo_upload_free(&exchange->upload);
	if (exchange->own != NULL)
		pfree(exchange->own);
	viflo_db_result_free(exchange->result);
	json_decref(exchange->more);
	exchange->own = NULL;
	exchange->result = NULL;
	exchange->more = NULL;
}

VifloDbParam *
viflo_exchange_params(VifloExchange *exchange)
{
	Assert(exchange->count < VIFLO_MAX_QUERIES);
	return exchange->params[exchange->count];
}

void
viflo_exchange_add_query(VifloExchange *exchange, const VifloDbQuery *query)
{
	Assert(exchange->count < VIFLO_MAX_QUERIES);
	exchange->queries[exchange->count++] = *query;
}

void
viflo_exchange_add(VifloExchange *exchange, char *sql, int nparams)
{
	VifloDbQuery query = {sql, viflo_exchange_params(exchange), nparams, false};

	Assert(nparams <= VIFLO_MAX_PARAMS);
	viflo_exchange_add_query(exchange, &query);
}

VifloTurn
viflo_exchange_ask(VifloExchange *exchange, VifloStep step)
{
	exchange->step = step;
	exchange->interrupts = viflo_database_interrupts();
	return VIFLO_TURN_ASK;
}

VifloTurn
viflo_exchange_try(VifloExchange *exchange, VifloStep step)
{
	exchange->tries = true;
	return viflo_exchange_ask(exchange, step);
}

void
viflo_exchange_keep(VifloExchange *exchange, VifloDbResult **result)
{
	viflo_db_result_free(exchange->result);
	exchange->result = *result;
	*result = NULL;
}

VifloTurn
viflo_exchange_done(VifloExchange *exchange, VifloDbResult **results)
{
	return VIFLO_TURN_DONE;
}

bool
viflo_exchange_failed_with(const VifloExchange *exchange, const char *sqlstate)
{
	return exchange->failure.sqlstate != NULL &&
		strcmp(exchange->failure.sqlstate, sqlstate) == 0;
}

bool
viflo_exchange_may_ask(VifloExchange *exchange)
{
	if (!exchange->is_last)
		return viflo_database_may_run(&exchange->failure);
	if (exchange->pause == 0 || viflo_database_interrupts() == exchange->interrupts)
		return true;
	return viflo_failure(&exchange->failure, VIFLO_EXIT_REFUSED, "interrupted");
}

VifloTurn
viflo_exchange_answer(VifloExchange *exchange, VifloDbResult **results)
{
	int			count = exchange->count;
	bool		told = results != NULL || exchange->tries;
	VifloTurn	turn = VIFLO_TURN_FAILED;

	forget_question(exchange);
	if (told)
		turn = exchange->step(exchange, results);
	for (int i = 0; i < count && results != NULL; i++)
		viflo_db_result_free(results[i]);
	return turn;
}

/* Waits as long as the question asks for, and says what for. */
static void
pause_before(const VifloExchange *exchange)
{
	VifloProgress progress = {.phase = exchange->waiting};
	int			width = exchange->waiting != NULL ? viflo_status_width() : 0;
	char	   *line;

	if (exchange->pause <= 0)
		return;
	if (width > 0)
	{
		line = viflo_progress_line(&progress, width, exchange->waited);
		viflo_status_show(line);
		pfree(line);
	}
	viflo_watch_pause(exchange->pause);
}

static bool
carry(VifloExchange *exchange, VifloDbResult **results)
{
	VifloDatabase *database = exchange->database;

	pause_before(exchange);
	if (!viflo_exchange_may_ask(exchange) ||
		(exchange->anew && !viflo_database_reconnect(database, &exchange->failure)))
		return false;
	if (exchange->is_last)
		return viflo_database_look_back(database, exchange->queries, exchange->count, results) ||
			viflo_database_fail(database, &exchange->failure);
	if (exchange->is_long)
		return viflo_database_run_shown(database, exchange->queries, exchange->count,
										results, &exchange->failure);
	return viflo_database_run(database, exchange->queries, exchange->count,
							  results, &exchange->failure);
}

bool
viflo_exchange_run(VifloExchange *exchange, VifloTurn turn)
{
	VifloDbResult *results[VIFLO_MAX_QUERIES];

	while (turn == VIFLO_TURN_ASK)
	{
		bool		answered = carry(exchange, results);

		turn = viflo_exchange_answer(exchange, answered ? results : NULL);
	}
	return turn == VIFLO_TURN_DONE;
}
