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

/* The text of the file of this name, which begins as old, or NULL, has it. */
static StringInfo
file_text(VifloNewFiles *files, const char *name, const VifloFile *old)
{
	VifloNewFile *file;

	for (int i = files->count - 1; i >= 0; i--)
	{
		if (strcmp(files->files[i].name, name) == 0)
			return &files->files[i].text;
	}
	if (files->count == 0)
		files->files = palloc(sizeof(VifloNewFile));
	else if ((files->count & (files->count - 1)) == 0)
		files->files = repalloc(files->files, sizeof(VifloNewFile) * files->count * 2);
	file = &files->files[files->count++];
	file->name = pstrdup(name);
	file->replaces = old != NULL;
	initStringInfo(&file->text);
	if (old != NULL)
		appendBinaryStringInfo(&file->text, old->text, old->length);
	return &file->text;
}

StringInfo
viflo_new_file(VifloNewFiles *files, const char *name)
{
	return file_text(files, name, NULL);
}

StringInfo
viflo_changed_file(VifloNewFiles *files, const char *name)
{
	return file_text(files, name,
					 files->folder ? viflo_folder_find(files->folder, name) : NULL);
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
 * new files.  What fails leaves nothing of it.
 */
static bool
make_file(const char *name, const StringInfoData *text, mode_t mode, VifloFailure *failure)
{
	int			fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	bool		good;

	if (fd < 0)
		return viflo_failure_file(failure, name, 0, NULL, "could not make file: %m");
	good = (mode == 0 || fchmod(fd, mode) == 0) && write_all(fd, text->data, text->len) &&
		(mode == 0 || fsync(fd) == 0);
	if (!good)
		viflo_failure_file(failure, name, 0, NULL, "could not write file: %m");
	if (close(fd) < 0 && good)
		good = viflo_failure_file(failure, name, 0, NULL, "could not write file: %m");
	if (!good)
		unlink(name);
	return good;
}

/*
 * Puts the text in place of what the file has, also where path is a link to it,
 * with the same permissions.
 */
static bool
replace_file(const char *path, const StringInfoData *text, VifloFailure *failure)
{
	char	   *real = realpath(path, NULL);
	char	   *name;
	struct stat st;
	bool		good;

	if (real == NULL || stat(real, &st) < 0)
		return viflo_failure_file(failure, path, 0, NULL, "could not write file: %m");
	name = psprintf("%s.new.%d", real, (int) getpid());
	unlink(name);				/* of one that was killed */
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
write_file(const char *path, const VifloNewFile *file, VifloFailure *failure)
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

/* Fails where a file is there already, or would not be read. */
static bool
check_file(const char *path, const VifloNewFile *file, VifloFailure *failure)
{
	if (file->name[0] == '.' || strstr(file->name, "/.") != NULL)
		return viflo_failure_file(failure, path, 0, NULL,
								  "file would not be read, as its name begins with a dot");
	return file->replaces || access(path, F_OK) != 0 ||
		viflo_failure_file(failure, path, 0, NULL, "file exists already");
}

/* Takes back those of the first count that were not there before. */
static void
remove_new(const VifloNewFiles *files, const VifloNames *paths, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (!files->files[i].replaces)
			unlink(paths->names[i]);
	}
}

/*
 * Writes those that replace others, or those that do not.  If one fails before
 * anything was replaced, all is as it was.
 */
static bool
write_files(const VifloNewFiles *files, const VifloNames *paths, bool replacing,
			VifloFailure *failure)
{
	bool		replaced = false;

	for (int i = 0; i < files->count; i++)
	{
		if (files->files[i].replaces != replacing)
			continue;
		if (!write_file(paths->names[i], &files->files[i], failure))
		{
			if (!replaced)
				remove_new(files, paths, replacing ? files->count : i);
			return false;
		}
		replaced = replacing;
	}
	return true;
}

bool
viflo_new_files_write(const VifloNewFiles *files, const char *dir,
					  VifloNames *paths, VifloFailure *failure)
{
	for (int i = 0; i < files->count; i++)
	{
		viflo_names_add(paths, psprintf("%s/%s", dir, files->files[i].name));
		if (!check_file(paths->names[i], &files->files[i], failure))
			return false;
	}
	/* What is replaced may list the new ones, which then must be there. */
	return write_files(files, paths, false, failure) &&
		write_files(files, paths, true, failure);
}
