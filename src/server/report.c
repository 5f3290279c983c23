/*-------------------------------------------------------------------------
 * report.c
 *	  Errors as users see them: where in which script, and our own SQLSTATEs.
 *
 * The context callback runs inside errfinish(), in ErrorContext, for every
 * message a script causes, notices too.  It reads the place and the message's
 * position, looks at no catalog, and raises nothing.
 *
 * A message's position counts characters; a place counts bytes.  The texts
 * of a place are valid in the server's encoding, as every text datum is.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/script.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "report.h"

/* A longer statement is shown by the one line that the error is in. */
#define QUOTED_STATEMENT_MAX	(16 * 1024)

int
viflo_count_line_ends(const char *text, int from, int to)
{
	const char *end = text + to;
	const char *at = text + from;
	int			count = 0;

	while (at < end && (at = memchr(at, '\n', end - at)) != NULL)
	{
		count++;
		at++;
	}
	return count;
}

int
viflo_line_of(const char *text, int offset)
{
	return viflo_count_line_ends(text, 0, offset) + 1;
}

void
viflo_report_error(const VifloError *error)
{
	ereport(ERROR,
			(viflo_errcode(error->sqlstate),
			 errmsg_internal("%s", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0,
			 error->line > 0 ? errcontext("line %d of the script", error->line) : 0));
}

/* Narrows [*from, *to) to the line that holds the byte at offset. */
static void
narrow_to_line(const char *text, int offset, int *from, int *to)
{
	int			start = offset;
	int			end = offset;

	while (start > *from && text[start - 1] != '\n')
		start--;
	while (end < *to && text[end] != '\n' && text[end] != '\r')
		end++;
	*from = start;
	*to = end;
}

/*
 * Turns the message's position in the script into one in the text of the
 * running statement, or of the line where none is running or the statement
 * is long.  Returns the script's 1-based line of the position; 0 when the
 * position is outside the text.
 */
static int
transpose_position(const VifloPlace *place, int position)
{
	int			text_length = strlen(place->text);
	int			offset = pg_mbcharcliplen(place->text, text_length, position - 1);
	int			from = 0;
	int			to = text_length;
	char	   *quoted;

	errposition(0);

	/* An error at the end of input is one past the last character. */
	if (offset == text_length &&
		pg_mbstrlen_with_len(place->text, offset) + 1 < position)
		return 0;

	if (place->length > 0 && offset >= place->location &&
		offset <= place->location + place->length)
	{
		from = place->location;
		to = place->location + place->length;
	}
	if (place->length == 0 || to - from > QUOTED_STATEMENT_MAX)
		narrow_to_line(place->text, offset, &from, &to);

	if (to - from <= QUOTED_STATEMENT_MAX)
	{
		quoted = pnstrdup(place->text + from, to - from);
		internalerrquery(quoted);
		internalerrposition(pg_mbstrlen_with_len(quoted, offset - from) + 1);
		pfree(quoted);
	}

	return viflo_line_of(place->text, offset);
}

/* What line of the section is in its file, or the one that its text names. */
static int
file_line(const VifloPlace *place, int line, const char **file)
{
	int			origin;
	char	   *name;

	if (place->text == NULL ||
		!viflo_script_origin(place->text, strlen(place->text), line, &origin, &name))
		return Max(place->first_line, 1) + line - 1;
	*file = name;
	return origin;
}

static void
place_callback(void *arg)
{
	const VifloPlace *place = (const VifloPlace *) arg;
	const char *file = place->file;
	int			position = geterrposition();
	int			line = place->number > 0 ? place->line : 0;
	char		where[64] = "";
	char		statement[32] = "";

	/*
	 * With an internal position the error is inside a function that the
	 * statement calls; its query has been named already.
	 */
	if (position > 0 && getinternalerrposition() > 0)
		errposition(0);
	else if (position > 0 && place->text != NULL)
	{
		int			position_line = transpose_position(place, position);

		if (position_line > 0)
			line = position_line;
	}

	if (line > 0)
		snprintf(where, sizeof(where), ", line %d", file_line(place, line, &file));
	if (place->number > 0)
		snprintf(statement, sizeof(statement), ", statement %d", place->number);

	if (file != NULL)
		errcontext("revision \"%s\" (%s)%s%s, file \"%s\"",
				   place->revision, place->direction,
				   where, statement, file);
	else
		errcontext("revision \"%s\" (%s)%s%s",
				   place->revision, place->direction, where, statement);
	if (place->tenant != NULL && place->tenant[0] != '\0')
		errcontext("tenant \"%s\"", place->tenant);
}

void
viflo_place_enter(VifloPlace *place)
{
	place->callback.callback = place_callback;
	place->callback.arg = place;
	place->callback.previous = error_context_stack;
	error_context_stack = &place->callback;
}

void
viflo_place_leave(VifloPlace *place)
{
	Assert(error_context_stack == &place->callback);
	error_context_stack = place->callback.previous;
}
