/*-------------------------------------------------------------------------
 * statement.c
 *	  The one executor: runs a section's statements in the caller's
 *	  transaction, each in its own memory context.
 *
 * A statement goes the way of a client's simple query: analysed, planned, and
 * run by a portal of its own.  The portal's source text is the section, which
 * is where the server looks for the body of a function that it finds an
 * error in.  It runs as a query inside the caller's one, not at top level, so
 * that the server refuses by itself what would end or split the transaction.
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
run_in_portal(RawStmt *raw, const char *text, QueryCompletion *completion)
{
	CommandTag	tag = CreateCommandTag(raw->stmt);
	List	   *plans = analyze_and_plan(raw, text);
	Portal		portal = CreateNewPortal();

	portal->visible = false;
	PortalDefineQuery(portal, NULL, text, tag, plans, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	viflo_portal_run_all(portal, None_Receiver, completion);
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
check_statement(const VifloStatement *statement)
{
	Node	   *stmt = statement->raw->stmt;

	if (IsA(stmt, TransactionStmt))
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
run_statement(const VifloStatement *statement, const char *text,
			  VifloPlace *place, QueryCompletion *completion)
{
	RawStmt    *raw;

	check_statement(statement);

	/* Analysis may scribble on the tree, which belongs to our caller. */
	raw = copyObject(statement->raw);

	/* What the statements before did must be seen, also by analysis. */
	CommandCounterIncrement();

	if (viflo_is_copy_from_client(raw->stmt))
		run_copy(statement, raw, text, place, completion);
	else
		run_in_portal(raw, text, completion);
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
execute(const VifloStatements *statements, const VifloStatement *statement,
		VifloPlace *place, const VifloWatchedStep *step, VifloWatcher *watchers)
{
	QueryCompletion completion;
	VifloWatchedStatement watched;
	VifloStatementTimeout timeout;

	watched.number = statement->number;
	watched.of = statements->count;
	watched.line = Max(place->first_line, 1) + statement->line - 1;
	watched.text = statements->text + statement->location;
	watched.length = statement->length;
	watched.raw = statement->raw;

	InitializeQueryCompletion(&completion);
	watch_before(watchers, step, &watched);
	viflo_timeout_arm(&timeout);
	PG_TRY();
	{
		run_statement(statement, statements->text, place, &completion);
	}
	PG_FINALLY();
	{
		/* Also where a caller catches the error and goes on. */
		viflo_timeout_disarm(&timeout);
	}
	PG_END_TRY();
	viflo_enum_settle();
	place->line = statement->line;
	watch_after(watchers, step, &watched, &completion);
}

int
viflo_statements_run(const VifloStatements *statements, VifloPlace *place,
					 const VifloWatchedStep *step, VifloWatcher *watchers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "viflo statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	int			executed = 0;

	place->text = statements->text;

	for (int i = 0; i < statements->count; i++)
	{
		const VifloStatement *statement = &statements->statements[i];

		CHECK_FOR_INTERRUPTS();

		place->location = statement->location;
		place->length = statement->length;
		place->line = statement->line;
		place->number = statement->number;

		if (statement->kind == VIFLO_STATEMENT_STRAY)
			ereport(WARNING,
					(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
					 errmsg("there is no transaction in progress")));
		else if (statement->kind == VIFLO_STATEMENT_RUN)
		{
			execute(statements, statement, place, step, watchers);
			executed++;
		}
		MemoryContextReset(context);
	}

	place->number = 0;
	place->length = 0;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	/* What the last statement did is seen by whoever comes next. */
	CommandCounterIncrement();
	return executed;
}
