/*-------------------------------------------------------------------------
 * session.c
 *	  Queries and pipelines: sending, advancing, taking results.
 *
 * viflo_db_send() puts queries on their way and makes the session BUSY;
 * viflo_db_advance() writes and reads what it can until all results are in,
 * and makes it IDLE again, or BROKEN when the connection is lost.  Blocking
 * calls send, then advance and wait in turn.
 *
 * While a pipeline is written, its first results are read already, so that
 * client and server cannot both wait for the other to read.  It has one sync
 * point, at its end: outside a transaction the server runs it as one, and
 * after a failure skips the rest.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "libpq_error.h"
#include "param.h"


/*-------------------------------------------------------------------------
 * Sending
 *-------------------------------------------------------------------------
 */

static bool
broken(VifloSession *session, VifloDbError *error)
{
	session->state = VIFLO_SESSION_BROKEN;
	session->wants = 0;
	viflo_db_error_from_connection(error, session->connection,
								   VIFLO_DB_CONNECTION_ERROR, "08006");
	return false;
}

/* May something be sent now? */
static bool
check_idle(VifloSession *session, VifloDbError *error)
{
	switch (session->state)
	{
		case VIFLO_SESSION_IDLE:
			return true;
		case VIFLO_SESSION_BROKEN:
			return broken(session, error);
		case VIFLO_SESSION_CONNECTING:
			return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "55000",
									  "the session is still connecting");
		case VIFLO_SESSION_BUSY:
			break;
	}
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "55000",
							  "the session has a query under way");
}

static bool
send_one(VifloSession *session, const VifloDbQuery *query,
		 const VifloDbEncoded *params)
{
	return PQsendQueryParams(session->connection, query->sql, query->nparams,
							 params->types, params->values, params->lengths,
							 params->formats, query->binary ? 1 : 0) == 1;
}

/* Puts queries whose parameters are encoded into libpq's buffer. */
static bool
send_encoded(VifloSession *session, const VifloDbQuery *queries, int count,
			 const VifloDbEncoded *params)
{
	if (count == 1)
		return send_one(session, &queries[0], &params[0]);
	if (PQenterPipelineMode(session->connection) != 1)
		return false;
	session->pipeline = true;
	for (int i = 0; i < count; i++)
	{
		if (!send_one(session, &queries[i], &params[i]))
			return false;
	}
	return PQpipelineSync(session->connection) == 1;
}

/* Room for the results of count queries, and nothing in it. */
static bool
prepare(VifloSession *session, int count, bool keep_results, VifloDbError *error)
{
	viflo_db_session_forget(session);
	session->results = calloc(count, sizeof(*session->results));
	if (session->results == NULL)
		return viflo_db_error_memory(error);
	session->count = count;
	session->current = 0;
	session->pipeline = false;
	session->keep_results = keep_results;
	session->copying_out = false;
	return true;
}

static void
sent(VifloSession *session)
{
	session->state = VIFLO_SESSION_BUSY;
	session->wants = VIFLO_DB_WANTS_READ | VIFLO_DB_WANTS_WRITE;
}

/* Encodes all before it sends any: what cannot be encoded costs nothing. */
static bool
send_queries(VifloSession *session, const VifloDbQuery *queries, int count,
			 VifloDbEncoded *params, VifloDbError *error)
{
	for (int i = 0; i < count; i++)
	{
		if (!viflo_db_encode(queries[i].params, queries[i].nparams,
							 &params[i], error))
		{
			if (error != NULL)
				error->query = i;
			return false;
		}
	}
	if (!send_encoded(session, queries, count, params))
		return broken(session, error);
	sent(session);
	return true;
}

bool
viflo_db_send(VifloSession *session, const VifloDbQuery *queries, int count,
			  VifloDbError *error)
{
	VifloDbEncoded *params;
	bool		result;

	if (!check_idle(session, error))
		return false;
	if (count < 1)
		return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "22023",
								  "there is no query to send");
	if (!prepare(session, count, true, error))
		return false;
	params = calloc(count, sizeof(*params));
	if (params == NULL)
		return viflo_db_error_memory(error);
	result = send_queries(session, queries, count, params, error);
	for (int i = 0; i < count; i++)
		viflo_db_encoded_free(&params[i]);
	free(params);
	return result;
}

/*-------------------------------------------------------------------------
 * Advancing
 *-------------------------------------------------------------------------
 */

/* Remembers the first failure, and which query it was. */
static void
note_failure(VifloSession *session, const PGresult *result)
{
	if (session->failure.kind != VIFLO_DB_NO_ERROR)
		return;
	viflo_db_error_from_result(&session->failure, result);
	session->failure.query = session->current;
}

static void
note_copy(VifloSession *session)
{
	if (session->failure.kind != VIFLO_DB_NO_ERROR)
		return;
	viflo_db_error_set(&session->failure, VIFLO_DB_CLIENT_ERROR, "0A000",
					   "COPY from or to the client is not supported here");
	session->failure.query = session->current;
}

