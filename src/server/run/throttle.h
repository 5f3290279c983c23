/*-------------------------------------------------------------------------
 * throttle.h
 *	  What a long run leaves room for between its transactions.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_THROTTLE_H
#define VIFLO_THROTTLE_H

#include "observe/lag.h"

/*
 * All of these sleep, in the caller's transaction, which should hold nothing,
 * and can be cancelled.  lag NULL: standbys do not count.
 */

/* Sleeps for milliseconds. */
extern void viflo_throttle_pause(VifloLag *lag, int milliseconds);

/*
 * Sleeps while a standby is more than max_lag milliseconds behind, and reports
 * which, as progress of a backfill.  Without a bound: it costs nobody anything.
 */
extern void viflo_throttle_standbys(VifloLag *lag, int max_lag);

#endif							/* VIFLO_THROTTLE_H */
