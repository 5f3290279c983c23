/*-------------------------------------------------------------------------
 * stamp.c
 *	  viflo stamp: says what a database has, and runs nothing.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"

static VifloTurn
took_stamp(VifloExchange *exchange, VifloDbResult **results)
{
	if (results != NULL)
		return VIFLO_TURN_DONE;
	if (viflo_is_lost(exchange))
		return viflo_ask_lost_transaction(exchange);
	if (exchange->local != NULL)
		viflo_upload_blame(exchange->local, &exchange->failure);
	return VIFLO_TURN_FAILED;
}

static VifloTurn
stamp(VifloExchange *exchange, VifloDbResult **results)
{
	const VifloRequest *request = exchange->request;
	VifloDbParam *params;
	char	   *scope;
	int			nparams = 2;

	if (viflo_add_upload(exchange) < 0)
		return VIFLO_TURN_FAILED;
	params = viflo_exchange_params(exchange);
	if (request->nargs == 1)
		params[0] = viflo_db_text(request->args[0]);
	else
		params[0] = viflo_db_text_array((const char *const *) request->args, NULL,
										request->nargs);
	params[1] = viflo_db_bool(request->purge);
	scope = viflo_database_scope(exchange->database, params, &nparams);
	viflo_exchange_add(exchange,
					   psprintf("SELECT %s.viflo_stamp($1::pg_catalog.text%s,"
								" purge => $2::pg_catalog.bool, %s)",
								exchange->database->schema, request->nargs == 1 ? "" : "[]",
								scope), nparams);
	viflo_note_run(exchange, "t.revision", NULL, NULL);
	return viflo_exchange_try(exchange, took_stamp);
}

static VifloTurn
stamp_begin(VifloExchange *exchange)
{
	return viflo_ask_what_to_load(exchange, stamp);
}

static void
print_stamped(VifloExchange *exchange)
{
	for (int i = 0; i < exchange->request->nargs; i++)
	{
		const char *cells[] = {
			viflo_each_tenant_column(exchange), psprintf("stamped %s", exchange->request->args[i])
		};

		viflo_output_table(cells, 1, lengthof(cells));
	}
}

static char *
stamped_document(VifloExchange *exchange)
{
	const VifloRequest *request = exchange->request;
	json_t	   *targets = json_array();

	for (int i = 0; i < request->nargs; i++)
		json_array_append_new(targets, viflo_output_json_string(request->args[i]));
	return viflo_command_document_text(json_pack("{s:o, s:b}", "stamped", targets,
												 "purge", request->purge));
}

static char *
stamped_summary(VifloExchange *exchange)
{
	return pstrdup("stamped");
}

static const VifloExchangeKind stamp_exchange = {
	.folder = VIFLO_FOLDER_IF_THERE,
	.changes = true,
	.begin = stamp_begin,
	.print = print_stamped,
	.document = stamped_document,
	.summary = stamped_summary,
	.subject = "stamp"
};

static const VifloEachTenant stamp_each_tenant = {
	.wanted = "true",
	.load = &viflo_load_exchange,
	.done = "stamped"
};

const VifloCommand viflo_command_stamp = {
	.name = "stamp",
	.options = "pE",
	.min_args = 1,
	.max_args = -1,
	.arguments = "TARGET... [--purge] [--tenants PATTERN]",
	.summary = "record revisions as applied without running them",
	.help =
	"Records that the database stands at TARGET, running nothing; for a database\n"
	"whose schema is there already.  Registers the folder's revisions first, and\n"
	"creates the extension if it is missing.  Other branches keep what they have,\n"
	"unless:\n"
	"\n"
	"  --purge               forget all that was recorded before\n"
	VIFLO_EACH_TENANT_HELP
	"\n"
	"Example:\n"
	"  viflo stamp head\n",
	.exchange = &stamp_exchange,
	.each_tenant = &stamp_each_tenant
};
