/*-------------------------------------------------------------------------
 * patience.c
 *	  Lock waits of an online run: look first, ask briefly, try again.
 *
 * What is looked at are the locks that a statement is known to need (needs.c)
 * and those that an earlier attempt waited for in vain (lockwait.c), whatever
 * they were: rows, or tables that a DO block changes.
 *
 * Who has been in its transaction for longer than a moment is waited for
 * without asking.  The moment grows with the waiting, more slowly than time
 * itself: a transaction that was there from the beginning stays too old for
 * ever, while new ones that follow each other without a gap do not keep the
 * run from asking.  And nobody is asked behind twice.
 *
 * Autovacuum is the one holder that goes when somebody waits; as the server
 * notices after deadlock_timeout only, which is longer than we ask, we tell it
 * ourselves after the same time.
 *
 * lock_timeout is set for each statement, and never to more than the caller
 * or the script wants.  A value other than our last is theirs.  A statement
 * that is not known to need strong locks may wait longer, as for rows, but
 * not where it turns out to hold up others (lockwait.c).
 *
 * A DO or CALL that commits midway cannot be tried again.  Its lock_timeout is
 * set for its first transaction, and goes with the first COMMIT.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "observe/progress.h"
#include "run/client.h"
#include "run/lockview.h"
#include "run/lockwait.h"
#include "run/needs.h"
#include "run/patience.h"
#include "run/tenant.h"
#include "settings.h"

/* Milliseconds, all of them. */
#define MOMENT				100
#define LONGEST_MOMENT		10000
#define FIRST_TIMEOUT		20
#define DEFAULT_TIMEOUT		1000	/* lock_timeout for its setting of 0 */
#define SHORTEST_LOOK		5
#define LONGEST_LOOK		20
#define SHORTEST_PAUSE		25
#define PAUSE_GROWTH		50
#define LONGEST_PAUSE		500

/* Longest that a transaction stays open while we look. */
#define LONGEST_OPEN		1000

/* Of the time spent waiting, what the moment grows by. */
#define MOMENT_GROWTH		4

/* While a statement runs that may commit midway: has it? */
static bool watching_commits = false;
static bool committed_midway = false;

/* The longest that a statement may wait in a queue. */
static int
longest_timeout(void)
{
	return viflo_setting_lock_timeout > 0 ? viflo_setting_lock_timeout : DEFAULT_TIMEOUT;
}

/*
 * Grows, too, when attempts give up again and again although a look had found
 * the way free: what the step does first takes longer than others' gaps.
 */
static int
moment(const VifloPatience *patience)
{
	int			longest = Min(longest_timeout(), LONGEST_MOMENT);
	int			growth = Min(patience->waited / 1000 / MOMENT_GROWTH, longest);

	return (MOMENT + growth) << Min(Max(patience->refusals - 1, 0), 4);
}

static bool
budget_is_used_up(const VifloPatience *patience)
{
	return patience->waited / 1000 >= viflo_setting_lock_budget;
}

/* Counts what was waited since then. */
static void
count_wait(VifloPatience *patience, TimestampTz since)
{
	if (patience->waiting_since == 0)
		patience->waiting_since = since;
	patience->waited += Max(GetCurrentTimestamp() - since, 0);
}

static void
wait_a_while(VifloPatience *patience, int milliseconds)
{
	TimestampTz begin = GetCurrentTimestamp();
	TimestampTz end = TimestampTzPlusMilliseconds(begin, milliseconds);
	TimestampTz now = begin;

	/* Timers of others set the latch, too. */
	while (now < end)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 TimestampDifferenceMilliseconds(now, end), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		viflo_client_check();
		now = GetCurrentTimestamp();
	}
	count_wait(patience, begin);
}

static void
set_blockers(VifloPatience *patience, List *holders)
{
	char	   *text = viflo_describe_holders(holders);
	ListCell   *cell;

	patience->nblocking = 0;
	foreach(cell, holders)
		if (patience->nblocking < VIFLO_PROGRESS_BLOCKERS)
		patience->blocking[patience->nblocking++] = ((VifloHolder *) lfirst(cell))->pid;
	if (patience->blockers != NULL)
		pfree(patience->blockers);
	patience->blockers = MemoryContextStrdup(patience->context, text);
	pfree(text);
}

static void
remember(VifloPatience *patience, const LOCKTAG *tag, LOCKMODE mode)
{
	MemoryContext old = MemoryContextSwitchTo(patience->context);

	patience->failed = viflo_lock_targets_add(patience->failed, tag, mode);
	MemoryContextSwitchTo(old);
}

