/*-------------------------------------------------------------------------
 * lock.c
 *	  One migrator at a time for each project and tenant.
 *
 * The tag is (extension viflo_migrate, hash of project and tenant).  Two
 * whose hashes collide wait for each other needlessly; nothing else happens,
 * as no tenant has the number of its own project, which it locks, too.
 * Sub-object 0 is what DROP and ALTER EXTENSION lock, the odd numbers are the
 * migrator's lock, the even ones say that its holder runs a step outside of a
 * transaction; the topmost are other parts' (progress, jobs).
 *
 * A tenant's run takes the project's lock first, in a mode that only conflicts
 * with the migrator's own.  Its step outside of a transaction is marked with
 * both, as whoever waits for either may be what the step waits for.
 *
 * A query that waits is woken every two deadlock_timeouts: long enough for
 * the deadlock detector to have looked, short enough to get out of the way of
 * a step that waits for the query's snapshot.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "common/sqlstate.h"
#include "compat.h"
#include "report.h"
#include "run/lock.h"
#include "run/timeout.h"
#include "settings.h"

/* Different sub-objects of a tag; twice as many are taken. */
#define LOCK_HASHES 32000

/* How whoever runs for a tenant holds the project's lock. */
#define SHARING RowShareLock

/* Asks whether a step is marked.  Conflicts with marks, and not with itself. */
#define PROBE	ShareLock

static uint32
hash_name(const char *name)
{
	return hash_bytes((const unsigned char *) name, strlen(name));
}

static void
lock_tags(LOCKTAG *tag, LOCKTAG *step_tag, const char *project, const char *tenant)
{
	Oid			extension = get_extension_oid("viflo_migrate", false);
	uint32		of_project = hash_name(project);
	uint32		number = hash_combine(of_project, hash_name(tenant)) % LOCK_HASHES;

	/* Two runs for it would share the project's lock, and both want it alone. */
	if (tenant[0] != '\0' && number == hash_combine(of_project, hash_name("")) % LOCK_HASHES)
		number = (number + 1) % LOCK_HASHES;
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId, extension, 2 * number + 1);
	SET_LOCKTAG_OBJECT(*step_tag, MyDatabaseId, ExtensionRelationId, extension, 2 * number + 2);
}

/*
 * Pid of somebody else who holds the lock in a mode that conflicts with this
 * one, 0 if that is a prepared transaction, -1 if there is nobody by now.
 * Touches no catalogs.  Whoever waits asks many times, and the server may hold
 * many locks: nothing is left in the caller's memory context.
 */
static int
holder_pid(const LOCKTAG *tag, LOCKMODE mode)
{
	LockData   *locks = GetLockStatusData();
	int			pid = -1;

	for (int i = 0; i < locks->nelements && pid < 0; i++)
	{
		LockInstanceData *instance = &locks->locks[i];

		if (memcmp(&instance->locktag, tag, sizeof(LOCKTAG)) != 0 || instance->pid == MyProcPid)
			continue;
		for (LOCKMODE held = AccessShareLock; held <= AccessExclusiveLock; held++)
			if ((instance->holdMask & LOCKBIT_ON(held)) != 0 && DoLockModesConflict(held, mode))
				pid = instance->pid;
	}
	pfree(locks->locks);
	pfree(locks);
	return pid;
}

/* Says who holds the lock, as the detail of the error under way. */
static int
errdetail_holder(const LOCKTAG *tag, LOCKMODE mode)
{
	int			pid = holder_pid(tag, mode);
	const char *application = "";
	TimestampTz since = 0;

	if (pid < 0)
		return errdetail("It was released a moment ago.");
	if (pid == 0)
		return errdetail("It is held by a prepared transaction; see view pg_prepared_xacts.");

	pgstat_clear_snapshot();
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = viflo_backend_status(i);

		if (local == NULL || local->backendStatus.st_procpid != pid)
			continue;
		application = pstrdup(local->backendStatus.st_appname);
		since = local->backendStatus.st_xact_start_timestamp;
	}
	return errdetail("It is held by process %d (application \"%s\"), whose transaction began at %s.",
					 pid, application, timestamptz_to_str(since));
}

