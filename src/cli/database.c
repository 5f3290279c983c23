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
#include "libpq-fe.h"

/* How long viflo_database_look_back() may take, in milliseconds. */
#define LOOK_BACK_LIMIT	5000

static VifloDbCancel *cancel_request = NULL;
static volatile sig_atomic_t interrupts = 0;

static void
handle_interrupt(int signo)
{
	int			save_errno = errno;

	if (++interrupts > 2)
		_exit(VIFLO_EXIT_REFUSED);
	if (cancel_request != NULL)
		viflo_db_cancel_send(cancel_request);
	errno = save_errno;
}

bool
viflo_database_interrupted(void)
{
	return interrupts > 0;
}

static void
catch_interrupts(VifloDatabase *database)
{
	struct sigaction action;

	cancel_request = viflo_db_cancel_new(database->session, NULL);
	memset(&action, 0, sizeof(action));
	action.sa_handler = handle_interrupt;
	sigemptyset(&action.sa_mask);
	action.sa_flags = SA_RESTART;
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
 * Connects while the folder, if there is one to open, is opened.  False when
 * the folder is at fault: nothing will be sent then, so that there is no need
 * to wait for a slow server.
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
		threaded = pthread_create(&thread, NULL, run_connect, connecting) == 0;
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
	else
		run_connect(connecting);
	database->session = connecting->session;
	viflo_db_error_move(&database->error, &connecting->error);
	pfree(connecting);
	return true;
}

bool
viflo_database_open(VifloDatabase *database, const VifloSettings *settings,
					VifloLocal *local, VifloFailure *failure)
{
	VifloEngineOptions options = {0};

	memset(database, 0, sizeof(*database));
	database->settings = settings;
	database->tenant = settings->tenant;
	options.max_sessions = 2;
	options.keep_state = true;
	options.application_name = "viflo";
	options.on_notice = show_notice;
	options.notice_arg = database;
	database->engine = viflo_engine_new(settings->url, &options, &database->error);
	if (database->engine != NULL &&
		!connect_and_open(database, local, failure))
		return false;
	if (database->session == NULL)
	{
		viflo_failure_database(failure, NULL, &database->error);
		failure->status = VIFLO_EXIT_CONNECTION;
		return false;
	}
	database->pid = viflo_db_backend_pid(database->session);
	catch_interrupts(database);
	if (viflo_database_tenant(database) == NULL)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "name of the tenant is not in the encoding of the database");
	return true;
}

void
viflo_database_close(VifloDatabase *database)
{
	VifloDbCancel *cancel = cancel_request;

	cancel_request = NULL;
	viflo_db_cancel_free(cancel);
	viflo_db_release(database->session);
	viflo_engine_free(database->engine);
	viflo_db_error_clear(&database->error);
	database->session = NULL;
	database->engine = NULL;
}

/* The extension is there, and a function or view of it is not. */
static bool
lacks_ours(const VifloDatabase *database)
{
	const VifloDbError *error = &database->error;

	return database->schema != NULL && error->context == NULL &&
		(strcmp(error->sqlstate, "42883") == 0 || strcmp(error->sqlstate, "42P01") == 0) &&
		strstr(error->message, "viflo") != NULL;
}

/* Turns the session's error into *failure. */
static bool
fail(VifloDatabase *database, VifloFailure *failure)
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

/* False, with *failure: the user has asked to stop. */
static bool
may_run(VifloFailure *failure)
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
	if (!may_run(failure))
		return false;
	if (viflo_db_pipeline(database->session, queries, count, results,
						  &database->error))
		return true;
	return fail(database, failure);
}

bool
viflo_database_run_shown(VifloDatabase *database, const VifloDbQuery *queries,
						 int count, VifloDbResult **results, VifloFailure *failure)
{
	if (!may_run(failure))
		return false;
	if (viflo_watch_run(database->engine, database->session, database->pid,
						queries, count, results, &database->error))
		return true;
	return fail(database, failure);
}

bool
viflo_database_look_back(VifloDatabase *database, const VifloDbQuery *queries,
						 int count, VifloDbResult **results)
{
	bool		known;

	viflo_db_set_timeout(database->session, LOOK_BACK_LIMIT);
	known = viflo_db_pipeline(database->session, queries, count, results,
							  &database->error);
	viflo_db_set_timeout(database->session, 0);
	return known;
}

/*
 * Looks for the extension's schema and the project to use; one row.  $1 is
 * the project asked for, $2 the one for a folder when the database has no
 * setting.  A value equal to the built-in default counts as set unless the
 * module has been loaded and says that it is the default.
 */
