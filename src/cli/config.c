/*-------------------------------------------------------------------------
 * config.c
 *	  viflo.conf: reads it, once, and answers from memory.
 *
 * libinih splits the lines.  It gets them without white space in front, as a
 * line that begins with some would go on the value before.  How long a line
 * may be is fixed where libinih is built as its author has it, at 200 bytes;
 * that of Debian lets the program choose.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <ini.h>
#include <libpq-fe.h>

#include "cli/config.h"
#include "cli/template.h"
#include "common/revision.h"
#include "lib/stringinfo.h"

/* Longest line that is read, where libinih can be told. */
#define MAX_LINE	65536

extern bool ini_use_stack __attribute__((weak));
extern int	ini_max_line __attribute__((weak));
extern int	ini_initial_alloc __attribute__((weak));

/* libinih cuts longer names of sections off. */
#define MAX_SECTION 48

/* The section that is not a database. */
#define TOP_SECTION "viflo"

typedef struct Entry
{
	int			section;		/* index in databases, -1: the top */
	char	   *key;
	char	   *value;
} Entry;

struct VifloConfig
{
	const char *file;			/* NULL: none was read */
	int			count;
	Entry	   *entries;
	VifloNames	databases;
};

/* What reading needs, and the first thing that is wrong. */
typedef struct Reading
{
	VifloConfig *config;
	FILE	   *stream;
	char	   *line;
	size_t		size;
	int			number;
	bool		failed;
	VifloFailure *failure;
} Reading;

static const char *const keys[] = {
	VIFLO_CONFIG_URL, VIFLO_CONFIG_PROJECT, VIFLO_CONFIG_TENANT, VIFLO_CONFIG_DIR,
	VIFLO_CONFIG_LAYOUT, VIFLO_CONFIG_LATE, VIFLO_CONFIG_FILE_TEMPLATE,
	VIFLO_CONFIG_SLUG_LENGTH, VIFLO_CONFIG_POST_WRITE, VIFLO_CONFIG_SET, NULL
};

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Notes what is wrong with the current line; the first counts.  Always 0, for
 * libinih.
 */
static int	fail(Reading *reading, const char *hint, const char *fmt,...) pg_attribute_printf(3, 4);

static int
fail(Reading *reading, const char *hint, const char *fmt,...)
{
	char		message[1024];
	va_list		args;

	if (reading->failed)
		return 0;
	reading->failed = true;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	viflo_failure_file(reading->failure, reading->config->file, reading->number, NULL,
					   "%s", message);
	reading->failure->status = VIFLO_EXIT_USAGE;
	viflo_failure_hint(reading->failure, "%s", hint);
	return 0;
}

static int
fail_key(Reading *reading, const char *key)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; keys[i] != NULL; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 strcmp(keys[i], VIFLO_CONFIG_SET) == 0 ? "set.NAME" : keys[i]);
	return fail(reading, psprintf("Keys are: %s.", names.data), "unknown key \"%s\"", key);
}

static bool
is_key(const char *name)
{
	for (int i = 0; keys[i] != NULL; i++)
	{
		if (strcmp(keys[i], name) == 0)
			return strcmp(name, VIFLO_CONFIG_SET) != 0;
	}
	return starts_with(name, VIFLO_CONFIG_SET);
}

/* Is the value one for this key?  1 or, after fail(), 0. */
static int
check_value(Reading *reading, const char *key, const char *value)
{
	char	   *end;
	const char *why;

	if (value[0] == '\0' && !starts_with(key, VIFLO_CONFIG_SET))
		return fail(reading, "Leave the line out, or give it a value.",
					"key \"%s\" has no value", key);
	if (strcmp(key, VIFLO_CONFIG_LATE) == 0 && strcmp(value, "refuse") != 0 &&
		strcmp(value, "apply") != 0 && strcmp(value, "list") != 0)
		return fail(reading, "It is refuse, apply or list.",
					"\"%s\" is no value of key \"%s\"", value, key);
	if (strcmp(key, VIFLO_CONFIG_SLUG_LENGTH) == 0)
	{
		long		length = strtol(value, &end, 10);

		if (*end != '\0' || length < 1 || length > VIFLO_MAX_SLUG_LENGTH)
			return fail(reading,
						psprintf("It is a number from 1 to %d.", VIFLO_MAX_SLUG_LENGTH),
						"\"%s\" is no value of key \"%s\"", value, key);
	}
	if (strcmp(key, VIFLO_CONFIG_FILE_TEMPLATE) == 0 &&
		(why = viflo_template_check(value)) != NULL)
		return fail(reading, VIFLO_TEMPLATE_HINT, "key \"%s\": %s", key, why);
	return 1;
}

