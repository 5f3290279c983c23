/*-------------------------------------------------------------------------
 * jobs.h
 *	  Rows of viflo.job.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_JOBS_H
#define VIFLO_JOBS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef struct VifloJobRow
{
	int64		id;
	char	   *project;
	char	   *tenant;
	bool		up;
	char	   *target;
	char	   *state;			/* "queued", "running", "done", "failed",
								 * "cancelled" */
	char	   *role_name;
	int			pid;			/* 0: none yet */
	TimestampTz created;
	TimestampTz started;		/* 0: not yet */
	TimestampTz ended;			/* 0: not yet */
	int			done;
	int			steps;			/* -1: not planned yet */
	char	   *error;			/* or NULL */
	char	   *sqlstate;		/* or NULL */
	bool		uncommitted;	/* read only: made by the current transaction */
} VifloJobRow;

/* Adds a row with a new id, which is returned. */
extern int64 viflo_jobs_add(VifloJobRow *row);

/* The row, palloc'd; NULL: there is none. */
extern VifloJobRow *viflo_jobs_get(int64 id);

/* All of them, by id. */
extern List *viflo_jobs_list(void);

/* Replaces the row of the same id; nothing where there is none any more. */
extern void viflo_jobs_put(const VifloJobRow *row);

#endif							/* VIFLO_JOBS_H */
