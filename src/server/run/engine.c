/*-------------------------------------------------------------------------
 * engine.c
 *	  Runs a plan: lock, decide by the newest state, run, record.
 *
 * Phases: plan by the cached state, and return if that is empty; take the
 * migrator lock; plan again by the state that is newest now; check every step
 * before any runs; then step by step: open a session of the script's own,
 * run the section's statements, close it, record.  Everything happens in the
 * caller's transaction, so an error leaves nothing.
 *
 * Memory: the plan is copied into the run's context, as a script may itself
 * call functions that read the state anew; each step has a context that is
 * reset after it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "common/script.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/engine.h"
#include "run/lock.h"
#include "run/session.h"
#include "run/split.h"
#include "run/statement.h"
#include "run/timeout.h"
#include "settings.h"
#include "store/record.h"
#include "store/revisions.h"
#include "store/settled.h"
#include "store/state.h"
#include "store/tables.h"

/* One step of a run, copied from the plan. */
typedef struct EngineStep
{
	char	   *revision;
	char	   *message;
	char	   *source;			/* or NULL */
	bool		up;
} EngineStep;

/* A migration that runs migrations would record them in the wrong order. */
static bool running = false;

void
viflo_engine_check_not_running(const char *what)
{
	if (running)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NESTED_RUN),
				 errmsg("cannot %s from within a migration", what),
				 errhint("Do it outside of migrations; depends_on has another revision applied first.")));
}

void
viflo_engine_check_missing(const VifloProjectState *state)
{
	if (state->missing == NIL)
		return;
	ereport(ERROR,
			(viflo_errcode(VIFLO_MISSING_REVISION),
			 errmsg("revision \"%s\" is applied, but not registered in project \"%s\"",
					(char *) linitial(state->missing), state->project),
			 errhint("Load its script with viflo_load(), or forget what is applied with viflo_stamp(..., purge => true).")));
}

static void
make_plan(const VifloRun *run, VifloProjectState *state, VifloPlan *plan)
{
	VifloError	error = {0};
	bool		ok;

	viflo_engine_check_missing(state);
	if (run->direction == VIFLO_UP)
		ok = viflo_plan_upgrade(state->graph, viflo_state_view(state), run->target, plan, &error);
	else
		ok = viflo_plan_downgrade(state->graph, viflo_state_view(state), run->target, plan, &error);
	if (!ok)
		viflo_report_error(&error);
}

/* Raises unless this step can be run as a part of one transaction. */
static void
check_step(const VifloProjectState *state, const VifloStep *step)
{
	const char *id = state->revisions[step->node].id;
	const VifloEntry *entry = &state->entries[step->node];
	bool		up = step->direction == VIFLO_UP;

	if (step->late && viflo_setting_late == VIFLO_LATE_REFUSE)
		ereport(ERROR,
				(viflo_errcode(VIFLO_LATE_REVISION),
				 errmsg("revision \"%s\" is not applied, but revisions that follow it are", id),
				 errhint("Set viflo_migrate.late to \"apply\" to apply it now, or record it as applied with viflo_stamp().")));
	if (!up && !entry->reversible)
		ereport(ERROR,
				(viflo_errcode(VIFLO_NO_DOWN),
				 errmsg("revision \"%s\" has no down section", id),
				 errdetail("Nothing was changed."),
				 errhint("Add one, or record the revision as not applied with viflo_stamp().")));
	if (!(up ? entry->transactional : entry->down_transactional))
		ereport(ERROR,
				(viflo_errcode(VIFLO_NOT_TRANSACTIONAL),
				 errmsg("revision \"%s\" (%s) cannot run inside a transaction", id, up ? "up" : "down"),
				 errdetail("Nothing was changed."),
				 errhint("Use CALL %s, which commits after each revision.",
						 up ? "viflo_deploy()" : "viflo_revert()")));
}

static EngineStep *
copy_plan(const VifloProjectState *state, const VifloPlan *plan)
{
	EngineStep *steps = palloc(sizeof(EngineStep) * plan->count);

	for (int i = 0; i < plan->count; i++)
	{
		int			node = plan->steps[i].node;

		steps[i].revision = pstrdup(state->revisions[node].id);
		steps[i].message = pstrdup(state->revisions[node].message);
		steps[i].source = state->entries[node].source ? pstrdup(state->entries[node].source) : NULL;
		steps[i].up = plan->steps[i].direction == VIFLO_UP;
	}
	return steps;
}

