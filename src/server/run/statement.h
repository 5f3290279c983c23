/*-------------------------------------------------------------------------
 * statement.h
 *	  The one executor: runs a section's statements in the caller's
 *	  transaction, each in its own memory context.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STATEMENT_H
#define VIFLO_STATEMENT_H

#include "observe/watcher.h"
#include "report.h"
#include "run/split.h"

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

#endif							/* VIFLO_STATEMENT_H */
