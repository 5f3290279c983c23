/*-------------------------------------------------------------------------
 * caller.c
 *	  In whose name, where, and with which settings something runs; and
 *	  becoming that in another process.
 *
 * The worker connects as the user that the caller once authenticated as, as
 * only that one may have the right to the roles that the caller took on
 * since.  The caller's settings are taken over as a whole, the two roles
 * among them; on servers that leave a role out of them, or set the two in an
 * unlucky order, the roles are set once more.  In the end the worker is
 * somebody who could have become that by its own right, or fails.
 *
 * RESET in a script gives what it gives in a new session: the values that
 * the worker itself got from the configuration and from the settings of
 * database and role are kept as those to reset to.
 *
 * A worker that runs several scripts for its caller leaves its session in
 * between, as DISCARD ALL does, and takes the caller's settings over anew.
 * Some things would survive that: buffers for temporary tables, whose number
 * cannot change any more, an origin of replication, and whatever other
 * libraries keep, such as dblink its connections.  Then it leaves for good.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "compat.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "replication/origin.h"
#include "replication/slot.h"
#include "run/attempt.h"
#include "run/caller.h"
#include "storage/bufmgr.h"
#include "utils/guc_tables.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#define KEY_CALLER		UINT64CONST(0x101)
#define KEY_LIBRARIES	UINT64CONST(0x102)
#define KEY_SETTINGS	UINT64CONST(0x103)

typedef struct Caller
{
	Oid			database;
	Oid			authenticated_user;
	Oid			session_user;
	Oid			role;			/* InvalidOid: none */
	Oid			current_user;
} Caller;

/* A setting as the worker found it. */
typedef struct OwnSetting
{
	char	   *name;
	char	   *value;
	GucContext	context;
	GucSource	source;
} OwnSetting;

/* Settings as a script finds them. */
typedef struct Settings
{
	Size		size;
	char	   *space;
} Settings;

/* In a worker: the libraries that were loaded before any script ran. */
static Size own_libraries = 0;

/* And what it has taken on; NULL: nothing yet, or not any more. */
static const Caller *taken_on = NULL;
static Settings taken_settings;

void
viflo_caller_estimate(shm_toc_estimator *estimator)
{
	shm_toc_estimate_chunk(estimator, sizeof(Caller));
	shm_toc_estimate_chunk(estimator, EstimateLibraryStateSpace());
	shm_toc_estimate_chunk(estimator, EstimateGUCStateSpace());
	shm_toc_estimate_keys(estimator, 3);
}

void
viflo_caller_put(shm_toc *toc)
{
	Caller	   *caller = shm_toc_allocate(toc, sizeof(Caller));
	Size		size;
	char	   *space;

	caller->database = MyDatabaseId;
	caller->authenticated_user = GetAuthenticatedUserId();
	caller->session_user = GetSessionUserId();
	caller->role = GetCurrentRoleId();
	caller->current_user = GetUserId();
	shm_toc_insert(toc, KEY_CALLER, caller);

	size = EstimateLibraryStateSpace();
	space = shm_toc_allocate(toc, size);
	SerializeLibraryState(size, space);
	shm_toc_insert(toc, KEY_LIBRARIES, space);

	size = EstimateGUCStateSpace();
	space = shm_toc_allocate(toc, size);
	SerializeGUCState(size, space);
	shm_toc_insert(toc, KEY_SETTINGS, space);
}

/* The worker's own settings that are not the built-in ones. */
static List *
list_own_settings(void)
{
	int			count;
	struct config_generic **settings = viflo_guc_variables(&count);
	List	   *own = NIL;

	for (int i = 0; i < count; i++)
	{
		struct config_generic *setting = settings[i];
		OwnSetting *entry;
		const char *value;

		if (setting->source == PGC_S_DEFAULT || setting->source > PGC_S_OVERRIDE ||
			setting->context == PGC_POSTMASTER || setting->context == PGC_INTERNAL)
			continue;
		value = GetConfigOption(setting->name, true, false);
		if (value == NULL)
			continue;
		entry = palloc(sizeof(OwnSetting));
		entry->name = pstrdup(setting->name);
		entry->value = pstrdup(value);
		entry->context = setting->scontext;
		entry->source = setting->source;
		own = lappend(own, entry);
	}
	return own;
}

