/*-------------------------------------------------------------------------
 * envsub.h
 *	  Variables in a line as a shell has them: $NAME, ${NAME:-default}.
 *
 * What goose does between its ENVSUB ON and ENVSUB OFF:
 *
 *	$NAME ${NAME}	the value, nothing if there is none
 *	${NAME:-text}	text if there is no value or an empty one
 *	${NAME-text}	text if there is no value
 *	${NAME?text}	an error if there is no value
 *	${NAME:n} ${NAME:n:m}	m bytes from byte n on, negative ones from the end
 *	$$ \$			one $; hence $$ of a function's body must be doubled
 *
 * Two backslashes stay as they are, and so does "$(".  text may have variables
 * again.  Names begin with a letter.  Values come from --set, else from the
 * environment.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_ENVSUB_H
#define VIFLO_CLI_ENVSUB_H

#include "cli/reader/reader.h"
#include "common/lines.h"

/*
 * Appends the line with its variables replaced to out.  False: *error says
 * what is wrong with it, palloc'd.  *unset is the first name without a value
 * that became nothing, palloc'd, or left alone.  Notes in history that the
 * text depends on more than its file if it has any variable.
 */
extern bool viflo_envsub_line(VifloHistory *history, VifloSpan line, StringInfo out,
							  char **unset, char **error);

#endif							/* VIFLO_CLI_ENVSUB_H */
