/*-------------------------------------------------------------------------
 * toplevel.c
 *	  Runs a section as psql would run the file: each statement by itself,
 *	  transaction blocks where it opens them.
 *
 * Phases: put the tenant's schema, if there is one, at the head of search_path;
 * read the section and how far an earlier run came with it; drop what that left
 * half done; bring the session to where it was then, by the
 * section's own SETs and the like; then unit by unit, a unit being a statement
 * or a whole transaction block.  A unit that did not get its locks is rolled
 * back and tried again.
 *
 * What is done is committed with the statement itself: with the COMMIT of a
 * block, and with the last of the transactions of CREATE INDEX CONCURRENTLY
 * and its like, which the server leaves to be committed by whoever called it.
 * There is no such transaction for ROLLBACK, for a COMMIT with nothing to
 * commit, and for PREPARE TRANSACTION, whose transaction may long wait for its
 * end: those are noted just after.  A statement that commits by itself (a DO
 * block, CALL, VACUUM) is noted with the last of its transactions; cut off,
 * it is run again.
 *
 * Errors: whatever is open is aborted, which also takes this process's session
 * locks away.  Memory: all is in one context below that of the caller.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/prepare.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "common/sqlstate.h"
#include "compat.h"
#include "run/attempt.h"
#include "run/block.h"
#include "run/leftover.h"
#include "run/lock.h"
#include "run/milestone.h"
#include "run/patience.h"
#include "run/statement.h"
#include "run/tenant.h"
#include "run/timeout.h"
#include "run/toplevel.h"
#include "settings.h"

/* How long who cancels waits for a leftover index to be dropped, milliseconds. */
#define CLEANING_WHEN_CANCELLED 3000

/* The state of a run. */
typedef struct TopLevel
{
	const VifloRun *run;
	const VifloPlannedStep *step;
	VifloTopLevelResult *result;
	MemoryContext context;
	VifloWatchedStep watched;
	const VifloSection *section;
	VifloStatements *statements;
	VifloPlace	place;
	VifloExecution execution;
	VifloUnfinished *row;
	VifloMilestone milestone;
	VifloPatience patience;
	VifloMigratorLock lock;
	int			begun;			/* number of a statement that an earlier try
								 * may have done in part; 0: none */
	bool		index_watched;	/* the running statement may leave an INVALID
								 * index */
	bool		made_temporary; /* what an earlier run made is gone with it */
	int			sqlstate;		/* of the error that is being dealt with */
	bool		again;
} TopLevel;

/*
 * An abort takes the mark away, also that by a script's ROLLBACK, and who
 * waits would wait for us.
 */
static void
mark_step(TopLevel *top)
{
	top->lock.marked = viflo_lock_held_by_me(&top->lock.step_tag, VIFLO_STEP_MARK);
	viflo_lock_mark_step(&top->lock);
}

/* Does it; returns NULL, or the error, with everything aborted. */
static ErrorData *
attempt(TopLevel *top, void (*action) (void *arg))
{
	ErrorData  *error = viflo_attempt(action, top, top->context);

	if (error != NULL)
	{
		viflo_leftover_unwatch();
		MemoryContextReset(top->execution.context);
		mark_step(top);
	}
	return error;
}

/* May it leave an INVALID index when it fails? */
static bool
may_leave_index(const VifloStatement *statement)
{
	return statement->forbidden != NULL &&
		(IsA(statement->raw->stmt, IndexStmt) || IsA(statement->raw->stmt, ReindexStmt));
}

static void
begin_command(TopLevel *top, const VifloStatement *statement)
{
	char	   *text = MemoryContextAlloc(top->execution.context, statement->length + 1);

	memcpy(text, top->statements->text + statement->location, statement->length);
	text[statement->length] = '\0';
	viflo_command_begin(text);
}

static void
end_command(TopLevel *top)
{
	viflo_command_end();
	if (!IsTransactionBlock())
		mark_step(top);
	MemoryContextSwitchTo(top->context);
	MemoryContextReset(top->execution.context);
}

/* It is not ours to drop, nor is it what the script wants to be there. */
static void
warn_of_leftover(TopLevel *top, const VifloStatement *statement)
{
	const char *index = viflo_leftover_of_others(statement);

	if (index == NULL)
		return;
	ereport(WARNING,
			(errmsg("index \"%s\" exists already, and is invalid", index),
			 errhint("Make it valid with REINDEX INDEX CONCURRENTLY, or drop it and create it.")));
	viflo_milestone_tell(&top->milestone, "index %s existed already, and is INVALID", index);
}

