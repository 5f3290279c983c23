/*-------------------------------------------------------------------------
 * lockwait.c
 *	  Watches this process's own lock waits while a statement runs.
 *
 * A timer looks at least once within any wait that may end in an error.
 *
 * Its handler interrupts this process anywhere, and reads MyProc->waitLock.
 * That is safe: the pointer is set and cleared as a whole.  While it is set,
 * this process's request keeps the lock's entry in the lock table; when the
 * lock is granted, this process holds it, and only this process can let go of
 * it.  When the request is withdrawn, the pointer is cleared before the entry
 * may go.  The handler writes nothing but the variables below, which nobody
 * reads while the timer runs.
 *
 * To end a wait, it has the server's own timer for lock_timeout, which runs
 * during each wait, fire at once.  Timers may be set in a timer's handler:
 * it is not called while anybody else is at that.
 */
#include "postgres.h"

#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "run/lockwait.h"

/* Milliseconds between looks where waits are not bounded. */
#define LONGEST_PERIOD	500

static TimeoutId timer;
static bool registered = false;
static bool watching = false;
static int	queue_bound;		/* milliseconds, 0: none */

static LOCKTAG noted_tag;
static LOCKMODE noted_mode;
static volatile sig_atomic_t noted = false;

static bool
holds_up_others(void)
{
	return noted_tag.locktag_type == LOCKTAG_RELATION && noted_mode > ShareUpdateExclusiveLock;
}

static void
note_wait(void)
{
	/* also while the process exits, when it has no place any more */
	LOCK	   *lock = MyProc == NULL ? NULL : *(LOCK *volatile *) &MyProc->waitLock;
	TimestampTz since;

	if (lock == NULL)
		return;
	noted_tag = lock->tag;
	noted_mode = MyProc->waitLockMode;
	noted = true;

	since = pg_atomic_read_u64(&MyProc->waitStart);
	if (queue_bound > 0 && holds_up_others() && since != 0 &&
		TimestampDifferenceExceeds(since, GetCurrentTimestamp(), queue_bound))
		enable_timeout_after(LOCK_TIMEOUT, 1);
}

/* Short enough for one look, at least, in the shortest wait that fails. */
static int
period(void)
{
	int			shortest = Min(DeadlockTimeout, LONGEST_PERIOD);

	if (LockTimeout > 0)
		shortest = Min(shortest, LockTimeout);
	if (queue_bound > 0)
		shortest = Min(shortest, queue_bound);
	return Max(shortest * 2 / 3, 1);
}

void
viflo_lockwait_watch(int queue_timeout)
{
	int			milliseconds;

	viflo_lockwait_unwatch();
	queue_bound = queue_timeout;
	milliseconds = period();
	if (!registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, note_wait);
		registered = true;
	}
	noted = false;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds),
						 milliseconds);
	watching = true;
}

void
viflo_lockwait_unwatch(void)
{
	if (watching)
		disable_timeout(timer, false);
	watching = false;
}

bool
viflo_lockwait_take(LOCKTAG *tag, LOCKMODE *mode)
{
	viflo_lockwait_unwatch();
	if (!noted)
		return false;
	*tag = noted_tag;
	*mode = noted_mode;
	noted = false;
	return true;
}
