/*-------------------------------------------------------------------------
 * state.c
 *	  What a project has registered and where the database stands, in memory.
 *
 * Each state has a memory context of its own below the cache's; a state that
 * is out of date is dropped when it is next asked for, never in the
 * invalidation callback, which may come at any catalog access.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "common/sqlstate.h"
#include "report.h"
#include "store/revisions.h"
#include "store/settled.h"
#include "store/state.h"
#include "store/tables.h"
#include "store/unfinished.h"

/* A session works on one project, or few; a tool may visit many. */
#define MAX_CACHED_STATES 8

/* Reading races with commits; each commit may cost one more attempt. */
#define MAX_READ_ATTEMPTS 5

static MemoryContext cache_context = NULL;
static List *cache = NIL;		/* VifloProjectState, last used first */
static uint64 invalidations = 1;	/* by whoever may have changed anything */
static Oid	watched_revision = InvalidOid;
static Oid	watched_applied = InvalidOid;

PG_FUNCTION_INFO_V1(viflo_changed);

/* What is known to be current; both parts only grow. */
static uint64
current_generation(void)
{
	return invalidations + viflo_table_generation();
}

static void
relcache_callback(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == watched_revision || relid == watched_applied)
		invalidations++;
}

void
viflo_state_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

void
viflo_state_announce(const char *project)
{
	CacheInvalidateRelcacheByRelid(viflo_table_oid(VIFLO_TABLE_REVISION));
	CacheInvalidateRelcacheByRelid(viflo_table_oid(VIFLO_TABLE_APPLIED));
	viflo_settled_forget(project);
	invalidations++;
}

/*
 * viflo.changed(): trigger on our tables, for changes that do not come through
 * this module.  For each statement; and for each row only where logical
 * replication applies changes, which has no statements.
 */
Datum
viflo_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Oid			table;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"viflo.changed\" was not called by trigger manager")));
	table = RelationGetRelid(trigger->tg_relation);
	if (table != viflo_table_oid(VIFLO_TABLE_REVISION) &&
		table != viflo_table_oid(VIFLO_TABLE_APPLIED))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"viflo.changed\" is not for table \"%s\"",
						RelationGetRelationName(trigger->tg_relation))));

	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) || IsLogicalWorker())
		viflo_state_announce(NULL);
	PG_RETURN_POINTER(NULL);
}

typedef struct RevisionRow
{
	VifloRevision revision;
	VifloEntry	entry;
} RevisionRow;

static int
compare_rows(const void *a, const void *b)
{
	int64		pa = (*(const RevisionRow *const *) a)->entry.position;
	int64		pb = (*(const RevisionRow *const *) b)->entry.position;

	return (pa > pb) - (pa < pb);
}

static void
read_row(const VifloScan *scan, RevisionRow *row)
{
	memset(row, 0, sizeof(*row));
	row->revision.id = viflo_scan_text(scan, VIFLO_REVISION_REVISION);
	row->revision.message = viflo_scan_text(scan, VIFLO_REVISION_MESSAGE);
	row->revision.down = viflo_names_from_array(scan->values[VIFLO_REVISION_DOWN_REVISION - 1]);
	row->revision.depends_on = viflo_names_from_array(scan->values[VIFLO_REVISION_DEPENDS_ON - 1]);
	row->revision.labels = viflo_names_from_array(scan->values[VIFLO_REVISION_BRANCH_LABELS - 1]);
	strlcpy(row->revision.checksum, viflo_scan_text(scan, VIFLO_REVISION_CHECKSUM),
			sizeof(row->revision.checksum));
	row->revision.repeatable = !scan->nulls[VIFLO_REVISION_REPEATABLE - 1] &&
		DatumGetBool(scan->values[VIFLO_REVISION_REPEATABLE - 1]);
	row->entry.position = DatumGetInt64(scan->values[VIFLO_REVISION_POSITION - 1]);
	row->entry.transactional = DatumGetBool(scan->values[VIFLO_REVISION_TRANSACTIONAL - 1]);
	row->entry.down_transactional = DatumGetBool(scan->values[VIFLO_REVISION_DOWN_TRANSACTIONAL - 1]);
	row->entry.reversible = DatumGetBool(scan->values[VIFLO_REVISION_REVERSIBLE - 1]);
	row->entry.bundled = DatumGetBool(scan->values[VIFLO_REVISION_BUNDLED - 1]);
	row->entry.source = viflo_scan_text(scan, VIFLO_REVISION_SOURCE);
	row->entry.digest = viflo_scan_text(scan, VIFLO_REVISION_DIGEST);
}

