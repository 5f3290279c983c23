/*-------------------------------------------------------------------------
 * lines.h
 *	  A text line by line, and header lines "-- KEY: VALUE".
 *
 * Nothing is copied, and nothing needs a terminating NUL.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LINES_H
#define VIFLO_LINES_H

/* A piece of a text, without its line end. */
typedef struct VifloSpan
{
	const char *start;
	const char *end;
} VifloSpan;

/* Where a pass over a text stands. */
typedef struct VifloLines
{
	const char *next;
	const char *end;
	int			number;			/* of the current line, from 1 */
} VifloLines;

/* Begins a pass; a byte order mark is not part of the first line. */
extern VifloLines viflo_lines_begin(const char *text, size_t length);

/* False: there is no further line. */
extern bool viflo_lines_next(VifloLines *lines, VifloSpan *line);

/* span without the white space at its ends */
extern VifloSpan viflo_span_trim(VifloSpan span);

/* palloc'd */
extern char *viflo_span_copy(VifloSpan span);

static inline VifloSpan
viflo_span_of(const char *string)
{
	VifloSpan	span = {string, string + strlen(string)};

	return span;
}

static inline bool
viflo_span_is_empty(VifloSpan span)
{
	return span.start == span.end;
}

/* The text as one line, which a comment or header can hold, palloc'd. */
extern char *viflo_line_from(const char *text);

/* Is the line a "--" comment? */
extern bool viflo_line_is_comment(VifloSpan line);

/*
 * Takes a line that is a comment apart at its first colon, both parts
 * trimmed.  False: it has no colon.
 */
extern bool viflo_line_key(VifloSpan line, VifloSpan *key, VifloSpan *value);

/*
 * Which of the count keys, in any case, with any white space between its
 * words, is this?  count: none of them.  keys are in lower case.
 */
extern int	viflo_key_find(VifloSpan key, const char *const *keys, int count);

#endif							/* VIFLO_LINES_H */
