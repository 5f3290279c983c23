/*-------------------------------------------------------------------------
 * flyway_callback.c
 *	  Flyway's callbacks: SQL files that are named for an event.
 *
 * Flyway gives each callback of a whole run a session and a transaction of its
 * own, as every revision has here.
 *
 * Rules: Flyway's Event, SqlScriptCallbackFactory, DefaultCallbackExecutor,
 * DbMigrate.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/flyway.h"
#include "cli/reader/flyway_callback.h"

/* Those that run are in the order in which Flyway comes to them. */
static const VifloFlywayEvent events[] = {
	{"beforeMigrate", VIFLO_FLYWAY_BEFORE, VIFLO_REPEATABLE_FIRST},
	{"afterVersioned", VIFLO_FLYWAY_BETWEEN, VIFLO_REPEATABLE_ALWAYS},
	{"beforeRepeatables", VIFLO_FLYWAY_BETWEEN, VIFLO_REPEATABLE_ALWAYS},
	{"afterMigrateApplied", VIFLO_FLYWAY_AFTER, VIFLO_REPEATABLE_WITH},
	{"afterMigrate", VIFLO_FLYWAY_AFTER, VIFLO_REPEATABLE_ALWAYS},
	{.name = "afterBaseline"},
	{.name = "afterBaselineError"},
	{.name = "afterBaselineOperationFinish"},
	{.name = "afterClean"},
	{.name = "afterCleanError"},
	{.name = "afterCleanOperationFinish"},
	{.name = "afterConnect"},
	{.name = "afterEachMigrate"},
	{.name = "afterEachMigrateError"},
	{.name = "afterEachMigrateStatement"},
	{.name = "afterEachMigrateStatementError"},
	{.name = "afterEachUndo"},
	{.name = "afterEachUndoError"},
	{.name = "afterEachUndoStatement"},
	{.name = "afterEachUndoStatementError"},
	{.name = "afterInfo"},
	{.name = "afterInfoError"},
	{.name = "afterInfoOperationFinish"},
	{.name = "afterMigrateError"},
	{.name = "afterMigrateOperationFinish"},
	{.name = "afterRepair"},
	{.name = "afterRepairError"},
	{.name = "afterRepairOperationFinish"},
	{.name = "afterUndo"},
	{.name = "afterUndoError"},
	{.name = "afterUndoOperationFinish"},
	{.name = "afterValidate"},
	{.name = "afterValidateError"},
	{.name = "afterValidateOperationFinish"},
	{.name = "beforeBaseline"},
	{.name = "beforeClean"},
	{.name = "beforeConnect"},
	{.name = "beforeCreateSchema"},
	{.name = "beforeEachMigrate"},
	{.name = "beforeEachMigrateStatement"},
	{.name = "beforeEachUndo"},
	{.name = "beforeEachUndoStatement"},
	{.name = "beforeInfo"},
	{.name = "beforeRepair"},
	{.name = "beforeUndo"},
	{.name = "beforeValidate"},
	{.name = "createSchema"}
};

const VifloFlywayEvent *
viflo_flyway_event(const char *id)
{
	const char *separator = strstr(id, "__");
	size_t		length = separator ? separator - id : strlen(id);

	for (int i = 0; i < lengthof(events); i++)
	{
		if (strlen(events[i].name) == length && strncmp(events[i].name, id, length) == 0)
			return &events[i];
	}
	return NULL;
}

int
viflo_flyway_event_compare(const VifloFlywayEvent *a, const char *description_a,
						   const VifloFlywayEvent *b, const char *description_b)
{
	if (a != b)
		return a < b ? -1 : 1;
	if ((*description_a == '\0') != (*description_b == '\0'))
		return *description_a == '\0' ? 1 : -1;
	return strcmp(description_a, description_b);
}

/* What comes right before a callback or repeatable migration of this kind. */
static char *
id_before(const VifloFlywayEvent *event, char *const *last)
{
	VifloFlywayTurn turn = event ? event->turn : VIFLO_FLYWAY_BETWEEN;

	if (event != NULL && last[turn] != NULL)
		return last[turn];
	return turn == VIFLO_FLYWAY_BEFORE ? NULL : last[VIFLO_FLYWAY_BETWEEN];
}

void
viflo_flyway_events_chain(VifloHistory *history)
{
	char	   *last[VIFLO_FLYWAY_AFTER + 1] = {NULL};

	/* First the callbacks, as what they are called is needed for the rest. */
	for (int callbacks = 1; callbacks >= 0; callbacks--)
	{
		for (int i = 0; i < history->count; i++)
		{
			VifloRevision *revision = &history->revisions[i];
			const VifloFlywayDetail *detail = history->migrations[i].detail;
			char	   *before;

			if (!revision->repeatable || (detail->event != NULL) != callbacks)
				continue;
			before = id_before(detail->event, last);
			if (before != NULL)
				viflo_names_add(&revision->depends_on, before);
			if (detail->event != NULL)
				last[detail->event->turn] = revision->id;
		}
	}
}
