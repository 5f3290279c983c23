/*-------------------------------------------------------------------------
 * watcher.h
 *	  What a run tells those who look on: the result rows, the progress
 *	  display, and whatever measures statements.
 *
 * A run calls each watcher of its list, in order, at the points below, always
 * in the backend that runs and inside its transaction.  A watcher may raise;
 * the run fails then as if the statement had.  failed() is called while an
 * error is being handled: it must neither raise nor touch the catalogs.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_WATCHER_H
#define VIFLO_WATCHER_H

#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "tcop/cmdtag.h"

/* One step of a run: one revision in one direction.  Valid during the step. */
typedef struct VifloWatchedStep
{
	const char *project;
	const char *tenant;			/* "" for none */
	const char *revision;
	const char *message;
	bool		up;
	int			number;			/* 1.. */
	int			of;
} VifloWatchedStep;

/* One statement of a step.  Valid until after() or failed() returns. */
typedef struct VifloWatchedStatement
{
	int			number;			/* 1.. within the section */
	int			of;
	int			line;			/* in the file or script */
	const char *text;			/* not NUL-terminated */
	int			length;
	RawStmt    *raw;
} VifloWatchedStatement;

typedef struct VifloWatcher
{
	struct VifloWatcher *next;
	void	   *state;			/* the watcher's own */

	/* Any of these may be NULL. */
	void		(*step_begin) (void *state, const VifloWatchedStep *step);
	void		(*before) (void *state, const VifloWatchedStep *step,
						   const VifloWatchedStatement *statement);
	void		(*after) (void *state, const VifloWatchedStep *step,
						  const VifloWatchedStatement *statement,
						  const QueryCompletion *completion);
	void		(*step_end) (void *state, const VifloWatchedStep *step,
							 instr_time duration);
	void		(*failed) (void *state, const VifloWatchedStep *step);
} VifloWatcher;

#endif							/* VIFLO_WATCHER_H */