#define LOOKUP \
	"(SELECT (SELECT pg_catalog.quote_ident(n.nspname)" \
	"           FROM pg_catalog.pg_extension e" \
	"           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace" \
	"          WHERE e.extname OPERATOR(pg_catalog.=) 'viflo_migrate') AS schema," \
	"        COALESCE($1::pg_catalog.text," \
	"                 CASE WHEN v OPERATOR(pg_catalog.=) '' THEN NULL" \
	"                      WHEN v OPERATOR(pg_catalog.=) 'viflo' AND EXISTS" \
	"                           (SELECT FROM pg_catalog.pg_settings s" \
	"                             WHERE s.name OPERATOR(pg_catalog.=) 'viflo_migrate.project'" \
	"                               AND s.source OPERATOR(pg_catalog.=) 'default')" \
	"                      THEN NULL ELSE v END," \
	"                 $2::pg_catalog.text) AS project" \
	"   FROM pg_catalog.current_setting('viflo_migrate.project', true) v) x"

static void
lookup_params(const VifloDatabase *database, VifloDbParam params[2])
{
	params[0] = viflo_db_text(database->settings->project);
	params[1] = viflo_db_text(database->settings->dir_exists ?
							  VIFLO_DEFAULT_PROJECT : NULL);
}

/* Keeps what a lookup found; true when the extension is there. */
static bool
take_lookup(VifloDatabase *database, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);
	const char *schema;
	const char *project;

	if (!viflo_db_row_next(&row))
		return false;
	schema = viflo_db_row_text(&row, 0);
	project = viflo_db_row_text(&row, 1);
	database->schema = schema ? pstrdup(schema) : NULL;
	database->project = project ? pstrdup(project) : NULL;
	return schema != NULL;
}

/* True without *failure set: it is missing; see database->schema. */
static bool
look_up(VifloDatabase *database, VifloFailure *failure)
{
	VifloDbParam params[2];
	VifloDbQuery query = {"SELECT x.schema, x.project FROM " LOOKUP, params, 2, false};
	VifloDbResult *result;

	lookup_params(database, params);
	if (!viflo_database_run(database, &query, 1, &result, failure))
		return false;
	take_lookup(database, result);
	viflo_db_result_free(result);
	return true;
}

static bool
fail_missing(VifloFailure *failure)
{
	viflo_failure(failure, VIFLO_EXIT_REFUSED,
				  "extension \"viflo_migrate\" is not installed in this database");
	failure->sqlstate = pstrdup("42704");
	viflo_failure_hint(failure, "\"viflo upgrade\" installs it, and so does CREATE EXTENSION viflo_migrate.");
	return false;
}

/*
 * Makes the extension.  Many programs may want to at once, and CREATE
 * EXTENSION IF NOT EXISTS fails for all but one of them: hence the lock.
 */
static bool
create_extension(VifloDatabase *database, VifloFailure *failure)
{
	static const VifloDbQuery queries[2] = {
		{.sql = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('create extension viflo_migrate', 0))"},
		{.sql = "CREATE EXTENSION IF NOT EXISTS viflo_migrate"}
	};
	VifloDbResult *results[2];

	database->creating = true;
	if (!viflo_database_run(database, queries, 2, results, failure))
		return false;
	viflo_db_result_free(results[0]);
	viflo_db_result_free(results[1]);
	if (database->creating)
		viflo_output_note("created extension viflo_migrate");
	database->creating = false;
	return true;
}

bool
viflo_database_find(VifloDatabase *database, VifloFailure *failure)
{
	if (!look_up(database, failure))
		return false;
	return database->schema != NULL || fail_missing(failure);
}

bool
viflo_database_find_or_create(VifloDatabase *database, VifloFailure *failure)
{
	if (!look_up(database, failure))
		return false;
	if (database->schema != NULL)
		return true;
	return create_extension(database, failure) &&
		viflo_database_find(database, failure);
}

/*
 * One try of viflo_database_missing().  The second query's function is found
 * by the search_path that the first one sets for this transaction alone: the
 * extension's schema, or, if there is none, no place where anybody could have
 * put a function of that name.
 */
static bool
ask_missing(VifloDatabase *database, const VifloLocal *local,
			VifloNames *missing, VifloFailure *failure)
{
	const VifloDigests *digests = &local->digests;
	VifloDbParam lookup[2];
	VifloDbParam params[2];
	VifloDbQuery queries[2] = {
		{
			"SELECT x.schema, x.project,"
			" pg_catalog.set_config('search_path', COALESCE('pg_catalog, ' OPERATOR(pg_catalog.||) x.schema, 'pg_catalog'), true),"
			" pg_catalog.set_config('viflo.project', COALESCE(x.project, ''), true)"
			" FROM " LOOKUP, lookup, 2, false
		},
		{
			"SELECT m FROM viflo_missing($1::text[], $2::text[],"
			" nullif(current_setting('viflo.project'), '')) m", params, 2, false
		}
	};
	VifloDbResult *results[2];
	VifloDbRow	row;

	lookup_params(database, lookup);
	params[0] = viflo_db_text_array(digests->ids, NULL, digests->count);
	params[1] = viflo_db_text_array(digests->digests, NULL, digests->count);
	if (!viflo_database_run(database, queries, 2, results, failure))
		return false;
	take_lookup(database, results[0]);
	row = viflo_db_rows(results[1], NULL);
	while (viflo_db_row_next(&row))
		viflo_names_add(missing, pstrdup(viflo_db_row_text(&row, 0)));
	viflo_db_result_free(results[0]);
	viflo_db_result_free(results[1]);
	return true;
}

