/*-------------------------------------------------------------------------
 * lost.h
 *	  After a connection was lost while a run was under way: what became of it.
 *
 * A lost connection is no failed migration: the server may have committed the
 * run, and the answer got lost.  So nothing is said before it was asked.
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

/* Holds the failure, while more is asked about it. */
extern void viflo_hold_failure(VifloExchange *exchange);

/* Is it for the connection that the exchange has failed? */
extern bool viflo_is_lost(const VifloExchange *exchange);

/*
 * Connects again, for a few seconds, and waits until the server's process
 * that did the run is gone: what is in the log then is all there will be.
 * Goes on with then, whose results are NULL where that cannot be had; the
 * user may end it with ^C.
 */
extern VifloTurn viflo_ask_lost(VifloExchange *exchange, VifloStep then);

/*
 * For a run that was one transaction and began at exchange->started: finds out
 * what became of it, and ends the exchange with that.  Its steps are
 * exchange->result: columns of the alias t, which has those of
 * viflo_upgrade(), or a JSON array.
 */
extern VifloTurn viflo_ask_lost_transaction(VifloExchange *exchange, const char *columns);

/* Takes the failure back, and says in its hint what is known, or not. */
extern void viflo_lost_explain(VifloExchange *exchange, VifloLost lost);

#endif							/* VIFLO_CLI_LOST_H */
