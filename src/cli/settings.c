/*-------------------------------------------------------------------------
 * settings.c
 *	  Completes what the options left open: environment, .env, viflo.conf,
 *	  defaults.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <sys/stat.h>

#include "cli/dotenv.h"
#include "cli/output.h"
#include "cli/settings.h"

/* Where something was said; what is said further up goes first. */
typedef enum Place
{
	PLACE_OPTION,
	PLACE_ENVIRONMENT,
	PLACE_DOTENV,
	PLACE_NOWHERE
} Place;

/* Where a variable of .env goes, unless the real environment has it. */
typedef struct Variable
{
	const char *name;
	char	   *value;			/* NULL: not set; empty counts as not set */
} Variable;

typedef struct Variables
{
	Variable	url;
	Variable	project;
	Variable	tenant;
	Variable	dir;
	Variable	database;
	Variable	config;
} Variables;

static bool
take_variable(const char *name, const char *value, void *arg)
{
	Variables  *variables = arg;
	Variable   *all[] = {&variables->url, &variables->project, &variables->tenant,
	&variables->dir, &variables->database, &variables->config};

	for (int i = 0; i < lengthof(all); i++)
	{
		if (strcmp(name, all[i]->name) != 0)
			continue;
		if (value == NULL)
			return false;
		all[i]->value = value[0] != '\0' ? pstrdup(value) : NULL;
	}
	return true;
}

/* The value at this place; a variable may be NULL. */
static const char *
value_at(Place place, const char *option, const Variable *variable)
{
	const char *value = NULL;

	if (place == PLACE_OPTION)
		return option;
	if (variable != NULL && place == PLACE_ENVIRONMENT)
		value = getenv(variable->name);
	else if (variable != NULL && place == PLACE_DOTENV)
		value = variable->value;
	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The first place that says something, which is *value. */
static Place
find_place(const char *option, const Variable *variable, const char **value)
{
	Place		place = PLACE_OPTION;

	while (place < PLACE_NOWHERE && (*value = value_at(place, option, variable)) == NULL)
		place++;
	return place;
}

/*
 * The value of a setting, palloc'd, or NULL.  chosen is where the database
 * was chosen.  *place is where the value was found: PLACE_NOWHERE for the top
 * of viflo.conf, or for none.
 */
static char *
setting(const VifloSettings *settings, Place chosen, const char *option,
		const Variable *variable, const char *key, Place *place)
{
	const char *value = NULL;

	for (*place = PLACE_OPTION; *place < PLACE_NOWHERE && value == NULL; (*place)++)
	{
		value = value_at(*place, option, variable);
		if (value == NULL && *place == chosen)
			value = viflo_config_get_own(settings->config, settings->database, key);
		if (value != NULL)
			break;
	}
	if (value == NULL)
		value = viflo_config_get_own(settings->config, NULL, key);
	return value != NULL ? pstrdup(value) : NULL;
}

/* Reads viflo.conf, and finds out which database of it is meant. */
static bool
choose_database(VifloSettings *settings, const Variables *variables, Place *chosen,
				VifloFailure *failure)
{
	const char *file = NULL;
	const char *name = NULL;

	(void) find_place(settings->config_file, &variables->config, &file);
	*chosen = find_place(settings->database, &variables->database, &name);
	settings->config = viflo_config_read(file, failure);
	if (settings->config == NULL)
		return false;
	if (name == NULL)
		return true;
	settings->database = pstrdup(name);
	if (viflo_config_has_database(settings->config, name))
		return true;
	file = viflo_config_file(settings->config);
	if (file == NULL)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE,
					  "there is no %s that could name database \"%s\"",
					  VIFLO_DEFAULT_CONFIG, name);
		viflo_failure_hint(failure, "Name the file with --config; an URL is given with --url.");
		return false;
	}
	viflo_failure(failure, VIFLO_EXIT_USAGE, "file \"%s\" has no database \"%s\"", file, name);
	viflo_failure_hint(failure, "A database is a section [%s] with at least one key.", name);
	return false;
}

