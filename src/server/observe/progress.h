/*-------------------------------------------------------------------------
 * progress.h
 *	  What a run is doing, for other sessions to read while it does it.
 *
 * A run keeps its progress in a dynamic shared memory segment, and a lock
 * whose tag holds the segment's handle; whoever wants to look finds the
 * handles in the lock table.  So nothing has to be preloaded, and what a dead
 * process leaves behind is nothing.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_PROGRESS_H
#define VIFLO_PROGRESS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "observe/watcher.h"
#include "storage/dsm.h"

/* Phases, as view viflo.progress names them. */
typedef enum VifloPhase
{
	VIFLO_PHASE_STARTING,		/* "starting" */
	VIFLO_PHASE_MIGRATOR,		/* "waiting for another migrator" */
	VIFLO_PHASE_LOOKING,		/* "waiting for locks": before asking */
	VIFLO_PHASE_RUNNING,		/* "running" */
	VIFLO_PHASE_PAUSING,		/* "pausing between attempts" */
	VIFLO_PHASE_WORKER,			/* "starting a background worker" */
	VIFLO_PHASE_BACKFILL,		/* "backfilling" */
	VIFLO_PHASE_THROTTLED,		/* "throttled" */
	VIFLO_PHASE_CLEANING,		/* "dropping an invalid index" */
	VIFLO_PHASE_RECORDING		/* "recording" */
} VifloPhase;

/*
 * Opens this process's progress: begin, then end on success.  for_session:
 * kept until viflo_progress_end() or the end of the process, else it goes
 * with the transaction.  tenant "" and job 0: none.  command is "upgrade",
 * "deploy" and so on.
 * Does nothing, quietly, where no segment can be had: a run must not fail for it.
 */
extern void viflo_progress_begin(const char *project, const char *tenant, const char *command,
								 int64 job, bool for_session);
extern void viflo_progress_end(void);

/*
 * After an abort of the top-level transaction, which takes session locks
 * away: shows it again.
 */
extern void viflo_progress_again(void);

/* For a worker: handle of this process's segment, or DSM_HANDLE_INVALID; and the other end. */
extern dsm_handle viflo_progress_handle(void);
extern void viflo_progress_attach(dsm_handle handle);
extern void viflo_progress_detach(void);

/*
 * Reports.  All of them are no-ops where no progress is open, raise nothing,
 * and cost no system call.  waiting_for NULL: for nothing.
 */
extern void viflo_progress_phase(VifloPhase phase, const char *waiting_for);

/* A phase of waiting for processes; 0 among pids is a prepared transaction. */
extern void viflo_progress_wait(VifloPhase phase, const int *pids, int count);
extern void viflo_progress_attempt(int attempt);
extern void viflo_progress_rows(int64 done, int64 total);

/* A watcher that reports steps and statements. */
extern VifloWatcher viflo_progress_watcher(void);

/* More than that are not shown. */
#define VIFLO_PROGRESS_BLOCKERS 8

/* A copy of what a run reports. */
typedef struct VifloProgress
{
	int			pid;
	int			worker_pid;		/* 0: none */
	int64		job;			/* 0: none */
	char		project[256];
	char		tenant[NAMEDATALEN];	/* "": none */
	char		command[16];
	VifloPhase	phase;
	char		revision[256];
	bool		up;
	int			step;			/* 0: before the first */
	int			of;
	int			statement;		/* 0: none is running */
	int			statement_of;
	int			line;
	int			attempt;
	int64		rows_done;		/* of a backfill */
	int64		rows_total;		/* 0: not known */
	char		waiting_for[512];
	int			blockers[VIFLO_PROGRESS_BLOCKERS];
	int			nblockers;
	TimestampTz started;
	TimestampTz last_change;
} VifloProgress;

extern const char *viflo_phase_name(VifloPhase phase);

/*
 * The runs of this database that are under way: a list of palloc'd
 * VifloProgress.  Where a run reports nothing that it waits for, but its
 * process is blocked, waiting_for names the blocking pids.
 */
extern List *viflo_progress_list(void);

#endif							/* VIFLO_PROGRESS_H */
