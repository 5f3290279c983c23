/*-------------------------------------------------------------------------
 * revision.h
 *	  What a revision is: identity, place in the graph, and its texts.
 *
 * A VifloRevision borrows or owns its strings as its maker says; nothing in
 * src/common frees them one by one.  In the server they go with a memory
 * context; the program keeps a folder's revisions for as long as it runs.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_REVISION_H
#define VIFLO_REVISION_H

#include "common/error.h"
#include "common/lines.h"

/* A list of names: revision ids, labels.  Zeroed is empty. */
typedef struct VifloNames
{
	int			count;
	char	  **names;
} VifloNames;

/* Header "transaction:"; AUTO is found out from the statements. */
typedef enum VifloTransaction
{
	VIFLO_TRANSACTION_AUTO,
	VIFLO_TRANSACTION_ON,
	VIFLO_TRANSACTION_OFF
} VifloTransaction;

/*
 * Header "repeatable:", in the order in which an upgrade to the heads runs
 * them around the others.  All but the first run again when their text has
 * changed, too, and have neither down revisions nor labels.
 */
typedef enum VifloRepeatable
{
	VIFLO_REPEATABLE_NO,		/* runs once, in its place in the graph */
	VIFLO_REPEATABLE_FIRST,		/* "first": each time, before all others */
	VIFLO_REPEATABLE_CHANGED,	/* "yes": when its text has changed */
	VIFLO_REPEATABLE_WITH,		/* "with others": after any of those above but
								 * the first */
	VIFLO_REPEATABLE_ALWAYS		/* "always": each time */
} VifloRepeatable;

/*
 * One section of a script.  text is not NUL-terminated: it points into the
 * script.  absent: text == NULL.  file and first_line place it for messages:
 * line n of the section is line first_line + n - 1 of file, where a NULL
 * file means the script's own source, and "-" none: it came as an argument.
 */
typedef struct VifloSection
{
	const char *text;
	size_t		length;
	int			first_line;
	const char *file;
} VifloSection;

typedef struct VifloRevision
{
	char	   *id;
	char	   *message;		/* never NULL */
	VifloNames	down;			/* down revisions, the parents */
	VifloNames	depends_on;		/* full ids or branch labels */
	VifloNames	labels;
	VifloTransaction transaction;
	VifloRepeatable repeatable;
	char	   *created;		/* as written in the header, or NULL */

	/* Texts; all absent where only the graph was loaded. */
	VifloSection up;
	VifloSection down_section;
	VifloSection verify;
	VifloSection backfill;
	char		checksum[65];	/* SHA-256 of up and down, hex; "" unknown */
} VifloRevision;

/* The word for it, which header and catalog have; "no" for the first. */
extern const char *viflo_repeatable_word(VifloRepeatable repeatable);

/* What a word in any case stands for.  False: for nothing. */
extern bool viflo_repeatable_read(VifloSpan word, VifloRepeatable *repeatable);

/* 1 to VIFLO_ID_MAX bytes, without the characters that targets use. */
#define VIFLO_ID_MAX	255

/*
 * Is this usable as a revision id, or a branch label?  Rejected: empty, too
 * long, control characters, white space at either end, any of "@:+,", a
 * leading "-" (a relative target), and the words base, head, heads, current.
 * what is "revision" or "branch label", for the message.  Alembic refuses
 * "@" and the words too, and "-" within ids; file-based layouts need "-"
 * inside, which stays unambiguous as an exact id is tried before rev-N.
 */
extern bool viflo_name_check(const char *name, const char *what, VifloError *error);

/* The file that messages name for a section of a script from source; or NULL. */
extern const char *viflo_section_file(const VifloSection *section, const char *source);

extern void viflo_names_add(VifloNames *names, char *name);
extern bool viflo_names_contain(const VifloNames *names, const char *name);

/* Sorts names, bytewise, in place: for viflo_names_find, or to see twins. */
extern void viflo_names_sort(VifloNames *names);

/* As viflo_names_contain, of names that are sorted: for lists that can be long. */
extern bool viflo_names_find(const VifloNames *sorted, const char *name);

#endif							/* VIFLO_REVISION_H */
