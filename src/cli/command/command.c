/*-------------------------------------------------------------------------
 * command.c
 *	  The list of commands, and what several of them do alike.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/extension.h"
#include "cli/output.h"

const VifloCommand *const viflo_commands[] = {
	&viflo_command_init,
	&viflo_command_revision,
	&viflo_command_merge,
	&viflo_command_edit,
	&viflo_command_load,
	&viflo_command_upgrade,
	&viflo_command_downgrade,
	&viflo_command_deploy,
	&viflo_command_revert,
	&viflo_command_jobs,
	&viflo_command_wait,
	&viflo_command_cancel,
	&viflo_command_tenants,
	&viflo_command_stamp,
	&viflo_command_adopt,
	&viflo_command_import,
	&viflo_command_export,
	&viflo_command_plan,
	&viflo_command_sql,
	&viflo_command_status,
	&viflo_command_check,
	&viflo_command_current,
	&viflo_command_heads,
	&viflo_command_branches,
	&viflo_command_history,
	&viflo_command_graph,
	&viflo_command_show,
	&viflo_command_log,
	&viflo_command_script,
	&viflo_command_remove,
	&viflo_command_repair,
	&viflo_command_completion,
	&viflo_command_complete,
	&viflo_command_version,
	&viflo_command_help,
	NULL
};

const VifloCommand *
viflo_command_find(const char *name)
{
	for (int i = 0; viflo_commands[i] != NULL; i++)
	{
		if (strcmp(viflo_commands[i]->name, name) == 0)
			return viflo_commands[i];
	}
	return NULL;
}

static const char common_options[] =
"Options for all commands:\n"
"  -d, --database NAME   a database of viflo.conf, by the name of its section\n"
"  --config FILE         use this file in place of viflo.conf\n"
"  --url URL             database: a URL, \"host=... dbname=...\", or a name\n"
"  --project NAME        project, whose heads and history are its own\n"
"  --tenant NAME         schema to work in, whose history is its own\n"
"  --dir DIR             folder of migrations (default ./migrations)\n"
"  --layout NAME         whose files they are (default: found out)\n"
"  -x, --set NAME=VALUE  value of a placeholder in the files (again for more)\n"
"  --placeholders STYLE  dollar, psql or none (default: as the layout has it)\n"
"  --allow-programs      let scripts of a psql layout run programs here\n"
"  --format human|json   json: one JSON document on stdout\n"
"  -v, --verbose         say more on stderr\n"
"  -q, --quiet           only warnings and errors on stderr, no progress\n"
"  -h, --help            this help\n"
"  -V, --version         the version\n";

static const char fleet_options[] =
"Options for many databases:\n"
"  --fleet FILE|-        in many databases: a URL, a string or a name a line\n"
"  --fleet-query SQL     the same, of a query's rows: what a line is, and a name\n"
"  --jobs N              how many at a time (default 8)\n"
"  --keep-going          begin with others after one has failed\n";

void
viflo_command_usage(FILE *stream, const VifloCommand *command)
{
	if (command != NULL)
	{
		fprintf(stream, "Usage: viflo %s%s%s\n\n%s\n%s", command->name,
				command->arguments[0] != '\0' ? " " : "", command->arguments,
				command->help, common_options);
		if (command->exchange != NULL)
			fprintf(stream, "\n%s", fleet_options);
		return;
	}
	fputs("viflo runs database migrations inside PostgreSQL.\n\n"
		  "Usage: viflo [OPTION]... COMMAND [ARGUMENT]...\n\n"
		  "Commands:\n", stream);
	for (int i = 0; viflo_commands[i] != NULL; i++)
	{
		if (!viflo_commands[i]->hidden)
			fprintf(stream, "  %-12s%s\n", viflo_commands[i]->name,
					viflo_commands[i]->summary);
	}
	fprintf(stream, "\n%s\n%s\n", common_options, fleet_options);
	fputs("The database is that of --url, else that of --database, else DATABASE_URL, else\n"
		  "DATABASE_URL in .env, else url in viflo.conf, else libpq's default (PGHOST,\n"
		  "PGSERVICE and so on).  VIFLO_DATABASE, VIFLO_CONFIG, VIFLO_DIR, VIFLO_PROJECT\n"
		  "and VIFLO_TENANT stand for the options in the same way.\n\n"
		  "Exit status: 0 done, 1 refused, 2 wrong usage, 3 check and status: behind or\n"
		  "drifted, 4 cannot connect.\n\n"
		  "Example:\n"
		  "  viflo init\n"
		  "  viflo revision -m \"add users\"      # then edit the file it names\n"
		  "  viflo --url postgresql:///shop upgrade\n\n"
		  "\"viflo help COMMAND\" tells more about a command.\n", stream);
}

char *
viflo_command_document_text(json_t *document)
{
	char	   *dump = json_dumps(document, JSON_INDENT(2) | JSON_ENCODE_ANY);
	char	   *text = pstrdup(dump);

	free(dump);
	json_decref(document);
	return text;
}

char *
viflo_command_document(VifloExchange *exchange)
{
	VifloDbRow	row;

	if (exchange->result == NULL)
		return pstrdup("[]");
	row = viflo_db_rows(exchange->result, NULL);
	return pstrdup(viflo_db_row_next(&row) ? viflo_db_row_text(&row, 0) : "[]");
}

char *
viflo_command_count_steps(VifloExchange *exchange)
{
	int			rows = exchange->result ? viflo_db_result_rows(exchange->result) : 0;

	if (rows == 0)
		return pstrdup("nothing to do");
	return psprintf("%d %s", rows, rows == 1 ? "step" : "steps");
}

bool
viflo_command_choose_late(VifloRequest *request, VifloFailure *failure)
{
	static const char *const words[] = {"refuse", "apply", "list"};
	const VifloSettings *settings = &request->settings;

	if (request->late == NULL && settings->config != NULL)
		request->late = unconstify(char *, viflo_config_get(settings->config, settings->database,
															VIFLO_CONFIG_LATE));
	for (int i = 0; i < lengthof(words); i++)
	{
		if (request->late == NULL || strcmp(request->late, words[i]) == 0)
			return true;
	}
	viflo_failure(failure, VIFLO_EXIT_USAGE, "unknown value \"%s\" of option --late",
				  request->late);
	viflo_failure_hint(failure, "It is \"refuse\", \"apply\" or \"list\".");
	return false;
}

const char *
viflo_command_target(const VifloRequest *request)
{
	if (request->late == NULL)
		return "target => $1::pg_catalog.text";
	return psprintf("target => CASE WHEN pg_catalog.set_config('viflo_migrate.late', '%s', true) IS NOT NULL"
					" THEN $1::pg_catalog.text END", request->late);
}

const char *
viflo_command_is_ours(const VifloDatabase *database)
{
	return database->tenant != NULL ? "true" : VIFLO_ROW_TENANT " IS NULL";
}

void
viflo_command_print(const VifloDbResult *result)
{
	int			rows = viflo_db_result_rows(result);
	int			columns = viflo_db_result_columns(result);
	VifloDbRow	row = viflo_db_rows(result, NULL);
	const char **cells;
	int			count = 0;

	if (viflo_output_is_json())
	{
		if (viflo_db_row_next(&row))
			viflo_output_json_text(viflo_db_row_text(&row, 0));
		return;
	}
	cells = palloc(sizeof(char *) * (rows * columns + 1));
	while (viflo_db_row_next(&row))
	{
		for (int c = 0; c < columns; c++)
			cells[count++] = viflo_db_row_text(&row, c);
	}
	viflo_output_table(cells, rows, columns);
	pfree(cells);
}

int
viflo_command_look(const VifloRequest *request, const char *columns,
				   const char *function, const char *arguments,
				   VifloDbParam *params, int nparams)
{
	VifloDatabase database;
	VifloFailure failure;
	VifloDbQuery query;
	VifloDbResult *result;

	if (!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	query = viflo_database_call(&database, columns, function, arguments,
								params, nparams);
	if (!viflo_database_run(&database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	viflo_command_print(result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

bool
viflo_command_check_folder(const VifloSettings *settings, const VifloExchangeKind *kind,
						   VifloFailure *failure)
{
	if (kind->folder != VIFLO_FOLDER_NEEDED || settings->dir_exists)
		return true;
	viflo_failure(failure, VIFLO_EXIT_USAGE, "folder \"%s\" does not exist", settings->dir);
	viflo_failure_hint(failure, "Name the folder with --dir, or make one with: viflo init");
	return false;
}

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