/* As the server does when a lock's waiter finds autovacuum in its way. */
static void
cancel_autovacuum(List *holders)
{
	ListCell   *cell;

	foreach(cell, holders)
	{
		VifloHolder *holder = lfirst(cell);

		if (!holder->yields)
			continue;
		ereport(DEBUG1,
				(errmsg_internal("sending cancel to blocking autovacuum process %d",
								 holder->pid)));
		(void) kill(holder->pid, SIGINT);
	}
}

static List *
targets_of(const VifloPatience *patience, const VifloStatements *statements,
		   int first, int last)
{
	List	   *targets = NIL;
	ListCell   *cell;

	for (int i = first; i <= last; i++)
	{
		const VifloStatement *statement = &statements->statements[i];

		CHECK_FOR_INTERRUPTS();
		if (statement->kind == VIFLO_STATEMENT_RUN)
			targets = viflo_lock_targets_add_needs(targets, statement->raw->stmt);
	}
	foreach(cell, patience->failed)
	{
		const VifloLockTarget *target = lfirst(cell);

		targets = viflo_lock_targets_add(targets, &target->tag, target->mode);
	}
	return targets;
}

/*
 * Says who is in the way: to whoever watches the run, which is everybody, by
 * number only; what they do is for the run's error and its log.
 */
static void
report_holders(VifloPatience *patience, List *holders)
{
	set_blockers(patience, holders);
	viflo_progress_wait(VIFLO_PHASE_LOOKING, patience->blocking, patience->nblocking);
}

/* Returns once no old transaction is in the way.  In a context for each look. */
static void
wait_for_old_holders(VifloPatience *patience, List *targets, MemoryContext context,
					 void (*commit) (void))
{
	VifloLockView *view = &patience->view;
	TimestampTz cancelled = GetCurrentTimestamp();
	TimestampTz committed = 0;
	uint32		reported = 0;
	int			pause = SHORTEST_LOOK;

	while (viflo_lock_view_look(view, targets, moment(patience)))
	{
		uint32		fingerprint = viflo_lock_view_fingerprint(view);
		bool		changed = fingerprint != reported || committed == 0;

		if (changed)
			report_holders(patience, view->holders);
		reported = fingerprint;
		if (budget_is_used_up(patience))
			viflo_lock_view_raise(view);
		if (TimestampDifferenceExceeds(cancelled, GetCurrentTimestamp(), DeadlockTimeout))
		{
			cancel_autovacuum(view->holders);
			cancelled = GetCurrentTimestamp();
		}

		/* Gives up the catalogs' snapshot, which names were looked up by. */
		if (changed || TimestampDifferenceExceeds(committed, GetCurrentTimestamp(), LONGEST_OPEN))
		{
			commit();
			committed = GetCurrentTimestamp();
		}
		wait_a_while(patience, pause);
		pause = Min(pause + SHORTEST_LOOK, LONGEST_LOOK);
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
	}
}

