/*-------------------------------------------------------------------------
 * lines.c
 *	  A text line by line, and header lines "-- KEY: VALUE".
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/checksum.h"
#include "common/lines.h"

VifloSpan
viflo_span_trim(VifloSpan span)
{
	while (span.start < span.end && viflo_is_blank(*span.start))
		span.start++;
	while (span.end > span.start && viflo_is_blank(span.end[-1]))
		span.end--;
	return span;
}

char *
viflo_span_copy(VifloSpan span)
{
	return pnstrdup(span.start, span.end - span.start);
}

VifloLines
viflo_lines_begin(const char *text, size_t length)
{
	VifloLines	lines = {text, text + length, 0};

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lines.next += 3;
	return lines;
}

bool
viflo_lines_next(VifloLines *lines, VifloSpan *line)
{
	const char *lf;

	if (lines->next == lines->end)
		return false;
	lf = memchr(lines->next, '\n', lines->end - lines->next);
	line->start = lines->next;
	line->end = lf ? lf : lines->end;
	lines->next = lf ? lf + 1 : lines->end;
	lines->number++;
	return true;
}

char *
viflo_line_from(const char *text)
{
	char	   *line = pstrdup(text);

	for (char *p = line; *p != '\0'; p++)
	{
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	}
	return line;
}

bool
viflo_line_is_comment(VifloSpan line)
{
	line = viflo_span_trim(line);
	return line.end - line.start >= 2 && memcmp(line.start, "--", 2) == 0;
}

bool
viflo_line_key(VifloSpan line, VifloSpan *key, VifloSpan *value)
{
	const char *colon;

	line = viflo_span_trim(line);
	line.start += 2;
	colon = memchr(line.start, ':', line.end - line.start);
	if (colon == NULL)
		return false;
	key->start = line.start;
	key->end = colon;
	value->start = colon + 1;
	value->end = line.end;
	*key = viflo_span_trim(*key);
	*value = viflo_span_trim(*value);
	return true;
}

static bool
key_matches(VifloSpan span, const char *key)
{
	const char *p = span.start;

	for (; *key != '\0'; key++)
	{
		if (p == span.end)
			return false;
		if (*key == ' ')
		{
			if (!viflo_is_blank(*p))
				return false;
			while (p < span.end && viflo_is_blank(*p))
				p++;
		}
		else if (pg_ascii_tolower((unsigned char) *p++) != (unsigned char) *key)
			return false;
	}
	return p == span.end;
}

int
viflo_key_find(VifloSpan key, const char *const *keys, int count)
{
	int			found = 0;

	while (found < count && !key_matches(key, keys[found]))
		found++;
	return found;
}