static void
run_statement(TopLevel *top, const VifloStatement *statement)
{
	VifloStatement actual = *statement;
	VifloBlockStep step = viflo_block_step(statement->raw->stmt);
	bool		in_block = IsTransactionBlock();
	bool		noted = false;

	if (!in_block && viflo_commits_midway(statement))
		viflo_milestone_begin(&top->milestone, statement->number);

	begin_command(top, statement);
	if (in_block && step == VIFLO_BLOCK_COMMIT)
	{
		viflo_milestone_put(&top->milestone, statement->number);
		noted = true;
	}
	if (top->begun == statement->number)
	{
		RawStmt    *rest = viflo_leftover_detach(statement);

		if (rest)
			actual.raw = rest;
	}
	top->index_watched = may_leave_index(statement);
	if (top->index_watched)
		viflo_leftover_watch(top->row, top->context);
	viflo_statement_run(&top->execution, &actual);
	viflo_leftover_unwatch();
	if (!in_block && !IsTransactionBlock() && step == VIFLO_BLOCK_NONE)
	{
		warn_of_leftover(top, statement);
		viflo_milestone_put(&top->milestone, statement->number);
		noted = true;
	}
	end_command(top);

	if (noted)
		viflo_milestone_committed(&top->milestone);
	else if (!IsTransactionBlock())
		viflo_milestone_put_alone(&top->milestone, statement->number);
	top->index_watched = false;
}

/*
 * Runs anew what the statements from first to before last left in the session
 * (session), and opens and ends transaction blocks as they did.
 */
static void
replay(TopLevel *top, int first, int last, bool session)
{
	VifloExecution execution = top->execution;

	execution.watchers = NULL;
	for (int i = first; i < last; i++)
	{
		VifloStatement statement = top->statements->statements[i];
		VifloBlockStep step = viflo_block_step(statement.raw->stmt);

		if (step == VIFLO_BLOCK_NONE)
		{
			if (!session || !viflo_leaves_in_session(statement.raw->stmt))
				continue;
		}
		else if (step != VIFLO_BLOCK_BEGIN && !IsTransactionBlock())
			continue;

		begin_command(top, &statement);
		if (step == VIFLO_BLOCK_PREPARE)
		{
			statement.raw = copyObject(statement.raw);
			((TransactionStmt *) statement.raw->stmt)->kind = TRANS_STMT_COMMIT;
		}
		if (step != VIFLO_BLOCK_NONE || !viflo_calls_another(statement.raw->stmt))
			viflo_statement_run(&execution, &statement);
		end_command(top);
	}
}

static void
next_transaction(void)
{
	CommitTransactionCommand();
	StartTransactionCommand();
}

/* What fails before the first statement of a unit fails in its name. */
static void
point_to(TopLevel *top, const VifloStatement *statement)
{
	top->place.number = statement->number;
	top->place.line = statement->line;
	top->place.location = statement->location;
	top->place.length = statement->length;
}

/* A statement by itself, or a block, or what COMMIT AND CHAIN leaves of one. */
static void
run_unit(void *arg)
{
	TopLevel   *top = (TopLevel *) arg;
	int			at = top->row->statements;
	int			opener = viflo_block_opener(top->statements, at);
	int			last = viflo_block_last(top->statements, at, opener >= 0);

	point_to(top, &top->statements->statements[at]);
	StartTransactionCommand();
	MemoryContextSwitchTo(top->context);
	viflo_patience_look(&top->patience, top->statements, at, last, next_transaction);
	CommitTransactionCommand();
	MemoryContextSwitchTo(top->context);

	if (opener >= 0)
		replay(top, opener, at, false);
	do
		run_statement(top, &top->statements->statements[at++]);
	while (IsTransactionBlock());
}

static void
pause_before_retry(void *arg)
{
	TopLevel   *top = (TopLevel *) arg;

	top->again = viflo_patience_again(&top->patience, top->sqlstate);
}

