/*-------------------------------------------------------------------------
 * fleet_report.c
 *	  What the user gets to see of a fleet: while it runs, and in the end.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <unistd.h>

#include "cli/fleet_report.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/watch.h"
#include "lib/stringinfo.h"

/* Of failures, and of warnings, that are shown in full. */
#define MAX_SHOWN	5

/* By VifloFleetStatus. */
static const char *const status_names[] = {
	"not begun", "running", "done", "failed", "cancelled"
};

/* Does a line on the terminal stand for those of the databases? */
static bool
is_drawn(void)
{
	return viflo_status_width() > 0 && isatty(fileno(stdout));
}

void
viflo_fleet_report_progress(const VifloFleetReport *report)
{
	VifloFleetProgress progress = {
		report->done, report->failed + report->cancelled, report->running,
		report->fleet->count, report->stopping
	};
	int			width = viflo_status_width();
	char	   *line;

	if (width == 0)
		return;
	line = viflo_progress_fleet_line(&progress, width, viflo_watch_now() - report->started);
	viflo_status_show(line);
	pfree(line);
}

/* "failed     shop_12  relation "t" already exists (SQLSTATE 42P07)  (12 ms)" */
static void
print_member(const VifloFleetMember *member)
{
	char	   *status = psprintf("%-9s", status_names[member->status]);
	char	   *milliseconds = psprintf(INT64_FORMAT, member->duration);
	bool		begun = member->status != VIFLO_FLEET_NOT_BEGUN;
	char	   *duration = begun ? viflo_output_duration(milliseconds) : NULL;
	const char *cells[] = {status, member->name, member->words, duration};

	viflo_output_table(cells, 1, lengthof(cells));
	pfree(status);
	pfree(milliseconds);
	if (duration != NULL)
		pfree(duration);
}

/* The message of a failure as one of the cells of a line. */
static char *
failure_words(const VifloFailure *failure)
{
	int			length = strcspn(failure->message, "\n");

	if (failure->sqlstate == NULL)
		return pnstrdup(failure->message, length);
	return psprintf("%.*s (SQLSTATE %s)", length, failure->message, failure->sqlstate);
}

void
viflo_fleet_report_end(VifloFleetReport *report, VifloFleetMember *member,
					   VifloFailure *failure)
{
	report->running--;
	if (failure != NULL)
		member->words = failure_words(failure);
	if (member->status == VIFLO_FLEET_DONE)
		report->done++;
	else if (member->status == VIFLO_FLEET_CANCELLED)
		report->cancelled++;
	else
	{
		report->failed++;
		if (report->failures_shown < MAX_SHOWN)
		{
			report->failures_shown++;
			viflo_output_placed_error(failure);
		}
	}
	if (is_drawn() || viflo_output_is_json())
		return;
	print_member(member);
	fflush(stdout);
	if (member->status == VIFLO_FLEET_DONE && member->words != NULL)
	{
		pfree(member->words);
		member->words = NULL;
	}
}

void
viflo_fleet_report_notice(VifloFleetReport *report, const VifloFleetMember *member,
						  const char *dir, const VifloDbError *notice)
{
	VifloFailure warning;

	if (notice->severity == NULL || strcmp(notice->severity, "WARNING") != 0)
	{
		viflo_output_verbose("%s: notice: %s", member->name, notice->message);
		return;
	}
	report->warnings++;
	if (report->warnings_shown >= MAX_SHOWN)
		return;
	report->warnings_shown++;
	viflo_failure_database(&warning, dir, notice);
	warning.database = pstrdup(member->name);
	viflo_output_placed_warning(&warning);
	viflo_failure_free(&warning);
}

void
viflo_fleet_report_stopping(VifloFleetReport *report)
{
	report->stopping = true;
	viflo_output_note("stopping: cancels what is under way, and waits for its end");
}

/*-------------------------------------------------------------------------
 * In the end
 *-------------------------------------------------------------------------
 */

/*
 * 1 if any failed or was kept from running.  What all of them failed with is
 * told apart: that none could be connected to; and of check, that all who
 * failed are only behind.
 */
