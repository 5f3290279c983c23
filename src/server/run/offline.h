/*-------------------------------------------------------------------------
 * offline.h
 *	  Scripts that psql applies without this session, and their bookkeeping.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_OFFLINE_H
#define VIFLO_OFFLINE_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/*
 * Appends a script for psql -1 that takes a database, or its schema tenant,
 * from one end of range to the other (see viflo_plan_offline()): it registers
 * the revisions, runs their statements, and records them with viflo_record().
 * functions is the quoted schema of our functions.  Raises
 * VIFLO_NOT_TRANSACTIONAL or VIFLO_NO_DOWN as a run would.  Where range ends at
 * all heads, all repeatable revisions are run: what the database has of them is
 * not known.
 */
extern void viflo_offline_script(StringInfo buf, const char *project, const char *tenant,
								 const char *range, const char *functions);

/*
 * Raises VIFLO_OUT_OF_STEP unless the database, as it is now, is one that
 * this step can be run on, with the tenant's schema in it; takes the migrator
 * lock.
 */
extern void viflo_offline_check(const char *project, const char *tenant,
								const char *revision, bool up);

/* Records the step as run, after the same check. */
extern void viflo_offline_record(const char *project, const char *tenant,
								 const char *revision, bool up,
								 TimestampTz started, int statements);

#endif							/* VIFLO_OFFLINE_H */
