/*-------------------------------------------------------------------------
 * sqitch_conf.c
 *	  sqitch.conf: where a project's files lie, and its variables.
 *
 * A setting of the target wins over the engine's, and that over the one in
 * [core].  The user's and the system's files are not looked at.
 *
 * Rules: App::Sqitch::Target, ::Config, ::Command::deploy, ::revert, ::verify.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/gitconf.h"
#include "cli/reader/sqitch_conf.h"

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

/*
 * The variables of scripts of one kind.  Of a name the last counts: registry,
 * with which Sqitch calls psql, cannot be set.
 */
static void
fill_variables(const VifloNames *settings, const char *target, VifloSqitchScript kind,
			   VifloNames *variables)
{
	add_variables(settings, "core.variables", variables);
	add_variables(settings, "deploy.variables", variables);
	if (kind != VIFLO_SQITCH_DEPLOY)
		add_variables(settings, psprintf("%s.variables", viflo_sqitch_scripts[kind]), variables);
	add_variables(settings, "engine.pg.variables", variables);
	if (target != NULL)
		add_variables(settings, psprintf("target.%s.variables", target), variables);
	viflo_names_add(variables,
					psprintf("registry=%s", fetch(settings, target, "registry", "sqitch")));
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
		fill_variables(settings, target, i, &conf->variables[i]);
	}
	conf->plan_file = fetch(settings, target, "plan_file",
							viflo_sqitch_join(top, VIFLO_SQITCH_PLAN));
	while (strncmp(conf->plan_file, "./", 2) == 0)
		conf->plan_file += 2;
	conf->extension = psprintf(".%s", fetch(settings, target, "extension", "sql"));
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
		line = viflo_gitconf_read(file->text, &settings);
	}
	if (line != 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_SQITCH_CONF),
								  line, NULL, "line is neither [section] nor name = value");
	engine = find_setting(&settings, "core", "engine");
	if (engine != NULL && strcmp(engine, "pg") != 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, VIFLO_SQITCH_CONF), 0, NULL,
								  "engine \"%s\" is not PostgreSQL", engine);
	fill(&settings, conf);
	return true;
}
