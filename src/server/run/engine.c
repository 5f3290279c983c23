/*-------------------------------------------------------------------------
 * engine.c
 *	  Runs a plan: lock, decide by the newest state, run, record.
 *
 * Phases: plan by the cached state, and return if that is empty (what is
 * recorded of a tenant outlives its schema, which has to be there); take the
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

#include "observe/progress.h"
#include "report.h"
#include "run/backfill.h"
#include "run/engine.h"
#include "run/lock.h"
#include "run/tenant.h"
#include "settings.h"
#include "store/record.h"
#include "store/settled.h"
#include "store/state.h"
#include "store/tables.h"

static void
run_step(const VifloRun *run, const VifloPlannedStep *step)
{
	VifloRevision revision;
	VifloRecord record = viflo_step_record(run, step);
	instr_time	begin;

	INSTR_TIME_SET_CURRENT(begin);
	viflo_step_begin(run, step);
	viflo_step_read(run, step, &revision);
	if (step->up && revision.backfill.text != NULL)
		viflo_backfill_check(&revision.backfill, step->revision, step->source);
	record.statements = viflo_step_run_section(run, step, &revision);
	if (step->up && revision.backfill.text != NULL)
		(void) viflo_backfill_run(run, step, &revision.backfill, NULL, CurrentMemoryContext, NULL);
	record.checksum = revision.checksum;
	record.ended = GetCurrentTimestamp();
	viflo_record_step(&record);
	viflo_step_end(run, step, begin);
}

static void
run_steps(const VifloRun *run, const VifloPlannedStep *steps, int count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "viflo step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	viflo_steps_set_running(true);
	PG_TRY();
	{
		for (int i = 0; i < count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			run_step(run, &steps[i]);
			MemoryContextReset(context);
		}
	}
	PG_FINALLY();
	{
		viflo_steps_set_running(false);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
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
		applied += state->marks[i].checksum != NULL;

	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, 2, GetTransactionSnapshot());
	while (viflo_scan_next(&scan))
	{
		char	   *id = viflo_scan_text(&scan, VIFLO_APPLIED_REVISION);
		int			node = viflo_graph_find(state->graph, id);

		if (node >= 0 && state->marks[node].checksum != NULL &&
			DatumGetTimestampTz(scan.values[VIFLO_APPLIED_APPLIED_AT - 1]) == state->marks[node].at)
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
static VifloPlannedStep *
lock_and_plan(const VifloRun *run, int *count)
{
	VifloPlannedStep *steps;

	viflo_lock_acquire(run->project, run->tenant);
	steps = viflo_steps_plan(run, VIFLO_ONE_TRANSACTION, count);
	if (steps == NULL)
		viflo_lock_release(run->project, run->tenant);
	else
		check_snapshot(viflo_state_get(run->project, run->tenant));
	return steps;
}

int
viflo_engine_run(const VifloRun *request)
{
	VifloRun	with_progress = *request;
	const VifloRun *run = &with_progress;
	VifloWatcher progress = viflo_progress_watcher();
	MemoryContext context;
	MemoryContext old;
	VifloPlannedStep *steps;
	int			count;

	with_progress.late = viflo_setting_late;
	viflo_tenant_check(run->tenant);
	if (viflo_steps_nothing_to_do(run))
		return 0;

	viflo_steps_check_not_running("run migrations");
	PreventCommandIfReadOnly(run->direction == VIFLO_UP ? "viflo_upgrade()" : "viflo_downgrade()");
	PreventCommandIfParallelMode(run->direction == VIFLO_UP ? "viflo_upgrade()" : "viflo_downgrade()");

	progress.next = request->watchers;
	with_progress.watchers = &progress;
	viflo_progress_begin(run->project, run->tenant,
						 run->direction == VIFLO_UP ? "upgrade" : "downgrade", 0, false);

	context = AllocSetContextCreate(CurrentMemoryContext, "viflo run", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	viflo_progress_phase(VIFLO_PHASE_MIGRATOR, NULL);
	steps = lock_and_plan(run, &count);
	if (steps != NULL)
	{
		viflo_state_announce_applied(run->project, run->tenant);
		run_steps(run, steps, count);
	}
	viflo_progress_end();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return count;
}

static void
record_stamp(const VifloProjectState *state, int node, bool applied, TimestampTz now)
{
	VifloRecord record = {
		.project = state->project,
		.tenant = state->tenant,
		.revision = state->revisions[node].id,
		.direction = applied ? "stamp" : "unstamp",
		.again = state->marks[node].checksum != NULL,
		.checksum = state->revisions[node].checksum,
		.started = now,
		.ended = now
	};

	viflo_record_step(&record);
}

/* A revision that is applied and not registered, forgotten. */
static void
record_purge(const VifloProjectState *state, const char *revision, TimestampTz now)
{
	VifloRecord record = {
		.project = state->project,
		.tenant = state->tenant,
		.revision = revision,
		.direction = "unstamp",
		.started = now,
		.ended = now
	};

	viflo_record_step(&record);
}

