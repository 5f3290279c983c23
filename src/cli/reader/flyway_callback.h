/*-------------------------------------------------------------------------
 * flyway_callback.h
 *	  Flyway's callbacks: SQL files that are named for an event.
 *
 * Those of "flyway migrate" as a whole become repeatable revisions.  Those of
 * each migration or statement, of errors, and of Flyway's other commands have
 * no counterpart.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLYWAY_CALLBACK_H
#define VIFLO_CLI_FLYWAY_CALLBACK_H

#include "cli/reader/reader.h"

/* When callbacks run, in this order, around Flyway's migrations. */
typedef enum VifloFlywayTurn
{
	VIFLO_FLYWAY_NEVER,
	VIFLO_FLYWAY_BEFORE,		/* all */
	VIFLO_FLYWAY_BETWEEN,		/* versioned ones and repeatable ones */
	VIFLO_FLYWAY_AFTER			/* all */
} VifloFlywayTurn;

typedef struct VifloFlywayEvent
{
	const char *name;
	VifloFlywayTurn turn;
	VifloRepeatable repeatable;
} VifloFlywayEvent;

/* The event that a file is named for, by its name without the suffix, or NULL. */
extern const VifloFlywayEvent *viflo_flyway_event(const char *id);

/*
 * Flyway's order of two callbacks that run: by event, then by description,
 * those without one ("") last.
 */
extern int	viflo_flyway_event_compare(const VifloFlywayEvent *a, const char *description_a,
									   const VifloFlywayEvent *b, const char *description_b);

/*
 * Has each callback of history depend on the one before it, and the repeatable
 * migrations on those that run between.  Details are VifloFlywayDetail; the
 * callbacks are in their order.
 */
extern void viflo_flyway_events_chain(VifloHistory *history);

#endif							/* VIFLO_CLI_FLYWAY_CALLBACK_H */