static void
tell_dropped(TopLevel *top, const VifloNames *dropped)
{
	StringInfoData names;

	if (dropped->count == 0)
		return;
	initStringInfo(&names);
	for (int i = 0; i < dropped->count; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", dropped->names[i]);
	viflo_milestone_tell(&top->milestone, "dropped INVALID %s %s",
						 dropped->count > 1 ? "indexes" : "index", names.data);
}

/* Drops what a statement left, in limit milliseconds.  Returns why it could not. */
static ErrorData *
clean_leftovers(TopLevel *top, int limit)
{
	VifloNames	dropped = {0, NULL};
	ErrorData  *error = viflo_leftover_clean(top->row, top->context, limit, &dropped);

	tell_dropped(top, &dropped);
	mark_step(top);
	return error;
}

static int
cleaning_limit(int sqlstate)
{
	if (sqlstate == ERRCODE_QUERY_CANCELED)
		return CLEANING_WHEN_CANCELLED;
	return Max(viflo_setting_lock_budget, CLEANING_WHEN_CANCELLED);
}

/*
 * May a part of the statement of that number be done although it failed?  The
 * script may have become shorter since.
 */
static bool
leaves_a_part(const TopLevel *top, int number)
{
	if (number == 0 || top->statements == NULL || number > top->statements->count)
		return number != 0;
	return viflo_leaves_a_part(&top->statements->statements[number - 1]);
}

/* Brings the row up to date after a failure, or removes it. */
static void
note_failure(void *arg)
{
	TopLevel   *top = (TopLevel *) arg;
	VifloUnfinished *row;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	row = viflo_unfinished_get(top->run->project, top->run->tenant, top->step->revision);
	if (row != NULL && row->created.count == 0 && !leaves_a_part(top, row->running))
		row->running = 0;
	if (row != NULL && row->statements == 0 && row->running == 0 &&
		row->created.count == 0 && row->backfill_key == NULL)
		viflo_unfinished_delete(row->project, row->tenant, row->revision);
	else if (row != NULL)
	{
		row->detail = top->row->detail;
		row->attempts = top->result->attempts;
		viflo_unfinished_put(row);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(top->context);
}

static void
add_detail(ErrorData *error, const char *detail)
{
	error->detail = error->detail ? psprintf("%s\n%s", error->detail, detail) : pstrdup(detail);
}

static _Noreturn void
give_up(TopLevel *top, ErrorData *error)
{
	if (top->made_temporary && error->sqlerrcode == ERRCODE_UNDEFINED_TABLE)
		add_detail(error, "What is temporary is gone with the run that was cut off, whose statements are not repeated.");
	if (viflo_patience_is_lock_error(error->sqlerrcode) && top->patience.committed)
		add_detail(error, "The statement had committed a part of its work, and was not tried again.");
	if (viflo_patience_is_lock_error(error->sqlerrcode) && top->patience.blockers != NULL)
	{
		add_detail(error, psprintf("In the way: %s", top->patience.blockers));
		viflo_milestone_tell(&top->milestone, "in the way: %s", top->patience.blockers);
	}

	/* It is worth less than the error itself. */
	(void) attempt(top, note_failure);

	for (VifloWatcher *watcher = top->execution.watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->failed)
			watcher->failed(watcher->state, &top->watched);
	viflo_steps_set_running(false);
	ReThrowError(error);
}

/* What statements made in the session that their abort does not take back. */
static void
forget_prepared(TopLevel *top, int first, int last)
{
	for (int i = first; i < last; i++)
	{
		Node	   *stmt = top->statements->statements[i].raw->stmt;

		if (IsA(stmt, PrepareStmt))
			DropPreparedStatement(((PrepareStmt *) stmt)->name, false);
	}
}

/* What the row says of a statement, or block, that needs several tries. */
static void
note_try(TopLevel *top)
{
	const VifloPatience *patience = &top->patience;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "statement %d was tried %d times",
					 top->row->statements + 1, patience->attempt);
	if (patience->blockers)
		appendStringInfo(&text, ", last because of %s", patience->blockers);
	top->milestone.tried = patience->attempt > 1 ? text.data : NULL;
	top->result->attempts = Max(top->result->attempts, patience->attempt);
	top->row->attempts = top->result->attempts;
}

static const char *
why(const ErrorData *failure)
{
	if (failure->sqlerrcode == ERRCODE_QUERY_CANCELED ||
		viflo_patience_is_lock_error(failure->sqlerrcode))
		return "other transactions use its table";
	return failure->message;
}

/* After a failed try: returns when it is to be tried again. */
static void
recover(TopLevel *top, ErrorData *error)
{
	ErrorData  *failure = NULL;

	top->begun = top->place.number;
	if (top->index_watched)
		failure = clean_leftovers(top, cleaning_limit(error->sqlerrcode));
	if (failure != NULL)
	{
		add_detail(error, psprintf("An INVALID index that the statement left could not be dropped (%s); the next run does that first.",
								   why(failure)));
		viflo_milestone_tell(&top->milestone, "could not drop an INVALID index: %s", why(failure));
		give_up(top, error);
	}
	top->index_watched = false;

	top->sqlstate = error->sqlerrcode;
	failure = attempt(top, pause_before_retry);
	if (failure != NULL)
		give_up(top, failure);
	if (!top->again)
		give_up(top, error);
	note_try(top);
	forget_prepared(top, top->row->statements, top->begun - 1);
	FreeErrorData(error);
}

static void
run_patiently(TopLevel *top)
{
	ErrorData  *error;

	viflo_patience_begin(&top->patience, top->context, true);
	top->patience.watcher.next = top->run->watchers;
	top->execution.watchers = &top->patience.watcher;
	while ((error = attempt(top, run_unit)) != NULL)
		recover(top, error);
}

/* Reads section and row, in a first transaction. */
static void
read_step(TopLevel *top)
{
	VifloRevision *revision = palloc0(sizeof(VifloRevision));
	const VifloRun *run = top->run;

	StartTransactionCommand();
	MemoryContextSwitchTo(top->context);
	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_lock_init(&top->lock, run->project, run->tenant);
	viflo_tenant_enter_session(run->tenant);
	viflo_step_read(run, top->step, revision);
	top->section = viflo_step_section(top->step, revision);
	top->row = viflo_unfinished_get(run->project, run->tenant, top->step->revision);
	if (top->row == NULL)
		top->row = viflo_step_unfinished(run, top->step, GetCurrentTimestamp(), top->context);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(top->context);
	viflo_lock_mark_step(&top->lock);
}

/* Splits the section, and checks that what is done belongs to it. */
static void
take_section(void *arg)
{
	TopLevel   *top = (TopLevel *) arg;
	const VifloUnfinished *row = top->row;

	if (row->up != top->step->up)
		ereport(ERROR,
				(viflo_errcode(VIFLO_UNFINISHED),
				 errmsg("revision \"%s\" (%s) was cut off half way", row->revision,
						row->up ? "up" : "down")));

	/* Digests belong to a transaction's resources. */
	StartTransactionCommand();
	MemoryContextSwitchTo(top->context);
	top->statements = viflo_split(top->section->text, top->section->length);
	top->place.text = top->statements->text;
	top->execution.statements = top->statements;
	viflo_milestone_init(&top->milestone, top->statements, top->row, top->context);
	viflo_block_check_closed(top->statements);
	CommitTransactionCommand();
}

/* Brings the session to where the run that was cut off had it. */
static void
resume(void *arg)
{
	TopLevel   *top = (TopLevel *) arg;
	int			done = top->row->statements;

	ereport(NOTICE,
			(errmsg("resuming revision \"%s\" (%s) at statement %d of %d",
					top->step->revision, top->step->up ? "up" : "down",
					done + 1, top->statements->count)));
	replay(top, 0, done, true);
	if (IsTransactionBlock())
	{
		/* run_unit opens it again, after a look at who holds what */
		StartTransactionCommand();
		(void) EndTransactionBlock(false);
		CommitTransactionCommand();
		MemoryContextSwitchTo(top->context);
	}

	viflo_milestone_tell(&top->milestone, "resumed at statement %d", done + 1);
	top->result->resumed_at = done + 1;
	for (int i = 0; i < done; i++)
		if (viflo_makes_temporary(top->statements->statements[i].raw->stmt))
			top->made_temporary = true;
}

static void
run_section(TopLevel *top)
{
	VifloUnfinished *row = top->row;
	ErrorData  *error = attempt(top, take_section);

	if (error == NULL && !row->section_done)
	{
		if (row->running <= top->statements->count)
			top->begun = row->running;
		if (row->created.count > 0)
			error = clean_leftovers(top, cleaning_limit(0));
		if (error == NULL && row->statements > 0)
			error = attempt(top, resume);
	}
	if (error != NULL)
		give_up(top, error);

	while (row->statements < top->statements->count)
		run_patiently(top);
	if (!row->section_done)
		viflo_milestone_put_alone(&top->milestone, row->statements);
}

void
viflo_toplevel_run(const VifloRun *run, const VifloPlannedStep *step,
				   int number, int of, VifloTopLevelResult *result)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "viflo top level",
												  ALLOCSET_DEFAULT_SIZES);
	TopLevel   *top;

	MemoryContextSwitchTo(context);
	memset(result, 0, sizeof(*result));
	result->attempts = 1;
	top = palloc0(sizeof(TopLevel));
	top->run = run;
	top->step = step;
	top->result = result;
	top->context = context;
	top->watched = viflo_step_watched(run, step);
	top->watched.number = number;
	top->watched.of = of;
	top->execution.place = &top->place;
	top->execution.step = &top->watched;
	top->execution.watchers = run->watchers;
	top->execution.context = AllocSetContextCreate(context, "viflo statement",
												   ALLOCSET_DEFAULT_SIZES);
	top->execution.top_level = true;

	read_step(top);
	top->place.revision = step->revision;
	top->place.tenant = run->tenant;
	top->place.direction = step->up ? "up" : "down";
	top->place.file = viflo_section_file(top->section, step->source);
	top->place.first_line = top->section->first_line;
	top->place.text = pnstrdup(top->section->text, top->section->length);

	viflo_steps_set_running(true);
	viflo_place_enter(&top->place);
	run_section(top);
	viflo_place_leave(&top->place);
	viflo_steps_set_running(false);
	viflo_lock_unmark_step(&top->lock);

	result->statements = top->row->statements;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
