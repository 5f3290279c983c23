/*-------------------------------------------------------------------------
 * session.h
 *	  A revision's script runs as if it had a session of its own.
 *
 * viflo_session_begin() notes what the caller has; viflo_session_end() takes
 * back what the script left: settings (search_path and role among them),
 * objects in the temporary schema, prepared statements, cursors.  On error
 * the transaction's abort undoes all but prepared statements (and cursors
 * WITH HOLD of the script's own making, which die with it too):
 * viflo_session_abort() drops those, and is safe while an error is handled.
 *
 * Prepared statements are noticed by a ProcessUtility hook, so that those of
 * a DO block or a function are found too.  CLOSE ALL, DEALLOCATE ALL and
 * DISCARD TEMP of a script spare what is the caller's.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SESSION_H
#define VIFLO_SESSION_H

typedef struct VifloSession VifloSession;

/* Called once, by _PG_init. */
extern void viflo_session_init(void);

/*
 * Palloc'd in the current memory context, which must live until end or
 * abort.  Not reentrant: one at a time in a backend.  For a tenant ("" for
 * none) search_path begins with its schema; raises where that is not there.
 */
extern VifloSession *viflo_session_begin(const char *tenant);
extern void viflo_session_end(VifloSession *session);
extern void viflo_session_abort(VifloSession *session);

#endif							/* VIFLO_SESSION_H */