/*
 * Reads the project's registered revisions, in load order.
 */
static void
read_revisions(VifloProjectState *state, Snapshot snapshot)
{
	VifloScan	scan;
	const char *keys[] = {state->project};
	int			allocated = 64;
	RevisionRow *rows = palloc(sizeof(RevisionRow) * allocated);
	RevisionRow **sorted;

	viflo_scan_begin(&scan, VIFLO_TABLE_REVISION, keys, 1, snapshot);
	while (viflo_scan_next(&scan))
	{
		if (state->count == allocated)
		{
			allocated *= 2;
			rows = repalloc_huge(rows, sizeof(RevisionRow) * allocated);
		}
		read_row(&scan, &rows[state->count++]);
	}
	viflo_scan_end(&scan);

	sorted = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(RevisionRow *) * Max(state->count, 1));
	for (int i = 0; i < state->count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, state->count, sizeof(RevisionRow *), compare_rows);

	state->revisions = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(VifloRevision) * Max(state->count, 1));
	state->entries = MemoryContextAllocHuge(CurrentMemoryContext,
											sizeof(VifloEntry) * Max(state->count, 1));
	for (int i = 0; i < state->count; i++)
	{
		state->revisions[i] = sorted[i]->revision;
		state->entries[i] = sorted[i]->entry;
		state->last_position = sorted[i]->entry.position;
	}
	pfree(sorted);
	pfree(rows);
}

/*
 * One string instead of two that are equal, as nearly all are here.
 */
static char *
share_string(char *string, char *other)
{
	if (other == NULL || strcmp(string, other) != 0)
		return string;
	pfree(string);
	return other;
}

static void
read_applied(VifloProjectState *state, Snapshot snapshot)
{
	VifloScan	scan;
	const char *keys[] = {state->project, state->tenant};
	char	   *role = NULL;

	state->applied = palloc0(sizeof(bool) * Max(state->count, 1));
	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, 2, snapshot);
	while (viflo_scan_next(&scan))
	{
		char	   *id = viflo_scan_text(&scan, VIFLO_APPLIED_REVISION);
		int			node = viflo_graph_find(state->graph, id);
		VifloEntry *entry;

		if (node < 0)
		{
			state->missing = lappend(state->missing, id);
			continue;
		}
		entry = &state->entries[node];
		entry->applied_checksum = share_string(viflo_scan_text(&scan, VIFLO_APPLIED_CHECKSUM),
											   state->revisions[node].checksum);
		entry->applied_by = role = share_string(viflo_scan_text(&scan, VIFLO_APPLIED_APPLIED_BY),
												role);
		entry->applied_at = DatumGetTimestampTz(scan.values[VIFLO_APPLIED_APPLIED_AT - 1]);
		state->applied[node] = !state->revisions[node].repeatable ||
			strcmp(entry->applied_checksum, state->revisions[node].checksum) == 0;
		pfree(id);
	}
	viflo_scan_end(&scan);
}

/*
 * Has every applied revision all its parents and dependencies applied?
 * Repeatable ones are not asked: nothing is late because of them.
 */
static bool
is_closed(const VifloProjectState *state)
{
	for (int i = 0; i < state->count; i++)
	{
		const VifloNode *node = &state->graph->nodes[i];

		if (!state->applied[i] || node->repeatable)
			continue;
		for (int j = 0; j < node->nparents; j++)
			if (!state->applied[node->parents[j]])
				return false;
		for (int j = 0; j < node->ndepends; j++)
			if (!state->applied[node->depends[j]])
				return false;
	}
	return true;
}

/*
 * A repeatable revision that is half done is not applied, not even where the
 * text that once was is registered again.
 */
