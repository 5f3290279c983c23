/*-------------------------------------------------------------------------
 * each_tenant.h
 *	  --tenants: what a command does for every schema that is LIKE a pattern.
 *
 * The folder is loaded once.  Then one query asks which tenants there are and
 * what each has left to do, and the command's exchange is carried for those
 * that have something, one after the other, in one session.  The first failure
 * ends it, unless --keep-going.  What was done is said for each tenant, and
 * counted for those with nothing to do.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_COMMAND_EACH_TENANT_H
#define VIFLO_CLI_COMMAND_EACH_TENANT_H

#include "cli/command/command.h"

/* What a command with an exchange does about many; a constant beside it. */
typedef struct VifloEachTenant
{
	const char *wanted;			/* those with something to do: a condition on
								 * a row t of viflo_tenants() */
	bool		up;				/* to the command's target */
	const VifloExchangeKind *load;	/* brings the folder, before; or NULL */
	const char *done;			/* "upgraded" */
} VifloEachTenant;

#define VIFLO_TENANT_IS_BEHIND \
	"(t.pending IS NULL OR t.pending OPERATOR(pg_catalog.>) 0" \
	" OR t.unfinished OPERATOR(pg_catalog.>) 0)"

/* Has an upgrade anything to run there?  Also what runs each time. */
#define VIFLO_TENANT_IS_TO_RUN \
	"(t.steps IS NULL OR t.steps OPERATOR(pg_catalog.>) 0" \
	" OR t.unfinished OPERATOR(pg_catalog.>) 0)"

#define VIFLO_TENANT_IS_ANYWHERE \
	"(pg_catalog.cardinality(t.current) OPERATOR(pg_catalog.>) 0" \
	" OR t.missing OPERATOR(pg_catalog.>) 0 OR t.unfinished OPERATOR(pg_catalog.>) 0)"

#define VIFLO_TENANT_IS_NOT_WELL \
	"(" VIFLO_TENANT_IS_BEHIND " OR t.missing OPERATOR(pg_catalog.>) 0" \
	" OR t.changed OPERATOR(pg_catalog.>) 0)"

/* "2 pending, 1 late" and the like, of a row t of viflo_tenants(). */
#define VIFLO_TENANT_STATE \
	"pg_catalog.concat_ws(', '," \
	" CASE WHEN t.pending OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.pending, ' pending') END," \
	" CASE WHEN t.late OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.late, ' late') END," \
	" CASE WHEN t.changed OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.changed, ' changed') END," \
	" CASE WHEN t.missing OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.missing, ' not registered')" \
	" WHEN t.pending IS NULL THEN 'no way to the target' END," \
	" CASE WHEN t.unfinished OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat(t.unfinished, ' half done') END)"

#define VIFLO_EACH_TENANT_HELP \
	"  --tenants PATTERN     for each schema that is LIKE PATTERN, one after the other\n"

/* Does it.  Exit status. */
extern int	viflo_command_run_each_tenant(const VifloCommand *command,
										  const VifloRequest *request);

/* The tenant, where there are many to be told apart; else NULL. */
extern const char *viflo_each_tenant_column(const VifloExchange *exchange);

/* No schema is LIKE the pattern; false. */
extern bool viflo_each_tenant_fail_none(const VifloRequest *request, VifloFailure *failure);

#endif							/* VIFLO_CLI_COMMAND_EACH_TENANT_H */
