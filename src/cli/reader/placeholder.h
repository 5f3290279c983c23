/*-------------------------------------------------------------------------
 * placeholder.h
 *	  Values in place of names in a text: ${name}, :name, :'name', :"name".
 *
 * Values come from --set NAME=VALUE, else from the environment variable of
 * that name.  A layout with placeholders of its own has them replaced always,
 * and a name without a value is an error; --placeholders turns a style on, or
 * off.  In other layouts --set alone replaces just the names that it sets, in
 * either style.  Lines stay the same in number unless a value has any.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PLACEHOLDER_H
#define VIFLO_CLI_PLACEHOLDER_H

#include "cli/reader/reader.h"

/*
 * Replaces placeholders in section, whose text then is a copy.  Notes in
 * history that its texts depend on more than its files, if they do.  Fails
 * with the line of a name without a value.
 */
extern bool viflo_placeholders_replace(const VifloFolder *folder, VifloHistory *history,
									   VifloSection *section, VifloFailure *failure);

/* The value that name has, or NULL. */
extern const char *viflo_placeholders_value(const VifloHistory *history, const char *name);

#endif							/* VIFLO_CLI_PLACEHOLDER_H */
