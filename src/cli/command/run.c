/*-------------------------------------------------------------------------
 * run.c
 *	  viflo upgrade, viflo downgrade: one transaction, all of it or nothing.
 *
 * An upgrade that finds the folder as it was left costs one round trip after
 * connecting.  Else two more: one that finds the extension and asks what it
 * has not got of the folder, one that loads that, if anything, and runs; and
 * a last one notes that nothing is left to do.  When the connection is lost
 * while it runs, the server is asked again what became of it.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"

/* What people see of a step: its duration comes in milliseconds. */
#define STEP_COLUMNS \
	"t.direction, t.revision, t.message," \
	" (pg_catalog.date_part('epoch', t.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text"

static void
print_steps(VifloExchange *exchange)
{
	VifloDbRow	row = viflo_db_rows(exchange->result, NULL);
	int			rows = exchange->result ? viflo_db_result_rows(exchange->result) : 0;
	const char **cells;
	const char *tenant = viflo_each_tenant_column(exchange);
	int			count = 0;

	if (rows == 0)
	{
		if (tenant == NULL)
			viflo_output_line("nothing to do");
		return;
	}
	cells = palloc(sizeof(char *) * rows * 5);
	while (viflo_db_row_next(&row))
	{
		cells[count++] = tenant;
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 0));
		cells[count++] = viflo_db_row_text(&row, 1);
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_output_duration(viflo_db_row_text(&row, 3));
	}
	viflo_output_table(cells, rows, 5);
	pfree(cells);
}

/*-------------------------------------------------------------------------
 * upgrade
 *-------------------------------------------------------------------------
 */

static const char *
upgrade_target(const VifloExchange *exchange)
{
	return exchange->request->nargs > 0 ? exchange->request->args[0] : "head";
}

static VifloTurn
took_upgrade(VifloExchange *exchange, VifloDbResult **results)
{
	const char *target = upgrade_target(exchange);

	if (results == NULL && viflo_is_lost(exchange))
		return viflo_ask_lost_transaction(exchange);
	if (results == NULL)
	{
		if (exchange->local != NULL)
			viflo_upload_blame(exchange->local, &exchange->failure);
		return VIFLO_TURN_FAILED;
	}
	viflo_exchange_keep(exchange, &results[exchange->upload.sources.count > 0 ? 1 : 0]);
	if (viflo_can_settle(exchange, target))
		return viflo_ask_settle(exchange, target);
	return VIFLO_TURN_DONE;
}

static VifloTurn
upgrade(VifloExchange *exchange, VifloDbResult **results)
{
	const char *arguments = viflo_command_target(exchange->request);
	VifloDbParam *params;
	VifloDbQuery query;

	if (viflo_add_upload(exchange) < 0)
		return VIFLO_TURN_FAILED;
	params = viflo_exchange_params(exchange);
	params[0] = viflo_db_text(upgrade_target(exchange));
	query = viflo_database_call(exchange->database, STEP_COLUMNS, "viflo_upgrade",
								arguments, params, 1);
	viflo_exchange_add_query(exchange, &query);
	viflo_note_run(exchange, STEP_COLUMNS, upgrade_target(exchange), arguments);
	exchange->is_long = true;
	return viflo_exchange_try(exchange, took_upgrade);
}

static VifloTurn
upgrade_unless_settled(VifloExchange *exchange, VifloDbResult **results)
{
	if (exchange->settled)
		return VIFLO_TURN_DONE;
	return viflo_ask_what_to_load(exchange, upgrade);
}

static VifloTurn
upgrade_begin(VifloExchange *exchange)
{
	const char *target = upgrade_target(exchange);

	if (viflo_can_settle(exchange, target))
		return viflo_ask_settled(exchange, target, upgrade_unless_settled);
	return viflo_ask_what_to_load(exchange, upgrade);
}

static const VifloExchangeKind upgrade_exchange = {
	.folder = VIFLO_FOLDER_IF_THERE,
	.changes = true,
	.begin = upgrade_begin,
	.print = print_steps,
	.document = viflo_command_document,
	.summary = viflo_command_count_steps,
	.subject = "steps"
};

