/*-------------------------------------------------------------------------
 * command.c
 *	  The list of commands, and what several of them do alike.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/output.h"
#include "common/sqlstate.h"

/* The server takes no message of more than 1 GB. */
#define MAX_UPLOAD	((size_t) 1000 * 1000 * 1000)

const VifloCommand *const viflo_commands[] = {
	&viflo_command_init,
	&viflo_command_revision,
	&viflo_command_merge,
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
	&viflo_command_plan,
	&viflo_command_sql,
	&viflo_command_check,
	&viflo_command_current,
	&viflo_command_heads,
	&viflo_command_branches,
	&viflo_command_history,
	&viflo_command_show,
	&viflo_command_log,
	&viflo_command_script,
	&viflo_command_remove,
	&viflo_command_repair,
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
"  --url URL             database: a URL, \"host=... dbname=...\", or a name\n"
"  --project NAME        project, whose heads and history are its own\n"
"  --tenant NAME         schema to work in, whose history is its own\n"
"  --dir DIR             folder of migrations (default ./migrations)\n"
"  --layout NAME         native, golang-migrate or diesel (default: found out)\n"
"  --format human|json   json: one JSON document on stdout\n"
"  -v, --verbose         say more on stderr\n"
"  -q, --quiet           only warnings and errors on stderr, no progress\n"
"  -h, --help            this help\n"
"  -V, --version         the version\n";

void
viflo_command_usage(FILE *stream, const VifloCommand *command)
{
	if (command != NULL)
	{
		fprintf(stream, "Usage: viflo %s%s%s\n\n%s\n%s", command->name,
				command->arguments[0] != '\0' ? " " : "", command->arguments,
				command->help, common_options);
		return;
	}
	fputs("viflo runs database migrations inside PostgreSQL.\n\n"
		  "Usage: viflo [OPTION]... COMMAND [ARGUMENT]...\n\n"
		  "Commands:\n", stream);
	for (int i = 0; viflo_commands[i] != NULL; i++)
		fprintf(stream, "  %-12s%s\n", viflo_commands[i]->name,
				viflo_commands[i]->summary);
	fprintf(stream, "\n%s\n", common_options);
	fputs("The database is that of --url, else DATABASE_URL, else DATABASE_URL in .env,\n"
		  "else libpq's default (PGHOST, PGSERVICE and so on).  VIFLO_DIR,\n"
		  "VIFLO_PROJECT and VIFLO_TENANT stand for --dir, --project and --tenant in the\n"
		  "same way.\n\n"
		  "Exit status: 0 done, 1 refused, 2 wrong usage, 3 check: behind or drifted,\n"
		  "4 cannot connect.\n\n"
		  "Example:\n"
		  "  viflo init\n"
		  "  viflo revision -m \"add users\"      # then edit the file it names\n"
		  "  viflo --url postgresql:///shop upgrade\n\n"
		  "\"viflo help COMMAND\" tells more about a command.\n", stream);
}

char *
viflo_command_duration(const char *milliseconds)
{
	double		value = milliseconds ? atof(milliseconds) : 0;

	if (value < 1000)
		return psprintf("(%.0f ms)", value);
	return psprintf("(%.2f s)", value / 1000);
}

void
viflo_command_print_nothing(void)
{
	viflo_output_line("nothing to do");
	viflo_output_json(json_array());
}

bool
viflo_command_can_settle(const char *target)
{
	return strcmp(target, "head") == 0 || strcmp(target, "heads") == 0;
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

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

int
viflo_command_upload(const VifloDatabase *database, VifloLocal *local,
					 const VifloNames *missing, VifloUpload *upload,
					 VifloDbQuery *query, VifloFailure *failure)
{
	const VifloHistory *history = &local->history;
	size_t		total = 0;

	if (missing->count == 0)
		return 0;
	if (!viflo_local_read(local, failure))
		return -1;
	memset(upload, 0, sizeof(*upload));
	upload->scripts = palloc(sizeof(char *) * missing->count);
	upload->lengths = palloc(sizeof(size_t) * missing->count);
	qsort(missing->names, missing->count, sizeof(char *), compare_names);
	for (int i = 0; i < history->count; i++)
	{
		const VifloMigration *migration = &history->migrations[i];

		if (upload->sources.count >= missing->count ||
			bsearch(&history->revisions[i].id, missing->names, missing->count,
					sizeof(char *), compare_names) == NULL)
			continue;
		upload->scripts[upload->sources.count] = migration->script;
		upload->lengths[upload->sources.count] = migration->length;
		viflo_names_add(&upload->sources, unconstify(char *, migration->source));
		total += migration->length;
	}
	if (total > MAX_UPLOAD)
	{
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "migrations not loaded yet are more than 1 GB together");
		return -1;
	}
	viflo_output_verbose("loading %d of %d revisions", upload->sources.count,
						 history->count);
	upload->params[0] = viflo_db_text_array(upload->scripts, upload->lengths,
											upload->sources.count);
	upload->params[1] = viflo_db_text_array((const char *const *) upload->sources.names,
											NULL, upload->sources.count);
	*query = viflo_database_call(database, "t", "viflo_load",
								 "scripts => $1::pg_catalog.text[], sources => $2::pg_catalog.text[]",
								 upload->params, 2);
	return 1;
}

int
viflo_command_prepare(VifloDatabase *database, VifloLocal *local,
					  VifloUpload *upload, VifloDbQuery *queries,
					  VifloFailure *failure)
{
	VifloNames	missing = {0};

	if (local == NULL)
		return viflo_database_find_or_create(database, failure) ? 0 : -1;
	if (!viflo_database_missing(database, local, true, &missing, failure))
		return -1;
	return viflo_command_upload(database, local, &missing, upload, queries, failure);
}

/* Line of the header that names a parent or dependency without a file. */
static int
stub_line(const VifloHistory *history, int number)
{
	const char *script = history->migrations[number].script;
	int			line = 1;

	for (const char *p = script; p != NULL; p = strchr(p, '\n'), line++)
	{
		if (*p == '\n')
			p++;
		if (pg_strncasecmp(p, "-- revises:", 11) != 0 &&
			pg_strncasecmp(p, "-- depends on:", 14) != 0)
			continue;
		for (int s = 0; s < history->stubs; s++)
		{
			char	   *text = pnstrdup(p, strcspn(p, "\r\n"));
			bool		named = strstr(text, history->revisions[history->count + s].id) != NULL;

			pfree(text);
			if (named)
				return line;
		}
	}
	return 0;
}

/* Does what the server said name this revision? */
static bool
is_named(const VifloFailure *failure, const char *id)
{
	char	   *quoted = psprintf("\"%s\"", id);
	bool		named = strstr(failure->message, quoted) != NULL ||
	(failure->detail != NULL && strstr(failure->detail, quoted) != NULL);

	pfree(quoted);
	return named;
}

void
viflo_command_blame(const VifloLocal *local, VifloFailure *failure)
{
	const VifloHistory *history = &local->history;
	bool		missing;

	if (failure->file != NULL || failure->sqlstate == NULL || !local->has_history)
		return;
	missing = strcmp(failure->sqlstate, VIFLO_MISSING_PARENT) == 0;
	for (int i = 0; i < history->count; i++)
	{
		int			line = missing ? stub_line(history, i) : 0;

		if (missing ? line == 0 : !is_named(failure, history->revisions[i].id))
			continue;
		failure->file = viflo_folder_path(&local->folder, history->migrations[i].source);
		failure->line = line;
		return;
	}
}
