/*-------------------------------------------------------------------------
 * online.c
 *	  Runs a plan on a live database: a commit after each step.
 *
 * Phases: plan by the cached state, and return if that is empty; take the
 * migrator lock for the session, committing between tries; plan again by the
 * state that is newest now; run step by step (online_step.c).
 *
 * A commit that fails aborts the top-level transaction, and the session's
 * lock goes with it: then the lock is taken and the plan is made anew.
 *
 * Memory: what outlives a transaction is in the caller's context, the SPI
 * procedure's.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "observe/progress.h"
#include "run/client.h"
#include "run/dispatch.h"
#include "run/lock.h"
#include "run/online.h"
#include "run/online_step.h"
#include "run/tenant.h"
#include "settings.h"

/* Longest pause between two tries for the migrator lock, in milliseconds. */
#define MIGRATOR_PAUSE_MAX	100

/* How often a commit may fail, and the step be run again, in one run. */
#define COMMIT_FAILURES_MAX	20

static void
commit(void)
{
	SPI_commit();
}

static const char *
command_name(const VifloRun *run)
{
	return run->direction == VIFLO_UP ? "viflo_deploy()" : "viflo_revert()";
}

/* Waits for the migrator lock without a snapshot, for lock_wait at most. */
static void
take_lock(VifloMigratorLock *lock, const char *project)
{
	TimestampTz begin = GetCurrentTimestamp();
	int			limit = viflo_setting_lock_wait;
	int			pause = 1;
	int			holder;

	if (LockTimeout > 0 && LockTimeout < limit)
		limit = LockTimeout;
	while (!viflo_lock_try_session(lock))
	{
		commit();
		if (TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), limit))
			viflo_lock_raise_timeout(lock, project);
		holder = viflo_lock_holder(lock);
		viflo_progress_wait(VIFLO_PHASE_MIGRATOR, &holder, holder >= 0 ? 1 : 0);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 pause + (long) pg_prng_uint64_range(&pg_global_prng_state, 0, pause),
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		viflo_client_check();
		pause = Min(pause * 2, MIGRATOR_PAUSE_MAX / 2);
	}

	/* Others have committed meanwhile: a new transaction sees it. */
	commit();
}

/* The plan by the newest state, copied to the current context. */
static VifloPlannedStep *
make_plan(const VifloRun *run, int *count)
{
	VifloPlannedStep *steps;

	PushActiveSnapshot(GetTransactionSnapshot());
	steps = viflo_steps_plan(run, VIFLO_ONLINE, count);
	PopActiveSnapshot();
	commit();
	return steps;
}

/*
 * One plan, from its first step on.  False when the lock was lost: *done is
 * then short of the plan.
 */
static bool
run_plan(const VifloRun *run, VifloMigratorLock *lock, const VifloOnlineObserver *observer, int *done)
{
	int			before = *done;
	int			count;
	VifloPlannedStep *steps = make_plan(run, &count);

	if (observer != NULL)
	{
		observer->planned(observer->arg, before + count);
		commit();
	}
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (viflo_online_step(run, &steps[i], lock, commit) == VIFLO_STEP_LOCK_LOST)
			return false;
		(*done)++;
		if (observer != NULL)
		{
			observer->committed(observer->arg, *done);
			commit();
		}
	}
	return true;
}

static int
run_plans(const VifloRun *run, VifloMigratorLock *lock, const VifloOnlineObserver *observer)
{
	int			done = 0;

	for (int failures = 0;; failures++)
	{
		take_lock(lock, run->project);
		if (run_plan(run, lock, observer, &done))
			return done;
		if (failures == COMMIT_FAILURES_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not commit a step of project \"%s\" due to concurrent changes",
							run->project)));
	}
}

int
viflo_online_run(const VifloRun *request, const VifloOnlineObserver *observer)
{
	VifloRun	run = *request;
	VifloWatcher progress = viflo_progress_watcher();
	VifloMigratorLock lock;
	volatile int done = 0;

	run.late = viflo_setting_late;
	viflo_tenant_check(run.tenant);
	if (viflo_steps_nothing_to_do(&run))
		return 0;
	viflo_steps_check_not_running("run migrations");
	PreventCommandDuringRecovery(command_name(&run));
	PreventCommandIfReadOnly(command_name(&run));
	PreventCommandIfParallelMode(command_name(&run));

	viflo_lock_init(&lock, run.project, run.tenant);
	progress.next = run.watchers;
	run.watchers = &progress;
	viflo_progress_begin(run.project, run.tenant, run.direction == VIFLO_UP ? "deploy" : "revert",
						 observer ? observer->job : 0, true);
	viflo_steps_set_running(true);
	PG_TRY();
	{
		commit();
		done = run_plans(&run, &lock, observer);
	}
	PG_FINALLY();
	{
		viflo_steps_set_running(false);
		viflo_dispatch_end();
		viflo_progress_end();
		viflo_lock_release_session(&lock);
	}
	PG_END_TRY();
	return done;
}
