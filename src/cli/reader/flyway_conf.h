/*-------------------------------------------------------------------------
 * flyway_conf.h
 *	  What Flyway's configuration says: flyway.conf beside the folder, the
 *	  environment, and the .conf of one script.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLYWAY_CONF_H
#define VIFLO_CLI_FLYWAY_CONF_H

#include "cli/reader/reader.h"

/* Made by viflo_flyway_conf_read(), or for one script a copy of that. */
typedef struct VifloFlywayConf
{
	bool		replaces;		/* placeholders */
	bool		in_transaction;
	const char *table;			/* of its history */
	const char *default_schema; /* or NULL */
	VifloNames	values;			/* NAME=VALUE of placeholders */
} VifloFlywayConf;

/*
 * Reads flyway.conf in the folder that folder lies in, if there is one, and
 * FLYWAY_PLACEHOLDERS_NAME of the environment, which goes before it.  Fails,
 * with the line, where it asks for other names of files or placeholders than
 * Flyway has by default; warns of what is not applied.
 */
extern bool viflo_flyway_conf_read(const VifloFolder *folder, VifloHistory *history,
								   VifloFlywayConf *conf, VifloFailure *failure);

/* Changes *conf as file, the .conf of one script, says. */
extern bool viflo_flyway_conf_of_script(const VifloFolder *folder, const VifloFile *file,
										VifloFlywayConf *conf, VifloFailure *failure);

/*
 * Sets the placeholders of history for a script: those of conf, and Flyway's
 * own as far as they can be told without asking a server.  The time is one of
 * them only for repeatable scripts, whose text may change.
 */
extern void viflo_flyway_conf_apply(const VifloFlywayConf *conf, VifloHistory *history,
									const char *base, bool repeatable);

#endif							/* VIFLO_CLI_FLYWAY_CONF_H */
