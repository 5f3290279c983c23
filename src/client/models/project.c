/*-------------------------------------------------------------------------
 * project.c
 *	  Typed model of table projects.
 *
 * All results are asked for in binary format, so ids and times travel as the
 * numbers they are, whatever DateStyle and TimeZone say.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "project.h"

#define COLUMNS "id, name, created_at"

void
viflo_db_project_clear(VifloDbProject *project)
{
	free(project->name);
	memset(project, 0, sizeof(*project));
}

void
viflo_db_project_list_clear(VifloDbProjectList *list)
{
	for (int i = 0; i < list->count; i++)
		viflo_db_project_clear(&list->projects[i]);
	free(list->projects);
	memset(list, 0, sizeof(*list));
}

static bool
out_of_memory(VifloDbError *error)
{
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "53200",
							  "out of memory");
}

/* Reads a row of COLUMNS into *project, which owns nothing yet. */
static bool
read_project(VifloDbRow *row, VifloDbProject *project)
{
	const char *name;

	project->id = viflo_db_row_uuid(row, 0);
	name = viflo_db_row_text(row, 1);
	project->created_at = viflo_db_row_timestamp(row, 2);
	if (row->failed)
		return false;
	project->name = strdup(name ? name : "");
	return project->name != NULL || out_of_memory(row->error);
}

/* All rows of result, which is freed, into *list.  NULL is a failed query. */
static bool
read_list(VifloDbResult *result, VifloDbProjectList *list, VifloDbError *error)
{
	VifloDbRow	row = viflo_db_rows(result, error);
	int			rows = result ? viflo_db_result_rows(result) : 0;
	bool		good = result != NULL;

	viflo_db_project_list_clear(list);
	if (rows > 0)
	{
		list->projects = calloc(rows, sizeof(*list->projects));
		if (list->projects == NULL)
			good = out_of_memory(error);
	}
	while (good && viflo_db_row_next(&row))
	{
		good = read_project(&row, &list->projects[list->count]);
		if (good)
			list->count++;
	}
	viflo_db_result_free(result);
	if (!good)
		viflo_db_project_list_clear(list);
	return good;
}

/* The only row of result, which is freed, into *project. */
static VifloDbFound
read_one(VifloDbResult *result, VifloDbProject *project, VifloDbError *error)
{
	VifloDbProject found;
	VifloDbRow	row = viflo_db_rows(result, error);
	VifloDbFound status = VIFLO_DB_NOT_FOUND;

	if (result == NULL)
		return VIFLO_DB_FIND_FAILED;
	memset(&found, 0, sizeof(found));
	if (viflo_db_row_next(&row))
		status = read_project(&row, &found) ? VIFLO_DB_FOUND :
			VIFLO_DB_FIND_FAILED;
	viflo_db_result_free(result);
	if (status == VIFLO_DB_FOUND)
	{
		viflo_db_project_clear(project);
		*project = found;
	}
	return status;
}

bool
viflo_db_project_insert(VifloSession *session, const char *name,
						VifloDbProject *project, VifloDbError *error)
{
	VifloDbParam params[] = {viflo_db_text(name)};
	VifloDbResult *result;

	result = viflo_db_query_binary(session,
								   "INSERT INTO projects (name) VALUES ($1)"
								   " RETURNING " COLUMNS, params, 1, error);
	switch (read_one(result, project, error))
	{
		case VIFLO_DB_FOUND:
			return true;
		case VIFLO_DB_FIND_FAILED:
			return false;
		case VIFLO_DB_NOT_FOUND:
			break;
	}

	/* A trigger or a rule of the user's. */
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "02000",
							  "the project was not inserted");
}

VifloDbFound
viflo_db_project_get(VifloSession *session, const VifloDbUuid *id,
					 VifloDbProject *project, VifloDbError *error)
{
	VifloDbParam params[] = {viflo_db_uuid(id)};

	return read_one(viflo_db_query_binary(session, "SELECT " COLUMNS
										  " FROM projects WHERE id = $1",
										  params, 1, error),
					project, error);
}

bool
viflo_db_project_find(VifloSession *session, const char *name,
					  VifloDbProjectList *list, VifloDbError *error)
{
	VifloDbParam params[] = {viflo_db_text(name)};

	return read_list(viflo_db_query_binary(session, "SELECT " COLUMNS
										   " FROM projects WHERE name = $1"
										   " ORDER BY created_at, id",
										   params, 1, error),
					 list, error);
}

bool
viflo_db_project_list(VifloSession *session, int limit,
					  const VifloDbProject *after,
					  VifloDbProjectList *list, VifloDbError *error)
{
	VifloDbParam params[3];

	if (limit < 1)
		return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "2201W",
								  "limit must be at least 1");
	params[0] = viflo_db_int64(limit);
	if (after == NULL)
		return read_list(viflo_db_query_binary(session, "SELECT " COLUMNS
											   " FROM projects"
											   " ORDER BY created_at, id LIMIT $1",
											   params, 1, error),
						 list, error);
	params[1] = viflo_db_timestamp(after->created_at);
	params[2] = viflo_db_uuid(&after->id);
	return read_list(viflo_db_query_binary(session, "SELECT " COLUMNS
										   " FROM projects"
										   " WHERE (created_at, id) > ($2, $3)"
										   " ORDER BY created_at, id LIMIT $1",
										   params, 3, error),
					 list, error);
}

VifloDbFound
viflo_db_project_delete(VifloSession *session, const VifloDbUuid *id,
						VifloDbError *error)
{
	VifloDbParam params[] = {viflo_db_uuid(id)};
	VifloDbResult *result;
	VifloDbFound status;

	result = viflo_db_query(session, "DELETE FROM projects WHERE id = $1",
							params, 1, error);
	if (result == NULL)
		return VIFLO_DB_FIND_FAILED;
	status = viflo_db_result_affected(result) > 0 ? VIFLO_DB_FOUND :
		VIFLO_DB_NOT_FOUND;
	viflo_db_result_free(result);
	return status;
}
