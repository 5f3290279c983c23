/*-------------------------------------------------------------------------
 * cancel.h
 *	  Cancelling what a session runs, from a signal handler or another thread.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_CANCEL_H
#define VIFLO_CLIENT_CANCEL_H

#include "session.h"

VIFLO_DB_BEGIN

typedef struct VifloDbCancel VifloDbCancel;

/*
 * Made beforehand, while all is well, so that viflo_db_cancel_send() can be
 * called at any time, from any thread and from a signal handler: it asks the
 * server to cancel what the session runs.  True: the request went out; the
 * query then fails with 57014, or ends before it hears of it.  It stays valid
 * when the session does not.
 */
extern VifloDbCancel *viflo_db_cancel_new(VifloSession *session, VifloDbError *error);
extern bool viflo_db_cancel_send(const VifloDbCancel *cancel);
extern void viflo_db_cancel_free(VifloDbCancel *cancel);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_CANCEL_H */
