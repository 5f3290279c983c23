/*-------------------------------------------------------------------------
 * transaction.h
 *	  Transactions of a session, and scopes: commit at the end, roll back on
 *	  the way out of an error.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_TRANSACTION_H
#define VIFLO_CLIENT_TRANSACTION_H

#include "session.h"

VIFLO_DB_BEGIN

/* mode is what follows BEGIN, as "ISOLATION LEVEL SERIALIZABLE", or NULL. */
extern bool viflo_db_begin(VifloSession *session, const char *mode,
						   VifloDbError *error);

/*
 * Fails with 40000 when the server answers COMMIT with a rollback since the
 * transaction had failed before, and with 08007 when the connection was lost
 * before the answer came: it may or may not have been committed.
 */
extern bool viflo_db_commit(VifloSession *session, VifloDbError *error);
extern bool viflo_db_rollback(VifloSession *session, VifloDbError *error);

extern bool viflo_db_in_transaction(const VifloSession *session);

/*
 * What runs in a scope: true to commit, false to roll back.  It may fill
 * *error (which is never NULL in it) to say why.
 */
typedef bool (*VifloDbScopeFunction) (VifloSession *session, void *arg,
									  VifloDbError *error);

/*
 * Runs fn in a transaction, or in a savepoint where the session is in a
 * transaction already.  Returns true only when fn returned true and the
 * commit succeeded.  When fn returned false without an error of its own,
 * error->kind is 0: rolled back because it wanted to be.
 */
extern bool viflo_db_scope(VifloSession *session, VifloDbScopeFunction fn,
						   void *arg, VifloDbError *error);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_TRANSACTION_H */
