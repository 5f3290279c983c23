/*-------------------------------------------------------------------------
 * engine.c
 *	  An engine: a database, by URL, and a bounded pool of sessions on it.
 *
 * The lock guards the list of idle sessions and the counts, and is never
 * held while something is waited for: connecting, asking for a sign of life
 * and cleaning up happen outside it, on a session that is in no list.  Who
 * connects has counted the session before, so the bound holds meanwhile.
 *
 * The engine is freed when it is closed, has no session any more, and nobody
 * waits for one.
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "libpq_error.h"
#include "url.h"

#define DEFAULT_SESSIONS		5
#define DEFAULT_ACQUIRE_TIMEOUT 30000
#define DEFAULT_CONNECT_TIMEOUT 30000
#define DEFAULT_PING_AFTER		10000
#define DEFAULT_NAME			"libviflo"

/* How long a session may take to be cleaned before it is given up, in ms. */
#define CLEAN_TIMEOUT			5000

/* client_encoding, connect_timeout, fallback_application_name, dbname, NULL */
#define KEYWORDS_MAX			5

struct VifloEngine
{
	char	   *url;			/* or NULL */
	char	   *application_name;
	bool		set_connect_timeout;	/* nobody else says one */
	VifloEngineOptions options; /* defaults filled in */

	pthread_mutex_t lock;
	pthread_cond_t changed;		/* a session became idle, or one less is there */
	VifloSession *idle;			/* the last released is the first */
	int			nidle;
	int			nsessions;		/* idle, in use, and being connected */
	int			nwaiting;		/* calls that wait for one */
	bool		closed;
};

/*-------------------------------------------------------------------------
 * Making an engine
 *-------------------------------------------------------------------------
 */

/* Does the environment, or the URL, have something of its own to say? */
static bool
has_connect_timeout(const PQconninfoOption *options)
{
	if (getenv("PGCONNECT_TIMEOUT") != NULL || getenv("PGSERVICE") != NULL)
		return true;
	for (; options != NULL && options->keyword != NULL; options++)
	{
		if (options->val != NULL && options->val[0] != '\0' &&
			(strcmp(options->keyword, "connect_timeout") == 0 ||
			 strcmp(options->keyword, "service") == 0))
			return true;
	}
	return false;
}

static bool
read_url(VifloEngine *engine, VifloDbError *error)
{
	PQconninfoOption *options = NULL;

	if (engine->url != NULL && viflo_db_is_conninfo(engine->url))
	{
		char	   *why = NULL;

		options = PQconninfoParse(engine->url, &why);
		if (options == NULL)
		{
			if (why == NULL)
				return viflo_db_error_memory(error);
			viflo_db_error_set(error, VIFLO_DB_CONNECTION_ERROR, "08001",
							   "%.*s", (int) strcspn(why, "\n"), why);
			PQfreemem(why);
			return false;
		}
	}
	engine->set_connect_timeout = !has_connect_timeout(options);
	PQconninfoFree(options);
	return true;
}

static void
fill_defaults(VifloEngineOptions *options)
{
	if (options->max_sessions <= 0)
		options->max_sessions = DEFAULT_SESSIONS;
	if (options->acquire_timeout == 0)
		options->acquire_timeout = DEFAULT_ACQUIRE_TIMEOUT;
	if (options->connect_timeout <= 0)
		options->connect_timeout = DEFAULT_CONNECT_TIMEOUT;
	if (options->ping_after == 0)
		options->ping_after = DEFAULT_PING_AFTER;
	if (options->application_name == NULL)
		options->application_name = DEFAULT_NAME;
}

