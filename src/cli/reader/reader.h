/*-------------------------------------------------------------------------
 * reader.h
 *	  From a folder in some tool's layout to revisions and native scripts.
 *
 * A reader is a few functions over the texts of a folder; reader.c finds
 * the one that fits and does what is the same for all.  Nothing here talks
 * to a server, and nothing is sent when any file is at fault.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_READER_H
#define VIFLO_CLI_READER_H

#include "cli/folder.h"
#include "common/graph.h"
#include "common/revision.h"
#include "lib/stringinfo.h"

/* What is sent of one revision. */
typedef struct VifloMigration
{
	const char *script;			/* native text, NUL-terminated */
	size_t		length;
	const char *source;			/* file name, relative to the folder */
	char		digest[65];		/* SHA-256 of script, hex */
} VifloMigration;

/*
 * All of a folder.  revisions has count elements that go with migrations,
 * then stubs: revisions that are named as parents or dependencies but have no
 * file, which the server may know.  palloc'd, lives as long as the program.
 */
typedef struct VifloHistory
{
	const struct VifloReader *reader;
	int			count;
	int			stubs;
	VifloRevision *revisions;
	VifloMigration *migrations;
	VifloGraph *graph;			/* of count + stubs revisions */
	int			allocated;
	bool		warned;			/* something was said about the folder */
} VifloHistory;

/* What a new revision shall be; see viflo_reader_create(). */
typedef struct VifloNewRevision
{
	const char *message;
	VifloRevision *native;		/* id, parents, ...; NULL in linear layouts */
} VifloNewRevision;

typedef struct VifloReader
{
	const char *name;

	/* Is this a file of that layout?  The first reader that says so has it. */
	bool		(*claims) (const VifloFile *file);

	/*
	 * Adds the folder's revisions, with viflo_reader_add(), parents as the
	 * layout has them; in linear ones the order decides (see linear).
	 */
	bool		(*read) (const VifloFolder *folder, VifloHistory *history,
						 VifloFailure *failure);
	bool		linear;

	/*
	 * Names and texts of the files of a new revision: appends names (NUL-
	 * terminated each) relative to the folder, and sets *id.
	 */
	bool		(*create) (const VifloHistory *history,
						   const VifloNewRevision *wanted,
						   char **id, VifloNames *names, VifloNames *texts,
						   VifloFailure *failure);
} VifloReader;

extern const VifloReader viflo_reader_native;
extern const VifloReader viflo_reader_golang_migrate;
extern const VifloReader viflo_reader_diesel;

/* The reader of this name; fails (usage) naming those there are. */
extern const VifloReader *viflo_reader_find(const char *name, VifloFailure *failure);

/* Names of all readers, NULL-terminated; palloc'd. */
extern const char *const *viflo_reader_names(void);

/*
 * Reads the files of folder and makes a history of them: with the reader
 * called layout, or (NULL) the one found out from the files.
 */
extern bool viflo_reader_read(VifloFolder *folder, const char *layout,
							  VifloHistory *history, VifloFailure *failure);

/* For readers: room for one revision more, zeroed. */
extern VifloRevision *viflo_reader_add(VifloHistory *history, const char *source);

/*
 * For readers of other tools' files: makes file a section of a revision.
 * Fails when the text cannot be wrapped or is not fit to be sent.
 */
extern bool viflo_reader_section(const VifloFolder *folder, const VifloFile *file,
								 VifloSection *section, VifloFailure *failure);

/* For readers: something about a file that is worth saying, once. */
extern void viflo_reader_warn(VifloHistory *history, const VifloFolder *folder,
							  const char *name, const char *what);

/* For readers: a message out of a part of a file name. */
extern char *viflo_reader_message(const char *name);

#endif							/* VIFLO_CLI_READER_H */
