/*-------------------------------------------------------------------------
 * each_tenant.c
 *	  --tenants: what a command does for every schema that is LIKE a pattern.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/each_tenant.h"
#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"

/* Tenants that a failure names as done. */
#define MAX_NAMED	5

/* How it goes. */
typedef struct Run
{
	const VifloCommand *command;
	const VifloRequest *request;
	VifloDatabase database;
	VifloLocal	local;
	int			count;			/* tenants that match */
	VifloNames	names;			/* those with something to do */
	VifloNames	done;
	int			failed;
	bool		lost;			/* nobody answers any more */
	json_t	   *tenants;		/* an object for each that was begun */
} Run;

const char *
viflo_each_tenant_column(const VifloExchange *exchange)
{
	return exchange->request->tenants != NULL ? exchange->database->tenant : NULL;
}

bool
viflo_each_tenant_fail_none(const VifloRequest *request, VifloFailure *failure)
{
	viflo_failure(failure, VIFLO_EXIT_REFUSED, "no schema is like \"%s\"", request->tenants);
	viflo_failure_hint(failure, "In a pattern, %% stands for any characters and _ for any one of them, as in LIKE.");
	return false;
}

/*-------------------------------------------------------------------------
 * Before the first
 *-------------------------------------------------------------------------
 */

/* Finds the extension, and loads the folder where the command does that. */
static bool
prepare(Run *run, VifloFailure *failure)
{
	const VifloExchangeKind *load = run->command->each_tenant->load;
	const VifloSettings *settings = &run->request->settings;
	VifloExchange exchange;
	bool		folder = load != NULL && settings->dir_exists;
	bool		done;

	if (!viflo_database_open(&run->database, settings, folder ? &run->local : NULL, failure))
		return false;
	if (load == NULL)
		return viflo_database_find(&run->database, failure);
	viflo_exchange_init(&exchange, load, &run->database, folder ? &run->local : NULL,
						run->request);
	done = viflo_exchange_run(&exchange, load->begin(&exchange));
	if (!done)
		*failure = exchange.failure;
	viflo_exchange_end(&exchange);
	return done;
}

/* The number of those that match, and the names of those that are wanted. */
static bool
ask_tenants(Run *run, VifloFailure *failure)
{
	const VifloRequest *request = run->request;
	const VifloEachTenant *each = run->command->each_tenant;
	VifloDbParam params[] = {
		viflo_db_text(!each->up ? "heads" : request->nargs > 0 ? request->args[0] : "head"),
		viflo_db_text(request->tenants), viflo_db_text(run->database.project)
	};
	VifloDbQuery query = {
		psprintf("SELECT pg_catalog.count(*), pg_catalog.array_agg(t.tenant) FILTER (WHERE %s)"
				 " FROM %s.viflo_tenants(pattern => $2::pg_catalog.text, %s, project => $3::pg_catalog.text) t",
				 each->wanted, run->database.schema, viflo_command_target(request)),
		params, lengthof(params), false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	if (!viflo_database_run(&run->database, &query, 1, &result, failure))
		return false;
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		VifloDbTextArray names = viflo_db_row_text_array(&row, 1);

		run->count = viflo_db_row_int64(&row, 0);
		for (int i = 0; i < names.count; i++)
			viflo_names_add(&run->names, pstrdup(names.values[i]));
		free(names.values);
	}
	viflo_db_result_free(result);
	return run->count > 0 || viflo_each_tenant_fail_none(request, failure);
}

/*-------------------------------------------------------------------------
 * What is said
 *-------------------------------------------------------------------------
 */

/* The tenant's part of the document, to which more is added. */
static json_t *
add_tenant(Run *run, const char *tenant)
{
	json_t	   *part = json_pack("{s:o}", "tenant", viflo_output_json_string(tenant));

	json_array_append_new(run->tenants, part);
	return part;
}

static void
tell_done(Run *run, VifloExchange *exchange)
{
	const VifloExchangeKind *kind = exchange->kind;
	const char *tenant = run->database.tenant;

	viflo_names_add(&run->done, unconstify(char *, tenant));
	if (exchange->warns)
	{
		exchange->failure.message = psprintf("tenant \"%s\": %s", tenant, exchange->failure.message);
		viflo_output_placed_warning(&exchange->failure);
	}
	if (viflo_output_is_json())
		viflo_output_json_add(add_tenant(run, tenant), kind->subject, kind->document(exchange));
	else
		kind->print(exchange);
	fflush(stdout);
}

