/*-------------------------------------------------------------------------
 * fleet.h
 *	  A command in all databases of a fleet.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_COMMAND_FLEET_H
#define VIFLO_CLI_COMMAND_FLEET_H

#include "cli/command/command.h"

/* Does it in each, reports failures itself.  Exit status. */
extern int	viflo_command_run_fleet(const VifloCommand *command, VifloRequest *request);

/* Do the options that name many fit the command, and each other? */
extern bool viflo_command_check_many(const VifloCommand *command,
									 const VifloRequest *request, VifloFailure *failure);

#endif							/* VIFLO_CLI_COMMAND_FLEET_H */
