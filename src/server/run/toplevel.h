/*-------------------------------------------------------------------------
 * toplevel.h
 *	  Runs a section as psql would run the file: each statement by itself,
 *	  transaction blocks where it opens them.
 *
 * For a background worker, with no transaction open.  What is done is kept in
 * viflo.unfinished, in the same transaction as the statement wherever that has
 * one, so that a run cut off anywhere is resumed where it was.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TOPLEVEL_H
#define VIFLO_TOPLEVEL_H

#include "run/step.h"

typedef struct VifloTopLevelResult
{
	int			statements;		/* number of the last statement, over all runs */
	int			resumed_at;		/* number of the first statement that ran now,
								 * where an earlier run had done some; else 0 */
	int			attempts;		/* of the statement that was tried most */
} VifloTopLevelResult;

/*
 * Runs what is not done of the step's section, with the given watchers, and
 * marks the section as done (viflo.unfinished.section_done); does not record
 * the step.  Lock waits are bounded and tried again statement by statement
 * (block by block).  On error everything open is rolled back, an INVALID
 * index that the statement made is dropped, and the error raised, placed in
 * the script; the row is gone when nothing of the step is done.  Raises
 * VIFLO_CHANGED_REVISION when the part of the section that is done has
 * another text now.
 *
 * Marks the step as under way (run/lock.h), and again after each abort, which
 * takes the mark away; on error the mark goes with the process.
 */
extern void viflo_toplevel_run(const VifloRun *run, const VifloPlannedStep *step,
							   int number, int of, VifloTopLevelResult *result);

#endif							/* VIFLO_TOPLEVEL_H */
