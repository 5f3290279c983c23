/*-------------------------------------------------------------------------
 * progress.c
 *	  What a run is doing, for other sessions to read while it does it.
 *
 * Each process that runs anything makes one segment, at its first run, and
 * keeps it.  While a run is open the process holds a lock on (pg_extension,
 * the segment's handle, PROGRESS_SUBOBJECT); no lock of the extension proper
 * has that number.  The lock is what readers find: it goes when the run fails
 * or the process ends, in whatever way, and then nothing leads to the segment,
 * which itself goes with the last process that has it attached.
 *
 * Reports are written under a spinlock, by the process that runs the plan and,
 * for the time of a step, by its worker.  Readers copy under the same lock.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/spin.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "observe/progress.h"

#define PROGRESS_SUBOBJECT	65535
#define PROGRESS_MAGIC		0x5646504d

/* What the segment holds. */
typedef struct SharedProgress
{
	uint32		magic;
	slock_t		mutex;
	VifloProgress progress;
} SharedProgress;

/* This process's segment, for as long as it lives; NULL: none yet. */
static dsm_segment *own_segment = NULL;

/* The leader's, in a worker; NULL: not attached. */
static dsm_segment *leader_segment = NULL;

/* Where reports go; NULL: no progress is open. */
static SharedProgress *shared = NULL;
static bool kept_for_session = false;

static const char *const phase_names[] = {
	[VIFLO_PHASE_STARTING] = "starting",
	[VIFLO_PHASE_MIGRATOR] = "waiting for another migrator",
	[VIFLO_PHASE_LOOKING] = "waiting for locks",
	[VIFLO_PHASE_RUNNING] = "running",
	[VIFLO_PHASE_PAUSING] = "pausing between attempts",
	[VIFLO_PHASE_WORKER] = "starting a background worker",
	[VIFLO_PHASE_BACKFILL] = "backfilling",
	[VIFLO_PHASE_THROTTLED] = "throttled",
	[VIFLO_PHASE_CLEANING] = "dropping an invalid index",
	[VIFLO_PHASE_RECORDING] = "recording"
};

const char *
viflo_phase_name(VifloPhase phase)
{
	return (unsigned) phase < lengthof(phase_names) ? phase_names[phase] : "unknown";
}

/*
 * Makes a segment, or attaches to one, for the life of the process; NULL if
 * that cannot be.  The resource owner is out of the way, so that a failure
 * halfway leaves nothing that the transaction's end would complain about.
 */
static dsm_segment *
get_segment(dsm_handle handle)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;

	CurrentResourceOwner = NULL;
	PG_TRY();
	{
		if (handle == DSM_HANDLE_INVALID)
			segment = dsm_create(sizeof(SharedProgress), DSM_CREATE_NULL_IF_MAXSEGMENTS);
		else
			segment = dsm_attach(handle);
	}
	PG_CATCH();
	{
		/* No shared memory to be had: the run goes on unseen. */
		MemoryContextSwitchTo(context);
		FlushErrorState();
		segment = NULL;
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	return segment;
}

static SharedProgress *
segment_contents(dsm_segment *segment)
{
	SharedProgress *contents = dsm_segment_address(segment);

	if (dsm_segment_map_length(segment) < sizeof(SharedProgress) ||
		contents->magic != PROGRESS_MAGIC)
		return NULL;
	return contents;
}

static bool
make_own_segment(void)
{
	SharedProgress *contents;

	if (own_segment != NULL)
		return true;
	own_segment = get_segment(DSM_HANDLE_INVALID);
	if (own_segment == NULL)
		return false;
	contents = dsm_segment_address(own_segment);
	memset(contents, 0, sizeof(SharedProgress));
	SpinLockInit(&contents->mutex);
	contents->magic = PROGRESS_MAGIC;
	return true;
}

static void
own_tag(LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId,
					   dsm_segment_handle(own_segment), PROGRESS_SUBOBJECT);
}

/* Takes the lock that shows the segment, unless it is held or cannot be had. */
static void
show(void)
{
	LOCKTAG		tag;

	own_tag(&tag);
	if (!viflo_lock_held_by_me(&tag, ExclusiveLock))
		(void) viflo_lock_acquire_quietly(&tag, ExclusiveLock, kept_for_session);
}

/* Gives it back.  It may be gone already, with the transaction that failed. */
static void
hide(void)
{
	LOCKTAG		tag;

	own_tag(&tag);
	if (viflo_lock_held_by_me(&tag, ExclusiveLock))
		(void) LockRelease(&tag, ExclusiveLock, kept_for_session);
}

/* Length to which text is cut to fit in size bytes with its end. */
static int
clipped(const char *text, size_t size)
{
	return text ? pg_mbcliplen(text, strlen(text), size - 1) : 0;
}

