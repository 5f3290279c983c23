/*-------------------------------------------------------------------------
 * offline.c
 *	  Scripts that psql applies without this session, and their bookkeeping.
 *
 * The script calls viflo_record() twice around each revision's statements:
 * before, to check that the database is where the script thinks it is; after,
 * to record the step.  What a revision leaves in the session is reset between
 * them, so that the next begins as it would in a run.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "common/plan.h"
#include "common/script.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/lock.h"
#include "run/offline.h"
#include "run/split.h"
#include "run/step.h"
#include "run/tenant.h"
#include "store/record.h"
#include "store/revisions.h"
#include "store/state.h"

/* A revision's text as a literal, whatever quotes it holds. */
static void
append_literal(StringInfo buf, const char *text)
{
	char	   *literal = quote_literal_cstr(text);

	appendStringInfoString(buf, literal);
	pfree(literal);
}

/*
 * The section as psql shall run it: its own BEGIN and COMMIT around everything
 * left out, a semicolon after a last statement that has none.
 */
static int
append_section(StringInfo buf, const VifloSection *section)
{
	VifloStatements *statements = viflo_split(section->text, section->length);
	int			from = 0;
	int			executed = 0;

	for (int i = 0; i < statements->count; i++)
	{
		const VifloStatement *statement = &statements->statements[i];

		if (statement->kind == VIFLO_STATEMENT_RUN)
		{
			executed++;
			continue;
		}
		appendBinaryStringInfo(buf, section->text + from, statement->location - from);
		appendStringInfoString(buf, "/* the script's own transaction */");
		from = statement->location + statement->length;
	}
	appendBinaryStringInfo(buf, section->text + from, section->length - from);

	/* A last COPY ends with its data, and wants no semicolon. */
	if (statements->count > 0 &&
		statements->statements[statements->count - 1].copy_data != NULL)
	{
		const VifloStatement *last = &statements->statements[statements->count - 1];
		int			end = (last->copy_data - statements->text) + last->copy_length;

		if (strncmp(statements->text + end, "\\.", 2) != 0)
			appendStringInfoString(buf, buf->data[buf->len - 1] == '\n' ? "\\.\n" : "\n\\.\n");
		else if (buf->data[buf->len - 1] != '\n')
			appendStringInfoChar(buf, '\n');
	}
	else
		appendStringInfoString(buf, "\n;\n");
	return executed;
}

/* The argument tenant, and nothing where there is none. */
static void
append_tenant(StringInfo buf, const char *tenant)
{
	if (tenant[0] == '\0')
		return;
	appendStringInfoString(buf, ", tenant => ");
	append_literal(buf, tenant);
}

/* search_path as a run has it; what was set there before is psql's to say. */
static void
append_search_path(StringInfo buf, const char *tenant)
{
	if (tenant[0] == '\0')
		return;
	appendStringInfoString(buf, "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', ");
	append_literal(buf, quote_identifier(tenant));
	appendStringInfoString(buf,
						   ", CASE WHEN s OPERATOR(pg_catalog.<>) '' THEN s END), false) AS viflo_path"
						   " FROM pg_catalog.current_setting('search_path') AS s \\gset\n");
}

static void
append_step(StringInfo buf, const char *project, const char *tenant, const char *id, bool up,
			const VifloRevision *revision, const char *functions)
{
	const char *direction = up ? "up" : "down";
	int			statements;

	appendStringInfo(buf, "\n-- %s %s: %s\n", direction, id, viflo_line_from(revision->message));
	appendStringInfo(buf, "SELECT %s.viflo_record(", functions);
	append_literal(buf, id);
	appendStringInfo(buf, ", '%s', project => ", direction);
	append_literal(buf, project);
	append_tenant(buf, tenant);
	appendStringInfoString(buf, ") AS viflo_started \\gset\n");
	append_search_path(buf, tenant);

	statements = append_section(buf, up ? &revision->up : &revision->down_section);

	appendStringInfoString(buf,
						   "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; DEALLOCATE ALL; DISCARD TEMP;\n"
						   "SET standard_conforming_strings = on;\n");
	appendStringInfo(buf, "SELECT %s.viflo_record(", functions);
	append_literal(buf, id);
	appendStringInfo(buf, ", '%s', :'viflo_started', %d, ", direction, statements);
	append_literal(buf, project);
	append_tenant(buf, tenant);
	appendStringInfoString(buf, ");\n");
}