static _Noreturn void
raise_lock_timeout(const char *project, const LOCKTAG *tag, LOCKMODE mode, bool by_caller)
{
	ereport(ERROR,
			(viflo_errcode(VIFLO_LOCK_TIMEOUT),
			 errmsg("could not obtain the migrator lock of project \"%s\"", project),
			 errdetail_holder(tag, mode),
			 by_caller ? errhint("Try again, or raise lock_timeout, which is shorter than viflo_migrate.lock_wait.") :
			 errhint("Try again, or raise viflo_migrate.lock_wait.")));
}

/*
 * Raises when the holder's step waits for what a query holds.  The caller has
 * not got the lock, and is about to wait for it in a query.
 */
static void
check_step_under_way(const char *project, const LOCKTAG *step_tag)
{
	int			pid = holder_pid(step_tag, PROBE);

	if (pid < 0)
		return;
	ereport(ERROR,
			(viflo_errcode(VIFLO_STEP_UNDER_WAY),
			 errmsg("a step of project \"%s\" is under way outside of a transaction", project),
			 errdetail("Process %d runs it, and may have to wait for this query.", pid),
			 errhint("Use CALL viflo_deploy(), which waits without holding anything up, or try again later.")));
}

/* Does a worker live on, whose session has lost the lock?  It is soon over. */
static bool
worker_lives_on(const LOCKTAG *step_tag)
{
	if (LockAcquire(step_tag, PROBE, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(step_tag, PROBE, false);
	return false;
}

static bool
try_lock(const LOCKTAG *tag, const LOCKTAG *step_tag, LOCKMODE mode, bool session)
{
	if (LockAcquire(tag, mode, session, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	if (mode == SHARING || !worker_lives_on(step_tag))
		return true;
	(void) LockRelease(tag, mode, session);
	return false;
}

/* The tenant's and a share of the project's, or, without a tenant, the project's. */
static bool
try_locks(const VifloMigratorLock *lock, bool session)
{
	if (lock->shares &&
		!try_lock(&lock->project_tag, &lock->project_step_tag, SHARING, session))
		return false;
	if (try_lock(&lock->tag, &lock->step_tag, ExclusiveLock, session))
		return true;
	if (lock->shares)
		(void) LockRelease(&lock->project_tag, SHARING, session);
	return false;
}

static void
release_locks(const VifloMigratorLock *lock, bool session)
{
	(void) LockRelease(&lock->tag, ExclusiveLock, session);
	if (lock->shares)
		(void) LockRelease(&lock->project_tag, SHARING, session);
}

bool
viflo_lock_try(const char *project, const char *tenant)
{
	VifloMigratorLock lock;

	viflo_lock_init(&lock, project, tenant);
	return try_locks(&lock, false);
}

/*
 * Waits in the queue for milliseconds at most.  A subtransaction takes back
 * what a timeout leaves.  What it got is the transaction's then, and made the
 * caller's, as for any lock taken without it.
 */
static bool
wait_in_queue(const LOCKTAG *tag, LOCKMODE mode, int milliseconds)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		viflo_timeout_lock(milliseconds);
		(void) LockAcquire(tag, mode, false, false);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL)
	{
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
			ReThrowError(error);
		FreeErrorData(error);
		return false;
	}
	if (owner != CurTransactionResourceOwner)
	{
		(void) LockAcquire(tag, mode, false, false);
		CurrentResourceOwner = CurTransactionResourceOwner;
		(void) LockRelease(tag, mode, false);
		CurrentResourceOwner = owner;
	}
	return true;
}

/* One of the two, until the transaction ends; begin is when waiting began. */
static void
acquire(const char *project, const LOCKTAG *tag, const LOCKTAG *step_tag, LOCKMODE mode,
		TimestampTz begin)
{
	bool		by_caller = LockTimeout > 0 && LockTimeout < viflo_setting_lock_wait;
	int			limit = by_caller ? LockTimeout : viflo_setting_lock_wait;

	while (!try_lock(tag, step_tag, mode, false))
	{
		long		left = limit - (long) ((GetCurrentTimestamp() - begin) / 1000);

		CHECK_FOR_INTERRUPTS();
		check_step_under_way(project, step_tag);
		if (left <= 0)
			raise_lock_timeout(project, tag, mode, by_caller);
		if (wait_in_queue(tag, mode, Min(left, 2 * DeadlockTimeout)))
		{
			if (mode == SHARING || !worker_lives_on(step_tag))
				return;
			(void) LockRelease(tag, mode, false);
		}
	}
}

void
viflo_lock_acquire(const char *project, const char *tenant)
{
	TimestampTz begin = GetCurrentTimestamp();
	VifloMigratorLock lock;

	viflo_lock_init(&lock, project, tenant);
	if (lock.shares)
		acquire(project, &lock.project_tag, &lock.project_step_tag, SHARING, begin);
	acquire(project, &lock.tag, &lock.step_tag, ExclusiveLock, begin);
}

void
viflo_lock_release(const char *project, const char *tenant)
{
	VifloMigratorLock lock;

	viflo_lock_init(&lock, project, tenant);
	release_locks(&lock, false);
}

void
viflo_lock_init(VifloMigratorLock *lock, const char *project, const char *tenant)
{
	memset(lock, 0, sizeof(*lock));
	lock_tags(&lock->tag, &lock->step_tag, project, tenant);
	lock->shares = tenant[0] != '\0';
	if (lock->shares)
		lock_tags(&lock->project_tag, &lock->project_step_tag, project, "");
}

bool
viflo_lock_try_session(VifloMigratorLock *lock)
{
	lock->held = try_locks(lock, true);
	return lock->held;
}

void
viflo_lock_release_session(VifloMigratorLock *lock)
{
	viflo_lock_unmark_step(lock);
	if (lock->held)
		release_locks(lock, true);
	lock->held = false;
}

/* What is waited for: the tenant's lock, unless somebody has the project's. */
static const LOCKTAG *
awaited(const VifloMigratorLock *lock, LOCKMODE *mode)
{
	*mode = lock->shares && holder_pid(&lock->project_tag, SHARING) >= 0 ? SHARING : ExclusiveLock;
	return *mode == SHARING ? &lock->project_tag : &lock->tag;
}

int
viflo_lock_holder(const VifloMigratorLock *lock)
{
	LOCKMODE	mode;
	const LOCKTAG *tag = awaited(lock, &mode);

	return holder_pid(tag, mode);
}

void
viflo_lock_mark_step(VifloMigratorLock *lock)
{
	/* Waits for a probe at most, which is given back at once. */
	if (!lock->marked)
		(void) LockAcquire(&lock->step_tag, VIFLO_STEP_MARK, true, false);
	if (!lock->marked && lock->shares)
		(void) LockAcquire(&lock->project_step_tag, VIFLO_STEP_MARK, true, false);
	lock->marked = true;
}

void
viflo_lock_unmark_step(VifloMigratorLock *lock)
{
	if (lock->marked)
		(void) LockRelease(&lock->step_tag, VIFLO_STEP_MARK, true);
	if (lock->marked && lock->shares)
		(void) LockRelease(&lock->project_step_tag, VIFLO_STEP_MARK, true);
	lock->marked = false;
}

void
viflo_lock_raise_timeout(const VifloMigratorLock *lock, const char *project)
{
	LOCKMODE	mode;
	const LOCKTAG *tag = awaited(lock, &mode);

	raise_lock_timeout(project, tag, mode, false);
}
