/*-------------------------------------------------------------------------
 * caller.h
 *	  In whose name, where, and with which settings something runs; and
 *	  becoming that in another process.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CALLER_H
#define VIFLO_CALLER_H

#include "storage/shm_toc.h"

/*
 * Puts what this process is into a shared memory segment: database, roles,
 * settings, loaded libraries.  To be estimated and put with nothing changed
 * between.  The current user must be the session's role: not for who is within
 * a SECURITY DEFINER function.
 */
extern void viflo_caller_estimate(shm_toc_estimator *estimator);
extern void viflo_caller_put(shm_toc *toc);

/* Connects a background worker to the caller's database. */
extern void viflo_caller_connect(shm_toc *toc);

/*
 * Takes on the caller's session user, role and settings.  Raises where the
 * caller could not become all that anew (a role that is gone, or one it is no
 * longer a member of).
 */
extern void viflo_caller_become(shm_toc *toc);

/*
 * Leaves nothing in the session, outside of any transaction, so that
 * viflo_caller_become() makes a new one of it.  False: that cannot be, and the
 * process has to end.
 */
extern bool viflo_caller_leave(void);

#endif							/* VIFLO_CALLER_H */
