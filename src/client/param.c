/*-------------------------------------------------------------------------
 * param.c
 *	  Parameters as libpq wants them.
 *
 * Everything but arrays is passed as it stands.  Sizes are checked here,
 * before anything is sent: a query that fails half sent costs the session.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "libpq_error.h"
#include "param.h"

/* The most that fits into one value, by the server's own limit. */
#define VALUE_MAX	((size_t) 0x3fffffff)

/* The most parameters that the protocol can count. */
#define PARAMS_MAX	65535

/* What an array and each of its elements have before their bytes. */
#define ARRAY_HEADER	20
#define ELEMENT_HEADER	4

static bool
too_large(int number, VifloDbError *error)
{
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "54000",
							  "parameter $%d is larger than 1 GB", number + 1);
}

static char *
put_int32(char *p, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (char) (value >> shift);
	return p;
}

static size_t
element_length(const VifloDbParam *param, size_t i)
{
	const char *const *values = param->data;

	return param->lengths ? param->lengths[i] : strlen(values[i]);
}

/* Bytes of a text[] in binary, or more than VALUE_MAX; is there a NULL in it? */
static size_t
array_size(const VifloDbParam *param, bool *has_null)
{
	const char *const *values = param->data;
	size_t		size = ARRAY_HEADER;

	*has_null = false;
	for (size_t i = 0; i < param->length && size <= VALUE_MAX; i++)
	{
		size_t		length = 0;

		if (values[i] == NULL)
			*has_null = true;
		else
			length = element_length(param, i);
		if (length > VALUE_MAX)
			return length;
		size += ELEMENT_HEADER + length;
	}
	return size;
}

/* A text[] in binary, malloc'd.  An empty one has no dimensions. */
static bool
encode_array(const VifloDbParam *param, int number, char **value, int *length,
			 VifloDbError *error)
{
	const char *const *values = param->data;
	bool		has_null;
	size_t		size = array_size(param, &has_null);
	char	   *p;

	if (size > VALUE_MAX)
		return too_large(number, error);
	*value = p = malloc(size);
	if (p == NULL)
		return viflo_db_error_memory(error);
	p = put_int32(p, param->length > 0 ? 1 : 0);
	p = put_int32(p, has_null ? 1 : 0);
	p = put_int32(p, VIFLO_DB_TEXTOID);
	if (param->length > 0)
	{
		p = put_int32(p, (uint32_t) param->length);
		p = put_int32(p, 1);
	}
	for (size_t i = 0; i < param->length; i++)
	{
		size_t		element;

		if (values[i] == NULL)
		{
			p = put_int32(p, UINT32_MAX);
			continue;
		}
		element = element_length(param, i);
		p = put_int32(p, (uint32_t) element);
		if (element > 0)
			memcpy(p, values[i], element);
		p += element;
	}
	*length = (int) (p - *value);
	return true;
}

static bool
encode_param(const VifloDbParam *param, int i, VifloDbEncoded *encoded,
			 VifloDbError *error)
{
	encoded->types[i] = param->type;
	encoded->formats[i] = 1;
	switch ((VifloDbParamKind) param->kind)
	{
		case VIFLO_DB_PARAM_NULL:
			return true;
		case VIFLO_DB_PARAM_TEXT:
			encoded->formats[i] = 0;
			encoded->values[i] = param->data;
			return strlen(param->data) <= VALUE_MAX || too_large(i, error);
		case VIFLO_DB_PARAM_INLINE:
			encoded->values[i] = (const char *) param->bytes;
			encoded->lengths[i] = (int) param->length;
			return true;
		case VIFLO_DB_PARAM_BINARY:
			if (param->length > VALUE_MAX)
				return too_large(i, error);
			encoded->values[i] = param->data;
			encoded->lengths[i] = (int) param->length;
			return true;
		case VIFLO_DB_PARAM_TEXT_ARRAY:
			if (!encode_array(param, i, &encoded->owned[i],
							  &encoded->lengths[i], error))
				return false;
			encoded->values[i] = encoded->owned[i];
			return true;
	}
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "22023",
							  "parameter $%d is of no known kind", i + 1);
}

bool
viflo_db_encode(const VifloDbParam *params, int count, VifloDbEncoded *encoded,
				VifloDbError *error)
{
	memset(encoded, 0, sizeof(*encoded));
	if (count < 0 || count > PARAMS_MAX)
		return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "54023",
								  "a query cannot have %d parameters", count);
	if (count == 0)
		return true;
	encoded->types = calloc(count, sizeof(*encoded->types));
	encoded->values = calloc(count, sizeof(*encoded->values));
	encoded->lengths = calloc(count, sizeof(*encoded->lengths));
	encoded->formats = calloc(count, sizeof(*encoded->formats));
	encoded->owned = calloc(count, sizeof(*encoded->owned));
	if (!encoded->types || !encoded->values || !encoded->lengths ||
		!encoded->formats || !encoded->owned)
		return viflo_db_error_memory(error);
	encoded->count = count;
	for (int i = 0; i < count; i++)
	{
		if (!encode_param(&params[i], i, encoded, error))
			return false;
	}
	return true;
}

void
viflo_db_encoded_free(VifloDbEncoded *encoded)
{
	for (int i = 0; i < encoded->count; i++)
		free(encoded->owned[i]);
	free(encoded->types);
	free(encoded->values);
	free(encoded->lengths);
	free(encoded->formats);
	free(encoded->owned);
	memset(encoded, 0, sizeof(*encoded));
}
