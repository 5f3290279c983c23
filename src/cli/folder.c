/*-------------------------------------------------------------------------
 * folder.c
 *	  Lists and reads a folder of migrations.
 *
 * Names come from one pass over the directory and its subdirectories; hidden
 * entries are left out, and so are packages that npm has put there.  stat() and read() then go
 * over the files in two halves, the second in a thread of its own when that
 * pays.  A thread only fills fields of its own files; what went wrong is told
 * by the caller's thread afterwards, for the first file by name, so that the
 * message does not depend on timing.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/folder.h"
#include "common/string.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Fewer files than this are done before a second thread has started. */
#define THREAD_MIN_FILES	256

/* One migration of more than this is nothing the server could take as text. */
#define MAX_FILE_SIZE		(UINT64CONST(512) * 1024 * 1024)

/* Half of the work, for one thread. */
typedef struct Half
{
	VifloFolder *folder;
	void		(*work) (const VifloFolder *folder, VifloFile *file);
	int			first;
	int			end;
} Half;

static void *
run_half(void *arg)
{
	Half	   *half = arg;

	for (int i = half->first; i < half->end; i++)
		half->work(half->folder, &half->folder->files[i]);
	return NULL;
}

static void
for_all_files(VifloFolder *folder, void (*work) (const VifloFolder *, VifloFile *))
{
	int			middle = folder->count < THREAD_MIN_FILES ? 0 : folder->count / 2;
	Half		lower = {folder, work, 0, middle};
	Half		upper = {folder, work, middle, folder->count};
	pthread_t	thread;
	bool		threaded;

	threaded = middle > 0 && pthread_create(&thread, NULL, run_half, &lower) == 0;
	if (!threaded)
		run_half(&lower);
	run_half(&upper);
	if (threaded)
		pthread_join(thread, NULL);
}

bool
viflo_has_suffix(const char *name, const char *suffix)
{
	size_t		length = strlen(name);
	size_t		suffix_length = strlen(suffix);

	return length > suffix_length &&
		strcmp(name + length - suffix_length, suffix) == 0;
}

const char *
viflo_file_base(const VifloFile *file)
{
	return file->dir_length > 0 ? file->name + file->dir_length + 1 : file->name;
}

/* A folder that is being listed, on the stack of the one above it. */
typedef struct Level
{
	const struct Level *above;
	int			depth;
	bool		linked;			/* a link led here, or above */
	dev_t		device;
	ino_t		inode;
} Level;

/* What a listing in progress has, beside the folder it fills. */
typedef struct Listing
{
	VifloFolder *folder;
	int			allocated;
	bool		(*wants) (const char *name, int dir_length);
} Listing;

/* "dir/name", or name where dir is empty; palloc'd. */
static char *
join_names(const char *dir, const char *name)
{
	return dir[0] != '\0' ? psprintf("%s/%s", dir, name) : pstrdup(name);
}

/* Appends an entry of the directory dir ("" for the folder itself). */
static void
add_file(Listing *listing, const char *dir, const char *name)
{
	VifloFolder *folder = listing->folder;
	VifloFile  *file;

	if (folder->count >= listing->allocated)
	{
		listing->allocated = listing->allocated ? listing->allocated * 2 : 64;
		folder->files = folder->files ?
			repalloc(folder->files, listing->allocated * sizeof(VifloFile)) :
			palloc(listing->allocated * sizeof(VifloFile));
	}
	file = &folder->files[folder->count++];
	memset(file, 0, sizeof(*file));
	file->dir_length = strlen(dir);
	file->name = join_names(dir, name);
	file->wanted = listing->wants(file->name, file->dir_length);
}

/*
 * Is this entry a directory (links followed)?  What cannot be looked at is
 * taken for a file; if one is wanted, its stat() will say what is wrong.
 * *linked: it is a link.
 */
static bool
is_directory(int fd, const struct dirent *entry, bool *linked)
{
	struct stat st;

	*linked = false;
	if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
		return entry->d_type == DT_DIR;
	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*linked = S_ISLNK(st.st_mode);
	if (*linked && fstatat(fd, entry->d_name, &st, 0) < 0)
		return false;
	return S_ISDIR(st.st_mode);
}

/* Does a link lead back to a folder that is being listed? */
static bool
is_above(const Level *level, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	for (; level != NULL; level = level->above)
	{
		if (level->device == st.st_dev && level->inode == st.st_ino)
			return true;
	}
	return false;
}

static bool list_below(Listing *listing, const char *dir, const Level *level,
					   bool linked, VifloFailure *failure);

/*
 * Adds the files of the directory dir, relative to the folder, and below.
 * linked: a link led here.
 */
