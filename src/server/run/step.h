/*-------------------------------------------------------------------------
 * step.h
 *	  The steps of a run: planning, checking, and running one of them in the
 *	  current transaction.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_STEP_H
#define VIFLO_STEP_H

#include "common/plan.h"
#include "observe/watcher.h"
#include "store/record.h"
#include "store/state.h"
#include "store/unfinished.h"

/* What is to be run. */
typedef struct VifloRun
{
	const char *project;
	const char *tenant;			/* "" for none */
	VifloDirection direction;
	const char *target;
	int			late;			/* VifloLate; set by the run as it begins, as
								 * the setting may end with a transaction */
	VifloWatcher *watchers;
} VifloRun;

/* A step of a plan, copied from the cached state. */
typedef struct VifloPlannedStep
{
	char	   *revision;
	char	   *message;
	char	   *source;			/* or NULL */
	bool		up;
	bool		again;			/* up: it is applied, with another text */
	bool		transactional;
	int			number;			/* 1.. */
	int			of;
	VifloNames	forgets;		/* of a downgrade's first step: see
								 * viflo_steps_forgotten() */
} VifloPlannedStep;

/* How a run goes about its steps. */
typedef enum VifloManner
{
	VIFLO_ONE_TRANSACTION,		/* all of it in the caller's */
	VIFLO_ONLINE				/* a commit after each step */
} VifloManner;

/* Raises VIFLO_NESTED_RUN while a run is under way in this backend. */
extern void viflo_steps_check_not_running(const char *what);

/* A run is under way in this backend: from now on, or no longer; now? */
extern void viflo_steps_set_running(bool running);
extern bool viflo_steps_running(void);

/* Raises when revisions are applied that are not registered. */
extern void viflo_steps_check_missing(const VifloProjectState *state);

/* Raises VIFLO_UNFINISHED for a step that was cut off half way. */
extern _Noreturn void viflo_steps_raise_unfinished(const VifloUnfinished *row);

/* The plan by state; nodes and all in the current memory context. */
extern void viflo_steps_make_plan(const VifloRun *run, VifloProjectState *state, VifloPlan *plan);

/*
 * Takes the late steps out of the plan, each with a warning, where late is to
 * list them.
 */
extern void viflo_steps_leave_out_late(int late, const VifloProjectState *state,
									   VifloPlan *plan);

/*
 * Is there nothing to do, by the newest state, but for late steps to be warned
 * of?  Not so where a step was cut off that goes the other way: that is for
 * viflo_steps_plan() to say.
 */
extern bool viflo_steps_nothing_to_do(const VifloRun *run);

/*
 * The steps to the run's target by the newest state, each checked: not late
 * (unless set; where it is to be left out, it is, with a warning), reversible
 * where it goes down; and in one transaction, able to run in it and not half
 * done.  palloc'd in the current context; NULL and *count = 0 when there is
 * nothing to do.  The caller has the migrator lock.
 */
extern VifloPlannedStep *viflo_steps_plan(const VifloRun *run, VifloManner manner, int *count);

/*
 * The repeatable revisions that are applied, with whatever text, which are not
 * any more once another revision is taken back: what they made may be gone
 * with it.  In the current memory context.
 */
extern VifloNames viflo_steps_forgotten(const VifloProjectState *state);

/* Reads the step's text from the catalog.  Strings in the current context. */
extern void viflo_step_read(const VifloRun *run, const VifloPlannedStep *step,
							VifloRevision *revision);

/* The section that the step runs. */
extern const VifloSection *viflo_step_section(const VifloPlannedStep *step,
											  const VifloRevision *revision);

/* The step as watchers see it. */
extern VifloWatchedStep viflo_step_watched(const VifloRun *run, const VifloPlannedStep *step);

/* A row for viflo.unfinished, made in context, by which nothing is done yet. */
extern VifloUnfinished *viflo_step_unfinished(const VifloRun *run, const VifloPlannedStep *step,
											  TimestampTz started, MemoryContext context);

/* A record of the step that begins now. */
extern VifloRecord viflo_step_record(const VifloRun *run, const VifloPlannedStep *step);

/* Reports and tells the watchers that the step begins. */
extern void viflo_step_begin(const VifloRun *run, const VifloPlannedStep *step);

/* Tells the watchers that it is done. */
extern void viflo_step_end(const VifloRun *run, const VifloPlannedStep *step,
						   instr_time begin);

/*
 * Runs the step's section of revision in the current transaction, in a
 * session of its own.  Returns the number of statements.  Raises the failing
 * statement's error, placed in its script.
 */
extern int	viflo_step_run_section(const VifloRun *run, const VifloPlannedStep *step,
								   const VifloRevision *revision);

#endif							/* VIFLO_STEP_H */
