/*-------------------------------------------------------------------------
 * command.h
 *	  What a command is, and what main hands to it.
 *
 * Each command describes itself: which options it takes, its help, and the
 * function that does it.  command.c holds the list of them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_COMMAND_H
#define VIFLO_CLI_COMMAND_H

#include "cli/database.h"
#include "cli/settings.h"

/* Options that only some commands take; the letters name them in main's table. */
typedef struct VifloRequest
{
	VifloSettings settings;
	int			nargs;			/* words after the command */
	char	  **args;			/* NULL-terminated */
	char	   *message;		/* m */
	VifloNames	heads;			/* H */
	bool		splice;			/* S */
	VifloNames	depends_on;		/* D */
	VifloNames	labels;			/* L */
	char	   *rev_id;			/* R */
	bool		purge;			/* p */
	char	   *range;			/* r */
	bool		async;			/* a */
	char	   *timeout;		/* t */
	char	   *tenants;		/* T */
	bool		keep_going;		/* k */
} VifloRequest;

typedef struct VifloCommand
{
	const char *name;
	const char *options;		/* letters of its own ones */
	int			min_args;
	int			max_args;		/* -1: any number */
	const char *arguments;		/* for the usage line */
	const char *summary;		/* one line, lower case */
	const char *help;			/* what it does, options, an example */
	bool		makes_folder;	/* works where --dir is not there yet */

	/* Does it, reports failures itself; exit status. */
	int			(*run) (VifloRequest *request);
} VifloCommand;

/* By name, or NULL; and all of them in order of the help, NULL-terminated. */
extern const VifloCommand *viflo_command_find(const char *name);
extern const VifloCommand *const viflo_commands[];

/* How to call it, on stream: overall, or of one command. */
extern void viflo_command_usage(FILE *stream, const VifloCommand *command);

/*
 * For commands that look only: connects, calls function (see
 * viflo_database_call), prints its rows as a table of all columns, or as a
 * JSON array.  Exit status.
 */
extern int	viflo_command_look(const VifloRequest *request, const char *columns,
							   const char *function, const char *arguments,
							   VifloDbParam *params, int nparams);

/* What people see of a step that ran: its duration comes in milliseconds. */
#define VIFLO_STEP_COLUMNS \
	"t.direction, t.revision, t.message," \
	" (pg_catalog.date_part('epoch', t.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text"

/* The tenant of a row t, which older versions of the extension do not have. */
#define VIFLO_ROW_TENANT \
	"pg_catalog.row_to_json(t) OPERATOR(pg_catalog.->>) 'tenant'"

/* "2 pending, 1 late" and the like, of viflo_tenants() as t. */
#define VIFLO_TENANT_STATE \
	"pg_catalog.concat_ws(', '," \
	" CASE WHEN t.pending OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.pending, ' pending') END," \
	" CASE WHEN t.late OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.late, ' late') END," \
	" CASE WHEN t.changed OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.changed, ' changed') END," \
	" CASE WHEN t.missing OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.missing, ' not registered')" \
	" WHEN t.pending IS NULL THEN 'no way to the target' END," \
	" CASE WHEN t.unfinished OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.unfinished, ' half done') END)"

/* "(12 ms)", of a number of milliseconds as text; palloc'd. */
extern char *viflo_command_duration(const char *milliseconds);

/* For a run that had nothing to do. */
extern void viflo_command_print_nothing(void);

/* Does the target mean the same as long as nothing changes? */
extern bool viflo_command_can_settle(const char *target);

/* Prints a result of viflo_database_call() as viflo_command_look() does. */
extern void viflo_command_print(const VifloDbResult *result);

/*
 * Adds to queries (room for one) the registration of those revisions of the
 * folder that are missing; 0 when none are, 1, or -1 on failure.  scripts
 * keeps what the query points to.
 */
typedef struct VifloUpload
{
	VifloNames	sources;
	const char **scripts;
	size_t	   *lengths;
	VifloDbParam params[3];
} VifloUpload;

extern int	viflo_command_upload(const VifloDatabase *database, VifloLocal *local,
								 const VifloNames *missing, VifloUpload *upload,
								 VifloDbQuery *query, VifloFailure *failure);

/*
 * For commands that write: finds the extension, or makes it, and does the
 * above for the folder, if there is one (local).  0, 1, or -1 on failure.
 */
extern int	viflo_command_prepare(VifloDatabase *database, VifloLocal *local,
								  VifloUpload *upload, VifloDbQuery *queries,
								  VifloFailure *failure);

/* Adds to a failure of that query which file it is about, if it says so. */
extern void viflo_command_blame(const VifloLocal *local, VifloFailure *failure);

extern const VifloCommand viflo_command_init;
extern const VifloCommand viflo_command_revision;
extern const VifloCommand viflo_command_merge;
extern const VifloCommand viflo_command_load;
extern const VifloCommand viflo_command_upgrade;
extern const VifloCommand viflo_command_downgrade;
extern const VifloCommand viflo_command_deploy;
extern const VifloCommand viflo_command_revert;
extern const VifloCommand viflo_command_jobs;
extern const VifloCommand viflo_command_wait;
extern const VifloCommand viflo_command_cancel;
extern const VifloCommand viflo_command_tenants;
extern const VifloCommand viflo_command_stamp;
extern const VifloCommand viflo_command_plan;
extern const VifloCommand viflo_command_sql;
extern const VifloCommand viflo_command_check;
extern const VifloCommand viflo_command_current;
extern const VifloCommand viflo_command_heads;
extern const VifloCommand viflo_command_branches;
extern const VifloCommand viflo_command_history;
extern const VifloCommand viflo_command_show;
extern const VifloCommand viflo_command_log;
extern const VifloCommand viflo_command_script;
extern const VifloCommand viflo_command_remove;
extern const VifloCommand viflo_command_repair;
extern const VifloCommand viflo_command_version;
extern const VifloCommand viflo_command_help;

#endif							/* VIFLO_CLI_COMMAND_H */
