/*-------------------------------------------------------------------------
 * step.c
 *	  The steps of a run: planning, checking, and running one of them in the
 *	  current transaction.
 *
 * A plan is copied out of the cached state, as a script may itself call
 * functions that read the state anew.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "common/script.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/session.h"
#include "run/split.h"
#include "run/statement.h"
#include "run/step.h"
#include "run/timeout.h"
#include "settings.h"
#include "store/revisions.h"

/* A migration that runs migrations would record them in the wrong order. */
static bool running = false;

void
viflo_steps_check_not_running(const char *what)
{
	if (running)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NESTED_RUN),
				 errmsg("cannot %s from within a migration", what),
				 errhint("Do it outside of migrations; depends_on has another revision applied first.")));
}

void
viflo_steps_set_running(bool value)
{
	running = value;
}

bool
viflo_steps_running(void)
{
	return running;
}

void
viflo_steps_check_missing(const VifloProjectState *state)
{
	if (state->missing == NIL)
		return;
	ereport(ERROR,
			(viflo_errcode(VIFLO_MISSING_REVISION),
			 errmsg("revision \"%s\" is applied, but not registered in project \"%s\"",
					(char *) linitial(state->missing), state->project),
			 state->tenant[0] != '\0' ? errdetail("It is applied for tenant \"%s\".", state->tenant) : 0,
			 errhint("Load its script with viflo_load(), or forget what is applied with viflo_stamp(..., purge => true).")));
}

void
viflo_steps_make_plan(const VifloRun *run, VifloProjectState *state, VifloPlan *plan)
{
	VifloError	error = {0};
	bool		ok;

	viflo_steps_check_missing(state);
	if (run->direction == VIFLO_UP)
		ok = viflo_plan_upgrade(state->graph, viflo_state_view(state), run->target, plan, &error);
	else
		ok = viflo_plan_downgrade(state->graph, viflo_state_view(state), run->target, plan, &error);
	if (!ok)
		viflo_report_error(&error);
}

void
viflo_steps_leave_out_late(int late, const VifloProjectState *state, VifloPlan *plan)
{
	int			kept = 0;

	if (late != VIFLO_LATE_LIST)
		return;
	for (int i = 0; i < plan->count; i++)
	{
		if (!plan->steps[i].late)
			plan->steps[kept++] = plan->steps[i];
		else
			ereport(WARNING,
					(viflo_errcode(VIFLO_LATE_REVISION),
					 errmsg("revision \"%s\" is late and left out", state->revisions[plan->steps[i].node].id),
					 errdetail("It is not applied, but revisions that follow it are."),
					 errhint("Set viflo_migrate.late to \"apply\" to apply it.")));
	}
	plan->count = kept;
}

/* Raises, naming all that are late, if any is. */
static void
check_late(const VifloProjectState *state, const VifloPlan *plan)
{
	const char *first = NULL;
	StringInfoData ids;
	int			count = 0;

	initStringInfo(&ids);
	for (int i = 0; i < plan->count; i++)
	{
		const char *id = state->revisions[plan->steps[i].node].id;

		if (!plan->steps[i].late)
			continue;
		if (count++ == 0)
			first = id;
		appendStringInfo(&ids, "%s\"%s\"", count > 1 ? ", " : "", id);
	}
	if (count > 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_LATE_REVISION),
				 count == 1 ? errmsg("revision \"%s\" is not applied, but revisions that follow it are", first) :
				 errmsg("%d revisions are not applied, but revisions that follow them are", count),
				 count == 1 ? 0 : errdetail("They are %s.", ids.data),
				 errhint("Set viflo_migrate.late to \"apply\" to apply now what is late, or to \"list\" to go on without it; viflo_stamp() of a revision that follows it records it as applied.")));
	pfree(ids.data);
}

/* Raises unless this step can be run. */
static void
check_step(const VifloProjectState *state, const VifloStep *step, VifloManner manner)
{
	const char *id = state->revisions[step->node].id;
	const VifloEntry *entry = &state->entries[step->node];
	bool		up = step->direction == VIFLO_UP;

	if (!up && !entry->reversible)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NO_DOWN),
				 errmsg("revision \"%s\" has no down section", id),
				 errdetail("Nothing was changed."),
				 errhint("Add one, or record the revision as not applied with viflo_stamp().")));
	if (manner == VIFLO_ONE_TRANSACTION &&
		!(up ? entry->transactional : entry->down_transactional))
		ereport(ERROR,
				(viflo_errcode(VIFLO_NOT_TRANSACTIONAL),
				 errmsg("revision \"%s\" (%s) cannot run inside a transaction", id, up ? "up" : "down"),
				 errdetail("Nothing was changed."),
				 errhint("Use CALL %s, which commits after each revision.",
						 up ? "viflo_deploy()" : "viflo_revert()")));
}

