/*-------------------------------------------------------------------------
 * patience.h
 *	  Lock waits of an online run: look first, ask briefly, try again.
 *
 * A request that waits in a lock's queue makes everyone behind it wait too.
 * So, before a statement that needs a strong lock, the run looks who is in
 * its way.  While one of them has been in its transaction for longer than a
 * moment, it waits without asking.  Then it asks with a short lock_timeout,
 * which grows with each attempt, and pauses between attempts for a random
 * while, holding nothing.  viflo_migrate.lock_retries bounds the attempts,
 * viflo_migrate.lock_budget the time of all waiting for one step.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_PATIENCE_H
#define VIFLO_PATIENCE_H

#include "datatype/timestamp.h"
#include "observe/progress.h"
#include "observe/watcher.h"
#include "run/holders.h"
#include "run/lockview.h"
#include "run/split.h"

typedef struct VifloPatience
{
	int			attempt;		/* 1.. */
	TimestampTz waiting_since;	/* when the first wait of the step began; 0:
								 * none yet */
	char	   *blockers;		/* who was last in the way, a line for each;
								 * or NULL */
	bool		committed;		/* the statement that failed had committed a
								 * part of its work: not to be run again */
	int			blocking[VIFLO_PROGRESS_BLOCKERS];	/* their pids */
	int			nblocking;
	MemoryContext context;		/* holds blockers */
	const char *tenant;			/* in whose schema names are looked up first;
								 * NULL, as it begins: by search_path alone */
	bool		session_level;	/* set lock_timeout for the session (at top
								 * level) rather than for the GUC nest level */
	int			timeout;		/* private: lock_timeout for strong statements
								 * of this attempt, ms */
	int			caller_timeout; /* private: lock_timeout that is not ours */
	int			own_timeout;	/* private: the one that we have set, -1: none */
	bool		refused;		/* private: the attempt gave up without asking */
	int			refusals;		/* private: attempts that did */
	int64		waited;			/* private: microseconds of all waiting */
	List	   *failed;			/* private: locks that attempts failed at */
	VifloLockView view;			/* private: what the last look saw */
	VifloWatcher watcher;		/* to be put in a run's list: bounds and looks
								 * before each statement */
} VifloPatience;

/* Starts a step.  context lives as long as patience. */
extern void viflo_patience_begin(VifloPatience *patience, MemoryContext context,
								 bool session_level);

/*
 * Waits, asking for nothing, until nobody's older transaction holds what
 * statements [first] to [last], or an earlier attempt's failure, need.  To be
 * called in a transaction with no locks held and no snapshot that is needed
 * later: commit ends the transaction and begins another, so that nothing is
 * held while it waits; it is not called where there is nothing to wait for.
 * Raises lock_not_available when the budget is used up; blockers then says who
 * is in the way.
 */
extern void viflo_patience_look(VifloPatience *patience, const VifloStatements *statements,
								int first, int last, void (*commit) (void));

/*
 * After an attempt failed with sqlstate and everything was rolled back: may
 * it be tried again?  False for errors that trying again does not mend, and
 * when retries or budget are used up; else counts the attempt and pauses.
 * blockers says who was in the way.  In or outside of a transaction; uses no
 * snapshot after that it returns.  Raises only query_canceled and its like.
 *
 * Where the watcher saw that the attempt would have had to wait for an old
 * transaction, it raised lock_not_available itself.  The first time that is
 * not counted, nor paused for, as viflo_patience_look() is to be called next.
 *
 * At top level a DO or CALL outside of a block may commit a part of its work.
 * From then on it waits as long as it would without us, and false is returned
 * for all errors.
 */
extern bool viflo_patience_again(VifloPatience *patience, int sqlstate);

/*
 * For the log: how long the step has waited for locks, and for whom last; NULL
 * when it has not.
 */
extern char *viflo_patience_story(const VifloPatience *patience);

/* Is it one of the errors that trying again may mend? */
extern bool viflo_patience_is_lock_error(int sqlstate);

#endif							/* VIFLO_PATIENCE_H */
