/*-------------------------------------------------------------------------
 * numbered.h
 *	  What layouts share whose file names are a number and a rest.
 *
 * A layout says which files are its own and how versions compare; here they
 * are put in order, up goes with down, and what cannot be (a down without an
 * up, two files of one version) is told.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_NUMBERED_H
#define VIFLO_CLI_NUMBERED_H

#include "cli/reader/reader.h"

/* A file name taken apart: NUMBER rest SUFFIX, after start bytes of its own. */
typedef struct VifloNumbered
{
	VifloFile  *file;
	const char *name;			/* of file, without its directory */
	int			start;			/* where the number begins */
	int			digits;			/* of it, leading zeros included */
	int			length;			/* of name without its suffix: the id */
	bool		down;
	uint64		number;
	bool		overflow;		/* it has more than 64 bits */
} VifloNumbered;

/* How the names of a layout end. */
typedef enum VifloNumberedSuffix
{
	VIFLO_NUMBERED_SQL,			/* .sql, whatever is before it */
	VIFLO_NUMBERED_PAIR,		/* .up.sql or .down.sql */
	VIFLO_NUMBERED_ANY			/* .up.sql, .down.sql, else .sql */
} VifloNumberedSuffix;

typedef struct VifloNumberedRules
{
	/*
	 * Is it of this layout?  Then takes its name apart.  Called for claims,
	 * too.
	 */
	bool		(*take) (const VifloFile *file, VifloNumbered *part);

	/*
	 * Why can a wanted file that is not taken not be passed over either? NULL
	 * (also as a result): it can.
	 */
	const char *(*refuse) (const VifloFile *file);

	/*
	 * Order of versions; equal ones are up and down of one revision, or too
	 * many.  NULL: by number.
	 */
	int			(*compare) (const VifloNumbered *left, const VifloNumbered *right);

	/* Instead: order of file names, and no two with the same digits. */
	bool		by_name;

	/* What numbers can be; the largest 0: all of 64 bits. */
	uint64		smallest;
	uint64		largest;

	/* A file that is none of them, whatever it is called; NULL: none is. */
	const VifloFile *passed;

	/*
	 * Said of a file that looks like a mistake: NUMBER*.sql (or, where
	 * any_ignored is set, any *.sql) that is not taken.
	 */
	const char *ignored;
	bool		any_ignored;

	/* Adds a revision; down may be NULL.  See viflo_numbered_add(). */
	bool		(*add) (const VifloFolder *folder, VifloHistory *history,
						const VifloNumbered *up, const VifloNumbered *down,
						VifloFailure *failure);
} VifloNumberedRules;

/*
 * Takes the name of file apart, its number beginning at byte start.  False:
 * there are no digits, or it ends otherwise.  What separates number and rest
 * is for the caller to look at.
 */
extern bool viflo_numbered_split(const VifloFile *file, int start,
								 VifloNumberedSuffix suffix, VifloNumbered *part);

/* Adds all revisions of the folder, in order. */
extern bool viflo_numbered_read(const VifloFolder *folder, VifloHistory *history,
								const VifloNumberedRules *rules, VifloFailure *failure);

/*
 * For add: a new revision with id, message, version (the digits as they stand
 * in the name, or where plain is set the number) and file.
 */
extern VifloRevision *viflo_numbered_add(VifloHistory *history, const VifloNumbered *up,
										 bool plain);

/* The name of the last revision's file taken apart.  False: there is none. */
extern bool viflo_numbered_last(const VifloHistory *history,
								const VifloNumberedRules *rules, VifloNumbered *last);

/*
 * The next number in the style of the last one: a UTC time of 14 digits, or
 * one more with as many digits.  Without a last one: first, or the time where
 * first is NULL.
 */
extern char *viflo_numbered_next(const VifloHistory *history,
								 const VifloNumberedRules *rules, time_t now,
								 const char *first);

/*
 * The time now in UTC as 14 digits or, where last (or NULL) begins with 14
 * digits that the clock has not passed, one second after those.
 */
extern char *viflo_numbered_stamp(time_t now, const char *last);

/* The same, with the name of the last revision's file. */
extern char *viflo_numbered_time(const VifloHistory *history,
								 const VifloNumberedRules *rules, time_t now);

/* Fails unless a file of this stem comes after the last by the order of names. */
extern bool viflo_numbered_follows(const VifloHistory *history, const char *stem,
								   VifloFailure *failure);

/* For create of layouts that always have a down: says that there was none. */
extern void viflo_numbered_empty_down(const VifloNewRevision *wanted, const char *id,
									  const char *tool);

/* For create of layouts that have no downs: says that one is left out. */
extern void viflo_numbered_no_down(const VifloNewRevision *wanted, const char *id,
								   const char *tool);

/*
 * Appends what names the message of what is wanted: never nothing, which some
 * layouts do not take.
 */
extern void viflo_numbered_slug(StringInfo name, const VifloNewRevision *wanted);

/* NUMBER_slug, from the message of what is wanted. */
extern char *viflo_numbered_stem(const char *number, const VifloNewRevision *wanted);

/*
 * For create of layouts with a file for each direction: STEM.up.sql and, where
 * there is a down or both are to be filled in, STEM.down.sql.
 */
extern void viflo_numbered_pair(VifloNewFiles *files, const char *stem,
								const VifloNewRevision *wanted);

#endif							/* VIFLO_CLI_NUMBERED_H */
