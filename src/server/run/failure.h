/*-------------------------------------------------------------------------
 * failure.h
 *	  The end of an online run: what is logged, and said, of the step that
 *	  failed.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_FAILURE_H
#define VIFLO_FAILURE_H

#include "lib/stringinfo.h"
#include "run/lock.h"
#include "run/step.h"
#include "store/record.h"

/* What is known of the step.  On the stack of who ran it. */
typedef struct VifloStepFailure
{
	const VifloRun *run;
	const VifloPlannedStep *step;
	const VifloMigratorLock *lock;
	void		(*commit) (void);
	MemoryContext context;		/* of what outlives transactions */
	VifloRecord *record;		/* error and sqlstate are filled in */
	StringInfo	detail;			/* for the log */
	const char *blockers;		/* who was in the way of its locks, or NULL */
} VifloStepFailure;

/*
 * Logs the failure, in a transaction of its own, and raises error, with what
 * is done and stays, and how to go on, added to it.  The transaction is clean.
 * That the failure cannot be logged is a warning, and hides nothing.
 */
extern _Noreturn void viflo_step_failure_raise(VifloStepFailure *failure, ErrorData *error);

#endif							/* VIFLO_FAILURE_H */
