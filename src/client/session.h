/*-------------------------------------------------------------------------
 * session.h
 *	  A session: queries and pipelines; blocking, or driven by the caller's
 *	  own event loop.
 *
 * Sessions come from an engine (engine.h) and go back to it with
 * viflo_db_release().  A session belongs to one thread at a time; only
 * viflo_db_cancel_send() may be called from elsewhere.
 *
 * There is one mechanism under both ways of use.  Without blocking:
 *
 *		viflo_db_send(session, queries, count, &error);
 *		while (viflo_db_advance(session, &error) == VIFLO_DB_WAITING)
 *			wait until viflo_db_socket() is ready for viflo_db_wants();
 *		while ((result = viflo_db_take(session)) != NULL)
 *			...
 *
 * and the blocking calls are that loop around poll().
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_SESSION_H
#define VIFLO_CLIENT_SESSION_H

#include "result.h"

VIFLO_DB_BEGIN

struct pg_conn;

typedef struct VifloSession VifloSession;

/* A query and its parameters, all borrowed until it is sent. */
typedef struct VifloDbQuery
{
	const char *sql;			/* one statement, with $1, $2 ... */
	const VifloDbParam *params;
	int			nparams;
	bool		binary;			/* ask for the result in binary format */
} VifloDbQuery;

/*-------------------------------------------------------------------------
 * Blocking use
 *-------------------------------------------------------------------------
 */

/* Runs one statement.  NULL on failure; the result is the caller's to free. */
extern VifloDbResult *viflo_db_query(VifloSession *session, const char *sql,
									 const VifloDbParam *params, int nparams,
									 VifloDbError *error);
extern VifloDbResult *viflo_db_query_binary(VifloSession *session, const char *sql,
											const VifloDbParam *params, int nparams,
											VifloDbError *error);

/* The same where only success matters. */
extern bool viflo_db_execute(VifloSession *session, const char *sql,
							 const VifloDbParam *params, int nparams,
							 VifloDbError *error);

/*
 * Several statements in one text, no parameters, no results; one implicit
 * transaction unless they bring their own.  COPY with the client fails.
 */
extern bool viflo_db_script(VifloSession *session, const char *sql,
							VifloDbError *error);

/*
 * Runs count queries in one round trip (libpq's pipeline mode).  Outside a
 * transaction they are one: all or nothing.  results has room for count
 * pointers.  On failure all of them are NULL, and error->query says which
 * query failed.
 */
extern bool viflo_db_pipeline(VifloSession *session,
							  const VifloDbQuery *queries, int count,
							  VifloDbResult **results, VifloDbError *error);

/*
 * Bounds every later blocking call, in milliseconds; 0, the default: no
 * bound.  A call that takes longer is cancelled on the server, fails with
 * VIFLO_DB_TIMEOUT_ERROR, and the session is then broken, as nobody knows
 * what became of the query.
 */
extern void viflo_db_set_timeout(VifloSession *session, int milliseconds);

/*-------------------------------------------------------------------------
 * Use in an event loop
 *-------------------------------------------------------------------------
 */

typedef enum VifloDbProgress
{
	VIFLO_DB_READY,				/* nothing under way; results can be taken */
	VIFLO_DB_WAITING,			/* wait for the socket, then advance again */
	VIFLO_DB_FAILED				/* see the error; look at viflo_db_broken() */
} VifloDbProgress;

#define VIFLO_DB_WANTS_READ		1
#define VIFLO_DB_WANTS_WRITE	2

/* Starts one query, or a pipeline of several.  Nothing may be under way. */
extern bool viflo_db_send(VifloSession *session, const VifloDbQuery *queries,
						  int count, VifloDbError *error);

/* Does what can be done without waiting. */
extern VifloDbProgress viflo_db_advance(VifloSession *session, VifloDbError *error);

/* Ask both again after each advance: while connecting, the socket may change. */
extern int	viflo_db_socket(const VifloSession *session);
extern int	viflo_db_wants(const VifloSession *session);

/*
 * How long connecting may take, in milliseconds, by connect_timeout of URL,
 * environment, service file or engine; negative: as long as it likes.  libpq
 * leaves that to who does not let it wait.
 */
extern int	viflo_db_connect_timeout(const VifloSession *session);

/*
 * The next finished result of what was sent, in the order of the queries;
 * NULL when none is there (yet).  The caller frees it.  Results not taken
 * are freed by the next send.
 */
extern VifloDbResult *viflo_db_take(VifloSession *session);

/*-------------------------------------------------------------------------
 * The session itself
 *-------------------------------------------------------------------------
 */

/*
 * Notices, warnings and the like, as they arrive, inside the call that reads
 * them.  notice lives until the handler returns.  Without a handler they are
 * dropped.  The handler must not use the session.
 */
typedef void (*VifloDbNoticeFunction) (const VifloDbError *notice, void *arg);

extern void viflo_db_on_notice(VifloSession *session, VifloDbNoticeFunction fn,
							   void *arg);

/* Is the connection lost?  Then only viflo_db_release() remains. */
extern bool viflo_db_broken(const VifloSession *session);

extern int	viflo_db_backend_pid(const VifloSession *session);
extern int	viflo_db_server_version(const VifloSession *session);	/* 150004 */

/* libpq's PGconn (non-blocking mode is on; leave it on).  Owned by the session. */
extern struct pg_conn *viflo_db_connection(VifloSession *session);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_SESSION_H */
