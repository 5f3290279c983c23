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
#include "cli/output.h"

/* One command under way. */
typedef struct Adoption
{
	const VifloRequest *request;
	VifloDatabase database;
	VifloLocal	local;
	VifloFound	found;
	VifloMatch	match;
	int			recorded;		/* number of revisions; -1: none was to be */
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

/* Does this problem stand in the way, unless --force clears it? */
static bool
is_serious(const VifloProblem *problem)
{
	return problem->kind != VIFLO_PROBLEM_NO_FILE;
}

static void
show_problems(const Adoption *adoption)
{
	const VifloHistory *history = &adoption->local.history;

	for (int i = 0; i < adoption->match.nproblems; i++)
	{
		const VifloProblem *problem = &adoption->match.problems[i];
		VifloFailure warning = {0};

		if (problem->revision >= 0)
			warning.file = viflo_folder_path(&adoption->local.folder,
											 history->migrations[problem->revision].source);
		warning.message = problem_text(adoption, problem);
		viflo_output_placed_warning(&warning);
	}
}

static bool
refuse(const Adoption *adoption, VifloFailure *failure)
{
	int			serious = 0;

	for (int i = 0; i < adoption->match.nproblems; i++)
		serious += is_serious(&adoption->match.problems[i]);
	if (serious == 0 || adoption->request->force)
		return true;
	viflo_failure(failure, VIFLO_EXIT_REFUSED,
				  serious == 1 ? "history of %s has a problem, nothing was recorded" :
				  "history of %s has problems, nothing was recorded",
				  adoption->found.tool->name);
	viflo_failure_hint(failure, "Mend what the warnings name, or say --force: changed files are then taken for what was applied, and what failed for not applied.");
	return false;
}

/*
 * Registers the folder and records what is applied, in one transaction.
 */
static bool
record(Adoption *adoption, VifloFailure *failure)
{
	const VifloHistory *history = &adoption->local.history;
	VifloDatabase *database = &adoption->database;
	int			count = 0;
	const char **ids = palloc(sizeof(char *) * (history->count + 1));
	const char **times = palloc(sizeof(char *) * (history->count + 1));
	const char **roles = palloc(sizeof(char *) * (history->count + 1));
	VifloUpload upload;
	VifloDbParam params[5];
	VifloDbQuery queries[2] = {0};
	VifloDbResult *results[2];
	VifloDbRow	row;
	int			loads;

	for (int i = 0; i < history->count; i++)
	{
		const VifloToolRow *from = adoption->match.rows[history->graph->order[i]];

		if (history->graph->order[i] >= history->count || from == NULL)
			continue;
		ids[count] = history->revisions[history->graph->order[i]].id;
		times[count] = from->applied_at;
		roles[count++] = from->applied_by;
	}
	loads = viflo_command_prepare(database, &adoption->local, &upload, queries, failure);
	if (loads < 0)
		return false;
	params[0] = viflo_db_text_array(ids, NULL, count);
	params[1] = viflo_db_text_array(times, NULL, count);
	params[2] = viflo_db_text_array(roles, NULL, count);
	params[3] = viflo_db_text(adoption->found.table);
	params[4] = viflo_db_text(database->project);
	queries[loads].sql = psprintf("SELECT %s.viflo_adopt($1::pg_catalog.text[],"
								  " $2::pg_catalog.text[]::pg_catalog.timestamptz[],"
								  " $3::pg_catalog.text[], $4::pg_catalog.text, project => $5::pg_catalog.text)",
								  database->schema);
	queries[loads].params = params;
	queries[loads].nparams = 5;
	if (!viflo_database_run(database, queries, loads + 1, results, failure))
	{
		viflo_command_blame(&adoption->local, failure);
		return false;
	}
	row = viflo_db_rows(results[loads], NULL);
	if (viflo_db_row_next(&row))
		adoption->recorded = viflo_db_row_int32(&row, 0);
	for (int i = 0; i <= loads; i++)
		viflo_db_result_free(results[i]);
	return true;
}

/* What is to be said of one revision: "applied", "late" or "pending". */
static const char *
revision_state(const Adoption *adoption, int number, const bool *below)
{
	if (adoption->match.rows[number] != NULL)
		return "applied";
	return below[number] ? "late" : "pending";
}

static json_t *
problems_document(const Adoption *adoption)
{
	json_t	   *array = json_array();

	for (int i = 0; i < adoption->match.nproblems; i++)
	{
		const VifloProblem *problem = &adoption->match.problems[i];
		const char *id = problem->revision >= 0 ?
		adoption->local.history.revisions[problem->revision].id : NULL;

		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o}",
											   "kind", viflo_problem_name(problem->kind),
											   "version", viflo_output_json_string(problem->row->version),
											   "revision", viflo_output_json_string(id),
											   "message", viflo_output_json_string(problem_text(adoption, problem))));
	}
	return array;
}

