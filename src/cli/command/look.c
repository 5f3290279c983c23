/*-------------------------------------------------------------------------
 * look.c
 *	  Commands that show what the server knows: current, heads, branches,
 *	  history, show, log, script.
 *
 * Each is one SQL function.  People get the columns that matter, aligned;
 * --format json gives all of them.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/output.h"
#include "lib/stringinfo.h"

/*
 * "head, branch point" and the like, for rows of viflo_history().  Neither
 * NULLIF nor IN here or elsewhere: they look up = in the user's search_path.
 */
#define MARKS \
	"pg_catalog.concat_ws(', '," \
	" CASE WHEN t.is_current THEN 'current' END," \
	" CASE WHEN t.is_head THEN 'head' END," \
	" CASE WHEN t.is_branch_point THEN 'branch point' END," \
	" CASE WHEN t.is_merge_point THEN 'merge point' END," \
	" CASE WHEN NOT t.transactional THEN 'not in a transaction' END," \
	" CASE WHEN pg_catalog.cardinality(t.branch_labels) OPERATOR(pg_catalog.>) 0" \
	" THEN pg_catalog.array_to_string(t.branch_labels, ', ') END)"

#define IN_BRACKETS \
	"pg_catalog.regexp_replace(" MARKS ", '^(.+)$', '(\\1)')"

#define REVISION_COLUMNS \
	"t.revision, CASE WHEN t.applied THEN 'applied' ELSE 'pending' END," \
	" t.message, " IN_BRACKETS

static VifloTurn
took_current(VifloExchange *exchange, VifloDbResult **results)
{
	viflo_exchange_keep(exchange, &results[0]);
	return VIFLO_TURN_DONE;
}

static VifloTurn
current(VifloExchange *exchange, VifloDbResult **results)
{
	VifloDbQuery query;

	query = viflo_database_call(exchange->database,
								"t.revision, CASE WHEN t.is_head THEN '(head)' END, t.message,"
								" pg_catalog.to_char(t.applied_at, 'YYYY-MM-DD HH24:MI:SSOF'), t.applied_by",
								"viflo_current", "", viflo_exchange_params(exchange), 0);
	viflo_exchange_add_query(exchange, &query);
	return viflo_exchange_ask(exchange, took_current);
}

static VifloTurn
current_begin(VifloExchange *exchange)
{
	return viflo_ask_extension(exchange, false, current);
}

static void
print_current(VifloExchange *exchange)
{
	viflo_command_print(exchange->result);
}

/* "a1b2c3d4e5f6 (head), 0f1e2d3c4b5a" */
static char *
current_summary(VifloExchange *exchange)
{
	VifloDbRow	row = viflo_db_rows(exchange->result, NULL);
	StringInfoData summary;

	initStringInfo(&summary);
	while (viflo_db_row_next(&row))
	{
		const char *mark = viflo_db_row_text(&row, 1);

		appendStringInfo(&summary, "%s%s%s%s", summary.len > 0 ? ", " : "",
						 viflo_db_row_text(&row, 0), mark ? " " : "", mark ? mark : "");
	}
	if (summary.len == 0)
		appendStringInfoString(&summary, "nothing is applied");
	return summary.data;
}

static const VifloExchangeKind current_exchange = {
	.folder = VIFLO_FOLDER_UNUSED,
	.begin = current_begin,
	.print = print_current,
	.document = viflo_command_document,
	.summary = current_summary,
	.subject = "current"
};

static int
heads_run(VifloRequest *request)
{
	VifloDbParam params[2];

	return viflo_command_look(request, REVISION_COLUMNS, "viflo_heads", "", params, 0);
}

static int
branches_run(VifloRequest *request)
{
	VifloDbParam params[2];

	return viflo_command_look(request, REVISION_COLUMNS, "viflo_branches", "", params, 0);
}

static int
history_run(VifloRequest *request)
{
	VifloDbParam params[3];
	const char *range = request->nargs > 0 ? request->args[0] : request->range;

	if (range == NULL)
		return viflo_command_look(request, REVISION_COLUMNS, "viflo_history", "",
								  params, 0);
	params[0] = viflo_db_text(range);
	return viflo_command_look(request, REVISION_COLUMNS, "viflo_history",
							  "range => $1::pg_catalog.text", params, 1);
}

