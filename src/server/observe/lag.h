/*-------------------------------------------------------------------------
 * lag.h
 *	  How far standbys are behind, for who makes much WAL and would wait.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LAG_H
#define VIFLO_LAG_H

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"

/* WAL up to end was flushed here at the time. */
typedef struct VifloLagSample
{
	TimestampTz time;
	XLogRecPtr	end;
} VifloLagSample;

/* What a walsender of the slot was seen to be told. */
typedef struct VifloLagSender
{
	int			pid;
	TimestampTz reply;			/* by the standby's clock: only to see change */
	TimestampTz seen;
} VifloLagSender;

#define VIFLO_LAG_SAMPLES	64

/* Palloc'd by viflo_lag_begin(); to be freed with its memory context. */
typedef struct VifloLag
{
	int			interval;		/* between samples, milliseconds */
	int			count;			/* samples taken so far */
	VifloLagSample samples[VIFLO_LAG_SAMPLES];	/* the last ones, in a ring */
	VifloLagSender senders[FLEXIBLE_ARRAY_MEMBER];	/* max_wal_senders */
} VifloLag;

/* longest: the lag, in milliseconds, from which on it counts. */
extern VifloLag *viflo_lag_begin(int longest);

/*
 * The lag, in milliseconds, of the streaming standby (or subscriber) that is
 * furthest behind in applying; 0: none is.  *pid is its walsender.  To be
 * called often, as what it says is made of what was seen at earlier calls.
 * Touches no catalogs and takes no lock but spinlocks.
 */
extern int64 viflo_lag_look(VifloLag *lag, int *pid);

#endif							/* VIFLO_LAG_H */