/* Tells what there is, a line a revision. */
static void
print_adoption(const Adoption *adoption)
{
	const VifloHistory *history = &adoption->local.history;
	const VifloMatch *match = &adoption->match;
	bool	   *below = palloc0(sizeof(bool) * (history->count + history->stubs));
	const char **cells = palloc(sizeof(char *) * 4 * (history->count + 1));
	json_t	   *revisions = json_array();

	for (int i = 0; i < history->count; i++)
		below[i] = match->rows[i] != NULL;
	viflo_graph_ancestors(history->graph, below, true);
	for (int i = 0; i < history->count; i++)
	{
		const char *state = revision_state(adoption, i, below);
		const char *at = match->rows[i] ? match->rows[i]->applied_at : NULL;
		const char *by = match->rows[i] ? match->rows[i]->applied_by : NULL;

		cells[i * 4] = state;
		cells[i * 4 + 1] = history->revisions[i].id;
		cells[i * 4 + 2] = at;
		cells[i * 4 + 3] = by;
		json_array_append_new(revisions, json_pack("{s:o, s:s, s:o, s:o}",
												   "revision", viflo_output_json_string(history->revisions[i].id),
												   "state", state,
												   "applied_at", viflo_output_json_string(at),
												   "applied_by", viflo_output_json_string(by)));
	}
	viflo_output_table(cells, history->count, 4);
	viflo_output_line("%s of %s: %d of %d revisions %s applied%s", adoption->found.table,
					  adoption->found.tool->name, match->applied, history->count,
					  adoption->recorded < 0 ? "would be recorded as" : "are recorded as",
					  match->late > 0 ? ", and some came late" : "");
	viflo_output_json(json_pack("{s:s, s:o, s:s, s:b, s:i, s:o, s:o}",
								"tool", adoption->found.tool->name,
								"table", viflo_output_json_string(adoption->found.table),
								"layout", history->reader->name,
								"dry_run", adoption->recorded < 0,
								"recorded", Max(adoption->recorded, 0),
								"revisions", revisions,
								"problems", problems_document(adoption)));
	pfree(below);
	pfree(cells);
}

static bool
adopt(Adoption *adoption, VifloFailure *failure)
{
	const VifloRequest *request = adoption->request;
	const VifloTool *tool = NULL;

	if (!request->settings.dir_exists)
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE, "folder \"%s\" does not exist",
					  request->settings.dir);
		viflo_failure_hint(failure, "Name the tool's own folder of migrations with --dir.");
		return false;
	}
	if (request->tool != NULL && (tool = viflo_tool_find(request->tool, failure)) == NULL)
		return false;
	if (!viflo_database_open(&adoption->database, &request->settings, &adoption->local, failure) ||
		!viflo_local_read(&adoption->local, failure) ||
		!viflo_find_history(&adoption->database, adoption->local.history.reader->name,
							tool, request->table, &adoption->found, failure))
		return false;
	viflo_match(&adoption->local.history, adoption->found.tool, adoption->found.rows,
				adoption->found.count, &adoption->match);
	show_problems(adoption);
	if (!refuse(adoption, failure))
		return false;
	if (!request->dry_run && !record(adoption, failure))
		return false;
	print_adoption(adoption);
	viflo_database_close(&adoption->database);
	return true;
}

static int
adopt_run(VifloRequest *request)
{
	Adoption	adoption = {.request = request,.recorded = -1};
	VifloFailure failure;

	if (adopt(&adoption, &failure))
		return VIFLO_EXIT_DONE;
	if (adoption.found.tool == NULL)
		return viflo_output_failure(&failure);
	return viflo_output_failure_more(&failure, json_pack("{s:s, s:o, s:o}",
														 "tool", adoption.found.tool->name,
														 "table", viflo_output_json_string(adoption.found.table),
														 "problems", problems_document(&adoption)));
}

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
	"and stands in the way.  Stop the other tool before.\n"
	"\n"
	"  --dry-run             tell what would be recorded, and record nothing\n"
	"  --tool NAME           which tool, where the database has several histories\n"
	"  --table NAME          its table, where that has a name of its own\n"
	"  --force               record in spite of differences and failures\n"
	"\n"
	"Example:\n"
	"  viflo --dir db/migrations adopt --dry-run\n"
	"  viflo --dir db/migrations adopt && viflo --dir db/migrations upgrade\n",
	.run = adopt_run
};
