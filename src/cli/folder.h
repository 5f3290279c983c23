/*-------------------------------------------------------------------------
 * folder.h
 *	  A folder of migrations as it lies on the disk: names and texts.
 *
 * Listed first, which costs a stat() a file, then read, which costs an open()
 * each; a list alone is enough to find the folder unchanged (cache.h).  Both
 * jobs are shared by two threads when there are many files.  Names are
 * relative to the folder; those one level down hold the "/".
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FOLDER_H
#define VIFLO_CLI_FOLDER_H

#include "cli/failure.h"

/* One file.  text is NUL-terminated and NULL until read. */
typedef struct VifloFile
{
	char	   *name;
	int			dir_length;		/* of the part before the "/", or 0 */
	bool		wanted;			/* a kind of file that some layout reads */
	char	   *text;
	size_t		length;
	uint64		size;
	int64		mtime;			/* nanoseconds since the epoch */
	int64		ctime;
	uint64		inode;
	int			error;			/* errno of the stat() or read that failed */
} VifloFile;

/* Made by viflo_folder_list(); palloc'd, lives as long as the program. */
typedef struct VifloFolder
{
	const char *path;
	int			fd;
	int			count;
	VifloFile  *files;			/* once read, ordered by name, bytewise */
	bool		read;
} VifloFolder;

/* Both fail with a message that names the file. */
extern bool viflo_folder_list(const char *path, VifloFolder *folder,
							  VifloFailure *failure);
extern bool viflo_folder_read(VifloFolder *folder, VifloFailure *failure);

/* "folder/name", palloc'd. */
extern char *viflo_folder_path(const VifloFolder *folder, const char *name);

/*
 * Is text fit to be sent?  Fails, naming file and line, on a NUL byte and on
 * what is not UTF-8.
 */
extern bool viflo_folder_check_text(const VifloFolder *folder,
									const VifloFile *file, VifloFailure *failure);

#endif							/* VIFLO_CLI_FOLDER_H */