/* Between these two nothing may fail or wait. */
static VifloProgress *
begin_report(void)
{
	SpinLockAcquire(&shared->mutex);
	return &shared->progress;
}

static void
end_report(TimestampTz now)
{
	shared->progress.last_change = now;
	SpinLockRelease(&shared->mutex);
}

static void
put_text(char *field, const char *text, int length)
{
	memcpy(field, text ? text : "", length);
	field[length] = '\0';
}

void
viflo_progress_begin(const char *project, const char *tenant, const char *command, int64 job,
					 bool for_session)
{
	TimestampTz now = GetCurrentTimestamp();
	int			project_length = clipped(project, sizeof(((VifloProgress *) 0)->project));
	int			tenant_length = clipped(tenant, sizeof(((VifloProgress *) 0)->tenant));
	int			command_length = clipped(command, sizeof(((VifloProgress *) 0)->command));
	VifloProgress *progress;

	/* A worker's reports belong to the run that it works for. */
	if (leader_segment != NULL || RecoveryInProgress())
		return;

	viflo_progress_end();
	if (!make_own_segment())
		return;
	shared = dsm_segment_address(own_segment);
	kept_for_session = for_session;

	progress = begin_report();
	memset(progress, 0, sizeof(VifloProgress));
	progress->pid = MyProcPid;
	progress->job = job;
	put_text(progress->project, project, project_length);
	put_text(progress->tenant, tenant, tenant_length);
	put_text(progress->command, command, command_length);
	progress->phase = VIFLO_PHASE_STARTING;
	progress->attempt = 1;
	progress->started = now;
	end_report(now);

	show();
}

void
viflo_progress_end(void)
{
	if (leader_segment != NULL || shared == NULL)
		return;
	hide();
	shared = NULL;
}

void
viflo_progress_again(void)
{
	if (leader_segment == NULL && shared != NULL && kept_for_session)
		show();
}

dsm_handle
viflo_progress_handle(void)
{
	return shared != NULL && leader_segment == NULL ?
		dsm_segment_handle(own_segment) : DSM_HANDLE_INVALID;
}

/* Also when the worker dies of anything short of SIGKILL. */
static void
worker_leaves(dsm_segment *segment, Datum arg)
{
	SharedProgress *contents = dsm_segment_address(segment);

	SpinLockAcquire(&contents->mutex);
	if (contents->progress.worker_pid == MyProcPid)
		contents->progress.worker_pid = 0;
	SpinLockRelease(&contents->mutex);
	shared = NULL;
	leader_segment = NULL;
}

void
viflo_progress_attach(dsm_handle handle)
{
	VifloProgress *progress;

	if (handle == DSM_HANDLE_INVALID || leader_segment != NULL)
		return;
	viflo_progress_end();
	leader_segment = get_segment(handle);
	if (leader_segment == NULL)
		return;
	shared = segment_contents(leader_segment);
	if (shared == NULL)
	{
		dsm_detach(leader_segment);
		leader_segment = NULL;
		return;
	}
	on_dsm_detach(leader_segment, worker_leaves, (Datum) 0);
	progress = begin_report();
	progress->worker_pid = MyProcPid;
	end_report(GetCurrentTimestamp());
}

void
viflo_progress_detach(void)
{
	if (leader_segment != NULL)
		dsm_detach(leader_segment);
}

void
viflo_progress_phase(VifloPhase phase, const char *waiting_for)
{
	int			length;
	VifloProgress *progress;

	if (shared == NULL)
		return;
	length = clipped(waiting_for, sizeof(shared->progress.waiting_for));
	progress = begin_report();
	progress->phase = phase;
	progress->nblockers = 0;
	put_text(progress->waiting_for, waiting_for, length);
	end_report(GetCurrentTimestamp());
}

void
viflo_progress_wait(VifloPhase phase, const int *pids, int count)
{
	VifloProgress *progress;

	if (shared == NULL)
		return;
	count = Min(count, VIFLO_PROGRESS_BLOCKERS);
	progress = begin_report();
	progress->phase = phase;
	progress->waiting_for[0] = '\0';
	memcpy(progress->blockers, pids, count * sizeof(int));
	progress->nblockers = count;
	end_report(GetCurrentTimestamp());
}

void
viflo_progress_attempt(int attempt)
{
	if (shared == NULL)
		return;
	begin_report()->attempt = attempt;
	end_report(GetCurrentTimestamp());
}

void
viflo_progress_rows(int64 done, int64 total)
{
	VifloProgress *progress;

	if (shared == NULL)
		return;
	progress = begin_report();
	progress->rows_done = done;
	progress->rows_total = total;
	end_report(GetCurrentTimestamp());
}

/*
 * Watcher.  A step may begin several times: attempts and rows are those of
 * all of them.
 */
