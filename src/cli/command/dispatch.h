/*-------------------------------------------------------------------------
 * dispatch.h
 *	  Does a command, in as many places as it is asked to.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_COMMAND_DISPATCH_H
#define VIFLO_CLI_COMMAND_DISPATCH_H

#include "cli/command/command.h"

/*
 * Does it: by run, or in the one database of the settings, for each of many
 * tenants there, or in all of a fleet.  Exit status.
 */
extern int	viflo_command_run(const VifloCommand *command, VifloRequest *request);

#endif							/* VIFLO_CLI_COMMAND_DISPATCH_H */
