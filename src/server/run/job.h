/*-------------------------------------------------------------------------
 * job.h
 *	  Runs that go on without the session that asked for them.
 *
 * A job is a row of viflo.job, and a worker that holds a lock named by the
 * job's id for as long as it lives: a row that says "queued" or "running"
 * while nobody has the lock is a job that was cut off.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_JOB_H
#define VIFLO_JOB_H

#include "run/step.h"
#include "store/jobs.h"

/* Adds the job and starts its worker; it runs once the transaction commits. */
extern int64 viflo_job_start(const VifloRun *run);

/*
 * Takes the job's lock, in its worker, before the starter commits.  It stays
 * until the process ends; an abort of a transaction leaves it alone.
 */
extern void viflo_job_lock(int64 job);

/*
 * In the worker, with no transaction open, once the starter's is over: runs
 * the job to its end, and notes that in its row.  Does nothing where the
 * starter has rolled back.  Raises nothing that the run raises.
 */
extern void viflo_job_run(int64 job);

/*
 * A copy of the job as users see it: its state may be "interrupted".  Raises
 * undefined_object where there is no such job.
 */
extern VifloJobRow *viflo_job_get(int64 job);

/* All jobs as users see them, by id. */
extern List *viflo_job_get_all(void);

/* By the row: is it neither queued nor running? */
extern bool viflo_job_has_ended(const VifloJobRow *row);

/* Pid of the job's worker; 0: there is none. */
extern int	viflo_job_worker(int64 job);

#endif							/* VIFLO_JOB_H */
