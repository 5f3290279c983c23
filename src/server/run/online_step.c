/*-------------------------------------------------------------------------
 * online_step.c
 *	  One step of an online run: in a transaction of its own where it fits in
 *	  one, by a worker where it does not.
 *
 * A step that fits in a transaction runs in a subtransaction, is recorded
 * there, and committed.  One that did not get its locks is rolled back whole,
 * the transaction ended, and tried again (patience.c).  One that turns out not
 * to fit (fit.c) is rolled back and run as the others are: by a background worker,
 * which commits as it goes and notes in viflo.unfinished how far it is
 * (dispatch.c, toplevel.c).  A backfill follows, range by range (backfill.c).
 *
 * The top-level transaction is only ever committed: its abort would give the
 * session's locks away.  Only a failure that ends the run aborts it, and a
 * commit that fails.  The failure is logged in a transaction of its own
 * (failure.c).
 *
 * Memory: a step has a context that outlives its transactions; each attempt
 * has one below it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "common/sqlstate.h"
#include "observe/progress.h"
#include "report.h"
#include "run/backfill.h"
#include "run/dispatch.h"
#include "run/failure.h"
#include "run/fit.h"
#include "run/milestone.h"
#include "run/online_step.h"
#include "run/patience.h"
#include "run/split.h"
#include "run/tenant.h"
#include "run/timeout.h"
#include "store/unfinished.h"

typedef struct OnlineStep
{
	const VifloRun *run;
	const VifloPlannedStep *step;
	VifloMigratorLock *lock;
	void		(*commit) (void);
	MemoryContext context;		/* of all that is kept here */
	VifloPatience patience;
	VifloRecord record;
	VifloUnfinished *unfinished;	/* NULL: it is not half done */
	StringInfoData detail;		/* for the log */
	bool		pinned;			/* the script says that it is to run in a
								 * transaction */
	int			sqlstate;		/* why the last attempt failed */
	bool		again;			/* it may be tried again */
	NodeTag		statement;		/* of the statement that ran last */
	VifloWatcher watcher;		/* notes it */
} OnlineStep;

/* Reads how far the step is, into at->unfinished. */
static void
read_unfinished(OnlineStep *at)
{
	MemoryContext old = MemoryContextSwitchTo(at->context);

	PushActiveSnapshot(GetTransactionSnapshot());
	at->unfinished = viflo_unfinished_get(at->run->project, at->run->tenant,
										  at->step->revision);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
}

/* The step's text, in at->context. */
static void
read_revision(OnlineStep *at, VifloRevision *revision)
{
	MemoryContext old = MemoryContextSwitchTo(at->context);

	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_step_read(at->run, at->step, revision);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	at->record.checksum = MemoryContextStrdup(at->context, revision->checksum);
}

static void
finish_record(OnlineStep *at)
{
	char	   *story = viflo_patience_story(&at->patience);

	at->record.ended = GetCurrentTimestamp();
	at->record.detail = at->detail.len > 0 ? at->detail.data : NULL;
	if (story != NULL && at->record.detail != NULL)
		at->record.detail = psprintf("%s; %s", at->record.detail, story);
	else if (story != NULL)
		at->record.detail = story;
	viflo_record_step(&at->record);
}

/* Logs the failure and raises it. */
static _Noreturn void
fail(OnlineStep *at, ErrorData *error)
{
	VifloStepFailure failure = {
		.run = at->run,
		.step = at->step,
		.lock = at->lock,
		.commit = at->commit,
		.context = at->context,
		.record = &at->record,
		.detail = &at->detail,
		.blockers = at->patience.blockers
	};

	viflo_step_failure_raise(&failure, error);
}

/*
 * Constraints that the script deferred fail here, in the step's name and
 * inside its subtransaction, rather than when the transaction commits.
 */
static void
check_deferred(const OnlineStep *at)
{
	VifloPlace	place = {
		.revision = at->step->revision,
		.tenant = at->run->tenant,
		.direction = at->step->up ? "up" : "down",
		.file = at->step->source
	};
	ConstraintsSetStmt *all = makeNode(ConstraintsSetStmt);
	int			level = NewGUCNestLevel();

	viflo_place_enter(&place);
	viflo_tenant_enter(at->run->tenant);
	AfterTriggerSetState(all);
	AtEOXact_GUC(false, level);
	viflo_place_leave(&place);
}

/* Fails before anything is done rather than after the up section. */
static void
check_backfill(const VifloPlannedStep *step, const VifloRevision *revision)
{
	if (step->up && revision->backfill.text != NULL)
		viflo_backfill_check(&revision->backfill, step->revision, step->source);
}

