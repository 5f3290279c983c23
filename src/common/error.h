/*-------------------------------------------------------------------------
 * error.h
 *	  Why a function of src/common failed, for its caller to report.
 *
 * src/common never raises: a function that can fail returns false (or NULL,
 * or -1) and fills a VifloError.  The server turns it into an ereport, the
 * program into a line on stderr; neither parses the text.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ERROR_H
#define VIFLO_ERROR_H

/*
 * Made by the caller on its stack, zeroed; the strings are palloc'd in the
 * memory context that was current when the error was set.
 */
typedef struct VifloError
{
	const char *sqlstate;		/* one of sqlstate.h */
	char	   *message;		/* PostgreSQL's wording rules: no period */
	char	   *detail;			/* sentences, or NULL */
	char	   *hint;			/* sentences, or NULL */
	int			line;			/* 1-based line of the text read, or 0 */
} VifloError;

/* Both return false, so that "return viflo_error(...)" reads well. */
extern bool viflo_error(VifloError *error, const char *sqlstate,
						const char *fmt,...) pg_attribute_printf(3, 4);
extern bool viflo_error_at(VifloError *error, const char *sqlstate, int line,
						   const char *fmt,...) pg_attribute_printf(4, 5);

extern void viflo_error_detail(VifloError *error, const char *fmt,...) pg_attribute_printf(2, 3);
extern void viflo_error_hint(VifloError *error, const char *fmt,...) pg_attribute_printf(2, 3);

#endif							/* VIFLO_ERROR_H */
