/*-------------------------------------------------------------------------
 * result.c
 *	  What a query gave back, and the typed reader of its rows.
 *
 * Readers look at the type and the format that the server says a column has,
 * never at what the caller hopes for, so a query that changes its columns
 * gives an error and not a wrong value.
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "libpq_error.h"
#include "param.h"
#include "result.h"

#define TEXT_FORMAT		0
#define BINARY_FORMAT	1

void
viflo_db_result_free(VifloDbResult *result)
{
	PQclear(result);
}

int
viflo_db_result_rows(const VifloDbResult *result)
{
	return PQntuples(result);
}

int
viflo_db_result_columns(const VifloDbResult *result)
{
	return PQnfields(result);
}

const char *
viflo_db_result_column_name(const VifloDbResult *result, int column)
{
	/* libpq would call the connection's notice receiver, which may be gone. */
	if (column < 0 || column >= PQnfields(result))
		return "";
	return PQfname(result, column);
}

/* By strcmp: PQfnumber() would fold the name's case and take its quotes off. */
int
viflo_db_result_column(const VifloDbResult *result, const char *name)
{
	for (int column = 0; column < PQnfields(result); column++)
	{
		if (strcmp(PQfname(result, column), name) == 0)
			return column;
	}
	return -1;
}

const char *
viflo_db_result_tag(const VifloDbResult *result)
{
	/* It does not change the result; its prototype only misses the const. */
	return PQcmdStatus((PGresult *) result);
}

long long
viflo_db_result_affected(const VifloDbResult *result)
{
	return strtoll(PQcmdTuples((PGresult *) result), NULL, 10);
}

VifloDbRow
viflo_db_rows(const VifloDbResult *result, VifloDbError *error)
{
	VifloDbRow	row = {result, error, -1, false};

	return row;
}

bool
viflo_db_row_next(VifloDbRow *row)
{
	if (row->failed || row->number >= PQntuples(row->result))
		return false;
	row->number++;
	return row->number < PQntuples(row->result);
}

/* The first failure of a row counts. */
static void
fail(VifloDbRow *row, const char *sqlstate, int column, const char *why)
{
	if (row->failed)
		return;
	row->failed = true;
	viflo_db_error_set(row->error, VIFLO_DB_CLIENT_ERROR, sqlstate,
					   "column %d (\"%s\") of row %d %s", column + 1,
					   viflo_db_result_column_name(row->result, column),
					   row->number + 1, why);
}

/* Is there such a value, be it NULL? */
static bool
exists(VifloDbRow *row, int column)
{
	if (row->failed)
		return false;
	if (row->number < 0 || row->number >= PQntuples(row->result) ||
		column < 0 || column >= PQnfields(row->result))
	{
		fail(row, "42703", column, "does not exist");
		return false;
	}
	return true;
}

/*
 * The bytes of a value that must not be NULL, or NULL after a failure.  In
 * binary format it must have length bytes, unless that is negative.
 */
static const char *
value_of(VifloDbRow *row, int column, int length)
{
	if (!exists(row, column))
		return NULL;
	if (PQgetisnull(row->result, row->number, column))
	{
		fail(row, "22004", column, "is null");
		return NULL;
	}
	if (PQfformat(row->result, column) == BINARY_FORMAT && length >= 0 &&
		PQgetlength(row->result, row->number, column) != length)
	{
		fail(row, "22P03", column, "has an unexpected length");
		return NULL;
	}
	return PQgetvalue(row->result, row->number, column);
}

static bool
is_text(const VifloDbRow *row, int column)
{
	return PQfformat(row->result, column) == TEXT_FORMAT;
}

/* Some unsigned number in network order. */
static uint64_t
read_bytes(const char *value, int length)
{
	uint64_t	result = 0;

	for (int i = 0; i < length; i++)
		result = result << 8 | (unsigned char) value[i];
	return result;
}

bool
viflo_db_row_null(VifloDbRow *row, int column)
{
	return exists(row, column) &&
		PQgetisnull(row->result, row->number, column);
}

bool
viflo_db_row_bool(VifloDbRow *row, int column)
{
	const char *value = value_of(row, column, -1);

	if (value == NULL)
		return false;
	if (PQftype(row->result, column) != VIFLO_DB_BOOLOID)
	{
		fail(row, "42804", column, "is not a boolean");
		return false;
	}
	return is_text(row, column) ? *value == 't' : *value != 0;
}

