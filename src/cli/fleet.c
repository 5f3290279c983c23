/*-------------------------------------------------------------------------
 * fleet.c
 *	  One exchange with each of many databases, some at a time.
 *
 * A slot drives one member at a time: it connects, sends the question of the
 * exchange, waits for the answer, hands it over, and so on to the end; then it
 * takes the next member of the list.  Nothing here waits but poll() at one
 * place, and (a limit of libpq) the look-up of a host's name.
 *
 * The signal handler writes to a pipe that poll() watches too, so that no
 * interrupt can be missed.  A request to cancel opens a connection, and
 * waits for it: each has a thread of its own, as a server that does not answer
 * must not hold up the others.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "cli/fleet.h"
#include "cli/fleet_report.h"
#include "cli/output.h"
#include "cli/status.h"
#include "cli/watch.h"

/* All in milliseconds. */
#define SHOW_EVERY		250
#define CANCEL_EVERY	1000
#define CANCEL_LIMIT	30000

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_CONNECTING,
	SLOT_PAUSING,				/* until the deadline, before it asks */
	SLOT_ASKING
} SlotState;

typedef struct Slot
{
	SlotState	state;
	struct Loop *loop;
	VifloFleetMember *member;
	VifloSettings settings;		/* with what is the member's own */
	VifloDatabase database;
	VifloExchange exchange;
	int64		started;
	int64		deadline;		/* of this state; negative: none */
} Slot;

typedef struct Loop
{
	VifloFleet *fleet;
	const VifloExchangeKind *kind;
	const struct VifloRequest *request;
	const VifloSettings *settings;
	VifloLocal *local;
	VifloFleetReport *report;
	bool		keep_going;
	int			jobs;
	Slot	   *slots;
	struct pollfd *polls;		/* of the slots, and of the pipe */
	int			next;			/* member to begin with */
	int			wake[2];		/* the pipe */
	int64		asked_to_stop;	/* when; 0: not */
	int64		next_cancel;
} Loop;

/*-------------------------------------------------------------------------
 * Cancelling
 *-------------------------------------------------------------------------
 */

static void *
run_cancel(void *arg)
{
	VifloDbCancel *cancel = arg;

	(void) viflo_db_cancel_send(cancel);
	viflo_db_cancel_free(cancel);
	return NULL;
}

static void
send_cancel(const Slot *slot)
{
	VifloDbCancel *cancel = viflo_db_cancel_new(slot->database.session, NULL);
	pthread_t	thread;

	if (cancel == NULL)
		return;
	if (pthread_create(&thread, NULL, run_cancel, cancel) == 0)
		pthread_detach(thread);
	else
		run_cancel(cancel);
}

/*-------------------------------------------------------------------------
 * One member, from its beginning to its end
 *-------------------------------------------------------------------------
 */

/* Was it the user, and not the database, who said no? */
static bool
is_cancelled(const VifloFailure *failure)
{
	return viflo_database_interrupted() &&
		(failure->sqlstate == NULL || strcmp(failure->sqlstate, "57014") == 0);
}

/* Keeps what came of it, for the report. */
static void
keep_outcome(Slot *slot, bool done)
{
	VifloFleetMember *member = slot->member;
	VifloExchange *exchange = &slot->exchange;

	member->duration = viflo_watch_now() - slot->started;
	if (done)
	{
		member->status = VIFLO_FLEET_DONE;
		if (viflo_output_is_json())
			member->document = slot->loop->kind->document(exchange);
		else
			member->words = slot->loop->kind->summary(exchange);
		return;
	}
	member->status = is_cancelled(&exchange->failure) ?
		VIFLO_FLEET_CANCELLED : VIFLO_FLEET_FAILED;
	member->exit_status = exchange->failure.status;
	if (viflo_output_is_json())
	{
		member->error = viflo_output_failure_document(&exchange->failure);
		if (exchange->more != NULL)
			json_object_update(member->error, exchange->more);
	}
}

