/*-------------------------------------------------------------------------
 * fleet_slot.h
 *	  A slot of a fleet: one exchange after another, and never waits.
 *
 * It connects, sends the question of the exchange, takes the answer, and so on
 * to the end; then it is free for the next member.  The loop in fleet.c calls
 * viflo_fleet_slot_advance() when its socket is ready or its deadline is there.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLEET_SLOT_H
#define VIFLO_CLI_FLEET_SLOT_H

#include <poll.h>

#include "cli/exchange.h"
#include "cli/fleet_report.h"

/* What is done in each database. */
typedef struct VifloFleetTask
{
	const VifloExchangeKind *kind;
	const struct VifloRequest *request;
	const VifloSettings *settings;
	VifloLocal *local;			/* opened already, or NULL */
	VifloFleetReport *report;
} VifloFleetTask;

typedef enum VifloSlotState
{
	VIFLO_SLOT_FREE,
	VIFLO_SLOT_CONNECTING,
	VIFLO_SLOT_PAUSING,			/* until the deadline, before it asks */
	VIFLO_SLOT_ASKING,
	VIFLO_SLOT_RETURNING		/* connects again, to ask */
} VifloSlotState;

/* Zeroed but for task; then as the functions below leave it. */
typedef struct VifloFleetSlot
{
	const VifloFleetTask *task;
	VifloSlotState state;
	int64		deadline;		/* of this state; negative: none */
	VifloFleetMember *member;
	VifloSettings settings;		/* with the member's URL and project */
	VifloDatabase database;
	VifloExchange exchange;
	int64		started;
} VifloFleetSlot;

/* How long what is cancelled is waited for, in milliseconds. */
#define VIFLO_FLEET_CANCEL_LIMIT	30000

/* Begins with a member, in a slot that is free; it may end at once. */
extern void viflo_fleet_slot_begin(VifloFleetSlot *slot, VifloFleetMember *member);

/* What the slot waits for; a negative descriptor: for its deadline only. */
extern struct pollfd viflo_fleet_slot_poll(const VifloFleetSlot *slot);

/* Does what can be done without waiting. */
extern void viflo_fleet_slot_advance(VifloFleetSlot *slot);

/*
 * The user wants to stop: what connects has begun nothing and is left, what
 * pauses is told when it asks, and what runs is cancelled, and waited for
 * until deadline.  To be called again and again, as a request to cancel that
 * comes between two queries goes astray.
 */
extern void viflo_fleet_slot_stop(VifloFleetSlot *slot, int64 deadline);

#endif							/* VIFLO_CLI_FLEET_SLOT_H */
