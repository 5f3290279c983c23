/*-------------------------------------------------------------------------
 * lockwait.h
 *	  Watches this process's own lock waits while a statement runs.
 *
 * The error of a lock wait that was given up does not say which lock it was,
 * and the server has forgotten it by then.  And lock_timeout is the same for
 * waits that hold up others and for those that do not.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LOCKWAIT_H
#define VIFLO_LOCKWAIT_H

#include "storage/lock.h"

/*
 * From now on, until unwatch, waits that last as long as lock_timeout or
 * deadlock_timeout are noted.  Forgets an earlier one.
 *
 * Waits for a lock on a relation that keeps even readers or writers behind it
 * waiting end after queue_timeout milliseconds, or somewhat later, as if that
 * was the lock_timeout; 0: do not.
 */
extern void viflo_lockwait_watch(int queue_timeout);
extern void viflo_lockwait_unwatch(void);

/* Tells, and forgets, the last wait that was noted; false: none was. */
extern bool viflo_lockwait_take(LOCKTAG *tag, LOCKMODE *mode);

#endif							/* VIFLO_LOCKWAIT_H */
