/*-------------------------------------------------------------------------
 * output.h
 *	  What the user gets to see: results on stdout, all else on stderr.
 *
 * With --format json stdout gets exactly one JSON document, be it a result
 * or a failure; stderr gets the same as always.  Colour is for terminals
 * only, and not where NO_COLOR is set.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_OUTPUT_H
#define VIFLO_CLI_OUTPUT_H

#include <jansson.h>

#include "cli/failure.h"

extern void viflo_output_init(bool json, bool verbose, bool quiet);
extern bool viflo_output_is_json(void);

/*
 * Results.  Each is silent where it does not fit the format: the caller gives
 * both.  A line is printf's without the newline; text is printed as it stands,
 * with a newline if it has none.
 */
extern void viflo_output_line(const char *fmt,...) pg_attribute_printf(1, 2);
extern void viflo_output_text(const char *text);
extern void viflo_output_json(json_t *document);	/* takes the reference */
extern void viflo_output_json_text(const char *document);

/*
 * Rows of columns, aligned, two spaces between; a NULL or empty cell is blank.
 * cells is filled row by row.  A column that is empty throughout is left out.
 */
extern void viflo_output_table(const char *const *cells, int rows, int columns);

/* A JSON string; what is not UTF-8 in it is replaced.  NULL gives null. */
extern json_t *viflo_output_json_string(const char *text);

/* Remarks, on stderr; quiet leaves out all but warnings. */
extern void viflo_output_warning(const char *fmt,...) pg_attribute_printf(1, 2);
extern void viflo_output_note(const char *fmt,...) pg_attribute_printf(1, 2);
extern void viflo_output_verbose(const char *fmt,...) pg_attribute_printf(1, 2);

/* The same as a compiler says it: with file, line and caret where known. */
extern void viflo_output_placed_warning(const VifloFailure *warning);

/* Says what went wrong, in the same way.  Returns failure->status. */
extern int	viflo_output_failure(const VifloFailure *failure);

/*
 * The same; more, an object whose reference it takes, goes into the JSON
 * document, beside what all failures have there.  NULL: nothing.
 */
extern int	viflo_output_failure_more(const VifloFailure *failure, json_t *more);

/*
 * Says what went wrong with a part of what was to be done.  The failure as an
 * object, for the document that tells of all of it.
 */
extern json_t *viflo_output_failure_of_part(const VifloFailure *failure);

/* At the end: did all of stdout get where it should?  Status, or 1. */
extern int	viflo_output_finish(int status);

#endif							/* VIFLO_CLI_OUTPUT_H */
