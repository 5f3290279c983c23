/*-------------------------------------------------------------------------
 * settings.h
 *	  What holds for every command: which database, project and folder.
 *
 * Each comes from an option, else the environment, else .env in the current
 * folder, else a default.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_SETTINGS_H
#define VIFLO_CLI_SETTINGS_H

#include "cli/failure.h"
#include "common/revision.h"

#define VIFLO_DEFAULT_DIR		"migrations"

/* The project of a folder whose database does not name one. */
#define VIFLO_DEFAULT_PROJECT	"app"

/* Filled by main from the options, completed by viflo_settings_complete(). */
typedef struct VifloSettings
{
	char	   *url;			/* NULL: libpq's own defaults */
	bool		url_by_option;
	char	   *project;		/* NULL: decided when connected */
	char	   *dir;			/* after completing never NULL */
	bool		dir_given;		/* named by somebody: it must exist */
	bool		dir_exists;
	char	   *layout;			/* NULL: found out from the folder */
	VifloNames	set;			/* NAME=VALUE for placeholders */
	char	   *placeholders;	/* dollar, psql, none; NULL: the layout's own */
	bool		allow_programs; /* a script may run programs here */
	bool		importing;		/* by "viflo import": so may a layout's tool */
	bool		json;
	bool		verbose;
	bool		quiet;
} VifloSettings;

/*
 * Fails (usage) when .env cannot be read, or when must_exist and a folder
 * that was named is not there.
 */
extern bool viflo_settings_complete(VifloSettings *settings, bool must_exist,
									VifloFailure *failure);

#endif							/* VIFLO_CLI_SETTINGS_H */
