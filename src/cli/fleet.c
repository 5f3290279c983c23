/*-------------------------------------------------------------------------
 * fleet.c
 *	  One exchange with each of many databases, some at a time.
 *
 * Gives every slot that is free the next member of the list, and waits, by one
 * poll(), for what the slots wait for.  The signal handler writes to a pipe
 * that poll() watches too, so that no interrupt can be missed.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <sys/resource.h>
#include <unistd.h>

#include "cli/fleet.h"
#include "cli/output.h"
#include "cli/status.h"
#include "cli/watch.h"

/* Files that may be open beside the connections. */
#define OTHER_FILES		32

/* In milliseconds. */
#define SHOW_EVERY		250
#define CANCEL_EVERY	1000

typedef struct Loop
{
	VifloFleet *fleet;
	const VifloFleetTask *task;
	bool		keep_going;
	int			jobs;
	VifloFleetSlot *slots;
	struct pollfd *polls;		/* of the slots, and of the pipe */
	int			next;			/* member to begin with */
	int			wake[2];		/* the pipe */
	int64		asked_to_stop;	/* when; 0: not */
	int64		next_cancel;
	int64		next_show;		/* when the line on the terminal is drawn */
} Loop;

/* The user wants to stop: what is under way is told, again and again. */
static void
stop(Loop *loop)
{
	int64		now = viflo_watch_now();

	if (loop->asked_to_stop == 0)
	{
		loop->asked_to_stop = now;
		viflo_fleet_report_stopping(loop->task->report);
	}
	else if (now < loop->next_cancel)
		return;
	loop->next_cancel = now + CANCEL_EVERY;
	for (int i = 0; i < loop->jobs; i++)
		viflo_fleet_slot_stop(&loop->slots[i], loop->asked_to_stop + VIFLO_FLEET_CANCEL_LIMIT);
}

/* May another member be begun with? */
static bool
may_begin(const Loop *loop)
{
	return loop->next < loop->fleet->count && loop->asked_to_stop == 0 &&
		!viflo_database_interrupted() &&
		(loop->keep_going || loop->task->report->failed == 0);
}

/* Gives every free slot a member. */
static void
fill(Loop *loop)
{
	for (int i = 0; i < loop->jobs; i++)
	{
		/* A member that ends at once leaves the slot free. */
		while (loop->slots[i].state == VIFLO_SLOT_FREE && may_begin(loop))
			viflo_fleet_slot_begin(&loop->slots[i], &loop->fleet->members[loop->next++]);
	}
}

/* Milliseconds until there is something to do again; negative: no end. */
static int
time_left(const Loop *loop)
{
	int64		now = viflo_watch_now();
	int64		until = -1;

	for (int i = 0; i < loop->jobs; i++)
	{
		const VifloFleetSlot *slot = &loop->slots[i];

		if (slot->state != VIFLO_SLOT_FREE && slot->deadline >= 0 &&
			(until < 0 || slot->deadline < until))
			until = slot->deadline;
	}
	if (loop->asked_to_stop != 0 && (until < 0 || loop->next_cancel < until))
		until = loop->next_cancel;
	if (viflo_status_width() > 0 && (until < 0 || loop->next_show < until))
		until = loop->next_show;
	return until < 0 ? -1 : (int) Max(until - now, 0);
}

static void
show_progress(Loop *loop)
{
	int64		now = viflo_watch_now();

	if (now < loop->next_show)
		return;
	viflo_fleet_report_progress(loop->task->report);
	loop->next_show = now + SHOW_EVERY;
}

/* Waits until there is something to do, and does it. */
static void
turn_once(Loop *loop)
{
	struct pollfd *pipe_entry = &loop->polls[loop->jobs];
	char		bytes[16];

	for (int i = 0; i < loop->jobs; i++)
		loop->polls[i] = viflo_fleet_slot_poll(&loop->slots[i]);
	pipe_entry->fd = loop->wake[0];
	pipe_entry->events = POLLIN;
	pipe_entry->revents = 0;
	if (poll(loop->polls, loop->jobs + 1, time_left(loop)) < 0)
		return;
	if (pipe_entry->revents != 0)
	{
		ssize_t		got = read(loop->wake[0], bytes, sizeof(bytes));

		(void) got;
	}
	for (int i = 0; i < loop->jobs; i++)
	{
		VifloFleetSlot *slot = &loop->slots[i];

		if (slot->state != VIFLO_SLOT_FREE &&
			(loop->polls[i].revents != 0 ||
			 (slot->deadline >= 0 && viflo_watch_now() >= slot->deadline)))
			viflo_fleet_slot_advance(slot);
	}
}

/*
 * As many at a time as there may be connections open, for which the process
 * asks for more where it may: poll() does not even take more.
 */
static int
bound_by_files(int jobs)
{
	struct rlimit limit;
	rlim_t		wanted = jobs + OTHER_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return jobs;
	limit.rlim_cur = Min(wanted, limit.rlim_max);
	(void) setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return jobs;
	jobs = limit.rlim_cur > OTHER_FILES ? (int) (limit.rlim_cur - OTHER_FILES) : 1;
	viflo_output_warning("only %d at a time, as the process may open no more than %lld files",
						 jobs, (long long) limit.rlim_cur);
	return jobs;
}

static void
close_pipe(Loop *loop)
{
	for (int i = 0; i < lengthof(loop->wake); i++)
	{
		if (loop->wake[i] >= 0)
			close(loop->wake[i]);
		loop->wake[i] = -1;
	}
}

void
viflo_fleet_run(VifloFleet *fleet, const VifloFleetTask *task, int jobs, bool keep_going)
{
	Loop		loop = {0};

	loop.fleet = fleet;
	loop.task = task;
	loop.keep_going = keep_going;
	loop.jobs = bound_by_files(Min(jobs, Max(fleet->count, 1)));
	loop.slots = palloc0(sizeof(VifloFleetSlot) * loop.jobs);
	loop.polls = palloc(sizeof(struct pollfd) * (loop.jobs + 1));
	for (int i = 0; i < loop.jobs; i++)
		loop.slots[i].task = task;

	/* Without a pipe an interrupt is noticed with the next event. */
	if (pipe(loop.wake) != 0)
		loop.wake[0] = loop.wake[1] = -1;
	else if (!pg_set_noblock(loop.wake[0]) || !pg_set_noblock(loop.wake[1]))
		close_pipe(&loop);
	viflo_database_catch_interrupts(loop.wake[1]);
	fill(&loop);
	while (task->report->running > 0)
	{
		show_progress(&loop);
		turn_once(&loop);
		if (viflo_database_interrupted())
			stop(&loop);
		fill(&loop);
	}
	viflo_status_erase();
	viflo_database_catch_interrupts(-1);
	close_pipe(&loop);
	pfree(loop.slots);
	pfree(loop.polls);
}
