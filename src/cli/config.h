/*-------------------------------------------------------------------------
 * config.h
 *	  viflo.conf: what a team sets once, and its databases by name.
 *
 * An INI file.  Keys before the first section, or in [viflo], hold for all;
 * any other section is a database of that name, whose keys go first.  Values
 * are kept as they are used: paths are relative to the current folder, not to
 * the file any more.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_CONFIG_H
#define VIFLO_CLI_CONFIG_H

#include "cli/failure.h"

#define VIFLO_DEFAULT_CONFIG	"viflo.conf"

/* Keys; besides there are those of VIFLO_CONFIG_SET, with any name behind. */
#define VIFLO_CONFIG_URL			"url"
#define VIFLO_CONFIG_PROJECT		"project"
#define VIFLO_CONFIG_TENANT			"tenant"
#define VIFLO_CONFIG_DIR			"dir"
#define VIFLO_CONFIG_LAYOUT			"layout"
#define VIFLO_CONFIG_LATE			"late"
#define VIFLO_CONFIG_FILE_TEMPLATE	"file_template"
#define VIFLO_CONFIG_SLUG_LENGTH	"slug_length"
#define VIFLO_CONFIG_POST_WRITE		"post_write"
#define VIFLO_CONFIG_SET			"set."

/* palloc'd, lives as long as the program. */
typedef struct VifloConfig VifloConfig;

/*
 * Reads the file path, or (NULL) the one that VIFLO_CONFIG names, or
 * VIFLO_DEFAULT_CONFIG where that is there; no file gives an empty config.
 * NULL and *failure (usage) on what cannot be read, naming file and line.
 */
extern VifloConfig *viflo_config_read(const char *path, VifloFailure *failure);

/* The file that was read, or NULL. */
extern const char *viflo_config_file(const VifloConfig *config);

/*
 * The value of key for the database (NULL: at the top), whose section falls
 * back to the top; NULL where neither has it.
 */
extern const char *viflo_config_get(const VifloConfig *config, const char *database,
									const char *key);

/* The same without falling back. */
extern const char *viflo_config_get_own(const VifloConfig *config, const char *database,
										const char *key);

/* Does the section of the database itself have a key of VIFLO_CONFIG_SET? */
extern bool viflo_config_sets_own(const VifloConfig *config, const char *database);

/*
 * Calls fn for all keys that begin with prefix, in the order of the file: those
 * of the top that the database (unless it is NULL) has not got itself, then
 * those of the database.  name is what stands behind prefix.
 */
extern void viflo_config_each(const VifloConfig *config, const char *database,
							  const char *prefix,
							  void (*fn) (const char *name, const char *value, void *arg),
							  void *arg);

extern bool viflo_config_has_database(const VifloConfig *config, const char *database);

/* Names of all databases, in the order of the file, NULL-terminated. */
extern const char *const *viflo_config_databases(const VifloConfig *config);

/* Does an URL hold a password? */
extern bool viflo_config_is_secret(const char *url);

#endif							/* VIFLO_CLI_CONFIG_H */
