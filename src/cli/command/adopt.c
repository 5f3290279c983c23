/*-------------------------------------------------------------------------
 * adopt.c
 *	  viflo adopt: takes over what another tool has applied.
 *
 * The folder is read, the tool's table is found and read, both are compared;
 * what the tool says is applied is then recorded, after the folder has been
 * registered, in one transaction.  Nothing is run, and the tool's table stays
 * as it is.  What is wrong is said first, and nothing is recorded then unless
 * --force says so.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/adopt/find.h"
#include "cli/adopt/match.h"
#include "cli/command/command.h"
#include "cli/extension.h"
#include "cli/lost.h"
#include "cli/output.h"

/* One database under way: the exchange's own. */
typedef struct Adoption
{
	const VifloHistory *history;
	VifloFound	found;
	VifloMatch	match;
	int			recorded;		/* number of revisions */

	/* What is recorded: ids, times and names, in the order of the graph. */
	int			count;
	const char **ids;
	const char **times;
	const char **names;
} Adoption;

/* What a problem means, as a sentence's part; palloc'd. */
static char *
problem_text(const Adoption *adoption, const VifloProblem *problem)
{
	const VifloToolRow *row = problem->row;
	const char *table = adoption->found.table;

	switch (problem->kind)
	{
		case VIFLO_PROBLEM_FAILED:
			return psprintf("version \"%s\" did not end well, says %s%s%s", row->version, table,
							row->note ? ": " : "", row->note ? row->note : "");
		case VIFLO_PROBLEM_CHANGED:
			return psprintf("file differs from what was applied: checksum %s, %s has %s",
							problem->expected, table, row->checksum);
		case VIFLO_PROBLEM_NO_FILE:
			return psprintf("version \"%s\" of %s has no file in the folder", row->version, table);
	}
	return NULL;
}

/*
 * Does this problem stand in the way, unless --force clears it?  A version
 * without a file does where nothing else tells what is applied.
 */
static bool
is_serious(const Adoption *adoption, const VifloProblem *problem)
{
	return problem->kind != VIFLO_PROBLEM_NO_FILE || adoption->found.tool->unordered ||
		(adoption->match.applied == 0 &&
		 adoption->match.without_file == adoption->match.concerned);
}

static json_t *
problems_document(const Adoption *adoption)
{
	json_t	   *array = json_array();

	for (int i = 0; i < adoption->match.nproblems; i++)
	{
		const VifloProblem *problem = &adoption->match.problems[i];
		const char *id = problem->revision >= 0 ?
		adoption->history->revisions[problem->revision].id : NULL;

		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o}",
											   "kind", viflo_problem_name(problem->kind),
											   "version", viflo_output_json_string(problem->row->version),
											   "revision", viflo_output_json_string(id),
											   "message", viflo_output_json_string(problem_text(adoption, problem))));
	}
	return array;
}

static void
show_problems(const VifloExchange *exchange)
{
	const Adoption *adoption = exchange->own;

	for (int i = 0; i < adoption->match.nproblems; i++)
	{
		const VifloProblem *problem = &adoption->match.problems[i];
		VifloFailure warning = {0};

		if (problem->revision >= 0)
			warning.file = viflo_folder_path(&exchange->local->folder,
											 adoption->history->migrations[problem->revision].source);
		warning.message = problem_text(adoption, problem);
		viflo_output_placed_warning(&warning);
	}
}

/* Do the problems stand in the way?  Then says so. */
static bool
refuse(VifloExchange *exchange)
{
	const Adoption *adoption = exchange->own;
	int			serious = 0;

	for (int i = 0; i < adoption->match.nproblems; i++)
		serious += is_serious(adoption, &adoption->match.problems[i]);
	if (serious == 0 || exchange->request->force)
		return false;
	viflo_failure(&exchange->failure, VIFLO_EXIT_REFUSED,
				  serious == 1 ? "history of %s has a problem, nothing was recorded" :
				  "history of %s has problems, nothing was recorded",
				  adoption->found.tool->name);
	viflo_failure_hint(&exchange->failure, serious == adoption->match.without_file ?
					   "Name the folder that was applied with --dir, or say --force: what has no file then counts for nothing." :
					   "Mend what the warnings name, or say --force: changed files are then taken for what was applied, and what failed for not applied.");
	exchange->more = json_pack("{s:s, s:o, s:o}", "tool", adoption->found.tool->name,
							   "table", viflo_output_json_string(adoption->found.table),
							   "problems", problems_document(adoption));
	return true;
}