static const VifloPlannedStep *
find_step(const VifloPlannedStep *steps, int count, const char *revision)
{
	for (int i = 0; i < count; i++)
		if (strcmp(steps[i].revision, revision) == 0)
			return &steps[i];
	return NULL;
}

static bool
is_same_way(const VifloRun *run, const VifloUnfinished *row)
{
	return row->up == (run->direction == VIFLO_UP);
}

void
viflo_steps_raise_unfinished(const VifloUnfinished *row)
{
	const VifloUnfinished *now = viflo_unfinished_get(row->project, row->tenant, row->revision);

	/* Of a cached state's rows it is only known that there are such. */
	if (now != NULL)
		row = now;
	ereport(ERROR,
			(viflo_errcode(VIFLO_UNFINISHED),
			 errmsg("revision \"%s\" (%s) was cut off half way", row->revision, row->up ? "up" : "down"),
			 errdetail_plural("%d of its statements is done and committed.",
							  "%d of its statements are done and committed.",
							  row->statements, row->statements),
			 errhint("CALL %s goes on with it; viflo_repair() forgets it once it was set right by hand.",
					 row->up ? "viflo_deploy()" : "viflo_revert()")));
}

bool
viflo_steps_nothing_to_do(const VifloRun *run)
{
	VifloProjectState *state = viflo_state_get(run->project, run->tenant);
	VifloPlan	plan = {0};
	ListCell   *cell;

	viflo_steps_make_plan(run, state, &plan);
	for (int i = 0; i < plan.count; i++)
		if (!plan.steps[i].late || run->late != VIFLO_LATE_LIST)
			return false;
	foreach(cell, state->unfinished)
		if (!is_same_way(run, lfirst(cell)))
		return false;
	viflo_steps_leave_out_late(run->late, state, &plan);
	return true;
}

/*
 * Raises when a step that was cut off half way is in the way of the run:
 * only a run online, and in the same direction, can go on with it.
 */
static void
check_unfinished(const VifloRun *run, VifloManner manner, const VifloProjectState *state,
				 const VifloPlannedStep *steps, int count)
{
	ListCell   *cell;

	foreach(cell, state->unfinished)
	{
		const VifloUnfinished *row = lfirst(cell);

		if (!is_same_way(run, row) || (manner == VIFLO_ONE_TRANSACTION && find_step(steps, count, row->revision)))
			viflo_steps_raise_unfinished(row);
	}
}

VifloNames
viflo_steps_forgotten(const VifloProjectState *state)
{
	VifloNames	names = {0};

	for (int rank = state->graph->nversioned; rank < state->count; rank++)
	{
		int			node = state->graph->order[rank];

		if (state->marks[node].checksum != NULL)
			viflo_names_add(&names, pstrdup(state->revisions[node].id));
	}
	return names;
}

static VifloPlannedStep *
copy_plan(const VifloProjectState *state, const VifloPlan *plan)
{
	VifloPlannedStep *steps = palloc0(sizeof(VifloPlannedStep) * plan->count);

	for (int i = 0; i < plan->count; i++)
	{
		int			node = plan->steps[i].node;
		const VifloEntry *entry = &state->entries[node];

		steps[i].revision = pstrdup(state->revisions[node].id);
		steps[i].message = pstrdup(state->revisions[node].message);
		steps[i].source = entry->source ? pstrdup(entry->source) : NULL;
		steps[i].up = plan->steps[i].direction == VIFLO_UP;
		steps[i].again = state->marks[node].checksum != NULL;
		steps[i].transactional = steps[i].up ? entry->transactional : entry->down_transactional;
		steps[i].number = i + 1;
		steps[i].of = plan->count;
	}
	if (!steps[0].up)
		steps[0].forgets = viflo_steps_forgotten(state);
	return steps;
}

