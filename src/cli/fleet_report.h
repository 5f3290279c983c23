/*-------------------------------------------------------------------------
 * fleet_report.h
 *	  What the user gets to see of a fleet: while it runs, and in the end.
 *
 * On a terminal one line shows how far it is; elsewhere each database has a
 * line when it ends.  The first failures are shown in full as they happen,
 * the rest in a few words.  With --format json all of it is one document.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLEET_REPORT_H
#define VIFLO_CLI_FLEET_REPORT_H

#include "cli/fleet_list.h"

/* On the caller's stack, zeroed but for the first five. */
typedef struct VifloFleetReport
{
	const VifloFleet *fleet;
	const char *command;		/* its name */
	const char *subject;		/* what the documents are of, see exchange.h */
	const char *hint;			/* what to do about those that are not done */
	int64		started;		/* viflo_watch_now() */

	int			done;
	int			failed;
	int			cancelled;
	int			running;
	bool		stopping;
	int			failures_shown;
	int			warnings;
	int			warnings_shown;
	int			next;			/* member of the document */
} VifloFleetReport;

/* The line on the terminal, where there is one. */
extern void viflo_fleet_report_progress(const VifloFleetReport *report);

/* A member has ended; failure is NULL unless it failed. */
extern void viflo_fleet_report_end(VifloFleetReport *report, VifloFleetMember *member,
								   VifloFailure *failure);

/* What a server remarked. */
extern void viflo_fleet_report_notice(VifloFleetReport *report, const VifloFleetMember *member,
									  const char *dir, const VifloDbError *notice);

/* The user wants it to stop. */
extern void viflo_fleet_report_stopping(VifloFleetReport *report);

/* All is over.  Exit status. */
extern int	viflo_fleet_report_finish(VifloFleetReport *report);

#endif							/* VIFLO_CLI_FLEET_REPORT_H */