static VifloTurn
took_number(VifloExchange *exchange, VifloDbResult **results)
{
	Adoption   *adoption = exchange->own;
	VifloDbRow	row;

	if (results == NULL && viflo_is_lost(exchange))
		return viflo_ask_lost_transaction(exchange);
	if (results == NULL)
	{
		viflo_upload_blame(exchange->local, &exchange->failure);
		return VIFLO_TURN_FAILED;
	}
	row = viflo_db_rows(results[exchange->upload.sources.count > 0 ? 1 : 0], NULL);
	if (viflo_db_row_next(&row))
		adoption->recorded = viflo_db_row_int32(&row, 0);
	return VIFLO_TURN_DONE;
}

/* Registers the folder and records what is applied, in one transaction. */
static VifloTurn
record(VifloExchange *exchange, VifloDbResult **results)
{
	Adoption   *adoption = exchange->own;
	VifloDbParam *params;
	char	   *scope;
	int			nparams = 4;

	if (viflo_add_upload(exchange) < 0)
		return VIFLO_TURN_FAILED;
	params = viflo_exchange_params(exchange);
	params[0] = viflo_db_text_array(adoption->ids, NULL, adoption->count);
	params[1] = viflo_db_text_array(adoption->times, NULL, adoption->count);
	params[2] = viflo_db_text_array(adoption->names, NULL, adoption->count);
	params[3] = viflo_db_text(adoption->found.table);
	scope = viflo_database_scope(exchange->database, params, &nparams);
	viflo_exchange_add(exchange,
					   psprintf("SELECT %s.viflo_adopt($1::pg_catalog.text[],"
								" $2::pg_catalog.text[]::pg_catalog.timestamptz[],"
								" $3::pg_catalog.text[], $4::pg_catalog.text, %s)",
								exchange->database->schema, scope), nparams);
	viflo_note_run(exchange, "t.revision", NULL, NULL);
	return viflo_exchange_try(exchange, took_number);
}

/* Lists what is to be recorded. */
static void
list_applied(Adoption *adoption)
{
	const VifloHistory *history = adoption->history;
	size_t		size = sizeof(char *) * (history->count + 1);

	adoption->ids = palloc(size);
	adoption->times = palloc(size);
	adoption->names = palloc(size);
	for (int i = 0; i < history->graph->count; i++)
	{
		int			number = history->graph->order[i];
		const VifloToolRow *row = number < history->count ? adoption->match.rows[number] : NULL;

		if (row == NULL)
			continue;
		adoption->ids[adoption->count] = history->revisions[number].id;
		adoption->times[adoption->count] = row->applied_at;
		adoption->names[adoption->count++] = row->applied_by;
	}
}

static VifloTurn
took_rows(VifloExchange *exchange, VifloDbResult **results)
{
	Adoption   *adoption = exchange->own;

	viflo_find_took_rows(results, &adoption->found);
	viflo_match(adoption->history, adoption->found.tool, adoption->found.rows,
				adoption->found.count, &adoption->match);
	show_problems(exchange);
	if (refuse(exchange))
		return VIFLO_TURN_FAILED;
	if (exchange->request->dry_run)
		return VIFLO_TURN_DONE;
	list_applied(adoption);
	return viflo_ask_what_to_load(exchange, record);
}

static VifloTurn
took_tables(VifloExchange *exchange, VifloDbResult **results)
{
	const VifloRequest *request = exchange->request;
	Adoption   *adoption = exchange->own;
	const VifloTool *tool = NULL;

	if (request->tool != NULL &&
		(tool = viflo_tool_find(request->tool, &exchange->failure)) == NULL)
		return VIFLO_TURN_FAILED;
	if (!viflo_find_took_tables(results[0], adoption->history->reader->name, tool,
								request->table, &adoption->found, &exchange->failure))
		return VIFLO_TURN_FAILED;
	viflo_find_ask_rows(exchange, &adoption->found);
	return viflo_exchange_ask(exchange, took_rows);
}

static VifloTurn
adopt_begin(VifloExchange *exchange)
{
	Adoption   *adoption = palloc0(sizeof(Adoption));

	exchange->own = adoption;
	if (!viflo_local_read(exchange->local, &exchange->failure))
		return VIFLO_TURN_FAILED;
	adoption->history = &exchange->local->history;
	viflo_find_ask_tables(exchange, exchange->request->table);
	return viflo_exchange_ask(exchange, took_tables);
}

/* "applied", "late" or "pending" */
static const char *
revision_state(const Adoption *adoption, int number, const bool *below)
{
	if (adoption->match.rows[number] != NULL)
		return "applied";
	return below[number] ? "late" : "pending";
}