/* Leaves the member, and frees the slot. */
static void
leave(Slot *slot)
{
	viflo_failure_free(&slot->exchange.failure);
	viflo_exchange_end(&slot->exchange);
	viflo_database_close(&slot->database);
	slot->state = SLOT_FREE;
}

static void
end_member(Slot *slot, bool done)
{
	VifloExchange *exchange = &slot->exchange;

	keep_outcome(slot, done);
	exchange->failure.database = done ? NULL : pstrdup(slot->member->name);
	if (exchange->warning != NULL)
		viflo_output_warning("%s: %s", slot->member->name, exchange->warning);
	viflo_fleet_report_end(slot->loop->report, slot->member, done ? NULL : &exchange->failure);
	leave(slot);
}

/* Sends the question.  False: it could not be sent, see the failure. */
static bool
send_question(Slot *slot)
{
	VifloExchange *exchange = &slot->exchange;
	VifloDatabase *database = &slot->database;

	if (!exchange->is_last && !viflo_database_may_run(&exchange->failure))
		return false;
	if (!viflo_db_send(database->session, exchange->queries, exchange->count, &database->error))
		return viflo_database_fail(database, &exchange->failure);
	slot->state = SLOT_ASKING;
	slot->deadline = exchange->is_last ? viflo_watch_now() + VIFLO_LOOK_BACK_LIMIT : -1;
	return true;
}

/* Goes on as the exchange says, to the next wait or to the end. */
static void
follow(Slot *slot, VifloTurn turn)
{
	while (turn == VIFLO_TURN_ASK)
	{
		if (slot->exchange.pause > 0 && slot->state != SLOT_PAUSING)
		{
			slot->state = SLOT_PAUSING;
			slot->deadline = viflo_watch_now() + slot->exchange.pause;
			return;
		}
		if (send_question(slot))
			return;
		slot->state = SLOT_ASKING;
		turn = viflo_exchange_answer(&slot->exchange, NULL);
	}
	end_member(slot, turn == VIFLO_TURN_DONE);
}

static void
take_answer(Slot *slot)
{
	VifloDbResult *results[VIFLO_MAX_QUERIES] = {NULL};

	for (int i = 0; i < slot->exchange.count; i++)
		results[i] = viflo_db_take(slot->database.session);
	follow(slot, viflo_exchange_answer(&slot->exchange, results));
}

static void
show_notice(VifloDatabase *database, const VifloDbError *notice)
{
	Slot	   *slot = database->notice_arg;

	viflo_fleet_report_notice(slot->loop->report, slot->member, slot->settings.dir, notice);
}

/* Begins with the next member; it may end at once. */
static void
begin_member(Slot *slot)
{
	Loop	   *loop = slot->loop;
	VifloFleetMember *member = &loop->fleet->members[loop->next++];
	int			timeout;

	slot->member = member;
	slot->settings = *loop->settings;
	slot->settings.url = member->url;
	if (member->project != NULL)
		slot->settings.project = member->project;
	if (member->tenant != NULL)
		slot->settings.tenant = member->tenant;
	slot->started = viflo_watch_now();
	slot->state = SLOT_CONNECTING;
	slot->deadline = -1;
	member->status = VIFLO_FLEET_RUNNING;
	loop->report->running++;
	viflo_exchange_init(&slot->exchange, loop->kind, &slot->database, loop->local, loop->request);
	if (!viflo_database_start(&slot->database, &slot->settings, &slot->exchange.failure))
	{
		end_member(slot, false);
		return;
	}
	slot->database.on_notice = show_notice;
	slot->database.notice_arg = slot;
	timeout = viflo_db_connect_timeout(slot->database.session);
	if (timeout >= 0)
		slot->deadline = slot->started + timeout;
}

/*-------------------------------------------------------------------------
 * A step of a slot
 *-------------------------------------------------------------------------
 */