/* Puts who it is into the failure, and that into the document. */
static void
note_failure(Run *run, VifloExchange *exchange)
{
	VifloFailure *failure = &exchange->failure;
	json_t	   *error;

	failure->message = psprintf("tenant \"%s\": %s", run->database.tenant, failure->message);
	if (viflo_database_interrupted() &&
		(failure->sqlstate == NULL || viflo_exchange_failed_with(exchange, "57014")))
		viflo_failure_hint(failure, "You asked to stop: what was done before stays.");

	/* Nothing was sent for it where the user had asked to stop before. */
	if (failure->sqlstate == NULL)
		return;
	run->failed++;
	error = viflo_output_failure_document(failure);
	if (exchange->more != NULL)
		json_object_update(error, exchange->more);
	json_object_set_new(add_tenant(run, run->database.tenant), "error", error);
}

/* "2 tenants are done: "a", "b".  3 are not begun.", behind what is kept of one. */
static char *
describe_kept(const Run *run, const char *kept_of_one)
{
	StringInfoData kept;
	int			done = run->done.count;
	int			left = run->names.count - done - run->failed;

	initStringInfo(&kept);
	if (kept_of_one != NULL && kept_of_one[0] != '\0')
		appendStringInfo(&kept, "%s\n", kept_of_one);
	if (done > 0)
		appendStringInfo(&kept, "%d %s done:", done, done == 1 ? "tenant is" : "tenants are");
	for (int i = 0; i < done; i++)
	{
		/* The last one says how far it came. */
		if (done <= MAX_NAMED || i < MAX_NAMED - 1 || i == done - 1)
			appendStringInfo(&kept, "%s \"%s\"", i > 0 ? "," : "", run->done.names[i]);
		else if (i == MAX_NAMED - 1)
			appendStringInfo(&kept, ", %d more", done - MAX_NAMED);
	}
	if (done > 0)
		appendStringInfoChar(&kept, '.');
	if (left > 0)
		appendStringInfo(&kept, "%s%d %s not begun.", done > 0 ? " " : "", left,
						 left == 1 ? "tenant is" : "tenants are");
	return kept.data;
}

/* The document about all tenants; takes the list's reference. */
static json_t *
document(const Run *run)
{
	return json_pack("{s:o, s:i, s:i, s:i, s:i}", "tenants", run->tenants,
					 run->command->each_tenant->done, run->done.count,
					 "failed", run->failed,
					 "nothing_to_do", run->count - run->names.count,
					 "not_begun", run->names.count - run->done.count - run->failed);
}

/*-------------------------------------------------------------------------
 * One after the other
 *-------------------------------------------------------------------------
 */

/* The exchange for one tenant.  False: see *failure. */
static bool
carry(Run *run, const char *tenant, VifloFailure *failure)
{
	const VifloExchangeKind *kind = run->command->exchange;
	VifloExchange exchange;
	bool		done;

	run->database.tenant = tenant;

	/* It is another one where the connection was lost, and made anew. */
	run->database.pid = viflo_db_backend_pid(run->database.session);
	viflo_exchange_init(&exchange, kind, &run->database, NULL, run->request);
	done = viflo_exchange_run(&exchange, kind->begin(&exchange));
	if (done)
		tell_done(run, &exchange);
	else
	{
		note_failure(run, &exchange);
		run->lost = viflo_is_lost(&exchange);
		*failure = exchange.failure;
	}
	viflo_exchange_end(&exchange);
	return done;
}

/* False: *failure ended it. */
static bool
carry_all(Run *run, VifloFailure *failure)
{
	for (int i = 0; i < run->names.count; i++)
	{
		if (carry(run, run->names.names[i], failure))
			continue;
		if (!run->request->keep_going || viflo_database_interrupted() || run->lost)
			return false;
		viflo_output_placed_error(failure);
		viflo_failure_free(failure);
	}
	return run->failed == 0 ||
		viflo_failure(failure, VIFLO_EXIT_REFUSED, "%d of %d tenants failed",
					  run->failed, run->names.count);
}

int
viflo_command_run_each_tenant(const VifloCommand *command, const VifloRequest *request)
{
	Run			run = {.command = command,.request = request};
	VifloFailure failure;

	if (!prepare(&run, &failure) || !ask_tenants(&run, &failure))
		return viflo_output_failure(&failure);
	run.tenants = json_array();
	if (!carry_all(&run, &failure))
	{
		failure.kept = describe_kept(&run, failure.kept);
		return viflo_output_failure_more(&failure, document(&run));
	}
	viflo_output_line("%d of %d tenants %s", run.done.count, run.count, command->each_tenant->done);
	viflo_output_json(document(&run));
	viflo_database_close(&run.database);
	return VIFLO_EXIT_DONE;
}