/* What a run would refuse, an offline script must, too. */
static void
check_offline_step(const VifloProjectState *state, int node, bool up)
{
	const char *id = state->revisions[node].id;
	const VifloEntry *entry = &state->entries[node];

	if (!up && !entry->reversible)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NO_DOWN),
				 errmsg("revision \"%s\" has no down section", id)));
	if (!(up ? entry->transactional : entry->down_transactional))
		ereport(ERROR,
				(viflo_errcode(VIFLO_NOT_TRANSACTIONAL),
				 errmsg("revision \"%s\" (%s) cannot run inside a transaction", id, up ? "up" : "down"),
				 errhint("Choose a range without it.")));
}

/*
 * Up or down?  "a:b" goes down when b is an ancestor of a.
 */
static VifloDirection
range_direction(const VifloProjectState *state, const char *range)
{
	const char *colon = strchr(range, ':');
	VifloError	error = {0};
	bool	   *at;
	VifloState	view;
	int		   *from;
	int			count;
	bool		down;

	if (colon == NULL || colon == range || colon[1] == '\0')
		return VIFLO_UP;
	count = viflo_target_resolve(state->graph, pnstrdup(range, colon - range), &from, &error);
	if (count <= 0)
		return VIFLO_UP;
	at = palloc0(sizeof(bool) * state->graph->count);
	for (int i = 0; i < count; i++)
		at[from[i]] = true;
	viflo_graph_ancestors(state->graph, at, true);
	view.applied = at;
	view.closed = true;
	down = viflo_plan_is_downgrade(state->graph, view, colon + 1);
	return down ? VIFLO_DOWN : VIFLO_UP;
}

/* A list of literals; NULL stands for what is not there. */
static void
append_array(StringInfo buf, char *const *texts, int count, const char *separator)
{
	appendStringInfoString(buf, "ARRAY[");
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(buf, separator);
		if (texts[i] != NULL)
			append_literal(buf, texts[i]);
		else
			appendStringInfoString(buf, "NULL");
	}
	appendStringInfoChar(buf, ']');
}

/* All texts in one call: parents may come in any order. */
static void
append_registration(StringInfo buf, const char *project, char *const *scripts,
					char *const *sources, int count, const char *functions)
{
	appendStringInfo(buf, "SELECT pg_catalog.count(*) AS registered FROM %s.viflo_load(", functions);
	append_array(buf, scripts, count, ",\n");
	appendStringInfoString(buf, ", ");
	append_array(buf, sources, count, ", ");
	appendStringInfoString(buf, "::pg_catalog.text[], project => ");
	append_literal(buf, project);
	appendStringInfoString(buf, ");\n");
}

void
viflo_offline_script(StringInfo buf, const char *project, const char *tenant,
					 const char *range, const char *functions)
{
	VifloProjectState *state = viflo_state_get(project, "");
	VifloDirection direction = range_direction(state, range);
	VifloPlan	plan = {0};
	VifloError	error = {0};
	bool	   *before;
	char	  **ids;
	char	  **sources;
	char	  **scripts;
	size_t	   *lengths;

	if (range[0] == '\0')
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_TARGET),
				 errmsg("range must not be empty")));
	if (!viflo_plan_offline(state->graph, direction, range, &before, &plan, &error))
		viflo_report_error(&error);

	ids = palloc(sizeof(char *) * Max(plan.count, 1));
	sources = palloc(sizeof(char *) * Max(plan.count, 1));
	scripts = palloc(sizeof(char *) * Max(plan.count, 1));
	lengths = palloc(sizeof(size_t) * Max(plan.count, 1));
	for (int i = 0; i < plan.count; i++)
	{
		int			node = plan.steps[i].node;

		check_offline_step(state, node, plan.steps[i].direction == VIFLO_UP);
		ids[i] = pstrdup(state->revisions[node].id);
		sources[i] = state->entries[node].source ? pstrdup(state->entries[node].source) : NULL;
	}
	for (int i = 0; i < plan.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		scripts[i] = viflo_revisions_script(project, ids[i], &lengths[i]);
		if (scripts[i] == NULL)
			ereport(ERROR,
					(viflo_errcode(VIFLO_MISSING_REVISION),
					 errmsg("revision \"%s\" is no longer registered", ids[i])));
	}

	appendStringInfo(buf, "-- viflo_migrate: project %s, %s", quote_literal_cstr(project),
					 quote_literal_cstr(range));
	if (tenant[0] != '\0')
		appendStringInfo(buf, ", tenant %s", viflo_line_from(quote_literal_cstr(tenant)));
	appendStringInfoString(buf, "\n-- Apply with: psql -1 -f FILE\n\n");
	appendStringInfoString(buf, "\\set ON_ERROR_STOP on\n"
						   "SET standard_conforming_strings = on;\n");
	if (plan.count > 0)
		append_registration(buf, project, scripts, sources, plan.count, functions);
	for (int i = 0; i < plan.count; i++)
	{
		VifloRevision revision;

		CHECK_FOR_INTERRUPTS();
		if (!viflo_script_read(scripts[i], lengths[i], &revision, &error))
			viflo_report_error(&error);
		append_step(buf, project, tenant, ids[i], plan.steps[i].direction == VIFLO_UP, &revision,
					functions);
	}
}