static bool
list_directory(Listing *listing, const char *dir, const Level *above, bool linked,
			   VifloFailure *failure)
{
	VifloFolder *folder = listing->folder;
	bool		top = above == NULL;
	bool		link;
	int			fd = openat(folder->fd, top ? "." : dir,
							O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		   *handle = fd >= 0 ? fdopendir(fd) : NULL;
	Level		level = {.above = above,.depth = top ? 0 : above->depth + 1,.linked = linked};
	struct dirent *entry;
	struct stat st;
	bool		result = true;

	if (handle == NULL)
	{
		viflo_failure_file(failure, top ? folder->path : viflo_folder_path(folder, dir),
						   0, NULL, "could not read folder: %m");
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (is_above(above, fd))
	{
		closedir(handle);
		return true;
	}
	if (fstat(fd, &st) == 0)
	{
		level.device = st.st_dev;
		level.inode = st.st_ino;
	}
	while (result && (errno = 0, entry = readdir(handle)) != NULL)
	{
		if (entry->d_name[0] == '.')
			continue;
		if (!is_directory(fd, entry, &link))
			add_file(listing, dir, entry->d_name);
		else if (strcmp(entry->d_name, "node_modules") != 0)
			result = list_below(listing, join_names(dir, entry->d_name), &level,
								linked || link, failure);
	}
	if (result && errno != 0)
		result = viflo_failure_file(failure, folder->path, 0, NULL,
									"could not read folder: %m");
	closedir(handle);
	return result;
}

/* The same for a directory in the one of level, unless that is too deep. */
static bool
list_below(Listing *listing, const char *dir, const Level *level, bool linked,
		   VifloFailure *failure)
{
	if (level->depth < (linked ? VIFLO_FOLDER_LINKED_DEPTH : VIFLO_FOLDER_DEPTH))
		return list_directory(listing, dir, level, linked, failure);
	return linked ||
		viflo_failure_file(failure, viflo_folder_path(listing->folder, dir), 0, NULL,
						   "folders are nested more than %d deep", VIFLO_FOLDER_DEPTH);
}

static int
compare_files(const void *a, const void *b)
{
	return strcmp(((const VifloFile *) a)->name, ((const VifloFile *) b)->name);
}

/* Not needed where the folder turns out to be unchanged, and not for free. */
static void
sort_files(VifloFolder *folder)
{
	if (folder->count > 1)
		qsort(folder->files, folder->count, sizeof(VifloFile), compare_files);
}

static void
stat_file(const VifloFolder *folder, VifloFile *file)
{
	struct stat st;

	if (!file->wanted)
		return;
	if (fstatat(folder->fd, file->name, &st, 0) < 0)
		file->error = errno;
	else if (!S_ISREG(st.st_mode))
		file->error = EINVAL;
	else
	{
		file->size = st.st_size;
		file->mtime = st.st_mtim.tv_sec * INT64CONST(1000000000) + st.st_mtim.tv_nsec;
		file->ctime = st.st_ctim.tv_sec * INT64CONST(1000000000) + st.st_ctim.tv_nsec;
		file->inode = st.st_ino;
	}
}

/*
 * Reads a file whose size is known; it may have grown since.  Room for one
 * byte more than the size shows the end with the first read.
 */
static void
read_file(const VifloFolder *folder, VifloFile *file)
{
	size_t		room = file->size + 1;
	int			fd;

	if (!file->wanted || file->error != 0)
		return;
	fd = openat(folder->fd, file->name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
	{
		file->error = errno;
		return;
	}
	file->text = palloc(room + 1);
	file->length = 0;
	for (;;)
	{
		ssize_t		got = read(fd, file->text + file->length, room - file->length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			file->error = errno;
		if (got <= 0)
			break;
		file->length += got;
		if (file->length > MAX_FILE_SIZE)
		{
			file->error = EFBIG;
			break;
		}
		if (file->length == room)
		{
			room *= 2;
			file->text = repalloc(file->text, room + 1);
		}
		else if (file->length == file->size)
			break;
	}
	file->text[file->length] = '\0';
	close(fd);
}

/* Reports the first file, by name, that could not be looked at or read. */
static bool
check_errors(VifloFolder *folder, VifloFailure *failure)
{
	bool		failed = false;

	for (int i = 0; i < folder->count && !failed; i++)
		failed = folder->files[i].error != 0;
	if (!failed)
		return true;
	sort_files(folder);
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];
		char	   *path;

		if (file->error == 0)
			continue;
		path = viflo_folder_path(folder, file->name);
		if (file->error == EINVAL)
			return viflo_failure_file(failure, path, 0, NULL,
									  "not a regular file");
		errno = file->error;
		return viflo_failure_file(failure, path, 0, NULL,
								  "could not read file: %m");
	}
	return true;
}

/* No text that large could be sent. */
static void
check_size(VifloFile *file)
{
	if (file->size > MAX_FILE_SIZE)
		file->error = EFBIG;
}

bool
viflo_folder_list(const char *path,
				  bool (*wants) (const char *name, int dir_length),
				  VifloFolder *folder, VifloFailure *failure)
{
	Listing		listing = {.folder = folder,.wants = wants};

	memset(folder, 0, sizeof(*folder));
	folder->path = path;
	folder->real_path = realpath(path, NULL);
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return viflo_failure_file(failure, path, 0, NULL,
								  "could not read folder: %m");
	if (!list_directory(&listing, "", NULL, false, failure))
		return false;
	for_all_files(folder, stat_file);
	for (int i = 0; i < folder->count; i++)
		check_size(&folder->files[i]);
	return check_errors(folder, failure);
}

bool
viflo_folder_read(VifloFolder *folder, VifloFailure *failure)
{
	if (folder->read)
		return true;
	sort_files(folder);
	for_all_files(folder, read_file);
	folder->read = true;
	return check_errors(folder, failure);
}

bool
viflo_folder_read_more(VifloFolder *folder,
					   bool (*wants) (const char *name, int dir_length),
					   bool *found, VifloFailure *failure)
{
	*found = false;
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];

		if (file->wanted || !wants(file->name, file->dir_length))
			continue;
		*found = file->wanted = true;
		stat_file(folder, file);
		check_size(file);
		read_file(folder, file);
	}
	return check_errors(folder, failure);
}

