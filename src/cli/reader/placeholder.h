/*-------------------------------------------------------------------------
 * placeholder.h
 *	  Values in place of names in a text: ${name}, :name, :'name', :"name",
 *	  :{?name}.
 *
 * Values come from --set NAME=VALUE, else from the layout's own files, else
 * from the environment variable of that name.  A layout with placeholders of
 * its own has them replaced always, and a name without a value is an error;
 * --placeholders turns a style on, or off.  In other layouts --set alone
 * replaces just the names that it sets, in either style.  Lines stay the same
 * in number unless a value has any.  Values are not looked into again.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PLACEHOLDER_H
#define VIFLO_CLI_PLACEHOLDER_H

#include "cli/reader/reader.h"

/* One text in which names are replaced; made by the caller on its stack. */
typedef struct VifloReplacement
{
	const char *text;			/* length bytes, none of them NUL */
	size_t		length;

	/* The value of a name, or NULL; arg is passed on. */
	const char *(*value) (const char *name, void *arg);
	void	   *arg;
	bool		strict;			/* a name without a value is an error */

	StringInfoData result;		/* what came out */
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

/*
 * Replaces placeholders in section, whose text then is a copy.  Notes in
 * history that its texts depend on more than its files, if they do.  Fails
 * with the line of a name without a value.
 */
extern bool viflo_placeholders_replace(const VifloFolder *folder, VifloHistory *history,
									   VifloSection *section, VifloFailure *failure);

/* The value that name has, or NULL. */
extern const char *viflo_placeholders_value(const VifloHistory *history, const char *name);

/*
 * The value that libpq would take for a connection's parameter (dbname, user)
 * without asking a server: of the URL, else of the environment or a service.
 * NULL: it cannot be told.
 */
extern const char *viflo_placeholders_connection(const VifloSettings *settings,
												 const char *keyword);

#endif							/* VIFLO_CLI_PLACEHOLDER_H */
