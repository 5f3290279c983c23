/*-------------------------------------------------------------------------
 * job_control.h
 *	  What sessions do with a job: wait for its end, cancel it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_JOB_CONTROL_H
#define VIFLO_JOB_CONTROL_H

/*
 * Waits until the job has ended; timeout in milliseconds, -1: none.  Returns
 * its state, palloc'd.  Returns early, too, while the job waits for this very
 * session.  Raises undefined_object where there is no such job, and
 * object_not_in_prerequisite_state in the transaction that has started it.
 */
extern char *viflo_job_wait(int64 job, int64 timeout);

/*
 * Cancels it, by the rules of pg_cancel_backend(), and returns at once; false:
 * it had ended.  Raises undefined_object where there is no such job.
 */
extern bool viflo_job_cancel(int64 job);

#endif							/* VIFLO_JOB_CONTROL_H */
