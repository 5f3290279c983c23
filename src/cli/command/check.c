/*-------------------------------------------------------------------------
 * check.c
 *	  viflo check: is the database where the folder and the server want it?
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/extension.h"
#include "cli/output.h"
#include "common/checksum.h"
#include "common/sqlstate.h"

/* Conditions that make the status 3 and not 1. */
static const char *const not_well[] = {
	VIFLO_BEHIND, VIFLO_MISSING_REVISION, VIFLO_CHANGED_REVISION,
	VIFLO_MULTIPLE_HEADS, VIFLO_LATE_REVISION, VIFLO_UNFINISHED
};

/* Appends up to so many names of revisions to a detail. */
#define MAX_NAMED	5

static char *
list_names(const VifloNames *names)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < names->count && i < MAX_NAMED; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", names->names[i]);
	if (names->count > MAX_NAMED)
		appendStringInfo(&list, " and %d more", names->count - MAX_NAMED);
	return list.data;
}

static VifloTurn
fail_changed(VifloExchange *exchange, const VifloDbResult *result)
{
	VifloNames	changed = {0};
	VifloDbRow	row = viflo_db_rows(result, NULL);

	while (viflo_db_row_next(&row))
		viflo_names_add(&changed, unconstify(char *, viflo_db_row_text(&row, 0)));
	viflo_failure(&exchange->failure, VIFLO_EXIT_BEHIND,
				  "files of applied revisions have changed: %s", list_names(&changed));
	exchange->failure.sqlstate = pstrdup(VIFLO_CHANGED_REVISION);
	pfree(changed.names);
	return VIFLO_TURN_FAILED;
}

/*
 * Tells what it means that the server has not these texts: revisions that are
 * applied have changed since, others are not loaded.
 */
static VifloTurn
took_changed(VifloExchange *exchange, VifloDbResult **results)
{
	const VifloNames *missing = &exchange->missing;
	VifloFailure *failure = &exchange->failure;

	if (viflo_db_result_rows(results[0]) > 0)
		return fail_changed(exchange, results[0]);
	viflo_failure(failure, VIFLO_EXIT_BEHIND, missing->count == 1 ?
				  "database is behind: %d revision of folder \"%s\" is not registered" :
				  "database is behind: %d revisions of folder \"%s\" are not registered",
				  missing->count, exchange->database->settings->dir);
	failure->sqlstate = pstrdup(VIFLO_BEHIND);
	failure->detail = psprintf(missing->count == 1 ? "It is %s." : "They are %s.", list_names(missing));
	viflo_failure_hint(failure, "Run: viflo upgrade");
	return VIFLO_TURN_FAILED;
}

/* The checksum of a revision of the folder; palloc'd, NULL: none can be made. */
static char *
checksum_of(const VifloHistory *history, const char *id)
{
	int			number = viflo_graph_find(history->graph, id);
	char	   *checksum = palloc(65);
	VifloError	error = {0};

	if (number < 0 || number >= history->count ||
		!viflo_script_checksum(&history->revisions[number].up,
							   &history->revisions[number].down_section, checksum, &error))
		return NULL;
	return checksum;
}

/*
 * SQL: is revision t applied, to any of the tenants where there are many, with
 * another checksum than m has?
 */
static char *
is_changed(VifloExchange *exchange, const char *scope, VifloDbParam *params, int *nparams)
{
	const char *schema = exchange->database->schema;
	const char *other = "s.repeatable IS NULL AND s.applied_checksum OPERATOR(pg_catalog.<>) m.checksum";

	if (exchange->request->tenants == NULL)
		return psprintf("t.applied AND EXISTS (SELECT FROM %s.viflo_show(t.revision, %s) s WHERE %s)",
						schema, scope, other);
	params[(*nparams)++] = viflo_db_text(exchange->request->tenants);
	return psprintf("EXISTS (SELECT FROM %s.viflo_tenants($%d::pg_catalog.text, 'heads', %s) n"
					" CROSS JOIN LATERAL %s.viflo_show(t.revision, %s, tenant => n.tenant) s WHERE %s)",
					schema, *nparams, scope, schema, scope, other);
}

/* A text may be another one and have the same checksum: that is no change. */
static VifloTurn
ask_changed(VifloExchange *exchange)
{
	const VifloNames *missing = &exchange->missing;
	VifloDbParam *params = viflo_exchange_params(exchange);
	const char **checksums = palloc(sizeof(char *) * (missing->count + 1));
	int			nparams = 2;
	char	   *scope = viflo_database_scope(exchange->database, params, &nparams);
	char	   *changed = is_changed(exchange, scope, params, &nparams);

	for (int i = 0; i < missing->count; i++)
		checksums[i] = checksum_of(&exchange->local->history, missing->names[i]);
	params[0] = viflo_db_text_array((const char *const *) missing->names, NULL,
									missing->count);
	params[1] = viflo_db_text_array(checksums, NULL, missing->count);
	viflo_exchange_add(exchange,
					   psprintf("SELECT t.revision FROM %s.viflo_history(%s) t"
								" JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]),"
								"  pg_catalog.unnest($2::pg_catalog.text[])) m(revision, checksum)"
								" ON m.revision OPERATOR(pg_catalog.=) t.revision WHERE %s",
								exchange->database->schema, scope, changed), nparams);
	return viflo_exchange_ask(exchange, took_changed);
}

