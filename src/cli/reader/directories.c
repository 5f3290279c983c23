/*-------------------------------------------------------------------------
 * directories.c
 *	  For layouts with a directory for each migration: what is in them.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/reader/directories.h"

/* Which of names is the file called?  -1: none. */
static int
name_index(const VifloFile *file, const char *const *names)
{
	for (int i = 0; i < VIFLO_DIRECTORY_FILES && names[i] != NULL; i++)
	{
		if (strcmp(viflo_file_base(file), names[i]) == 0)
			return i;
	}
	return -1;
}

static int
compare_directories(const void *a, const void *b)
{
	return strcmp(((const VifloDirectory *) a)->name, ((const VifloDirectory *) b)->name);
}

/*
 * Warns of directories called like a migration that have SQL, but none of the
 * files that are looked for.
 */
static void
warn_of_others(const VifloFolder *folder, VifloHistory *history, const char *name,
			   const VifloDirectory *directories, int count)
{
	VifloDirectory last = {.name = ""};

	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		VifloDirectory directory;

		if (file->dir_length == 0 || !viflo_has_suffix(file->name, ".sql"))
			continue;
		directory.name = pnstrdup(file->name, file->dir_length);
		if (!isdigit((unsigned char) viflo_directory_base(&directory)[0]) ||
			strcmp(directory.name, last.name) == 0 ||
			(count > 0 && bsearch(&directory, directories, count, sizeof(VifloDirectory),
								  compare_directories) != NULL))
			continue;
		last = directory;
		viflo_reader_warn(history, folder, file->name,
						  psprintf("ignored, as it is not called \"%s\"", name));
	}
}

int
viflo_directories_find(const VifloFolder *folder, VifloHistory *history,
					   const VifloReader *reader, const char *const *names,
					   VifloDirectory **directories)
{
	VifloDirectory *current = NULL;
	int			count = 0;

	*directories = palloc(sizeof(VifloDirectory) * (folder->count + 1));
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];
		int			which = name_index(file, names);

		if (!file->wanted || file->dir_length == 0 || which < 0 ||
			!reader->wants(file->name, file->dir_length))
		{
			if (file->wanted && file->dir_length == 0 && isdigit((unsigned char) file->name[0]))
				viflo_reader_warn(history, folder, file->name,
								  "ignored, as migrations of this layout are folders");
			else
				viflo_output_verbose("%s: not a migration, ignored",
									 viflo_folder_path(folder, file->name));
			continue;
		}
		if (current == NULL || strlen(current->name) != file->dir_length ||
			strncmp(current->name, file->name, file->dir_length) != 0)
		{
			current = &(*directories)[count++];
			memset(current, 0, sizeof(*current));
			current->name = pnstrdup(file->name, file->dir_length);
		}
		current->files[which] = file;
	}
	qsort(*directories, count, sizeof(VifloDirectory), compare_directories);
	warn_of_others(folder, history, names[0], *directories, count);
	return count;
}

const char *
viflo_directory_base(const VifloDirectory *directory)
{
	const char *slash = strrchr(directory->name, '/');

	return slash ? slash + 1 : directory->name;
}

bool
viflo_directory_add(const VifloFolder *folder, VifloHistory *history,
					const VifloDirectory *directory, VifloFile *up,
					const char *up_name, VifloFile *down, VifloFailure *failure)
{
	const char *base = viflo_directory_base(directory);
	const char *rest = strchr(base, '_');
	VifloRevision *revision;

	if (up == NULL)
		return viflo_failure_file(failure, viflo_folder_path(folder, directory->name), 0, NULL,
								  "migration has no \"%s\"", up_name);
	revision = viflo_reader_add(history, up->name);
	revision->id = pstrdup(base);
	revision->message = viflo_reader_message(rest != NULL && rest[1] != '\0' ? rest + 1 : base);
	viflo_reader_last(history)->file = up;
	return viflo_reader_section(folder, up, history, &revision->up, failure) &&
		(down == NULL ||
		 viflo_reader_section(folder, down, history, &revision->down_section, failure));
}
