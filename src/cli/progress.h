/*-------------------------------------------------------------------------
 * progress.h
 *	  What view viflo.progress says of a run, as one line for people.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PROGRESS_H
#define VIFLO_CLI_PROGRESS_H

#include "client/result.h"

/* Columns to ask for, of the alias p, in text format. */
#define VIFLO_PROGRESS_COLUMNS \
	"p.phase, p.revision, p.step, p.of, p.statement, p.statement_of, p.attempt," \
	" p.rows_done, p.rows_total, p.waiting_for, p.index_phase, p.blocks_done," \
	" p.blocks_total"
#define VIFLO_PROGRESS_COUNT	13

/*
 * One row of it, whose strings stand in the result.  NULL and 0: the view has
 * nothing to say there.
 */
typedef struct VifloProgress
{
	const char *phase;
	const char *revision;
	int64		step;
	int64		of;
	int64		statement;
	int64		statement_of;
	int64		attempt;
	int64		rows_done;
	int64		rows_total;
	const char *waiting_for;
	const char *index_phase;
	int64		blocks_done;
	int64		blocks_total;
} VifloProgress;

/* Reads the columns, from the one of number first on. */
extern VifloProgress viflo_progress_read(VifloDbRow *row, int first);

/*
 * "[####......] 0:12 step 2 of 5, ...": width columns at most, palloc'd, no
 * control characters.  elapsed in milliseconds.
 */
extern char *viflo_progress_line(const VifloProgress *progress, int width, int64 elapsed);

/* Where a fleet stands. */
typedef struct VifloFleetProgress
{
	int			done;
	int			failed;
	int			running;
	int			total;
	bool		stopping;
} VifloFleetProgress;

/* "[####......] 0:12 40 done, 2 failed, 8 running of 200", in the same way. */
extern char *viflo_progress_fleet_line(const VifloFleetProgress *progress, int width,
									   int64 elapsed);

#endif							/* VIFLO_CLI_PROGRESS_H */