/* Takes one result that arrived.  False: the session is of no more use. */
static bool
take_in(VifloSession *session, PGresult *result)
{
	switch (PQresultStatus(result))
	{
		case PGRES_COMMAND_OK:
		case PGRES_TUPLES_OK:
		case PGRES_EMPTY_QUERY:
			if (session->keep_results && session->nresults < session->count)
			{
				session->results[session->nresults++] = result;
				return true;
			}
			break;
		case PGRES_PIPELINE_SYNC:
		case PGRES_PIPELINE_ABORTED:
			break;
		case PGRES_COPY_IN:
			note_copy(session);
			PQclear(result);
			return PQputCopyEnd(session->connection,
								"the client has no data to send") == 1;
		case PGRES_COPY_OUT:
			note_copy(session);
			session->copying_out = true;
			break;
		case PGRES_COPY_BOTH:
			note_copy(session);
			PQclear(result);
			return false;
		default:
			note_failure(session, result);
			break;
	}
	PQclear(result);
	return true;
}

/* Throws away what COPY TO sends.  False: more of it will come. */
static bool
drain_copy(VifloSession *session)
{
	char	   *buffer;
	int			length;

	while ((length = PQgetCopyData(session->connection, &buffer, 1)) > 0)
		PQfreemem(buffer);
	if (length == 0)
		return false;
	session->copying_out = false;
	return true;
}

/* All is in: what came of it? */
static VifloDbProgress
finish(VifloSession *session, VifloDbError *error)
{
	bool		lost = session->state == VIFLO_SESSION_BROKEN;

	if (session->pipeline && !lost)
		lost = PQexitPipelineMode(session->connection) != 1;
	if (PQstatus(session->connection) != CONNECTION_OK)
		lost = true;
	session->state = lost ? VIFLO_SESSION_BROKEN : VIFLO_SESSION_IDLE;
	session->wants = 0;

	if (session->failure.kind != VIFLO_DB_NO_ERROR)
	{
		VifloDbError failure = session->failure;

		/* A farewell like 57P01 keeps its words, but is a lost connection. */
		if (lost && failure.kind == VIFLO_DB_SERVER_ERROR)
			failure.kind = VIFLO_DB_CONNECTION_ERROR;
		memset(&session->failure, 0, sizeof(session->failure));
		viflo_db_session_forget(session);
		viflo_db_error_move(error, &failure);
		return VIFLO_DB_FAILED;
	}
	if (lost)
	{
		viflo_db_session_forget(session);
		broken(session, error);
		return VIFLO_DB_FAILED;
	}
	return VIFLO_DB_READY;
}

/*
 * Takes in whatever can be had without waiting.  True when that is all there
 * is to come.
 */
static bool
receive(VifloSession *session)
{
	/* With the connection gone, PQgetResult() no longer waits for it. */
	while (PQstatus(session->connection) != CONNECTION_OK ||
		   !PQisBusy(session->connection))
	{
		PGresult   *result;
		bool		sync;

		if (session->copying_out && !drain_copy(session))
			return false;
		result = PQgetResult(session->connection);
		if (result == NULL)
		{
			/* One NULL ends a query; in a pipeline, the sync ends it all. */
			if (!session->pipeline ||
				PQstatus(session->connection) != CONNECTION_OK)
				return true;
			session->current++;
			continue;
		}
		sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (!take_in(session, result))
		{
			session->state = VIFLO_SESSION_BROKEN;
			return true;
		}
		if (sync)
			return true;
	}
	return false;
}

static VifloDbProgress
pump(VifloSession *session, VifloDbError *error)
{
	int			unsent;

	/*
	 * That writing fails is no reason to stop: the server may have said why
	 * before it hung up, and that is still to be read.
	 */
	unsent = PQflush(session->connection);
	(void) PQconsumeInput(session->connection);
	if (receive(session))
		return finish(session, error);

	/* Ending a COPY may have left something to send. */
	if (unsent == 0)
		unsent = PQflush(session->connection);
	session->wants = VIFLO_DB_WANTS_READ;
	if (unsent > 0)
		session->wants |= VIFLO_DB_WANTS_WRITE;
	return VIFLO_DB_WAITING;
}

VifloDbProgress
viflo_db_advance(VifloSession *session, VifloDbError *error)
{
	switch (session->state)
	{
		case VIFLO_SESSION_CONNECTING:
			return viflo_db_session_connect_step(session, error);
		case VIFLO_SESSION_IDLE:
			return VIFLO_DB_READY;
		case VIFLO_SESSION_BUSY:
			return pump(session, error);
		case VIFLO_SESSION_BROKEN:
			break;
	}
	broken(session, error);
	return VIFLO_DB_FAILED;
}

VifloDbResult *
viflo_db_take(VifloSession *session)
{
	VifloDbResult *result;

	if (session->taken >= session->nresults)
		return NULL;
	result = session->results[session->taken];
	session->results[session->taken++] = NULL;
	return result;
}

