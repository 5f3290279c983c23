/*-------------------------------------------------------------------------
 * watch.h
 *	  Runs queries, and shows meanwhile what the server does.
 *
 * A second session asks view viflo.progress a few times a second, once the
 * run has taken long enough for anybody to wonder.  It is a convenience:
 * where it cannot be had, or is lost, the run goes on without.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_WATCH_H
#define VIFLO_CLI_WATCH_H

#include "client/viflo.h"

/*
 * As viflo_db_pipeline(), on a session whose process the server knows as pid.
 * The second session is one of engine, which needs room for it.
 */
extern bool viflo_watch_run(VifloEngine *engine, VifloSession *session, int pid,
							const VifloDbQuery *queries, int count,
							VifloDbResult **results, VifloDbError *error);

/* Milliseconds of a clock that nobody sets. */
extern int64 viflo_watch_now(void);

/* Waits so long, or until a signal comes. */
extern void viflo_watch_pause(int milliseconds);

/* The same, or until the session's socket is ready for what it wants. */
extern void viflo_watch_session(const VifloSession *session, int milliseconds);

#endif							/* VIFLO_CLI_WATCH_H */
