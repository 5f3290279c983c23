/*-------------------------------------------------------------------------
 * database.h
 *	  The program's side of the extension's SQL functions.
 *
 * One session, on which each command makes one or two round trips.  What a
 * query names is qualified, the session's search_path being the user's own
 * affair: migrations run under it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_DATABASE_H
#define VIFLO_CLI_DATABASE_H

#include "cli/local.h"
#include "cli/settings.h"
#include "client/viflo.h"

/* Zeroed, then filled by the functions below; lives as long as the program. */
typedef struct VifloDatabase
{
	const VifloSettings *settings;
	VifloEngine *engine;
	VifloSession *session;
	VifloDbError error;			/* why connecting failed */
	char	   *schema;			/* the extension's, quoted, or NULL */
	char	   *project;		/* NULL: the server's own default */
	const char *tenant;			/* NULL: none */
	int			pid;			/* of its process, as the server knows it */
	char	   *notice;			/* the last one, or NULL */
	bool		creating;		/* CREATE EXTENSION runs, not in vain */
} VifloDatabase;

/*
 * Connects, and meanwhile opens the folder where there is one (local may be
 * NULL: no folder wanted).  What is wrong with the folder is said first.
 * From here on SIGINT and SIGTERM cancel what the server does for us.
 */
extern bool viflo_database_open(VifloDatabase *database, const VifloSettings *settings,
								VifloLocal *local, VifloFailure *failure);
extern void viflo_database_close(VifloDatabase *database);

/* Finds out schema and project.  Fails (1) when the extension is missing. */
extern bool viflo_database_find(VifloDatabase *database, VifloFailure *failure);

/* The same, for commands that write: makes the extension if it is missing. */
extern bool viflo_database_find_or_create(VifloDatabase *database, VifloFailure *failure);

/*
 * The same, and in the same round trip asks which of the folder's revisions
 * the server has not, or not with this text.  *missing is palloc'd.
 */
extern bool viflo_database_missing(VifloDatabase *database, VifloLocal *local,
								   bool create, VifloNames *missing,
								   VifloFailure *failure);

/*
 * Was nothing left to load and to do when the folder was last brought here,
 * and has nothing changed since?  One cheap question, which no extension at
 * all answers with no.
 */
extern bool viflo_database_settled(VifloDatabase *database, const char *manifest,
								   const char *target, bool *settled,
								   VifloFailure *failure);

/*
 * Notes it for next time.  A convenience: nothing is said where it fails, as
 * for a role that may not.
 */
extern void viflo_database_settle(VifloDatabase *database, const char *manifest,
								  const char *target);

/*
 * The argument tenant, as SQL that follows other arguments, palloc'd; "" where
 * there is no tenant, so that older versions of the extension can be called.
 * NULL, of which viflo_database_open() makes a failure: it cannot be written
 * in the encoding of the database.
 */
extern char *viflo_database_tenant(const VifloDatabase *database);

/*
 * The text of a query that calls function, whose arguments are written
 * without the last ones, project, which is parameter nparams + 1, and tenant.
 * As rows of columns (of the alias t), or (--format json) as one row with a
 * JSON array.
 */
extern char *viflo_database_sql(const VifloDatabase *database, const char *columns,
								const char *function, const char *arguments,
								int nparams);

/* The same call as a query; room for nparams + 1 in params. */
extern VifloDbQuery viflo_database_call(const VifloDatabase *database,
										const char *columns, const char *function,
										const char *arguments,
										VifloDbParam *params, int nparams);

/* Runs queries in one round trip, and one transaction. */
extern bool viflo_database_run(VifloDatabase *database, const VifloDbQuery *queries,
							   int count, VifloDbResult **results,
							   VifloFailure *failure);

/* The same, and on a terminal shows meanwhile what the server does. */
extern bool viflo_database_run_shown(VifloDatabase *database, const VifloDbQuery *queries,
									 int count, VifloDbResult **results,
									 VifloFailure *failure);

/*
 * For what is to be said about a failure: runs queries even when the user has
 * asked to stop, but not for long.  False: nothing can be known.
 */
extern bool viflo_database_look_back(VifloDatabase *database, const VifloDbQuery *queries,
									 int count, VifloDbResult **results);

/* Has the user asked to stop? */
extern bool viflo_database_interrupted(void);

#endif							/* VIFLO_CLI_DATABASE_H */
