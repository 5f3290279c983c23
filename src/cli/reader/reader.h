/*-------------------------------------------------------------------------
 * reader.h
 *	  From a folder in some tool's layout to revisions and native scripts.
 *
 * A reader is a few functions over the texts of a folder; detect.c finds the
 * one that fits, and reader.c does what is the same for all.  Nothing here
 * talks to a server, and nothing is sent when any file is at fault.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_READER_H
#define VIFLO_CLI_READER_H

#include <time.h>

#include "cli/folder.h"
#include "cli/newfile.h"
#include "cli/settings.h"
#include "common/graph.h"
#include "common/revision.h"
#include "lib/stringinfo.h"

/* What is sent of one revision, and what its tool would say of it. */
typedef struct VifloMigration
{
	const char *script;			/* native text, NUL-terminated */
	size_t		length;
	const char *source;			/* file name, relative to the folder */
	char		digest[65];		/* SHA-256 of script, hex */

	/* For taking over the tool's own history; NULL where there is none. */
	const char *version;		/* as the tool writes it there */
	const VifloFile *file;		/* of the up section, as it lies on the disk */
	const void *detail;			/* what else this reader knows of it */
} VifloMigration;

/* Placeholders that a layout has of its own; see placeholder.h. */
typedef enum VifloPlaceholders
{
	VIFLO_PLACEHOLDERS_NONE,
	VIFLO_PLACEHOLDERS_DOLLAR,	/* ${name}, everywhere in the text */
	VIFLO_PLACEHOLDERS_PSQL,	/* :name, :'name', :"name", :{?name} */
	VIFLO_PLACEHOLDERS_WORDS	/* :NAME, everywhere in the text */
} VifloPlaceholders;

/*
 * What a reader knows of the placeholders in its texts; zeroed: nothing.  It
 * may say something else before each section.
 */
typedef struct VifloPlaceholderRules
{
	VifloNames	values;			/* NAME=VALUE, after what --set says */
	bool		own_values_only;	/* the environment does not count */
	bool		any_case;		/* of names */
	bool		keep_unknown;	/* a name without a value stays as it is */
	bool		off;			/* these texts have none */
	const char *hint;			/* a sentence more where a value is missing */
} VifloPlaceholderRules;

/*
 * All of a folder.  revisions has count elements that go with migrations,
 * then stubs: revisions that are named as parents or dependencies but have no
 * file, which the server may know.  palloc'd, lives as long as the program.
 */
typedef struct VifloHistory
{
	const struct VifloReader *reader;
	const VifloSettings *settings;	/* how the user wants it read */
	int			count;
	int			stubs;
	VifloRevision *revisions;
	VifloMigration *migrations;
	VifloGraph *graph;			/* of count + stubs revisions */
	const void *detail;			/* what the reader knows of the whole */
	int			allocated;
	bool		warned;			/* something was said about the folder */
	const VifloFile *checked;	/* the last file whose text was found good */
	VifloPlaceholderRules placeholders;
	bool		outside;		/* it depends on more than the folder's files:
								 * values set, the environment, programs */
} VifloHistory;

/*
 * What a new revision shall be; see create below.  Texts are NULL for empty
 * ones, to be filled in by hand.
 */
typedef struct VifloNewRevision
{
	const char *message;
	VifloRevision *native;		/* id, parents, ...; NULL in linear layouts */
	const char *up;
	const char *down;			/* NULL: none, or (up is NULL too) empty */
	const char *verify;
	bool		no_transaction;
	time_t		time;			/* when it is made */
} VifloNewRevision;

/* How sure is a reader that a file is of its layout? */
typedef enum VifloClaim
{
	VIFLO_CLAIM_NONE,
	VIFLO_CLAIM_WEAK,			/* could be: a number and .sql */
	VIFLO_CLAIM_NAME,			/* the name is as this layout has it */
	VIFLO_CLAIM_SURE			/* a name or text that no other tool uses */
} VifloClaim;

