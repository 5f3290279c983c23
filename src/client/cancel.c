/*-------------------------------------------------------------------------
 * cancel.c
 *	  Cancelling what a session runs.
 *
 * PQcancel() opens a connection of its own and uses neither malloc nor the
 * session, which makes it safe in a signal handler; everything that is not is
 * done when the object is made.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "connection.h"
#include "libpq_error.h"

struct VifloDbCancel
{
	PGcancel   *request;
};

VifloDbCancel *
viflo_db_cancel_new(VifloSession *session, VifloDbError *error)
{
	VifloDbCancel *cancel = malloc(sizeof(*cancel));

	if (cancel == NULL)
	{
		viflo_db_error_memory(error);
		return NULL;
	}
	cancel->request = PQgetCancel(session->connection);
	if (cancel->request == NULL)
	{
		free(cancel);
		viflo_db_error_set(error, VIFLO_DB_CONNECTION_ERROR, "08003",
						   "the session has no connection to cancel");
		return NULL;
	}
	return cancel;
}

bool
viflo_db_cancel_send(const VifloDbCancel *cancel)
{
	char		why[256];

	return PQcancel(cancel->request, why, sizeof(why)) == 1;
}

void
viflo_db_cancel_free(VifloDbCancel *cancel)
{
	if (cancel == NULL)
		return;
	PQfreeCancel(cancel->request);
	free(cancel);
}
