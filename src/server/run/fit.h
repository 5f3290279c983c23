/*-------------------------------------------------------------------------
 * fit.h
 *	  Does a step that failed in a transaction not fit in one?
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_FIT_H
#define VIFLO_FIT_H

#include "nodes/nodes.h"
#include "utils/elog.h"

/*
 * A procedure or DO block that ends transactions, a new enum value that is
 * used, a command that the parse tree did not give away: psql would run them.
 * Not so a function that does it, which fails everywhere, nor what a script
 * raises by itself with one of these SQLSTATEs.  statement is the tag of the
 * script's statement that ran last.
 */
extern bool viflo_fit_is_outside(const ErrorData *error, NodeTag statement);

#endif							/* VIFLO_FIT_H */
