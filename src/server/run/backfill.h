/*-------------------------------------------------------------------------
 * backfill.h
 *	  Runs a revision's backfill: one statement in ranges of a key.
 *
 * An UPDATE, a DELETE, or an INSERT that says its range.  The up section's
 * session is over: names resolve by the caller's search_path, and before that
 * in the tenant's schema.  Rows with keys above the highest of when this run
 * of it began are left alone.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_RUN_BACKFILL_H
#define VIFLO_RUN_BACKFILL_H

#include "run/step.h"
#include "store/unfinished.h"

/*
 * Runs what is left of the step's backfill.
 *
 * commit NULL: all of it in the current transaction.  Else each range is a
 * transaction of its own, ended by commit(), with its last key noted in
 * unfinished in the same transaction; between ranges it pauses, holding
 * nothing, as the section says, and while a standby is too far behind.  A
 * range that fails for a lock is tried again, within retries and budget of its
 * own.  commit() ends the transaction and begins another, as SPI_commit()
 * does.  What is raised leaves no subtransaction and no snapshot behind.
 *
 * unfinished may be NULL where commit is; where not, its backfill_key says
 * where to go on, which raises VIFLO_CHANGED_REVISION where that is a key of
 * another column than the section names; and it is kept up to date.  context outlives the
 * transactions, and holds what unfinished gets.  Returns the number of rows changed in
 * all runs of it.
 */
extern int64 viflo_backfill_run(const VifloRun *run, const VifloPlannedStep *step,
								const VifloSection *section, VifloUnfinished *unfinished,
								MemoryContext context, void (*commit) (void));

/*
 * Raises, placed in the script, what can be seen to be wrong with a section
 * without looking at tables: its header, and what kind of statement it has.
 */
extern void viflo_backfill_check(const VifloSection *section, const char *revision,
								 const char *source);

#endif							/* VIFLO_RUN_BACKFILL_H */
