/*-------------------------------------------------------------------------
 * dispatch.c
 *	  Has a background worker run something in the caller's name.
 *
 * Phases: make the segment and start a worker, trying for a while when no
 * slot is free; hand over the request; then, for a step, wait for its end,
 * raising the worker's notices as they come; for a job, wait only until the
 * worker is on its own.
 *
 * One worker serves all steps of a run, as starting one takes longer than a
 * small step.  Between two steps it waits for the next, in no transaction and
 * with nothing left of the one before.  It ends with the run, on any error,
 * and when this process is gone; it may end earlier (a script can leave what
 * no reset takes away, an administrator can end it), and then the next step
 * gets another.
 *
 * While it waits, the session holds no snapshot, and its transaction is ended
 * every second, so that the worker's index build does not wait for it, and no
 * timeout of the transaction strikes.  Each second it also looks whether its
 * client is still there.
 *
 * However a step ends that fails, the worker has ended before: on an error here
 * it is cancelled and given time to clean up, then terminated; when this process
 * exits, it is terminated at once.  Each of these waits is bounded.  A worker
 * that does not end even then is named in the error, and goes on being seen in
 * pg_stat_activity and as holder of the lock that says that a step is under
 * way.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "common/sqlstate.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "observe/progress.h"
#include "postmaster/bgworker.h"
#include "report.h"
#include "run/client.h"
#include "run/dispatch.h"
#include "run/handover.h"
#include "run/hearing.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Milliseconds. */
#define SLOT_WAIT			5000	/* for a free slot */
#define SLOT_PAUSE			100
#define READY_WAIT			10000	/* for a job's worker to be on its own */
#define TICK				1000	/* between looks at what changes slowly */
#define CANCEL_WAIT			15000	/* for a cancelled worker to clean up */
#define TERMINATE_WAIT		10000	/* for a terminated worker to end */
#define EXIT_WAIT			5000	/* the same, while this process exits */

/*
 * A worker and what it is asked for.  Lives in a context of its own, from
 * begin_dispatch() to end_dispatch(), over commits.
 */
typedef struct Dispatch
{
	struct Dispatch *next;
	MemoryContext context;
	MemoryContext scratch;		/* of the request in hand */
	const char *what;			/* what the worker runs, for messages */
	VifloHandover handover;
	BackgroundWorkerHandle *worker; /* NULL: not registered yet */
	pid_t		pid;			/* 0: not known yet */
	bool		ended;			/* the worker is gone, or never came */
	bool		raised;			/* the worker's error is the one raised */
	VifloHearing hearing;		/* what the worker says */
	void		(*commit) (void);	/* or NULL: must not commit */
	TimestampTz last_tick;
} Dispatch;

/* All there are: the one for steps, and one for a job that is being started. */
static Dispatch *dispatches = NULL;

/* The run's, with a worker that may be waiting for a step; or NULL. */
static Dispatch *standing = NULL;

/* Takes what has come; true when the worker has ended and all is taken. */
static bool
poll_worker(Dispatch *dispatch)
{
	if (!dispatch->ended)
	{
		BgwHandleStatus status = GetBackgroundWorkerPid(dispatch->worker, &dispatch->pid);

		dispatch->ended = status == BGWH_STOPPED || status == BGWH_POSTMASTER_DIED;
	}
	viflo_hearing_drain(&dispatch->hearing);
	return dispatch->ended;
}

static void
nap(long milliseconds)
{
	InvalidateCatalogSnapshot();
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Naps, for milliseconds at most, and does now and then what has to be done. */
static void
wait_a_while(Dispatch *dispatch, int milliseconds)
{
	int			tick = TICK;
	TimestampTz now;

	if (viflo_transaction_timeout() > 0)
		tick = Max(Min(tick, viflo_transaction_timeout() / 2), 1);
	nap(Min(milliseconds, tick));

	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(dispatch->last_tick, now, tick))
		return;
	viflo_client_check();
	if (dispatch->commit)
		dispatch->commit();
	dispatch->last_tick = now;
}

