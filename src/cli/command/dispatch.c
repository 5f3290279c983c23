/*-------------------------------------------------------------------------
 * dispatch.c
 *	  Does a command, in as many places as it is asked to.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/dispatch.h"
#include "cli/command/each_tenant.h"
#include "cli/command/fleet.h"
#include "cli/output.h"

/* An exchange with the one database there is. */
static int
run_exchange(const VifloExchangeKind *kind, VifloRequest *request)
{
	VifloDatabase database;
	VifloLocal	local = {0};
	VifloExchange exchange;
	VifloFailure failure;
	bool		folder = kind->folder != VIFLO_FOLDER_UNUSED && request->settings.dir_exists;

	if (!viflo_command_check_folder(&request->settings, kind, &failure) ||
		!viflo_database_open(&database, &request->settings, folder ? &local : NULL, &failure))
		return viflo_output_failure(&failure);
	viflo_exchange_init(&exchange, kind, &database, folder ? &local : NULL, request);
	if (!viflo_exchange_run(&exchange, kind->begin(&exchange)))
		return viflo_output_failure_more(&exchange.failure, json_incref(exchange.more));
	if (exchange.warns)
		viflo_output_placed_warning(&exchange.failure);
	if (viflo_output_is_json())
		viflo_output_json_text(kind->document(&exchange));
	else
		kind->print(&exchange);
	viflo_exchange_end(&exchange);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

int
viflo_command_run(const VifloCommand *command, VifloRequest *request)
{
	if (command->exchange != NULL && command->exchange->changes)
		viflo_output_outlive_reader();
	if (request->fleet != NULL || request->fleet_query != NULL)
		return viflo_command_run_fleet(command, request);

	/* Many are named, so that one named elsewhere is not meant. */
	if (request->tenants != NULL)
		request->settings.tenant = NULL;
	if (request->tenants != NULL && command->each_tenant != NULL)
		return viflo_command_run_each_tenant(command, request);
	if (command->exchange != NULL)
		return run_exchange(command->exchange, request);
	return command->run(request);
}