static const VifloEachTenant upgrade_each_tenant = {
	.wanted = VIFLO_TENANT_IS_TO_RUN,
	.up = true,
	.load = &viflo_load_exchange,
	.done = "upgraded"
};

/*-------------------------------------------------------------------------
 * downgrade
 *-------------------------------------------------------------------------
 */

static VifloTurn
took_downgrade(VifloExchange *exchange, VifloDbResult **results)
{
	if (results == NULL)
		return viflo_is_lost(exchange) ?
			viflo_ask_lost_transaction(exchange) : VIFLO_TURN_FAILED;
	viflo_exchange_keep(exchange, &results[0]);
	return VIFLO_TURN_DONE;
}

static VifloTurn
downgrade(VifloExchange *exchange, VifloDbResult **results)
{
	const char *target = exchange->request->args[0];
	const char *arguments = "target => $1::pg_catalog.text";
	VifloDbParam *params = viflo_exchange_params(exchange);
	VifloDbQuery query;

	params[0] = viflo_db_text(target);
	query = viflo_database_call(exchange->database, STEP_COLUMNS, "viflo_downgrade",
								arguments, params, 1);
	viflo_exchange_add_query(exchange, &query);
	viflo_note_run(exchange, STEP_COLUMNS, target, arguments);
	exchange->is_long = true;
	return viflo_exchange_try(exchange, took_downgrade);
}

static VifloTurn
downgrade_begin(VifloExchange *exchange)
{
	return viflo_ask_extension(exchange, false, downgrade);
}

static const VifloExchangeKind downgrade_exchange = {
	.folder = VIFLO_FOLDER_UNUSED,
	.changes = true,
	.begin = downgrade_begin,
	.print = print_steps,
	.document = viflo_command_document,
	.summary = viflo_command_count_steps,
	.subject = "steps"
};

static const VifloEachTenant downgrade_each_tenant = {
	.wanted = VIFLO_TENANT_IS_ANYWHERE,
	.done = "downgraded"
};

const VifloCommand viflo_command_upgrade = {
	.name = "upgrade",
	.options = "lE",
	.max_args = 1,
	.arguments = "[TARGET] [--late WHAT] [--tenants PATTERN]",
	.summary = "load the folder and run what is missing",
	.help =
	"Registers the folder's revisions that the database has not got yet, then runs\n"
	"upwards to TARGET (default head): all in one transaction, so that a failure\n"
	"leaves the database, and what is registered, exactly as it was.  Creates the\n"
	"extension if it is missing; that stays.  Without a folder it runs what is\n"
	"registered.\n"
	"\n"
	"TARGET is head, heads, an id or the beginning of one, a label, +N, REV+N,\n"
	"LABEL@head, and so on.  With head and heads, repeatable revisions run last,\n"
	"those whose text has changed.\n"
	"\n"
	"  --late WHAT           revisions below others that are applied already:\n"
	"                        refuse to run (default), apply them, or list them and\n"
	"                        run the rest\n"
	VIFLO_EACH_TENANT_HELP
	"\n"
	"With --tenants the folder is registered first, and each tenant is a transaction\n"
	"of its own.\n"
	"\n"
	"Example:\n"
	"  viflo upgrade\n"
	"  viflo upgrade +1\n"
	"  viflo upgrade --tenants 'tenant_%'\n",
	.exchange = &upgrade_exchange,
	.each_tenant = &upgrade_each_tenant
};

const VifloCommand viflo_command_downgrade = {
	.name = "downgrade",
	.options = "E",
	.min_args = 1,
	.max_args = 1,
	.arguments = "TARGET [--tenants PATTERN]",
	.summary = "run down sections, back to a revision",
	.help =
	"Runs the down sections of what stands above TARGET, newest first, in one\n"
	"transaction.  TARGET is a revision, base for nothing at all, -N for N steps\n"
	"back, REV-N, LABEL@base, and so on.\n"
	"\n"
	VIFLO_EACH_TENANT_HELP
	"\n"
	"Example:\n"
	"  viflo downgrade -1\n",
	.exchange = &downgrade_exchange,
	.each_tenant = &downgrade_each_tenant
};
