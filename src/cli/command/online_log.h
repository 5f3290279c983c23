/*-------------------------------------------------------------------------
 * online_log.h
 *	  What an online run has done, read from the log, and what it has not.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_ONLINE_LOG_H
#define VIFLO_CLI_ONLINE_LOG_H

#include "cli/exchange.h"

/*
 * Adds to the question: by which number the server knows us, and which row of
 * the log is the last; the steps of this run that are done, which are behind
 * that row; and the revisions that are half done.
 */
extern void viflo_online_ask_last(VifloExchange *exchange);
extern void viflo_online_ask_steps(VifloExchange *exchange, const char *last);
extern void viflo_online_ask_unfinished(VifloExchange *exchange);

/* The steps, for people and as JSON. */
extern void viflo_online_print_steps(const VifloExchange *exchange);
extern json_t *viflo_online_steps(const VifloDbResult *result);

/* Adds both answers to exchange's failure. */
extern void viflo_online_keep(VifloExchange *exchange, VifloDbResult *const *results);

#endif							/* VIFLO_CLI_ONLINE_LOG_H */
