/*-------------------------------------------------------------------------
 * graphile_conf.h
 *	  What graphile-migrate's .gmrc says, beside the folder.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_GRAPHILE_CONF_H
#define VIFLO_CLI_GRAPHILE_CONF_H

#include "cli/reader/reader.h"

/*
 * Sets the placeholders of history: those of .gmrc, and the database's name
 * and owner, as far as they can be told without asking a server.  Warns of
 * actions, which are not run, and of .gmrc.js, which is not read.
 */
extern bool viflo_graphile_conf_read(const VifloFolder *folder, VifloHistory *history,
									 VifloFailure *failure);

/*
 * text, JSON with comments and with commas before closing brackets, in place:
 * blanks stand where these were.
 */
extern void viflo_graphile_conf_plain(char *text);

#endif							/* VIFLO_CLI_GRAPHILE_CONF_H */
