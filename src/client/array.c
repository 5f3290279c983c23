/*-------------------------------------------------------------------------
 * array.c
 *	  text[] values, as the server sends them, to C strings.
 *
 * The result is one block: the pointers, then the strings.  How large it can
 * get at most is known before the elements are looked at.
 *-------------------------------------------------------------------------
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "param.h"

/* What is left of a binary value. */
typedef struct Input
{
	const unsigned char *data;
	size_t		length;
} Input;

static bool
take_int32(Input *input, int32_t *value)
{
	uint32_t	result = 0;

	if (input->length < 4)
		return false;
	for (int i = 0; i < 4; i++)
		result = result << 8 | input->data[i];
	input->data += 4;
	input->length -= 4;
	*value = (int32_t) result;
	return true;
}

/* Room for count strings of length bytes altogether, without their NULs. */
static char *
allocate(VifloDbTextArray *array, size_t count, size_t length)
{
	array->values = malloc((count + 1) * sizeof(char *) + length + count);
	return (char *) (array->values ? array->values + count + 1 : NULL);
}

/* Fails where the elements are not what their count and lengths say. */
static bool
read_elements(Input *input, int32_t count, char *strings, VifloDbTextArray *array)
{
	for (int32_t i = 0; i < count; i++)
	{
		int32_t		length;

		if (!take_int32(input, &length))
			return false;
		if (length == -1)
		{
			array->values[i] = NULL;
			continue;
		}
		if (length < 0 || (size_t) length > input->length)
			return false;
		array->values[i] = strings;
		memcpy(strings, input->data, length);
		strings[length] = '\0';
		strings += length + 1;
		input->data += length;
		input->length -= length;
	}
	array->values[count] = NULL;
	array->count = count;
	return input->length == 0;
}

VifloDbArrayStatus
viflo_db_array_from_binary(const char *data, size_t length,
						   VifloDbTextArray *array)
{
	Input		input = {(const unsigned char *) data, length};
	int32_t		dimensions;
	int32_t		flags;
	int32_t		type;
	int32_t		count = 0;
	int32_t		lower;
	char	   *strings;

	if (!take_int32(&input, &dimensions) || !take_int32(&input, &flags) ||
		!take_int32(&input, &type) || dimensions < 0 || dimensions > 1)
		return VIFLO_DB_ARRAY_INVALID;
	if (type != VIFLO_DB_TEXTOID && type != VIFLO_DB_VARCHAROID &&
		type != VIFLO_DB_NAMEOID)
		return VIFLO_DB_ARRAY_INVALID;
	if (dimensions == 1 &&
		(!take_int32(&input, &count) || !take_int32(&input, &lower)))
		return VIFLO_DB_ARRAY_INVALID;
	if (count < 0 || (size_t) count > input.length / 4)
		return VIFLO_DB_ARRAY_INVALID;
	strings = allocate(array, count, input.length);
	if (strings == NULL)
		return VIFLO_DB_ARRAY_NO_MEMORY;
	return read_elements(&input, count, strings, array) ?
		VIFLO_DB_ARRAY_OK : VIFLO_DB_ARRAY_INVALID;
}

/*
 * One element of an array's text from *input on, unquoted into *strings.
 * NULL (the SQL one) gives *value = NULL.  Leaves *input at "," or "}".
 */
static bool
read_text_element(const char **input, const char *end, char **strings,
				  char **value)
{
	const char *p = *input;
	bool		quoted = p < end && *p == '"';

	*value = *strings;
	if (quoted)
		p++;
	while (p < end && (quoted ? *p != '"' : *p != ',' && *p != '}'))
	{
		if (!quoted && *p == '{')
			return false;
		if (*p == '\\' && ++p == end)
			return false;
		*(*strings)++ = *p++;
	}
	if (quoted && p++ == end)
		return false;
	if (p >= end || (*p != ',' && *p != '}'))
		return false;
	*(*strings)++ = '\0';
	if (!quoted && strcmp(*value, "NULL") == 0)
		*value = NULL;
	*input = p;
	return true;
}

VifloDbArrayStatus
viflo_db_array_from_text(const char *data, size_t length, VifloDbTextArray *array)
{
	const char *p = data;
	const char *end = data + length;
	size_t		most = 1;
	char	   *strings;

	/* Lower bounds other than 1 are written before the elements. */
	if (p < end && *p == '[')
	{
		p = memchr(p, '=', length);
		if (p++ == NULL)
			return VIFLO_DB_ARRAY_INVALID;
	}
	if (p == end || *p++ != '{')
		return VIFLO_DB_ARRAY_INVALID;
	for (const char *c = p; c < end; c++)
		most += *c == ',';
	strings = allocate(array, most, length);
	if (strings == NULL)
		return VIFLO_DB_ARRAY_NO_MEMORY;
	if (p + 1 == end && *p == '}')
	{
		array->values[0] = NULL;
		return VIFLO_DB_ARRAY_OK;
	}
	do
	{
		if (!read_text_element(&p, end, &strings, &array->values[array->count]))
			return VIFLO_DB_ARRAY_INVALID;
		array->count++;
	} while (*p++ == ',');
	array->values[array->count] = NULL;
	return p == end ? VIFLO_DB_ARRAY_OK : VIFLO_DB_ARRAY_INVALID;
}
