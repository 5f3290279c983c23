/*-------------------------------------------------------------------------
 * fleet.c
 *	  A command in all databases of a fleet.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/fleet.h"
#include "cli/extension.h"
#include "cli/fleet.h"
#include "cli/output.h"
#include "cli/watch.h"

/* The number of --jobs, or the default. */
static bool
read_jobs(const char *text, int *jobs, VifloFailure *failure)
{
	char	   *end;
	long		number;

	*jobs = VIFLO_FLEET_JOBS;
	if (text == NULL)
		return true;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 1 || number > VIFLO_FLEET_MAX_JOBS)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "\"%s\" is not a number of jobs from 1 to %d",
							 text, VIFLO_FLEET_MAX_JOBS);
	*jobs = number;
	return true;
}

/* "load, upgrade, ..." */
static char *
capable_commands(void)
{
	char	   *list = NULL;

	for (int i = 0; viflo_commands[i] != NULL; i++)
	{
		if (viflo_commands[i]->exchange != NULL)
			list = list == NULL ? pstrdup(viflo_commands[i]->name) :
				psprintf("%s, %s", list, viflo_commands[i]->name);
	}
	return list;
}

/* Does --tenants go with the other options? */
static bool
check_tenants(const VifloRequest *request, bool fleet, VifloFailure *failure)
{
	const char *other = fleet ? "--fleet" : request->settings.tenant != NULL ? "--tenant" :
	request->async ? "--async" : NULL;

	if (request->tenants == NULL || other == NULL)
		return true;
	return viflo_failure(failure, VIFLO_EXIT_USAGE, "--tenants and %s cannot be given together",
						 other);
}

bool
viflo_command_check_many(const VifloCommand *command, const VifloRequest *request,
						 VifloFailure *failure)
{
	bool		fleet = request->fleet != NULL || request->fleet_query != NULL;
	int			jobs;

	if (!fleet && request->jobs != NULL)
		return viflo_failure(failure, VIFLO_EXIT_USAGE, "--jobs needs --fleet or --fleet-query");
	if (!fleet && request->keep_going && request->tenants == NULL)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "--keep-going needs --fleet, --fleet-query or --tenants");
	if (fleet && command->exchange == NULL)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "\"viflo %s\" cannot be given a fleet",
					  command->name);
		viflo_failure_hint(failure, "These can: %s.", capable_commands());
		return false;
	}
	if (request->fleet != NULL && request->fleet_query != NULL)
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "--fleet and --fleet-query cannot be given together");
	if (!check_tenants(request, fleet, failure))
		return false;
	return read_jobs(request->jobs, &jobs, failure);
}

/* The folder is opened once, its texts are every member's. */
static bool
open_folder(const VifloSettings *settings, VifloLocal *local, VifloFailure *failure)
{
	if (!viflo_local_open(local, settings, failure))
		return false;
	if (local->count == 0)
		viflo_output_note("folder \"%s\" has no migrations", local->folder.path);
	return true;
}

/*
 * A database knows what it has: so the same command again does what is left,
 * unless it says so many steps from where each of them is.
 */
static const char *
what_next(const VifloExchangeKind *kind, const VifloRequest *request)
{
	if (!kind->changes)
		return NULL;
	for (int i = 0; i < request->nargs; i++)
	{
		if (viflo_is_relative(request->args[i]))
			return "the target is relative: the same command again takes those that are done further, so name a revision";
	}
	return "the same command again does what is left";
}

int
viflo_command_run_fleet(const VifloCommand *command, VifloRequest *request)
{
	const VifloExchangeKind *kind = command->exchange;
	const VifloSettings *settings = &request->settings;
	VifloFleet	fleet = {0};
	VifloFleetReport report = {.fleet = &fleet,.command = command->name,.subject = kind->subject};
	VifloLocal	local = {0};
	VifloFleetTask task = {kind, request, settings, NULL, &report};
	VifloFailure failure;
	bool		folder = kind->folder != VIFLO_FOLDER_UNUSED && settings->dir_exists;
	int			jobs;

	if (!viflo_command_check_folder(settings, kind, &failure) ||
		!read_jobs(request->jobs, &jobs, &failure) ||
		(folder && !open_folder(settings, &local, &failure)) ||
		!(request->fleet != NULL ?
		  viflo_fleet_read(&fleet, request->fleet, settings, &failure) :
		  viflo_fleet_query(&fleet, request->fleet_query, settings, &failure)))
		return viflo_output_failure(&failure);
	if (fleet.count == 0)
		viflo_output_warning("the fleet has no databases");
	if (folder)
		task.local = &local;
	report.hint = what_next(kind, request);
	report.started = viflo_watch_now();
	viflo_fleet_run(&fleet, &task, jobs, request->keep_going);
	return viflo_fleet_report_finish(&report);
}