static void
forget_half_done(VifloProjectState *state)
{
	ListCell   *cell;

	foreach(cell, state->unfinished)
	{
		const VifloUnfinished *row = lfirst(cell);
		int			node = viflo_graph_find(state->graph, row->revision);

		if (node >= 0 && state->revisions[node].repeatable)
			state->applied[node] = false;
	}
}

/* What lies below applied revisions, by down revisions: palloc'd. */
static bool *
find_covered(const VifloProjectState *state)
{
	bool	   *covered = palloc0(sizeof(bool) * Max(state->count, 1));

	for (int i = 0; i < state->count; i++)
	{
		const VifloNode *node = &state->graph->nodes[i];

		for (int j = 0; j < node->nparents && state->applied[i]; j++)
			covered[node->parents[j]] = true;
	}
	viflo_graph_ancestors(state->graph, covered, false);
	return covered;
}

/*
 * Reads one state into a context of its own, a child of the current one
 * until it is complete, so that an error leaves nothing behind.
 */
static VifloProjectState *
read_state(const char *project, const char *tenant)
{
	/* Many small strings that live and die together. */
	MemoryContext context = GenerationContextCreate(CurrentMemoryContext,
													"viflo project state",
													ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VifloProjectState *state = palloc0(sizeof(VifloProjectState));
	Snapshot	snapshot;

	state->context = context;
	state->project = pstrdup(project);
	state->tenant = pstrdup(tenant);
	state->generation = current_generation();

	snapshot = RegisterSnapshot(GetLatestSnapshot());
	read_revisions(state, snapshot);
	state->graph = viflo_graph_build(state->revisions, state->count, &state->graph_error);
	if (state->graph == NULL)
		viflo_report_error(&state->graph_error);
	read_applied(state, snapshot);
	UnregisterSnapshot(snapshot);
	state->unfinished = viflo_unfinished_list(project, tenant);
	forget_half_done(state);

	state->closed = is_closed(state);
	if (!state->closed)
		state->covered = find_covered(state);
	MemoryContextSwitchTo(old);
	return state;
}

static void
drop_state(VifloProjectState *state)
{
	cache = list_delete_ptr(cache, state);
	if (state->held)
		MemoryContextSetParent(state->context, TopTransactionContext);
	else
		MemoryContextDelete(state->context);
}

void
viflo_state_hold(VifloProjectState *state)
{
	state->held = true;
}

void
viflo_state_release(VifloProjectState *state)
{
	state->held = false;
}

static VifloProjectState *
find_cached(const char *project, const char *tenant)
{
	ListCell   *cell;

	foreach(cell, cache)
	{
		VifloProjectState *state = lfirst(cell);

		if (strcmp(state->project, project) == 0 && strcmp(state->tenant, tenant) == 0)
			return state;
	}
	return NULL;
}

static void
add_to_cache(VifloProjectState *state)
{
	MemoryContext old;

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext, "viflo projects",
											  ALLOCSET_SMALL_SIZES);
	while (list_length(cache) >= MAX_CACHED_STATES)
		drop_state(llast(cache));

	old = MemoryContextSwitchTo(cache_context);
	cache = lcons(state, cache);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(state->context, cache_context);
}

VifloProjectState *
viflo_state_get(const char *project, const char *tenant)
{
	VifloProjectState *state;

	AcceptInvalidationMessages();
	state = find_cached(project, tenant);
	if (state != NULL && state->generation == current_generation())
		return state;
	if (state != NULL)
		drop_state(state);

	/* What the callback looks for; a re-created extension has new ones. */
	watched_revision = viflo_table_oid(VIFLO_TABLE_REVISION);
	watched_applied = viflo_table_oid(VIFLO_TABLE_APPLIED);

	for (int attempt = 1;; attempt++)
	{
		state = read_state(project, tenant);
		AcceptInvalidationMessages();
		if (state->generation == current_generation() || attempt == MAX_READ_ATTEMPTS)
			break;
		MemoryContextDelete(state->context);
	}
	add_to_cache(state);
	return state;
}

int
viflo_state_resolve(const VifloProjectState *state, const char *name)
{
	VifloError	error = {0};
	int			node;

	if (!viflo_target_name_one(state->graph, name, &node, &error))
		viflo_report_error(&error);
	if (node < 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_TARGET),
				 errmsg("\"%s\" is not a revision", name)));
	return node;
}