static void
run_in_transaction(OnlineStep *at, const VifloRun *run)
{
	VifloRevision revision;

	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_step_read(run, at->step, &revision);
	at->pinned = revision.transaction == VIFLO_TRANSACTION_ON;
	at->record.checksum = MemoryContextStrdup(at->context, revision.checksum);
	check_backfill(at->step, &revision);
	at->record.statements = viflo_step_run_section(run, at->step, &revision);
	check_deferred(at);
	at->record.attempts = at->patience.attempt;

	/* The step's locks are held meanwhile: as short as for one of them. */
	viflo_timeout_lock(at->patience.timeout);
	viflo_state_announce_applied(run->project, run->tenant);
	if (at->step->up && revision.backfill.text != NULL)
	{
		at->unfinished = viflo_step_unfinished(at->run, at->step, at->record.started, at->context);
		at->unfinished->statements = at->record.statements;
		at->unfinished->section_done = true;
		viflo_milestone_of_all(&revision.up, at->unfinished->digest);
		viflo_unfinished_put(at->unfinished);
	}
	else
		finish_record(at);
	PopActiveSnapshot();
}

static void
note_statement(void *state, const VifloWatchedStep *step, const VifloWatchedStatement *statement)
{
	OnlineStep *at = state;

	at->statement = nodeTag(statement->raw->stmt);
}

/* NULL, or the error: all is then rolled back and nothing locked any more. */
static ErrorData *
attempt(OnlineStep *at)
{
	VifloRun	run = *at->run;
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext context = AllocSetContextCreate(at->context, "viflo attempt",
												  ALLOCSET_DEFAULT_SIZES);
	ErrorData  *volatile error = NULL;

	at->watcher.state = at;
	at->watcher.before = note_statement;
	at->watcher.next = run.watchers;
	at->patience.watcher.next = &at->watcher;
	run.watchers = &at->patience.watcher;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		run_in_transaction(at, &run);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(at->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		at->unfinished = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	MemoryContextDelete(context);
	return error;
}

/*
 * Ends the transaction.  Where that fails, the server has aborted it and begun
 * another, and the session's locks are gone.
 */
static ErrorData *
try_commit(OnlineStep *at)
{
	MemoryContext old = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		at->commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(at->context);
		error = CopyErrorData();
		FlushErrorState();
		at->lock->held = false;
		at->unfinished = NULL;
		viflo_progress_again();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return error;
}

/*
 * After a failed attempt: pauses, and waits, holding nothing, for who is in
 * the way of the step's statements.
 */
static void
wait_to_try_again(OnlineStep *at)
{
	VifloRevision revision;
	const VifloSection *section;
	VifloStatements *statements;

	at->again = viflo_patience_again(&at->patience, at->sqlstate);
	if (!at->again)
		return;
	read_revision(at, &revision);
	section = viflo_step_section(at->step, &revision);
	statements = viflo_split(section->text, section->length);
	viflo_patience_look(&at->patience, statements, 0, statements->count - 1, at->commit);
}

/*
 * Does action, outside of any subtransaction as it ends transactions itself.
 * NULL, or what it raised, which ends the run: the session's locks may go
 * with the transaction.
 */
static ErrorData *
try_outside(OnlineStep *at, void (*action) (OnlineStep *at))
{
	MemoryContext old = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		MemoryContextSwitchTo(at->context);
		action(at);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(at->context);
		error = CopyErrorData();
		FlushErrorState();
		SPI_rollback();
		at->lock->held = false;
		at->lock->marked = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return error;
}

/* Returns false when the step does not fit in a transaction. */
static bool
try_in_transaction(OnlineStep *at, VifloOnlineOutcome *outcome)
{
	ErrorData  *error;
	ErrorData  *late;

	*outcome = VIFLO_STEP_DONE;
	for (;;)
	{
		viflo_progress_attempt(at->patience.attempt);
		error = attempt(at);

		/* Under SERIALIZABLE a failed attempt may doom the transaction, too. */
		late = try_commit(at);
		if (late != NULL)
		{
			if (error == NULL)
				error = late;
			if (!viflo_patience_is_lock_error(error->sqlerrcode))
				fail(at, error);
			*outcome = VIFLO_STEP_LOCK_LOST;
			return true;
		}
		if (error == NULL)
			return true;
		if (!at->pinned && viflo_fit_is_outside(error, at->statement))
		{
			viflo_record_add_detail(&at->detail, psprintf("run outside of a transaction after: %s", error->message));
			return false;
		}
		at->sqlstate = error->sqlerrcode;
		late = try_outside(at, wait_to_try_again);
		if (late != NULL)
			fail(at, late);
		if (!at->again)
			fail(at, error);
	}
}

/* What the worker is to do; its errors are the caller's to catch. */
static void
dispatch(OnlineStep *at)
{
	VifloTopLevelResult result = {0};

	if (at->unfinished == NULL)
	{
		at->unfinished = viflo_step_unfinished(at->run, at->step, at->record.started, at->context);

		/* The worker adds the row when there is something to know. */
		if (at->detail.len > 0)
		{
			at->unfinished->detail = at->detail.data;
			PushActiveSnapshot(GetTransactionSnapshot());
			viflo_unfinished_put(at->unfinished);
			PopActiveSnapshot();
		}
	}
	else if (at->unfinished->detail != NULL)
		viflo_record_add_detail(&at->detail, at->unfinished->detail);
	at->commit();

	viflo_lock_mark_step(at->lock);
	viflo_dispatch_step(at->run, at->step, at->step->number, at->step->of, at->commit, &result);
	viflo_lock_unmark_step(at->lock);

	at->record.statements = result.statements;
	at->record.attempts = result.attempts;
	read_unfinished(at);
	if (at->unfinished != NULL)
		viflo_record_take_detail(&at->detail, at->unfinished->detail);
}

static void
backfill(OnlineStep *at, const VifloRevision *revision)
{
	int64		rows;

	if (at->unfinished->backfill_key != NULL)
		viflo_record_add_detail(&at->detail, psprintf("backfill resumed after key %s", at->unfinished->backfill_key));
	rows = viflo_backfill_run(at->run, at->step, &revision->backfill, at->unfinished,
							  at->context, at->commit);
	viflo_record_add_detail(&at->detail, psprintf("backfill changed " INT64_FORMAT " rows", rows));
}

/* Raises when the section that is done has another text now. */
static void
check_same_section(const OnlineStep *at, const VifloRevision *revision)
{
	char		digest[65];

	viflo_milestone_of_all(viflo_step_section(at->step, revision), digest);
	if (strcmp(digest, at->unfinished->digest) != 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_CHANGED_REVISION),
				 errmsg("the section of revision \"%s\" (%s) that is done has another text now",
						at->step->revision, at->step->up ? "up" : "down"),
				 errhint("Give it back the text that was run; or set things right by hand and forget what was done with viflo_repair().")));
}

