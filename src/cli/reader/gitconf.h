/*-------------------------------------------------------------------------
 * gitconf.h
 *	  A configuration file as git has them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_GITCONF_H
#define VIFLO_CLI_GITCONF_H

#include "common/revision.h"

/*
 * Adds the settings of text, NUL-terminated, as "section.key=value", or with
 * a subsection "section.sub.key=value"; sections in lower case, a key without
 * a value with an empty one; palloc'd.  Returns the line that is none of such
 * a file, or 0.
 */
extern int	viflo_gitconf_read(const char *text, VifloNames *settings);

#endif							/* VIFLO_CLI_GITCONF_H */
