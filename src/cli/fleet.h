/*-------------------------------------------------------------------------
 * fleet.h
 *	  One exchange with each of many databases, some at a time.
 *
 * One thread and one loop around poll() drive them all; each has a connection
 * of its own, and at most jobs of them are open.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLEET_H
#define VIFLO_CLI_FLEET_H

#include "cli/fleet_slot.h"

#define VIFLO_FLEET_JOBS		8
#define VIFLO_FLEET_MAX_JOBS	1000

/*
 * Runs it, and leaves with each member what became of it.  Without keep_going
 * nothing is begun after the first failure, and what is under way comes to its
 * end.  Whoever asks to stop waits for the rollback of what is under way, but
 * not for long.
 */
extern void viflo_fleet_run(VifloFleet *fleet, const VifloFleetTask *task, int jobs,
							bool keep_going);

#endif							/* VIFLO_CLI_FLEET_H */
