/*-------------------------------------------------------------------------
 * tenant.c
 *	  The schema that a project is applied in for a tenant.
 *
 * The name goes into search_path as an identifier, quoted where needed.  Only
 * "$user", which search_path takes for something else however it is quoted,
 * cannot be a tenant.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat.h"
#include "run/tenant.h"

bool
viflo_tenant_is_possible(const char *name)
{
	return strcmp(name, "$user") != 0;
}

bool
viflo_tenant_exists(const char *tenant)
{
	return tenant[0] == '\0' || OidIsValid(get_namespace_oid(tenant, true));
}

void
viflo_tenant_check_exists(const char *tenant)
{
	if (!viflo_tenant_exists(tenant))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" of the tenant does not exist", tenant),
				 errhint("Create it with CREATE SCHEMA; viflo_tenants() lists those that there are.")));
}

void
viflo_tenant_check(const char *tenant)
{
	viflo_tenant_check_exists(tenant);
	if (tenant[0] != '\0' &&
		viflo_schema_aclcheck(get_namespace_oid(tenant, false), GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for schema \"%s\" of the tenant", tenant)));
}

static void
set_path(const char *tenant, GucAction action)
{
	const char *path;
	bool		alone;

	if (tenant[0] == '\0')
		return;
	viflo_tenant_check(tenant);
	path = GetConfigOption("search_path", false, false);
	alone = path[strspn(path, " \t\n\r\f\v")] == '\0';
	(void) set_config_option("search_path",
							 psprintf("%s%s%s", quote_identifier(tenant), alone ? "" : ", ", path),
							 PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
}

void
viflo_tenant_enter(const char *tenant)
{
	set_path(tenant, GUC_ACTION_SAVE);
}

void
viflo_tenant_enter_session(const char *tenant)
{
	set_path(tenant, GUC_ACTION_SET);
}
