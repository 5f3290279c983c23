/*-------------------------------------------------------------------------
 * exchange.h
 *	  What a command and one database have to say to each other, a round trip
 *	  at a time.
 *
 * An exchange is a chain of steps.  A step looks at the answer to what was
 * asked last, and either asks again, naming the step that takes that answer,
 * or says how it all ended.  It never waits: who carries questions and answers
 * is none of its business.  viflo_exchange_run() does so for one database,
 * fleet.c for many at a time.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_EXCHANGE_H
#define VIFLO_CLI_EXCHANGE_H

#include <jansson.h>

#include "cli/database.h"
#include "cli/upload.h"

#define VIFLO_MAX_QUERIES	2	/* of one question */
#define VIFLO_MAX_PARAMS	6	/* of one query */

/* How an exchange goes on. */
typedef enum VifloTurn
{
	VIFLO_TURN_ASK,				/* there is a question to be sent */
	VIFLO_TURN_DONE,
	VIFLO_TURN_FAILED			/* exchange->failure says why */
} VifloTurn;

typedef struct VifloExchange VifloExchange;

/*
 * Takes the answer: a result of each query, freed afterwards unless the step
 * puts NULL in its place; or NULL when exchange->failure came of it.
 */
typedef VifloTurn (*VifloStep) (VifloExchange *exchange, VifloDbResult **results);

/* Of the folder of migrations an exchange wants: */
typedef enum VifloFolderUse
{
	VIFLO_FOLDER_UNUSED,		/* nothing */
	VIFLO_FOLDER_IF_THERE,
	VIFLO_FOLDER_NEEDED
} VifloFolderUse;

/* A run that is under way, for the case that its connection is lost. */
typedef struct VifloRun
{
	int64		sent;			/* viflo_watch_now() */
	const char *columns;		/* of its steps, or NULL */
	const char *target;			/* or NULL: it runs to none */
	const char *arguments;		/* the target as an argument of a call */
	VifloStep	loaded;			/* of one that only loads: where the exchange
								 * goes on once that is done; or NULL */
	int			logged;			/* steps found in the log */
} VifloRun;

/* What a command does in a database; a constant beside the command. */
typedef struct VifloExchangeKind
{
	VifloFolderUse folder;
	bool		changes;		/* the database, and not only looks at it */

	/* Asks the first question. */
	VifloTurn	(*begin) (VifloExchange *exchange);

	/* What came of one that is done: for people; and the same as JSON. */
	void		(*print) (VifloExchange *exchange);
	char	   *(*document) (VifloExchange *exchange);	/* palloc'd */

	/* The same among many: in a few words; and what the document is of. */
	char	   *(*summary) (VifloExchange *exchange);	/* palloc'd */
	const char *subject;
} VifloExchangeKind;

/*
 * On the stack or in a slot of the fleet: from viflo_exchange_init() to
 * viflo_exchange_end().
 */
struct VifloExchange
{
	const VifloExchangeKind *kind;	/* or NULL: nobody asks what came of it */
	const struct VifloRequest *request;
	VifloDatabase *database;
	VifloLocal *local;			/* NULL: without a folder */

	/* The question: made by a step, and gone once it is answered. */
	VifloDbQuery queries[VIFLO_MAX_QUERIES];
	VifloDbParam params[VIFLO_MAX_QUERIES][VIFLO_MAX_PARAMS];
	int			count;
	VifloStep	step;			/* takes the answer */
	bool		tries;			/* and hears of a failure, too */
	bool		is_long;		/* worth a look at what the server does */
	bool		is_last;		/* asked even of somebody who wants to stop,
								 * but answered soon or never */
	bool		anew;			/* over another connection: this one is lost */
	int			interrupts;		/* so far, when it was made */
	int			pause;			/* milliseconds to wait before it is sent */
	const char *waiting;		/* what that is for, or NULL */
	int64		waited;			/* milliseconds so far */

	/* For steps that several kinds have in common, see extension.h. */
	VifloStep	then;			/* where these go on */
	bool		create;			/* the extension is made where it is missing */
	bool		absent;			/* it is known to be missing */
	bool		settled;		/* nothing has changed, nothing is to do */
	VifloNames	missing;		/* what the server has not got of the folder */
	VifloUpload upload;
	void	   *own;			/* the kind's; freed at the end */

	/* When more is asked about a failure, see lost.h. */
	VifloFailure held;			/* the failure */
	VifloRun	run;
	int64		lost_until;		/* asks no longer than that */
	int			lost_interrupts;	/* nor after more of them */

	/* What came of it. */
	VifloDbResult *result;		/* freed at the end */
	bool		warns;			/* it is done, and yet there is a failure to
								 * tell of: as a warning */
	VifloFailure failure;
	json_t	   *more;			/* of a failure, for its document; or NULL */
};

extern void viflo_exchange_init(VifloExchange *exchange, const VifloExchangeKind *kind,
								VifloDatabase *database, VifloLocal *local,
								const struct VifloRequest *request);
extern void viflo_exchange_end(VifloExchange *exchange);

/*
 * For steps.  The parameters of the query that is added next; and that query,
 * with these or with others.  Its text is palloc'd, and then the exchange's.
 */
extern VifloDbParam *viflo_exchange_params(VifloExchange *exchange);
extern void viflo_exchange_add(VifloExchange *exchange, char *sql, int nparams);
extern void viflo_exchange_add_query(VifloExchange *exchange, const VifloDbQuery *query);

/*
 * Then "return viflo_exchange_ask(exchange, step)": a failure ends the
 * exchange; with viflo_exchange_try() the step is told.
 */
extern VifloTurn viflo_exchange_ask(VifloExchange *exchange, VifloStep step);
extern VifloTurn viflo_exchange_try(VifloExchange *exchange, VifloStep step);

/* Keeps one of the results as what came of it. */
extern void viflo_exchange_keep(VifloExchange *exchange, VifloDbResult **result);

/* What is missing is to be asked again. */
extern void viflo_exchange_forget_missing(VifloExchange *exchange);

/* A step that has got all it wanted. */
extern VifloTurn viflo_exchange_done(VifloExchange *exchange, VifloDbResult **results);

/* Is it this SQLSTATE that the exchange failed with? */
extern bool viflo_exchange_failed_with(const VifloExchange *exchange, const char *sqlstate);

/*
 * For who carries it.  May the question be asked?  Not on behalf of somebody
 * who wants to stop; one that is_last may, unless that was said in its pause.
 * False: see exchange->failure.
 */
extern bool viflo_exchange_may_ask(VifloExchange *exchange);

/*
 * Hands over the answer, and frees what is left of it.
 * results NULL: see exchange->failure.
 */
extern VifloTurn viflo_exchange_answer(VifloExchange *exchange, VifloDbResult **results);

/*
 * Carries it to its end on the session of its database, and waits.  turn is
 * what the first step said.  False: see exchange->failure.
 */
extern bool viflo_exchange_run(VifloExchange *exchange, VifloTurn turn);

#endif							/* VIFLO_CLI_EXCHANGE_H */
