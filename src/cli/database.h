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

typedef struct VifloDatabase VifloDatabase;

/* Filled by viflo_database_open() or viflo_database_start(). */
struct VifloDatabase
{
	const VifloSettings *settings;
	VifloEngine *engine;
	VifloSession *session;
	VifloDbError error;			/* why connecting failed */
	char	   *schema;			/* the extension's, quoted, or NULL */
	char	   *project;		/* NULL: the server's own default */
	bool		reads_log;		/* may read table viflo.log itself */
	const char *tenant;			/* NULL: none */
	int			pid;			/* of its process, as the server knows it */
	char	   *notice;			/* the last one, or NULL */
	bool		creating;		/* CREATE EXTENSION runs, not in vain */

	/* What to do with notices and warnings; NULL: they are shown. */
	void		(*on_notice) (VifloDatabase *database, const VifloDbError *notice);
	void	   *notice_arg;
};

/*
 * Connects, and meanwhile opens the folder where there is one (local may be
 * NULL: no folder wanted).  What is wrong with the folder is said first.
 * From here on SIGINT and SIGTERM cancel what the server does for us.
 */
extern bool viflo_database_open(VifloDatabase *database, const VifloSettings *settings,
								VifloLocal *local, VifloFailure *failure);
extern void viflo_database_close(VifloDatabase *database);

/*
 * Of a URL that is none of libpq's, the length of its scheme; else 0.  libpq
 * would take it, with the password in it, for the name of a database.
 */
extern int	viflo_database_foreign_scheme(const char *url);

/*
 * For who has many: begins to connect, and does not wait.  Who carries on says
 * why that failed in the same words, from database->error.
 */
extern bool viflo_database_start(VifloDatabase *database, const VifloSettings *settings,
								 VifloFailure *failure);
extern bool viflo_database_fail_connect(VifloDatabase *database, VifloFailure *failure);

/*
 * The last arguments of a call, as SQL, palloc'd: project and, where there is
 * one, tenant, which older versions of the extension do not know.  They are
 * the next parameters, of which there are *nparams so far; room for two more.
 */
extern char *viflo_database_scope(const VifloDatabase *database,
								  VifloDbParam *params, int *nparams);

/*
 * The text of a query that calls function, whose arguments are written
 * without the last ones: those are scope.  As rows of columns (of the alias
 * t), or (--format json) as one row with a JSON array.
 */
extern char *viflo_database_sql(const VifloDatabase *database, const char *columns,
								const char *function, const char *arguments,
								const char *scope);

/*
 * The same call as a query; room for nparams + 2 in params.  Functions on
 * texts are given no tenant, as these are the same for all.
 */
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
 * For what is to be said, or noted, about a run that is over: runs queries even
 * when the user has asked to stop, but for so many milliseconds only.
 */
#define VIFLO_LOOK_BACK_LIMIT	5000

extern bool viflo_database_look_back(VifloDatabase *database, const VifloDbQuery *queries,
									 int count, VifloDbResult **results);

/*
 * In place of a session that is lost: connects again, for a few seconds.  pid
 * stays that of the process that is lost.  The other one only begins to, for
 * who does not wait.
 */
#define VIFLO_RECONNECT_LIMIT	5000

extern bool viflo_database_reconnect(VifloDatabase *database, VifloFailure *failure);
extern bool viflo_database_restart(VifloDatabase *database, VifloFailure *failure);

/* What these say when the server said no: *failure from database->error. */
extern bool viflo_database_fail(VifloDatabase *database, VifloFailure *failure);

/*
 * From now on SIGINT and SIGTERM make viflo_database_interrupted() true, and
 * write a byte to fd, unless that is -1.  The third one ends the program.
 */
extern void viflo_database_catch_interrupts(int fd);

/* Has the user asked to stop, and how often?  The last one fails if so. */
extern bool viflo_database_interrupted(void);
extern int	viflo_database_interrupts(void);
extern bool viflo_database_may_run(VifloFailure *failure);

#endif							/* VIFLO_CLI_DATABASE_H */
