/*-------------------------------------------------------------------------
 * fleet_slot.c
 *	  A slot of a fleet: one exchange after another, and never waits.
 *
 * But for one thing, a limit of libpq: looking up the name of a host.
 *
 * A request to cancel opens a connection, and waits for it: each has a thread
 * of its own, as a server that does not answer must not hold up the others.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <pthread.h>

#include "cli/fleet_slot.h"
#include "cli/output.h"
#include "cli/watch.h"

static void *
run_cancel(void *arg)
{
	VifloDbCancel *cancel = arg;

	(void) viflo_db_cancel_send(cancel);
	viflo_db_cancel_free(cancel);
	return NULL;
}

static void
send_cancel(const VifloFleetSlot *slot)
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
keep_outcome(VifloFleetSlot *slot, bool done)
{
	VifloFleetMember *member = slot->member;
	VifloExchange *exchange = &slot->exchange;

	member->duration = viflo_watch_now() - slot->started;
	if (done)
	{
		member->status = VIFLO_FLEET_DONE;
		if (viflo_output_is_json())
			member->document = slot->task->kind->document(exchange);
		else
			member->words = slot->task->kind->summary(exchange);
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
leave(VifloFleetSlot *slot)
{
	viflo_failure_free(&slot->exchange.failure);
	viflo_exchange_end(&slot->exchange);
	viflo_database_close(&slot->database);
	slot->state = VIFLO_SLOT_FREE;
}

static void
end_member(VifloFleetSlot *slot, bool done)
{
	VifloExchange *exchange = &slot->exchange;

	keep_outcome(slot, done);
	exchange->failure.database = pstrdup(slot->member->name);
	if (done && exchange->warns)
		viflo_output_placed_warning(&exchange->failure);
	viflo_fleet_report_end(slot->task->report, slot->member, done ? NULL : &exchange->failure);
	leave(slot);
}

/* Sends the question.  False: it could not be sent, see the failure. */
static bool
send_question(VifloFleetSlot *slot)
{
	VifloExchange *exchange = &slot->exchange;
	VifloDatabase *database = &slot->database;

	if (!viflo_exchange_may_ask(exchange))
		return false;
	if (exchange->anew)
	{
		slot->state = VIFLO_SLOT_RETURNING;
		slot->deadline = viflo_watch_now() + VIFLO_RECONNECT_LIMIT;
		return viflo_database_restart(database, &exchange->failure);
	}
	if (!viflo_db_send(database->session, exchange->queries, exchange->count, &database->error))
		return viflo_database_fail(database, &exchange->failure);
	slot->state = VIFLO_SLOT_ASKING;
	slot->deadline = exchange->is_last ? viflo_watch_now() + VIFLO_LOOK_BACK_LIMIT : -1;
	return true;
}

/* Goes on as the exchange says, to the next wait or to the end. */
static void
follow(VifloFleetSlot *slot, VifloTurn turn)
{
	while (turn == VIFLO_TURN_ASK)
	{
		if (slot->exchange.pause > 0 && slot->state != VIFLO_SLOT_PAUSING &&
			slot->state != VIFLO_SLOT_RETURNING)
		{
			slot->state = VIFLO_SLOT_PAUSING;
			slot->deadline = viflo_watch_now() + slot->exchange.pause;
			return;
		}
		if (send_question(slot))
			return;
		slot->state = VIFLO_SLOT_ASKING;
		turn = viflo_exchange_answer(&slot->exchange, NULL);
	}
	end_member(slot, turn == VIFLO_TURN_DONE);
}

static void
take_answer(VifloFleetSlot *slot)
{
	VifloDbResult *results[VIFLO_MAX_QUERIES] = {NULL};

	for (int i = 0; i < slot->exchange.count; i++)
		results[i] = viflo_db_take(slot->database.session);
	follow(slot, viflo_exchange_answer(&slot->exchange, results));
}

static void
show_notice(VifloDatabase *database, const VifloDbError *notice)
{
	VifloFleetSlot *slot = database->notice_arg;

	viflo_fleet_report_notice(slot->task->report, slot->member, slot->settings.dir, notice);
}