static OwnSetting *
find_own_setting(const List *own, const char *name)
{
	ListCell   *cell;

	foreach(cell, own)
	{
		OwnSetting *entry = lfirst(cell);

		if (strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

/*
 * Makes own the values to reset to of those settings that the caller's
 * session has set.  Their current values stay, as a session's win over those
 * from any other source.
 */
static void
keep_reset_values(const List *own)
{
	int			count;
	struct config_generic **settings = viflo_guc_variables(&count);
	List	   *hidden = NIL;
	ListCell   *cell;

	for (int i = 0; i < count; i++)
		if (settings[i]->source > PGC_S_OVERRIDE)
		{
			OwnSetting *entry = find_own_setting(own, settings[i]->name);

			if (entry != NULL)
				hidden = lappend(hidden, entry);
		}

	foreach(cell, hidden)
	{
		OwnSetting *entry = lfirst(cell);

		(void) set_config_option(entry->name, entry->value, entry->context, entry->source,
								 GUC_ACTION_SET, true, DEBUG1, true);
	}
}

/* Sets the roles where the settings did not bring them. */
static void
adopt_roles(const Caller *caller)
{
	if (GetSessionUserId() != caller->session_user)
		SetConfigOption("session_authorization",
						GetUserNameFromId(caller->session_user, false),
						PGC_USERSET, PGC_S_SESSION);
	if (GetCurrentRoleId() != caller->role)
		SetConfigOption("role",
						OidIsValid(caller->role) ? GetUserNameFromId(caller->role, false) : "none",
						PGC_USERSET, PGC_S_SESSION);
}

void
viflo_caller_connect(shm_toc *toc)
{
	const Caller *caller = shm_toc_lookup(toc, KEY_CALLER, false);

	BackgroundWorkerInitializeConnectionByOid(caller->database, caller->authenticated_user,
											  VIFLO_WORKER_CONNECTION_FLAGS);
	own_libraries = EstimateLibraryStateSpace();

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	RestoreLibraryState(shm_toc_lookup(toc, KEY_LIBRARIES, false));
	CommitTransactionCommand();
}

/* All settings that are not the built-in ones, in the current context. */
static Settings
get_settings(void)
{
	Settings	settings;

	settings.size = EstimateGUCStateSpace();
	settings.space = palloc0(settings.size);
	SerializeGUCState(settings.size, settings.space);
	return settings;
}

static bool
has_roles(const Caller *caller)
{
	return GetSessionUserId() == caller->session_user &&
		GetCurrentRoleId() == caller->role && GetUserId() == caller->current_user;
}

void
viflo_caller_become(shm_toc *toc)
{
	const Caller *caller = shm_toc_lookup(toc, KEY_CALLER, false);
	MemoryContext old;
	List	   *own;

	if (taken_on != NULL)
		return;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	own = list_own_settings();
	RestoreGUCState(shm_toc_lookup(toc, KEY_SETTINGS, false));
	keep_reset_values(own);
	adopt_roles(caller);
	CommitTransactionCommand();

	if (!has_roles(caller))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("could not take on the caller's role in a background worker")));
	old = MemoryContextSwitchTo(TopMemoryContext);
	taken_settings = get_settings();
	MemoryContextSwitchTo(old);
	taken_on = caller;
}

/* Restoring all is much dearer than finding out that a script set nothing. */
static void
reset_settings(void)
{
	Settings	now = get_settings();

	if (has_roles(taken_on) && taken_settings.size == now.size &&
		memcmp(taken_settings.space, now.space, now.size) == 0)
		return;
	pfree(taken_settings.space);
	taken_on = NULL;
	SetPGVariable("session_authorization", NIL, false);
	ResetAllOptions();
}

/* PL/pgSQL, and what converts a client's encoding. */
static bool
keeps_nothing(const char *library)
{
	const char *slash = last_dir_separator(library);
	const char *name = slash ? slash + 1 : library;

	return strncmp(name, "plpgsql.", 8) == 0 || strncmp(name, "utf8_and_", 9) == 0;
}

/* Has more been loaded than the worker had at first, that may keep something? */
static bool
has_other_libraries(void)
{
	Size		size = EstimateLibraryStateSpace();
	char	   *names = palloc(size);
	bool		others = false;

	SerializeLibraryState(size, names);
	for (char *name = names + own_libraries - 1; *name && !others; name += strlen(name) + 1)
		others = !keeps_nothing(name);
	pfree(names);
	return others;
}

static void
leave(void *arg)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	PortalHashTableDeleteAll();
	reset_settings();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	LockReleaseAll(USER_LOCKMETHOD, true);
	ResetPlanCache();
	ResetTempTableNamespace();
	ResetSequenceCaches();
	viflo_replication_slot_cleanup();
	*(bool *) arg = NLocBuffer == 0 && replorigin_session_origin == InvalidRepOriginId &&
		!has_other_libraries();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

bool
viflo_caller_leave(void)
{
	bool		left = false;
	ErrorData  *error = viflo_attempt(leave, &left, CurrentMemoryContext);

	disable_all_timeouts(false);
	return error == NULL && left;
}
