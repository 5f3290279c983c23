/*-------------------------------------------------------------------------
 * worker.h
 *	  The background worker: runs steps or a job for a session.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_WORKER_H
#define VIFLO_WORKER_H

/* Entry point; main_arg is the handle of run/handover.h's segment. */
extern PGDLLEXPORT void viflo_worker_main(Datum main_arg);

#endif							/* VIFLO_WORKER_H */