static int64_t
int64_from_text(VifloDbRow *row, int column, const char *value)
{
	char	   *end;
	long long	result;

	errno = 0;
	result = strtoll(value, &end, 10);
	if (end == value || *end != '\0')
		fail(row, "42804", column, "is not an integer");
	else if (errno == ERANGE)
		fail(row, "22003", column, "is out of range");
	else
		return result;
	return 0;
}

int64_t
viflo_db_row_int64(VifloDbRow *row, int column)
{
	const char *value;
	int			length;

	value = value_of(row, column, -1);
	if (value == NULL)
		return 0;
	if (is_text(row, column))
		return int64_from_text(row, column, value);
	switch (PQftype(row->result, column))
	{
		case VIFLO_DB_INT2OID:
			length = 2;
			break;
		case VIFLO_DB_INT4OID:
		case VIFLO_DB_OIDOID:
			length = 4;
			break;
		case VIFLO_DB_INT8OID:
			length = 8;
			break;
		default:
			fail(row, "42804", column, "is not an integer");
			return 0;
	}
	if (value_of(row, column, length) == NULL)
		return 0;
	if (PQftype(row->result, column) == VIFLO_DB_INT2OID)
		return (int16_t) read_bytes(value, 2);
	if (PQftype(row->result, column) == VIFLO_DB_INT4OID)
		return (int32_t) read_bytes(value, 4);
	return (int64_t) read_bytes(value, length);
}

int32_t
viflo_db_row_int32(VifloDbRow *row, int column)
{
	int64_t		value = viflo_db_row_int64(row, column);

	if (value < INT32_MIN || value > INT32_MAX)
	{
		fail(row, "22003", column, "is out of range");
		return 0;
	}
	return (int32_t) value;
}

/* In the C locale's notation, so not for programs with another LC_NUMERIC. */
static double
float64_from_text(VifloDbRow *row, int column, const char *value)
{
	char	   *end;
	double		result = strtod(value, &end);

	if (end != value && *end == '\0')
		return result;
	fail(row, "42804", column, "is not a number");
	return 0;
}

double
viflo_db_row_float64(VifloDbRow *row, int column)
{
	const char *value = value_of(row, column, -1);

	if (value == NULL)
		return 0;
	if (is_text(row, column))
		return float64_from_text(row, column, value);
	if (PQftype(row->result, column) == VIFLO_DB_FLOAT8OID)
	{
		uint64_t	bits;
		double		result;

		if (value_of(row, column, 8) == NULL)
			return 0;
		bits = read_bytes(value, 8);
		memcpy(&result, &bits, sizeof(result));
		return result;
	}
	if (PQftype(row->result, column) == VIFLO_DB_FLOAT4OID)
	{
		uint32_t	bits;
		float		result;

		if (value_of(row, column, 4) == NULL)
			return 0;
		bits = (uint32_t) read_bytes(value, 4);
		memcpy(&result, &bits, sizeof(result));
		return result;
	}
	return (double) viflo_db_row_int64(row, column);
}

VifloDbUuid
viflo_db_row_uuid(VifloDbRow *row, int column)
{
	VifloDbUuid uuid;
	const char *value = value_of(row, column, -1);

	memset(&uuid, 0, sizeof(uuid));
	if (value == NULL)
		return uuid;
	if (PQftype(row->result, column) != VIFLO_DB_UUIDOID ||
		(is_text(row, column) && !viflo_db_uuid_parse(value, &uuid)))
		fail(row, "42804", column, "is not a uuid");
	else if (!is_text(row, column) && value_of(row, column, 16) != NULL)
		memcpy(uuid.bytes, value, sizeof(uuid.bytes));
	return uuid;
}