/* What is recorded as applied: a repeatable revision also with another text than its present one. */
static bool *
recorded_set(const VifloProjectState *state)
{
	bool	   *set = palloc(sizeof(bool) * Max(state->count, 1));

	for (int node = 0; node < state->count; node++)
		set[node] = state->marks[node].checksum != NULL;
	return set;
}

/* The set after the stamp of a database that has set. */
static bool *
plan_stamp(const VifloProjectState *state, const bool *set,
		   const char *const *targets, int ntargets, bool purge)
{
	VifloState	view = {.applied = set,.closed = state->closed};
	VifloError	error = {0};
	bool	   *after;

	if (!viflo_plan_stamp(state->graph, view, targets, ntargets, purge, &after, &error))
		viflo_report_error(&error);
	return after;
}

void
viflo_engine_stamp(const char *project, const char *tenant,
				   const char *const *targets, int ntargets, bool purge)
{
	VifloProjectState *state;
	bool	   *recorded;
	bool	   *after;
	bool	   *stays;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	PreventCommandIfReadOnly("viflo_stamp()");
	viflo_steps_check_not_running("stamp revisions");
	viflo_lock_acquire(project, tenant);
	state = viflo_state_get(project, tenant);
	if (!purge)
		viflo_steps_check_missing(state);
	recorded = recorded_set(state);
	after = plan_stamp(state, state->applied, targets, ntargets, purge);
	stays = plan_stamp(state, recorded, targets, ntargets, purge);

	/* Of a tenant whose schema is gone, all can still be forgotten. */
	for (int node = 0; node < state->count; node++)
		if (after[node] && !state->applied[node])
		{
			viflo_tenant_check(tenant);
			break;
		}

	viflo_state_hold(state);
	viflo_state_announce_applied(project, tenant);

	/* As steps would go: down from the top, then up from the bottom. */
	for (int i = state->count - 1; i >= 0; i--)
	{
		int			node = state->graph->order[i];

		CHECK_FOR_INTERRUPTS();
		if (recorded[node] && !stays[node])
			record_stamp(state, node, false, now);
	}
	for (int i = 0; i < state->count; i++)
	{
		int			node = state->graph->order[i];

		CHECK_FOR_INTERRUPTS();
		if (!state->applied[node] && after[node])
			record_stamp(state, node, true, now);
	}
	if (purge)
		foreach(cell, state->missing)
			record_purge(state, lfirst(cell), now);
	viflo_state_release(state);
}

bool
viflo_engine_settle(const char *project, const char *tenant,
					const char *target, const char *manifest)
{
	VifloRun	run = {.project = project,.tenant = tenant,.target = target};
	VifloPlan	plan = {0};

	if (RecoveryInProgress() || XactReadOnly || viflo_steps_running() ||
		!viflo_tenant_exists(tenant) || !viflo_lock_try(project, tenant))
		return false;
	viflo_steps_make_plan(&run, viflo_state_get(project, tenant), &plan);
	if (plan.count > 0)
	{
		viflo_lock_release(project, tenant);
		return false;
	}
	viflo_settled_put(project, tenant, target, manifest);
	return true;
}
