/*-------------------------------------------------------------------------
 * libpq_error.h
 *	  From libpq's results and connections to a VifloDbError.  Internal.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_LIBPQ_ERROR_H
#define VIFLO_CLIENT_LIBPQ_ERROR_H

#include <libpq-fe.h>

#include "error.h"

/* Copies all fields of an error or notice out of result. */
extern void viflo_db_error_from_result(VifloDbError *error, const PGresult *result);

/* What connection says is wrong with it. */
extern void viflo_db_error_from_connection(VifloDbError *error, const PGconn *connection,
										   VifloDbErrorKind kind,
										   const char *sqlstate);

/* Out of memory. */
extern bool viflo_db_error_memory(VifloDbError *error);

#endif							/* VIFLO_CLIENT_LIBPQ_ERROR_H */
