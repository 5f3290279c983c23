/*-------------------------------------------------------------------------
 * value.h
 *	  Values that travel: UUIDs, timestamps, and parameters of queries.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_VALUE_H
#define VIFLO_CLIENT_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

VIFLO_DB_BEGIN

/* A UUID: 16 bytes in the order they are written. */
typedef struct VifloDbUuid
{
	unsigned char bytes[16];
} VifloDbUuid;

#define VIFLO_DB_UUID_SIZE 37	/* of its text, with the NUL */

/* Hex digits of either case, 8-4-4-4-12 or without hyphens, maybe in braces. */
extern bool viflo_db_uuid_parse(const char *text, VifloDbUuid *uuid);
extern void viflo_db_uuid_format(const VifloDbUuid *uuid,
								 char text[VIFLO_DB_UUID_SIZE]);
extern bool viflo_db_uuid_equal(const VifloDbUuid *a, const VifloDbUuid *b);

/* Microseconds since 1970-01-01 00:00:00 UTC, or one of the infinities. */
typedef int64_t VifloDbTimestamp;

#define VIFLO_DB_INFINITY		INT64_MAX
#define VIFLO_DB_MINUS_INFINITY INT64_MIN
#define VIFLO_DB_TIMESTAMP_SIZE 48	/* of its text, with the NUL */

/* "2026-11-22T10:00:00.123456Z", "infinity" or "-infinity". */
extern void viflo_db_timestamp_format(VifloDbTimestamp timestamp,
									  char text[VIFLO_DB_TIMESTAMP_SIZE]);

/*
 * One parameter of a query, made by the functions below; passed by value,
 * nothing to free.  Strings and arrays are borrowed until the query is sent.
 */
typedef struct VifloDbParam
{
	int			kind;
	unsigned int type;			/* OID, or 0: the server finds out */
	const void *data;
	const size_t *lengths;
	size_t		length;
	unsigned char bytes[16];
} VifloDbParam;

/* SQL NULL, of the type that the query asks for. */
extern VifloDbParam viflo_db_null(void);

/*
 * Text, or anything in its text form: the server takes the type from the
 * query.  NULL is SQL NULL.
 */
extern VifloDbParam viflo_db_text(const char *text);

/* The same, not NUL-terminated, and always of type text. */
extern VifloDbParam viflo_db_text_n(const char *text, size_t length);

extern VifloDbParam viflo_db_bool(bool value);
extern VifloDbParam viflo_db_int32(int32_t value);
extern VifloDbParam viflo_db_int64(int64_t value);
extern VifloDbParam viflo_db_float64(double value);
extern VifloDbParam viflo_db_uuid(const VifloDbUuid *uuid); /* NULL is SQL NULL */
extern VifloDbParam viflo_db_timestamp(VifloDbTimestamp timestamp);
extern VifloDbParam viflo_db_bytea(const void *bytes, size_t length);

/*
 * text[] of count strings; a NULL among them is an SQL NULL.  lengths, when
 * not NULL, gives their lengths; else they are NUL-terminated.
 */
extern VifloDbParam viflo_db_text_array(const char *const *values,
										const size_t *lengths, size_t count);

/* Any other type, by OID and its text form. */
extern VifloDbParam viflo_db_typed(unsigned int type, const char *text);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_VALUE_H */
