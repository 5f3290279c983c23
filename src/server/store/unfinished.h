/*-------------------------------------------------------------------------
 * unfinished.h
 *	  Rows of viflo.unfinished: how far a step is that commits as it goes.
 *
 * All of it belongs to the caller's transaction and wants the migrator lock,
 * or to be the worker that runs the step for who has it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_UNFINISHED_H
#define VIFLO_UNFINISHED_H

#include "common/revision.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef struct VifloUnfinished
{
	char	   *project;
	char	   *tenant;
	char	   *revision;
	bool		up;
	TimestampTz started;
	int			statements;		/* number of the last one that is committed */
	char		digest[65];		/* chain of SHA-256 over the statements up to
								 * it, hex */
	int			running;		/* number of the one that was begun; 0: none */
	VifloNames	created;		/* indexes: "OID schema.index", quoted where
								 * needed */
	VifloNames	replaced;		/* likewise */
	bool		section_done;	/* only the backfill is left */
	char	   *backfill_key;	/* or NULL: none is done */
	int64		backfill_rows;
	int			attempts;
	char	   *detail;			/* for the log, or NULL */
	char	   *backfill_of;	/* what backfill_key is a key of, as
								 * viflo_keyset_name() has it; or NULL */
} VifloUnfinished;

/* The row, palloc'd; NULL: there is none. */
extern VifloUnfinished *viflo_unfinished_get(const char *project, const char *tenant,
											 const char *revision);

/* All rows of a project's tenant, or (NULL) of all its tenants. */
extern List *viflo_unfinished_list(const char *project, const char *tenant);

/* A tenant, palloc'd, that the revision is unfinished for; NULL: there is none. */
extern char *viflo_unfinished_find(const char *project, const char *revision);

/* Is there anything to go on with, or to clean? */
extern bool viflo_unfinished_is_half_done(const VifloUnfinished *row);

/* Adds the row, or replaces the one of the same key. */
extern void viflo_unfinished_put(const VifloUnfinished *row);

/* Removes the row; nothing where there is none. */
extern void viflo_unfinished_delete(const char *project, const char *tenant,
									const char *revision);

#endif							/* VIFLO_UNFINISHED_H */