/* Waits are measured by a clock that nobody sets. */
static bool
make_lock(VifloEngine *engine)
{
	pthread_condattr_t attributes;
	bool		made;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
		pthread_cond_init(&engine->changed, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	if (!made)
		return false;
	if (pthread_mutex_init(&engine->lock, NULL) == 0)
		return true;
	pthread_cond_destroy(&engine->changed);
	return false;
}

static void
free_memory(VifloEngine *engine)
{
	free(engine->url);
	free(engine->application_name);
	free(engine);
}

/* All but the lock. */
static bool
fill(VifloEngine *engine, const char *url, const VifloEngineOptions *options,
	 VifloDbError *error)
{
	if (options != NULL)
		engine->options = *options;
	fill_defaults(&engine->options);
	engine->application_name = strdup(engine->options.application_name);
	if (engine->application_name == NULL)
		return viflo_db_error_memory(error);
	engine->options.application_name = engine->application_name;
	if (url != NULL && *url != '\0')
	{
		engine->url = strdup(url);
		if (engine->url == NULL)
			return viflo_db_error_memory(error);
	}
	return read_url(engine, error);
}

VifloEngine *
viflo_engine_new(const char *url, const VifloEngineOptions *options,
				 VifloDbError *error)
{
	VifloEngine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
	{
		viflo_db_error_memory(error);
		return NULL;
	}
	if (!fill(engine, url, options, error))
	{
		free_memory(engine);
		return NULL;
	}
	if (!make_lock(engine))
	{
		viflo_db_error_memory(error);
		free_memory(engine);
		return NULL;
	}
	return engine;
}

/*
 * Unlocks the engine, and frees it when nobody can come back to it.
 */
static void
unlock(VifloEngine *engine)
{
	bool		last = engine->closed && engine->nsessions == 0 &&
	engine->nwaiting == 0;

	pthread_mutex_unlock(&engine->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&engine->lock);
	pthread_cond_destroy(&engine->changed);
	free_memory(engine);
}

void
viflo_engine_free(VifloEngine *engine)
{
	VifloSession *idle;

	if (engine == NULL)
		return;
	pthread_mutex_lock(&engine->lock);
	engine->closed = true;
	idle = engine->idle;
	engine->idle = NULL;
	engine->nsessions -= engine->nidle;
	engine->nidle = 0;
	pthread_cond_broadcast(&engine->changed);
	unlock(engine);

	while (idle != NULL)
	{
		VifloSession *next = idle->next;

		viflo_db_session_close(idle);
		idle = next;
	}
}

/*-------------------------------------------------------------------------
 * Getting a session
 *-------------------------------------------------------------------------
 */

/* A session that was counted is not there any more. */
static void
uncount(VifloEngine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->nsessions--;
	pthread_cond_signal(&engine->changed);
	unlock(engine);
}

static void
discard(VifloSession *session)
{
	VifloEngine *engine = session->engine;

	viflo_db_session_close(session);
	uncount(engine);
}

/* Waits for a change, until deadline.  False when that has passed. */
static bool
wait_for_change(VifloEngine *engine, int64_t deadline)
{
	struct timespec until;
	int			status;

	until.tv_sec = deadline / 1000;
	until.tv_nsec = (long) (deadline % 1000) * 1000000;
	engine->nwaiting++;
	status = pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
	engine->nwaiting--;
	return status != ETIMEDOUT;
}

/*
 * With the lock held: an idle session in *session, taken out of the list; or
 * NULL and the right to open one, counted already.  False when there is
 * neither until deadline, or the engine is closed.
 */
static bool
reserve(VifloEngine *engine, int64_t deadline, VifloSession **session,
		VifloDbError *error)
{
	for (;;)
	{
		if (engine->closed)
			return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "08003",
									  "the engine is closed");
		*session = engine->idle;
		if (*session != NULL)
		{
			engine->idle = (*session)->next;
			(*session)->next = NULL;
			engine->nidle--;
			return true;
		}
		if (engine->nsessions < engine->options.max_sessions)
		{
			engine->nsessions++;
			return true;
		}
		if (viflo_db_now() >= deadline || !wait_for_change(engine, deadline))
		{
			/* What was released at the last moment is still welcome. */
			if (engine->idle != NULL || engine->closed ||
				engine->nsessions < engine->options.max_sessions)
				continue;
			return viflo_db_error_set(error, VIFLO_DB_TIMEOUT_ERROR, "53300",
									  "all %d sessions of the engine are in use",
									  engine->options.max_sessions);
		}
	}
}

static bool
too_old(const VifloSession *session)
{
	int			lifetime = session->engine->options.max_lifetime;

	return lifetime > 0 && viflo_db_now() - session->opened >= lifetime;
}

/* Asks the server for a sign of life, for a bounded time. */
static bool
answers(VifloSession *session)
{
	bool		answer;

	session->timeout = session->engine->options.connect_timeout;
	answer = viflo_db_script(session, "", NULL);
	session->timeout = 0;
	return answer;
}

/* Is an idle session good enough to be handed out? */
static bool
usable(VifloSession *session, bool may_wait)
{
	int			ping_after = session->engine->options.ping_after;

	if (too_old(session) || !viflo_db_session_alive(session))
		return false;
	return !may_wait || ping_after < 0 ||
		viflo_db_now() - session->released < ping_after || answers(session);
}

/*
 * Later keywords win over earlier ones, and dbname is the whole URL: so what
 * comes before it are defaults.
 */
