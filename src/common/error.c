/*-------------------------------------------------------------------------
 * error.c
 *	  Filling a VifloError.
 *
 * Nothing here can fail but by running out of memory.  A NULL error is
 * allowed everywhere, for callers that only want to know whether.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/error.h"

static char *format_message(const char *fmt, va_list args) pg_attribute_printf(1, 0);

/* What fmt makes of args, palloc'd; it need not be one of printf's own calls. */
static char *
format_message(const char *fmt, va_list args)
{
	size_t		size = 128;
	int			save_errno = errno;

	for (;;)
	{
		char	   *buf = palloc(size);
		size_t		needed;
		va_list		copy;

		va_copy(copy, args);
		errno = save_errno;
		needed = pvsnprintf(buf, size, fmt, copy);
		va_end(copy);
		if (needed < size)
			return buf;
		pfree(buf);
		size = needed;
	}
}

/* Forgets what *error said before and gives it its main parts. */
static void
start_error(VifloError *error, const char *sqlstate, int line)
{
	memset(error, 0, sizeof(*error));
	error->sqlstate = sqlstate;
	error->line = line;
}

bool
viflo_error(VifloError *error, const char *sqlstate, const char *fmt,...)
{
	va_list		args;

	if (error == NULL)
		return false;
	start_error(error, sqlstate, 0);
	va_start(args, fmt);
	error->message = format_message(fmt, args);
	va_end(args);
	return false;
}

bool
viflo_error_at(VifloError *error, const char *sqlstate, int line,
			   const char *fmt,...)
{
	va_list		args;

	if (error == NULL)
		return false;
	start_error(error, sqlstate, line);
	va_start(args, fmt);
	error->message = format_message(fmt, args);
	va_end(args);
	return false;
}

void
viflo_error_detail(VifloError *error, const char *fmt,...)
{
	va_list		args;

	if (error == NULL)
		return;
	va_start(args, fmt);
	error->detail = format_message(fmt, args);
	va_end(args);
}

void
viflo_error_hint(VifloError *error, const char *fmt,...)
{
	va_list		args;

	if (error == NULL)
		return;
	va_start(args, fmt);
	error->hint = format_message(fmt, args);
	va_end(args);
}
