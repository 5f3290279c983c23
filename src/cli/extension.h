/*-------------------------------------------------------------------------
 * extension.h
 *	  What is asked of a database before anything else: is the extension
 *	  there, what has it not got of the folder, is there anything to do?
 *
 * Each question is a piece of an exchange, which goes on with the step then;
 * and, for commands that need nothing else, a call that waits.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_EXTENSION_H
#define VIFLO_CLI_EXTENSION_H

#include "cli/exchange.h"

/*
 * Finds out schema and project, unless they are known already.  Where the
 * extension is missing it is made (create), or the exchange fails (1).
 */
extern VifloTurn viflo_ask_extension(VifloExchange *exchange, bool create, VifloStep then);
extern bool viflo_database_find(VifloDatabase *database, VifloFailure *failure);
extern bool viflo_database_find_or_create(VifloDatabase *database, VifloFailure *failure);

/*
 * The same, and in the same round trip asks which of the folder's revisions
 * the server has not, or not with this text: exchange->missing.  *missing is
 * palloc'd.
 */
extern VifloTurn viflo_ask_missing(VifloExchange *exchange, bool create, VifloStep then);
extern bool viflo_database_missing(VifloDatabase *database, VifloLocal *local,
								   bool create, VifloNames *missing,
								   VifloFailure *failure);

/* For commands that write: the one with a folder, the other without. */
extern VifloTurn viflo_ask_what_to_load(VifloExchange *exchange, VifloStep then);

/*
 * Adds to the question the registration of what is missing: 0 when nothing
 * is, 1, or -1 with exchange->failure.
 */
extern int	viflo_add_upload(VifloExchange *exchange);

/*
 * Was nothing left to load and to do when the folder was last brought here,
 * and has nothing changed since?  One cheap question, which no extension at
 * all answers with no: exchange->settled.
 */
extern VifloTurn viflo_ask_settled(VifloExchange *exchange, const char *target, VifloStep then);

/*
 * Notes it for next time, and ends the exchange.  A convenience: nothing is
 * said where it fails, as for a role that may not.
 */
extern VifloTurn viflo_ask_settle(VifloExchange *exchange, const char *target);

/* Is it so many steps from where the database stands, and not the same twice? */
extern bool viflo_is_relative(const char *target);

/* Does the target mean the same as long as nothing changes? */
extern bool viflo_can_settle(const VifloExchange *exchange, const char *target);

#endif							/* VIFLO_CLI_EXTENSION_H */
