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
#include "cli/lost.h"
#include "cli/output.h"
#include "cli/watch.h"

/* What people see of a step: its duration comes in milliseconds. */
#define STEP_COLUMNS \
	"t.direction, t.revision, t.message," \
	" (pg_catalog.date_part('epoch', t.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text"

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

/*
 * The run has failed, or only its connection, as the server may have committed
 * it all the same.  Exit status.
 */
static int
fail_run(VifloDatabase *database, const VifloLocal *local, int64 started,
		 VifloFailure *failure)
{
	VifloDbResult *result;
	VifloLost	lost;

	if (!viflo_db_broken(database->session))
	{
		viflo_command_blame(local, failure);
		return viflo_output_failure(failure);
	}
	lost = viflo_lost_transaction(database, started, STEP_COLUMNS, &result);
	viflo_lost_explain(lost, failure);
	if (lost != VIFLO_LOST_COMMITTED)
		return viflo_output_failure(failure);
	viflo_output_placed_warning(failure);
	print_steps(result);
	viflo_db_result_free(result);
	viflo_database_close(database);
	return VIFLO_EXIT_DONE;
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
	int64		started;

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
	queries[count] = viflo_database_call(&database, STEP_COLUMNS, "viflo_upgrade",
										 "target => $1::pg_catalog.text", params, 1);
	started = viflo_watch_now();
	if (!viflo_database_run_shown(&database, queries, count + 1, results, &failure))
		return fail_run(&database, &local, started, &failure);
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
	VifloLocal	local = {0};
	VifloFailure failure;
	VifloDbParam params[2];
	VifloDbQuery query;
	VifloDbResult *result;
	int64		started;

	if (!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	params[0] = viflo_db_text(request->args[0]);
	query = viflo_database_call(&database, STEP_COLUMNS, "viflo_downgrade",
								"target => $1::pg_catalog.text", params, 1);
	started = viflo_watch_now();
	if (!viflo_database_run_shown(&database, &query, 1, &result, &failure))
		return fail_run(&database, &local, started, &failure);
	print_steps(result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_upgrade = {
	.name = "upgrade",
	.options = "",
	.max_args = 1,
	.arguments = "[TARGET]",
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
	"Example:\n"
	"  viflo upgrade\n"
	"  viflo upgrade +1\n",
	.run = upgrade_run
};

const VifloCommand viflo_command_downgrade = {
	.name = "downgrade",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "TARGET",
	.summary = "run down sections, back to a revision",
	.help =
	"Runs the down sections of what stands above TARGET, newest first, in one\n"
	"transaction.  TARGET is a revision, base for nothing at all, -N for N steps\n"
	"back, REV-N, LABEL@base, and so on.\n"
	"\n"
	"Example:\n"
	"  viflo downgrade -1\n",
	.run = downgrade_run
};
