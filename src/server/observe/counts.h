/*-------------------------------------------------------------------------
 * counts.h
 *	  Tells autovacuum in time what a long run has done to tables.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_COUNTS_H
#define VIFLO_COUNTS_H

#include "nodes/pg_list.h"

/*
 * Reports what this backend's committed transactions have counted for tables
 * (a list of OIDs) to the statistics that all backends share.  To be called in
 * a transaction that has not touched them yet.  Waits for nothing: what cannot
 * be reported now is reported the next time.
 */
extern void viflo_counts_report(const List *tables);

#endif							/* VIFLO_COUNTS_H */
