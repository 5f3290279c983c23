/*-------------------------------------------------------------------------
 * lost.h
 *	  After a connection was lost while a run was under way: what became of it.
 *
 * A lost connection is no failed migration: the server may have committed the
 * run, and the answer got lost.  So nothing is said before it was asked.
 * These are steps of an exchange, see exchange.h.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_LOST_H
#define VIFLO_CLI_LOST_H

#include "cli/exchange.h"

typedef enum VifloLost
{
	VIFLO_LOST_COMMITTED,
	VIFLO_LOST_ROLLED_BACK,
	VIFLO_LOST_UNKNOWN
} VifloLost;

/*
 * The question that is made is a run.  columns: of its steps, for people, of
 * the alias t, which has those of viflo_upgrade(); NULL: they are not wanted,
 * or it has none and only loads.  target: as the user gave it, or NULL, and as
 * an argument of a call whose parameter 1 it is.
 */
extern void viflo_note_run(VifloExchange *exchange, const char *columns,
						   const char *target, const char *arguments);

/*
 * It only loads the folder, and that is not all there is to do: where it was
 * committed after all, the exchange goes on with loaded, whose results are
 * NULL, over the connection that was made anew.
 */
extern void viflo_note_load(VifloExchange *exchange, VifloStep loaded);

/* Is it for the connection that the exchange has failed? */
extern bool viflo_is_lost(const VifloExchange *exchange);

/* Holds the failure, while more is asked about it. */
extern void viflo_hold_failure(VifloExchange *exchange);

/*
 * Connects again, for a few seconds, and waits until the server's process
 * that did the run is gone: what is in the log then is all there will be.
 * Holds the failure, and goes on with then, whose results are NULL where that
 * cannot be had; the user may end it with ^C.
 */
extern VifloTurn viflo_ask_lost(VifloExchange *exchange, VifloStep then);

/*
 * All of that for a run that was one transaction: finds out what became of
 * it, and ends the exchange with that.  exchange->result has its steps, or is
 * NULL, as after a run that found nothing to do.
 */
extern VifloTurn viflo_ask_lost_transaction(VifloExchange *exchange);

/*
 * Plans the run again: then gets the steps that are left to do, and NULL where
 * that cannot be told, as of so many steps from where the database stood.
 */
extern VifloTurn viflo_ask_left(VifloExchange *exchange, VifloStep then);

/*
 * Ends the exchange with the failure that was held, and says in its hint what
 * is known, or not.  What was committed is done, and the failure a warning.
 */
extern VifloTurn viflo_end_lost(VifloExchange *exchange, VifloLost lost);

#endif							/* VIFLO_CLI_LOST_H */
