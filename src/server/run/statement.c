/*-------------------------------------------------------------------------
 * statement.c
 *	  The one executor: runs a section's statements, each in its own memory
 *	  context; inside the caller's transaction, or at top level.
 *
 * A statement goes the way of a client's simple query: analysed, planned, and
 * run by a portal of its own.  The portal's source text is the section, which
 * is where the server looks for the body of a function that it finds an
 * error in.  Inside the caller's transaction it runs as a query inside the
 * caller's one, so that the server refuses by itself what would end or split
 * the transaction; at top level (toplevel.c) as the client's own.
 *
 * Nothing is locked but what the statements lock.  On error the portal and
 * all memory go with the (sub)transaction that is aborted.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/sqlstate.h"
#include "compat.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "run/classify.h"
#include "run/copy.h"
#include "run/enum.h"
#include "run/statement.h"
#include "run/timeout.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

static List *
analyze_and_plan(RawStmt *raw, const char *text)
{
	bool		needs_snapshot = analyze_requires_snapshot(raw);
	List	   *queries;
	List	   *plans;

	if (needs_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());

	queries = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plans = pg_plan_queries(queries, text, CURSOR_OPT_PARALLEL_OK, NULL);

	if (needs_snapshot)
		PopActiveSnapshot();
	return plans;
}

static void
run_in_portal(RawStmt *raw, const char *text, bool top_level,
			  QueryCompletion *completion)
{
	CommandTag	tag = CreateCommandTag(raw->stmt);
	List	   *plans = analyze_and_plan(raw, text);
	Portal		portal = CreateNewPortal();

	portal->visible = false;
	PortalDefineQuery(portal, NULL, text, tag, plans, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	viflo_portal_run(portal, top_level, None_Receiver, completion);
	PortalDrop(portal, false);
}

static void
run_copy(const VifloStatement *statement, RawStmt *raw, const char *text,
		 VifloPlace *place, QueryCompletion *completion)
{
	uint64		rows;

	/* for triggers, defaults and partition keys that read tables */
	PushActiveSnapshot(GetTransactionSnapshot());
	rows = viflo_copy_inline(castNode(CopyStmt, raw->stmt), text,
							 statement->location, statement->length,
							 statement->copy_data, statement->copy_length,
							 place, statement->copy_line);
	PopActiveSnapshot();
	SetQueryCompletion(completion, CMDTAG_COPY, rows);
}

/*
 * Refuses what would run, and do something else than in psql.
 */
static void
check_statement(const VifloStatement *statement, bool top_level)
{
	Node	   *stmt = statement->raw->stmt;

	if (IsA(stmt, TransactionStmt) && !top_level)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NOT_TRANSACTIONAL),
				 errmsg("%s cannot run inside a migration's transaction",
						GetCommandTagName(CreateCommandTag(stmt)))));
	if (viflo_is_copy_to_client(stmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot COPY to the client from a migration script"),
				 errhint("Use COPY to a file or program on the server, or leave the statement out.")));
}

static void
run_statement(const VifloExecution *execution, const VifloStatement *statement,
			  QueryCompletion *completion)
{
	const char *text = execution->statements->text;
	RawStmt    *raw;

	check_statement(statement, execution->top_level);

	/* Analysis may scribble on the tree, which belongs to our caller. */
	raw = copyObject(statement->raw);

	/* What the statements before did must be seen, also by analysis. */
	CommandCounterIncrement();

	/* A background process may not listen, and has nobody to tell. */
	if (execution->top_level && IsA(raw->stmt, ListenStmt))
		SetQueryCompletion(completion, CMDTAG_LISTEN, 0);
	else if (viflo_is_copy_from_client(raw->stmt))
		run_copy(statement, raw, text, execution->place, completion);
	else
		run_in_portal(raw, text, execution->top_level, completion);
}

/*
 * Runs it bounded by viflo_migrate.statement_timeout.  At top level the
 * caller does that, as there the commit counts, too.
 */
static void
run_bounded(const VifloExecution *execution, const VifloStatement *statement,
			QueryCompletion *completion)
{
	VifloStatementTimeout timeout;

	if (execution->top_level)
	{
		run_statement(execution, statement, completion);
		return;
	}
	viflo_timeout_arm(&timeout);
	PG_TRY();
	{
		run_statement(execution, statement, completion);
	}
	PG_FINALLY();
	{
		/* Also where a caller catches the error and goes on. */
		viflo_timeout_disarm(&timeout);
	}
	PG_END_TRY();
}

static void
watch_before(VifloWatcher *watchers, const VifloWatchedStep *step,
			 const VifloWatchedStatement *statement)
{
	for (VifloWatcher *watcher = watchers; watcher; watcher = watcher->next)
		if (watcher->before)
			watcher->before(watcher->state, step, statement);
}

static void
watch_after(VifloWatcher *watchers, const VifloWatchedStep *step,
			const VifloWatchedStatement *statement,
			const QueryCompletion *completion)
{
	for (VifloWatcher *watcher = watchers; watcher; watcher = watcher->next)
		if (watcher->after)
			watcher->after(watcher->state, step, statement, completion);
}

static void
move_place(VifloPlace *place, const VifloStatement *statement)
{
	place->location = statement->location;
	place->length = statement->length;
	place->line = statement->line;
	place->number = statement->number;
}

void
viflo_statement_run(const VifloExecution *execution, const VifloStatement *statement)
{
	const VifloStatements *statements = execution->statements;
	VifloPlace *place = execution->place;
	MemoryContext caller = MemoryContextSwitchTo(execution->context);
	QueryCompletion completion;
	VifloWatchedStatement watched;

	move_place(place, statement);
	watched.number = statement->number;
	watched.of = statements->count;
	watched.line = Max(place->first_line, 1) + statement->line - 1;
	watched.text = statements->text + statement->location;
	watched.length = statement->length;
	watched.raw = statement->raw;

	InitializeQueryCompletion(&completion);
	watch_before(execution->watchers, execution->step, &watched);
	run_bounded(execution, statement, &completion);
	viflo_enum_settle();
	place->line = statement->line;
	watch_after(execution->watchers, execution->step, &watched, &completion);
	MemoryContextSwitchTo(caller);
}

static void
warn_of_stray_commit(VifloPlace *place, const VifloStatement *statement)
{
	move_place(place, statement);
	ereport(WARNING,
			(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
			 errmsg("there is no transaction in progress")));
}

int
viflo_statements_run(const VifloStatements *statements, VifloPlace *place,
					 const VifloWatchedStep *step, VifloWatcher *watchers)
{
	VifloExecution execution = {
		.statements = statements,
		.place = place,
		.step = step,
		.watchers = watchers,
		.context = AllocSetContextCreate(CurrentMemoryContext, "viflo statement",
										 ALLOCSET_DEFAULT_SIZES)
	};
	int			executed = 0;

	place->text = statements->text;

	for (int i = 0; i < statements->count; i++)
	{
		const VifloStatement *statement = &statements->statements[i];

		CHECK_FOR_INTERRUPTS();

		if (statement->kind == VIFLO_STATEMENT_STRAY)
			warn_of_stray_commit(place, statement);
		else if (statement->kind == VIFLO_STATEMENT_RUN)
		{
			viflo_statement_run(&execution, statement);
			executed++;
		}
		MemoryContextReset(execution.context);
	}

	place->number = 0;
	place->length = 0;
	MemoryContextDelete(execution.context);

	/* What the last statement did is seen by whoever comes next. */
	CommandCounterIncrement();
	return executed;
}
