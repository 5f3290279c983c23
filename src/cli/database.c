/*-------------------------------------------------------------------------
 * database.c
 *	  Connects, finds the extension, calls its functions.
 *
 * The connection is opened by a thread of its own while the main thread looks
 * at the folder, as both take a while and neither needs the other.  The
 * session is used by the main thread alone once that thread has ended.
 *
 * SIGINT and SIGTERM send the server a cancel request and let the query
 * under way fail; the main program then ends as after any other error.  A
 * user who asks three times does not want to wait for that.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/database.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "lib/stringinfo.h"

/* How often to look for ^C while connecting again, in milliseconds. */
#define RECONNECT_LOOK	250

static VifloDbCancel *cancel_request = NULL;
static volatile sig_atomic_t interrupts = 0;
static volatile sig_atomic_t wake_fd = -1;

static void
handle_interrupt(int signo)
{
	int			save_errno = errno;

	if (++interrupts > 2)
		_exit(VIFLO_EXIT_REFUSED);
	if (cancel_request != NULL)
		viflo_db_cancel_send(cancel_request);
	if (wake_fd >= 0)
	{
		int			rc = write(wake_fd, "", 1);

		(void) rc;
	}
	errno = save_errno;
}

bool
viflo_database_interrupted(void)
{
	return interrupts > 0;
}

int
viflo_database_interrupts(void)
{
	return interrupts;
}