/*-------------------------------------------------------------------------
 * Blocking calls
 *-------------------------------------------------------------------------
 */

/* Waited long enough.  The query may go on, so it is asked to stop. */
static bool
timed_out(VifloSession *session, VifloDbError *error)
{
	VifloDbCancel *cancel = viflo_db_cancel_new(session, NULL);

	if (cancel != NULL)
		(void) viflo_db_cancel_send(cancel);
	viflo_db_cancel_free(cancel);
	session->state = VIFLO_SESSION_BROKEN;
	viflo_db_session_forget(session);
	return viflo_db_error_set(error, VIFLO_DB_TIMEOUT_ERROR, "57014",
							  "no answer from the server within %d ms",
							  session->timeout);
}

/* Waits for the end of what is under way. */
static bool
complete(VifloSession *session, VifloDbError *error)
{
	int64_t		deadline = session->timeout > 0 ?
	viflo_db_now() + session->timeout : -1;

	for (;;)
	{
		switch (viflo_db_advance(session, error))
		{
			case VIFLO_DB_READY:
				return true;
			case VIFLO_DB_FAILED:
				return false;
			case VIFLO_DB_WAITING:
				break;
		}
		if (!viflo_db_session_wait(session, deadline))
			return timed_out(session, error);
	}
}

static VifloDbResult *
run_query(VifloSession *session, const VifloDbQuery *query, VifloDbError *error)
{
	VifloDbResult *result;

	if (!viflo_db_send(session, query, 1, error) || !complete(session, error))
		return NULL;
	result = viflo_db_take(session);
	if (result == NULL)
		viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "0A000",
						   "the query gave no result");
	return result;
}

VifloDbResult *
viflo_db_query(VifloSession *session, const char *sql,
			   const VifloDbParam *params, int nparams, VifloDbError *error)
{
	VifloDbQuery query = {sql, params, nparams, false};

	return run_query(session, &query, error);
}

VifloDbResult *
viflo_db_query_binary(VifloSession *session, const char *sql,
					  const VifloDbParam *params, int nparams,
					  VifloDbError *error)
{
	VifloDbQuery query = {sql, params, nparams, true};

	return run_query(session, &query, error);
}

bool
viflo_db_execute(VifloSession *session, const char *sql,
				 const VifloDbParam *params, int nparams, VifloDbError *error)
{
	VifloDbResult *result = viflo_db_query(session, sql, params, nparams, error);

	viflo_db_result_free(result);
	return result != NULL;
}

bool
viflo_db_script(VifloSession *session, const char *sql, VifloDbError *error)
{
	if (!check_idle(session, error) || !prepare(session, 1, false, error))
		return false;
	if (PQsendQuery(session->connection, sql) != 1)
		return broken(session, error);
	sent(session);
	return complete(session, error);
}

bool
viflo_db_pipeline(VifloSession *session, const VifloDbQuery *queries, int count,
				  VifloDbResult **results, VifloDbError *error)
{
	for (int i = 0; i < count; i++)
		results[i] = NULL;
	if (count == 0)
		return check_idle(session, error);
	if (!viflo_db_send(session, queries, count, error) ||
		!complete(session, error))
		return false;
	for (int i = 0; i < count; i++)
		results[i] = viflo_db_take(session);
	return true;
}

void
viflo_db_set_timeout(VifloSession *session, int milliseconds)
{
	session->timeout = milliseconds;
}

/*-------------------------------------------------------------------------
 * The session itself
 *-------------------------------------------------------------------------
 */

int
viflo_db_socket(const VifloSession *session)
{
	return PQsocket(session->connection);
}

int
viflo_db_wants(const VifloSession *session)
{
	return session->wants;
}

int
viflo_db_connect_timeout(const VifloSession *session)
{
	PQconninfoOption *options = PQconninfo(session->connection);
	int			seconds = 0;

	for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
	{
		if (strcmp(option->keyword, "connect_timeout") == 0 && option->val != NULL)
			seconds = atoi(option->val);
	}
	PQconninfoFree(options);

	/* libpq's own rules: no limit, and none that is shorter than 2 s. */
	if (seconds <= 0)
		return -1;
	if (seconds > INT32_MAX / 1000)
		return INT32_MAX;
	return (seconds < 2 ? 2 : seconds) * 1000;
}

void
viflo_db_on_notice(VifloSession *session, VifloDbNoticeFunction fn, void *arg)
{
	session->on_notice = fn;
	session->notice_arg = arg;
}

bool
viflo_db_broken(const VifloSession *session)
{
	return session->state == VIFLO_SESSION_BROKEN;
}

int
viflo_db_backend_pid(const VifloSession *session)
{
	return PQbackendPID(session->connection);
}

int
viflo_db_server_version(const VifloSession *session)
{
	return PQserverVersion(session->connection);
}

struct pg_conn *
viflo_db_connection(VifloSession *session)
{
	return session->connection;
}
