/*-------------------------------------------------------------------------
 * tap.h
 *	  TAP for the tests of libviflo, which use nothing but it and C.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TEST_TAP_H
#define VIFLO_TEST_TAP_H

#include <stdbool.h>

#include "client/error.h"

extern void ok(bool passed, const char *name);
extern void same(const char *got, const char *expected, const char *name);
extern void same_int(long long got, long long expected, const char *name);

/* Did it fail with this SQLSTATE?  Clears *error. */
extern void failed(bool success, VifloDbError *error, VifloDbErrorKind kind,
				   const char *sqlstate, const char *name);

/* For what the rest of a test stands on: ends it all. */
extern void must(bool success, const VifloDbError *error, const char *name);

/* The plan; exit status. */
extern int	done(void);

#endif							/* VIFLO_TEST_TAP_H */
