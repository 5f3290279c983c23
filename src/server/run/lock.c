/*-------------------------------------------------------------------------
 * lock.c
 *	  One migrator at a time for each project and tenant.
 *
 * The tag is (extension viflo_migrate, hash of project and tenant).  Two
 * projects whose 16-bit hashes collide wait for each other needlessly;
 * nothing else happens.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "common/sqlstate.h"
#include "compat.h"
#include "report.h"
#include "run/lock.h"
#include "run/timeout.h"
#include "settings.h"

static void
lock_tag(LOCKTAG *tag, const char *project, const char *tenant)
{
	uint32		hash = hash_bytes((const unsigned char *) project, strlen(project));

	hash = hash_combine(hash, hash_bytes((const unsigned char *) tenant, strlen(tenant)));

	/* DROP and ALTER EXTENSION lock sub-object 0. */
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId,
					   get_extension_oid("viflo_migrate", false),
					   (uint16) (hash % PG_UINT16_MAX) + 1);
}

/*
 * Pid of a holder of the lock, 0 if that is a prepared transaction, -1 if the
 * lock is free by now.  Touches no catalogs.
 */
static int
holder_pid(const LOCKTAG *tag)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		LockInstanceData *instance = &locks->locks[i];

		if (memcmp(&instance->locktag, tag, sizeof(LOCKTAG)) == 0 &&
			(instance->holdMask & LOCKBIT_ON(ExclusiveLock)) != 0)
			return instance->pid;
	}
	return -1;
}

/* Says who holds the lock, as the detail of the error under way. */
static int
errdetail_holder(const LOCKTAG *tag)
{
	int			pid = holder_pid(tag);
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

static void
raise_lock_timeout(const char *project, const LOCKTAG *tag, bool by_caller)
{
	ereport(ERROR,
			(viflo_errcode(VIFLO_LOCK_TIMEOUT),
			 errmsg("could not obtain the migrator lock of project \"%s\"", project),
			 errdetail_holder(tag),
			 by_caller ? errhint("Try again, or raise lock_timeout, which is shorter than viflo_migrate.lock_wait.") :
			 errhint("Try again, or raise viflo_migrate.lock_wait.")));
}

bool
viflo_lock_try(const char *project, const char *tenant)
{
	LOCKTAG		tag;

	lock_tag(&tag, project, tenant);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
viflo_lock_acquire(const char *project, const char *tenant)
{
	MemoryContext context = CurrentMemoryContext;
	LOCKTAG		tag;
	bool		by_caller;
	int			nest_level;

	lock_tag(&tag, project, tenant);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	if (viflo_setting_lock_wait == 0)
		raise_lock_timeout(project, &tag, false);

	by_caller = LockTimeout > 0 && LockTimeout < viflo_setting_lock_wait;
	nest_level = NewGUCNestLevel();
	viflo_timeout_lock(viflo_setting_lock_wait);
	PG_TRY();
	{
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
	}
	PG_CATCH();
	{
		/* The error is replaced by a better one, never swallowed. */
		if (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE)
		{
			FlushErrorState();
			MemoryContextSwitchTo(context);
			raise_lock_timeout(project, &tag, by_caller);
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	AtEOXact_GUC(true, nest_level);
}

void
viflo_lock_release(const char *project, const char *tenant)
{
	LOCKTAG		tag;

	lock_tag(&tag, project, tenant);
	(void) LockRelease(&tag, ExclusiveLock, false);
}
