/*-------------------------------------------------------------------------
 * folder.h
 *	  A folder of migrations as it lies on the disk: names and texts.
 *
 * Listed first, which costs a stat() a file, then read, which costs an open()
 * each; a list alone is enough to find the folder unchanged (cache.h).  Both
 * jobs are shared by two threads when there are many files.  Names are
 * relative to the folder; those of folders below it hold a "/".
 *
 * The caller says which names it wants.  Only those are looked at, so that
 * whatever else is kept there (seeds, an archive) is none of our business,
 * however broken.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FOLDER_H
#define VIFLO_CLI_FOLDER_H

#include "cli/failure.h"

/* One file.  text is NUL-terminated and NULL until read. */
typedef struct VifloFile
{
	char	   *name;
	int			dir_length;		/* of the part before the last "/", or 0 */
	bool		wanted;
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
	const char *real_path;		/* absolute, without links; NULL: it cannot be
								 * told */
	int			fd;
	int			count;
	VifloFile  *files;			/* once read, ordered by name, bytewise */
	bool		read;
} VifloFolder;

/*
 * Both fail with a message that names the file.  wants is asked for each name
 * with the length of its part before the last "/".  A depth of more than
 * VIFLO_FOLDER_DEPTH folders is an error; links, which may lead anywhere, are
 * followed to a depth of VIFLO_FOLDER_LINKED_DEPTH.  Hidden folders are not
 * entered, nor those that a link leads back to.
 */
#define VIFLO_FOLDER_DEPTH			64
#define VIFLO_FOLDER_LINKED_DEPTH	6

extern bool viflo_folder_list(const char *path,
							  bool (*wants) (const char *name, int dir_length),
							  VifloFolder *folder, VifloFailure *failure);
extern bool viflo_folder_read(VifloFolder *folder, VifloFailure *failure);

/*
 * Reads files more of a folder that is read, which are wanted from now on.
 * *found: there are any.
 */
extern bool viflo_folder_read_more(VifloFolder *folder,
								   bool (*wants) (const char *name, int dir_length),
								   bool *found, VifloFailure *failure);

/* The wanted file of this name, once the folder is read; NULL: none. */
extern VifloFile *viflo_folder_find(const VifloFolder *folder, const char *name);

/*
 * Reads a file that a text of the folder names; it need not be wanted, nor lie
 * in the folder.  What went wrong is the errno in the result's error.
 */
extern VifloFile *viflo_folder_other(const VifloFolder *folder, const char *name);

/* The part of its name after the last "/". */
extern const char *viflo_file_base(const VifloFile *file);

/* Does name end in suffix, with something before it? */
extern bool viflo_has_suffix(const char *name, const char *suffix);

/* "folder/name", or a name that begins with "/" itself; palloc'd. */
extern char *viflo_folder_path(const VifloFolder *folder, const char *name);

/*
 * The text of a file in the folder that this one lies in, NUL-terminated, and
 * its path; *text is NULL where there is none.
 */
extern bool viflo_folder_read_beside(const VifloFolder *folder, const char *name,
									 char **path, char **text, VifloFailure *failure);

/*
 * Is the file fit to be sent?  Fails, naming file and line, on a NUL byte and
 * on what is not UTF-8 in its text or name.
 */
extern bool viflo_folder_check_text(const VifloFolder *folder,
									const VifloFile *file, VifloFailure *failure);

#endif							/* VIFLO_CLI_FOLDER_H */
