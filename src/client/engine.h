/*-------------------------------------------------------------------------
 * engine.h
 *	  An engine: a database, by URL, and a bounded pool of sessions on it.
 *
 * Made once, shared by all threads of a program.  It connects when a session
 * is first asked for, not before.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_ENGINE_H
#define VIFLO_CLIENT_ENGINE_H

#include "cancel.h"
#include "transaction.h"

VIFLO_DB_BEGIN

typedef struct VifloEngine VifloEngine;

/* Zeroed is all defaults.  Times are in milliseconds. */
typedef struct VifloEngineOptions
{
	/* Sessions at a time, in use or idle.  Default 5. */
	int			max_sessions;

	/*
	 * How long to wait for one when all are in use.  Default 30000; negative:
	 * not at all.
	 */
	int			acquire_timeout;

	/*
	 * For connecting where neither URL, environment nor service file has a
	 * connect_timeout.  Default 30000.
	 */
	int			connect_timeout;

	/* Connections older than this are not used again.  Default: no limit. */
	int			max_lifetime;

	/*
	 * A connection idle longer than this is asked for a sign of life, one
	 * round trip, before it is handed out.  Shorter ones are looked at, not
	 * asked: a connection that the server has closed is always found. Default
	 * 10000; negative: never ask.
	 */
	int			ping_after;

	/*
	 * Keep what a user left in a session (settings, temporary tables,
	 * prepared statements, advisory locks) for the next one.  Default: a
	 * DISCARD ALL when it is released.
	 */
	bool		keep_state;

	/*
	 * application_name where the URL and the environment have none.  Default
	 * "libviflo".
	 */
	const char *application_name;

	/* Handler that every new session starts with; see viflo_db_on_notice(). */
	VifloDbNoticeFunction on_notice;
	void	   *notice_arg;
} VifloEngineOptions;

/*
 * url: "postgresql://...", or "host=... dbname=...", or a database name, as
 * psql takes them; NULL or empty: libpq's own defaults (PGHOST, PGSERVICE and
 * so on).  The client encoding is UTF8 unless url says otherwise.  options
 * may be NULL; all is copied.  NULL when url cannot be read.
 */
extern VifloEngine *viflo_engine_new(const char *url,
									 const VifloEngineOptions *options,
									 VifloDbError *error);

/*
 * Closes idle connections and refuses new sessions.  Sessions still in use
 * work on; the last one released takes the engine with it.
 */
extern void viflo_engine_free(VifloEngine *engine);

/*
 * A session that works: from the pool, or a new connection.  Waits when all
 * are in use, and while connecting.  NULL on failure: VIFLO_DB_TIMEOUT_ERROR
 * (53300) when none became free, VIFLO_DB_CONNECTION_ERROR when none could
 * be opened.
 */
extern VifloSession *viflo_engine_acquire(VifloEngine *engine, VifloDbError *error);

/*
 * The same without waiting: the session may still be connecting, so call
 * viflo_db_advance() until VIFLO_DB_READY.  Fails at once when all are in
 * use.  Bounding the time to connect is up to the caller's event loop, and a
 * pooled session is not asked for a sign of life.
 */
extern VifloSession *viflo_engine_acquire_start(VifloEngine *engine,
												VifloDbError *error);

/*
 * Gives a session back.  An open transaction is rolled back, a query under
 * way cancelled; a broken or too old connection is closed.  Harmless on NULL.
 */
extern void viflo_db_release(VifloSession *session);

/* viflo_db_scope() with a session of its own. */
extern bool viflo_engine_scope(VifloEngine *engine, VifloDbScopeFunction fn,
							   void *arg, VifloDbError *error);

/* How many sessions there are, and how many of them are idle. */
extern void viflo_engine_count(VifloEngine *engine, int *sessions, int *idle);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_ENGINE_H */
