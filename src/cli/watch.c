/*-------------------------------------------------------------------------
 * watch.c
 *	  Runs queries, and shows meanwhile what the server does.
 *
 * One loop around poll() drives both sessions.  The second one never has a
 * transaction open for longer than its short query takes, so that an index
 * that is built concurrently need not wait for it.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <poll.h>
#include <time.h>

#include "cli/progress.h"
#include "cli/status.h"
#include "cli/watch.h"

/* All in milliseconds. */
#define SHOW_AFTER		300
#define SHOW_EVERY		250
#define CONNECT_LIMIT	10000
#define PART_LIMIT		1000

/*
 * What the view does not have is a run that has not begun, as it waits for
 * another one to load or to change anything: of that the last column tells.
 */
static const char question[] =
"SELECT " VIFLO_PROGRESS_COLUMNS ","
" CASE WHEN p.pid IS NULL THEN pg_catalog.concat('process ',"
" pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(a.pid), ', ')) END"
" FROM pg_catalog.pg_stat_activity a"
" LEFT JOIN viflo.progress p ON p.pid OPERATOR(pg_catalog.=) a.pid"
" WHERE a.pid OPERATOR(pg_catalog.=) $1"
" AND (p.pid IS NOT NULL OR a.wait_event_type OPERATOR(pg_catalog.=) 'Lock')";

typedef enum WatchState
{
	WATCH_LATER,				/* no session yet */
	WATCH_CONNECTING,
	WATCH_IDLE,
	WATCH_ASKING,
	WATCH_OVER					/* and no session any more */
} WatchState;

typedef struct Watch
{
	VifloEngine *engine;
	int			pid;
	WatchState	state;
	VifloSession *session;
	VifloDbResult *latest;		/* one row; or NULL: nothing known yet */
	int64		started;
	int64		next;			/* when there is something to do again */
} Watch;

int64
viflo_watch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
viflo_watch_pause(int milliseconds)
{
	(void) poll(NULL, 0, milliseconds);
}

static void
give_up(Watch *watch)
{
	viflo_db_release(watch->session);
	watch->session = NULL;
	watch->state = WATCH_OVER;
}

static void
show(const Watch *watch)
{
	int			width = viflo_status_width();
	VifloDbRow	row;
	VifloProgress progress;
	const char *before;
	char	   *line;

	if (watch->latest == NULL || width == 0)
		return;
	row = viflo_db_rows(watch->latest, NULL);
	if (!viflo_db_row_next(&row))
		return;
	progress = viflo_progress_read(&row, 0);
	before = viflo_db_row_text(&row, VIFLO_PROGRESS_COUNT);
	if (before != NULL)
	{
		progress.phase = "waiting for locks";
		progress.waiting_for = before;
	}
	line = viflo_progress_line(&progress, width, viflo_watch_now() - watch->started);
	viflo_status_show(line);
	pfree(line);
}

/* An answer is there.  A run that is not there any more was shown before. */
static void
take_answer(Watch *watch)
{
	VifloDbResult *result = viflo_db_take(watch->session);

	if (viflo_db_result_rows(result) > 0)
	{
		viflo_db_result_free(watch->latest);
		watch->latest = result;
	}
	else
		viflo_db_result_free(result);
}

static void
ask(Watch *watch)
{
	VifloDbParam param = viflo_db_int32(watch->pid);
	VifloDbQuery query = {question, &param, 1, false};

	if (viflo_db_send(watch->session, &query, 1, NULL))
		watch->state = WATCH_ASKING;
	else
		give_up(watch);
}

static void
connect_second(Watch *watch)
{
	watch->session = viflo_engine_acquire_start(watch->engine, NULL);
	watch->state = WATCH_OVER;
	if (watch->session == NULL)
		return;
	viflo_db_on_notice(watch->session, NULL, NULL);
	watch->state = WATCH_CONNECTING;
}