/* Reads the step's text from the catalog. */
static void
read_step(const VifloRun *run, const EngineStep *step, VifloRevision *revision)
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

/*
 * Runs one section in a session of its own.  Returns the number of statements.
 */
static int
run_section(const VifloRun *run, const EngineStep *step, const VifloSection *section,
			const VifloWatchedStep *watched)
{
	VifloStatements *statements;
	VifloSession *volatile session = NULL;
	int			executed = 0;
	VifloPlace	place = {
		.revision = step->revision,
		.direction = step->up ? "up" : "down",
		.file = viflo_section_file(section, step->source),
		.first_line = section->first_line,
		.text = pnstrdup(section->text, section->length)
	};

	viflo_place_enter(&place);
	PG_TRY();
	{
		statements = viflo_split(section->text, section->length);
		session = viflo_session_begin();
		viflo_timeout_begin();
		executed = viflo_statements_run(statements, &place, watched, run->watchers);
		viflo_session_end(session);
	}
	PG_CATCH();
	{
		if (session != NULL)
			viflo_session_abort(session);
		for (VifloWatcher *watcher = run->watchers; watcher != NULL; watcher = watcher->next)
			if (watcher->failed)
				watcher->failed(watcher->state, watched);
		PG_RE_THROW();
	}
	PG_END_TRY();
	viflo_place_leave(&place);
	return executed;
}

static void
run_step(const VifloRun *run, const EngineStep *step, int number, int of)
{
	VifloRevision revision;
	VifloWatchedStep watched = {
		.project = run->project,
		.tenant = run->tenant,
		.revision = step->revision,
		.message = step->message,
		.up = step->up,
		.number = number,
		.of = of
	};
	VifloRecord record = {
		.project = run->project,
		.tenant = run->tenant,
		.revision = step->revision,
		.direction = step->up ? "up" : "down",
		.started = GetCurrentTimestamp()
	};
	instr_time	begin;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(begin);
	ereport(viflo_setting_log_level,
			(errmsg("running revision \"%s\" (%s), step %d of %d: %s",
					step->revision, record.direction, number, of, step->message)));
	for (VifloWatcher *watcher = run->watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->step_begin)
			watcher->step_begin(watcher->state, &watched);

	read_step(run, step, &revision);
	record.statements = run_section(run, step, step->up ? &revision.up : &revision.down_section,
									&watched);
	record.checksum = revision.checksum;
	record.ended = GetCurrentTimestamp();
	viflo_record_step(&record);

	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, begin);
	for (VifloWatcher *watcher = run->watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->step_end)
			watcher->step_end(watcher->state, &watched, duration);
}

static void
run_steps(const VifloRun *run, const EngineStep *steps, int count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "viflo step",
												  ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < count; i++)
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(context);
		run_step(run, &steps[i], i + 1, count);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

/*
 * Scripts see data by the transaction's snapshot.  In REPEATABLE READ and
 * SERIALIZABLE that may be older than what others have applied since: a data
 * migration would then miss what theirs did.
 */
static void
check_snapshot(const VifloProjectState *state)
{
	const char *keys[] = {state->project, state->tenant};
	VifloScan	scan;
	int			seen = 0;
	int			applied = 0;

	if (!IsolationUsesXactSnapshot())
		return;
	for (int i = 0; i < state->count; i++)
		applied += state->applied[i];

	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, 2, GetTransactionSnapshot());
	while (viflo_scan_next(&scan))
	{
		char	   *id = viflo_scan_text(&scan, VIFLO_APPLIED_REVISION);
		int			node = viflo_graph_find(state->graph, id);

		if (node >= 0 && state->applied[node] &&
			DatumGetTimestampTz(scan.values[VIFLO_APPLIED_APPLIED_AT - 1]) == state->entries[node].applied_at)
			seen++;
		else
			seen = -1;
		pfree(id);
		if (seen < 0)
			break;
	}
	viflo_scan_end(&scan);
	if (seen != applied)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a concurrent migration of project \"%s\"",
						state->project),
				 errhint("Retry the transaction.")));
}

