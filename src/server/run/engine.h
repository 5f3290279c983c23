/*-------------------------------------------------------------------------
 * engine.h
 *	  Runs a plan: lock, decide by the newest state, run, record.
 *
 * A run belongs to the caller's transaction.  Its watchers see each step and
 * each statement.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ENGINE_H
#define VIFLO_ENGINE_H

#include "common/plan.h"
#include "observe/watcher.h"

typedef struct VifloRun
{
	const char *project;
	const char *tenant;			/* "" for none */
	VifloDirection direction;
	const char *target;
	VifloWatcher *watchers;
} VifloRun;

/*
 * Runs what is missing, or is too much, for the target.  Returns the number
 * of steps; 0, with no lock kept and none waited for, when there is nothing to
 * do.  Before the first step runs, it is certain that all of them can run in a
 * transaction, and that each has the section that is wanted.  Raises the
 * failing statement's error, placed in its script, or one of ours.
 */
extern int	viflo_engine_run(const VifloRun *run);

/*
 * Records targets as applied (and, by Alembic's rules, what they replace as
 * not) without running anything.
 */
extern void viflo_engine_stamp(const char *project, const char *tenant,
							   const char *const *targets, int ntargets, bool purge);

/*
 * Notes that nothing is left to do for target, if that is so and can be
 * noted now without waiting; returns whether it is noted.
 */
extern bool viflo_engine_settle(const char *project, const char *tenant,
								const char *target, const char *manifest);

/* Raises VIFLO_NESTED_RUN while a run is under way in this backend. */
extern void viflo_engine_check_not_running(const char *what);

/* Raises when revisions are applied that are not registered. */
struct VifloProjectState;
extern void viflo_engine_check_missing(const struct VifloProjectState *state);

#endif							/* VIFLO_ENGINE_H */
