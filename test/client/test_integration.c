/*-------------------------------------------------------------------------
 * test_integration.c
 *	  From nothing to a migrated database and back, through libviflo alone.
 *
 * Needs a server on which the extension is installed, and a role that may
 * create it.
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/viflo.h"
#include "tap.h"

/* The first column of the query's only row, as text; "" for NULL or no row. */
static void
ask(VifloSession *session, const char *sql, char *answer, size_t size)
{
	VifloDbError error = {0};
	VifloDbResult *result = viflo_db_query(session, sql, NULL, 0, &error);
	VifloDbRow	row;
	const char *text = NULL;

	must(result != NULL, &error, sql);
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
		text = viflo_db_row_text(&row, 0);
	snprintf(answer, size, "%s", text ? text : "");
	viflo_db_result_free(result);
}

static void
check_answer(VifloSession *session, const char *sql, const char *expected, const char *name)
{
	char		answer[256];

	ask(session, sql, answer, sizeof(answer));
	same(answer, expected, name);
}

/* Runs in a scope: what it inserts is committed when it returns true. */
static bool
insert_two(VifloSession *session, void *arg, VifloDbError *error)
{
	VifloDbProject *project = arg;
	VifloDbProject other = {0};
	bool		good = viflo_db_project_insert(session, "Überblick; DROP TABLE projects", project, error) &&
	viflo_db_project_insert(session, "another", &other, error);

	viflo_db_project_clear(&other);
	return good;
}

static bool
insert_and_refuse(VifloSession *session, void *arg, VifloDbError *error)
{
	VifloDbProject project = {0};
	const char *name = arg;

	ok(viflo_db_project_insert(session, name, &project, error), "a project is inserted");
	viflo_db_project_clear(&project);
	return false;
}

static void
use_projects(VifloEngine *engine, VifloSession *session)
{
	VifloDbError error = {0};
	VifloDbProject inserted = {0};
	VifloDbProject found = {0};
	VifloDbProjectList list = {0};

	must(viflo_engine_scope(engine, insert_two, &inserted, &error), &error, "a scope commits");
	ok(!viflo_engine_scope(engine, insert_and_refuse, "never seen", &error),
	   "a scope that refuses rolls back");
	viflo_db_error_clear(&error);

	ok(viflo_db_project_get(session, &inserted.id, &found, &error) == VIFLO_DB_FOUND,
	   "another session reads the project back");
	same(found.name, "Überblick; DROP TABLE projects", "with its name");
	ok(found.created_at == inserted.created_at && found.created_at > 0, "and its time");
	viflo_db_project_clear(&found);

	must(viflo_db_project_list(session, 10, NULL, &list, &error), &error, "the list");
	same_int(list.count, 2, "has what was committed, and no more");
	viflo_db_project_list_clear(&list);
	ok(viflo_db_project_delete(session, &inserted.id, &error) == VIFLO_DB_FOUND, "one is deleted");
	must(viflo_db_project_find(session, inserted.name, &list, &error), &error, "looked for by name");
	same_int(list.count, 0, "it is gone");
	viflo_db_project_list_clear(&list);
	viflo_db_project_clear(&inserted);
}

int
main(void)
{
	VifloDbError error = {0};
	VifloEngine *engine = viflo_engine_new(getenv("DATABASE_URL"), NULL, &error);
	VifloSession *session;

	must(engine != NULL, &error, "an engine");
	session = viflo_engine_acquire(engine, &error);
	must(session != NULL, &error, "a session");
	must(viflo_db_script(session, "SET client_min_messages = warning;"
						 " DROP EXTENSION IF EXISTS viflo_migrate; DROP TABLE IF EXISTS projects;"
						 " CREATE EXTENSION viflo_migrate", &error), &error, "the extension");

	check_answer(session, "SELECT to_regclass('projects')::text", "", "no table yet");
	check_answer(session, "SELECT revision FROM viflo_upgrade('head', project => 'viflo')",
				 "001_initial", "upgrade to head");
	check_answer(session, "SELECT to_regclass('projects')::text", "projects", "the table is there");
	check_answer(session, "SELECT count(*)::text FROM viflo_upgrade('head', project => 'viflo')",
				 "0", "nothing is left to do");
	check_answer(session, "SELECT revision FROM viflo_current('viflo') WHERE is_head",
				 "001_initial", "current");
	use_projects(engine, session);
	check_answer(session, "SELECT direction FROM viflo_downgrade('base', project => 'viflo')",
				 "down", "downgrade to base");
	check_answer(session, "SELECT to_regclass('projects')::text", "", "the table is gone");
	check_answer(session, "SELECT string_agg(direction, ' ' ORDER BY id) FROM viflo_log('viflo')",
				 "up down", "the log has both");

	must(viflo_db_script(session, "DROP EXTENSION viflo_migrate", &error), &error, "clean up");
	viflo_db_release(session);
	viflo_engine_free(engine);
	return done();
}
