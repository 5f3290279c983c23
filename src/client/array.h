/*-------------------------------------------------------------------------
 * array.h
 *	  text[] values, as the server sends them, to C strings.  Internal.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_ARRAY_H
#define VIFLO_CLIENT_ARRAY_H

#include "result.h"

typedef enum VifloDbArrayStatus
{
	VIFLO_DB_ARRAY_OK,
	VIFLO_DB_ARRAY_INVALID,		/* not a list of text, or not well-formed */
	VIFLO_DB_ARRAY_NO_MEMORY
} VifloDbArrayStatus;

/* Both make one malloc'd block of array->values, NULL-terminated. */
extern VifloDbArrayStatus viflo_db_array_from_binary(const char *data, size_t length,
													 VifloDbTextArray *array);
extern VifloDbArrayStatus viflo_db_array_from_text(const char *data, size_t length,
												   VifloDbTextArray *array);

#endif							/* VIFLO_CLIENT_ARRAY_H */
