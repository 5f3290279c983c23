/*-------------------------------------------------------------------------
 * hasura.c
 *	  Hasura: MILLISECONDS_name/up.sql and down.sql, a folder a database.
 *
 * The number, an unsigned 64-bit one, orders them.  diesel's folders look
 * alike, so this layout is found by numbers of 13 digits, which milliseconds
 * have since 2001; others need --layout.  The folder may be that of one
 * database, or one above with a single database in it: migrations, or the
 * whole project.
 *
 * Empty files count for nothing, as in Hasura.  up.yaml and down.yaml, of older
 * projects, hold Hasura's metadata, of which a warning says that it is not
 * run; one that has SQL in it is an error.
 *
 * Rules: graphql-engine's cli/migrate/source.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/directories.h"
#include "common/script.h"

#define DIGITS	13

/* How deep a migration may lie: migrations/DATABASE/MIGRATION. */
#define MAX_SLASHES	2

static const char *const file_names[VIFLO_DIRECTORY_FILES] = {"up.sql", "down.sql"};
static const char *const yaml_names[VIFLO_DIRECTORY_FILES] = {"up.yaml", "down.yaml"};

/* A directory with what its name says. */
typedef struct Migration
{
	VifloDirectory *directory;
	uint64		version;
	bool		overflow;
} Migration;

/* Digits that the last part of a path of this length begins with, before "_". */
static int
leading_digits(const char *name, int dir_length)
{
	int			start = dir_length;
	int			digits;

	while (start > 0 && name[start - 1] != '/')
		start--;
	digits = strspn(name + start, "0123456789");
	return name[start + digits] == '_' && start + digits < dir_length ? digits : 0;
}

static bool
is_one_of(const char *base, const char *const *names)
{
	return strcmp(base, names[0]) == 0 || strcmp(base, names[1]) == 0;
}

static bool
hasura_wants(const char *name, int dir_length)
{
	const char *base = name + dir_length + 1;
	int			slashes = 0;

	if (dir_length == 0 || (!is_one_of(base, file_names) && !is_one_of(base, yaml_names)))
		return false;
	for (int i = 0; i < dir_length; i++)
		slashes += name[i] == '/';
	return slashes <= MAX_SLASHES && leading_digits(name, dir_length) > 0;
}

static VifloClaim
hasura_claims(const VifloFolder *folder, const VifloFile *file)
{
	return hasura_wants(file->name, file->dir_length) &&
		leading_digits(file->name, file->dir_length) == DIGITS ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

static int
compare_migrations(const void *a, const void *b)
{
	const Migration *left = a;
	const Migration *right = b;

	if (left->version != right->version)
		return left->version < right->version ? -1 : 1;
	return strcmp(left->directory->name, right->directory->name);
}

/* The folder of the database that a migration is for, "" for the folder itself. */
static char *
database_of(const VifloDirectory *directory)
{
	const char *base = viflo_directory_base(directory);

	return base == directory->name ? pstrdup("") :
		pnstrdup(directory->name, base - 1 - directory->name);
}

/* Fails when the folder has migrations of several databases. */
static bool
check_database(const VifloFolder *folder, const VifloDirectory *directories, int count,
			   VifloFailure *failure)
{
	VifloNames	databases = {0};
	StringInfoData list;

	for (int i = 0; i < count; i++)
	{
		char	   *database = database_of(&directories[i]);

		if (!viflo_names_contain(&databases, database))
			viflo_names_add(&databases, database);
	}
	if (databases.count <= 1)
		return true;
	initStringInfo(&list);
	for (int i = 0; i < databases.count; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "",
						 databases.names[i][0] != '\0' ?
						 viflo_folder_path(folder, databases.names[i]) : folder->path);
	viflo_failure_file(failure, folder->path, 0, NULL,
					   "folder has migrations of several databases");
	failure->detail = psprintf("They are in %s.", list.data);
	viflo_failure_hint(failure, "Name the folder of one of them with --dir.");
	return false;
}

/* Says which metadata is not run; SQL among it is none. */
static bool
check_yaml(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	const char *first = NULL;
	int			count = 0;

	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];

		if (!file->wanted || !is_one_of(viflo_file_base(file), yaml_names) ||
			!hasura_wants(file->name, file->dir_length) || strstr(file->text, "type:") == NULL)
			continue;
		if (strstr(file->text, "run_sql") != NULL)
		{
			viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0, NULL,
							   "a migration in YAML cannot be run");
			viflo_failure_hint(failure, "Put its SQL into a file up.sql or down.sql.");
			return false;
		}
		first = first != NULL ? first : file->name;
		count++;
	}
	if (count > 0)
		viflo_reader_warn(history, folder, first,
						  psprintf("not run, as it is metadata of Hasura (%d such files)", count));
	return true;
}

