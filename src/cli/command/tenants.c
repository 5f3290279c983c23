/*-------------------------------------------------------------------------
 * tenants.c
 *	  viflo tenants: where each schema stands that is LIKE a pattern.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/each_tenant.h"

static int
tenants_run(VifloRequest *request)
{
	VifloDbParam params[4] = {
		viflo_db_text(request->nargs > 0 ? request->args[0] : "%"),
		viflo_db_text(request->nargs > 1 ? request->args[1] : "head")
	};

	return viflo_command_look(request,
							  "t.tenant, pg_catalog.array_to_string(t.current, ', '), " VIFLO_TENANT_STATE,
							  "viflo_tenants",
							  "pattern => $1::pg_catalog.text, target => $2::pg_catalog.text",
							  params, 2);
}

const VifloCommand viflo_command_tenants = {
	.name = "tenants",
	.options = "",
	.max_args = 2,
	.arguments = "[PATTERN [TARGET]]",
	.summary = "show where the schemas that the project is applied in stand",
	.help =
	"Shows, for each schema that is LIKE PATTERN (default all but the server's own),\n"
	"at which revisions it stands as a tenant, and how many steps an upgrade to\n"
	"TARGET (default head) would run.  Tenants are upgraded with\n"
	"\"viflo upgrade --tenants PATTERN\", or one of them with --tenant NAME.\n"
	"\n"
	"Example:\n"
	"  viflo tenants 'tenant_%'\n",
	.run = tenants_run
};
