/*-------------------------------------------------------------------------
 * worker.c
 *	  The background worker: runs steps or a job for a session.
 *
 * Started by run/dispatch.c.  A worker for steps does what its caller waits
 * for, and waits for more; each step has a session of its own.  SIGINT and
 * SIGTERM end it, the former when what it runs is cleaned up.  A job's
 * worker is on its own once it has the job's lock; it begins when the
 * transaction that asked for the job has committed, and goes away quietly when
 * that has not.
 *
 * Locks that a session holds beyond its transactions, other than advisory
 * ones, are not released by the server when the process ends outside of a
 * transaction; so that is done here, however it ends.
 *
 * An error is raised to the top: the server sends it to the caller, writes it
 * to its log, and ends the process.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "observe/progress.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "run/caller.h"
#include "run/handover.h"
#include "run/job.h"
#include "run/toplevel.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "worker/worker.h"

/* The last thing before the process gives its place in shared memory back. */
static void
release_locks(int code, Datum arg)
{
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
}

static void
report_running(const char *revision)
{
	char	   *activity = psprintf("viflo_migrate: revision \"%s\"", revision);

	pgstat_report_activity(STATE_RUNNING, activity);
	pfree(activity);
}

/* Returns whether there is a session to run another step in. */
static bool
run_step(VifloRequest *request)
{
	VifloWatcher progress = viflo_progress_watcher();
	VifloTopLevelResult result = {0};
	bool		stays;

	report_running(request->step.revision);
	viflo_progress_attach(request->progress);
	request->run.watchers = &progress;
	viflo_toplevel_run(&request->run, &request->step, request->number, request->of, &result);
	viflo_progress_detach();

	/* The session is over when the caller goes on. */
	stays = viflo_caller_leave();
	(void) pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	viflo_handover_done(&result, stays);
	return stays;
}

/* Did the transaction that asked for the job commit?  Waits for its end. */
static bool
wait_for_starter(TransactionId xid)
{
	bool		committed;

	begin_transaction();
	XactLockTableWait(xid, NULL, NULL, XLTW_None);
	committed = TransactionIdDidCommit(xid);
	CommitTransactionCommand();
	return committed;
}

static void
run_job(const VifloRequest *request)
{
	begin_transaction();
	viflo_job_lock(request->job);
	CommitTransactionCommand();
	viflo_handover_ready();

	if (wait_for_starter(request->wait_for))
		viflo_job_run(request->job);
}

void
viflo_worker_main(Datum main_arg)
{
	MemoryContext context;
	VifloRequest *request;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	/* Before anything that is to be done before it when the process ends. */
	before_shmem_exit(release_locks, 0);

	MemoryContextSwitchTo(TopMemoryContext);
	if (!viflo_handover_attach(DatumGetUInt32(main_arg)))
		return;
	context = AllocSetContextCreate(TopMemoryContext, "viflo worker", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	while ((request = viflo_handover_next()) != NULL)
	{
		if (request->job != 0)
		{
			pgstat_report_activity(STATE_RUNNING, MyBgworkerEntry->bgw_name);
			run_job(request);
			return;
		}
		if (!run_step(request))
			return;
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
	}
}
