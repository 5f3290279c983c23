/*-------------------------------------------------------------------------
 * check.c
 *	  viflo check: is the database where the folder and the server want it?
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
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
	viflo_failure(failure, VIFLO_EXIT_BEHIND,
				  "database is behind: %d revisions of folder \"%s\" are not registered",
				  missing->count, exchange->database->settings->dir);
	failure->sqlstate = pstrdup(VIFLO_BEHIND);
	failure->detail = psprintf("They are %s.", list_names(missing));
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

/* A text may be another one and have the same checksum: that is no change. */
static VifloTurn
ask_changed(VifloExchange *exchange)
{
	const VifloNames *missing = &exchange->missing;
	VifloDbParam *params = viflo_exchange_params(exchange);
	const char **checksums = palloc(sizeof(char *) * (missing->count + 1));

	for (int i = 0; i < missing->count; i++)
		checksums[i] = checksum_of(&exchange->local->history, missing->names[i]);
	params[0] = viflo_db_text_array((const char *const *) missing->names, NULL,
									missing->count);
	params[1] = viflo_db_text(exchange->database->project);
	params[2] = viflo_db_text_array(checksums, NULL, missing->count);
	viflo_exchange_add(exchange,
					   psprintf("SELECT t.revision FROM %s.viflo_history(project => $2::pg_catalog.text) t"
								" JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]),"
								"  pg_catalog.unnest($3::pg_catalog.text[])) m(revision, checksum)"
								" ON m.revision OPERATOR(pg_catalog.=) t.revision"
								" CROSS JOIN LATERAL %s.viflo_show(t.revision, project => $2::pg_catalog.text) s"
								" WHERE t.applied AND NOT s.repeatable"
								" AND s.applied_checksum OPERATOR(pg_catalog.<>) m.checksum",
								exchange->database->schema, exchange->database->schema), 3);
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
check(VifloExchange *exchange, VifloDbResult **results)
{
	if (exchange->missing.count > 0)
		return ask_changed(exchange);
	viflo_exchange_params(exchange)[0] = viflo_db_text(exchange->database->project);
	viflo_exchange_add(exchange,
					   psprintf("SELECT %s.viflo_check(project => $1::pg_catalog.text)",
								exchange->database->schema), 1);
	return viflo_exchange_try(exchange, took_check);
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
	.options = "K",
	.arguments = "",
	.summary = "fail when the database is behind or has drifted",
	.help =
	"Exit status 0 when every revision of the folder and of the database is applied,\n"
	"unchanged, and ends in one head; 3, and a message, when not.  For CI.\n"
	"\n"
	"Example:\n"
	"  viflo check || viflo plan\n",
	.exchange = &check_exchange
};
