/*-------------------------------------------------------------------------
 * statement.h
 *	  The one executor: runs a section's statements, each in its own memory
 *	  context; inside the caller's transaction, or at top level.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STATEMENT_H
#define VIFLO_STATEMENT_H

#include "observe/watcher.h"
#include "report.h"
#include "run/split.h"

/* A section on its way.  On the stack of whoever loops over its statements. */
typedef struct VifloExecution
{
	const VifloStatements *statements;
	VifloPlace *place;			/* entered; kept at the running statement */
	const VifloWatchedStep *step;
	VifloWatcher *watchers;
	MemoryContext context;		/* of one statement: to be reset after each */
	bool		top_level;		/* as a client's query: may end and begin
								 * transactions */
} VifloExecution;

/*
 * Runs all statements in order; rows of queries are thrown away.  The place
 * must be entered and is kept at the running statement.  Each statement sees
 * what those before it did, is analysed just before it runs, and is
 * interruptible between and within.  Stray COMMITs raise psql's warning.
 * Watchers are told before and after each statement that is executed.
 * Returns the number of statements executed.  Raises whatever they raise.
 */
extern int	viflo_statements_run(const VifloStatements *statements,
								 VifloPlace *place,
								 const VifloWatchedStep *step,
								 VifloWatcher *watchers);

/*
 * Runs one of them, in execution->context, with a transaction open.  At top
 * level that is all between what StartTransactionCommand() and
 * CommitTransactionCommand() do, which are the caller's to call, as are
 * timeouts and what must be noted of statements that end transactions.
 */
extern void viflo_statement_run(const VifloExecution *execution,
								const VifloStatement *statement);

#endif							/* VIFLO_STATEMENT_H */
