/*-------------------------------------------------------------------------
 * numbers.h
 *	  A hash table from names to numbers.
 *
 * viflo_numbers_create(), _insert(), _lookup() and _destroy() are what
 * PostgreSQL's simplehash makes of this, in each file that includes it.  The
 * names are the caller's and must outlive the table.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_NUMBERS_H
#define VIFLO_NUMBERS_H

#include "common/hashfn.h"
#ifdef FRONTEND
#include "common/logging.h"
#endif

typedef struct VifloNumber
{
	const char *name;
	int			number;			/* for the caller to set, as is the next */
	bool		label;			/* the name is a label or tag of the number */
	uint32		hash;
	char		status;
} VifloNumber;

/* The same allocator on both sides: a memory context is not needed. */
#define SH_PREFIX viflo_numbers
#define SH_ELEMENT_TYPE VifloNumber
#define SH_KEY_TYPE const char *
#define SH_KEY name
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->hash)
#define SH_SCOPE static inline
#define SH_RAW_ALLOCATOR palloc0
#define SH_DECLARE
#define SH_DEFINE
/* PostgreSQL 15's template shadows a variable of its own. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow=compatible-local"
#endif
#include "lib/simplehash.h"
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif							/* VIFLO_NUMBERS_H */