VifloPlannedStep *
viflo_steps_plan(const VifloRun *run, VifloManner manner, int *count)
{
	VifloProjectState *state = viflo_state_get(run->project, run->tenant);
	VifloPlan	plan = {0};
	VifloPlannedStep *steps;

	viflo_steps_make_plan(run, state, &plan);
	viflo_steps_leave_out_late(run->late, state, &plan);
	if (run->late == VIFLO_LATE_REFUSE)
		check_late(state, &plan);
	*count = plan.count;
	for (int i = 0; i < plan.count; i++)
		check_step(state, &plan.steps[i], manner);
	steps = plan.count > 0 ? copy_plan(state, &plan) : NULL;
	check_unfinished(run, manner, state, steps, plan.count);
	return steps;
}

void
viflo_step_read(const VifloRun *run, const VifloPlannedStep *step, VifloRevision *revision)
{
	VifloError	error = {0};
	size_t		length = 0;
	char	   *script = viflo_revisions_script(run->project, step->revision, &length);

	if (script == NULL)
		ereport(ERROR,
				(viflo_errcode(VIFLO_MISSING_REVISION),
				 errmsg("revision \"%s\" is no longer registered", step->revision)));
	if (!viflo_script_read(script, length, revision, &error))
		viflo_report_error(&error);
}

const VifloSection *
viflo_step_section(const VifloPlannedStep *step, const VifloRevision *revision)
{
	return step->up ? &revision->up : &revision->down_section;
}

VifloWatchedStep
viflo_step_watched(const VifloRun *run, const VifloPlannedStep *step)
{
	VifloWatchedStep watched = {
		.project = run->project,
		.tenant = run->tenant,
		.revision = step->revision,
		.message = step->message,
		.up = step->up,
		.number = step->number,
		.of = step->of
	};

	return watched;
}

VifloUnfinished *
viflo_step_unfinished(const VifloRun *run, const VifloPlannedStep *step,
					  TimestampTz started, MemoryContext context)
{
	VifloUnfinished *row = MemoryContextAllocZero(context, sizeof(VifloUnfinished));

	row->project = (char *) run->project;
	row->tenant = (char *) run->tenant;
	row->revision = step->revision;
	row->up = step->up;
	row->started = started;
	return row;
}

VifloRecord
viflo_step_record(const VifloRun *run, const VifloPlannedStep *step)
{
	VifloRecord record = {
		.project = run->project,
		.tenant = run->tenant,
		.revision = step->revision,
		.direction = step->up ? "up" : "down",
		.again = step->again,
		.forgets = &step->forgets,
		.started = GetCurrentTimestamp()
	};

	return record;
}

void
viflo_step_begin(const VifloRun *run, const VifloPlannedStep *step)
{
	VifloWatchedStep watched = viflo_step_watched(run, step);

	ereport(viflo_setting_log_level,
			(errmsg("running revision \"%s\" (%s), step %d of %d: %s",
					step->revision, step->up ? "up" : "down", step->number, step->of,
					step->message)));
	for (VifloWatcher *watcher = run->watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->step_begin)
			watcher->step_begin(watcher->state, &watched);
}

void
viflo_step_end(const VifloRun *run, const VifloPlannedStep *step, instr_time begin)
{
	VifloWatchedStep watched = viflo_step_watched(run, step);
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, begin);
	for (VifloWatcher *watcher = run->watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->step_end)
			watcher->step_end(watcher->state, &watched, duration);
}

int
viflo_step_run_section(const VifloRun *run, const VifloPlannedStep *step,
					   const VifloRevision *revision)
{
	const VifloSection *section = viflo_step_section(step, revision);
	VifloWatchedStep watched = viflo_step_watched(run, step);
	VifloStatements *statements;
	VifloSession *volatile session = NULL;
	int			executed = 0;
	VifloPlace	place = {
		.revision = step->revision,
		.tenant = run->tenant,
		.direction = step->up ? "up" : "down",
		.file = viflo_section_file(section, step->source),
		.first_line = section->first_line,
		.text = pnstrdup(section->text, section->length)
	};

	viflo_place_enter(&place);
	PG_TRY();
	{
		statements = viflo_split(section->text, section->length);
		session = viflo_session_begin(run->tenant);
		viflo_timeout_begin();
		executed = viflo_statements_run(statements, &place, &watched, run->watchers);
		viflo_session_end(session);
	}
	PG_CATCH();
	{
		if (session != NULL)
			viflo_session_abort(session);
		for (VifloWatcher *watcher = run->watchers; watcher != NULL; watcher = watcher->next)
			if (watcher->failed)
				watcher->failed(watcher->state, &watched);
		PG_RE_THROW();
	}
	PG_END_TRY();
	viflo_place_leave(&place);
	return executed;
}
