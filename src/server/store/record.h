/*-------------------------------------------------------------------------
 * record.h
 *	  What is applied, and the log of what ever ran.
 *
 * All of it belongs to the caller's transaction and wants the migrator lock.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_RECORD_H
#define VIFLO_RECORD_H

#include "datatype/timestamp.h"

/* One step to be recorded. */
typedef struct VifloRecord
{
	const char *project;
	const char *tenant;
	const char *revision;
	const char *direction;		/* "up", "down", "stamp", "unstamp" */
	const char *checksum;		/* of the text that ran; NULL: not known */
	TimestampTz started;
	TimestampTz ended;
	int			statements;
} VifloRecord;

/*
 * Marks the revision applied ("up", "stamp") or not, and adds a row to the
 * log, in the name of the current role.
 */
extern void viflo_record_step(const VifloRecord *record);

/* Puts another checksum on an applied revision, for every tenant. */
extern void viflo_record_repair(const char *project, const char *revision,
								const char *checksum);

/* Is the revision applied for any tenant of the project? */
extern bool viflo_record_is_applied(const char *project, const char *revision);

#endif							/* VIFLO_RECORD_H */