static int
find_database(const VifloConfig *config, const char *name)
{
	for (int i = 0; i < config->databases.count; i++)
	{
		if (strcmp(config->databases.names[i], name) == 0)
			return i;
	}
	return -1;
}

static const Entry *
find_entry(const VifloConfig *config, int section, const char *key)
{
	for (int i = 0; i < config->count; i++)
	{
		if (config->entries[i].section == section && strcmp(config->entries[i].key, key) == 0)
			return &config->entries[i];
	}
	return NULL;
}

/* A path that the file names, as it is reached from the current folder. */
static char *
relative_to_file(const char *file, const char *path)
{
	char	   *folder = pstrdup(file);

	get_parent_directory(folder);
	if (is_absolute_path(path) || folder[0] == '\0')
		return pstrdup(path);
	return psprintf("%s/%s", folder, path);
}

/* Libinih's handler: one key. */
static int
take_key(void *user, const char *section, const char *name, const char *value)
{
	Reading    *reading = user;
	VifloConfig *config = reading->config;
	Entry	   *entry;
	int			number = -1;

	if (!is_key(name))
		return fail_key(reading, name);
	if (!check_value(reading, name, value))
		return 0;
	if (strlen(section) > MAX_SECTION)
		return fail(reading, psprintf("It may have %d bytes.", MAX_SECTION),
					"name of a section is too long: \"%s...\"", section);
	if (section[0] != '\0' && strcmp(section, TOP_SECTION) != 0)
	{
		number = find_database(config, section);
		if (number < 0)
		{
			number = config->databases.count;
			viflo_names_add(&config->databases, pstrdup(section));
		}
	}
	if (strcmp(name, VIFLO_CONFIG_POST_WRITE) != 0 && find_entry(config, number, name) != NULL)
		return fail(reading, "Leave out one of the lines.", "key \"%s\" is there twice", name);
	config->entries = config->entries == NULL ? palloc(sizeof(Entry)) :
		repalloc(config->entries, sizeof(Entry) * (config->count + 1));
	entry = &config->entries[config->count++];
	entry->section = number;
	entry->key = pstrdup(name);
	entry->value = strcmp(name, VIFLO_CONFIG_DIR) == 0 ?
		relative_to_file(config->file, value) : pstrdup(value);
	return 1;
}

/* Libinih's reader, which works as fgets() does: one line. */
static char *
next_line(char *buffer, int size, void *stream)
{
	Reading    *reading = stream;
	ssize_t		length;
	char	   *text;

	if (reading->failed || (length = getline(&reading->line, &reading->size, reading->stream)) < 0)
		return NULL;
	reading->number++;
	text = reading->line;
	if (strlen(text) != length)
		fail(reading, "It is a text file.", "NUL byte in a line");
	if (reading->number == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0)
		text += 3;
	while (isspace((unsigned char) *text))
		text++;
	if (strlen(text) >= size)
		fail(reading, "Put the connection into a service file, and name the service.",
			 "line is longer than %d bytes", size - 1);
	if (reading->failed)
		return NULL;
	strcpy(buffer, text);
	return buffer;
}