static bool
add_migration(const VifloFolder *folder, VifloHistory *history,
			  const Migration *migration, VifloFailure *failure)
{
	VifloDirectory *directory = migration->directory;
	VifloFile  *up = directory->files[0];
	VifloFile  *down = directory->files[1];

	if (up != NULL && up->length == 0)
		up = NULL;
	if (down != NULL && down->length == 0)
		down = NULL;
	if (up == NULL && down == NULL)
	{
		viflo_reader_warn(history, folder, directory->name, "empty, ignored");
		return true;
	}
	if (migration->overflow)
		return viflo_failure_file(failure, viflo_folder_path(folder, directory->name), 0, NULL,
								  "version number is out of range");
	if (!viflo_directory_add(folder, history, directory, up, file_names[0], down, failure))
		return false;
	viflo_reader_last(history)->version = psprintf(UINT64_FORMAT, migration->version);
	return true;
}

static bool
hasura_read(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	VifloDirectory *directories;
	int			count = viflo_directories_find(folder, history, history->reader, file_names,
											   &directories);
	Migration  *migrations = palloc(sizeof(Migration) * (count + 1));

	if (!check_database(folder, directories, count, failure) ||
		!check_yaml(folder, history, failure))
		return false;
	for (int i = 0; i < count; i++)
	{
		migrations[i].directory = &directories[i];
		errno = 0;
		migrations[i].version = strtou64(viflo_directory_base(&directories[i]), NULL, 10);
		migrations[i].overflow = errno == ERANGE;
	}
	qsort(migrations, count, sizeof(Migration), compare_migrations);
	for (int i = 0; i < count; i++)
	{
		if (i > 0 && migrations[i].version == migrations[i - 1].version)
			return viflo_failure_file(failure,
									  viflo_folder_path(folder, migrations[i].directory->name),
									  0, NULL, "second folder of version " UINT64_FORMAT ", beside \"%s\"",
									  migrations[i].version, migrations[i - 1].directory->name);
		if (!add_migration(folder, history, &migrations[i], failure))
			return false;
	}
	return true;
}

/* A text that is given, but empty, must not make a file that counts for nothing. */
static void
add_file(VifloNewFiles *files, const char *directory, const char *name, const char *text)
{
	StringInfo	file = viflo_new_file(files, psprintf("%s/%s", directory, name));

	if (text != NULL)
		appendStringInfoString(file, text[0] != '\0' ? text : "\n");
}

/* More than any version in the folder: a new one that is empty is none yet. */
static uint64
next_version(const VifloFolder *folder, time_t now)
{
	uint64		version = now * UINT64CONST(1000);

	for (int i = 0; folder != NULL && i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		VifloDirectory directory = {.name = pnstrdup(file->name, file->dir_length)};

		if (file->wanted && hasura_wants(file->name, file->dir_length))
			version = Max(version, strtou64(viflo_directory_base(&directory), NULL, 10) + 1);
		pfree(directory.name);
	}
	return version;
}

/* As "hasura migrate create" names it. */
static bool
hasura_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const VifloMigration *last = history->count > 0 ? viflo_reader_last(history) : NULL;
	uint64		version = next_version(files->folder, wanted->time);
	StringInfoData name;
	const char *directory;
	const char *database = "";

	if (last != NULL)
	{
		VifloDirectory before = {.name = pstrdup(last->source)};

		*strrchr(before.name, '/') = '\0';
		database = database_of(&before);
		version = Max(version, strtou64(viflo_directory_base(&before), NULL, 10) + 1);
	}
	initStringInfo(&name);
	appendStringInfo(&name, UINT64_FORMAT "_", version);
	viflo_script_slug(&name, wanted->message, 60);
	directory = database[0] != '\0' ? psprintf("%s/%s", database, name.data) : name.data;
	*id = name.data;
	add_file(files, directory, file_names[0], wanted->up);
	if (wanted->down != NULL || wanted->up == NULL)
		add_file(files, directory, file_names[1], wanted->down);
	return true;
}

const VifloReader viflo_reader_hasura = {
	.name = "hasura",
	.wants = hasura_wants,
	.claims = hasura_claims,
	.read = hasura_read,
	.linear = true,
	.create = hasura_create,
};
