/*-------------------------------------------------------------------------
 * value.c
 *	  UUIDs and timestamps as text, and the makers of parameters.
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>

#include "param.h"
#include "value.h"

#define USECS_PER_SEC	INT64_C(1000000)
#define SECS_PER_DAY	INT64_C(86400)

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
viflo_db_uuid_parse(const char *text, VifloDbUuid *uuid)
{
	VifloDbUuid result;
	size_t		length = strlen(text);
	bool		hyphens;

	if (length >= 2 && text[0] == '{' && text[length - 1] == '}')
	{
		text++;
		length -= 2;
	}
	hyphens = length == VIFLO_DB_UUID_SIZE - 1;
	if (!hyphens && length != 32)
		return false;
	for (int i = 0; i < 16; i++)
	{
		int			high;
		int			low;

		if (hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		result.bytes[i] = (unsigned char) (high << 4 | low);
		text += 2;
	}
	*uuid = result;
	return true;
}

void
viflo_db_uuid_format(const VifloDbUuid *uuid, char text[VIFLO_DB_UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[uuid->bytes[i] >> 4];
		*text++ = digits[uuid->bytes[i] & 15];
	}
	*text = '\0';
}

bool
viflo_db_uuid_equal(const VifloDbUuid *a, const VifloDbUuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/*
 * Year, month and day of the Gregorian calendar, extended to all times, of
 * a day counted from 1970-01-01.  Years are counted from March, and in eras
 * of 400 of them, which all have the same length.
 */
static void
civil_date(int64_t days, int64_t *year, int *month, int *day)
{
	const int64_t days_per_era = 146097;
	int64_t		from_march = days + 719468; /* since 0000-03-01 */
	int64_t		era = (from_march >= 0 ? from_march :
					   from_march - (days_per_era - 1)) / days_per_era;
	int			of_era = (int) (from_march - era * days_per_era);
	int			year_of_era = (of_era - of_era / 1460 + of_era / 36524 -
							   of_era / 146096) / 365;
	int			of_year = of_era - (365 * year_of_era + year_of_era / 4 -
									year_of_era / 100);
	int			shifted = (5 * of_year + 2) / 153;	/* March is 0 */

	*day = of_year - (153 * shifted + 2) / 5 + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = era * 400 + year_of_era + (*month <= 2 ? 1 : 0);
}

void
viflo_db_timestamp_format(VifloDbTimestamp timestamp,
						  char text[VIFLO_DB_TIMESTAMP_SIZE])
{
	int64_t		seconds = timestamp / USECS_PER_SEC;
	int64_t		fraction = timestamp % USECS_PER_SEC;
	int64_t		days;
	int64_t		year;
	int			month;
	int			day;
	int			clock;

	if (timestamp == VIFLO_DB_INFINITY || timestamp == VIFLO_DB_MINUS_INFINITY)
	{
		strcpy(text, timestamp == VIFLO_DB_INFINITY ? "infinity" : "-infinity");
		return;
	}
	if (fraction < 0)
	{
		fraction += USECS_PER_SEC;
		seconds--;
	}
	days = seconds / SECS_PER_DAY;
	clock = (int) (seconds % SECS_PER_DAY);
	if (clock < 0)
	{
		clock += (int) SECS_PER_DAY;
		days--;
	}
	civil_date(days, &year, &month, &day);
	snprintf(text, VIFLO_DB_TIMESTAMP_SIZE,
			 "%s%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ",
			 year < 0 ? "-" : "", (long long) (year < 0 ? -year : year),
			 month, day, clock / 3600, clock / 60 % 60, clock % 60,
			 (int) fraction);
}

static VifloDbParam
make_param(VifloDbParamKind kind, unsigned int type, const void *data,
		   size_t length)
{
	VifloDbParam param;

	memset(&param, 0, sizeof(param));
	param.kind = kind;
	param.type = type;
	param.data = data;
	param.length = length;
	return param;
}

/* A number of size bytes, in network order. */
static VifloDbParam
make_inline(unsigned int type, uint64_t value, size_t size)
{
	VifloDbParam param = make_param(VIFLO_DB_PARAM_INLINE, type, NULL, size);

	for (size_t i = 0; i < size; i++)
		param.bytes[i] = (unsigned char) (value >> (8 * (size - 1 - i)));
	return param;
}

VifloDbParam
viflo_db_null(void)
{
	return make_param(VIFLO_DB_PARAM_NULL, 0, NULL, 0);
}

VifloDbParam
viflo_db_text(const char *text)
{
	return viflo_db_typed(0, text);
}

VifloDbParam
viflo_db_typed(unsigned int type, const char *text)
{
	return make_param(text ? VIFLO_DB_PARAM_TEXT : VIFLO_DB_PARAM_NULL,
					  type, text, 0);
}

VifloDbParam
viflo_db_text_n(const char *text, size_t length)
{
	return make_param(text ? VIFLO_DB_PARAM_BINARY : VIFLO_DB_PARAM_NULL,
					  VIFLO_DB_TEXTOID, text, length);
}

VifloDbParam
viflo_db_bool(bool value)
{
	return make_inline(VIFLO_DB_BOOLOID, value ? 1 : 0, 1);
}

VifloDbParam
viflo_db_int32(int32_t value)
{
	return make_inline(VIFLO_DB_INT4OID, (uint32_t) value, 4);
}

VifloDbParam
viflo_db_int64(int64_t value)
{
	return make_inline(VIFLO_DB_INT8OID, (uint64_t) value, 8);
}

VifloDbParam
viflo_db_float64(double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return make_inline(VIFLO_DB_FLOAT8OID, bits, 8);
}

VifloDbParam
viflo_db_uuid(const VifloDbUuid *uuid)
{
	VifloDbParam param = make_param(uuid ? VIFLO_DB_PARAM_INLINE :
									VIFLO_DB_PARAM_NULL,
									VIFLO_DB_UUIDOID, NULL, 16);

	if (uuid != NULL)
		memcpy(param.bytes, uuid->bytes, 16);
	return param;
}

VifloDbParam
viflo_db_timestamp(VifloDbTimestamp timestamp)
{
	int64_t		value;

	if (timestamp == VIFLO_DB_INFINITY || timestamp == VIFLO_DB_MINUS_INFINITY)
		value = timestamp;
	else if (timestamp < VIFLO_DB_MINUS_INFINITY + VIFLO_DB_EPOCH_USECS)

		/* Before what the server has; it must say so, not wrap around. */
		value = VIFLO_DB_MINUS_INFINITY + 1;
	else
		value = timestamp - VIFLO_DB_EPOCH_USECS;
	return make_inline(VIFLO_DB_TIMESTAMPTZOID, (uint64_t) value, 8);
}

VifloDbParam
viflo_db_bytea(const void *bytes, size_t length)
{
	return make_param(bytes ? VIFLO_DB_PARAM_BINARY : VIFLO_DB_PARAM_NULL,
					  VIFLO_DB_BYTEAOID, bytes, length);
}

VifloDbParam
viflo_db_text_array(const char *const *values, const size_t *lengths,
					size_t count)
{
	VifloDbParam param = make_param(VIFLO_DB_PARAM_TEXT_ARRAY,
									VIFLO_DB_TEXTARRAYOID, values, count);

	param.lengths = lengths;
	return param;
}