static int
exit_status(const VifloFleetReport *report)
{
	const VifloFleet *fleet = report->fleet;
	int			unreachable = 0;
	int			behind = 0;

	if (report->done == fleet->count)
		return VIFLO_EXIT_DONE;
	for (int i = 0; i < fleet->count; i++)
	{
		const VifloFleetMember *member = &fleet->members[i];

		if (member->status != VIFLO_FLEET_FAILED)
			continue;
		unreachable += member->exit_status == VIFLO_EXIT_CONNECTION;
		behind += member->exit_status == VIFLO_EXIT_BEHIND;
	}
	if (report->cancelled > 0 || report->failed == 0)
		return VIFLO_EXIT_REFUSED;
	if (unreachable == fleet->count)
		return VIFLO_EXIT_CONNECTION;
	return behind == report->failed ? VIFLO_EXIT_BEHIND : VIFLO_EXIT_REFUSED;
}

/* "200 databases: 190 done, 2 failed, 8 not begun (12.3 s)" */
static void
print_summary(const VifloFleetReport *report, int not_begun, int64 duration)
{
	StringInfoData line;
	char	   *milliseconds = psprintf(INT64_FORMAT, duration);

	initStringInfo(&line);
	appendStringInfo(&line, "%d %s: %d done", report->fleet->count,
					 report->fleet->count == 1 ? "database" : "databases", report->done);
	if (report->failed > 0)
		appendStringInfo(&line, ", %d failed", report->failed);
	if (report->cancelled > 0)
		appendStringInfo(&line, ", %d cancelled", report->cancelled);
	if (not_begun > 0)
		appendStringInfo(&line, ", %d not begun", not_begun);
	viflo_output_line("%s %s", line.data, viflo_output_duration(milliseconds));
	pfree(line.data);
}

/* The member's part of the document. */
static json_t *
member_document(const VifloFleetReport *report, VifloFleetMember *member)
{
	json_t	   *document;

	document = json_pack("{s:o, s:o, s:s, s:I, s:o}",
						 "name", viflo_output_json_string(member->name),
						 "url", viflo_output_json_string(member->shown),
						 "status", status_names[member->status],
						 "duration_ms", (json_int_t) member->duration,
						 "error", member->error != NULL ? member->error : json_null());
	member->error = NULL;
	viflo_output_json_add(document, report->subject, member->document);
	return document;
}

static json_t *
next_document(void *arg)
{
	VifloFleetReport *report = arg;

	if (report->next >= report->fleet->count)
		return NULL;
	return member_document(report, &report->fleet->members[report->next++]);
}

static void
print_document(VifloFleetReport *report, int status, int not_begun, int64 duration)
{
	json_t	   *head = json_pack("{s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:I}",
								 "command", viflo_output_json_string(report->command),
								 "status", status,
								 "total", report->fleet->count,
								 "done", report->done,
								 "failed", report->failed,
								 "cancelled", report->cancelled,
								 "not_begun", not_begun,
								 "duration_ms", (json_int_t) duration);

	viflo_output_json_report(head, "databases", next_document, report);
}

/* Those without a line so far: all that are not done, or were never begun. */
static void
print_rest(const VifloFleetReport *report)
{
	bool		drawn = is_drawn();

	if (viflo_output_is_json())
		return;
	for (int i = 0; i < report->fleet->count; i++)
	{
		const VifloFleetMember *member = &report->fleet->members[i];

		if (member->status == VIFLO_FLEET_NOT_BEGUN ? !drawn :
			drawn && member->status != VIFLO_FLEET_DONE)
			print_member(member);
	}
}

int
viflo_fleet_report_finish(VifloFleetReport *report)
{
	int64		duration = viflo_watch_now() - report->started;
	int			not_begun = report->fleet->count - report->done - report->failed - report->cancelled;
	int			status = exit_status(report);

	print_rest(report);
	print_summary(report, not_begun, duration);
	print_document(report, status, not_begun, duration);
	if (report->failed > report->failures_shown)
		viflo_output_note("%d more failures are not shown in full; --format json has them",
						  report->failed - report->failures_shown);
	if (report->warnings > report->warnings_shown)
		viflo_output_note("%d more warnings are not shown",
						  report->warnings - report->warnings_shown);
	if (report->done < report->fleet->count && report->hint != NULL)
		viflo_output_note("%s", report->hint);
	return status;
}
