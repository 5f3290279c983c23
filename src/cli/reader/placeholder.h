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
#include "cli/reader/replace.h"

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
