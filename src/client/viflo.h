/*-------------------------------------------------------------------------
 * viflo.h
 *	  All of libviflo: the connection library of viflo_migrate, on libpq.
 *
 *		VifloDbError error = {0};
 *		VifloEngine *engine = viflo_engine_new(getenv("DATABASE_URL"), NULL, &error);
 *		VifloSession *session = viflo_engine_acquire(engine, &error);
 *		VifloDbResult *result = viflo_db_query(session, "SELECT now()", NULL, 0, &error);
 *
 * Linking: -lviflo -lpq -lpthread, or pkg-config libviflo.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_VIFLO_H
#define VIFLO_CLIENT_VIFLO_H

#include "cancel.h"
#include "engine.h"
#include "error.h"
#include "models/project.h"
#include "result.h"
#include "session.h"
#include "transaction.h"
#include "url.h"
#include "value.h"

#endif							/* VIFLO_CLIENT_VIFLO_H */
