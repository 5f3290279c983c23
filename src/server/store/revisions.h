/*-------------------------------------------------------------------------
 * revisions.h
 *	  Rows of viflo.revision.
 *
 * Writing belongs to the caller's transaction and wants the migrator lock;
 * what may be written is for run/register.c to decide.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_REVISIONS_H
#define VIFLO_REVISIONS_H

#include "common/revision.h"

typedef struct VifloRevisionRow
{
	const char *project;
	const VifloRevision *revision;	/* its section down_section says whether
									 * it is reversible */
	int64		position;
	bool		transactional;
	bool		down_transactional;
	bool		bundled;
	const char *digest;
	const char *source;			/* or NULL */
	const char *script;			/* not NUL-terminated */
	size_t		length;
} VifloRevisionRow;

/* A text[] of the names, palloc'd; and back. */
extern Datum viflo_names_array(const VifloNames *names);
extern VifloNames viflo_names_from_array(Datum array);

/* The word of a kind of repeatable revisions as text, NULL for the usual kind. */
extern Datum viflo_repeatable_datum(VifloRepeatable repeatable, bool *isnull);

/* Adds the row, or replaces the one of the same project and id. */
extern void viflo_revisions_put(const VifloRevisionRow *row, bool replace);

/* Removes the row; nothing where there is none. */
extern void viflo_revisions_delete(const char *project, const char *revision);

/* The revision's text, palloc'd, its length in *length; NULL: there is none. */
extern char *viflo_revisions_script(const char *project, const char *revision,
									size_t *length);

#endif							/* VIFLO_REVISIONS_H */
