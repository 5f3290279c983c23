/*-------------------------------------------------------------------------
 * error.c
 *	  Filling, moving and freeing a VifloDbError.
 *
 * An error must be reportable when memory has run out: then its message is a
 * constant, which is why messages are freed here and nowhere else.
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* Stands for a message that could not be allocated; never written to. */
static char no_memory[] = "out of memory";

void
viflo_db_error_clear(VifloDbError *error)
{
	if (error == NULL)
		return;
	if (error->message != no_memory)
		free(error->message);
	free(error->severity);
	free(error->detail);
	free(error->hint);
	free(error->context);
	free(error->schema_name);
	free(error->table_name);
	free(error->column_name);
	free(error->datatype_name);
	free(error->constraint_name);
	free(error->internal_query);
	memset(error, 0, sizeof(*error));
}

void
viflo_db_error_move(VifloDbError *to, VifloDbError *from)
{
	if (to == from)
		return;
	if (to == NULL)
	{
		viflo_db_error_clear(from);
		return;
	}
	viflo_db_error_clear(to);
	*to = *from;
	memset(from, 0, sizeof(*from));
}

/* What fmt makes of args, malloc'd, or the constant above. */
static char *
format_message(const char *fmt, va_list args)
{
	va_list		copy;
	int			length;
	char	   *message = NULL;

	va_copy(copy, args);
	length = vsnprintf(NULL, 0, fmt, copy);
	va_end(copy);
	if (length >= 0)
		message = malloc((size_t) length + 1);
	if (message == NULL)
		return no_memory;
	vsnprintf(message, (size_t) length + 1, fmt, args);
	return message;
}

bool
viflo_db_error_set(VifloDbError *error, VifloDbErrorKind kind,
				   const char *sqlstate, const char *fmt,...)
{
	va_list		args;
	char	   *message;

	if (error == NULL)
		return false;

	/* The arguments may be strings of the error that is replaced. */
	va_start(args, fmt);
	message = format_message(fmt, args);
	va_end(args);
	viflo_db_error_clear(error);
	error->kind = kind;
	snprintf(error->sqlstate, sizeof(error->sqlstate), "%s", sqlstate);
	error->message = message;
	return false;
}