/* All of the step that is not one transaction, up to its record. */
static void
run_the_rest(OnlineStep *at)
{
	VifloRevision revision;
	int			nest_level;

	at->record.nontransactional = true;
	read_revision(at, &revision);
	check_backfill(at->step, &revision);
	if (at->unfinished == NULL || !at->unfinished->section_done)
		dispatch(at);
	else
	{
		check_same_section(at, &revision);
		at->record.statements = at->unfinished->statements;
		at->commit();
	}
	if (at->step->up && revision.backfill.text != NULL)
		backfill(at, &revision);

	viflo_progress_phase(VIFLO_PHASE_RECORDING, NULL);
	nest_level = NewGUCNestLevel();
	viflo_timeout_lock(VIFLO_RECORD_TIMEOUT);
	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_state_announce_applied(at->run->project, at->run->tenant);
	finish_record(at);
	PopActiveSnapshot();
	AtEOXact_GUC(true, nest_level);
	at->commit();
}

static void
report_done(const OnlineStep *at)
{
	const VifloPlannedStep *step = at->step;
	const char *colon = at->detail.len > 0 ? ": " : "";

	if (at->run->tenant[0] != '\0')
		ereport(NOTICE,
				(errmsg("tenant \"%s\": revision \"%s\" (%s) is done, step %d of %d%s%s",
						at->run->tenant, step->revision, at->record.direction,
						step->number, step->of, colon, at->detail.data)));
	else
		ereport(NOTICE,
				(errmsg("revision \"%s\" (%s) is done, step %d of %d%s%s",
						step->revision, at->record.direction,
						step->number, step->of, colon, at->detail.data)));
}

VifloOnlineOutcome
viflo_online_step(const VifloRun *run, const VifloPlannedStep *step,
				  VifloMigratorLock *lock, void (*commit) (void))
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "viflo online step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OnlineStep *at = palloc0(sizeof(OnlineStep));
	VifloOnlineOutcome outcome = VIFLO_STEP_DONE;
	instr_time	begin;

	INSTR_TIME_SET_CURRENT(begin);
	at->run = run;
	at->step = step;
	at->lock = lock;
	at->commit = commit;
	at->context = context;
	at->record = viflo_step_record(run, step);
	initStringInfo(&at->detail);
	viflo_patience_begin(&at->patience, context, false);
	at->patience.tenant = run->tenant;

	viflo_step_begin(run, step);
	read_unfinished(at);

	/*
	 * A row that tells of nothing was left by a crash before the first
	 * statement.
	 */
	if (at->unfinished != NULL && step->transactional && !viflo_unfinished_is_half_done(at->unfinished))
		at->unfinished = NULL;
	if (at->unfinished != NULL || !step->transactional || !try_in_transaction(at, &outcome) ||
		(outcome == VIFLO_STEP_DONE && at->unfinished != NULL))
	{
		ErrorData  *error = try_outside(at, run_the_rest);

		if (error != NULL)
			fail(at, error);
	}
	if (outcome == VIFLO_STEP_DONE)
	{
		viflo_step_end(run, step, begin);
		report_done(at);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return outcome;
}
