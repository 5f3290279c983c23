/*-------------------------------------------------------------------------
 * load.c
 *	  viflo load: registers the folder's revisions, and runs none.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"

static VifloTurn
took_load(VifloExchange *exchange, VifloDbResult **results)
{
	if (results != NULL)
		return VIFLO_TURN_DONE;
	if (viflo_is_lost(exchange))
		return viflo_ask_lost_transaction(exchange);
	viflo_upload_blame(exchange->local, &exchange->failure);
	return VIFLO_TURN_FAILED;
}

static VifloTurn
load(VifloExchange *exchange, VifloDbResult **results)
{
	switch (viflo_add_upload(exchange))
	{
		case 0:
			return VIFLO_TURN_DONE;
		case 1:
			viflo_note_run(exchange, NULL, NULL, NULL);
			return viflo_exchange_try(exchange, took_load);
		default:
			return VIFLO_TURN_FAILED;
	}
}

static VifloTurn
load_begin(VifloExchange *exchange)
{
	return viflo_ask_what_to_load(exchange, load);
}

/* The next revision of the folder that was missing, from number *at on. */
static bool
next_loaded(const VifloExchange *exchange, int *at)
{
	const VifloHistory *history = &exchange->local->history;

	while (exchange->missing.count > 0 && ++*at < history->count)
	{
		if (viflo_names_contain(&exchange->missing, history->revisions[*at].id))
			return true;
	}
	return false;
}

static void
print_loaded(VifloExchange *exchange)
{
	const VifloHistory *history = &exchange->local->history;
	const char **cells = palloc(sizeof(char *) * 3 * (exchange->missing.count + 1));
	int			count = 0;
	int			at = -1;

	while (next_loaded(exchange, &at))
	{
		cells[count++] = "load";
		cells[count++] = history->revisions[at].id;
		cells[count++] = history->revisions[at].message;
	}
	if (count > 0)
		viflo_output_table(cells, count / 3, 3);
	else
		viflo_output_line("nothing to load");
	pfree(cells);
}

static char *
loaded_document(VifloExchange *exchange)
{
	const VifloHistory *history = &exchange->local->history;
	json_t	   *loaded = json_array();
	int			at = -1;

	while (next_loaded(exchange, &at))
		json_array_append_new(loaded,
							  json_pack("{s:o, s:o, s:o}",
										"revision", viflo_output_json_string(history->revisions[at].id),
										"message", viflo_output_json_string(history->revisions[at].message),
										"source", viflo_output_json_string(history->migrations[at].source)));
	return viflo_command_document_text(loaded);
}

static char *
loaded_summary(VifloExchange *exchange)
{
	if (exchange->missing.count == 0)
		return pstrdup("nothing to load");
	return psprintf("%d loaded", exchange->missing.count);
}

const VifloExchangeKind viflo_load_exchange = {
	.folder = VIFLO_FOLDER_NEEDED,
	.changes = true,
	.begin = load_begin,
	.print = print_loaded,
	.document = loaded_document,
	.summary = loaded_summary,
	.subject = "loaded"
};

const VifloCommand viflo_command_load = {
	.name = "load",
	.options = "",
	.arguments = "",
	.summary = "register the folder's migrations without running them",
	.help =
	"Registers the revisions of the folder in the database, in one transaction, and\n"
	"runs none of them.  What is there already is not sent again.  A file that\n"
	"differs from what was applied is refused.  Creates the extension if it is\n"
	"missing.\n"
	"\n"
	"Example:\n"
	"  viflo --dir db/migrations load\n",
	.exchange = &viflo_load_exchange
};
