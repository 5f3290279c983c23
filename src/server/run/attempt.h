/*-------------------------------------------------------------------------
 * attempt.h
 *	  What the server's main loop does around a client's query, for a process
 *	  that has no such loop.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ATTEMPT_H
#define VIFLO_ATTEMPT_H

#include "utils/elog.h"
#include "utils/palloc.h"

/*
 * Begins a query: its transaction, or the next one in its transaction block;
 * statement_timeout, ours or the server's, whichever ends first; text, which
 * lives as long as the query, is what others see of it.
 */
extern void viflo_command_begin(const char *text);

/* Ends it, with all that COMMIT may raise, and does what an idle process does. */
extern void viflo_command_end(void);

/*
 * For a background worker with no transaction open.  Calls action, which may
 * begin and end transactions, and returns NULL.  When it raises, aborts
 * whatever is open, as a server process does that is about to read its next
 * command, and returns the error, palloc'd in context; session-level locks are
 * gone then.  Either way context is the current one afterwards.
 */
extern ErrorData *viflo_attempt(void (*action) (void *arg), void *arg, MemoryContext context);

#endif							/* VIFLO_ATTEMPT_H */
