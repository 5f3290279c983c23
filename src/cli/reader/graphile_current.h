/*-------------------------------------------------------------------------
 * graphile_current.h
 *	  graphile-migrate's current migration: current.sql, or the files of
 *	  current/, with what they include.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_GRAPHILE_CURRENT_H
#define VIFLO_CLI_GRAPHILE_CURRENT_H

#include "cli/reader/reader.h"

/* Number of NUMBER.sql or NUMBER-slug.sql, digits and all; 0: it is neither. */
extern int	viflo_graphile_number_length(const char *base);

/*
 * The current migration as one file in *file, whose text is that of
 * current.sql where nothing is included; lines are those of "graphile-migrate
 * compile" otherwise.  *found: there is one.  Fails as the tool does: on both
 * current.sql and current/, on names without a number, on a number twice, on
 * an include that is missing, leads out of fixtures/ or includes itself.
 */
extern bool viflo_graphile_current(const VifloFolder *folder, VifloFile *file,
								   bool *found, VifloFailure *failure);

#endif							/* VIFLO_CLI_GRAPHILE_CURRENT_H */
