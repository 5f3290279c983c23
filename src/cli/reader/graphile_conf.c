/*-------------------------------------------------------------------------
 * graphile_conf.c
 *	  What graphile-migrate's .gmrc says.
 *
 * .gmrc is JSON5.  Of what that has more than JSON, comments and commas before
 * a closing bracket are understood, as the tool's own example has them; keys
 * without quotes and the like are an error.
 *
 * Rules: graphile-migrate's settings.ts, _common.ts, migration.ts.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <jansson.h>

#include "cli/output.h"
#include "cli/reader/graphile_conf.h"
#include "cli/reader/placeholder.h"

/* Makes blanks of the bytes from p to end, but for line ends. */
static char *
blank(char *p, const char *end)
{
	for (; p < end; p++)
	{
		if (*p != '\n')
			*p = ' ';
	}
	return p;
}

void
viflo_graphile_conf_plain(char *text)
{
	char	   *comma = NULL;	/* that only blanks and comments follow */

	for (char *p = text; *p != '\0'; p++)
	{
		if (*p == '"')
		{
			for (p++; *p != '\0' && *p != '"'; p++)
			{
				if (*p == '\\' && p[1] != '\0')
					p++;
			}
			comma = NULL;
			if (*p == '\0')
				return;
		}
		else if (p[0] == '/' && p[1] == '/')
			p = blank(p, p + strcspn(p, "\n")) - 1;
		else if (p[0] == '/' && p[1] == '*')
		{
			char	   *end = strstr(p + 2, "*/");

			p = blank(p, end ? end + 2 : p + strlen(p)) - 1;
		}
		else if (*p == ',')
			comma = p;
		else if ((*p == '}' || *p == ']') && comma != NULL)
			*comma = ' ';
		else if (!isspace((unsigned char) *p))
			comma = NULL;
	}
}

/* A placeholder of .gmrc; "!ENV" is the environment's variable. */
static bool
take_placeholder(const char *path, const char *key, const json_t *value,
				 VifloNames *values, VifloFailure *failure)
{
	const char *text = json_string_value(value);

	if (key[0] != ':' || !isupper((unsigned char) key[1]) ||
		key[1 + strspn(key + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != '\0' || text == NULL)
		return viflo_failure_file(failure, path, 0, NULL,
								  "placeholder \"%s\" is not of the form \":NAME\": \"value\"", key);
	if (strcmp(text, "!ENV") == 0)
	{
		text = getenv(key + 1);
		if (text == NULL || text[0] == '\0')
			return viflo_failure_file(failure, path, 0, NULL,
									  "placeholder \"%s\" is not in the environment", key);
	}
	viflo_names_add(values, psprintf("%s=%s", key + 1, text));
	return true;
}

static bool
read_gmrc(const char *path, char *text, VifloHistory *history,
		  VifloFailure *failure)
{
	static const char *const actions[] = {"beforeAllMigrations", "afterAllMigrations", "beforeCurrent", "afterCurrent"};
	json_error_t error;
	json_t	   *gmrc;
	json_t	   *value;
	const char *key;
	bool		good = true;

	viflo_graphile_conf_plain(text);
	gmrc = json_loads(text, 0, &error);
	if (gmrc == NULL)
	{
		viflo_failure_file(failure, path, error.line, NULL, "could not read configuration: %s",
						   error.text);
		viflo_failure_hint(failure, "Of JSON5, comments and trailing commas are understood.");
		return false;
	}
	for (int i = 0; i < lengthof(actions); i++)
	{
		json_t	   *action = json_object_get(gmrc, actions[i]);

		if (json_array_size(action) == 0 && !json_is_object(action) && !json_is_string(action))
			continue;
		history->warned = true;
		viflo_output_warning("%s: \"%s\" is not run", path, actions[i]);
	}
	json_object_foreach(json_object_get(gmrc, "placeholders"), key, value)
		good = good && take_placeholder(path, key, value, &history->placeholders.values, failure);
	json_decref(gmrc);
	return good;
}

bool
viflo_graphile_conf_read(const VifloFolder *folder, VifloHistory *history,
						 VifloFailure *failure)
{
	static const char *const scripts[] = {".gmrc.js", ".gmrc.cjs"};
	VifloNames *values = &history->placeholders.values;
	const char *name = viflo_placeholders_connection(history->settings, "dbname");
	const char *owner = viflo_placeholders_connection(history->settings, "user");
	char	   *path;
	char	   *text;
	bool		found = false;

	history->placeholders.own_values_only = true;
	if (!viflo_folder_read_beside(folder, ".gmrc", &path, &text, failure))
		return false;
	found = text != NULL;
	history->outside |= found;
	if (found && !read_gmrc(path, text, history, failure))
		return false;
	for (int i = 0; i < lengthof(scripts) && !found; i++)
	{
		if (!viflo_folder_read_beside(folder, scripts[i], &path, &text, failure))
			return false;
		found = text != NULL;
		if (!found)
			continue;
		history->warned = true;
		viflo_output_warning("%s: not read; placeholders of it can be given with --set", path);
	}
	if (name != NULL)
		viflo_names_add(values, psprintf("DATABASE_NAME=%s", name));
	if (owner != NULL)
		viflo_names_add(values, psprintf("DATABASE_OWNER=%s", owner));
	return true;
}
