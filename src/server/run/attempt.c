/*-------------------------------------------------------------------------
 * attempt.c
 *	  Trying something at top level, where nobody else deals with its errors.
 *
 * What a background worker does about an error is commonly to end.  One that
 * goes on must do all that the server's main loop does in its place.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "compat.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "replication/slot.h"
#include "run/attempt.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timeout.h"

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