/* It takes too long: gives up. */
static void
expire(Slot *slot)
{
	VifloFailure *failure = &slot->exchange.failure;

	switch (slot->state)
	{
		case SLOT_FREE:
			break;
		case SLOT_CONNECTING:
			viflo_failure(failure, VIFLO_EXIT_CONNECTION, "could not connect within %lld ms",
						  (long long) (viflo_watch_now() - slot->started));
			failure->sqlstate = pstrdup("08001");
			viflo_failure_hint(failure, "connect_timeout of the connection string, or PGCONNECT_TIMEOUT, is how many seconds to wait.");
			end_member(slot, false);
			break;
		case SLOT_PAUSING:
			follow(slot, VIFLO_TURN_ASK);
			break;
		case SLOT_ASKING:
			send_cancel(slot);
			if (slot->exchange.is_last)
			{
				/* What is asked in passing, and may go without an answer. */
				viflo_failure(failure, VIFLO_EXIT_REFUSED, "no answer from the server");
				follow(slot, viflo_exchange_answer(&slot->exchange, NULL));
				break;
			}
			viflo_failure(failure, VIFLO_EXIT_REFUSED,
						  "no answer to a request to cancel within %d s", CANCEL_LIMIT / 1000);
			failure->sqlstate = pstrdup("08006");
			viflo_failure_hint(failure, "What became of it is not known; \"viflo current\" tells, once the server answers.");
			end_member(slot, false);
			break;
	}
}

/* Does what can be done without waiting. */
static void
advance(Slot *slot)
{
	VifloDatabase *database = &slot->database;
	VifloFailure *failure = &slot->exchange.failure;
	bool		connecting = slot->state == SLOT_CONNECTING;

	if (slot->state == SLOT_CONNECTING || slot->state == SLOT_ASKING)
	{
		switch (viflo_db_advance(database->session, &database->error))
		{
			case VIFLO_DB_READY:
				if (!connecting)
				{
					take_answer(slot);
					return;
				}
				database->pid = viflo_db_backend_pid(database->session);
				follow(slot, slot->loop->kind->begin(&slot->exchange));
				return;
			case VIFLO_DB_FAILED:
				if (!connecting)
				{
					viflo_database_fail(database, failure);
					follow(slot, viflo_exchange_answer(&slot->exchange, NULL));
					return;
				}
				viflo_database_fail_connect(database, failure);
				end_member(slot, false);
				return;
			case VIFLO_DB_WAITING:
				break;
		}
	}
	if (slot->deadline >= 0 && viflo_watch_now() >= slot->deadline)
		expire(slot);
}

/*-------------------------------------------------------------------------
 * The loop
 *-------------------------------------------------------------------------
 */

/*
 * The user wants to stop: what connects has begun nothing, what pauses is told
 * when it asks, and what runs is cancelled; again and again, as a request that
 * comes between two queries goes astray.
 */
static void
stop(Loop *loop)
{
	int64		now = viflo_watch_now();

	if (loop->asked_to_stop == 0)
	{
		loop->asked_to_stop = now;
		viflo_fleet_report_stopping(loop->report);
	}
	else if (now < loop->next_cancel)
		return;
	loop->next_cancel = now + CANCEL_EVERY;
	for (int i = 0; i < loop->jobs; i++)
	{
		Slot	   *slot = &loop->slots[i];

		if (slot->state == SLOT_CONNECTING)
		{
			slot->member->status = VIFLO_FLEET_NOT_BEGUN;
			loop->report->running--;
			leave(slot);
		}
		else if (slot->state == SLOT_PAUSING)
			slot->deadline = now;
		else if (slot->state == SLOT_ASKING && !slot->exchange.is_last)
		{
			slot->deadline = loop->asked_to_stop + CANCEL_LIMIT;
			send_cancel(slot);
		}
	}
}

/* May another member be begun with? */
static bool
may_begin(const Loop *loop)
{
	return loop->next < loop->fleet->count && loop->asked_to_stop == 0 &&
		!viflo_database_interrupted() &&
		(loop->keep_going || loop->report->failed == 0);
}