/*
 * Waits for the worker's end.  gently: gives up when this process is to exit.
 */
static bool
wait_for_end(Dispatch *dispatch, int milliseconds, bool gently)
{
	TimestampTz begin = GetCurrentTimestamp();

	while (!poll_worker(dispatch))
	{
		if ((gently && ProcDiePending) ||
			TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), milliseconds))
			return false;
		nap(Min(milliseconds, SLOT_PAUSE));
	}
	return true;
}

static void
cancel_worker(const Dispatch *dispatch)
{
#ifdef HAVE_SETSID
	/* with the programs that it runs, as pg_cancel_backend() does it */
	(void) kill(-dispatch->pid, SIGINT);
#else
	(void) kill(dispatch->pid, SIGINT);
#endif
}

/*
 * Ends the worker: first by telling it that nothing is left to do, for who has
 * nothing to do; where there is more, cancels it; then terminates it.  Raises
 * nothing, and takes no interrupts.
 */
static void
stop_worker(Dispatch *dispatch, bool cancel, int first_wait)
{
	MemoryContext old = CurrentMemoryContext;

	HOLD_INTERRUPTS();
	viflo_transaction_timeout_stop();
	PG_TRY();
	{
		viflo_handover_close(&dispatch->handover);
		if (first_wait > 0 && !poll_worker(dispatch) && dispatch->pid != 0)
		{
			if (cancel)
				cancel_worker(dispatch);
			(void) wait_for_end(dispatch, first_wait, true);
		}
		if (!dispatch->ended)
		{
			TerminateBackgroundWorker(dispatch->worker);
			(void) wait_for_end(dispatch, TERMINATE_WAIT, false);
		}
	}
	PG_CATCH();
	{
		/* Out of memory, or the like: the error before it is the one to tell. */
		MemoryContextSwitchTo(old);
		FlushErrorState();
		TerminateBackgroundWorker(dispatch->worker);
	}
	PG_END_TRY();
	RESUME_INTERRUPTS();
}

/* This process exits while workers run for it. */
static void
stop_at_exit(int code, Datum arg)
{
	Dispatch   *dispatch;

	standing = NULL;
	while ((dispatch = dispatches) != NULL)
	{
		dispatches = dispatch->next;
		if (dispatch->worker == NULL)
			continue;
		dispatch->hearing.silent = true;
		TerminateBackgroundWorker(dispatch->worker);
		(void) wait_for_end(dispatch, EXIT_WAIT, false);
	}
}

/* Adds to an error of ours what the worker had to say when it was stopped. */
static void
tell_end(const Dispatch *dispatch, ErrorData *error)
{
	char	   *end;

	if (dispatch->hearing.error != NULL)
	{
		if (dispatch->hearing.error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			end = pstrdup("The background worker was cancelled.");
		else
			end = psprintf("The background worker ended with: %s", dispatch->hearing.error->message);
		if (dispatch->hearing.error->detail)
			end = psprintf("%s (%s)", end, dispatch->hearing.error->detail);
		if (dispatch->hearing.error->context)
			error->context = error->context ?
				psprintf("%s\n%s", dispatch->hearing.error->context, error->context) :
				pstrdup(dispatch->hearing.error->context);
	}
	else if (dispatch->hearing.done)
		end = pstrdup("The background worker had run all statements by then.");
	else if (dispatch->ended)
		end = pstrdup("The background worker was stopped.");
	else
		end = psprintf("The background worker, process %d, was told to end, and has not ended yet.",
					   (int) dispatch->pid);
	error->detail = error->detail ? psprintf("%s\n%s", error->detail, end) : end;
}

static Dispatch *
begin_dispatch(void (*commit) (void))
{
	static bool exit_watched = false;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "viflo dispatch",
												  ALLOCSET_DEFAULT_SIZES);
	Dispatch   *dispatch = MemoryContextAllocZero(context, sizeof(Dispatch));

	/* Runs before the one that releases this session's locks. */
	if (!exit_watched)
		before_shmem_exit(stop_at_exit, (Datum) 0);
	exit_watched = true;

	dispatch->context = context;
	dispatch->scratch = AllocSetContextCreate(context, "viflo request", ALLOCSET_SMALL_SIZES);
	viflo_hearing_begin(&dispatch->hearing, context);
	dispatch->commit = commit;
	dispatch->next = dispatches;
	dispatches = dispatch;
	return dispatch;
}

