/*-------------------------------------------------------------------------
 * test_progress.c
 *	  src/cli/progress: the line says what is known, and fits every width.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/progress.h"
#include "mb/pg_wchar.h"
#include "tap.h"

/* Columns of a row, for viflo_progress_read(). */
static const char *const *row_columns;

const char *
viflo_db_row_text(VifloDbRow *row, int column)
{
	return row_columns[column];
}

static void
is_line(const VifloProgress *progress, int width, int64 elapsed, const char *expected,
		const char *name)
{
	char	   *line = viflo_progress_line(progress, width, elapsed);

	if (!tap_ok(strcmp(line, expected) == 0, "%s", name))
		tap_note("got      \"%s\"\n# expected \"%s\"", line, expected);
	pfree(line);
}

static void
test_read(void)
{
	static const char *const columns[] = {
		"of somebody else", "backfilling", "0007", "2", "5", "1", "3", "4",
		"12345678901", NULL, "process 7", NULL, NULL, "9"
	};
	VifloDbRow	row = {0};
	VifloProgress progress;

	row_columns = columns;
	progress = viflo_progress_read(&row, 1);
	tap_ok(strcmp(progress.revision, "0007") == 0 && progress.step == 2 &&
		   progress.of == 5 && progress.statement == 1 && progress.statement_of == 3 &&
		   progress.attempt == 4 && progress.rows_done == INT64CONST(12345678901) &&
		   progress.rows_total == 0 && strcmp(progress.waiting_for, "process 7") == 0 &&
		   progress.index_phase == NULL && progress.blocks_done == 0 &&
		   progress.blocks_total == 9, "a row is read");
}

static void
test_lines(void)
{
	VifloProgress nothing = {0};
	VifloProgress running = {.phase = "running",.revision = "a1",.step = 2,.of = 4,.statement = 2,.statement_of = 2};
	VifloProgress indexed = running;
	VifloProgress filling = {.phase = "backfilling",.revision = "a1",.step = 1,.of = 1,.rows_done = 50,.rows_total = 200};
	VifloProgress waiting = {.phase = "waiting for locks",.revision = "a1",.step = 1,.of = 1,.attempt = 3,.waiting_for = "process 7"};

	is_line(&nothing, 60, 0, "[..........] 0:00", "nothing known");
	is_line(&running, 60, 61000, "[###.......] 1:01 step 2 of 4, a1, statement 2 of 2", "a statement");
	is_line(&running, 240, 3723000,
			"[#########...............] 1:02:03 step 2 of 4, a1, statement 2 of 2", "an hour, on a wide terminal");
	is_line(&running, 25, 0, "0:00 step 2 of 4, a1, sta", "no room for a bar");
	indexed.index_phase = "building index: scanning table";
	indexed.blocks_done = 1;
	indexed.blocks_total = 4;
	is_line(&indexed, 100, 0,
			"[######..........] 0:00 step 2 of 4, a1, statement 2 of 2, 25% building index: scanning table",
			"blocks of an index");
	indexed.index_phase = "building index: sorting live tuples";
	indexed.blocks_done = 4;
	is_line(&indexed, 100, 0,
			"[######..........] 0:00 step 2 of 4, a1, statement 2 of 2, building index: sorting live tuples",
			"blocks of the phase before are not shown");
	is_line(&filling, 60, 0, "[##........] 0:00 step 1 of 1, a1, 25% of the rows, backfill", "rows of a known number, cut off");
	filling.rows_total = 0;
	is_line(&filling, 60, 0, "[..........] 0:00 step 1 of 1, a1, 50 rows, backfilling", "rows of an unknown number");
	is_line(&waiting, 80, 0,
			"[.............] 0:00 step 1 of 1, a1, attempt 3, waiting for locks: process 7", "a wait");
	waiting.phase = "running";
	is_line(&waiting, 80, 0,
			"[.............] 0:00 step 1 of 1, a1, attempt 3, waiting for process 7", "a wait of a statement");
	running.step = 9;
	is_line(&running, 60, 0, "[##########] 0:00 step 9 of 4, a1, statement 2 of 2", "more than all");
}

/* Columns that text takes; -1: it has what a terminal would not print. */
static int
columns_of(const char *text)
{
	int			columns = 0;
	int			length = strlen(text);

	for (int at = 0; at < length;)
	{
		int			step = pg_utf_mblen((const unsigned char *) text + at);

		if ((unsigned char) text[at] < ' ' || text[at] == 0x7f || step > length - at)
			return -1;
		columns += pg_encoding_dsplen(PG_UTF8, text + at);
		at += step;
	}
	return columns;
}

static void
test_widths(void)
{
	static const char *const texts[] = {
		"plain", "Zo\303\253", "\346\274\242\345\255\227\346\274\242\345\255\227",
		"e\314\201\314\201", "\033[31m\n\t\177", "cut \346\274", "\200\377\300", "\302\205", ""
	};

	for (int i = 0; i < lengthof(texts); i++)
	{
		VifloProgress progress = {.phase = texts[i],.revision = texts[i],.step = 1,.of = 2,.waiting_for = texts[i]};
		int			wrong = -1;

		for (int width = 0; width < 120 && wrong < 0; width++)
		{
			char	   *line = viflo_progress_line(&progress, width, 0);
			int			columns = columns_of(line);

			if (columns < 0 || columns > width)
				wrong = width;
			pfree(line);
		}
		tap_ok(wrong < 0, "text %d fits every width", i);
		if (wrong >= 0)
			tap_note("not %d", wrong);
	}
}

int
main(void)
{
	test_read();
	test_lines();
	test_widths();
	return tap_done();
}