static VifloTurn
took_check(VifloExchange *exchange, VifloDbResult **results)
{
	if (results != NULL)
		return VIFLO_TURN_DONE;
	for (int i = 0; i < lengthof(not_well); i++)
	{
		if (viflo_exchange_failed_with(exchange, not_well[i]))
			exchange->failure.status = VIFLO_EXIT_BEHIND;
	}
	return VIFLO_TURN_FAILED;
}

static VifloTurn
ask_check(VifloExchange *exchange)
{
	int			nparams = 0;
	char	   *scope = viflo_database_scope(exchange->database, viflo_exchange_params(exchange),
											 &nparams);

	viflo_exchange_add(exchange,
					   psprintf("SELECT %s.viflo_check(%s)", exchange->database->schema, scope),
					   nparams);
	return viflo_exchange_try(exchange, took_check);
}

/* Those of the tenants that are not where they shall be: a line each, and as JSON. */
static void
tell_tenants(VifloExchange *exchange, const VifloDbResult *result)
{
	int			rows = viflo_db_result_rows(result);
	VifloDbRow	row = viflo_db_rows(result, NULL);
	const char **cells = palloc(sizeof(char *) * (rows * 2 + 1));
	json_t	   *tenants = json_array();
	int			count = 0;

	while (viflo_db_row_next(&row))
	{
		if (strcmp(viflo_db_row_text(&row, 2), "t") != 0)
			continue;
		cells[count++] = viflo_db_row_text(&row, 0);
		cells[count++] = viflo_db_row_text(&row, 1);
		json_array_append_new(tenants, json_loads(viflo_db_row_text(&row, 3), 0, NULL));
	}
	viflo_output_table(cells, count / 2, 2);
	pfree(cells);
	exchange->more = json_pack("{s:o}", "tenants", tenants);
}

/* Where all tenants are well, the rest is the same for all: asks it for one. */
static VifloTurn
took_tenants(VifloExchange *exchange, VifloDbResult **results)
{
	VifloFailure *failure = &exchange->failure;
	VifloDbRow	row = viflo_db_rows(results[0], NULL);
	int			rows = viflo_db_result_rows(results[0]);
	const char *tenant = NULL;
	int			wrong = 0;

	while (viflo_db_row_next(&row))
	{
		wrong += strcmp(viflo_db_row_text(&row, 2), "t") == 0;
		tenant = viflo_db_row_text(&row, 0);
	}
	if (rows == 0)
	{
		viflo_each_tenant_fail_none(exchange->request, failure);
		return VIFLO_TURN_FAILED;
	}
	if (wrong == 0)
	{
		exchange->database->tenant = pstrdup(tenant);
		return ask_check(exchange);
	}
	tell_tenants(exchange, results[0]);
	viflo_failure(failure, VIFLO_EXIT_BEHIND,
				  "%d of %d tenants are behind, changed or half done", wrong, rows);
	failure->sqlstate = pstrdup(VIFLO_BEHIND);
	viflo_failure_hint(failure, "\"viflo tenants\" shows where each of them stands.");
	return VIFLO_TURN_FAILED;
}

static VifloTurn
ask_tenants(VifloExchange *exchange)
{
	VifloDbParam *params = viflo_exchange_params(exchange);

	params[0] = viflo_db_text(exchange->request->tenants);
	params[1] = viflo_db_text(exchange->database->project);
	viflo_exchange_add(exchange,
					   psprintf("SELECT t.tenant, " VIFLO_TENANT_STATE ", " VIFLO_TENANT_IS_NOT_WELL ","
								" pg_catalog.row_to_json(t)"
								" FROM %s.viflo_tenants($1::pg_catalog.text, 'heads', $2::pg_catalog.text) t",
								exchange->database->schema), 2);
	return viflo_exchange_ask(exchange, took_tenants);
}

static VifloTurn
check(VifloExchange *exchange, VifloDbResult **results)
{
	if (exchange->missing.count > 0)
		return ask_changed(exchange);
	if (exchange->request->tenants != NULL)
		return ask_tenants(exchange);
	return ask_check(exchange);
}

static VifloTurn
check_begin(VifloExchange *exchange)
{
	if (exchange->local != NULL)
		return viflo_ask_missing(exchange, false, check);
	return viflo_ask_extension(exchange, false, check);
}

static void
print_check(VifloExchange *exchange)
{
	viflo_output_line("all is well");
}

static char *
check_document(VifloExchange *exchange)
{
	return viflo_command_document_text(json_pack("{s:b}", "ok", true));
}

static char *
check_summary(VifloExchange *exchange)
{
	return pstrdup("all is well");
}

static const VifloExchangeKind check_exchange = {
	.folder = VIFLO_FOLDER_IF_THERE,
	.begin = check_begin,
	.print = print_check,
	.document = check_document,
	.summary = check_summary,
	.subject = "check"
};

const VifloCommand viflo_command_check = {
	.name = "check",
	.options = "E",
	.arguments = "[--tenants PATTERN]",
	.summary = "fail when the database is behind or has drifted",
	.help =
	"Exit status 0 when every revision of the folder and of the database is applied,\n"
	"unchanged, and ends in one head; 3, and a message, when not.  For CI.\n"
	"\n"
	"  --tenants PATTERN     of all schemas that are LIKE PATTERN\n"
	"\n"
	"Example:\n"
	"  viflo check || viflo plan\n",
	.exchange = &check_exchange
};
