/*-------------------------------------------------------------------------
 * each_tenant.h
 *	  --tenants: what a command does for every schema that is LIKE a pattern.
 *
 * One query asks the server which tenants there are and what each has left to
 * do; then those that have something are taken one after the other, in one
 * session, each in a transaction of its own or, online, by a CALL of its own.
 * The first failure ends it, unless --keep-going.  What was done is said for
 * each tenant, and counted for those with nothing to do.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_COMMAND_EACH_TENANT_H
#define VIFLO_CLI_COMMAND_EACH_TENANT_H

#include "cli/command/command.h"

#define VIFLO_TENANTS_HELP \
	"  --tenants PATTERN     for each schema that is LIKE PATTERN, one after the other\n" \
	"  --keep-going          go on with the next tenant after a failure\n"

/*
 * The whole commands, with what they need already done: database is open, the
 * extension found.  upgrade opens it itself; for stamp, queries has count (0 or
 * 1) of those of viflo_command_prepare(), and room.  Exit status.
 */
extern int	viflo_tenants_upgrade(const VifloRequest *request, const char *target);
extern int	viflo_tenants_downgrade(const VifloRequest *request, VifloDatabase *database,
									const char *target);
extern int	viflo_tenants_online(const VifloRequest *request, VifloDatabase *database,
								 const char *procedure, const char *target);
extern int	viflo_tenants_stamp(const VifloRequest *request, VifloDatabase *database,
								const VifloLocal *local, const VifloDbQuery *queries, int count);

/*
 * Is every tenant where it shall be?  False, with *failure, when not, and a
 * table of those on stdout.  Else database->tenant is one of them, for a check
 * of what is the same for all.
 */
extern bool viflo_tenants_check(const VifloRequest *request, VifloDatabase *database,
								VifloFailure *failure);

/* The query of viflo plan: rows of all tenants with something to do. */
extern VifloDbQuery viflo_tenants_plan(const VifloRequest *request, const VifloDatabase *database,
									   VifloDbParam params[3]);

#endif							/* VIFLO_CLI_COMMAND_EACH_TENANT_H */
