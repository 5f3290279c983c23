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
 * One document of many parts: head, an object that is not empty and whose
 * reference it takes, with a member name more, an array of what next gives
 * until that is NULL; one is in memory at a time, and on a line of its own.
 */
extern void viflo_output_json_report(json_t *head, const char *name,
									 json_t *(*next) (void *arg), void *arg);

/*
 * Rows of columns, aligned, two spaces between; a NULL or empty cell is blank.
 * cells is filled row by row.  A column that is empty throughout is left out.
 */
extern void viflo_output_table(const char *const *cells, int rows, int columns);

/* "(12 ms)", of a number of milliseconds as text; palloc'd. */
extern char *viflo_output_duration(const char *milliseconds);

/* A JSON string; what is not UTF-8 in it is replaced.  NULL gives null. */
extern json_t *viflo_output_json_string(const char *text);

/*
 * Adds the document to an object: one that is an object itself has names of
 * its own for what it says, all else goes under name.  NULL: null.
 */
extern void viflo_output_json_add(json_t *to, const char *name, const char *document);

/* Remarks, on stderr; quiet leaves out all but warnings. */
extern void viflo_output_warning(const char *fmt,...) pg_attribute_printf(1, 2);
extern void viflo_output_note(const char *fmt,...) pg_attribute_printf(1, 2);
extern void viflo_output_verbose(const char *fmt,...) pg_attribute_printf(1, 2);

/*
 * The same as a compiler says it: with file, line and caret where known.  The
 * error is one of many, and not what the program ends with.
 */
extern void viflo_output_placed_warning(const VifloFailure *warning);
extern void viflo_output_placed_error(const VifloFailure *failure);

/* Says what went wrong, in the same way.  Returns failure->status. */
extern int	viflo_output_failure(const VifloFailure *failure);

/*
 * The same; more, an object whose reference it takes, goes into the JSON
 * document, beside what all failures have there.  NULL: nothing.
 */
extern int	viflo_output_failure_more(const VifloFailure *failure, json_t *more);

/* What it puts there. */
extern json_t *viflo_output_failure_document(const VifloFailure *failure);

/*
 * For what changes databases: it is not to die half way of a reader who has
 * gone, as in "viflo upgrade | head".  That is said at the end.
 */
extern void viflo_output_outlive_reader(void);

/* At the end: did all of stdout get where it should?  Status, or 1. */
extern int	viflo_output_finish(int status);

#endif							/* VIFLO_CLI_OUTPUT_H */
