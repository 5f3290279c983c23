/*-------------------------------------------------------------------------
 * lag.c
 *	  How far standbys are behind.
 *
 * A walsender keeps the lag that it measured last, which stays small when a
 * standby suddenly applies nothing more.  Hence samples of our own, too: a
 * standby that has not applied what was flushed here two seconds ago is two
 * seconds behind.  A standby with nothing new to receive reports only every
 * wal_receiver_status_interval, so what it has applied is held against the
 * samples as of when the report was first seen, not as of now.
 *
 * Shared memory is read as pg_stat_get_wal_senders() reads it, but without
 * asking for the rights of pg_monitor: nothing of it is shown but a lag.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "observe/lag.h"

VifloLag *
viflo_lag_begin(int longest)
{
	VifloLag   *lag = palloc0(offsetof(VifloLag, senders) +
							  sizeof(VifloLagSender) * Max(max_wal_senders, 1));

	/* The ring reaches back for twice the longest lag. */
	lag->interval = Max(longest / (VIFLO_LAG_SAMPLES / 2), 10);
	return lag;
}

static void
take_sample(VifloLag *lag, TimestampTz now, XLogRecPtr flushed)
{
	VifloLagSample *last = &lag->samples[(lag->count + VIFLO_LAG_SAMPLES - 1) % VIFLO_LAG_SAMPLES];

	if (lag->count > 0 &&
		(flushed == last->end || !TimestampDifferenceExceeds(last->time, now, lag->interval)))
		return;
	lag->samples[lag->count % VIFLO_LAG_SAMPLES].time = now;
	lag->samples[lag->count % VIFLO_LAG_SAMPLES].end = flushed;
	lag->count++;
}

/* For how long, as of then, has WAL been there that was not applied?  In microseconds. */
static int64
unapplied_since(const VifloLag *lag, XLogRecPtr applied, TimestampTz then)
{
	for (int i = Max(lag->count - VIFLO_LAG_SAMPLES, 0); i < lag->count; i++)
	{
		const VifloLagSample *sample = &lag->samples[i % VIFLO_LAG_SAMPLES];

		if (sample->end > applied)
			return Max(then - sample->time, 0);
	}
	return 0;
}

/* Lag of one walsender, in microseconds. */
static int64
look_at(VifloLag *lag, VifloLagSender *seen, WalSnd *walsender,
		TimestampTz now, XLogRecPtr flushed)
{
	WalSndState state;
	XLogRecPtr	applied;
	TimeOffset	measured;
	TimestampTz reply;
	int			pid;

	SpinLockAcquire(&walsender->mutex);
	pid = walsender->pid;
	state = walsender->state;
	applied = walsender->apply;
	measured = walsender->applyLag;
	reply = walsender->replyTime;
	SpinLockRelease(&walsender->mutex);

	if (pid != seen->pid || reply != seen->reply)
	{
		seen->pid = pid;
		seen->reply = reply;
		seen->seen = now;
	}

	/* What only receives, such as pg_receivewal, applies nothing. */
	if (pid == 0 || state != WALSNDSTATE_STREAMING ||
		applied == InvalidXLogRecPtr || applied >= flushed)
		return 0;
	return Max(measured, unapplied_since(lag, applied, seen->seen));
}

int64
viflo_lag_look(VifloLag *lag, int *pid)
{
	TimestampTz now = GetCurrentTimestamp();
	XLogRecPtr	flushed = GetFlushRecPtr(NULL);
	int64		worst = 0;

	*pid = 0;
	for (int i = 0; i < max_wal_senders; i++)
	{
		int64		behind = look_at(lag, &lag->senders[i], &WalSndCtl->walsnds[i], now, flushed);

		if (behind / 1000 > worst)
		{
			worst = behind / 1000;
			*pid = lag->senders[i].pid;
		}
	}
	take_sample(lag, now, flushed);
	return worst;
}
