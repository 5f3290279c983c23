/*-------------------------------------------------------------------------
 * record.h
 *	  What is applied, and the log of what ever ran.
 *
 * All of it belongs to the caller's transaction and wants the migrator lock.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_RECORD_H
#define VIFLO_RECORD_H

#include "common/revision.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/* One step to be recorded. */
typedef struct VifloRecord
{
	const char *project;
	const char *tenant;
	const char *revision;
	const char *direction;		/* "up", "down", "stamp", "unstamp" */
	bool		again;			/* up or stamp: it is applied already */
	const char *checksum;		/* of the text that ran; NULL: not known */
	TimestampTz started;
	TimestampTz ended;
	int			statements;
	bool		nontransactional;	/* ran outside of one transaction */
	int			attempts;		/* 0 counts as 1 */
	const char *detail;			/* or NULL */
	const TimestampTz *applied_at;	/* what is recorded of it beside the log; */
	const char *applied_by;		/* NULL: now, by the current role */
	const VifloNames *forgets;	/* revisions not applied any more, beside;
								 * NULL: none */
	const char *error;			/* failed only */
	const char *sqlstate;		/* failed only */
} VifloRecord;

/*
 * Marks the revision applied ("up", "stamp") or not, forgets that it was
 * unfinished, and adds a row to the log, in the name of the current role.
 */
extern void viflo_record_step(const VifloRecord *record);

/*
 * A record's detail is made of parts.  Adds one; or takes for all of them what
 * was made of them meanwhile (NULL: nothing), by the worker or an earlier run.
 */
extern void viflo_record_add_detail(StringInfo detail, const char *part);
extern void viflo_record_take_detail(StringInfo detail, const char *parts);

/* Adds a row with status "failed" to the log, and changes nothing else. */
extern void viflo_record_failure(const VifloRecord *record);

/* In these two, tenant NULL stands for every tenant of the project. */

/* Puts another checksum on a revision where it is applied. */
extern void viflo_record_repair(const char *project, const char *tenant,
								const char *revision, const char *checksum);

/* The first tenant, palloc'd, that it is applied for; NULL: there is none. */
extern char *viflo_record_find(const char *project, const char *tenant,
							   const char *revision);

/* Marks the revision not applied, for every tenant, and says so in no log. */
extern void viflo_record_forget(const char *project, const char *revision);

#endif							/* VIFLO_RECORD_H */
