/*-------------------------------------------------------------------------
 * adopt.h
 *	  Records what another tool has applied, exactly.
 *
 * A stamp goes by the graph: a revision brings its ancestors.  Another tool's
 * history need not be like that: a file that came late is in it or not,
 * whatever stands above it.  So each revision is named here.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ADOPT_H
#define VIFLO_ADOPT_H

#include "datatype/timestamp.h"

/* One revision that the other tool has applied. */
typedef struct VifloAdopted
{
	const char *revision;		/* full id */
	const TimestampTz *applied_at;	/* NULL: not known, now */
	const char *applied_by;		/* NULL: not known, the current role */
} VifloAdopted;

/*
 * Records those that are not applied yet, with a row each in the log that says
 * that they came from source (or NULL).  Returns their number.  Raises
 * VIFLO_UNKNOWN_REVISION for one that is not registered, before any is recorded.
 */
extern int	viflo_adopt_revisions(const char *project, const char *tenant,
								  const VifloAdopted *adopted, int count,
								  const char *source);

#endif							/* VIFLO_ADOPT_H */
