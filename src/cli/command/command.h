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

#include "cli/exchange.h"
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
	const char *repeatable;		/* P; VifloRepeatable's words */
	VifloNames	depends_on;		/* D */
	VifloNames	labels;			/* L */
	char	   *rev_id;			/* R */
	bool		purge;			/* p */
	char	   *range;			/* r */
	bool		async;			/* a */
	char	   *timeout;		/* t */
	bool		dry_run;		/* y */
	bool		force;			/* F */
	char	   *tool;			/* T */
	char	   *table;			/* B */
	char	   *to;				/* O */
	char	   *tenants;		/* E */

	/* For all that have an exchange. */
	char	   *fleet;			/* file of databases, or "-" */
	char	   *fleet_query;
	char	   *jobs;
	bool		keep_going;
	char	   *late;			/* l */
	char	   *limit;			/* n */
	bool		failed;			/* f */
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
	const char *const *formats; /* beside human and json, NULL-terminated; or
								 * NULL */
	bool		hidden;			/* not for people: no help lists it */
	bool		makes_folder;	/* works where --dir is not there yet */
	bool		no_settings;	/* reads no file: these are not completed */

	/* Does it, reports failures itself; exit status. */
	int			(*run) (VifloRequest *request);

	/* Or, for what can be done to a fleet as well: what it says to each. */
	const VifloExchangeKind *exchange;

	/* And what of that --tenants does many times; or NULL. */
	const struct VifloEachTenant *each_tenant;
} VifloCommand;

/* By name, or NULL; and all of them in order of the help, NULL-terminated. */
extern const VifloCommand *viflo_command_find(const char *name);
extern const VifloCommand *const viflo_commands[];

/* The table of options, which main.c keeps; ends with a NULL name. */
struct option;
extern const struct option *viflo_command_options(void);

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

/*
 * For exchanges whose result is that of a viflo_database_call(): its document,
 * "[]" where there is no result; and "2 steps", or "nothing to do".
 */
extern char *viflo_command_document(VifloExchange *exchange);
extern char *viflo_command_count_steps(VifloExchange *exchange);

/* Of a document made here: its text, palloc'd.  Takes the reference. */
extern char *viflo_command_document_text(json_t *document);

/* Fails (2) where the command needs a folder, and there is none. */
extern bool viflo_command_check_folder(const VifloSettings *settings,
									   const VifloExchangeKind *kind,
									   VifloFailure *failure);

/*
 * Where --late is not given, takes what viflo.conf says of it.  Fails (usage)
 * when that is no word that the server knows.
 */
extern bool viflo_command_choose_late(VifloRequest *request, VifloFailure *failure);

/*
 * SQL for the argument target of a call, parameter 1, that has --late hold for
 * this call alone: in its own transaction, whatever pooler is in between.
 */
extern const char *viflo_command_target(const VifloRequest *request);

/* The tenant of a row t, which older versions of the extension do not have. */
#define VIFLO_ROW_TENANT \
	"(pg_catalog.row_to_json(t) OPERATOR(pg_catalog.->>) 'tenant')"

/*
 * SQL: is row t of a function that was given the tenant of database really its?
 * Where there is none, such functions give the rows of all.
 */
extern const char *viflo_command_is_ours(const VifloDatabase *database);

/* The exchange of viflo load, which is also done without a folder. */
extern const VifloExchangeKind viflo_load_exchange;

/* Prints a result of viflo_database_call() as viflo_command_look() does. */
extern void viflo_command_print(const VifloDbResult *result);

extern const VifloCommand viflo_command_init;
extern const VifloCommand viflo_command_revision;
extern const VifloCommand viflo_command_merge;
extern const VifloCommand viflo_command_edit;
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
extern const VifloCommand viflo_command_adopt;
extern const VifloCommand viflo_command_import;
extern const VifloCommand viflo_command_export;
extern const VifloCommand viflo_command_plan;
extern const VifloCommand viflo_command_sql;
extern const VifloCommand viflo_command_status;
extern const VifloCommand viflo_command_check;
extern const VifloCommand viflo_command_current;
extern const VifloCommand viflo_command_heads;
extern const VifloCommand viflo_command_branches;
extern const VifloCommand viflo_command_history;
extern const VifloCommand viflo_command_graph;
extern const VifloCommand viflo_command_show;
extern const VifloCommand viflo_command_log;
extern const VifloCommand viflo_command_script;
extern const VifloCommand viflo_command_remove;
extern const VifloCommand viflo_command_repair;
extern const VifloCommand viflo_command_completion;
extern const VifloCommand viflo_command_complete;
extern const VifloCommand viflo_command_version;
extern const VifloCommand viflo_command_help;

#endif							/* VIFLO_CLI_COMMAND_H */
