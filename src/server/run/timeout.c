/*-------------------------------------------------------------------------
 * timeout.c
 *	  Bounds on a migration's statements.
 *
 * Setting statement_timeout inside a function arms nothing, since the server
 * arms it when a client's command begins; hence the timer itself is armed,
 * the server's own, so that handler and message are the usual ones.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "run/timeout.h"
#include "settings.h"

void
viflo_timeout_lock(int milliseconds)
{
	char		value[32];

	if (LockTimeout > 0 && LockTimeout <= milliseconds)
		return;
	snprintf(value, sizeof(value), "%d", milliseconds);
	(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
viflo_timeout_begin(void)
{
	if (viflo_setting_lock_timeout > 0)
		viflo_timeout_lock(viflo_setting_lock_timeout);
}

void
viflo_timeout_arm(VifloStatementTimeout *timeout)
{
	TimestampTz finish;

	timeout->armed = false;
	if (viflo_setting_statement_timeout <= 0)
		return;
	finish = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), viflo_setting_statement_timeout);
	timeout->caller_active = get_timeout_active(STATEMENT_TIMEOUT);
	timeout->caller_finish = timeout->caller_active ? get_timeout_finish_time(STATEMENT_TIMEOUT) : 0;
	if (timeout->caller_active && timeout->caller_finish <= finish)
		return;
	enable_timeout_at(STATEMENT_TIMEOUT, finish);
	timeout->armed = true;
}

void
viflo_timeout_disarm(VifloStatementTimeout *timeout)
{
	if (!timeout->armed)
		return;
	if (timeout->caller_active)
		enable_timeout_at(STATEMENT_TIMEOUT, timeout->caller_finish);
	else
		disable_timeout(STATEMENT_TIMEOUT, false);
}
