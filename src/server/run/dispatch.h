/*-------------------------------------------------------------------------
 * dispatch.h
 *	  Has a background worker run something in the caller's name.
 *
 * What goes over: database, roles, settings, and a request.  What comes back:
 * notices as they happen, the error, and the result.  Nothing of it needs
 * shared_preload_libraries.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_DISPATCH_H
#define VIFLO_DISPATCH_H

#include "run/step.h"
#include "run/toplevel.h"

/*
 * Runs one step's section in a worker, in a session of its own, and waits for
 * it, holding neither snapshot nor transaction worth the name.  The worker
 * stays for the run's next such step.  Relays notices; raises the
 * worker's error as if it were raised here, and an own one when there is no
 * free slot, or the worker ends without a word.  When the caller is
 * cancelled, terminated, or its client is gone, the worker is stopped first,
 * and waited for.
 *
 * The caller holds the migrator lock for its session, has no snapshot, and is
 * in a transaction that commit() ends and begins anew.
 */
extern void viflo_dispatch_step(const VifloRun *run, const VifloPlannedStep *step,
								int number, int of, void (*commit) (void),
								VifloTopLevelResult *result);

/*
 * Ends the worker of this process's steps, if there is one, and waits for it;
 * to be called when the run ends, in whatever way.  Raises nothing.
 */
extern void viflo_dispatch_end(void);

/*
 * Starts a worker that runs job once the current transaction commits, and
 * that outlives this session.  Returns when the worker is certain to be
 * seen as alive; raises when none can be started.
 */
extern void viflo_dispatch_job(int64 job, const VifloRun *run);

#endif							/* VIFLO_DISPATCH_H */
