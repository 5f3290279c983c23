/*-------------------------------------------------------------------------
 * online.h
 *	  Runs a plan on a live database: a commit after each step.
 *
 * For a procedure called outside of any transaction block, and for a job's
 * worker.  Holds the migrator lock for the session; while it waits for that
 * lock, or for a worker, it holds no snapshot.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ONLINE_H
#define VIFLO_ONLINE_H

#include "run/step.h"

/*
 * Told of a run's progress, each time in a transaction of its own; for who
 * keeps it.
 */
typedef struct VifloOnlineObserver
{
	int64		job;			/* for the progress display */
	void	   *arg;
	void		(*planned) (void *arg, int steps);	/* may come again, with
													 * more */
	void		(*committed) (void *arg, int done);
} VifloOnlineObserver;

/*
 * Runs what is missing, or is too much, for the target.  Returns the number
 * of steps.  observer may be NULL.  Must be called within a non-atomic SPI
 * connection; run's strings are in a context that outlives transactions.  On
 * error, steps that were committed before stay; what was out of the ordinary,
 * and the failure itself, are in the log.
 */
extern int	viflo_online_run(const VifloRun *run, const VifloOnlineObserver *observer);

#endif							/* VIFLO_ONLINE_H */