/* Gives every free slot a member. */
static void
fill(Loop *loop)
{
	for (int i = 0; i < loop->jobs; i++)
	{
		/* A member that ends at once leaves the slot free. */
		while (loop->slots[i].state == SLOT_FREE && may_begin(loop))
			begin_member(&loop->slots[i]);
	}
}

static struct pollfd
poll_entry(const Slot *slot)
{
	struct pollfd entry = {-1, 0, 0};
	int			wants;

	if (slot->state != SLOT_CONNECTING && slot->state != SLOT_ASKING)
		return entry;
	entry.fd = viflo_db_socket(slot->database.session);
	wants = viflo_db_wants(slot->database.session);
	if (wants & VIFLO_DB_WANTS_READ)
		entry.events |= POLLIN;
	if (wants & VIFLO_DB_WANTS_WRITE)
		entry.events |= POLLOUT;
	return entry;
}

/* Milliseconds until there is something to do again; negative: no end. */
static int
time_left(const Loop *loop)
{
	int64		now = viflo_watch_now();
	int64		until = -1;

	for (int i = 0; i < loop->jobs; i++)
	{
		const Slot *slot = &loop->slots[i];

		if (slot->state != SLOT_FREE && slot->deadline >= 0 &&
			(until < 0 || slot->deadline < until))
			until = slot->deadline;
	}
	if (loop->asked_to_stop != 0 && (until < 0 || loop->next_cancel < until))
		until = loop->next_cancel;
	if (viflo_status_width() > 0 && (until < 0 || now + SHOW_EVERY < until))
		until = now + SHOW_EVERY;
	return until < 0 ? -1 : (int) Max(until - now, 0);
}

/* Waits until there is something to do, and does it. */
static void
turn_once(Loop *loop)
{
	struct pollfd *pipe_entry = &loop->polls[loop->jobs];
	char		bytes[16];

	for (int i = 0; i < loop->jobs; i++)
		loop->polls[i] = poll_entry(&loop->slots[i]);
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
		Slot	   *slot = &loop->slots[i];

		if (slot->state != SLOT_FREE &&
			(loop->polls[i].revents != 0 ||
			 (slot->deadline >= 0 && viflo_watch_now() >= slot->deadline)))
			advance(slot);
	}
}

void
viflo_fleet_run(VifloFleet *fleet, const VifloExchangeKind *kind,
				const VifloSettings *settings, const struct VifloRequest *request,
				VifloLocal *local, int jobs, bool keep_going, VifloFleetReport *report)
{
	Loop		loop = {0};

	loop.fleet = fleet;
	loop.kind = kind;
	loop.request = request;
	loop.settings = settings;
	loop.local = local;
	loop.report = report;
	loop.keep_going = keep_going;
	loop.jobs = Min(jobs, Max(fleet->count, 1));
	loop.slots = palloc0(sizeof(Slot) * loop.jobs);
	loop.polls = palloc(sizeof(struct pollfd) * (loop.jobs + 1));
	for (int i = 0; i < loop.jobs; i++)
		loop.slots[i].loop = &loop;

	/* Without a pipe an interrupt is noticed with the next event. */
	if (pipe(loop.wake) != 0)
		loop.wake[0] = loop.wake[1] = -1;
	else if (!pg_set_noblock(loop.wake[0]) || !pg_set_noblock(loop.wake[1]))
	{
		close(loop.wake[0]);
		close(loop.wake[1]);
		loop.wake[0] = loop.wake[1] = -1;
	}
	viflo_database_catch_interrupts(loop.wake[1]);
	fill(&loop);
	while (report->running > 0)
	{
		viflo_fleet_report_progress(report);
		turn_once(&loop);
		if (viflo_database_interrupted())
			stop(&loop);
		fill(&loop);
	}
	viflo_status_erase();
	viflo_database_catch_interrupts(-1);
	pfree(loop.slots);
	pfree(loop.polls);
}
