/*-------------------------------------------------------------------------
 * newfile.h
 *	  Files that a command makes in a folder of migrations.
 *
 * They are put together in memory first and written all at the end, so that
 * what cannot be made leaves nothing half done.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_NEWFILE_H
#define VIFLO_CLI_NEWFILE_H

#include "cli/folder.h"
#include "common/revision.h"
#include "lib/stringinfo.h"

/* One file; its name is relative to the folder. */
typedef struct VifloNewFile
{
	char	   *name;
	StringInfoData text;
	bool		replaces;		/* the folder has one of this name */
} VifloNewFile;

/* Zeroed but for folder, then filled by viflo_new_file(). */
typedef struct VifloNewFiles
{
	const VifloFolder *folder;	/* read; where they go; NULL: an empty one */
	int			count;
	VifloNewFile *files;
} VifloNewFiles;

/*
 * The text of the file of this name, to be added to: empty, or what it has got
 * where it was asked for before.
 */
extern StringInfo viflo_new_file(VifloNewFiles *files, const char *name);

/* The same for one that the folder may have: a list of its migrations. */
extern StringInfo viflo_changed_file(VifloNewFiles *files, const char *name);

/*
 * Writes all of them below dir, and makes folders for them.  None may be there
 * unless it replaces what the folder has; then it takes the place whole, or
 * not at all.  *paths gets what was written, as the user can open it.
 */
extern bool viflo_new_files_write(const VifloNewFiles *files, const char *dir,
								  VifloNames *paths, VifloFailure *failure);

#endif							/* VIFLO_CLI_NEWFILE_H */
