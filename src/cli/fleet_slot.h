/*-------------------------------------------------------------------------
 * fleet_slot.h
 *	  One member of a fleet at a time, from its beginning to its end.
 *
 * fleet.c has some of these, gives each a member when it is free, and calls it
 * when there is something to do; nothing here waits.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLEET_SLOT_H
#define VIFLO_CLI_FLEET_SLOT_H

#include <poll.h>

#include "cli/exchange.h"
#include "cli/fleet.h"
#include "cli/fleet_list.h"

/* What is the same for all members. */
typedef struct VifloFleetWork
{
	const VifloExchangeKind *kind;
	const struct VifloRequest *request;
	const VifloSettings *settings;
	VifloLocal *local;			/* or NULL */
	VifloFleetReport *report;
} VifloFleetWork;

typedef enum VifloSlotState
{
	VIFLO_SLOT_FREE,
	VIFLO_SLOT_CONNECTING,
	VIFLO_SLOT_PAUSING,			/* until the deadline, before it asks */
	VIFLO_SLOT_ASKING,
	VIFLO_SLOT_RETURNING		/* connects again, to ask */
} VifloSlotState;

/* Zeroed but for work; the rest is of fleet_slot.c, and fleet.c looks. */
typedef struct VifloFleetSlot
{
	const VifloFleetWork *work;
	VifloSlotState state;
	VifloFleetMember *member;
	VifloSettings settings;		/* with the member's URL and project */
	VifloDatabase database;
	VifloExchange exchange;
	int64		started;
	int64		deadline;		/* of this state; negative: none */
} VifloFleetSlot;

/* For a free slot.  The member may end at once: then it is free again. */
extern void viflo_fleet_slot_begin(VifloFleetSlot *slot, VifloFleetMember *member);

/* What to wait for before the next call; fd is -1 where that is the deadline alone. */
extern struct pollfd viflo_fleet_slot_poll(const VifloFleetSlot *slot);

/* Does what can be done without waiting. */
extern void viflo_fleet_slot_advance(VifloFleetSlot *slot);

/*
 * The user wants to stop, since asked_to_stop (viflo_watch_now()): what connects
 * has begun nothing, what pauses is told when it asks, and what runs is
 * cancelled.  To be called again and again, as a request that comes between
 * two queries goes astray.
 */
extern void viflo_fleet_slot_stop(VifloFleetSlot *slot, int64 asked_to_stop);

#endif							/* VIFLO_CLI_FLEET_SLOT_H */
