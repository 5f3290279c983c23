/*-------------------------------------------------------------------------
 * progress.c
 *	  What view viflo.progress says of a run, as one line for people.
 *
 * What matters most comes first, as the end is cut off where the terminal is
 * narrow: the bar, the time, the step, then the statement and what it does.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/progress.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* The bar takes a sixth of the line, within these bounds. */
#define MIN_BAR		8
#define MAX_BAR		24

static int64
number(VifloDbRow *row, int column)
{
	const char *text = viflo_db_row_text(row, column);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

VifloProgress
viflo_progress_read(VifloDbRow *row, int first)
{
	VifloProgress progress;

	progress.phase = viflo_db_row_text(row, first);
	progress.revision = viflo_db_row_text(row, first + 1);
	progress.step = number(row, first + 2);
	progress.of = number(row, first + 3);
	progress.statement = number(row, first + 4);
	progress.statement_of = number(row, first + 5);
	progress.attempt = number(row, first + 6);
	progress.rows_done = number(row, first + 7);
	progress.rows_total = number(row, first + 8);
	progress.waiting_for = viflo_db_row_text(row, first + 9);
	progress.index_phase = viflo_db_row_text(row, first + 10);
	progress.blocks_done = number(row, first + 11);
	progress.blocks_total = number(row, first + 12);
	return progress;
}

/* Which part of total is done, from 0 to 1; 0 where that is not known. */
static double
part(double done, double total)
{
	if (total <= 0 || done <= 0)
		return 0;
	return Min(done / total, 1);
}

/*
 * Where the phases of an index build begin, roughly, and which part of it
 * their blocks are; none for those that count none.
 */
static const struct
{
	const char *phase;
	double		start;
	double		blocks;
}			index_phases[] = {
	{"building index: scanning table", 0, 0.4},
	{"building index: sorting", 0.4, 0},
	{"building index: loading", 0.5, 0},
	{"waiting for writers before validation", 0.6, 0},
	{"index validation: scanning index", 0.6, 0.1},
	{"index validation: sorting", 0.7, 0},
	{"index validation: scanning table", 0.7, 0.25},
	{"waiting for old snapshots", 0.95, 0}
};

static double
index_part(const VifloProgress *progress)
{
	for (int i = 0; i < lengthof(index_phases) && progress->index_phase != NULL; i++)
	{
		if (strncmp(progress->index_phase, index_phases[i].phase, strlen(index_phases[i].phase)) == 0)
			return index_phases[i].start + index_phases[i].blocks *
				part(progress->blocks_done, progress->blocks_total);
	}
	return 0;
}

/*
 * How much of the plan is done.  Steps count alike, and so do the statements
 * of one: nobody knows better beforehand.
 */
static double
done_part(const VifloProgress *progress)
{
	double		inside = Max(part(progress->rows_done, progress->rows_total),
							 index_part(progress));

	if (progress->statement > 0)
		inside = part(progress->statement - 1 + inside, progress->statement_of);
	if (progress->step <= 0)
		return 0;
	return part(progress->step - 1 + inside, progress->of);
}

static void
add_bar(StringInfo line, double done, int width)
{
	int			size = Min(Max(width / 6, MIN_BAR), MAX_BAR);
	int			full = (int) (done * size);

	appendStringInfoChar(line, '[');
	for (int i = 0; i < size; i++)
		appendStringInfoChar(line, i < full ? '#' : '.');
	appendStringInfoString(line, "] ");
}

static void
add_time(StringInfo line, int64 elapsed)
{
	int64		seconds = elapsed / 1000;

	if (seconds >= 3600)
		appendStringInfo(line, INT64_FORMAT ":%02d", seconds / 3600, (int) (seconds / 60 % 60));
	else
		appendStringInfo(line, "%d", (int) (seconds / 60));
	appendStringInfo(line, ":%02d", (int) (seconds % 60));
}

static bool
is_said(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void
add_work(StringInfo line, const VifloProgress *progress)
{
	bool		running = !is_said(progress->phase) || strcmp(progress->phase, "running") == 0;

	if (progress->attempt > 1)
		appendStringInfo(line, ", attempt " INT64_FORMAT, progress->attempt);
	if (is_said(progress->index_phase))
	{
		appendStringInfoString(line, ", ");

		/*
		 * Of phases that count no blocks, the view has those of the one
		 * before.
		 */
		if (progress->blocks_total > 0 && strstr(progress->index_phase, "scanning") != NULL)
			appendStringInfo(line, "%d%% ",
							 (int) (100 * part(progress->blocks_done, progress->blocks_total)));
		appendStringInfoString(line, progress->index_phase);
	}
	if (progress->rows_total > 0)
		appendStringInfo(line, ", %d%% of the rows",
						 (int) (100 * part(progress->rows_done, progress->rows_total)));
	else if (progress->rows_done > 0)
		appendStringInfo(line, ", " INT64_FORMAT " rows", progress->rows_done);
	if (!running)
		appendStringInfo(line, ", %s", progress->phase);
	if (is_said(progress->waiting_for))
		appendStringInfo(line, "%s %s", running ? ", waiting for" : ":",
						 progress->waiting_for);
}

/* Cuts text off where it gets wider than width; blanks for control characters. */
static void
fit(char *text, int width)
{
	int			length = strlen(text);
	int			at = 0;

	while (at < length)
	{
		int			step = pg_utf_mblen((const unsigned char *) text + at);
		int			columns;

		if ((unsigned char) text[at] < ' ' || text[at] == 0x7f)
			text[at] = ' ';
		columns = step <= length - at ? pg_encoding_dsplen(PG_UTF8, text + at) : -1;

		/* Something broken, or a control character of more than one byte. */
		if (columns < 0)
		{
			text[at] = '?';
			step = columns = 1;
		}
		if (columns > width)
			break;
		width -= columns;
		at += step;
	}
	text[at] = '\0';
}

char *
viflo_progress_line(const VifloProgress *progress, int width, int64 elapsed)
{
	StringInfoData line;

	initStringInfo(&line);
	if (width > 4 * MIN_BAR)
		add_bar(&line, done_part(progress), width);
	add_time(&line, elapsed);
	if (progress->step > 0)
		appendStringInfo(&line, " step " INT64_FORMAT " of " INT64_FORMAT,
						 progress->step, progress->of);
	if (is_said(progress->revision))
		appendStringInfo(&line, ", %s", progress->revision);
	if (progress->statement > 0)
		appendStringInfo(&line, ", statement " INT64_FORMAT " of " INT64_FORMAT,
						 progress->statement, progress->statement_of);
	add_work(&line, progress);
	fit(line.data, width);
	return line.data;
}

char *
viflo_progress_fleet_line(const VifloFleetProgress *progress, int width, int64 elapsed)
{
	StringInfoData line;

	initStringInfo(&line);
	if (width > 4 * MIN_BAR)
		add_bar(&line, part(progress->done + progress->failed, progress->total), width);
	add_time(&line, elapsed);
	appendStringInfo(&line, " %d done, %d failed, %d running of %d", progress->done,
					 progress->failed, progress->running, progress->total);
	if (progress->stopping)
		appendStringInfoString(&line, ", stopping");
	fit(line.data, width);
	return line.data;
}