bool
viflo_database_missing(VifloDatabase *database, VifloLocal *local,
					   bool create, VifloNames *missing, VifloFailure *failure)
{
	memset(missing, 0, sizeof(*missing));
	if (!viflo_local_digests(local, failure))
		return false;
	if (ask_missing(database, local, missing, failure))
		return true;
	if (failure->sqlstate == NULL || strcmp(failure->sqlstate, "42883") != 0)
		return false;

	/* No such function: the extension is missing, or was until just now. */
	if (!look_up(database, failure))
		return false;
	if (database->schema == NULL && !create)
		return fail_missing(failure);
	if (database->schema == NULL && !create_extension(database, failure))
		return false;
	return ask_missing(database, local, missing, failure);
}

bool
viflo_database_settled(VifloDatabase *database, const char *manifest,
					   const char *target, bool *settled, VifloFailure *failure)
{
	VifloDbParam params[4];
	VifloDbQuery query = {
		psprintf("SELECT viflo.settled($1::pg_catalog.text, $2::pg_catalog.text,"
				 " $3::pg_catalog.text, $4::pg_catalog.text%s)::pg_catalog.text",
				 viflo_database_tenant(database)), params, 4, false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	*settled = false;
	params[0] = viflo_db_text(manifest);
	params[1] = viflo_db_text(target);
	lookup_params(database, params + 2);
	if (!viflo_database_run(database, &query, 1, &result, failure))
	{
		/* No such schema or function: the extension is missing. */
		return failure->sqlstate != NULL &&
			(strcmp(failure->sqlstate, "3F000") == 0 ||
			 strcmp(failure->sqlstate, "42883") == 0);
	}
	row = viflo_db_rows(result, NULL);
	*settled = viflo_db_row_next(&row) &&
		strcmp(viflo_db_row_text(&row, 0), "true") == 0;
	viflo_db_result_free(result);
	return true;
}

void
viflo_database_settle(VifloDatabase *database, const char *manifest,
					  const char *target)
{
	VifloDbParam params[3];
	VifloDbQuery query = {
		psprintf("SELECT viflo.settle($1::pg_catalog.text, $2::pg_catalog.text,"
				 " $3::pg_catalog.text%s)", viflo_database_tenant(database)), params, 3, false
	};
	VifloDbResult *result;

	params[0] = viflo_db_text(manifest);
	params[1] = viflo_db_text(target);
	params[2] = viflo_db_text(database->project);
	if (viflo_db_pipeline(database->session, &query, 1, &result, &database->error))
		viflo_db_result_free(result);
}

/* Not those on texts, which are the same for all tenants. */
static bool
takes_tenant(const char *function)
{
	return strcmp(function, "viflo_load") != 0 && strcmp(function, "viflo_script") != 0 &&
		strcmp(function, "viflo_tenants") != 0;
}

char *
viflo_database_tenant(const VifloDatabase *database)
{
	char	   *literal;
	char	   *text;

	if (database->tenant == NULL)
		return pstrdup("");
	literal = PQescapeLiteral(viflo_db_connection(database->session), database->tenant,
							  strlen(database->tenant));
	if (literal == NULL)
		return NULL;
	text = psprintf(", tenant => %s::pg_catalog.text", literal);
	PQfreemem(literal);
	return text;
}

char *
viflo_database_sql(const VifloDatabase *database, const char *columns,
				   const char *function, const char *arguments, int nparams)
{
	StringInfoData sql;

	initStringInfo(&sql);
	if (viflo_output_is_json())
		columns = "COALESCE(pg_catalog.json_agg(t), '[]')";
	appendStringInfo(&sql, "SELECT %s FROM %s.%s(%s%sproject => $%d::pg_catalog.text%s) t",
					 columns, database->schema, function, arguments,
					 arguments[0] != '\0' ? ", " : "", nparams + 1,
					 takes_tenant(function) ? viflo_database_tenant(database) : "");
	return sql.data;
}

VifloDbQuery
viflo_database_call(const VifloDatabase *database, const char *columns,
					const char *function, const char *arguments,
					VifloDbParam *params, int nparams)
{
	VifloDbQuery query = {0};

	params[nparams] = viflo_db_text(database->project);
	query.sql = viflo_database_sql(database, columns, function, arguments, nparams);
	query.params = params;
	query.nparams = nparams + 1;
	return query;
}