VifloFile *
viflo_folder_find(const VifloFolder *folder, const char *name)
{
	VifloFile	key = {.name = unconstify(char *, name)};
	VifloFile  *file = NULL;

	if (folder->count > 0)
		file = bsearch(&key, folder->files, folder->count, sizeof(VifloFile), compare_files);
	return file != NULL && file->wanted ? file : NULL;
}

VifloFile *
viflo_folder_other(const VifloFolder *folder, const char *name)
{
	VifloFile  *file = viflo_folder_find(folder, name);
	const char *slash = strrchr(name, '/');

	if (file != NULL)
		return file;
	file = palloc0(sizeof(VifloFile));
	file->name = pstrdup(name);
	file->dir_length = slash ? slash - name : 0;
	file->wanted = true;
	stat_file(folder, file);
	check_size(file);
	read_file(folder, file);
	return file;
}

char *
viflo_folder_path(const VifloFolder *folder, const char *name)
{
	if (name[0] == '/')
		return pstrdup(name);
	return psprintf("%s/%s", folder->path, name);
}

/* "DIR/../name", as short as it can be said. */
static char *
path_beside(const VifloFolder *folder, const char *name)
{
	char	   *parent = pstrdup(folder->path);
	const char *last = last_dir_separator(parent);

	last = last ? last + 1 : parent;
	if (last[0] == '.' || last[0] == '\0')
		return psprintf("%s/../%s", parent, name);
	get_parent_directory(parent);
	return parent[0] != '\0' ? psprintf("%s/%s", parent, name) : pstrdup(name);
}

bool
viflo_folder_read_beside(const VifloFolder *folder, const char *name,
						 char **path, char **text, VifloFailure *failure)
{
	FILE	   *file;
	StringInfoData all;
	bool		good;

	*path = path_beside(folder, name);
	*text = NULL;
	file = fopen(*path, "r");
	if (file == NULL)
		return errno == ENOENT ||
			viflo_failure_file(failure, *path, 0, NULL, "could not read file: %m");
	initStringInfo(&all);
	while (pg_get_line_append(file, &all, NULL))
		;
	good = !ferror(file) ||
		viflo_failure_file(failure, *path, 0, NULL, "could not read file: %m");
	fclose(file);
	if (strlen(all.data) < all.len)
		good = viflo_failure_file(failure, *path, 0, NULL, "NUL byte in a configuration file");
	*text = all.data;
	return good;
}

bool
viflo_folder_check_text(const VifloFolder *folder, const VifloFile *file,
						VifloFailure *failure)
{
	const char *nul = memchr(file->text, '\0', file->length);
	size_t		valid = nul ? nul - file->text : file->length;
	int			line = 1;
	char	   *path;

	if (pg_encoding_verifymbstr(PG_UTF8, file->name, strlen(file->name)) < strlen(file->name))
		return viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0, "22021",
								  "name of the file is not UTF-8");
	valid = pg_encoding_verifymbstr(PG_UTF8, file->text, valid);
	if (valid == file->length)
		return true;
	for (size_t i = 0; i < valid; i++)
		line += file->text[i] == '\n';
	path = viflo_folder_path(folder, file->name);
	if (file->text[valid] == '\0')
		viflo_failure_file(failure, path, line, "22021",
						   "NUL byte in a migration");
	else
		viflo_failure_file(failure, path, line, "22021",
						   "text is not UTF-8: byte 0x%02x",
						   (unsigned char) file->text[valid]);
	viflo_failure_hint(failure, "Migrations are UTF-8 text, with or without a byte order mark.");
	return false;
}