/*
 * Takes the lock and plans by the newest state, all steps checked.  NULL, and
 * the lock given back: another migrator has meanwhile done it all.
 */
static EngineStep *
lock_and_plan(const VifloRun *run, int *count)
{
	VifloProjectState *state;
	VifloPlan	plan = {0};

	viflo_lock_acquire(run->project, run->tenant);
	state = viflo_state_get(run->project, run->tenant);
	make_plan(run, state, &plan);
	*count = plan.count;
	if (plan.count == 0)
	{
		viflo_lock_release(run->project, run->tenant);
		return NULL;
	}
	for (int i = 0; i < plan.count; i++)
		check_step(state, &plan.steps[i]);
	check_snapshot(state);
	return copy_plan(state, &plan);
}

int
viflo_engine_run(const VifloRun *run)
{
	MemoryContext context;
	MemoryContext old;
	VifloPlan	plan = {0};
	EngineStep *steps;
	int			count;

	make_plan(run, viflo_state_get(run->project, run->tenant), &plan);
	if (plan.count == 0)
		return 0;

	viflo_engine_check_not_running("run migrations");
	PreventCommandIfReadOnly(run->direction == VIFLO_UP ? "viflo_upgrade()" : "viflo_downgrade()");
	PreventCommandIfParallelMode(run->direction == VIFLO_UP ? "viflo_upgrade()" : "viflo_downgrade()");

	context = AllocSetContextCreate(CurrentMemoryContext, "viflo run", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	steps = lock_and_plan(run, &count);
	if (steps != NULL)
	{
		viflo_state_announce(run->project);
		running = true;
		PG_TRY();
		{
			run_steps(run, steps, count);
		}
		PG_FINALLY();
		{
			running = false;
		}
		PG_END_TRY();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return count;
}

static void
record_stamp(const VifloProjectState *state, const char *revision, const char *checksum,
			 bool applied, TimestampTz now)
{
	VifloRecord record = {
		.project = state->project,
		.tenant = state->tenant,
		.revision = revision,
		.direction = applied ? "stamp" : "unstamp",
		.checksum = checksum,
		.started = now,
		.ended = now
	};

	viflo_record_step(&record);
}

void
viflo_engine_stamp(const char *project, const char *tenant,
				   const char *const *targets, int ntargets, bool purge)
{
	VifloProjectState *state;
	VifloError	error = {0};
	bool	   *after = NULL;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	PreventCommandIfReadOnly("viflo_stamp()");
	viflo_engine_check_not_running("stamp revisions");
	viflo_lock_acquire(project, tenant);
	state = viflo_state_get(project, tenant);
	if (!purge)
		viflo_engine_check_missing(state);
	if (!viflo_plan_stamp(state->graph, viflo_state_view(state), targets, ntargets, purge,
						  &after, &error))
		viflo_report_error(&error);

	viflo_state_hold(state);
	viflo_state_announce(project);

	/* As steps would go: down from the top, then up from the bottom. */
	for (int i = state->count - 1; i >= 0; i--)
	{
		int			node = state->graph->order[i];

		CHECK_FOR_INTERRUPTS();
		if (state->applied[node] && !after[node])
			record_stamp(state, state->revisions[node].id, state->revisions[node].checksum,
						 false, now);
	}
	for (int i = 0; i < state->count; i++)
	{
		int			node = state->graph->order[i];

		CHECK_FOR_INTERRUPTS();
		if (!state->applied[node] && after[node])
			record_stamp(state, state->revisions[node].id, state->revisions[node].checksum,
						 true, now);
	}
	if (purge)
		foreach(cell, state->missing)
			record_stamp(state, lfirst(cell), NULL, false, now);
	viflo_state_release(state);
}

bool
viflo_engine_settle(const char *project, const char *tenant,
					const char *target, const char *manifest)
{
	VifloRun	run = {.project = project,.tenant = tenant,.target = target};
	VifloPlan	plan = {0};

	if (RecoveryInProgress() || XactReadOnly || running ||
		!viflo_lock_try(project, tenant))
		return false;
	make_plan(&run, viflo_state_get(project, tenant), &plan);
	if (plan.count > 0)
	{
		viflo_lock_release(project, tenant);
		return false;
	}
	viflo_settled_put(project, tenant, target, manifest);
	return true;
}
