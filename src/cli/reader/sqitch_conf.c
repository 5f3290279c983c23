/*-------------------------------------------------------------------------
 * sqitch_conf.c
 *	  sqitch.conf: where a project's files lie, and its variables.
 *
 * The file is one of git's: [section "sub section"], then indented lines, which
 * libinih would take for continuations.  A setting of the target wins over the
 * engine's, and that over the one in [core].  The user's and the system's files
 * are not looked at.
 *
 * Rules: App::Sqitch::Target, git-config(1).
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <ini.h>

#include "cli/reader/sqitch_conf.h"
#include "lib/stringinfo.h"

const char *const viflo_sqitch_scripts[VIFLO_SQITCH_SCRIPTS] = {"deploy", "revert", "verify"};

char *
viflo_sqitch_join(const char *dir, const char *name)
{
	int			length;

	while (strncmp(dir, "./", 2) == 0)
		dir += 2;
	length = strlen(dir);
	while (length > 1 && dir[length - 1] == '/')
		length--;
	if (length == 0 || strcmp(dir, ".") == 0)
		return pstrdup(name);
	return psprintf("%.*s/%s", length, dir, name);
}

/* The text with no blanks at the beginning of its lines. */
static char *
unindent(const VifloFile *file)
{
	char	   *text = palloc(file->length + 1);
	char	   *to = text;
	bool		begins = true;

	for (const char *p = file->text; *p != '\0'; p++)
	{
		if (begins && (*p == ' ' || *p == '\t'))
			continue;
		begins = *p == '\n';
		*to++ = *p;
	}
	*to = '\0';
	return text;
}

/* A value without its quotes, escapes and comment. */
static char *
read_value(const char *text)
{
	StringInfoData value;
	bool		quoted = false;
	int			end = 0;

	initStringInfo(&value);
	for (const char *p = text; *p != '\0'; p++)
	{
		char		c = *p;

		if (c == '"')
		{
			quoted = !quoted;
			end = value.len;
			continue;
		}
		if (!quoted && (c == '#' || c == ';'))
			break;
		if (c == '\\' && p[1] != '\0')
		{
			p++;
			c = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
		}
		appendStringInfoChar(&value, c);
		if (quoted || !isspace((unsigned char) c))
			end = value.len;
	}
	value.data[end] = '\0';
	return value.data;
}

/* For libinih: notes section.sub.key=value; section and key in lower case. */
static int
take_setting(void *user, const char *section, const char *name, const char *value)
{
	StringInfoData entry;
	const char *p = section;

	initStringInfo(&entry);
	for (; *p != '\0' && *p != '"' && !isspace((unsigned char) *p); p++)
		appendStringInfoChar(&entry, pg_ascii_tolower((unsigned char) *p));
	p += strcspn(p, "\"");
	if (*p == '"')
		appendStringInfoChar(&entry, '.');
	for (p += *p == '"'; *p != '\0' && *p != '"'; p++)
		appendStringInfoChar(&entry, *p);
	appendStringInfo(&entry, ".%s=%s", name, read_value(value));
	viflo_names_add(user, entry.data);
	return 1;
}

/* The last value of section.key, or NULL. */
static char *
find_setting(const VifloNames *settings, const char *section, const char *key)
{
	char	   *prefix = psprintf("%s.%s=", section, key);
	char	   *found = NULL;

	for (int i = settings->count - 1; i >= 0 && found == NULL; i--)
	{
		if (pg_strncasecmp(settings->names[i], prefix, strlen(prefix)) == 0)
			found = settings->names[i] + strlen(prefix);
	}
	pfree(prefix);
	return found != NULL && *found != '\0' ? found : NULL;
}

/* A setting that target, engine or core may have; or the default. */
static const char *
fetch(const VifloNames *settings, const char *target, const char *key,
	  const char *otherwise)
{
	const char *found = NULL;

	if (target != NULL)
		found = find_setting(settings, psprintf("target.%s", target), key);
	if (found == NULL)
		found = find_setting(settings, "engine.pg", key);
	if (found == NULL)
		found = find_setting(settings, "core", key);
	return found ? found : otherwise;
}

/* Adds the variables of a section. */
static void
add_variables(const VifloNames *settings, const char *section, VifloNames *variables)
{
	char	   *prefix = psprintf("%s.", section);

	for (int i = 0; i < settings->count; i++)
	{
		const char *rest = settings->names[i] + strlen(prefix);

		if (strncmp(settings->names[i], prefix, strlen(prefix)) == 0 &&
			strcspn(rest, ".") > strcspn(rest, "="))
			viflo_names_add(variables, pstrdup(rest));
	}
	pfree(prefix);
}

static void
fill(const VifloNames *settings, VifloSqitchConf *conf)
{
	const char *target = find_setting(settings, "core", "target");
	const char *top;
	const char *reworked;

	if (target == NULL)
		target = find_setting(settings, "engine.pg", "target");
	top = fetch(settings, target, "top_dir", "");
	reworked = fetch(settings, target, "reworked_dir", top);
	for (int i = 0; i < VIFLO_SQITCH_SCRIPTS; i++)
	{
		const char *name = viflo_sqitch_scripts[i];

		conf->dirs[i] = fetch(settings, target, psprintf("%s_dir", name),
							  viflo_sqitch_join(top, name));
		conf->reworked_dirs[i] = fetch(settings, target, psprintf("reworked_%s_dir", name),
									   viflo_sqitch_join(reworked, name));
	}
	conf->plan_file = fetch(settings, target, "plan_file",
							viflo_sqitch_join(top, VIFLO_SQITCH_PLAN));
	while (strncmp(conf->plan_file, "./", 2) == 0)
		conf->plan_file += 2;
	conf->extension = psprintf(".%s", fetch(settings, target, "extension", "sql"));
	viflo_names_add(&conf->variables,
					psprintf("registry=%s", fetch(settings, target, "registry", "sqitch")));
	add_variables(settings, "deploy.variables", &conf->variables);
	add_variables(settings, "engine.pg.variables", &conf->variables);
	if (target != NULL)
		add_variables(settings, psprintf("target.%s.variables", target), &conf->variables);
	conf->user_name = find_setting(settings, "user", "name");
	conf->user_email = find_setting(settings, "user", "email");
}

bool
viflo_sqitch_conf_read(const VifloFolder *folder, VifloSqitchConf *conf,
					   VifloFailure *failure)
{
	const VifloFile *file = viflo_folder_find(folder, VIFLO_SQITCH_CONF);
	VifloNames	settings = {0};
	const char *engine;
	int			line = 0;

	memset(conf, 0, sizeof(*conf));
	if (file != NULL)
	{
		if (!viflo_folder_check_text(folder, file, failure))
			return false;
		line = ini_parse_string(unindent(file), take_setting, &settings);
	}
	if (line != 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_SQITCH_CONF),
								  Max(line, 0), NULL, "line is neither [section] nor name = value");
	engine = find_setting(&settings, "core", "engine");
	if (engine != NULL && strcmp(engine, "pg") != 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_SQITCH_CONF), 0, NULL,
								  "engine \"%s\" is not PostgreSQL", engine);
	fill(&settings, conf);
	return true;
}
