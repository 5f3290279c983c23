/*-------------------------------------------------------------------------
 * connection.h
 *	  What a session is made of, and its connection's beginning, waits and
 *	  end.  Internal.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_CONNECTION_H
#define VIFLO_CLIENT_CONNECTION_H

#include <libpq-fe.h>

#include "engine.h"

typedef enum VifloSessionState
{
	VIFLO_SESSION_CONNECTING,
	VIFLO_SESSION_IDLE,			/* nothing under way; maybe in a transaction */
	VIFLO_SESSION_BUSY,			/* sent, not all results are in */
	VIFLO_SESSION_BROKEN		/* the connection is of no more use */
} VifloSessionState;

/*
 * Made by viflo_db_session_open(), freed by viflo_db_session_close(); in between
 * it is either in its engine's list of idle ones or with one user.
 */
struct VifloSession
{
	VifloEngine *engine;
	VifloSession *next;			/* in the engine's list */
	PGconn	   *connection;
	VifloSessionState state;
	int			wants;			/* VIFLO_DB_WANTS_... while waiting */
	int			timeout;		/* of blocking calls, ms; 0: none */
	int64_t		opened;			/* viflo_db_now() */
	int64_t		released;		/* into the engine's list */
	VifloDbNoticeFunction on_notice;
	void	   *notice_arg;

	/* What is under way: count queries, of which current is being answered. */
	int			count;
	int			current;
	bool		pipeline;
	bool		keep_results;
	bool		copying_out;
	VifloDbError failure;		/* the first one */

	/* Results that came in: taken ones are NULL again. */
	VifloDbResult **results;	/* count of them */
	int			nresults;
	int			taken;
};

/* Milliseconds of a clock that nobody sets. */
extern int64_t viflo_db_now(void);

/*
 * A new session on a connection that keywords and values describe, as for
 * PQconnectdbParams(); with wait, connected.
 */
extern VifloSession *viflo_db_session_open(VifloEngine *engine,
										   const char *const *keywords,
										   const char *const *values,
										   bool wait, VifloDbError *error);
extern void viflo_db_session_close(VifloSession *session);

/* One step of connecting. */
extern VifloDbProgress viflo_db_session_connect_step(VifloSession *session,
													 VifloDbError *error);

/*
 * Is the connection still there?  Looks at what has arrived meanwhile, and
 * does not wait.
 */
extern bool viflo_db_session_alive(VifloSession *session);

/*
 * Waits until the socket is ready for what the session wants, or until
 * deadline (negative: none).  False when that has passed.
 */
extern bool viflo_db_session_wait(const VifloSession *session, int64_t deadline);

/* Frees results that nobody took, and what else the last send left. */
extern void viflo_db_session_forget(VifloSession *session);

#endif							/* VIFLO_CLIENT_CONNECTION_H */