void
viflo_database_catch_interrupts(int fd)
{
	struct sigaction action;

	wake_fd = fd;
	memset(&action, 0, sizeof(action));
	action.sa_handler = handle_interrupt;
	sigemptyset(&action.sa_mask);

	/* The third one counts even where a server leaves the first unanswered. */
	action.sa_flags = SA_RESTART | SA_NODEFER;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/*
 * A warning is placed like an error; lesser remarks are a line each, and said
 * once when they come many times in a row.
 */
static void
show_notice(const VifloDbError *notice, void *arg)
{
	VifloDatabase *database = arg;
	const char *severity = notice->severity ? notice->severity : "NOTICE";

	if (database->creating && strcmp(notice->sqlstate, "42710") == 0)
		database->creating = false;
	else if (database->on_notice != NULL)
		database->on_notice(database, notice);
	else if (strcmp(severity, "WARNING") == 0)
	{
		VifloFailure warning;

		viflo_failure_database(&warning, database->settings->dir, notice);
		viflo_output_placed_warning(&warning);
	}
	else if ((strcmp(severity, "INFO") == 0 || strcmp(severity, "NOTICE") == 0) &&
			 (database->notice == NULL || strcmp(database->notice, notice->message) != 0))
	{
		viflo_output_note("notice: %s", notice->message);
		database->notice = pstrdup(notice->message);
	}
}

/*
 * What the connecting thread works on.  On the heap, as the thread may be left
 * behind by a command that has failed for another reason.
 */
typedef struct Connecting
{
	VifloEngine *engine;
	VifloSession *session;
	VifloDbError error;
} Connecting;

static void *
run_connect(void *arg)
{
	Connecting *connecting = arg;

	connecting->session = viflo_engine_acquire(connecting->engine, &connecting->error);
	return NULL;
}

/*
 * Connects, where there is an engine, while the folder, if there is one to
 * open, is opened.  False when the folder is at fault: nothing will be sent
 * then, so that there is no need to wait for a slow server.
 */
static bool
connect_and_open(VifloDatabase *database, VifloLocal *local, VifloFailure *failure)
{
	Connecting *connecting = palloc0(sizeof(Connecting));
	pthread_t	thread;
	bool		threaded = false;

	connecting->engine = database->engine;
	if (local != NULL)
	{
		threaded = database->engine != NULL &&
			pthread_create(&thread, NULL, run_connect, connecting) == 0;
		if (!viflo_local_open(local, database->settings, failure))
		{
			if (threaded)
				pthread_detach(thread);
			return false;
		}
		if (local->count == 0)
			viflo_output_note("folder \"%s\" has no migrations", local->folder.path);
	}
	if (threaded)
		pthread_join(thread, NULL);
	else if (database->engine != NULL)
		run_connect(connecting);
	database->session = connecting->session;
	if (connecting->error.kind != VIFLO_DB_NO_ERROR)
		viflo_db_error_move(&database->error, &connecting->error);
	pfree(connecting);
	return true;
}

int
viflo_database_foreign_scheme(const char *url)
{
	int			length = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-:");

	/* "jdbc:postgresql://" ends with a colon that is not the scheme's. */
	while (length > 0 && url[length - 1] == ':')
		length--;
	if (length == 0 || strncmp(url + length, "://", 3) != 0 ||
		strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0)
		return 0;
	return length;
}

/* Makes the engine; false with database->error. */
static bool
make_engine(VifloDatabase *database)
{
	VifloEngineOptions options = {0};
	const char *url = database->settings->url;
	int			foreign = url != NULL ? viflo_database_foreign_scheme(url) : 0;

	if (foreign > 0)
	{
		viflo_db_error_set(&database->error, VIFLO_DB_CLIENT_ERROR, "08001",
						   "unknown scheme \"%.*s\" in the URL of the database", foreign, url);
		database->error.hint = strdup("A URL of PostgreSQL begins with postgresql:// or postgres://; --url goes before DATABASE_URL.");
		return false;
	}
	options.max_sessions = 2;
	options.keep_state = true;
	options.application_name = "viflo";
	options.on_notice = show_notice;
	options.notice_arg = database;
	database->engine = viflo_engine_new(url, &options, &database->error);
	return database->engine != NULL;
}

static void
init(VifloDatabase *database, const VifloSettings *settings)
{
	memset(database, 0, sizeof(*database));
	database->settings = settings;
	database->tenant = settings->tenant;
}

bool
viflo_database_fail_connect(VifloDatabase *database, VifloFailure *failure)
{
	viflo_failure_database(failure, NULL, &database->error);
	failure->status = VIFLO_EXIT_CONNECTION;
	return false;
}

bool
viflo_database_open(VifloDatabase *database, const VifloSettings *settings,
					VifloLocal *local, VifloFailure *failure)
{
	init(database, settings);
	(void) make_engine(database);
	if (!connect_and_open(database, local, failure))
		return false;
	if (database->session == NULL)
		return viflo_database_fail_connect(database, failure);
	database->pid = viflo_db_backend_pid(database->session);
	cancel_request = viflo_db_cancel_new(database->session, NULL);
	viflo_database_catch_interrupts(-1);
	return true;
}

/* Begins to connect. */
static bool
start(VifloDatabase *database, VifloFailure *failure)
{
	if (make_engine(database))
		database->session = viflo_engine_acquire_start(database->engine, &database->error);
	return database->session != NULL || viflo_database_fail_connect(database, failure);
}

bool
viflo_database_start(VifloDatabase *database, const VifloSettings *settings,
					 VifloFailure *failure)
{
	init(database, settings);
	return start(database, failure);
}

/* The session is not to be used any more, and hence not to be cancelled. */
static void
hang_up(VifloDatabase *database)
{
	VifloDbCancel *cancel = cancel_request;

	cancel_request = NULL;
	viflo_db_cancel_free(cancel);

	/* In this order: a session that nobody will get need not be cleaned. */
	viflo_engine_free(database->engine);
	viflo_db_release(database->session);
	database->engine = NULL;
	database->session = NULL;
}

void
viflo_database_close(VifloDatabase *database)
{
	hang_up(database);
	viflo_db_error_clear(&database->error);
	if (database->schema != NULL)
		pfree(database->schema);
	if (database->project != NULL)
		pfree(database->project);
	memset(database, 0, sizeof(*database));
}

/*
 * The extension is there, and a function, a column of one, a view or a table of
 * it is not.  What a migration lacks has a context.
 */
static bool
lacks_ours(const VifloDatabase *database)
{
	static const char *const states[] = {"42883", "42P01", "42704"};
	const VifloDbError *error = &database->error;

	if (database->schema == NULL || error->context != NULL)
		return false;
	for (int i = 0; i < lengthof(states); i++)
	{
		if (strcmp(error->sqlstate, states[i]) == 0)
			return strstr(error->message, "viflo") != NULL;
	}
	return strcmp(error->sqlstate, "42703") == 0;
}

bool
viflo_database_fail(VifloDatabase *database, VifloFailure *failure)
{
	viflo_failure_database(failure, database->settings->dir, &database->error);
	failure->status = VIFLO_EXIT_REFUSED;
	if (interrupts > 0 && strcmp(database->error.sqlstate, "57014") == 0)
		viflo_failure_hint(failure, "You asked to stop: all of this run was rolled back, the database is as it was before.");
	else if (strcmp(database->error.sqlstate, "08007") == 0)
		viflo_failure_hint(failure, "Whether it was committed is not known; \"viflo current\" tells.");
	else if (lacks_ours(database))
		viflo_failure_hint(failure, "An older version of the extension is installed. Run: ALTER EXTENSION viflo_migrate UPDATE");
	return false;
}

bool
viflo_database_may_run(VifloFailure *failure)
{
	if (interrupts == 0)
		return true;
	return viflo_failure(failure, VIFLO_EXIT_REFUSED,
						 "interrupted before anything was run");
}

bool
viflo_database_run(VifloDatabase *database, const VifloDbQuery *queries,
				   int count, VifloDbResult **results, VifloFailure *failure)
{
	if (!viflo_database_may_run(failure))
		return false;
	if (viflo_db_pipeline(database->session, queries, count, results,
						  &database->error))
		return true;
	return viflo_database_fail(database, failure);
}

bool
viflo_database_run_shown(VifloDatabase *database, const VifloDbQuery *queries,
						 int count, VifloDbResult **results, VifloFailure *failure)
{
	if (!viflo_database_may_run(failure))
		return false;
	if (viflo_watch_run(database->engine, database->session, database->pid,
						queries, count, results, &database->error))
		return true;
	return viflo_database_fail(database, failure);
}

bool
viflo_database_restart(VifloDatabase *database, VifloFailure *failure)
{
	hang_up(database);
	return start(database, failure);
}

bool
viflo_database_reconnect(VifloDatabase *database, VifloFailure *failure)
{
	int64		deadline = viflo_watch_now() + VIFLO_RECONNECT_LIMIT;
	int			before = interrupts;
	VifloDbProgress progress;

	if (!viflo_database_restart(database, failure))
		return false;
	while ((progress = viflo_db_advance(database->session, &database->error)) == VIFLO_DB_WAITING &&
		   viflo_watch_now() < deadline && interrupts == before)
		viflo_watch_session(database->session, RECONNECT_LOOK);
	if (progress == VIFLO_DB_READY)
	{
		cancel_request = viflo_db_cancel_new(database->session, NULL);
		return true;
	}
	if (progress == VIFLO_DB_FAILED)
		viflo_database_fail_connect(database, failure);
	else
		viflo_failure(failure, VIFLO_EXIT_CONNECTION, "could not connect again");
	hang_up(database);
	return false;
}

bool
viflo_database_look_back(VifloDatabase *database, const VifloDbQuery *queries,
						 int count, VifloDbResult **results)
{
	bool		known;

	viflo_db_set_timeout(database->session, VIFLO_LOOK_BACK_LIMIT);
	known = viflo_db_pipeline(database->session, queries, count, results,
							  &database->error);
	viflo_db_set_timeout(database->session, 0);
	return known;
}

static char *
make_scope(const char *project, const char *tenant, VifloDbParam *params, int *nparams)
{
	params[(*nparams)++] = viflo_db_text(project);
	if (tenant == NULL)
		return psprintf("project => $%d::pg_catalog.text", *nparams);
	params[(*nparams)++] = viflo_db_text(tenant);
	return psprintf("project => $%d::pg_catalog.text, tenant => $%d::pg_catalog.text",
					*nparams - 1, *nparams);
}

char *
viflo_database_scope(const VifloDatabase *database, VifloDbParam *params, int *nparams)
{
	return make_scope(database->project, database->tenant, params, nparams);
}

static bool
takes_tenant(const char *function)
{
	static const char *const others[] = {"viflo_load", "viflo_script", "viflo_tenants"};

	for (int i = 0; i < lengthof(others); i++)
	{
		if (strcmp(function, others[i]) == 0)
			return false;
	}
	return true;
}

char *
viflo_database_sql(const VifloDatabase *database, const char *columns,
				   const char *function, const char *arguments, const char *scope)
{
	StringInfoData sql;

	initStringInfo(&sql);
	if (viflo_output_is_json())
		columns = "COALESCE(pg_catalog.json_agg(t), '[]')";
	appendStringInfo(&sql, "SELECT %s FROM %s.%s(%s%s%s) t",
					 columns, database->schema, function, arguments,
					 arguments[0] != '\0' ? ", " : "", scope);
	return sql.data;
}

VifloDbQuery
viflo_database_call(const VifloDatabase *database, const char *columns,
					const char *function, const char *arguments,
					VifloDbParam *params, int nparams)
{
	VifloDbQuery query = {0};
	char	   *scope = make_scope(database->project,
								   takes_tenant(function) ? database->tenant : NULL,
								   params, &nparams);

	query.sql = viflo_database_sql(database, columns, function, arguments, scope);
	query.params = params;
	query.nparams = nparams;
	pfree(scope);
	return query;
}