static void
end_dispatch(Dispatch *dispatch)
{
	Dispatch  **link = &dispatches;

	while (*link != dispatch)
		link = &(*link)->next;
	*link = dispatch->next;
	if (standing == dispatch)
		standing = NULL;
	if (dispatch->handover.segment)
		dsm_detach(dispatch->handover.segment);
	MemoryContextDelete(dispatch->context);
}

/* Registers the worker, waiting a while for a free slot. */
static void
start_worker(Dispatch *dispatch, const char *name)
{
	BackgroundWorker worker = {0};
	TimestampTz begin = GetCurrentTimestamp();
	MemoryContext old;
	bool		started;

	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "viflo_migrate: ");
	strlcat(worker.bgw_name, name, sizeof(worker.bgw_name));
	worker.bgw_name[pg_mbcliplen(worker.bgw_name, strlen(worker.bgw_name),
								 sizeof(worker.bgw_name) - 1)] = '\0';
	strlcpy(worker.bgw_type, "viflo_migrate worker", sizeof(worker.bgw_type));
	strlcpy(worker.bgw_library_name, "viflo_migrate", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "viflo_worker_main", sizeof(worker.bgw_function_name));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(dispatch->handover.segment));
	worker.bgw_notify_pid = MyProcPid;

	for (;;)
	{
		old = MemoryContextSwitchTo(dispatch->context);
		started = RegisterDynamicBackgroundWorker(&worker, &dispatch->worker);
		MemoryContextSwitchTo(old);
		if (started)
			return;
		viflo_progress_phase(VIFLO_PHASE_WORKER, NULL);
		if (TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), SLOT_WAIT))
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("could not start a background worker for %s", dispatch->what),
					 errdetail("All slots for background workers are in use (max_worker_processes = %d). Nothing of it was run.",
							   max_worker_processes),
					 errhint("Raise max_worker_processes, or try again when other background workers have ended.")));
		wait_a_while(dispatch, SLOT_PAUSE);
	}
}

/* Raises what an ended worker has said last, or that it has said nothing. */
static void
raise_end(Dispatch *dispatch)
{
	dispatch->raised = true;
	if (dispatch->hearing.error)
		ThrowErrorData(dispatch->hearing.error);
	ereport(ERROR,
			(viflo_errcode(VIFLO_WORKER_LOST),
			 errmsg("the background worker for %s ended without saying how", dispatch->what),
			 errhint("The server's log may tell why. What is done and committed is known; run it again to do the rest.")));
}

static void
wait_for_step(Dispatch *dispatch)
{
	while (!poll_worker(dispatch) && !dispatch->hearing.done && !dispatch->hearing.error)
		wait_a_while(dispatch, TICK);
	if (dispatch->hearing.done && dispatch->hearing.last.stays)
		return;

	/* Its locks and its slot are free when it has ended. */
	if (!wait_for_end(dispatch, TERMINATE_WAIT, false))
		stop_worker(dispatch, false, 0);
	if (dispatch->hearing.error || !dispatch->hearing.done)
		raise_end(dispatch);
}

static void
wait_for_job(Dispatch *dispatch)
{
	TimestampTz begin = GetCurrentTimestamp();

	for (;;)
	{
		bool		ended = poll_worker(dispatch);

		if (dispatch->hearing.ready)
			return;
		if (ended)
			raise_end(dispatch);
		if (TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), READY_WAIT))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the background worker for %s did not get ready within %d seconds",
							dispatch->what, READY_WAIT / 1000)));
		wait_a_while(dispatch, TICK);
	}
}