static VifloSession *
open_session(VifloEngine *engine, bool wait, VifloDbError *error)
{
	const char *keywords[KEYWORDS_MAX];
	const char *values[KEYWORDS_MAX];
	char		timeout[16];
	int			n = 0;

	keywords[n] = "client_encoding";
	values[n++] = "UTF8";
	if (engine->set_connect_timeout)
	{
		snprintf(timeout, sizeof(timeout), "%d",
				 (engine->options.connect_timeout + 999) / 1000);
		keywords[n] = "connect_timeout";
		values[n++] = timeout;
	}
	keywords[n] = "fallback_application_name";
	values[n++] = engine->application_name;
	if (engine->url != NULL)
	{
		keywords[n] = "dbname";
		values[n++] = engine->url;
	}
	keywords[n] = NULL;
	values[n] = NULL;
	return viflo_db_session_open(engine, keywords, values, wait, error);
}

static VifloSession *
acquire(VifloEngine *engine, bool may_wait, VifloDbError *error)
{
	VifloSession *session = NULL;
	int64_t		deadline = viflo_db_now();
	bool		reserved;

	if (may_wait && engine->options.acquire_timeout > 0)
		deadline += engine->options.acquire_timeout;
	for (;;)
	{
		pthread_mutex_lock(&engine->lock);
		reserved = reserve(engine, deadline, &session, error);
		unlock(engine);
		if (!reserved)
			return NULL;
		if (session == NULL)
		{
			session = open_session(engine, may_wait, error);
			if (session == NULL)
			{
				uncount(engine);
				return NULL;
			}
			break;
		}
		if (usable(session, may_wait))
			break;
		discard(session);
		session = NULL;
	}
	session->on_notice = engine->options.on_notice;
	session->notice_arg = engine->options.notice_arg;
	return session;
}

VifloSession *
viflo_engine_acquire(VifloEngine *engine, VifloDbError *error)
{
	return acquire(engine, true, error);
}

VifloSession *
viflo_engine_acquire_start(VifloEngine *engine, VifloDbError *error)
{
	return acquire(engine, false, error);
}

/*-------------------------------------------------------------------------
 * Giving it back
 *-------------------------------------------------------------------------
 */

/* Stops what was left under way, so that the server does not go on with it. */
static void
stop(VifloSession *session)
{
	VifloDbCancel *cancel = viflo_db_cancel_new(session, NULL);

	if (cancel != NULL)
		(void) viflo_db_cancel_send(cancel);
	viflo_db_cancel_free(cancel);
}

/* Leaves nothing of its last user's behind.  False: close it. */
static bool
clean(VifloSession *session)
{
	if (session->state == VIFLO_SESSION_BUSY)
		stop(session);
	if (session->state != VIFLO_SESSION_IDLE || too_old(session))
		return false;
	session->on_notice = NULL;
	session->timeout = CLEAN_TIMEOUT;
	viflo_db_session_forget(session);
	if (!viflo_db_rollback(session, NULL))
		return false;
	if (!session->engine->options.keep_state &&
		!viflo_db_script(session, "DISCARD ALL", NULL))
		return false;
	session->timeout = 0;
	return true;
}

void
viflo_db_release(VifloSession *session)
{
	VifloEngine *engine;
	bool		closed;

	if (session == NULL)
		return;
	engine = session->engine;

	/* Nobody will use it again: then cleaning it is wasted. */
	pthread_mutex_lock(&engine->lock);
	closed = engine->closed;
	pthread_mutex_unlock(&engine->lock);
	if (closed || !clean(session))
	{
		discard(session);
		return;
	}
	pthread_mutex_lock(&engine->lock);
	if (engine->closed)
	{
		pthread_mutex_unlock(&engine->lock);
		discard(session);
		return;
	}
	session->released = viflo_db_now();
	session->next = engine->idle;
	engine->idle = session;
	engine->nidle++;
	pthread_cond_signal(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

bool
viflo_engine_scope(VifloEngine *engine, VifloDbScopeFunction fn, void *arg,
				   VifloDbError *error)
{
	VifloSession *session = viflo_engine_acquire(engine, error);
	bool		committed;

	if (session == NULL)
		return false;
	committed = viflo_db_scope(session, fn, arg, error);
	viflo_db_release(session);
	return committed;
}

void
viflo_engine_count(VifloEngine *engine, int *sessions, int *idle)
{
	pthread_mutex_lock(&engine->lock);
	*sessions = engine->nsessions;
	*idle = engine->nidle;
	pthread_mutex_unlock(&engine->lock);
}