/* Like libpq's of a password file, but it goes on: the user has no choice. */
static void
warn_of_secret(const VifloSettings *settings)
{
	const char *file = viflo_config_file(settings->config);
	struct stat st;

	if (settings->url != NULL && file != NULL && viflo_config_is_secret(settings->url) &&
		stat(file, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		viflo_output_warning("file \"%s\" holds a password, and others than its owner have access: make it u=rw (0600), or use a password file",
							 file);
}

/* Fills url, project, tenant, dir and layout where they are open. */
static bool
find_settings(VifloSettings *settings, VifloFailure *failure)
{
	Variables	variables = {
		{"DATABASE_URL", NULL},
		{"VIFLO_PROJECT", NULL},
		{"VIFLO_TENANT", NULL},
		{"VIFLO_DIR", NULL},
		{"VIFLO_DATABASE", NULL},
		{"VIFLO_CONFIG", NULL}
	};
	const char *configured;
	Place		chosen;
	Place		place;

	if (!viflo_dotenv_read(".env", take_variable, &variables, failure) ||
		!choose_database(settings, &variables, &chosen, failure))
		return false;
	settings->project = setting(settings, chosen, settings->project, &variables.project,
								VIFLO_CONFIG_PROJECT, &place);
	settings->tenant = setting(settings, chosen, settings->tenant, &variables.tenant,
							   VIFLO_CONFIG_TENANT, &place);
	if (settings->tenant != NULL && settings->tenant[0] == '\0')
		settings->tenant = NULL;
	settings->dir = setting(settings, chosen, settings->dir, &variables.dir,
							VIFLO_CONFIG_DIR, &place);
	settings->layout = setting(settings, chosen, settings->layout, NULL,
							   VIFLO_CONFIG_LAYOUT, &place);
	settings->url = setting(settings, chosen, settings->url, &variables.url,
							VIFLO_CONFIG_URL, &place);
	settings->url_by_option = place == PLACE_OPTION;
	configured = viflo_config_get(settings->config, settings->database, VIFLO_CONFIG_URL);
	if (configured != NULL && settings->url != NULL && strcmp(configured, settings->url) == 0)
		warn_of_secret(settings);
	return true;
}

/* For viflo_config_each(): adds NAME=VALUE. */
static void
add_value(const char *name, const char *value, void *arg)
{
	viflo_names_add(arg, psprintf("%s=%s", name, value));
}

/* Values of viflo.conf, then those of the command line, as the last one counts. */
static void
complete_values(VifloSettings *settings)
{
	VifloNames	given = settings->set;

	memset(&settings->set, 0, sizeof(settings->set));
	viflo_config_each(settings->config, settings->database, VIFLO_CONFIG_SET,
					  add_value, &settings->set);
	for (int i = 0; i < given.count; i++)
		viflo_names_add(&settings->set, given.names[i]);
}

bool
viflo_settings_complete(VifloSettings *settings, bool must_exist,
						VifloFailure *failure)
{
	struct stat st;

	if (!find_settings(settings, failure))
		return false;
	complete_values(settings);
	if (settings->project != NULL && settings->project[0] == '\0')
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "name of the project is empty");
	settings->dir_given = settings->dir != NULL;
	if (settings->dir == NULL)
		settings->dir = pstrdup(VIFLO_DEFAULT_DIR);
	canonicalize_path(settings->dir);

	settings->dir_exists = false;
	if (stat(settings->dir, &st) == 0)
	{
		settings->dir_exists = S_ISDIR(st.st_mode);
		if (!settings->dir_exists && must_exist && settings->dir_given)
			return viflo_failure(failure, VIFLO_EXIT_USAGE,
								 "\"%s\" is not a folder", settings->dir);
	}
	else if (errno == ENOENT && must_exist && settings->dir_given)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE,
					  "folder \"%s\" does not exist", settings->dir);
		viflo_failure_hint(failure, "Make it with: viflo init %s",
						   settings->dir);
		return false;
	}
	else if (errno != ENOENT && must_exist)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "could not read folder \"%s\": %m", settings->dir);
	return true;
}
