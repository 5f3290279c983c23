/*-------------------------------------------------------------------------
 * needs.h
 *	  Which relations a statement will lock strongly, found without locking.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_NEEDS_H
#define VIFLO_NEEDS_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "run/needs_catalog.h"

/*
 * The locks stronger than RowExclusiveLock that a raw statement takes on
 * relations that exist: its own target, and what comes with it (children and
 * partitions, tables at either end of foreign keys, an index's table, a
 * default partition).  A list of palloc'd VifloLockNeed, each relation once
 * with its strongest mode.  Names are resolved by the search_path of now.
 *
 * Takes no lock, raises nothing for what does not exist or may not be seen,
 * and may miss what only running the statement tells (a DO block, a function
 * that does DDL): an estimate to wait by, never to rely on.
 * Needs a transaction.
 */
extern List *viflo_lock_needs(Node *statement);

/*
 * The statement waits for other transactions' snapshots or locks in the
 * middle of its work (CREATE INDEX CONCURRENTLY and its like), where a lock
 * timeout would leave it half done.
 */
extern bool viflo_waits_midway(Node *statement);

#endif							/* VIFLO_NEEDS_H */