/* Opens, calls a function of one revision, hands over its result. */
static bool
ask_revision(const VifloRequest *request, const char *columns,
			 const char *function, VifloDbResult **result, VifloFailure *failure)
{
	VifloDatabase database;
	VifloDbParam params[3];
	VifloDbQuery query;

	if (!viflo_database_open(&database, &request->settings, NULL, failure) ||
		!viflo_database_find(&database, failure))
		return false;
	params[0] = viflo_db_text(request->args[0]);
	query = viflo_database_call(&database, columns, function,
								"revision => $1::pg_catalog.text", params, 1);
	if (!viflo_database_run(&database, &query, 1, result, failure))
		return false;
	viflo_database_close(&database);
	return true;
}

/* The one value of a JSON array. */
static json_t *
first_element(const char *text)
{
	json_t	   *array = json_loads(text, JSON_DECODE_ANY, NULL);
	json_t	   *element = json_incref(json_array_get(array, 0));

	json_decref(array);
	return element ? element : json_null();
}

/* A value on one line after its name; several lines below it. */
static void
print_value(const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0' || strcmp(value, "{}") == 0)
		return;
	if (strchr(value, '\n') == NULL)
	{
		viflo_output_line("%-16s%s", name, value);
		return;
	}
	viflo_output_line("%s", name);
	viflo_output_text(value);
}

static int
show_run(VifloRequest *request)
{
	VifloFailure failure;
	VifloDbResult *result;
	VifloDbRow	row;

	if (!ask_revision(request, "t.*", "viflo_show", &result, &failure))
		return viflo_output_failure(&failure);
	row = viflo_db_rows(result, NULL);
	while (viflo_db_row_next(&row))
	{
		for (int c = 0; c < viflo_db_result_columns(result); c++)
			print_value(viflo_db_result_column_name(result, c),
						viflo_db_row_text(&row, c));
		if (viflo_output_is_json())
			viflo_output_json(first_element(viflo_db_row_text(&row, 0)));
	}
	viflo_db_result_free(result);
	return VIFLO_EXIT_DONE;
}

/* A row of the log, for people. */
#define LOG_COLUMNS \
	"t.id, pg_catalog.to_char(t.started_at, 'YYYY-MM-DD HH24:MI:SSOF')," \
	" t.direction, t.status, " VIFLO_ROW_TENANT ", t.revision," \
	" pg_catalog.concat(pg_catalog.round(pg_catalog.date_part('epoch', t.duration)" \
	" OPERATOR(pg_catalog.*) 1000::pg_catalog.float8), ' ms'), t.role_name," \
	" CASE WHEN t.attempts OPERATOR(pg_catalog.>) 1" \
	" THEN pg_catalog.concat(t.attempts, ' attempts') END, t.detail," \
	" t.sqlstate, t.error"

/* --limit: a number of rows, NULL for all; false and *failure otherwise. */
static bool
read_limit(const char *text, VifloDbParam *limit, VifloFailure *failure)
{
	char	   *end;
	long		number;

	*limit = viflo_db_null();
	if (text == NULL)
		return true;
	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < 0)
		return viflo_failure(failure, VIFLO_EXIT_USAGE, "\"%s\" is no number of rows", text);
	*limit = viflo_db_int64(number);
	return true;
}

