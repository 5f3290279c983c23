/*-------------------------------------------------------------------------
 * settings.h
 *	  What holds for every command: which database, project, tenant and folder.
 *
 * Each comes from an option, else the environment, else .env in the current
 * folder, else viflo.conf, else a default.  A database of viflo.conf that is
 * chosen by name stands right behind what else is said where it was chosen:
 * with --database it goes before the environment, so that an URL left there
 * cannot take its place.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_SETTINGS_H
#define VIFLO_CLI_SETTINGS_H

#include "cli/config.h"
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
	char	   *tenant;			/* schema to work in; NULL: none */
	char	   *dir;			/* after completing never NULL */
	bool		dir_given;		/* named by somebody: it must exist */
	bool		dir_exists;
	char	   *layout;			/* NULL: found out from the folder */
	VifloNames	set;			/* NAME=VALUE for placeholders */
	char	   *placeholders;	/* dollar, psql, none; NULL: the layout's own */
	bool		allow_programs; /* a script may run programs here */
	char	   *config_file;	/* --config, or NULL */
	char	   *database;		/* chosen by name, or NULL */
	VifloConfig *config;		/* after completing never NULL */
	char	   *format;			/* as asked for, or NULL */
	bool		importing;		/* by "viflo import": so may a layout's tool */
	bool		json;
	bool		verbose;
	bool		quiet;
} VifloSettings;

/*
 * Fails (usage) when .env or viflo.conf cannot be read, when no database of
 * the name chosen is in it, or when must_exist and a folder that was named is
 * not there.
 */
extern bool viflo_settings_complete(VifloSettings *settings, bool must_exist,
									VifloFailure *failure);

#endif							/* VIFLO_CLI_SETTINGS_H */
