/*-------------------------------------------------------------------------
 * client.c
 *	  Is the client of this session still there?
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "run/client.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"

/* libpq.h wants headers for these that who builds us need not have. */
#undef ENABLE_GSS
#undef USE_OPENSSL
#include "libpq/libpq.h"

void
viflo_client_check(void)
{
	if (MyProcPort == NULL || !WaitEventSetCanReportClosed() || pq_check_connection())
		return;
	whereToSendOutput = DestNone;
	ereport(FATAL,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("connection to client lost")));
}
