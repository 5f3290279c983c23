/*-------------------------------------------------------------------------
 * settings.c
 *	  Every setting of viflo_migrate, and nothing else.
 *
 * All can be set by any role for its session, and by an administrator for a
 * database or role: none gives rights, and a caller's own stricter timeout
 * always wins over ours.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "compat.h"
#include "settings.h"

char	   *viflo_setting_project = NULL;
bool		viflo_setting_project_is_set = false;
int			viflo_setting_lock_wait = 5 * 60 * 1000;
int			viflo_setting_lock_timeout = 0;
int			viflo_setting_lock_retries = 100;
int			viflo_setting_lock_budget = 5 * 60 * 1000;
int			viflo_setting_statement_timeout = 0;
int			viflo_setting_log_level = DEBUG1;
int			viflo_setting_late = VIFLO_LATE_REFUSE;

static const struct config_enum_entry log_level_options[] = {
	{"debug2", DEBUG2, false},
	{"debug1", DEBUG1, false},
	{"log", LOG, false},
	{"info", INFO, false},
	{"notice", NOTICE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry late_options[] = {
	{"refuse", VIFLO_LATE_REFUSE, false},
	{"apply", VIFLO_LATE_APPLY, false},
	{"list", VIFLO_LATE_LIST, false},
	{NULL, 0, false}
};

/* Hands the source on, as only check hooks are told it. */
static bool
check_project(char **value, void **extra, GucSource source)
{
	bool	   *is_set = viflo_guc_alloc(sizeof(bool));

	if (is_set == NULL)
		return false;
	*is_set = source > PGC_S_DYNAMIC_DEFAULT;
	*extra = is_set;
	return true;
}

static void
assign_project(const char *value, void *extra)
{
	viflo_setting_project_is_set = *(bool *) extra;
}

void
viflo_settings_init(void)
{
	/* Set once for an application's database or role. */
	DefineCustomStringVariable("viflo_migrate.project",
							   "Sets the project that functions without a project argument work on.",
							   NULL,
							   &viflo_setting_project,
							   "viflo",
							   PGC_USERSET, 0,
							   check_project, assign_project, NULL);

	/* A pipeline with several runners wants it longer than its longest run. */
	DefineCustomIntVariable("viflo_migrate.lock_wait",
							"Sets how long to wait for another migrator of the same project.",
							"Zero gives up at once.",
							&viflo_setting_lock_wait,
							5 * 60 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* Bounds what a busy table's queries wait behind a migration. */
	DefineCustomIntVariable("viflo_migrate.lock_timeout",
							"Sets the longest wait of a migration's statement for any lock.",
							"Zero means no limit, and one second online. A lock_timeout of the caller that is shorter wins.",
							&viflo_setting_lock_timeout,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("viflo_migrate.lock_retries",
							"Sets how often an online run tries a step again that did not get its locks.",
							NULL,
							&viflo_setting_lock_retries,
							100, 0, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	/*
	 * Waiting costs nobody anything, as it holds nothing: long enough for a
	 * report.
	 */
	DefineCustomIntVariable("viflo_migrate.lock_budget",
							"Sets how long an online run waits in all for the locks of one step.",
							NULL,
							&viflo_setting_lock_budget,
							5 * 60 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("viflo_migrate.statement_timeout",
							"Sets the longest duration of each statement of a migration.",
							"Zero means no limit. A statement_timeout of the caller that ends earlier wins.",
							&viflo_setting_statement_timeout,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* "notice" shows steps in psql as they run. */
	DefineCustomEnumVariable("viflo_migrate.log_level",
							 "Sets the message level at which each step is reported.",
							 NULL,
							 &viflo_setting_log_level,
							 DEBUG1, log_level_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	/*
	 * Teams that number files by hand and merge branches want "apply", or
	 * "list" to be told and look at them later.
	 */
	DefineCustomEnumVariable("viflo_migrate.late",
							 "Sets what to do about a revision that was put below applied ones.",
							 NULL,
							 &viflo_setting_late,
							 VIFLO_LATE_REFUSE, late_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	MarkGUCPrefixReserved("viflo_migrate");
}
