/*-------------------------------------------------------------------------
 * replace.h
 *	  Replaces names in one text: ${name}, :name as psql has it, or :NAME.
 *
 * Where values come from is the caller's concern.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_REPLACE_H
#define VIFLO_CLI_REPLACE_H

#include "lib/stringinfo.h"

/* A part of a text, in bytes from its beginning. */
typedef struct VifloExtent
{
	size_t		start;
	size_t		end;
} VifloExtent;

/* One text in which names are replaced; made by the caller on its stack. */
typedef struct VifloReplacement
{
	const char *text;			/* length bytes, none of them NUL */
	size_t		length;

	/* The value of a name, or NULL; arg is passed on. */
	const char *(*value) (const char *name, void *arg);
	void	   *arg;
	bool		strict;			/* a name without a value is an error */

	/* Parts of text, in order, in which the psql style replaces nothing. */
	const VifloExtent *kept;
	int			kept_count;

	StringInfoData result;		/* what came out */
	VifloExtent *values;		/* of the dollar style: where values are in it */
	int			value_count;
	char	   *missing;		/* the name that has no value; or NULL: a
								 * placeholder is not closed */
	int			line;			/* where, from 1 */
} VifloReplacement;

/*
 * All make result, and fail with missing and line.
 *
 * dollar: ${name} wherever it stands; a name is what is between the braces.
 *
 * psql: what psql's own lexer finds, so that casts, strings, comments, dollar
 * quotes and the data of COPY stay as they are, as does everything else.
 * :name without a value stays too, as in psql (it may be an array's slice);
 * with quotes around it, it is an error if strict.
 *
 * words: :NAME wherever it stands, NAME being all letters, digits and
 * underscores that follow; one without a value always stays.
 */
extern bool viflo_replace_dollar(VifloReplacement *replacement);
extern bool viflo_replace_psql(VifloReplacement *replacement);
extern bool viflo_replace_words(VifloReplacement *replacement);

#endif							/* VIFLO_CLI_REPLACE_H */