static int
log_run(VifloRequest *request)
{
	VifloDatabase database;
	VifloFailure failure;
	VifloDbParam params[4];
	VifloDbQuery query = {.params = params,.nparams = 2};
	VifloDbResult *result;
	char	   *scope;

	if (!read_limit(request->limit, &params[0], &failure) ||
		!viflo_database_open(&database, &request->settings, NULL, &failure) ||
		!viflo_database_find(&database, &failure))
		return viflo_output_failure(&failure);
	params[1] = viflo_db_bool(request->failed);
	scope = viflo_database_scope(&database, params, &query.nparams);
	query.sql = psprintf("SELECT %s FROM (SELECT * FROM (SELECT *"
						 " FROM %s.viflo_log(%s) f"
						 " WHERE NOT $2::pg_catalog.bool OR f.status OPERATOR(pg_catalog.=) 'failed'"
						 " ORDER BY f.id DESC LIMIT $1::pg_catalog.int8) l ORDER BY l.id) t",
						 viflo_output_is_json() ? "COALESCE(pg_catalog.json_agg(t), '[]')" : LOG_COLUMNS,
						 database.schema, scope);
	if (!viflo_database_run(&database, &query, 1, &result, &failure))
		return viflo_output_failure(&failure);
	viflo_command_print(result);
	viflo_db_result_free(result);
	viflo_database_close(&database);
	return VIFLO_EXIT_DONE;
}

static int
script_run(VifloRequest *request)
{
	VifloFailure failure;
	VifloDbResult *result;
	VifloDbRow	row;

	if (!ask_revision(request, "t", "viflo_script", &result, &failure))
		return viflo_output_failure(&failure);
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		const char *text = viflo_db_row_text(&row, 0);

		viflo_output_text(text ? text : "");
		if (viflo_output_is_json())
			viflo_output_json(json_pack("{s:o, s:o}", "revision",
										viflo_output_json_string(request->args[0]),
										"script", first_element(text)));
	}
	viflo_db_result_free(result);
	return VIFLO_EXIT_DONE;
}

const VifloCommand viflo_command_current = {
	.name = "current",
	.options = "",
	.arguments = "",
	.summary = "show where the database stands",
	.help =
	"Shows the revisions that the database stands at: nothing when none is applied,\n"
	"several where branches are.\n"
	"\n"
	"Example:\n"
	"  viflo current\n",
	.exchange = &current_exchange
};

const VifloCommand viflo_command_heads = {
	.name = "heads",
	.options = "",
	.arguments = "",
	.summary = "show registered revisions that none follows",
	.help =
	"Shows the registered revisions that no other revises.\n"
	"\n"
	"Example:\n"
	"  viflo heads\n",
	.run = heads_run
};

const VifloCommand viflo_command_branches = {
	.name = "branches",
	.options = "",
	.arguments = "",
	.summary = "show registered revisions that several follow",
	.help =
	"Shows the registered revisions where branches begin.\n"
	"\n"
	"Example:\n"
	"  viflo branches\n",
	.run = branches_run
};

const VifloCommand viflo_command_history = {
	.name = "history",
	.options = "r",
	.max_args = 1,
	.arguments = "[RANGE]",
	.summary = "list registered revisions, newest first",
	.help =
	"Lists registered revisions, newest first, and which are applied.  RANGE is\n"
	"FROM:TO, FROM:, :TO, -3:current, and so on (default: all).\n"
	"\n"
	"  -r, --range RANGE     the same as RANGE\n"
	"\n"
	"Example:\n"
	"  viflo history -3:\n",
	.run = history_run
};

const VifloCommand viflo_command_show = {
	.name = "show",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "REV",
	.summary = "show all that is known of a revision",
	.help =
	"Shows all that is known of the revision REV.\n"
	"\n"
	"Example:\n"
	"  viflo show head\n",
	.run = show_run
};

const VifloCommand viflo_command_log = {
	.name = "log",
	.options = "nf",
	.arguments = "",
	.summary = "list every step that ever ran or failed",
	.help =
	"Lists every step that ever ran in this database, or failed online: when, by\n"
	"whom, how it ended, how often it was tried, and what was out of the ordinary.\n"
	"\n"
	"  -n, --limit N         only the last N of them\n"
	"  --failed              only those that failed\n"
	"\n"
	"Example:\n"
	"  viflo log -n 20\n"
	"  viflo --format json log --failed\n",
	.run = log_run
};

const VifloCommand viflo_command_script = {
	.name = "script",
	.options = "",
	.min_args = 1,
	.max_args = 1,
	.arguments = "REV",
	.summary = "print the registered text of a revision",
	.help =
	"Prints the native file of the revision REV as it is registered.\n"
	"\n"
	"Example:\n"
	"  viflo script 001_initial\n",
	.run = script_run
};
