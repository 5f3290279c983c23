/*-------------------------------------------------------------------------
 * directories.h
 *	  For layouts with a directory for each migration: what is in them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_DIRECTORIES_H
#define VIFLO_CLI_DIRECTORIES_H

#include "cli/reader/reader.h"

/* So many files of a directory mean something, at most. */
#define VIFLO_DIRECTORY_FILES	3

typedef struct VifloDirectory
{
	char	   *name;			/* relative to the folder */
	VifloFile  *files[VIFLO_DIRECTORY_FILES];	/* in the order of the names
												 * that are looked for; NULL:
												 * not there */
} VifloDirectory;

/*
 * Finds the directories that have a file of one of names, a list of
 * VIFLO_DIRECTORY_FILES that may end in NULLs, and is wanted by the reader;
 * in order of their names.  Returns how many; palloc'd.  Files beside them
 * whose names begin with a digit are warned of, as they look like migrations,
 * and so are directories called so that have other SQL.
 */
extern int	viflo_directories_find(const VifloFolder *folder, VifloHistory *history,
								   const VifloReader *reader, const char *const *names,
								   VifloDirectory **directories);

/*
 * Adds a revision for a directory: its id is the part of its name after the
 * last "/", the message what follows the first "_" of that.  Its sections are
 * up and down, which may be NULL; an up that is NULL is an error.
 */
extern bool viflo_directory_add(const VifloFolder *folder, VifloHistory *history,
								const VifloDirectory *directory, VifloFile *up,
								const char *up_name, VifloFile *down,
								VifloFailure *failure);

/* The part of the directory's name after the last "/". */
extern const char *viflo_directory_base(const VifloDirectory *directory);

#endif							/* VIFLO_CLI_DIRECTORIES_H */