/* What is applied, or lies below something that is; palloc'd. */
static bool *
find_below(const Adoption *adoption)
{
	const VifloHistory *history = adoption->history;
	bool	   *below = palloc0(sizeof(bool) * (history->count + history->stubs));

	for (int i = 0; i < history->count; i++)
		below[i] = adoption->match.rows[i] != NULL;
	viflo_graph_ancestors(history->graph, below, true);
	return below;
}

static void
print_adoption(VifloExchange *exchange)
{
	const Adoption *adoption = exchange->own;
	const VifloHistory *history = adoption->history;
	const VifloMatch *match = &adoption->match;
	bool	   *below = find_below(adoption);
	const char **cells = palloc(sizeof(char *) * 4 * (history->count + 1));

	for (int i = 0; i < history->count; i++)
	{
		cells[i * 4] = revision_state(adoption, i, below);
		cells[i * 4 + 1] = history->revisions[i].id;
		cells[i * 4 + 2] = match->rows[i] ? match->rows[i]->applied_at : NULL;
		cells[i * 4 + 3] = match->rows[i] ? match->rows[i]->applied_by : NULL;
	}
	viflo_output_table(cells, history->count, 4);
	viflo_output_line("%s of %s: %d of %d revisions %s applied%s", adoption->found.table,
					  adoption->found.tool->name, match->applied, history->count,
					  exchange->request->dry_run ? "would be recorded as" : "are recorded as",
					  match->late > 0 ? ", and some came late" : "");
	pfree(below);
	pfree(cells);
}

static char *
adoption_document(VifloExchange *exchange)
{
	const Adoption *adoption = exchange->own;
	const VifloHistory *history = adoption->history;
	bool	   *below = find_below(adoption);
	json_t	   *revisions = json_array();

	for (int i = 0; i < history->count; i++)
	{
		const VifloToolRow *row = adoption->match.rows[i];

		json_array_append_new(revisions, json_pack("{s:o, s:s, s:o, s:o}",
												   "revision", viflo_output_json_string(history->revisions[i].id),
												   "state", revision_state(adoption, i, below),
												   "applied_at", viflo_output_json_string(row ? row->applied_at : NULL),
												   "applied_by", viflo_output_json_string(row ? row->applied_by : NULL)));
	}
	pfree(below);
	return viflo_command_document_text(json_pack("{s:s, s:o, s:s, s:b, s:i, s:o, s:o}",
												 "tool", adoption->found.tool->name,
												 "table", viflo_output_json_string(adoption->found.table),
												 "layout", history->reader->name,
												 "dry_run", exchange->request->dry_run,
												 "recorded", exchange->warns ? exchange->run.logged : adoption->recorded,
												 "revisions", revisions,
												 "problems", problems_document(adoption)));
}

static char *
adoption_summary(VifloExchange *exchange)
{
	const Adoption *adoption = exchange->own;

	return psprintf("%d of %d revisions from %s", adoption->match.applied,
					adoption->history->count, adoption->found.table);
}

static const VifloExchangeKind adopt_exchange = {
	.folder = VIFLO_FOLDER_NEEDED,
	.changes = true,
	.begin = adopt_begin,
	.print = print_adoption,
	.document = adoption_document,
	.summary = adoption_summary,
	.subject = "adoption"
};

const VifloCommand viflo_command_adopt = {
	.name = "adopt",
	.options = "yFTB",
	.arguments = "[--dry-run] [--tool NAME] [--table NAME] [--force]",
	.summary = "take over what another migration tool has applied",
	.help =
	"Finds the history table of the tool whose folder it is (Flyway, Liquibase,\n"
	"Sqitch, golang-migrate, goose, dbmate, Alembic, Prisma and others), registers\n"
	"the folder, and records exactly what that table says is applied.  Runs nothing,\n"
	"and leaves the table as it is.  Where the tool keeps checksums, the files are\n"
	"checked against them; what differs, and what the tool says has failed, is named\n"
	"and stands in the way, as does a table with nothing but versions that have no\n"
	"file.  Stop the other tool before.  With --tenant the table is looked for in\n"
	"that schema, then in those of the search path.\n"
	"\n"
	"  --dry-run             tell what would be recorded, and record nothing\n"
	"  --tool NAME           which tool, where the database has several histories\n"
	"  --table NAME          its table, where that has a name of its own\n"
	"  --force               record in spite of differences and failures\n"
	"\n"
	"Example:\n"
	"  viflo --dir db/migrations adopt --dry-run\n"
	"  viflo --dir db/migrations adopt && viflo --dir db/migrations upgrade\n",
	.exchange = &adopt_exchange
};