static bool
read_file(VifloConfig *config, FILE *stream, VifloFailure *failure)
{
	Reading		reading = {.config = config,.stream = stream,.failure = failure};
	int			result;

	if (&ini_use_stack != NULL && &ini_max_line != NULL && &ini_initial_alloc != NULL)
	{
		ini_use_stack = false;
		ini_initial_alloc = ini_max_line = MAX_LINE;
	}
	result = ini_parse_stream(next_line, &reading, take_key, &reading);

	/* It goes on after a line that it cannot read, and tells the first one. */
	if (result < 0 || (result > 0 && (!reading.failed || result < failure->line)))
	{
		reading.failed = false;
		reading.number = result;
		fail(&reading, "A line is [section], key = value, or a comment that begins with # or ;.",
			 result < 0 ? "out of memory" : "line is none of a configuration file");
	}
	if (!reading.failed && ferror(stream))
	{
		reading.failed = true;
		viflo_failure(failure, VIFLO_EXIT_USAGE, "could not read file \"%s\": %m", config->file);
	}
	free(reading.line);
	return !reading.failed;
}

VifloConfig *
viflo_config_read(const char *path, VifloFailure *failure)
{
	VifloConfig *config = palloc0(sizeof(VifloConfig));
	FILE	   *stream;
	bool		named = true;
	bool		good;

	if (path == NULL)
		path = getenv("VIFLO_CONFIG");
	if (path == NULL || path[0] == '\0')
	{
		path = VIFLO_DEFAULT_CONFIG;
		named = false;
	}
	stream = fopen(path, "rb");
	if (stream == NULL)
	{
		if (!named && (errno == ENOENT || errno == ENOTDIR))
			return config;
		viflo_failure(failure, VIFLO_EXIT_USAGE, "could not read file \"%s\": %m", path);
		if (errno == ENOENT)
			viflo_failure_hint(failure, "It is named by --config or VIFLO_CONFIG.");
		return NULL;
	}
	config->file = pstrdup(path);
	good = read_file(config, stream, failure);
	fclose(stream);
	return good ? config : NULL;
}

const char *
viflo_config_file(const VifloConfig *config)
{
	return config->file;
}

const char *
viflo_config_get_own(const VifloConfig *config, const char *database, const char *key)
{
	int			section = database != NULL ? find_database(config, database) : -1;
	const Entry *entry;

	if (database != NULL && section < 0)
		return NULL;
	entry = find_entry(config, section, key);
	return entry != NULL ? entry->value : NULL;
}

const char *
viflo_config_get(const VifloConfig *config, const char *database, const char *key)
{
	const char *value = viflo_config_get_own(config, database, key);

	if (value == NULL && database != NULL)
		value = viflo_config_get_own(config, NULL, key);
	return value;
}

bool
viflo_config_sets_own(const VifloConfig *config, const char *database)
{
	int			section = find_database(config, database);

	for (int i = 0; i < config->count; i++)
	{
		if (config->entries[i].section == section &&
			starts_with(config->entries[i].key, VIFLO_CONFIG_SET))
			return true;
	}
	return false;
}

static void
each_of_section(const VifloConfig *config, int section, const char *hidden_by,
				const char *prefix,
				void (*fn) (const char *name, const char *value, void *arg), void *arg)
{
	for (int i = 0; i < config->count; i++)
	{
		const Entry *entry = &config->entries[i];

		if (entry->section == section && starts_with(entry->key, prefix) &&
			(hidden_by == NULL || viflo_config_get_own(config, hidden_by, entry->key) == NULL))
			fn(entry->key + strlen(prefix), entry->value, arg);
	}
}

void
viflo_config_each(const VifloConfig *config, const char *database, const char *prefix,
				  void (*fn) (const char *name, const char *value, void *arg),
				  void *arg)
{
	int			section = database != NULL ? find_database(config, database) : -1;

	each_of_section(config, -1, database, prefix, fn, arg);
	if (section >= 0)
		each_of_section(config, section, NULL, prefix, fn, arg);
}

bool
viflo_config_has_database(const VifloConfig *config, const char *database)
{
	return find_database(config, database) >= 0;
}

const char *const *
viflo_config_databases(const VifloConfig *config)
{
	const char **names = palloc0(sizeof(char *) * (config->databases.count + 1));

	for (int i = 0; i < config->databases.count; i++)
		names[i] = config->databases.names[i];
	return names;
}

bool
viflo_config_is_secret(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	bool		secret = false;

	for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
		secret |= strcmp(option->keyword, "password") == 0 && option->val != NULL;
	PQconninfoFree(options);
	return secret;
}
