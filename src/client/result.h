/*-------------------------------------------------------------------------
 * result.h
 *	  What a query gave back, and a small typed reader of its rows.
 *
 *		VifloDbRow	row = viflo_db_rows(result, &error);
 *
 *		while (viflo_db_row_next(&row))
 *			printf("%s %lld\n", viflo_db_row_text(&row, 0),
 *				   (long long) viflo_db_row_int64(&row, 1));
 *		if (row.failed)
 *			...
 *
 * A read that fails (NULL where a value is needed, a type that is something
 * else, a value out of range) sets the error and row.failed, returns zero,
 * and ends the loop; so one test after it is enough.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_RESULT_H
#define VIFLO_CLIENT_RESULT_H

#include "value.h"

VIFLO_DB_BEGIN

/* It is libpq's PGresult, for those who want more of it. */
typedef struct pg_result VifloDbResult;

/* Strings that were read from a result live until then.  Harmless on NULL. */
extern void viflo_db_result_free(VifloDbResult *result);

extern int	viflo_db_result_rows(const VifloDbResult *result);
extern int	viflo_db_result_columns(const VifloDbResult *result);
extern const char *viflo_db_result_column_name(const VifloDbResult *result, int column);
extern int	viflo_db_result_column(const VifloDbResult *result, const char *name);	/* or -1 */

/* "INSERT 0 1", "CREATE TABLE": never NULL. */
extern const char *viflo_db_result_tag(const VifloDbResult *result);

/* Rows that an INSERT, UPDATE, DELETE, SELECT ... touched; 0 for the rest. */
extern long long viflo_db_result_affected(const VifloDbResult *result);

/* A place in a result.  On the caller's stack; nothing to free. */
typedef struct VifloDbRow
{
	const VifloDbResult *result;
	VifloDbError *error;
	int			number;			/* of the row, from 0; -1 before the first */
	bool		failed;
} VifloDbRow;

/* Before the first row of result.  error may be NULL. */
extern VifloDbRow viflo_db_rows(const VifloDbResult *result, VifloDbError *error);

/* To the next row; false after the last, and after a failed read. */
extern bool viflo_db_row_next(VifloDbRow *row);

/* Columns count from 0. */
extern bool viflo_db_row_null(VifloDbRow *row, int column);
extern bool viflo_db_row_bool(VifloDbRow *row, int column);
extern double viflo_db_row_float64(VifloDbRow *row, int column);
extern VifloDbUuid viflo_db_row_uuid(VifloDbRow *row, int column);

/* int2, int4, int8 and oid; a value that does not fit is a failure. */
extern int32_t viflo_db_row_int32(VifloDbRow *row, int column);
extern int64_t viflo_db_row_int64(VifloDbRow *row, int column);

/* timestamptz, from binary results only: text depends on DateStyle. */
extern VifloDbTimestamp viflo_db_row_timestamp(VifloDbRow *row, int column);

/*
 * The value's text: any type in a text result; text, varchar, char, name,
 * json, jsonb and xml in a binary one.  NULL for SQL NULL, which is no
 * failure.  Points into the result.  length may be NULL.
 */
extern const char *viflo_db_row_text(VifloDbRow *row, int column);
extern const char *viflo_db_row_text_n(VifloDbRow *row, int column, size_t *length);

/* bytea: binary results only.  NULL for SQL NULL.  Points into the result. */
extern const unsigned char *viflo_db_row_bytea(VifloDbRow *row, int column,
											   size_t *length);

/*
 * A one-dimensional array of text, varchar or name, from a text or a binary
 * result.  values is one malloc'd block, ended by a NULL that count leaves
 * out; elements that are SQL NULL are NULL.  Free it with free(values).
 * SQL NULL gives values == NULL and count 0, and is no failure.
 */
typedef struct VifloDbTextArray
{
	int			count;
	char	  **values;
} VifloDbTextArray;

extern VifloDbTextArray viflo_db_row_text_array(VifloDbRow *row, int column);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_RESULT_H */
