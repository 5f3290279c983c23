/*-------------------------------------------------------------------------
 * template.h
 *	  Names of new files, as a team wants them: "{year}{month}{day}_{slug}".
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_TEMPLATE_H
#define VIFLO_CLI_TEMPLATE_H

#include <time.h>

#define VIFLO_DEFAULT_TEMPLATE		"{id}_{slug}"
#define VIFLO_DEFAULT_SLUG_LENGTH	60
#define VIFLO_MAX_SLUG_LENGTH		150

#define VIFLO_TEMPLATE_HINT \
	"Placeholders are {id}, {slug}, {year}, {month}, {day}, {hour}, {minute}, {second} and {epoch}."

/* NULL when the text is a template, else why not. */
extern const char *viflo_template_check(const char *template);

/*
 * The file name for a revision made at now, in UTC: palloc'd, ends with
 * ".sql".  slug is what names its message in file names, or empty.
 */
extern char *viflo_template_name(const char *template, const char *id,
								 const char *slug, time_t now);

#endif							/* VIFLO_CLI_TEMPLATE_H */
