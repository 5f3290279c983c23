/*-------------------------------------------------------------------------
 * holders.h
 *	  Who holds a lock in a mode that conflicts, since when, and what they do.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_HOLDERS_H
#define VIFLO_HOLDERS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"

typedef struct VifloHolder
{
	VirtualTransactionId transaction;
	int			pid;			/* 0: a prepared transaction */
	TimestampTz since;			/* when its transaction began; 0: not known */
	bool		yields;			/* autovacuum, which the server cancels for
								 * whoever waits for deadlock_timeout */
} VifloHolder;

/*
 * A list of palloc'd VifloHolder: the other transactions that hold tag so
 * that mode must wait.  Takes no lock, touches no catalog, and needs no
 * transaction.  Transactions that end meanwhile are left out.
 */
extern List *viflo_lock_holders(const LOCKTAG *tag, LOCKMODE mode);

/*
 * One line for each holder, of the first few, palloc'd.  What a backend runs is told to those
 * only to whom pg_stat_activity tells it.  Looks up names: begins and ends a
 * transaction where there is none.
 */
extern char *viflo_describe_holders(List *holders);

/* "process 123 (application "x", user "y"), in its transaction since ..., last query: ..." */
extern char *viflo_describe_backend(int pid);

#endif							/* VIFLO_HOLDERS_H */
