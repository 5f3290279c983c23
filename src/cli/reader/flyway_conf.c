/*-------------------------------------------------------------------------
 * flyway_conf.c
 *	  What Flyway's configuration says.
 *
 * Both kinds of files hold Java properties, a line each: a key up to "=", ":"
 * or white space, then the value to the end of the line; "#" and "!" begin
 * comments.  ${NAME} in flyway.conf is the environment's.  Flyway's TOML is
 * not read, which is said.
 *
 * Rules: Flyway's ConfigUtils, SqlScriptMetadata, ParsingContext.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/reader/flyway_conf.h"
#include "cli/reader/placeholder.h"
#include "common/lines.h"

extern char **environ;

/* What would make files or texts mean something else, and must be as here. */
static const char *const fixed[][2] = {
	{"flyway.sqlMigrationPrefix", "V"},
	{"flyway.undoSqlMigrationPrefix", "U"},
	{"flyway.repeatableSqlMigrationPrefix", "R"},
	{"flyway.baselineMigrationPrefix", "B"},
	{"flyway.sqlMigrationSeparator", "__"},
	{"flyway.sqlMigrationSuffixes", ".sql"},
	{"flyway.placeholderPrefix", "${"},
	{"flyway.placeholderSuffix", "}"},
	{"flyway.placeholderSeparator", ":"},
	{"flyway.encoding", "UTF-8"},
};

/* A file of properties that is gone through. */
typedef struct Properties
{
	const char *path;
	VifloLines	lines;
	char	   *key;
	char	   *value;
} Properties;

/* The next property, or false. */
static bool
next_property(Properties *properties)
{
	VifloSpan	line;

	while (viflo_lines_next(&properties->lines, &line))
	{
		VifloSpan	key;

		line = viflo_span_trim(line);
		if (viflo_span_is_empty(line) || *line.start == '#' || *line.start == '!')
			continue;
		key.start = key.end = line.start;
		while (key.end < line.end && strchr("=: \t", *key.end) == NULL)
			key.end++;
		line.start = key.end;
		line = viflo_span_trim(line);
		if (!viflo_span_is_empty(line) && (*line.start == '=' || *line.start == ':'))
			line.start++;
		properties->key = viflo_span_copy(key);
		properties->value = viflo_span_copy(viflo_span_trim(line));
		return true;
	}
	return false;
}

static bool
fail_property(const Properties *properties, const char *what, VifloFailure *failure)
{
	return viflo_failure_file(failure, properties->path, properties->lines.number,
							  NULL, "\"%s\" %s", properties->key, what);
}

static bool
take_boolean(const Properties *properties, bool *to, VifloFailure *failure)
{
	if (pg_strcasecmp(properties->value, "true") != 0 &&
		pg_strcasecmp(properties->value, "false") != 0)
		return fail_property(properties, "must be true or false", failure);
	*to = pg_strcasecmp(properties->value, "true") == 0;
	return true;
}

bool
viflo_flyway_conf_of_script(const VifloFolder *folder, const VifloFile *file,
							VifloFlywayConf *conf, VifloFailure *failure)
{
	Properties	properties = {
		.path = viflo_folder_path(folder, file->name),
		.lines = viflo_lines_begin(file->text, file->length)
	};
	bool		good = true;

	while (good && next_property(&properties))
	{
		if (strcmp(properties.key, "executeInTransaction") == 0)
			good = take_boolean(&properties, &conf->in_transaction, failure);
		else if (strcmp(properties.key, "placeholderReplacement") == 0)
			good = take_boolean(&properties, &conf->replaces, failure);
		else if (strcmp(properties.key, "encoding") == 0)
			good = pg_strcasecmp(properties.value, "UTF-8") == 0 ||
				fail_property(&properties, "cannot be other than UTF-8", failure);
		else if (strcmp(properties.key, "shouldExecute") == 0)
			good = pg_strcasecmp(properties.value, "true") == 0 ||
				fail_property(&properties, "cannot be other than true", failure);
		else
			good = fail_property(&properties, "is nothing that a script can be configured with", failure);
	}
	return good;
}

