/*-------------------------------------------------------------------------
 * project.h
 *	  Typed model of table projects, which revision 001_initial makes:
 *	  id uuid primary key, name text, created_at timestamptz.
 *
 * The table is found by the session's search_path.  All of it is
 * parameterised, one statement a call, in the caller's transaction if any.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_PROJECT_H
#define VIFLO_CLIENT_PROJECT_H

#include "../session.h"

VIFLO_DB_BEGIN

/* Zeroed by the caller before its first use; owns its name. */
typedef struct VifloDbProject
{
	VifloDbUuid id;
	char	   *name;			/* malloc'd, UTF-8 */
	VifloDbTimestamp created_at;
} VifloDbProject;

/* Zeroed is empty. */
typedef struct VifloDbProjectList
{
	int			count;
	VifloDbProject *projects;
} VifloDbProjectList;

typedef enum VifloDbFound
{
	VIFLO_DB_FIND_FAILED = -1,	/* see the error */
	VIFLO_DB_NOT_FOUND = 0,
	VIFLO_DB_FOUND = 1
} VifloDbFound;

extern void viflo_db_project_clear(VifloDbProject *project);
extern void viflo_db_project_list_clear(VifloDbProjectList *list);

/* Inserts a project of that name and reads back the whole row. */
extern bool viflo_db_project_insert(VifloSession *session, const char *name,
									VifloDbProject *project, VifloDbError *error);

/* By id; a NULL id is not found, as in SQL. */
extern VifloDbFound viflo_db_project_get(VifloSession *session, const VifloDbUuid *id,
										 VifloDbProject *project, VifloDbError *error);

/* All of exactly that name, oldest first; there may be several. */
extern bool viflo_db_project_find(VifloSession *session, const char *name,
								  VifloDbProjectList *list, VifloDbError *error);

/*
 * Up to limit projects (at least 1) in the order of (created_at, id), those
 * after the given one, or from the start when it is NULL.  Only created_at
 * and id of after are looked at; it need not exist any more.
 */
extern bool viflo_db_project_list(VifloSession *session, int limit,
								  const VifloDbProject *after,
								  VifloDbProjectList *list, VifloDbError *error);

extern VifloDbFound viflo_db_project_delete(VifloSession *session, const VifloDbUuid *id,
											VifloDbError *error);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_PROJECT_H */
