/*-------------------------------------------------------------------------
 * lost.c
 *	  After a connection was lost while a run was under way: what became of it.
 *
 * A row of the log is committed with its step, and names the process that ran
 * it.  As long as that process lives, it may still commit; once it is gone,
 * what the log has is final.  Behind a pooler the process is not known, and
 * nothing can be said.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <poll.h>

#include "cli/lost.h"
#include "cli/output.h"
#include "cli/watch.h"

/* In milliseconds: all of it, one try to connect, and between tries. */
#define RETURN_LIMIT	15000
#define CONNECT_LIMIT	5000
#define PAUSE			250

/* A clock of the server and ours run alike, give or take. */
#define CLOCK_SLACK		1000

/* A user who asks to stop while this goes on has heard enough. */
static bool
is_over(int64 deadline, int interrupts)
{
	return viflo_watch_now() >= deadline || viflo_database_interrupts() > interrupts;
}

/* One try; NULL when there is no connection. */
static VifloSession *
connect_once(VifloDatabase *database, int interrupts)
{
	VifloSession *session = viflo_engine_acquire_start(database->engine, &database->error);
	int64		deadline = viflo_watch_now() + CONNECT_LIMIT;
	VifloDbProgress progress = VIFLO_DB_FAILED;

	while (session != NULL &&
		   (progress = viflo_db_advance(session, &database->error)) == VIFLO_DB_WAITING &&
		   !is_over(deadline, interrupts))
	{
		int			wants = viflo_db_wants(session);
		struct pollfd entry = {viflo_db_socket(session), 0, 0};

		entry.events = (wants & VIFLO_DB_WANTS_READ ? POLLIN : 0) |
			(wants & VIFLO_DB_WANTS_WRITE ? POLLOUT : 0);
		(void) poll(&entry, 1, PAUSE);
	}
	if (progress == VIFLO_DB_READY)
		return session;
	viflo_db_release(session);
	return NULL;
}

/* Is the process pid still there, and can one tell? */
static bool
ask_process(VifloDatabase *database, int pid, bool *there, bool *known)
{
	VifloDbParam params[1] = {viflo_db_int32(pid)};
	VifloDbQuery query = {
		"SELECT pg_catalog.pg_backend_pid(), EXISTS (SELECT FROM pg_catalog.pg_stat_activity a"
		" WHERE a.pid OPERATOR(pg_catalog.=) $1 AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
		" AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())",
		params, 1, false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	if (!viflo_database_look_back(database, &query, 1, &result))
		return false;
	row = viflo_db_rows(result, NULL);
	*known = viflo_db_row_next(&row) &&
		viflo_db_row_int32(&row, 0) == viflo_db_backend_pid(database->session);
	*there = *known && viflo_db_row_bool(&row, 1);
	viflo_db_result_free(result);
	return true;
}

bool
viflo_lost_return(VifloDatabase *database)
{
	int64		deadline = viflo_watch_now() + RETURN_LIMIT;
	int			interrupts = viflo_database_interrupts();
	int			pid = database->pid;

	viflo_output_note("the connection was lost; asking the server what became of the run");
	viflo_database_replace(database, NULL);
	for (; !is_over(deadline, interrupts); viflo_watch_pause(PAUSE))
	{
		VifloSession *session;
		bool		there;
		bool		known;

		if (database->session == NULL)
		{
			session = connect_once(database, interrupts);
			if (session == NULL)
				continue;
			viflo_database_replace(database, session);
		}
		if (!ask_process(database, pid, &there, &known))
			viflo_database_replace(database, NULL);
		else if (!known)
			return false;
		else if (!there)
			return true;
	}
	return false;
}

/* The steps that process pid has logged since the run began. */
#define STEPS \
	"(SELECT pg_catalog.row_number() OVER (ORDER BY l.id)::pg_catalog.int4 AS step, l.direction," \
	"  l.revision, h.message, l.duration" \
	"  FROM %1$s.viflo_log(project => $1::pg_catalog.text) l" \
	"  LEFT JOIN %1$s.viflo_history(project => $1::pg_catalog.text) h" \
	"  ON h.revision OPERATOR(pg_catalog.=) l.revision" \
	"  WHERE l.pid OPERATOR(pg_catalog.=) $2 AND l.status OPERATOR(pg_catalog.=) 'done'" \
	"  AND l.started_at OPERATOR(pg_catalog.>=)" \
	"  (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $3)) ORDER BY l.id) t"

VifloLost
viflo_lost_transaction(VifloDatabase *database, int64 started, const char *columns,
					   VifloDbResult **result)
{
	int			pid = database->pid;
	VifloDbParam params[3];
	VifloDbQuery queries[2] = {{.params = params,.nparams = 3}, {.params = params,.nparams = 3}};
	VifloDbResult *results[2];
	VifloDbRow	row;
	bool		any;

	if (!viflo_lost_return(database))
		return VIFLO_LOST_UNKNOWN;
	params[0] = viflo_db_text(database->project);
	params[1] = viflo_db_int32(pid);
	params[2] = viflo_db_float64((viflo_watch_now() - started + CLOCK_SLACK) / 1000.0);
	queries[0].sql = psprintf("SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM " STEPS,
							  database->schema);
	queries[1].sql = psprintf("SELECT %2$s FROM " STEPS, database->schema,
							  viflo_output_is_json() ? "COALESCE(pg_catalog.json_agg(t), '[]')" : columns);
	if (!viflo_database_look_back(database, queries, 2, results))
		return VIFLO_LOST_UNKNOWN;
	row = viflo_db_rows(results[0], NULL);
	any = viflo_db_row_next(&row) && viflo_db_row_bool(&row, 0);
	viflo_db_result_free(results[0]);
	if (any)
	{
		*result = results[1];
		return VIFLO_LOST_COMMITTED;
	}
	viflo_db_result_free(results[1]);
	return VIFLO_LOST_ROLLED_BACK;
}

/* So many steps from where the database stands: now that is another place. */
static bool
is_relative(const char *target)
{
	return target[0] == '+' || target[0] == '-' ||
		strstr(target, "@+") != NULL || strstr(target, "@-") != NULL;
}

bool
viflo_lost_is_done(VifloDatabase *database, const char *target)
{
	VifloDbParam params[2] = {viflo_db_text(target), viflo_db_text(database->project)};
	VifloDbQuery query = {
		psprintf("SELECT FROM %s.viflo_plan(target => $1::pg_catalog.text, project => $2::pg_catalog.text)",
				 database->schema), params, 2, false
	};
	VifloDbResult *result;
	bool		done;

	if (is_relative(target) || !viflo_database_look_back(database, &query, 1, &result))
		return false;
	done = viflo_db_result_rows(result) == 0;
	viflo_db_result_free(result);
	return done;
}

void
viflo_lost_explain(VifloLost lost, VifloFailure *failure)
{
	switch (lost)
	{
		case VIFLO_LOST_COMMITTED:
			viflo_failure_hint(failure, "The connection was lost after all of it was committed.");
			break;
		case VIFLO_LOST_ROLLED_BACK:
			viflo_failure_hint(failure, "The connection was lost, and the server has rolled back the run: the database is as it was before.");
			break;
		case VIFLO_LOST_UNKNOWN:
			failure->status = VIFLO_EXIT_CONNECTION;
			viflo_failure_hint(failure, "The connection was lost, and whether the run was committed could not be found out. Run: viflo status");
			break;
	}
}