static void
watch_step_begin(void *state, const VifloWatchedStep *step)
{
	int			length;
	VifloProgress *progress;

	if (shared == NULL)
		return;
	length = clipped(step->revision, sizeof(shared->progress.revision));
	progress = begin_report();
	if (progress->step != step->number)
	{
		progress->attempt = 1;
		progress->rows_done = 0;
		progress->rows_total = 0;
	}
	put_text(progress->revision, step->revision, length);
	progress->up = step->up;
	progress->step = step->number;
	progress->of = step->of;
	progress->statement = 0;
	progress->statement_of = 0;
	progress->line = 0;
	end_report(GetCurrentTimestamp());
}

static void
watch_before(void *state, const VifloWatchedStep *step, const VifloWatchedStatement *statement)
{
	VifloProgress *progress;

	if (shared == NULL)
		return;
	progress = begin_report();
	progress->phase = VIFLO_PHASE_RUNNING;
	progress->nblockers = 0;
	progress->waiting_for[0] = '\0';
	progress->statement = statement->number;
	progress->statement_of = statement->of;
	progress->line = statement->line;
	end_report(GetCurrentTimestamp());
}

/* The last statement is over: what comes next is the history. */
static void
watch_after(void *state, const VifloWatchedStep *step, const VifloWatchedStatement *statement,
			const QueryCompletion *completion)
{
	if (shared == NULL || statement->number < statement->of)
		return;
	begin_report()->phase = VIFLO_PHASE_RECORDING;
	end_report(GetCurrentTimestamp());
}

VifloWatcher
viflo_progress_watcher(void)
{
	VifloWatcher watcher = {
		.step_begin = watch_step_begin,
		.before = watch_before,
		.after = watch_after
	};

	return watcher;
}

/* "process 123, process 456"; NULL: the process waits for no lock. */
static char *
describe_pids(const int *pids, int count)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < count; i++)
	{
		bool		repeated = false;

		/* Parallel workers count as their leader, once each. */
		for (int j = 0; j < i && !repeated; j++)
			repeated = pids[j] == pids[i];
		if (repeated)
			continue;
		if (buf.len > 0)
			appendStringInfoString(&buf, ", ");
		if (pids[i] == 0)
			appendStringInfoString(&buf, "a prepared transaction");
		else
			appendStringInfo(&buf, "process %d", pids[i]);
	}
	return buf.data;
}

static char *
describe_blockers(int pid)
{
	ArrayType  *blockers = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids,
																  Int32GetDatum(pid)));
	int			count = ARR_NDIM(blockers) == 0 ? 0 : ARR_DIMS(blockers)[0];

	/* without nulls, of a fixed width */
	return count == 0 ? NULL : describe_pids((int *) ARR_DATA_PTR(blockers), count);
}

/* A copy of what the segment of that handle holds; NULL: it is gone. */
static VifloProgress *
read_segment(dsm_handle handle)
{
	dsm_segment *segment = dsm_find_mapping(handle);
	bool		attached = segment != NULL;
	SharedProgress *contents;
	VifloProgress *copy = NULL;

	if (!attached)
		segment = dsm_attach(handle);
	if (segment == NULL)
		return NULL;
	contents = segment_contents(segment);
	if (contents != NULL)
	{
		copy = palloc(sizeof(VifloProgress));
		SpinLockAcquire(&contents->mutex);
		*copy = contents->progress;
		SpinLockRelease(&contents->mutex);
	}
	if (!attached)
		dsm_detach(segment);
	return copy;
}

static void
put_blockers(VifloProgress *progress, const char *text)
{
	put_text(progress->waiting_for, text, clipped(text, sizeof(progress->waiting_for)));
}

static void
find_blockers(VifloProgress *progress)
{
	char	   *blockers = NULL;

	if (progress->worker_pid != 0)
		blockers = describe_blockers(progress->worker_pid);
	if (blockers == NULL)
		blockers = describe_blockers(progress->pid);
	put_blockers(progress, blockers);
}

List *
viflo_progress_list(void)
{
	LockData   *locks = GetLockStatusData();
	List	   *result = NIL;

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];
		const LOCKTAG *tag = &lock->locktag;
		VifloProgress *progress;

		CHECK_FOR_INTERRUPTS();
		if (tag->locktag_type != LOCKTAG_OBJECT ||
			tag->locktag_field1 != MyDatabaseId ||
			tag->locktag_field2 != ExtensionRelationId ||
			tag->locktag_field4 != PROGRESS_SUBOBJECT ||
			(lock->holdMask & LOCKBIT_ON(ExclusiveLock)) == 0)
			continue;
		progress = read_segment(tag->locktag_field3);
		if (progress == NULL || progress->pid != lock->pid)
			continue;
		if (progress->nblockers > 0)
			put_blockers(progress, describe_pids(progress->blockers, progress->nblockers));
		else if (progress->waiting_for[0] == '\0')
			find_blockers(progress);
		result = lappend(result, progress);
	}
	return result;
}