VifloDbTimestamp
viflo_db_row_timestamp(VifloDbRow *row, int column)
{
	const char *value = value_of(row, column, -1);
	int64_t		timestamp;

	if (value == NULL)
		return 0;
	if (PQftype(row->result, column) != VIFLO_DB_TIMESTAMPTZOID)
	{
		fail(row, "42804", column, "is not a timestamp with time zone");
		return 0;
	}
	if (is_text(row, column))
	{
		fail(row, "42804", column, "was not asked for in binary format");
		return 0;
	}
	if (value_of(row, column, 8) == NULL)
		return 0;
	timestamp = (int64_t) read_bytes(value, 8);
	if (timestamp == VIFLO_DB_INFINITY || timestamp == VIFLO_DB_MINUS_INFINITY)
		return timestamp;
	if (timestamp >= VIFLO_DB_INFINITY - VIFLO_DB_EPOCH_USECS)
	{
		/* The server has some years more at that end than fit. */
		fail(row, "22008", column, "is out of range");
		return 0;
	}
	return timestamp + VIFLO_DB_EPOCH_USECS;
}

/* Types whose binary form is their text. */
static bool
is_textual(unsigned int type)
{
	return type == VIFLO_DB_TEXTOID || type == VIFLO_DB_VARCHAROID ||
		type == VIFLO_DB_BPCHAROID || type == VIFLO_DB_CHAROID ||
		type == VIFLO_DB_NAMEOID || type == VIFLO_DB_JSONOID ||
		type == VIFLO_DB_XMLOID || type == VIFLO_DB_UNKNOWNOID;
}

const char *
viflo_db_row_text_n(VifloDbRow *row, int column, size_t *length)
{
	const char *value;
	int			size;

	if (length != NULL)
		*length = 0;
	if (!exists(row, column) ||
		PQgetisnull(row->result, row->number, column))
		return NULL;
	value = PQgetvalue(row->result, row->number, column);
	size = PQgetlength(row->result, row->number, column);
	if (!is_text(row, column))
	{
		unsigned int type = PQftype(row->result, column);

		/* jsonb has a version number before its text. */
		if (type == VIFLO_DB_JSONBOID && size > 0 && value[0] == 1)
		{
			value++;
			size--;
		}
		else if (!is_textual(type))
		{
			fail(row, "42804", column, "is not text");
			return NULL;
		}
	}
	if (length != NULL)
		*length = size;
	return value;
}

const char *
viflo_db_row_text(VifloDbRow *row, int column)
{
	return viflo_db_row_text_n(row, column, NULL);
}

const unsigned char *
viflo_db_row_bytea(VifloDbRow *row, int column, size_t *length)
{
	*length = 0;
	if (!exists(row, column) ||
		PQgetisnull(row->result, row->number, column))
		return NULL;
	if (PQftype(row->result, column) != VIFLO_DB_BYTEAOID)
	{
		fail(row, "42804", column, "is not bytea");
		return NULL;
	}
	if (is_text(row, column))
	{
		fail(row, "42804", column, "was not asked for in binary format");
		return NULL;
	}
	*length = PQgetlength(row->result, row->number, column);
	return (const unsigned char *) PQgetvalue(row->result, row->number, column);
}

/* In text format the elements' type is known by the array's only. */
static VifloDbArrayStatus
read_array(const VifloDbRow *row, int column, VifloDbTextArray *array)
{
	const char *value = PQgetvalue(row->result, row->number, column);
	size_t		length = PQgetlength(row->result, row->number, column);
	unsigned int type = PQftype(row->result, column);

	if (!is_text(row, column))
		return viflo_db_array_from_binary(value, length, array);
	if (type != VIFLO_DB_TEXTARRAYOID && type != VIFLO_DB_VARCHARARRAYOID &&
		type != VIFLO_DB_NAMEARRAYOID)
		return VIFLO_DB_ARRAY_INVALID;
	return viflo_db_array_from_text(value, length, array);
}

VifloDbTextArray
viflo_db_row_text_array(VifloDbRow *row, int column)
{
	VifloDbTextArray array = {0, NULL};

	if (!exists(row, column) ||
		PQgetisnull(row->result, row->number, column))
		return array;
	switch (read_array(row, column, &array))
	{
		case VIFLO_DB_ARRAY_OK:
			return array;
		case VIFLO_DB_ARRAY_INVALID:
			fail(row, "42804", column, "is not a one-dimensional array of text");
			break;
		case VIFLO_DB_ARRAY_NO_MEMORY:
			row->failed = true;
			viflo_db_error_memory(row->error);
			break;
	}
	free(array.values);
	array.values = NULL;
	array.count = 0;
	return array;
}
