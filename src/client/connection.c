/*-------------------------------------------------------------------------
 * connection.c
 *	  A session's connection: its beginning, its waits and its end.
 *
 * A blocking connect is libpq's own, as only that tries the next host when
 * one does not answer in time.  From then on the connection is in
 * non-blocking mode, whichever way it is used.
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "connection.h"
#include "libpq_error.h"

/* Reads of one look at an idle connection; what sends more is not idle. */
#define LOOK_MAX	8

int64_t
viflo_db_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* libpq's notice receiver. */
static void
receive_notice(void *arg, const PGresult *result)
{
	VifloSession *session = arg;
	VifloDbError notice = {0};

	if (session->on_notice == NULL)
		return;
	viflo_db_error_from_result(&notice, result);
	session->on_notice(&notice, session->notice_arg);
	viflo_db_error_clear(&notice);
}

/* The connection is there: from now on it does not block. */
static bool
connected(VifloSession *session, VifloDbError *error)
{
	if (PQsetnonblocking(session->connection, 1) != 0)
	{
		session->state = VIFLO_SESSION_BROKEN;
		viflo_db_error_from_connection(error, session->connection,
									   VIFLO_DB_CONNECTION_ERROR, "08001");
		return false;
	}
	session->state = VIFLO_SESSION_IDLE;
	session->wants = 0;
	session->opened = viflo_db_now();
	return true;
}

/* Connects, or begins to; false with *error. */
static bool
start(VifloSession *session, const char *const *keywords,
	  const char *const *values, bool wait, VifloDbError *error)
{
	session->connection = wait ? PQconnectdbParams(keywords, values, 1) :
		PQconnectStartParams(keywords, values, 1);
	if (session->connection == NULL)
		return viflo_db_error_memory(error);
	if (PQstatus(session->connection) == CONNECTION_BAD)
	{
		viflo_db_error_from_connection(error, session->connection,
									   VIFLO_DB_CONNECTION_ERROR, "08001");
		return false;
	}
	PQsetNoticeReceiver(session->connection, receive_notice, session);
	if (wait)
		return connected(session, error);
	session->state = VIFLO_SESSION_CONNECTING;
	session->wants = VIFLO_DB_WANTS_WRITE;
	return true;
}

VifloSession *
viflo_db_session_open(VifloEngine *engine, const char *const *keywords,
					  const char *const *values, bool wait, VifloDbError *error)
{
	VifloSession *session = calloc(1, sizeof(*session));

	if (session == NULL)
	{
		viflo_db_error_memory(error);
		return NULL;
	}
	session->engine = engine;
	session->opened = viflo_db_now();
	if (start(session, keywords, values, wait, error))
		return session;
	viflo_db_session_close(session);
	return NULL;
}

void
viflo_db_session_close(VifloSession *session)
{
	session->on_notice = NULL;
	viflo_db_session_forget(session);
	PQfinish(session->connection);
	free(session);
}

/* Is the socket ready for one of wants?  timeout as poll() has it. */
static int
poll_socket(const VifloSession *session, int wants, int timeout)
{
	struct pollfd socket = {PQsocket(session->connection), 0, 0};

	if (wants & VIFLO_DB_WANTS_READ)
		socket.events |= POLLIN;
	if (wants & VIFLO_DB_WANTS_WRITE)
		socket.events |= POLLOUT;
	return poll(&socket, 1, timeout);
}

VifloDbProgress
viflo_db_session_connect_step(VifloSession *session, VifloDbError *error)
{
	/* PQconnectPoll() must not be called before the socket is ready. */
	if (poll_socket(session, session->wants, 0) == 0)
		return VIFLO_DB_WAITING;
	switch (PQconnectPoll(session->connection))
	{
		case PGRES_POLLING_OK:
			return connected(session, error) ? VIFLO_DB_READY : VIFLO_DB_FAILED;
		case PGRES_POLLING_READING:
			session->wants = VIFLO_DB_WANTS_READ;
			return VIFLO_DB_WAITING;
		case PGRES_POLLING_WRITING:
			session->wants = VIFLO_DB_WANTS_WRITE;
			return VIFLO_DB_WAITING;
		default:
			session->state = VIFLO_SESSION_BROKEN;
			viflo_db_error_from_connection(error, session->connection,
										   VIFLO_DB_CONNECTION_ERROR, "08001");
			return VIFLO_DB_FAILED;
	}
}

bool
viflo_db_session_alive(VifloSession *session)
{
	if (session->state != VIFLO_SESSION_IDLE ||
		PQstatus(session->connection) != CONNECTION_OK)
		return false;
	for (int look = 0; look < LOOK_MAX; look++)
	{
		if (poll_socket(session, VIFLO_DB_WANTS_READ, 0) == 0)
			return true;

		/* A farewell message, parameter changes, or the end. */
		if (PQconsumeInput(session->connection) == 0)
			return false;
		(void) PQisBusy(session->connection);
		if (PQstatus(session->connection) != CONNECTION_OK)
			return false;
	}
	return false;
}

bool
viflo_db_session_wait(const VifloSession *session, int64_t deadline)
{
	for (;;)
	{
		int			timeout = -1;
		int			ready;

		if (deadline >= 0)
		{
			int64_t		left = deadline - viflo_db_now();

			if (left <= 0)
				return false;
			timeout = left > INT32_MAX ? INT32_MAX : (int) left;
		}

		/* Failures of poll() itself show when the socket is used. */
		ready = poll_socket(session, session->wants, timeout);
		if (ready > 0 || (ready < 0 && errno != EINTR))
			return true;
	}
}

void
viflo_db_session_forget(VifloSession *session)
{
	for (int i = session->taken; i < session->nresults; i++)
		PQclear(session->results[i]);
	free(session->results);
	session->results = NULL;
	session->nresults = 0;
	session->taken = 0;
	viflo_db_error_clear(&session->failure);
}
