/*-------------------------------------------------------------------------
 * job.c
 *	  Runs that go on without the session that asked for them.
 *
 * The starter's transaction adds the row and starts the worker, which takes
 * the job's lock before the starter goes on.  So whoever can see a row that
 * has not ended, and finds its lock free, and finds the row the same after
 * that, knows that the worker is gone without having said how it ended.
 *
 * From the starter's commit on, the row is written by the worker alone.
 *
 * The lock's tag is (pg_extension, the id's low 32 bits, JOB_SUBOBJECT), in
 * the lock method that survives the abort of a transaction: a failed job has
 * it until its row says so.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "run/dispatch.h"
#include "run/job.h"
#include "run/online.h"
#include "run/tenant.h"

#define JOB_SUBOBJECT	65534

static void
job_tag(LOCKTAG *tag, int64 job)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId, (uint32) job, JOB_SUBOBJECT);
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
}

/*
 * A script that calls pg_advisory_unlock_all() gives the lock away; hence it
 * is taken again at every step.
 */
void
viflo_job_lock(int64 job)
{
	LOCKTAG		tag;

	job_tag(&tag, job);
	if (!viflo_lock_held_by_me(&tag, ExclusiveLock))
		(void) LockAcquire(&tag, ExclusiveLock, true, true);
}

static int
find_worker(const LockData *locks, int64 job)
{
	LOCKTAG		tag;

	job_tag(&tag, job);
	for (int i = 0; i < locks->nelements; i++)
		if (memcmp(&locks->locks[i].locktag, &tag, sizeof(LOCKTAG)) == 0 &&
			(locks->locks[i].holdMask & LOCKBIT_ON(ExclusiveLock)) != 0)
			return locks->locks[i].pid;
	return 0;
}

int
viflo_job_worker(int64 job)
{
	return find_worker(GetLockStatusData(), job);
}

bool
viflo_job_has_ended(const VifloJobRow *row)
{
	return strcmp(row->state, "queued") != 0 && strcmp(row->state, "running") != 0;
}

/*
 * The row as users see it, where locks were looked at after it was read.  A
 * worker writes its row before it gives its lock back, so that a row read
 * again after the lock was seen free tells.  A standby has the primary's rows,
 * not its locks.
 */
static VifloJobRow *
judge(VifloJobRow *row, const LockData *locks)
{
	VifloJobRow *again;

	if (viflo_job_has_ended(row) || find_worker(locks, row->id) != 0 || RecoveryInProgress())
		return row;
	again = viflo_jobs_get(row->id);
	if (again != NULL && !viflo_job_has_ended(again))
		again->state = pstrdup("interrupted");
	return again;
}

VifloJobRow *
viflo_job_get(int64 job)
{
	VifloJobRow *row = viflo_jobs_get(job);

	if (row != NULL && !viflo_job_has_ended(row))
		row = judge(row, GetLockStatusData());
	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("job %lld does not exist", (long long) job)));
	return row;
}

List *
viflo_job_get_all(void)
{
	List	   *rows = viflo_jobs_list();
	LockData   *locks = GetLockStatusData();
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		VifloJobRow *row = judge(lfirst(cell), locks);

		CHECK_FOR_INTERRUPTS();
		if (row != NULL)
			result = lappend(result, row);
	}
	return result;
}

int64
viflo_job_start(const VifloRun *run)
{
	VifloJobRow row = {0};

	viflo_tenant_check(run->tenant);
	row.project = unconstify(char *, run->project);
	row.tenant = unconstify(char *, run->tenant);
	row.up = run->direction == VIFLO_UP;
	row.target = unconstify(char *, run->target);
	row.state = "queued";
	row.role_name = GetUserNameFromId(GetUserId(), false);
	row.created = GetCurrentTimestamp();
	row.steps = -1;
	viflo_jobs_add(&row);
	viflo_dispatch_job(row.id, run);
	return row.id;
}

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
}

/* Writes the row; indexes that users have put on it may want a snapshot. */
static void
put_row(const VifloJobRow *row)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_jobs_put(row);
	PopActiveSnapshot();
}

/*
 * Marks the job as running; NULL: there is nothing to run.  The row is in the
 * current memory context.
 */
static VifloJobRow *
mark_running(int64 job)
{
	MemoryContext context = CurrentMemoryContext;
	VifloJobRow *row;

	begin_transaction();
	MemoryContextSwitchTo(context);
	row = viflo_jobs_get(job);

	/* Not there: rolled back.  Ended: cancelled before it began. */
	if (row != NULL && viflo_job_has_ended(row))
		row = NULL;
	if (row != NULL)
	{
		row->state = "running";
		row->pid = MyProcPid;
		row->started = GetCurrentTimestamp();
		put_row(row);
	}
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return row;
}