typedef struct VifloReader
{
	const char *name;

	/*
	 * Is a file of this name (its part before the last "/" of that length)
	 * read?  NULL: those that end in .sql and lie in the folder itself.
	 */
	bool		(*wants) (const char *name, int dir_length);

	/*
	 * Is it read once the folder is known to be of this layout?  Files that
	 * are read only then do not help to find that out.  NULL: none.
	 */
	bool		(*wants_more) (const char *name, int dir_length);

	/* Is this file, which is wanted and read, of that layout? */
	VifloClaim	(*claims) (const VifloFolder *folder, const VifloFile *file);

	/*
	 * Adds the folder's revisions, with viflo_reader_add(), parents as the
	 * layout has them; in linear ones the order decides (see linear).
	 */
	bool		(*read) (const VifloFolder *folder, VifloHistory *history,
						 VifloFailure *failure);

	/* Each revision, repeatable ones aside, is the child of the one before. */
	bool		linear;

	VifloPlaceholders placeholders;

	/*
	 * Makes the files of a new revision that comes after all of history,
	 * which is of this layout, with viflo_new_file(), and sets *id.  NULL:
	 * only the tool itself can.
	 */
	bool		(*create) (const VifloHistory *history,
						   const VifloNewRevision *wanted, char **id,
						   VifloNewFiles *files, VifloFailure *failure);

	/* What create writes down of a revision beside its up and down. */
	bool		keeps_no_transaction;
	bool		keeps_verify;
} VifloReader;

extern const VifloReader viflo_reader_native;
extern const VifloReader viflo_reader_golang_migrate;
extern const VifloReader viflo_reader_diesel;
extern const VifloReader viflo_reader_goose;
extern const VifloReader viflo_reader_dbmate;
extern const VifloReader viflo_reader_node_pg_migrate;
extern const VifloReader viflo_reader_rails;
extern const VifloReader viflo_reader_refinery;
extern const VifloReader viflo_reader_sqlx;
extern const VifloReader viflo_reader_supabase;
extern const VifloReader viflo_reader_tern;
extern const VifloReader viflo_reader_numbered;
extern const VifloReader viflo_reader_flyway;
extern const VifloReader viflo_reader_liquibase;
extern const VifloReader viflo_reader_atlas;
extern const VifloReader viflo_reader_graphile_migrate;
extern const VifloReader viflo_reader_alembic;
extern const VifloReader viflo_reader_sqitch;
extern const VifloReader viflo_reader_prisma;
extern const VifloReader viflo_reader_drizzle;
extern const VifloReader viflo_reader_hasura;
extern const VifloReader viflo_reader_sourcegraph;

/* The reader of this name; fails (usage) naming those there are. */
extern const VifloReader *viflo_reader_find(const char *name, VifloFailure *failure);

/* For viflo_folder_list(): does any reader want a file of this name? */
extern bool viflo_reader_wants(const char *name, int dir_length);

/* All of them, in the order in which they are asked; NULL-terminated. */
extern const VifloReader *const viflo_readers[];

/*
 * Reads the files of folder and makes a history of them: with the reader
 * that settings name, or the one found out from the files.
 */
extern bool viflo_reader_read(VifloFolder *folder, const VifloSettings *settings,
							  VifloHistory *history, VifloFailure *failure);

/* Which reader do the files speak for?  NULL and *failure: more than one. */
extern const VifloReader *viflo_reader_detect(const VifloFolder *folder,
											  VifloFailure *failure);

/* For readers: room for one revision more, zeroed. */
extern VifloRevision *viflo_reader_add(VifloHistory *history, const char *source);

/* For readers: the migration of the revision added last. */
extern VifloMigration *viflo_reader_last(const VifloHistory *history);

/*
 * For readers of other tools' files: makes all of file a section of a
 * revision, after replacing placeholders.  Fails when the text cannot be
 * wrapped or is not fit to be sent.
 */
extern bool viflo_reader_section(const VifloFolder *folder, const VifloFile *file,
								 VifloHistory *history, VifloSection *section,
								 VifloFailure *failure);

/*
 * The same for a part of file, or a text made from it: length bytes of text,
 * the first of which stands at the beginning of line first_line of file.
 * text must live as long as the history.  What a part leaves out in the middle
 * is left as empty lines, so that lines still count right.
 */
extern bool viflo_reader_part(const VifloFolder *folder, const VifloFile *file,
							  VifloHistory *history, const char *text,
							  size_t length, int first_line,
							  VifloSection *section, VifloFailure *failure);

/* For readers: something about a file that is worth saying, once. */
extern void viflo_reader_warn(VifloHistory *history, const VifloFolder *folder,
							  const char *name, const char *what);

/* For readers: a message out of a part of a file name. */
extern char *viflo_reader_message(const char *name);

#endif							/* VIFLO_CLI_READER_H */
