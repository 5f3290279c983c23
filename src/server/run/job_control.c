/*-------------------------------------------------------------------------
 * job_control.c
 *	  What sessions do with a job: wait for its end, cancel it.
 *
 * Waiting is polling, with the query's snapshot held meanwhile: a function
 * cannot do without.  An index that the job builds concurrently would wait for
 * that snapshot in its turn, so a waiter looks whether it is in the job's way.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "observe/progress.h"
#include "run/job.h"
#include "run/job_control.h"

/* How long a waiter sleeps between two looks, in milliseconds. */
#define WAIT_MIN		10
#define WAIT_MAX		100

/* How long cancelling waits for a job to begin, in milliseconds. */
#define BEGIN_WAIT		1000

/*
 * Is the process blocked by this one, be it by way of others?  A waiter that
 * polls is in no wait queue, so the deadlock detector does not see it.
 */
static bool
waits_for_me(int pid)
{
	int			pids[64];
	int			count = 1;

	pids[0] = pid;
	for (int i = 0; i < count; i++)
	{
		Datum		blockers = DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pids[i]));
		Datum	   *elements;
		int			nelements;

		deconstruct_array(DatumGetArrayTypeP(blockers), INT4OID, sizeof(int32), true,
						  TYPALIGN_INT, &elements, NULL, &nelements);
		for (int j = 0; j < nelements; j++)
		{
			int			blocker = DatumGetInt32(elements[j]);
			bool		known = blocker == 0;

			if (blocker == MyProcPid)
				return true;
			for (int k = 0; k < count && !known; k++)
				known = pids[k] == blocker;
			if (!known && count < lengthof(pids))
				pids[count++] = blocker;
		}
	}
	return false;
}

static bool
job_waits_for_me(const VifloJobRow *row)
{
	ListCell   *cell;

	if (row->pid != 0 && waits_for_me(row->pid))
		return true;
	foreach(cell, viflo_progress_list())
	{
		VifloProgress *progress = lfirst(cell);

		if (progress->job != row->id)
			continue;
		if (progress->worker_pid != 0 && waits_for_me(progress->worker_pid))
			return true;

		/* It may wait without being in any lock's queue. */
		for (int i = 0; i < progress->nblockers; i++)
			if (progress->blockers[i] == MyProcPid)
				return true;
	}
	return false;
}

static void
nap(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

char *
viflo_job_wait(int64 job, int64 timeout)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "viflo job wait",
												  ALLOCSET_SMALL_SIZES);
	TimestampTz begin = GetCurrentTimestamp();
	int64		pause = WAIT_MIN;
	VifloJobRow *row;
	char	   *state;

	MemoryContextSwitchTo(context);
	for (;;)
	{
		int64		left = INT64_MAX;

		row = viflo_job_get(job);
		if (viflo_job_has_ended(row))
			break;
		if (timeout >= 0)
			left = timeout - (GetCurrentTimestamp() - begin) / 1000;
		if (left <= 0)
			break;
		if (row->uncommitted)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot wait for job %lld in the transaction that has started it",
							(long long) job),
					 errdetail("The job runs once this transaction is committed."),
					 errhint("Commit first.")));
		if (job_waits_for_me(row))
			break;

		nap(Min(pause, left));
		pause = Min(pause * 2, WAIT_MAX);
		MemoryContextReset(context);
	}
	state = MemoryContextStrdup(caller, row->state);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return state;
}

/*
 * The worker of a queued job learns of the starter's commit a moment later
 * than others; cancelled before that, it would have no row to note it in.
 */
static void
wait_for_begin(VifloJobRow *row)
{
	for (int waited = 0; strcmp(row->state, "queued") == 0 && waited < BEGIN_WAIT; waited++)
	{
		nap(1);
		row = viflo_job_get(row->id);
	}
}

bool
viflo_job_cancel(int64 job)
{
	VifloJobRow *row = viflo_job_get(job);
	int			pid;

	PreventCommandDuringRecovery("viflo_cancel()");
	if (viflo_job_has_ended(row))
		return false;

	/* Nobody else sees the row, and its worker waits for this transaction. */
	if (row->uncommitted)
	{
		row->state = "cancelled";
		row->ended = GetCurrentTimestamp();
		viflo_jobs_put(row);
		return true;
	}
	wait_for_begin(row);
	pid = viflo_job_worker(job);
	return pid != 0 && DatumGetBool(DirectFunctionCall1(pg_cancel_backend, Int32GetDatum(pid)));
}