/* Callbacks of the run, which gives each a transaction of its own. */
static void
note_figures(int64 job, int steps, int done)
{
	VifloJobRow *row = viflo_jobs_get(job);

	viflo_job_lock(job);
	if (row == NULL)
		return;
	if (steps >= 0)
		row->steps = steps;
	if (done >= 0)
		row->done = done;
	put_row(row);
}

static void
note_planned(void *arg, int steps)
{
	note_figures(*(int64 *) arg, steps, -1);
}

static void
note_committed(void *arg, int done)
{
	note_figures(*(int64 *) arg, -1, done);
}

/*
 * What stands around the run: a portal, as a client's CALL would have.  Scripts
 * take their snapshots by it, and its memory outlives transactions.  Where the
 * run fails, the abort of the transaction drops it.
 */
static Portal
open_portal(void)
{
	Portal		portal = CreateNewPortal();

	PortalDefineQuery(portal, NULL, MemoryContextStrdup(portal->portalContext, "viflo job"),
					  CMDTAG_CALL, NIL, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	MarkPortalActive(portal);
	ActivePortal = portal;
	PortalContext = portal->portalContext;
	EnsurePortalSnapshotExists();
	return portal;
}

static void
close_portal(Portal portal)
{
	/* Gone already if a transaction has ended since. */
	if (portal->portalSnapshot != NULL)
		PopActiveSnapshot();
	portal->portalSnapshot = NULL;
	MarkPortalDone(portal);
	ActivePortal = NULL;
	PortalContext = NULL;
	PortalDrop(portal, false);
}

static void
run_job(const VifloJobRow *row)
{
	VifloRun	run = {
		.project = row->project,
		.tenant = row->tenant,
		.direction = row->up ? VIFLO_UP : VIFLO_DOWN,
		.target = row->target
	};
	int64		job = row->id;
	VifloOnlineObserver observer = {
		.job = job,
		.arg = &job,
		.planned = note_planned,
		.committed = note_committed
	};
	Portal		portal;

	begin_transaction();
	portal = open_portal();
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) viflo_online_run(&run, &observer);
	SPI_finish();
	close_portal(portal);
	CommitTransactionCommand();
}

/* "message", and where it was, as in the server's log. */
static char *
describe_error(const ErrorData *error)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, error->message ? error->message : "unknown error");
	if (error->detail)
		appendStringInfo(&buf, "\nDETAIL:  %s", error->detail);
	if (error->hint)
		appendStringInfo(&buf, "\nHINT:  %s", error->hint);
	if (error->context)
		appendStringInfo(&buf, "\nCONTEXT:  %s", error->context);
	return buf.data;
}

/* Timeouts have the same SQLSTATE, and differ in their message only. */
static bool
is_cancel_request(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED && error->message != NULL &&
		strcmp(error->message, _("canceling statement due to user request")) == 0;
}

/* Cancelling what has ended comes too late. */
static void
note_end(int64 job, const ErrorData *error)
{
	VifloJobRow *row;

	HOLD_CANCEL_INTERRUPTS();
	begin_transaction();
	row = viflo_jobs_get(job);
	if (row != NULL && !viflo_job_has_ended(row))
	{
		row->ended = GetCurrentTimestamp();
		row->state = error == NULL ? "done" :
			is_cancel_request(error) ? "cancelled" : "failed";
		if (error != NULL)
		{
			row->error = describe_error(error);
			row->sqlstate = unpack_sql_state(error->sqlerrcode);
		}
		else if (row->steps < 0)
			row->steps = 0;		/* there was nothing to plan */
		put_row(row);
	}
	CommitTransactionCommand();
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();
}

void
viflo_job_run(int64 job)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "viflo job",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData  *volatile error = NULL;
	volatile bool exists = true;

	PG_TRY();
	{
		VifloJobRow *row = mark_running(job);

		exists = row != NULL;
		if (row != NULL)
			run_job(row);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		disable_all_timeouts(false);
		QueryCancelPending = false;
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		EmitErrorReport();
		if (ActivePortal != NULL)
			MarkPortalFailed(ActivePortal);
		ActivePortal = NULL;
		PortalContext = NULL;
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	if (exists)
		note_end(job, error);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
