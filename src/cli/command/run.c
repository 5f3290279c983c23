/*-------------------------------------------------------------------------
 * run.c
 *	  viflo upgrade, viflo downgrade: one transaction, all of it or nothing.
 *
 * An upgrade that finds the folder as it was left costs one round trip after
 * connecting.  Else two more: one that finds the extension and asks what it
 * has not got of the folder, one that loads that, if anything, and runs; and
 * a last one notes that nothing is left to do.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/output.h"

static void
print_steps(const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);
	int			rows = viflo_db_result_rows(result);
	const char **cells;
	int			count = 0;

	if (viflo_output_is_json())
	{
		viflo_command_print(result);
		return;
	}
	if (rows == 0)
		viflo_output_line("nothing to do");
	cells = palloc(sizeof(char *) * (rows * 4 + 1));
	while (viflo_db_row_next(&row))
	{
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 0));
		cells[count++] = viflo_db_row_text(&row, 1);
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_command_duration(viflo_db_row_text(&row, 3));
	}
	viflo_output_table(cells, rows, 4);
	pfree(cells);
}

static int
upgrade_run(VifloRequest *request)
{
	VifloDatabase database;
	VifloLocal	local = {0};
	VifloFailure failure;
	VifloUpload upload;
	VifloDbParam params[2];
	VifloDbQuery queries[2];
	VifloDbResult *results[2];
	const char *target = request->nargs > 0 ? request->args[0] : "head";
	bool		folder = request->settings.dir_exists;
	bool		settled = false;
	int			count;

	if (request->tenants != NULL)
		return viflo_tenants_upgrade(request, target);
	if (!viflo_database_open(&database, &request->settings, folder ? &local : NULL, &failure))
		return viflo_output_failure(&failure);
	if (folder && viflo_command_can_settle(target) &&
		!viflo_database_settled(&database, local.manifest, target, &settled, &failure))
		return viflo_output_failure(&failure);
	if (settled)
	{
		viflo_command_print_nothing();
		viflo_database_close(&database);
		return VIFLO_EXIT_DONE;
	}
	count = viflo_command_prepare(&database, folder ? &local : NULL, &upload, queries, &failure);
	if (count < 0)
		return viflo_output_failure(&failure);
	params[0] = viflo_db_text(target);
	queries[count] = viflo_database_call(&database, VIFLO_STEP_COLUMNS, "viflo_upgrade",
										 "target => $1::pg_catalog.text", params, 1);
	if (!viflo_database_run_shown(&database, queries, count + 1, results, &failure))
	{
		viflo_command_blame(&local, &failure);
		return viflo_output_failure(&failure);
	}
	print_steps(results[count]);
	for (int i = 0; i <= count; i++)
		viflo_db_result_free(results[i]);
	if (folder && viflo_command_can_settle(target))
		viflo_database_settle(&database, local.manifest, target);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

static int
downgrade_run(VifloRequest *request)
{
	VifloDatabase database;
	VifloFailure failure;
	VifloDbParam params[2];
	VifloDbQuery query;
	VifloDbResult *result;

	if (!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	if (request->tenants != NULL)
		return viflo_tenants_downgrade(request, &database, request->args[0]);
	params[0] = viflo_db_text(request->args[0]);
	query = viflo_database_call(&database, VIFLO_STEP_COLUMNS, "viflo_downgrade",
								"target => $1::pg_catalog.text", params, 1);
	if (!viflo_database_run_shown(&database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	print_steps(result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_upgrade = {
	.name = "upgrade",
	.options = "Tk",
	.max_args = 1,
	.arguments = "[TARGET] [--tenants PATTERN]",
	.summary = "load the folder and run what is missing",
	.help =
	"Registers the folder's revisions that the database has not got yet, then runs\n"
	"upwards to TARGET (default head): all in one transaction, so that a failure\n"
	"leaves the database, and what is registered, exactly as it was.  Creates the\n"
	"extension if it is missing; that stays.  Without a folder it runs what is\n"
	"registered.\n"
	"\n"
	"TARGET is head, heads, an id or the beginning of one, a label, +N, REV+N,\n"
	"LABEL@head, and so on.\n"
	"\n"
	VIFLO_TENANTS_HELP
	"\n"
	"With --tenants the folder is loaded first, and each tenant is a transaction of\n"
	"its own.\n"
	"\n"
	"Example:\n"
	"  viflo upgrade\n"
	"  viflo upgrade +1\n"
	"  viflo upgrade --tenants 'tenant_%'\n",
	.run = upgrade_run
};

const VifloCommand viflo_command_downgrade = {
	.name = "downgrade",
	.options = "Tk",
	.min_args = 1,
	.max_args = 1,
	.arguments = "TARGET [--tenants PATTERN]",
	.summary = "run down sections, back to a revision",
	.help =
	"Runs the down sections of what stands above TARGET, newest first, in one\n"
	"transaction.  TARGET is a revision, base for nothing at all, -N for N steps\n"
	"back, REV-N, LABEL@base, and so on.\n"
	"\n"
	VIFLO_TENANTS_HELP
	"\n"
	"Example:\n"
	"  viflo downgrade -1\n",
	.run = downgrade_run
};
