/*-------------------------------------------------------------------------
 * throttle.c
 *	  What a long run leaves room for between its transactions.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "observe/progress.h"
#include "run/throttle.h"

/* How often standbys are looked at in a pause or while waiting for them. */
#define LOOK_INTERVAL	100		/* milliseconds */

static void
nap(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

void
viflo_throttle_pause(VifloLag *lag, int milliseconds)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	long		left;
	int			pid;

	while ((left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end)) > 0)
	{
		nap(Min(left, LOOK_INTERVAL));
		if (lag != NULL)
			(void) viflo_lag_look(lag, &pid);
	}
}

/* Tells viflo.progress which standby is how far behind. */
static void
report_lag(int64 behind, int pid)
{
	const char *name = "";
	char		text[NAMEDATALEN + 128];

	pgstat_clear_snapshot();
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = viflo_backend_status(i);

		if (local != NULL && local->backendStatus.st_procpid == pid)
			name = local->backendStatus.st_appname;
	}
	snprintf(text, sizeof(text), "standby \"%s\" (process %d), which is " INT64_FORMAT " ms behind",
			 name, pid, behind);
	pgstat_clear_snapshot();
	viflo_progress_phase(VIFLO_PHASE_THROTTLED, text);
}

void
viflo_throttle_standbys(VifloLag *lag, int max_lag)
{
	bool		waited = false;
	int64		behind;
	int			pid;

	if (lag == NULL)
		return;
	while ((behind = viflo_lag_look(lag, &pid)) > max_lag)
	{
		report_lag(behind, pid);
		waited = true;
		nap(LOOK_INTERVAL);
	}
	if (waited)
		viflo_progress_phase(VIFLO_PHASE_BACKFILL, NULL);
}
