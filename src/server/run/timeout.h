/*-------------------------------------------------------------------------
 * timeout.h
 *	  Bounds on a migration's statements: viflo_migrate.lock_timeout and
 *	  viflo_migrate.statement_timeout.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TIMEOUT_H
#define VIFLO_TIMEOUT_H

/*
 * Makes viflo_migrate.lock_timeout the bound of every lock wait until the
 * current GUC nest level ends, unless the caller's lock_timeout is shorter.
 */
extern void viflo_timeout_begin(void);

/*
 * Arms viflo_migrate.statement_timeout for one statement, unless the caller's
 * own timeout ends earlier; and puts the caller's back.  The server raises its
 * usual query_canceled error when it fires.  To be paired, also on error: a
 * caller may catch it and go on.
 */
typedef struct VifloStatementTimeout
{
	bool		armed;
	bool		caller_active;
	int64		caller_finish;	/* TimestampTz */
} VifloStatementTimeout;

extern void viflo_timeout_arm(VifloStatementTimeout *timeout);
extern void viflo_timeout_disarm(VifloStatementTimeout *timeout);

/*
 * Longest wait for our own tables, in milliseconds, where nothing else is
 * locked: somebody has locked them by hand.
 */
#define VIFLO_RECORD_TIMEOUT	3000

/* Bounds lock waits by milliseconds in the current GUC nest level, unless stricter. */
extern void viflo_timeout_lock(int milliseconds);

#endif							/* VIFLO_TIMEOUT_H */
