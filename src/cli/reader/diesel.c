/*-------------------------------------------------------------------------
 * diesel.c
 *	  diesel: VERSION_name/up.sql, down.sql and metadata.toml.
 *
 * The version is the directory's name before the first "_", without dashes,
 * and orders as text.  metadata.toml may say run_in_transaction = false.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/directories.h"
#include "cli/reader/numbered.h"
#include "common/script.h"

static const char *const file_names[VIFLO_DIRECTORY_FILES] = {
	"up.sql", "down.sql", "metadata.toml"
};

/* One directory. */
typedef struct Directory
{
	char	   *name;
	char	   *version;
	char	   *rest;			/* of the name: "_name", or "" */
	VifloFile  *up;
	VifloFile  *down;
	VifloFile  *metadata;
} Directory;

static bool
diesel_wants(const char *name, int dir_length)
{
	const char *base = name + dir_length + 1;

	if (dir_length == 0 || memchr(name, '/', dir_length) != NULL)
		return false;
	return strcmp(base, "up.sql") == 0 || strcmp(base, "down.sql") == 0 ||
		strcmp(base, "metadata.toml") == 0;
}

/* down.sql alone counts too: it is then reported, not passed over. */
static VifloClaim
diesel_claims(const VifloFolder *folder, const VifloFile *file)
{
	return diesel_wants(file->name, file->dir_length) &&
		strcmp(viflo_file_base(file), "metadata.toml") != 0 ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

/* The version of a directory's name, and what follows it. */
static void
split_name(Directory *directory)
{
	const char *end = strchr(directory->name, '_');
	char	   *to;

	directory->rest = pstrdup(end ? end : "");
	directory->version = to = pstrdup(directory->name);
	for (const char *p = directory->name; *p != '\0' && p != end; p++)
	{
		if (*p != '-')
			*to++ = *p;
	}
	*to = '\0';
}

static int
compare_directories(const void *a, const void *b)
{
	const Directory *left = a;
	const Directory *right = b;
	int			result = strcmp(left->version, right->version);

	return result != 0 ? result : strcmp(left->name, right->name);
}

/* The directories that hold migrations, in order of version. */
static int
find_directories(const VifloFolder *folder, VifloHistory *history,
				 Directory **directories)
{
	VifloDirectory *found;
	int			count = viflo_directories_find(folder, history, history->reader, file_names,
											   &found);

	*directories = palloc(sizeof(Directory) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		Directory  *directory = &(*directories)[i];

		directory->name = found[i].name;
		directory->up = found[i].files[0];
		directory->down = found[i].files[1];
		directory->metadata = found[i].files[2];
		split_name(directory);
	}
	qsort(*directories, count, sizeof(Directory), compare_directories);
	return count;
}

/*
 * Finds run_in_transaction in metadata.toml.  It is the only key there is,
 * at the top level, with a boolean; other lines are no concern of ours.
 */
static bool
read_metadata(const VifloFolder *folder, const VifloFile *file,
			  VifloTransaction *transaction, VifloFailure *failure)
{
	static const char key[] = "run_in_transaction";
	char	   *text = pstrdup(file->text);
	int			number = 0;
	bool		good = true;

	for (char *line = text; line != NULL && good;)
	{
		char	   *next = strchr(line, '\n');
		char	   *p = line + strspn(line, " \t");

		if (next != NULL)
			*next++ = '\0';
		number++;
		if (*p == '[')
			break;
		line = next;
		if (strncmp(p, key, strlen(key)) != 0)
			continue;
		p += strlen(key);
		p += strspn(p, " \t");
		if (*p++ != '=')
			continue;
		p += strspn(p, " \t");
		p[strcspn(p, " \t\r#")] = '\0';
		if (strcmp(p, "true") != 0 && strcmp(p, "false") != 0)
			good = viflo_failure_file(failure, viflo_folder_path(folder, file->name),
									  number, NULL, "%s must be true or false", key);
		else if (strcmp(p, "false") == 0)
			*transaction = VIFLO_TRANSACTION_OFF;
	}
	pfree(text);
	return good;
}

static bool
add_revision(const VifloFolder *folder, VifloHistory *history,
			 const Directory *directory, VifloFailure *failure)
{
	VifloRevision *revision = viflo_reader_add(history, directory->up->name);

	revision->id = psprintf("%s%s", directory->version, directory->rest);
	revision->message = viflo_reader_message(directory->rest[0] != '\0' ?
											 directory->rest + 1 : directory->version);
	if (directory->metadata != NULL &&
		!read_metadata(folder, directory->metadata, &revision->transaction, failure))
		return false;
	viflo_reader_last(history)->version = directory->version;
	viflo_reader_last(history)->file = directory->up;
	return viflo_reader_section(folder, directory->up, history, &revision->up, failure) &&
		(directory->down == NULL ||
		 viflo_reader_section(folder, directory->down, history,
							  &revision->down_section, failure));
}

static bool
diesel_read(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	Directory  *directories;
	int			count = find_directories(folder, history, &directories);

	for (int i = 0; i < count; i++)
	{
		Directory  *directory = &directories[i];

		if (directory->up == NULL && directory->down == NULL)
			continue;
		if (directory->up == NULL)
			return viflo_failure_file(failure,
									  viflo_folder_path(folder, directory->down->name),
									  0, NULL, "down.sql without an up.sql");
		if (i > 0 && strcmp(directories[i - 1].version, directory->version) == 0)
			return viflo_failure_file(failure,
									  viflo_folder_path(folder, directory->up->name),
									  0, NULL, "second folder of version %s, beside \"%s\"",
									  directory->version, directories[i - 1].name);
		if (!add_revision(folder, history, directory, failure))
			return false;
	}
	return true;
}

/* Named by the UTC time, as "diesel migration generate" does. */
static bool
diesel_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const char *last = history->count > 0 ? history->revisions[history->count - 1].id : NULL;
	const char *version = viflo_numbered_stamp(wanted->time, last);
	const char *stamp = psprintf("%.4s-%.2s-%.2s-%s", version, version + 4, version + 6, version + 8);
	StringInfoData slug;

	if (last != NULL && strncmp(last, version, strlen(version)) >= 0)
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "version %s would not come after \"%s\"", version, last);
	initStringInfo(&slug);
	viflo_script_slug(&slug, wanted->message, 60);
	*id = psprintf("%s_%s", version, slug.data);
	appendStringInfoString(viflo_new_file(files, psprintf("%s_%s/up.sql", stamp, slug.data)),
						   wanted->up ? wanted->up : "");
	if (wanted->down != NULL || wanted->up == NULL)
		appendStringInfoString(viflo_new_file(files, psprintf("%s_%s/down.sql", stamp, slug.data)),
							   wanted->down ? wanted->down : "");
	if (wanted->no_transaction)
		appendStringInfoString(viflo_new_file(files, psprintf("%s_%s/metadata.toml", stamp, slug.data)),
							   "run_in_transaction = false\n");
	return true;
}

const VifloReader viflo_reader_diesel = {
	.name = "diesel",
	.wants = diesel_wants,
	.claims = diesel_claims,
	.read = diesel_read,
	.linear = true,
	.create = diesel_create,
	.keeps_no_transaction = true,
};
