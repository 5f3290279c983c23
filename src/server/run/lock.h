/*-------------------------------------------------------------------------
 * lock.h
 *	  One migrator at a time for each project and tenant.
 *
 * The lock is one of the server's own on an object that no SQL command locks,
 * so that, unlike an advisory lock, no user can take it by hand, and the
 * deadlock detector and pg_locks know it.
 *
 * Whoever runs without a tenant, or changes the project's revisions, has the
 * project's lock.  Whoever runs for a tenant has that of the tenant, and shares
 * the project's: tenants do not wait for each other, and no revision changes
 * or goes while one of them runs it.
 *
 * A step that runs outside of a transaction, in a worker, waits for other
 * sessions' snapshots; whoever waits for the migrator in a query has one.
 * Hence a second lock says that such a step is under way, shared by the
 * session that runs the plan and its worker, and waited for by nobody.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LOCK_H
#define VIFLO_LOCK_H

#include "storage/lock.h"

/* The mode of that second lock. */
#define VIFLO_STEP_MARK	RowExclusiveLock

/*
 * Takes the lock until the transaction ends.  Waits viflo_migrate.lock_wait
 * at most (or the caller's lock_timeout, when that is shorter), can be
 * cancelled meanwhile, and raises VIFLO_LOCK_TIMEOUT with the holder's pid,
 * application and start in the detail.  Raises VIFLO_STEP_UNDER_WAY, within
 * two deadlock_timeouts, when the holder runs a step outside of a transaction.
 */
extern void viflo_lock_acquire(const char *project, const char *tenant);

/* Takes it only if it is free now. */
extern bool viflo_lock_try(const char *project, const char *tenant);

/*
 * Gives it back early, for a caller that found nothing to do: others need
 * not wait for the end of its transaction.
 */
extern void viflo_lock_release(const char *project, const char *tenant);

/*
 * The lock for the session, which survives commits.  An abort of the
 * top-level transaction takes it away; one of a subtransaction does not.
 */
typedef struct VifloMigratorLock
{
	LOCKTAG		tag;
	LOCKTAG		step_tag;
	bool		shares;			/* for a tenant: the project's, too */
	LOCKTAG		project_tag;
	LOCKTAG		project_step_tag;
	bool		held;
	bool		marked;			/* a step outside of a transaction is under
								 * way */
} VifloMigratorLock;

/* Fills the tags.  Needs the catalogs; the functions below do not. */
extern void viflo_lock_init(VifloMigratorLock *lock, const char *project, const char *tenant);

/* False: somebody else has it, or a worker of somebody who had it lives on. */
extern bool viflo_lock_try_session(VifloMigratorLock *lock);
extern void viflo_lock_release_session(VifloMigratorLock *lock);

/* Pid of who has it: 0 for a prepared transaction, -1 for nobody. */
extern int	viflo_lock_holder(const VifloMigratorLock *lock);

/* Shared by the session and its worker; both mark, both unmark. */
extern void viflo_lock_mark_step(VifloMigratorLock *lock);
extern void viflo_lock_unmark_step(VifloMigratorLock *lock);

/* Raises VIFLO_LOCK_TIMEOUT, naming the holder. */
extern _Noreturn void viflo_lock_raise_timeout(const VifloMigratorLock *lock, const char *project);

#endif							/* VIFLO_LOCK_H */
