/*-------------------------------------------------------------------------
 * sqitch_conf.h
 *	  sqitch.conf: where a project's files lie, and its variables.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_SQITCH_CONF_H
#define VIFLO_CLI_SQITCH_CONF_H

#include "cli/folder.h"
#include "common/revision.h"

#define VIFLO_SQITCH_CONF	"sqitch.conf"
#define VIFLO_SQITCH_PLAN	"sqitch.plan"

/* The three kinds of scripts, and what their folders are called. */
typedef enum VifloSqitchScript
{
	VIFLO_SQITCH_DEPLOY,
	VIFLO_SQITCH_REVERT,
	VIFLO_SQITCH_VERIFY
} VifloSqitchScript;

#define VIFLO_SQITCH_SCRIPTS	3

extern const char *const viflo_sqitch_scripts[VIFLO_SQITCH_SCRIPTS];

/* Names are relative to the folder; "" is the folder itself. */
typedef struct VifloSqitchConf
{
	const char *plan_file;
	const char *dirs[VIFLO_SQITCH_SCRIPTS];
	const char *reworked_dirs[VIFLO_SQITCH_SCRIPTS];
	char	   *extension;		/* with its dot */
	VifloNames	variables[VIFLO_SQITCH_SCRIPTS];	/* NAME=VALUE */
	char	   *user_name;		/* or NULL, as is the next */
	char	   *user_email;
} VifloSqitchConf;

/* "dir/name", or name where dir is the folder itself; palloc'd. */
extern char *viflo_sqitch_join(const char *dir, const char *name);

/*
 * Reads the project's own sqitch.conf; without one all is where it is by
 * default.  Fails on a line that is none of such a file, and for another
 * engine than PostgreSQL.
 */
extern bool viflo_sqitch_conf_read(const VifloFolder *folder, VifloSqitchConf *conf,
								   VifloFailure *failure);

#endif							/* VIFLO_CLI_SQITCH_CONF_H */