/* A value of the environment in flyway.conf; what is not set is empty. */
static const char *
environment_value(const char *name, void *arg)
{
	const char *value;

	if (name[0] == '\0' ||
		name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return NULL;
	value = getenv(name);
	return value ? value : "";
}

static bool
take_property(const Properties *properties, VifloHistory *history,
			  VifloFlywayConf *conf, VifloFailure *failure)
{
	static const char prefix[] = "flyway.placeholders.";
	const char *key = properties->key;

	for (int i = 0; i < lengthof(fixed); i++)
	{
		if (strcmp(key, fixed[i][0]) == 0 && strcmp(properties->value, fixed[i][1]) != 0)
			return fail_property(properties, psprintf("cannot be other than \"%s\"", fixed[i][1]),
								 failure);
	}
	if (strncmp(key, prefix, strlen(prefix)) == 0)
		viflo_names_add(&conf->values,
						psprintf("%s=%s", key + strlen(prefix), properties->value));
	else if (strcmp(key, "flyway.placeholderReplacement") == 0)
		return take_boolean(properties, &conf->replaces, failure);
	else if (strcmp(key, "flyway.executeInTransaction") == 0)
		return take_boolean(properties, &conf->in_transaction, failure);
	else if (strcmp(key, "flyway.table") == 0)
		conf->table = properties->value;
	else if (strcmp(key, "flyway.defaultSchema") == 0 ||
			 (strcmp(key, "flyway.schemas") == 0 && conf->default_schema == NULL))
	{
		history->warned = true;
		conf->default_schema = pnstrdup(properties->value, strcspn(properties->value, ","));
		viflo_output_warning("%s: \"%s\" only fills the placeholder: where objects go is decided by search_path",
							 properties->path, key);
	}
	return true;
}

static void
take_environment(VifloFlywayConf *conf)
{
	static const char prefix[] = "FLYWAY_PLACEHOLDERS_";

	for (char **variable = environ; *variable != NULL; variable++)
	{
		if (strncmp(*variable, prefix, strlen(prefix)) == 0)
			viflo_names_add(&conf->values, pstrdup(*variable + strlen(prefix)));
	}
}

/* Flyway's own placeholders that are the same for all scripts. */
static void
take_own(const VifloSettings *settings, VifloFlywayConf *conf)
{
	const char *user = viflo_placeholders_connection(settings, "user");
	const char *database = viflo_placeholders_connection(settings, "dbname");
	char		directory[MAXPGPATH];

	viflo_names_add(&conf->values, psprintf("flyway:table=%s", conf->table));
	viflo_names_add(&conf->values, pstrdup("flyway:environment=default"));
	if (conf->default_schema != NULL)
		viflo_names_add(&conf->values, psprintf("flyway:defaultSchema=%s", conf->default_schema));
	if (user != NULL)
		viflo_names_add(&conf->values, psprintf("flyway:user=%s", user));
	if (database != NULL)
		viflo_names_add(&conf->values, psprintf("flyway:database=%s", database));
	if (getcwd(directory, sizeof(directory)) != NULL)
		viflo_names_add(&conf->values, psprintf("flyway:workingDirectory=%s", directory));
}

/* Takes the properties of flyway.conf, with values of the environment. */
static bool
take_conf(const char *path, const char *text, VifloHistory *history,
		  VifloFlywayConf *conf, VifloFailure *failure)
{
	VifloReplacement replacement = {
		.text = text,
		.length = strlen(text),
		.value = environment_value
	};
	Properties	properties = {.path = path};
	bool		good = true;

	(void) viflo_replace_dollar(&replacement);
	properties.lines = viflo_lines_begin(replacement.result.data, replacement.result.len);
	while (good && next_property(&properties))
		good = take_property(&properties, history, conf, failure);
	return good;
}

bool
viflo_flyway_conf_read(const VifloFolder *folder, VifloHistory *history,
					   VifloFlywayConf *conf, VifloFailure *failure)
{
	char	   *path;
	char	   *text;

	memset(conf, 0, sizeof(*conf));
	conf->replaces = conf->in_transaction = true;
	conf->table = "flyway_schema_history";
	if (!viflo_folder_read_beside(folder, "flyway.conf", &path, &text, failure))
		return false;
	history->outside |= text != NULL;
	if (text != NULL && !take_conf(path, text, history, conf, failure))
		return false;
	if (!viflo_folder_read_beside(folder, "flyway.toml", &path, &text, failure))
		return false;
	if (text != NULL)
	{
		history->warned = true;
		viflo_output_warning("%s: not read; placeholders of it can be given with --set", path);
	}
	take_environment(conf);
	take_own(history->settings, conf);
	return true;
}

void
viflo_flyway_conf_apply(const VifloFlywayConf *conf, VifloHistory *history,
						const char *base, bool repeatable)
{
	VifloPlaceholderRules *rules = &history->placeholders;
	time_t		now = time(NULL);
	char		stamp[32];

	memset(rules, 0, sizeof(*rules));
	rules->any_case = true;
	rules->off = !conf->replaces;
	rules->hint = "Of Flyway's own, viflo knows database, environment, filename, table, user, workingDirectory and, in repeatable migrations, timestamp.";
	for (int i = 0; i < conf->values.count; i++)
		viflo_names_add(&rules->values, conf->values.names[i]);
	viflo_names_add(&rules->values, psprintf("flyway:filename=%s", base));
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", localtime(&now));
	if (repeatable)
		viflo_names_add(&rules->values, psprintf("flyway:timestamp=%s", stamp));
}
