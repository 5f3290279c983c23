/*-------------------------------------------------------------------------
 * attempt.c
 *	  What the server's main loop does around a client's query, for a process
 *	  that has no such loop.
 *
 * What a background worker does about an error is commonly to end.  One that
 * goes on must clean up by itself.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "compat.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "replication/slot.h"
#include "run/attempt.h"
#include "run/timeout.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timeout.h"

void
viflo_command_begin(const char *text)
{
	VifloStatementTimeout timeout;

	CHECK_FOR_INTERRUPTS();
	debug_query_string = text;
	pgstat_report_activity(STATE_RUNNING, text);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (StatementTimeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
	viflo_timeout_arm(&timeout);
}

void
viflo_command_end(void)
{
	CommitTransactionCommand();
	disable_timeout(STATEMENT_TIMEOUT, false);
	debug_query_string = NULL;
	if (IsTransactionOrTransactionBlock())
		return;
	(void) pgstat_report_stat(false);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* A cancel request that came meanwhile stays, but for one by a timer. */
static void
abort_everything(void)
{
	HOLD_INTERRUPTS();
	if (get_timeout_indicator(STATEMENT_TIMEOUT, true) ||
		get_timeout_indicator(LOCK_TIMEOUT, true))
		QueryCancelPending = false;
	disable_all_timeouts(false);
	debug_query_string = NULL;

	AbortOutOfAnyTransaction();
	PortalErrorCleanup();
	if (MyReplicationSlot != NULL)
		ReplicationSlotRelease();
	viflo_replication_slot_cleanup();
	jit_reset_after_error();
	RESUME_INTERRUPTS();
}

ErrorData *
viflo_attempt(void (*action) (void *arg), void *arg, MemoryContext context)
{
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		action(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		abort_everything();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return error;
}
