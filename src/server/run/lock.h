/*-------------------------------------------------------------------------
 * lock.h
 *	  One migrator at a time for each project and tenant.
 *
 * The lock is one of the server's own on an object that no SQL command locks,
 * so that, unlike an advisory lock, no user can take it by hand, and the
 * deadlock detector and pg_locks know it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LOCK_H
#define VIFLO_LOCK_H

/*
 * Takes the lock until the transaction ends.  Waits viflo_migrate.lock_wait
 * at most (or the caller's lock_timeout, when that is shorter), can be
 * cancelled meanwhile, and raises VIFLO_LOCK_TIMEOUT with the holder's pid,
 * application and start in the detail.
 */
extern void viflo_lock_acquire(const char *project, const char *tenant);

/* Takes it only if it is free now. */
extern bool viflo_lock_try(const char *project, const char *tenant);

/*
 * Gives it back early, for a caller that found nothing to do: others need
 * not wait for the end of its transaction.
 */
extern void viflo_lock_release(const char *project, const char *tenant);

#endif							/* VIFLO_LOCK_H */
