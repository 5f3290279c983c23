/*-------------------------------------------------------------------------
 * transaction.c
 *	  Transactions of a session, and scopes.
 *
 * Whether a transaction is open is libpq's knowledge, from what the server
 * last said, and not counted here: SQL of the user's may begin and end one.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "libpq_error.h"

/* One name for all depths: a savepoint hides the outer ones of its name. */
#define SAVEPOINT_NAME	"viflo_db_scope"

bool
viflo_db_in_transaction(const VifloSession *session)
{
	PGTransactionStatusType status = PQtransactionStatus(session->connection);

	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

bool
viflo_db_begin(VifloSession *session, const char *mode, VifloDbError *error)
{
	static const char begin[] = "BEGIN ";
	char	   *sql;
	bool		result;

	if (viflo_db_in_transaction(session))
		return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "25001",
								  "there is already a transaction in progress");
	if (mode == NULL)
		return viflo_db_execute(session, begin, NULL, 0, error);
	sql = malloc(sizeof(begin) + strlen(mode));
	if (sql == NULL)
		return viflo_db_error_memory(error);
	strcpy(sql, begin);
	strcat(sql, mode);
	result = viflo_db_execute(session, sql, NULL, 0, error);
	free(sql);
	return result;
}

/* What the server answered to COMMIT: a failed transaction is rolled back. */
static bool
check_committed(const VifloDbResult *result, VifloDbError *error)
{
	if (strcmp(viflo_db_result_tag(result), "COMMIT") == 0)
		return true;
	viflo_db_error_set(error, VIFLO_DB_SERVER_ERROR, "40000",
					   "the transaction was rolled back, as a statement in it had failed");
	return false;
}

bool
viflo_db_commit(VifloSession *session, VifloDbError *error)
{
	VifloDbError why = {0};
	VifloDbResult *result;
	bool		committed;
	bool		was_broken = viflo_db_broken(session);

	if (session->state == VIFLO_SESSION_IDLE &&
		!viflo_db_in_transaction(session) &&
		PQstatus(session->connection) == CONNECTION_OK)
		return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "25P01",
								  "there is no transaction in progress");
	if (session->state == VIFLO_SESSION_IDLE &&
		!viflo_db_session_alive(session) &&
		PQstatus(session->connection) != CONNECTION_OK)
	{
		/* Gone before COMMIT was sent: nothing is committed. */
		session->state = VIFLO_SESSION_BROKEN;
		viflo_db_error_from_connection(error, session->connection,
									   VIFLO_DB_CONNECTION_ERROR, "08006");
		return false;
	}
	result = viflo_db_query(session, "COMMIT", NULL, 0, &why);
	if (result == NULL)
	{
		if (viflo_db_broken(session) && !was_broken)
			viflo_db_error_set(error, VIFLO_DB_CONNECTION_ERROR, "08007",
							   "could not find out whether the transaction is committed: %s",
							   why.message);
		else
			viflo_db_error_move(error, &why);
		viflo_db_error_clear(&why);
		return false;
	}
	committed = check_committed(result, error);
	viflo_db_result_free(result);
	return committed;
}

bool
viflo_db_rollback(VifloSession *session, VifloDbError *error)
{
	if (session->state == VIFLO_SESSION_IDLE &&
		!viflo_db_in_transaction(session) &&
		PQstatus(session->connection) == CONNECTION_OK)
		return true;
	return viflo_db_execute(session, "ROLLBACK", NULL, 0, error);
}

/* In a transaction that is the scope's own. */
static bool
transaction_scope(VifloSession *session, VifloDbScopeFunction fn, void *arg,
				  VifloDbError *error)
{
	if (!viflo_db_begin(session, NULL, error))
		return false;
	if (fn(session, arg, error))
	{
		if (viflo_db_commit(session, error))
			return true;
	}

	/* Why it failed is what the caller wants to know, not what follows. */
	(void) viflo_db_rollback(session, error->kind ? NULL : error);
	return false;
}

/* In a transaction of the caller's, who goes on with it in any case. */
static bool
savepoint_scope(VifloSession *session, VifloDbScopeFunction fn, void *arg,
				VifloDbError *error)
{
	if (!viflo_db_execute(session, "SAVEPOINT " SAVEPOINT_NAME, NULL, 0, error))
		return false;
	if (fn(session, arg, error) &&
		viflo_db_execute(session, "RELEASE SAVEPOINT " SAVEPOINT_NAME,
						 NULL, 0, error))
		return true;
	(void) viflo_db_script(session, "ROLLBACK TO SAVEPOINT " SAVEPOINT_NAME
						   "; RELEASE SAVEPOINT " SAVEPOINT_NAME,
						   error->kind ? NULL : error);
	return false;
}

bool
viflo_db_scope(VifloSession *session, VifloDbScopeFunction fn, void *arg,
			   VifloDbError *error)
{
	VifloDbError why = {0};
	bool		committed;

	committed = viflo_db_in_transaction(session) ?
		savepoint_scope(session, fn, arg, &why) :
		transaction_scope(session, fn, arg, &why);
	if (!committed)
		viflo_db_error_move(error, &why);
	viflo_db_error_clear(&why);
	return committed;
}
