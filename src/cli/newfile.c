/*-------------------------------------------------------------------------
 * newfile.c
 *	  Files that a command makes in a folder of migrations.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/newfile.h"

static VifloNewFile *
find_file(const VifloNewFiles *files, const char *name)
{
	for (int i = files->count - 1; i >= 0; i--)
	{
		if (strcmp(files->files[i].name, name) == 0)
			return &files->files[i];
	}
	return NULL;
}

StringInfo
viflo_new_file(VifloNewFiles *files, const char *name)
{
	VifloNewFile *file = find_file(files, name);

	if (file != NULL)
		return &file->text;
	if (files->count == 0)
		files->files = palloc(sizeof(VifloNewFile));
	else if ((files->count & (files->count - 1)) == 0)
		files->files = repalloc(files->files, sizeof(VifloNewFile) * files->count * 2);
	file = &files->files[files->count++];
	file->name = pstrdup(name);
	file->replaces = false;
	initStringInfo(&file->text);
	return &file->text;
}

StringInfo
viflo_changed_file(VifloNewFiles *files, const char *name)
{
	const VifloFile *old = files->folder ? viflo_folder_find(files->folder, name) : NULL;
	bool		first = find_file(files, name) == NULL;
	StringInfo	text = viflo_new_file(files, name);

	if (old != NULL && first)
	{
		find_file(files, name)->replaces = true;
		appendBinaryStringInfo(text, old->text, old->length);
	}
	return text;
}

/* All of text to fd; errno says why not. */
static bool
write_all(int fd, const char *text, size_t length)
{
	while (length > 0)
	{
		ssize_t		written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		text += written;
		length -= written;
	}
	return true;
}

/*
 * Makes the file name with this text.  A mode of 0 is the user's own choice for
 * new files.
 */
static bool
make_file(const char *name, const StringInfo text, mode_t mode, VifloFailure *failure)
{
	int			fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return viflo_failure_file(failure, name, 0, NULL, "could not make file: %m");
	if ((mode != 0 && fchmod(fd, mode) < 0) || !write_all(fd, text->data, text->len))
	{
		viflo_failure_file(failure, name, 0, NULL, "could not write file: %m");
		close(fd);
		unlink(name);
		return false;
	}
	return close(fd) == 0 ||
		viflo_failure_file(failure, name, 0, NULL, "could not write file: %m");
}

/* Puts the text in place of what the file has, also where path is a link to it. */
static bool
replace_file(const char *path, const StringInfo text, VifloFailure *failure)
{
	char	   *real = realpath(path, NULL);
	char	   *name;
	struct stat st;
	bool		good;

	if (real == NULL || stat(real, &st) < 0)
		return viflo_failure_file(failure, path, 0, NULL, "could not write file: %m");
	name = psprintf("%s.new", real);
	good = make_file(name, text, st.st_mode & 07777, failure);
	if (good && rename(name, real) < 0)
	{
		good = viflo_failure_file(failure, path, 0, NULL, "could not write file: %m");
		unlink(name);
	}
	pfree(name);
	free(real);
	return good;
}

static bool
write_file(const char *path, VifloNewFile *file, VifloFailure *failure)
{
	char	   *directory;

	if (file->replaces)
		return replace_file(path, &file->text, failure);
	directory = pstrdup(path);
	get_parent_directory(directory);
	if (pg_mkdir_p(directory, S_IRWXU | S_IRWXG | S_IRWXO) < 0)
		return viflo_failure_file(failure, directory, 0, NULL,
								  "could not make folder: %m");
	pfree(directory);
	return make_file(path, &file->text, 0, failure);
}

bool
viflo_new_files_write(const VifloNewFiles *files, const char *dir,
					  VifloNames *paths, VifloFailure *failure)
{
	for (int i = 0; i < files->count; i++)
	{
		char	   *path = psprintf("%s/%s", dir, files->files[i].name);

		if (!files->files[i].replaces && access(path, F_OK) == 0)
			return viflo_failure_file(failure, path, 0, NULL, "file exists already");
	}
	for (int i = 0; i < files->count; i++)
	{
		char	   *path = psprintf("%s/%s", dir, files->files[i].name);

		if (!write_file(path, &files->files[i], failure))
			return false;
		viflo_names_add(paths, path);
	}
	return true;
}
