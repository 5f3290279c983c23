/*-------------------------------------------------------------------------
 * online_step.h
 *	  One step of an online run: in a transaction of its own where it fits in
 *	  one, by a worker where it does not.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ONLINE_STEP_H
#define VIFLO_ONLINE_STEP_H

#include "run/lock.h"
#include "run/step.h"

typedef enum VifloOnlineOutcome
{
	VIFLO_STEP_DONE,			/* run, recorded, committed */
	VIFLO_STEP_LOCK_LOST		/* its commit failed in a way that trying
								 * again may mend, and took the migrator lock
								 * along */
} VifloOnlineOutcome;

/*
 * Runs what is not done of the step, with the lock held, in a transaction that
 * commit() ends and begins anew; returns in a new one.  Any other failure is
 * logged and raised, the top-level transaction then aborted or ended.
 */
extern VifloOnlineOutcome viflo_online_step(const VifloRun *run, const VifloPlannedStep *step,
											VifloMigratorLock *lock, void (*commit) (void));

#endif							/* VIFLO_ONLINE_STEP_H */
