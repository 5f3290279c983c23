/*-------------------------------------------------------------------------
 * tern_template.h
 *	  The templates of tern's migrations, as far as they are plain.
 *
 *	{{.name}}		a value: --set, else [data] of tern.conf, else the environment
 *	{{template "shared/x.sql" .}}	another file of the folder, with its own
 *	a comment of theirs, within the same braces
 *
 * Everything else of Go's text/template, and sprig's functions, is refused:
 * guessing at a program is worse than saying so.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_TERN_TEMPLATE_H
#define VIFLO_CLI_TERN_TEMPLATE_H

#include "cli/reader/reader.h"
#include "common/lines.h"

#define VIFLO_TERN_CONF	"tern.conf"

/*
 * Notes the values that tern.conf has, if the folder has one.  Fails where it
 * is not fit to be sent.
 */
extern bool viflo_tern_read_conf(const VifloFolder *folder, VifloHistory *history,
								 VifloFailure *failure);

/* Has the text anything to replace? */
extern bool viflo_tern_has_template(VifloSpan text);

/*
 * Appends text, which begins at line first_line of file, to out with its
 * templates replaced.  Another file's text brings its own lines.  Fails with
 * file and line of what cannot be replaced.
 */
extern bool viflo_tern_replace(const VifloFolder *folder, VifloHistory *history,
							   const VifloFile *file, VifloSpan text, int first_line,
							   StringInfo out, VifloFailure *failure);

#endif							/* VIFLO_CLI_TERN_TEMPLATE_H */