/* Repeatable revisions run where all others are applied: the heads tell. */
static void
check_heads(const VifloProjectState *state, const char *revision)
{
	for (int i = 0; i < state->graph->nheads; i++)
		if (!state->applied[state->graph->heads[i]])
			ereport(ERROR,
					(viflo_errcode(VIFLO_OUT_OF_STEP),
					 errmsg("revision \"%s\" runs after revision \"%s\", which is not applied",
							revision, state->revisions[state->graph->heads[i]].id),
					 errhint("The script was made for a database in another state; see viflo_current().")));
}

static int
check_fits(const VifloProjectState *state, const char *revision, bool up)
{
	int			index = viflo_graph_find(state->graph, revision);
	const VifloNode *node;
	int			other = -1;

	if (index < 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_UNKNOWN_REVISION),
				 errmsg("revision \"%s\" is not registered", revision)));
	node = &state->graph->nodes[index];
	if (node->repeatable && !up)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NO_DOWN),
				 errmsg("revision \"%s\" has no down section", revision)));
	if (node->repeatable && node->revision->repeatable != VIFLO_REPEATABLE_FIRST)
		check_heads(state, revision);
	if (state->applied[index] == up && !node->repeatable)
		ereport(ERROR,
				(viflo_errcode(VIFLO_OUT_OF_STEP),
				 errmsg(up ? "revision \"%s\" is already applied" : "revision \"%s\" is not applied", revision),
				 errhint("The script was made for a database in another state; see viflo_current().")));

	for (int i = 0; i < (up ? node->nparents : node->nchildren); i++)
		if (state->applied[up ? node->parents[i] : node->children[i]] != up)
			other = up ? node->parents[i] : node->children[i];
	for (int i = 0; i < (up ? node->ndepends : node->ndependents); i++)
		if (state->applied[up ? node->depends[i] : node->dependents[i]] != up)
			other = up ? node->depends[i] : node->dependents[i];
	if (other >= 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_OUT_OF_STEP),
				 errmsg(up ? "revision \"%s\" needs revision \"%s\", which is not applied" :
						"revision \"%s\" is needed by revision \"%s\", which is applied",
						revision, state->revisions[other].id),
				 errhint("The script was made for a database in another state; see viflo_current().")));
	return index;
}

void
viflo_offline_check(const char *project, const char *tenant, const char *revision, bool up)
{
	PreventCommandIfReadOnly("viflo_record()");
	viflo_steps_check_not_running("record a step");
	viflo_tenant_check(tenant);
	viflo_lock_acquire(project, tenant);
	(void) check_fits(viflo_state_get(project, tenant), revision, up);
}

void
viflo_offline_record(const char *project, const char *tenant, const char *revision,
					 bool up, TimestampTz started, int statements)
{
	VifloProjectState *state;
	VifloRecord record = {
		.project = project,
		.tenant = tenant,
		.revision = revision,
		.direction = up ? "up" : "down",
		.started = started,
		.statements = statements
	};
	VifloNames	forgets = {0};
	int			node;

	PreventCommandIfReadOnly("viflo_record()");
	viflo_steps_check_not_running("record a step");
	viflo_lock_acquire(project, tenant);
	state = viflo_state_get(project, tenant);
	node = check_fits(state, revision, up);
	if (!up)
		forgets = viflo_steps_forgotten(state);
	record.forgets = &forgets;

	viflo_state_hold(state);
	viflo_state_announce_applied(project, tenant);
	record.again = state->marks[node].checksum != NULL;
	record.checksum = state->revisions[node].checksum;
	record.ended = GetCurrentTimestamp();
	viflo_record_step(&record);
	viflo_state_release(state);
}
