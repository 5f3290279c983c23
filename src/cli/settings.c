/*-------------------------------------------------------------------------
 * settings.c
 *	  Completes what the options left open: environment, .env, defaults.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <sys/stat.h>

#include "cli/dotenv.h"
#include "cli/settings.h"

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
} Variables;

static bool
take_variable(const char *name, const char *value, void *arg)
{
	Variables  *variables = arg;
	Variable   *all[] = {&variables->url, &variables->project, &variables->tenant, &variables->dir};

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

/* The environment's value, else the one of .env. */
static char *
variable_value(const Variable *variable)
{
	const char *value = getenv(variable->name);

	if (value != NULL && value[0] != '\0')
		return pstrdup(value);
	return variable->value;
}

bool
viflo_settings_complete(VifloSettings *settings, bool must_exist,
						VifloFailure *failure)
{
	Variables	variables = {
		{"DATABASE_URL", NULL},
		{"VIFLO_PROJECT", NULL},
		{"VIFLO_TENANT", NULL},
		{"VIFLO_DIR", NULL}
	};
	struct stat st;

	if (!viflo_dotenv_read(".env", take_variable, &variables, failure))
		return false;
	settings->url_by_option = settings->url != NULL;
	if (settings->url == NULL)
		settings->url = variable_value(&variables.url);
	if (settings->project == NULL)
		settings->project = variable_value(&variables.project);
	if (settings->tenant == NULL)
		settings->tenant = variable_value(&variables.tenant);
	else if (settings->tenant[0] == '\0')
		settings->tenant = NULL;
	if (settings->dir == NULL)
		settings->dir = variable_value(&variables.dir);
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