/* Does what the time has come for; draws where no answer will do so. */
static void
begin_next(Watch *watch)
{
	switch (watch->state)
	{
		case WATCH_LATER:
			connect_second(watch);
			break;
		case WATCH_CONNECTING:
			if (viflo_watch_now() - watch->started > CONNECT_LIMIT)
				give_up(watch);
			break;
		case WATCH_IDLE:
			ask(watch);
			break;
		case WATCH_ASKING:
		case WATCH_OVER:
			show(watch);
			break;
	}
	watch->next = viflo_watch_now() + SHOW_EVERY;
}

/* One step on, which never waits. */
static void
step(Watch *watch)
{
	if (watch->state == WATCH_CONNECTING || watch->state == WATCH_ASKING)
	{
		VifloDbProgress progress = viflo_db_advance(watch->session, NULL);

		if (progress == VIFLO_DB_FAILED)
			give_up(watch);
		else if (progress == VIFLO_DB_READY && watch->state == WATCH_ASKING)
		{
			take_answer(watch);
			watch->state = WATCH_IDLE;
			show(watch);
		}
		else if (progress == VIFLO_DB_READY)
		{
			watch->state = WATCH_IDLE;
			ask(watch);
		}
	}
	if (viflo_watch_now() >= watch->next)
		begin_next(watch);
}

static struct pollfd
poll_entry(const VifloSession *session)
{
	struct pollfd entry = {viflo_db_socket(session), 0, 0};
	int			wants = viflo_db_wants(session);

	if (wants & VIFLO_DB_WANTS_READ)
		entry.events |= POLLIN;
	if (wants & VIFLO_DB_WANTS_WRITE)
		entry.events |= POLLOUT;
	return entry;
}

void
viflo_watch_session(const VifloSession *session, int milliseconds)
{
	struct pollfd entry = poll_entry(session);

	(void) poll(&entry, 1, milliseconds);
}

/* Waits for either session, or until there is something to do. */
static void
wait_for_news(const Watch *watch, const VifloSession *session)
{
	int64		left = watch->next - viflo_watch_now();
	struct pollfd entries[2];
	int			count = 0;

	entries[count++] = poll_entry(session);
	if (watch->state == WATCH_CONNECTING || watch->state == WATCH_ASKING)
		entries[count++] = poll_entry(watch->session);
	(void) poll(entries, count,
				watch->state == WATCH_OVER ? -1 : (int) Max(left, 0));
}

/* Lets the last question come to its end, and gives the session back. */
static void
end(Watch *watch)
{
	int64		limit = viflo_watch_now() + PART_LIMIT;

	while (watch->state == WATCH_ASKING && viflo_watch_now() < limit)
	{
		viflo_watch_session(watch->session, SHOW_EVERY);
		if (viflo_db_advance(watch->session, NULL) != VIFLO_DB_WAITING)
			watch->state = WATCH_IDLE;
	}
	give_up(watch);
	viflo_db_result_free(watch->latest);
	viflo_status_erase();
}

bool
viflo_watch_run(VifloEngine *engine, VifloSession *session, int pid,
				const VifloDbQuery *queries, int count,
				VifloDbResult **results, VifloDbError *error)
{
	Watch		watch = {.engine = engine,.pid = pid};
	VifloDbProgress progress;

	if (viflo_status_width() == 0)
		return viflo_db_pipeline(session, queries, count, results, error);
	for (int i = 0; i < count; i++)
		results[i] = NULL;
	if (!viflo_db_send(session, queries, count, error))
		return false;
	watch.started = viflo_watch_now();
	watch.next = watch.started + SHOW_AFTER;
	while ((progress = viflo_db_advance(session, error)) == VIFLO_DB_WAITING)
	{
		wait_for_news(&watch, session);
		step(&watch);
	}
	end(&watch);
	for (int i = 0; i < count && progress == VIFLO_DB_READY; i++)
		results[i] = viflo_db_take(session);
	return progress == VIFLO_DB_READY;
}
