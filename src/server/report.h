/*-------------------------------------------------------------------------
 * report.h
 *	  Errors as users see them: where in which script, and our own SQLSTATEs.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_REPORT_H
#define VIFLO_REPORT_H

#include "common/error.h"
#include "utils/elog.h"

/* errcode() of one of sqlstate.h's strings. */
#define viflo_errcode(sqlstate) \
	errcode(MAKE_SQLSTATE((sqlstate)[0], (sqlstate)[1], (sqlstate)[2], \
						  (sqlstate)[3], (sqlstate)[4]))

/* Line ends among the bytes from (included) to to (not included). */
extern int	viflo_count_line_ends(const char *text, int from, int to);

/* 1-based line of a 0-based byte offset in text. */
extern int	viflo_line_of(const char *text, int offset);

/* Raises ERROR for what a function of src/common said; does not return. */
extern _Noreturn void viflo_report_error(const VifloError *error);

/*
 * The place that an error context speaks of.  On the stack of whoever runs
 * or reads a section; kept current by the statement loop.
 */
typedef struct VifloPlace
{
	const char *revision;
	const char *tenant;			/* NULL or "": none */
	const char *direction;		/* "up", "down", "verify" */
	const char *file;			/* or NULL: no source known */
	int			first_line;		/* line of file on which the section's text
								 * begins */
	const char *text;			/* the section, NUL-terminated, or NULL */
	int			location;		/* byte offset of the running statement */
	int			length;			/* its bytes; 0: no statement is running */
	int			line;			/* its 1-based line in text */
	int			number;			/* 1..; 0: none is running */
	ErrorContextCallback callback;	/* private */
} VifloPlace;

/*
 * While entered, every error gets the context line
 *     revision "0007_add_users" (up), line 12, statement 3, file "0007_add_users.up.sql"
 * (file left out where it is not known), and where it runs for a tenant a
 * line that names that.  The line is that of the error's
 * position where there is one, else the statement's first.  A position in the
 * script becomes an internal one into the failing statement's text, so that
 * psql shows that statement with a caret and not the caller's query.
 */
extern void viflo_place_enter(VifloPlace *place);
extern void viflo_place_leave(VifloPlace *place);

#endif							/* VIFLO_REPORT_H */