/*
 * Who is only lent another role, by a SECURITY DEFINER function or while
 * REINDEX or the like runs what belongs to others, could get hold of the
 * session's own in a worker: there is no way to lend it there.
 */
static void
check_role(void)
{
	if (InLocalUserIdChange() || InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot start a background worker within security-definer function or security-restricted operation")));
}

/* Hands the request over, to a new worker where there is none yet. */
static void
give_request(Dispatch *dispatch, const VifloRequest *request, const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(dispatch->context);
	StringInfo	packed;

	if (dispatch->handover.segment == NULL)
	{
		viflo_handover_create(&dispatch->handover);
		dispatch->hearing.queue = dispatch->handover.answers;
	}
	MemoryContextSwitchTo(dispatch->scratch);
	packed = viflo_handover_pack(request);
	MemoryContextSwitchTo(old);

	if (dispatch->worker == NULL)
		start_worker(dispatch, name);
	while (viflo_handover_send(&dispatch->handover, packed) == SHM_MQ_WOULD_BLOCK &&
		   !poll_worker(dispatch))
		wait_a_while(dispatch, TICK);
}

/*
 * Hands the request over and waits.  On an error there is no such worker any
 * more, and no dispatch.
 */
static void
run_request(Dispatch *dispatch, const char *what, const VifloRequest *request,
			const char *name, void (*wait) (Dispatch *dispatch))
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		MemoryContextReset(dispatch->scratch);
		dispatch->what = MemoryContextStrdup(dispatch->scratch, what);
		dispatch->hearing.done = false;
		dispatch->last_tick = GetCurrentTimestamp();
		give_request(dispatch, request, name);
		wait(dispatch);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		if (dispatch->worker && !dispatch->raised)
		{
			stop_worker(dispatch, true, CANCEL_WAIT);
			tell_end(dispatch, error);
		}
		end_dispatch(dispatch);
		ReThrowError(error);
	}
	PG_END_TRY();
}

/* The run's worker, unless it has ended meanwhile or is about to. */
static Dispatch *
get_standing(void (*commit) (void))
{
	if (standing != NULL)
	{
		standing->hearing.silent = true;
		if (poll_worker(standing) || standing->hearing.error || standing->hearing.over)
			viflo_dispatch_end();
		else
			standing->hearing.silent = false;
	}
	if (standing == NULL)
		standing = begin_dispatch(commit);
	return standing;
}

void
viflo_dispatch_step(const VifloRun *run, const VifloPlannedStep *step, int number, int of,
					void (*commit) (void), VifloTopLevelResult *result)
{
	Dispatch   *dispatch;
	VifloRequest request = {
		.run = *run,
		.step = *step,
		.number = number,
		.of = of,
		.progress = viflo_progress_handle()
	};

	check_role();
	dispatch = get_standing(commit);
	run_request(dispatch, psprintf("revision \"%s\"", step->revision), &request,
				psprintf("project \"%s\"", run->project), wait_for_step);
	*result = dispatch->hearing.last.result;
	if (!dispatch->hearing.last.stays)
		end_dispatch(dispatch);
}

void
viflo_dispatch_end(void)
{
	if (standing == NULL)
		return;
	standing->hearing.silent = true;
	if (standing->worker != NULL)
		stop_worker(standing, false, EXIT_WAIT);
	end_dispatch(standing);
}

void
viflo_dispatch_job(int64 job, const VifloRun *run)
{
	Dispatch   *dispatch;
	char	   *what = psprintf("job " INT64_FORMAT, job);
	VifloRequest request = {
		.job = job,
		.wait_for = GetTopTransactionId(),
		.run = *run,
		.progress = DSM_HANDLE_INVALID
	};

	check_role();
	dispatch = begin_dispatch(NULL);
	run_request(dispatch, what, &request, what, wait_for_job);
	end_dispatch(dispatch);
}
