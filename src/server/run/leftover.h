/*-------------------------------------------------------------------------
 * leftover.h
 *	  The INVALID indexes that a failed CREATE INDEX CONCURRENTLY or REINDEX
 *	  CONCURRENTLY leaves: which are ours, and dropping them.
 *
 * While a statement is watched, an object access hook notes each index that
 * this process creates, in viflo.unfinished and in the very transaction that
 * creates it.  An index is therefore known as ours if and only if it exists.
 * Nothing else is ever dropped: not by name, not for being INVALID.
 *
 * REINDEX CONCURRENTLY also leaves the index that it has replaced, renamed
 * and INVALID.  That one is ours to drop when its former name belongs to an
 * index that this process created.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LEFTOVER_H
#define VIFLO_LEFTOVER_H

#include "run/split.h"
#include "store/unfinished.h"

/*
 * From now on, until viflo_leftover_unwatch(), notes indexes in unfinished,
 * which is also written to its table in the creating transaction.  unfinished
 * and context outlive the transactions between.
 */
extern void viflo_leftover_watch(VifloUnfinished *unfinished, MemoryContext context);
extern void viflo_leftover_unwatch(void);

/*
 * With no transaction open: drops concurrently those indexes that the row of
 * unfinished's key notes and that are INVALID, and empties the notes in the
 * row and in unfinished.  Tries for milliseconds, with waits for a lock that
 * are bounded.  Adds the names of those dropped to *dropped, in context.
 * Returns NULL, or the error when one could not be dropped; it is then still
 * noted.  Aborts may take session-level locks away.
 */
extern struct ErrorData *viflo_leftover_clean(VifloUnfinished *unfinished, MemoryContext context,
											  int milliseconds, VifloNames *dropped);

/* In a transaction: adds the names of those that the row notes and that are INVALID. */
extern void viflo_leftover_list(const VifloUnfinished *unfinished, VifloNames *names);

/*
 * In a transaction, after the statement: the name of an INVALID index, palloc'd,
 * that was there before and because of which CREATE INDEX CONCURRENTLY IF NOT
 * EXISTS did nothing; or NULL.
 */
extern char *viflo_leftover_of_others(const VifloStatement *statement);

/*
 * ALTER TABLE ... DETACH PARTITION CONCURRENTLY, cut off after its first
 * transaction, is refused when it is run again, but can be finished: returns
 * the statement that does so, palloc'd, or NULL where it is not needed.  In a
 * transaction, for a statement that is known to have been begun.
 */
extern RawStmt *viflo_leftover_detach(const VifloStatement *statement);

#endif							/* VIFLO_LEFTOVER_H */
