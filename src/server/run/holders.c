/*-------------------------------------------------------------------------
 * holders.c
 *	  Who holds a lock in a mode that conflicts, since when, and what they do.
 *
 * The lock table gives virtual transactions, the process array their
 * processes, and the backends' status the rest.  Each is read at its own
 * moment: a holder may be gone by the time it is described.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "run/holders.h"

/* Longest part of a query that is shown, in bytes. */
#define QUERY_SHOWN		200

/* Of many holders, how many are described. */
#define HOLDERS_SHOWN	8

/* NULL when there is none any more.  Valid until the next call. */
static PgBackendStatus *
find_status(int pid)
{
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = viflo_backend_status(i);

		if (local != NULL && local->backendStatus.st_procpid == pid)
			return &local->backendStatus;
	}
	return NULL;
}

/*
 * A prepared transaction keeps the virtual transaction of the backend that
 * prepared it, so that one which no backend is in may be either that or over.
 */
static bool
held_by_prepared(const LOCKTAG *tag, LOCKMODE mode)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		LockInstanceData *lock = &locks->locks[i];

		if (lock->pid != 0 || memcmp(&lock->locktag, tag, sizeof(LOCKTAG)) != 0)
			continue;
		for (LOCKMODE held = AccessShareLock; held <= AccessExclusiveLock; held++)
			if ((lock->holdMask & LOCKBIT_ON(held)) != 0 && DoLockModesConflict(held, mode))
				return true;
	}
	return false;
}

static VifloHolder *
make_holder(const VirtualTransactionId *transaction, int pid)
{
	VifloHolder *holder = palloc0(sizeof(VifloHolder));

	holder->transaction = *transaction;
	holder->pid = pid;
	return holder;
}

List *
viflo_lock_holders(const LOCKTAG *tag, LOCKMODE mode)
{
	int			count;
	VirtualTransactionId *transactions = GetLockConflicts(tag, mode, &count);
	bool		gone = false;
	List	   *result = NIL;

	if (count > 0)
		pgstat_clear_backend_activity_snapshot();
	for (int i = 0; i < count; i++)
	{
		PGPROC	   *proc = viflo_transaction_process(transactions[i]);
		PgBackendStatus *status;
		VifloHolder *holder;
		int			pid = proc ? proc->pid : 0;

		if (pid == 0 || viflo_process_transaction(proc) != transactions[i].localTransactionId)
		{
			gone = true;
			continue;
		}
		holder = make_holder(&transactions[i], pid);
		holder->yields = (proc->statusFlags & PROC_IS_AUTOVACUUM) != 0 &&
			(proc->statusFlags & PROC_VACUUM_FOR_WRAPAROUND) == 0;
		status = find_status(pid);
		if (status != NULL)
			holder->since = status->st_xact_start_timestamp;
		result = lappend(result, holder);
	}
	if (gone && held_by_prepared(tag, mode))
	{
		VirtualTransactionId none = {0};
		VifloHolder *holder = make_holder(&none, 0);

		/* However young: nobody is at work on its end. */
		holder->since = 1;
		result = lappend(result, holder);
	}
	pfree(transactions);
	return result;
}

static const char *
state_name(BackendState state)
{
	switch (state)
	{
		case STATE_RUNNING:
			return "active";
		case STATE_IDLE:
			return "idle";
		case STATE_IDLEINTRANSACTION:
			return "idle in transaction";
		case STATE_IDLEINTRANSACTION_ABORTED:
			return "idle in transaction (aborted)";
		case STATE_FASTPATH:
			return "fastpath function call";
		default:
			return NULL;
	}
}

/* The same rule as view pg_stat_activity has. */
static bool
may_see(Oid user)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), user);
}

/* On one line, and not all of a long one. */
static void
append_query(StringInfo line, const char *raw)
{
	char	   *query = pgstat_clip_activity(raw);
	int			length = pg_mbcliplen(query, strlen(query), QUERY_SHOWN);

	for (int i = 0; i < length; i++)
		appendStringInfoChar(line, query[i] == '\n' || query[i] == '\r' || query[i] == '\t' ?
							 ' ' : query[i]);
	if (query[length] != '\0')
		appendStringInfoString(line, "...");
	pfree(query);
}

static void
append_status(StringInfo line, const PgBackendStatus *status)
{
	const char *user = GetUserNameFromId(status->st_userid, true);
	const char *state = state_name(status->st_state);

	appendStringInfo(line, "process %d (", status->st_procpid);
	if (status->st_backendType == B_BACKEND && user != NULL)
		appendStringInfo(line, "application \"%s\", user \"%s\")",
						 status->st_appname ? status->st_appname : "", user);
	else
		appendStringInfo(line, "%s)", GetBackendTypeDesc(status->st_backendType));
	if (status->st_xact_start_timestamp != 0)
		appendStringInfo(line, ", in its transaction since %s",
						 timestamptz_to_str(status->st_xact_start_timestamp));
	if (!may_see(status->st_userid))
	{
		appendStringInfoString(line, ", last query: <insufficient privilege>");
		return;
	}
	if (state != NULL)
		appendStringInfo(line, ", %s", state);
	if (status->st_activity_raw != NULL && status->st_activity_raw[0] != '\0')
	{
		appendStringInfoString(line, ", last query: ");
		append_query(line, status->st_activity_raw);
	}
}

static void
append_backend(StringInfo line, int pid)
{
	PgBackendStatus *status = find_status(pid);

	if (pid == 0)
		appendStringInfoString(line, "a prepared transaction, see view pg_prepared_xacts");
	else if (status == NULL)
		appendStringInfo(line, "process %d, which has ended", pid);
	else
		append_status(line, status);
}

char *
viflo_describe_holders(List *holders)
{
	MemoryContext context = CurrentMemoryContext;
	bool		own_transaction = !IsTransactionState();
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	if (own_transaction)
		StartTransactionCommand();
	pgstat_clear_backend_activity_snapshot();
	foreach(cell, holders)
	{
		VifloHolder *holder = lfirst(cell);

		if (text.len > 0)
			appendStringInfoChar(&text, '\n');
		if (foreach_current_index(cell) == HOLDERS_SHOWN)
		{
			appendStringInfo(&text, "and %d more", list_length(holders) - HOLDERS_SHOWN);
			break;
		}
		append_backend(&text, holder->pid);
	}
	if (own_transaction)
		CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return text.data;
}

char *
viflo_describe_backend(int pid)
{
	VifloHolder holder = {.pid = pid};

	return viflo_describe_holders(list_make1(&holder));
}
