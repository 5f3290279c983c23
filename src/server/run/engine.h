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

#include "run/step.h"

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

#endif							/* VIFLO_ENGINE_H */
