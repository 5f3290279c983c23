/*-------------------------------------------------------------------------
 * attempt.h
 *	  Trying something at top level, where nobody else deals with its errors.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ATTEMPT_H
#define VIFLO_ATTEMPT_H

#include "utils/elog.h"
#include "utils/palloc.h"

/*
 * For a background worker with no transaction open.  Calls action, which may
 * begin and end transactions, and returns NULL.  When it raises, aborts
 * whatever is open, as a server process does that is about to read its next
 * command, and returns the error, palloc'd in context; session-level locks are
 * gone then.  Either way context is the current one afterwards.
 */
extern ErrorData *viflo_attempt(void (*action) (void *arg), void *arg, MemoryContext context);

#endif							/* VIFLO_ATTEMPT_H */