void
viflo_patience_look(VifloPatience *patience, const VifloStatements *statements,
					int first, int last, void (*commit) (void))
{
	MemoryContext context = AllocSetContextCreate(patience->context, "viflo lock look",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int			level = NewGUCNestLevel();
	List	   *targets;

	if (patience->tenant != NULL)
		viflo_tenant_enter(patience->tenant);
	targets = targets_of(patience, statements, first, last);
	AtEOXact_GUC(false, level);
	if (targets != NIL)
	{
		MemoryContext each = AllocSetContextCreate(context, "viflo lock holders",
												   ALLOCSET_SMALL_SIZES);

		MemoryContextSwitchTo(each);
		wait_for_old_holders(patience, targets, each, commit);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
notice_commit(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT || !watching_commits)
		return;
	committed_midway = true;
	viflo_lockwait_unwatch();
}

static void
watch_commits(bool watch)
{
	static bool registered = false;

	if (watch && !registered)
	{
		RegisterXactCallback(notice_commit, NULL);
		registered = true;
	}
	watching_commits = watch;
	committed_midway = false;
}

/* Could it commit a part of its work before it fails? */
static bool
may_commit(const VifloPatience *patience, Node *statement)
{
	return patience->session_level && !IsTransactionBlock() &&
		(IsA(statement, DoStmt) || IsA(statement, CallStmt));
}

/* Makes the server's lock_timeout milliseconds long. */
static void
set_timeout(VifloPatience *patience, int milliseconds, bool session_level)
{
	char		value[32];

	if (LockTimeout != milliseconds)
	{
		snprintf(value, sizeof(value), "%d", milliseconds);
		(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
								 session_level ? GUC_ACTION_SET : GUC_ACTION_LOCAL,
								 true, 0, false);
	}
	patience->own_timeout = milliseconds;
}

/* Bounds the lock waits of a statement. */
static void
bound_waits(VifloPatience *patience, Node *statement, bool strong)
{
	int			bound = strong ? patience->timeout : longest_timeout();
	bool		midway = viflo_waits_midway(statement);

	if (LockTimeout != patience->own_timeout)
		patience->caller_timeout = LockTimeout;
	if (patience->caller_timeout > 0)
		bound = Min(bound, patience->caller_timeout);
	watch_commits(may_commit(patience, statement));
	set_timeout(patience, midway ? 0 : bound, patience->session_level && !watching_commits);
	viflo_lockwait_watch(strong || midway ? 0 : Min(patience->timeout, bound));
}

/* At top level, where nobody else does: puts back what was there. */
static void
unbound_waits(VifloPatience *patience)
{
	if (patience->session_level && patience->own_timeout >= 0 &&
		LockTimeout == patience->own_timeout)
		set_timeout(patience, patience->caller_timeout, true);
	patience->own_timeout = -1;
}

static void
before(void *state, const VifloWatchedStep *step, const VifloWatchedStatement *statement)
{
	VifloPatience *patience = state;
	List	   *targets = viflo_lock_targets_add_needs(NIL, statement->raw->stmt);

	/* Waiting here would hold up others by what the step has locked so far. */
	if (targets != NIL && viflo_lock_view_look(&patience->view, targets, moment(patience)))
	{
		ListCell   *cell;

		foreach(cell, targets)
		{
			const VifloLockTarget *target = lfirst(cell);

			remember(patience, &target->tag, target->mode);
		}
		set_blockers(patience, patience->view.holders);
		patience->refused = true;
		patience->refusals++;
		viflo_lock_view_raise(&patience->view);
	}
	bound_waits(patience, statement->raw->stmt, targets != NIL);
}

static void
after(void *state, const VifloWatchedStep *step, const VifloWatchedStatement *statement,
	  const QueryCompletion *completion)
{
	VifloPatience *patience = state;

	watch_commits(false);
	viflo_lockwait_unwatch();
	if (patience->session_level)
		unbound_waits(patience);
}

static void
failed(void *state, const VifloWatchedStep *step)
{
	watch_commits(false);
	viflo_lockwait_unwatch();
}

void
viflo_patience_begin(VifloPatience *patience, MemoryContext context, bool session_level)
{
	memset(patience, 0, sizeof(*patience));
	patience->attempt = 1;
	patience->context = context;
	patience->view.context = context;
	patience->session_level = session_level;
	patience->timeout = Min(FIRST_TIMEOUT, longest_timeout());
	patience->own_timeout = -1;
	patience->watcher.state = patience;
	patience->watcher.before = before;
	patience->watcher.after = after;
	patience->watcher.failed = failed;
}

bool
viflo_patience_is_lock_error(int sqlstate)
{
	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED ||
		sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

char *
viflo_patience_story(const VifloPatience *patience)
{
	if (patience->blockers == NULL)
		return NULL;
	return psprintf("waited %.3f s for locks, last because of %s",
					patience->waited / 1e6, patience->blockers);
}

/* Learns from a wait that failed what to look at, and who was in the way. */
static void
learn(VifloPatience *patience)
{
	LOCKTAG		tag;
	LOCKMODE	mode;
	List	   *holders;

	if (!viflo_lockwait_take(&tag, &mode))
		return;
	remember(patience, &tag, mode);
	holders = viflo_lock_holders(&tag, mode);
	viflo_lock_view_outlasted(&patience->view, holders, patience->timeout);
	if (holders != NIL)
		set_blockers(patience, holders);
}

bool
viflo_patience_again(VifloPatience *patience, int sqlstate)
{
	bool		refused = patience->refused;
	int			timeout = patience->own_timeout;
	int			spread;

	patience->refused = false;
	patience->committed = committed_midway;
	watch_commits(false);
	viflo_lockwait_unwatch();
	unbound_waits(patience);
	if (patience->committed || !viflo_patience_is_lock_error(sqlstate))
		return false;
	if (refused && patience->refusals == 1)
		return true;

	if (!refused)
	{
		learn(patience);
		if (sqlstate == ERRCODE_LOCK_NOT_AVAILABLE)
		{
			patience->waited += (int64) Max(timeout, 0) * 1000;
			patience->timeout = Min(patience->timeout * 2, longest_timeout());
		}
	}
	if (patience->attempt > viflo_setting_lock_retries || budget_is_used_up(patience))
		return false;
	spread = Min(PAUSE_GROWTH * patience->attempt, LONGEST_PAUSE - SHORTEST_PAUSE);
	patience->attempt++;
	viflo_progress_wait(VIFLO_PHASE_PAUSING, patience->blocking, patience->nblocking);
	viflo_progress_attempt(patience->attempt);
	wait_a_while(patience, SHORTEST_PAUSE +
				 (int) pg_prng_uint64_range(&pg_global_prng_state, 0, spread));
	return true;
}