void
viflo_fleet_slot_begin(VifloFleetSlot *slot, VifloFleetMember *member)
{
	const VifloFleetTask *task = slot->task;
	int			timeout;

	slot->member = member;
	slot->settings = *task->settings;
	slot->settings.url = member->url;
	if (member->project != NULL)
		slot->settings.project = member->project;
	if (member->tenant != NULL)
		slot->settings.tenant = member->tenant;
	slot->started = viflo_watch_now();
	slot->state = VIFLO_SLOT_CONNECTING;
	slot->deadline = -1;
	member->status = VIFLO_FLEET_RUNNING;
	task->report->running++;
	viflo_exchange_init(&slot->exchange, task->kind, &slot->database, task->local, task->request);
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

/* The question will not be answered: goes on with why. */
static void
take_failure(VifloFleetSlot *slot)
{
	slot->state = VIFLO_SLOT_ASKING;
	follow(slot, viflo_exchange_answer(&slot->exchange, NULL));
}

/* It takes too long: gives up. */
static void
expire(VifloFleetSlot *slot)
{
	VifloFailure *failure = &slot->exchange.failure;

	switch (slot->state)
	{
		case VIFLO_SLOT_FREE:
			break;
		case VIFLO_SLOT_CONNECTING:
			viflo_failure(failure, VIFLO_EXIT_CONNECTION, "could not connect within %lld ms",
						  (long long) (viflo_watch_now() - slot->started));
			failure->sqlstate = pstrdup("08001");
			viflo_failure_hint(failure, "connect_timeout of the connection string, or PGCONNECT_TIMEOUT, is how many seconds to wait.");
			end_member(slot, false);
			break;
		case VIFLO_SLOT_PAUSING:
			follow(slot, VIFLO_TURN_ASK);
			break;
		case VIFLO_SLOT_RETURNING:
			viflo_failure(failure, VIFLO_EXIT_CONNECTION, "could not connect again");
			take_failure(slot);
			break;
		case VIFLO_SLOT_ASKING:
			send_cancel(slot);
			if (slot->exchange.is_last)
			{
				/* What is asked in passing, and may go without an answer. */
				viflo_failure(failure, VIFLO_EXIT_REFUSED, "no answer from the server");
				take_failure(slot);
				break;
			}
			viflo_failure(failure, VIFLO_EXIT_REFUSED,
						  "no answer to a request to cancel within %d s", VIFLO_FLEET_CANCEL_LIMIT / 1000);
			failure->sqlstate = pstrdup("08006");
			viflo_failure_hint(failure, "What became of it is not known; \"viflo current\" tells, once the server answers.");
			end_member(slot, false);
			break;
	}
}

/* There is a connection: begins, or asks what it was made for. */
static void
take_connection(VifloFleetSlot *slot)
{
	if (slot->state == VIFLO_SLOT_RETURNING)
	{
		slot->exchange.anew = false;
		follow(slot, VIFLO_TURN_ASK);
		return;
	}
	slot->database.pid = viflo_db_backend_pid(slot->database.session);
	follow(slot, slot->task->kind->begin(&slot->exchange));
}

static void
take_error(VifloFleetSlot *slot)
{
	VifloFailure *failure = &slot->exchange.failure;

	if (slot->state == VIFLO_SLOT_ASKING)
	{
		viflo_database_fail(&slot->database, failure);
		take_failure(slot);
		return;
	}
	viflo_database_fail_connect(&slot->database, failure);
	if (slot->state == VIFLO_SLOT_RETURNING)
		take_failure(slot);
	else
		end_member(slot, false);
}

/* Is it the session that the slot waits for? */
static bool
has_session(const VifloFleetSlot *slot)
{
	return slot->state == VIFLO_SLOT_CONNECTING || slot->state == VIFLO_SLOT_RETURNING ||
		slot->state == VIFLO_SLOT_ASKING;
}

void
viflo_fleet_slot_advance(VifloFleetSlot *slot)
{
	if (has_session(slot))
	{
		switch (viflo_db_advance(slot->database.session, &slot->database.error))
		{
			case VIFLO_DB_READY:
				if (slot->state == VIFLO_SLOT_ASKING)
					take_answer(slot);
				else
					take_connection(slot);
				return;
			case VIFLO_DB_FAILED:
				take_error(slot);
				return;
			case VIFLO_DB_WAITING:
				break;
		}
	}
	if (slot->deadline >= 0 && viflo_watch_now() >= slot->deadline)
		expire(slot);
}

struct pollfd
viflo_fleet_slot_poll(const VifloFleetSlot *slot)
{
	struct pollfd entry = {-1, 0, 0};
	int			wants;

	if (!has_session(slot))
		return entry;
	entry.fd = viflo_db_socket(slot->database.session);
	wants = viflo_db_wants(slot->database.session);
	if (wants & VIFLO_DB_WANTS_READ)
		entry.events |= POLLIN;
	if (wants & VIFLO_DB_WANTS_WRITE)
		entry.events |= POLLOUT;
	return entry;
}

void
viflo_fleet_slot_stop(VifloFleetSlot *slot, int64 deadline)
{
	switch (slot->state)
	{
		case VIFLO_SLOT_FREE:
			break;
		case VIFLO_SLOT_CONNECTING:
			slot->member->status = VIFLO_FLEET_NOT_BEGUN;
			slot->task->report->running--;
			leave(slot);
			break;
		case VIFLO_SLOT_PAUSING:
			slot->deadline = viflo_watch_now();
			break;
		case VIFLO_SLOT_ASKING:
			if (slot->exchange.is_last)
				break;
			slot->deadline = deadline;
			send_cancel(slot);
			break;
		case VIFLO_SLOT_RETURNING:
			/* Who stops a run still wants to know what became of it. */
			if (viflo_database_interrupts() > slot->exchange.interrupts)
				slot->deadline = viflo_watch_now();
			break;
	}
}
