/*-------------------------------------------------------------------------
 * state.c
 *	  What a project has registered and where the database stands, in memory.
 *
 * Each project has a memory context of its own below the cache's, and each of
 * its tenants' states one below the project's; what is out of date is dropped
 * when it is next asked for, never in the invalidation callback, which may come
 * at any catalog access.  Node numbers are the graph's: with that go all states.
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
#define MAX_CACHED_PROJECTS 8

/* Those of a project's tenants whose turn is over are not asked for soon. */
#define MAX_CACHED_TENANTS 8

/* Reading races with commits; each commit may cost one more attempt. */
#define MAX_READ_ATTEMPTS 5

/* What the tenants of a project share.  Its states' contexts are below its own. */
typedef struct VifloProject
{
	char	   *name;
	uint64		generation;		/* of what it was read */
	int			holds;			/* of its states */
	MemoryContext context;
	VifloRevision *revisions;
	VifloEntry *entries;
	VifloGraph *graph;
	int			count;
	int64		last_position;
	List	   *states;			/* VifloProjectState, last read first */
} VifloProject;

static MemoryContext cache_context = NULL;
static List *cache = NIL;		/* VifloProject, last read first */
static Oid	watched_revision = InvalidOid;
static Oid	watched_applied = InvalidOid;

/* By whoever may have changed anything. */
static uint64 revision_invalidations = 1;
static uint64 applied_invalidations = 1;

PG_FUNCTION_INFO_V1(viflo_changed);

/* What is known to be current of a project's revisions; both parts only grow. */
static uint64
revisions_generation(void)
{
	return revision_invalidations + viflo_table_generation(VIFLO_TABLE_REVISION);
}

/* And of what is applied. */
static uint64
applied_generation(void)
{
	return applied_invalidations + viflo_table_generation(VIFLO_TABLE_APPLIED) +
		viflo_table_generation(VIFLO_TABLE_UNFINISHED);
}

uint64
viflo_state_generation(void)
{
	return revisions_generation() + applied_generation();
}

static void
relcache_callback(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == watched_revision)
		revision_invalidations++;
	if (!OidIsValid(relid) || relid == watched_applied)
		applied_invalidations++;
}

void
viflo_state_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

void
viflo_state_announce_revisions(const char *project)
{
	CacheInvalidateRelcacheByRelid(viflo_table_oid(VIFLO_TABLE_REVISION));
	viflo_settled_forget(project, NULL);
	revision_invalidations++;
}

void
viflo_state_announce_applied(const char *project, const char *tenant)
{
	CacheInvalidateRelcacheByRelid(viflo_table_oid(VIFLO_TABLE_APPLIED));
	viflo_settled_forget(project, tenant);
	applied_invalidations++;
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

	if (!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) && !IsLogicalWorker())
		PG_RETURN_POINTER(NULL);
	if (table == viflo_table_oid(VIFLO_TABLE_REVISION))
		viflo_state_announce_revisions(NULL);
	else
		viflo_state_announce_applied(NULL, NULL);
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

static VifloRepeatable
read_repeatable(const VifloScan *scan)
{
	char	   *word = viflo_scan_text(scan, VIFLO_REVISION_REPEATABLE);
	VifloRepeatable repeatable = VIFLO_REPEATABLE_NO;

	if (word == NULL)
		return repeatable;
	if (!viflo_repeatable_read(viflo_span_of(word), &repeatable))
		elog(ERROR, "unrecognized value \"%s\" in viflo.revision.repeatable", word);
	pfree(word);
	return repeatable;
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
	row->revision.repeatable = read_repeatable(scan);
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
read_revisions(VifloProject *project, Snapshot snapshot)
{
	VifloScan	scan;
	const char *keys[] = {project->name};
	int			allocated = 64;
	RevisionRow *rows = palloc(sizeof(RevisionRow) * allocated);
	RevisionRow **sorted;

	viflo_scan_begin(&scan, VIFLO_TABLE_REVISION, keys, 1, snapshot);
	while (viflo_scan_next(&scan))
	{
		if (project->count == allocated)
		{
			allocated *= 2;
			rows = repalloc_huge(rows, sizeof(RevisionRow) * allocated);
		}
		read_row(&scan, &rows[project->count++]);
	}
	viflo_scan_end(&scan);

	sorted = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(RevisionRow *) * Max(project->count, 1));
	for (int i = 0; i < project->count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, project->count, sizeof(RevisionRow *), compare_rows);

	project->revisions = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(VifloRevision) * Max(project->count, 1));
	project->entries = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(VifloEntry) * Max(project->count, 1));
	for (int i = 0; i < project->count; i++)
	{
		project->revisions[i] = sorted[i]->revision;
		project->entries[i] = sorted[i]->entry;
		project->last_position = sorted[i]->entry.position;
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
	state->marks = MemoryContextAllocExtended(CurrentMemoryContext,
											  sizeof(VifloMark) * Max(state->count, 1),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	viflo_scan_begin(&scan, VIFLO_TABLE_APPLIED, keys, 2, snapshot);
	while (viflo_scan_next(&scan))
	{
		char	   *id = viflo_scan_text(&scan, VIFLO_APPLIED_REVISION);
		int			node = viflo_graph_find(state->graph, id);
		VifloMark  *mark;

		if (node < 0)
		{
			state->missing = lappend(state->missing, id);
			continue;
		}
		mark = &state->marks[node];
		mark->checksum = share_string(viflo_scan_text(&scan, VIFLO_APPLIED_CHECKSUM),
									  state->revisions[node].checksum);
		mark->by = role = share_string(viflo_scan_text(&scan, VIFLO_APPLIED_APPLIED_BY), role);
		mark->at = DatumGetTimestampTz(scan.values[VIFLO_APPLIED_APPLIED_AT - 1]);
		state->applied[node] = !state->revisions[node].repeatable ||
			strcmp(mark->checksum, state->revisions[node].checksum) == 0;
		pfree(id);
	}
	viflo_scan_end(&scan);
}

bool
viflo_state_is_behind(const char *project, const char *revision, Snapshot snapshot)
{
	const char *keys[] = {project, revision};
	VifloScan	scan;
	bool		registered;

	viflo_scan_begin(&scan, VIFLO_TABLE_REVISION, keys, 2, snapshot);
	registered = viflo_scan_next(&scan);
	viflo_scan_end(&scan);
	if (registered)
		revision_invalidations++;
	return registered;
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

/*
 * Reads one project into a context of its own, a child of the current one
 * until it is in the cache, so that an error leaves nothing behind.
 */
static VifloProject *
read_project(const char *name, Snapshot snapshot, uint64 generation)
{
	/* Many small strings that live and die together. */
	MemoryContext context = GenerationContextCreate(CurrentMemoryContext, "viflo project",
													ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VifloProject *project = palloc0(sizeof(VifloProject));
	VifloError	error = {0};

	project->context = context;
	project->name = pstrdup(name);
	project->generation = generation;
	read_revisions(project, snapshot);
	project->graph = viflo_graph_build(project->revisions, project->count, &error);
	if (project->graph == NULL)
		viflo_report_error(&error);
	MemoryContextSwitchTo(old);
	return project;
}

/*
 * Reads what is applied for a tenant, likewise.
 */
static VifloProjectState *
read_state(VifloProject *project, const char *tenant, Snapshot snapshot, uint64 generation)
{
	MemoryContext context = GenerationContextCreate(CurrentMemoryContext,
													"viflo project state",
													ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VifloProjectState *state = palloc0(sizeof(VifloProjectState));

	state->context = context;
	state->shared = project;
	state->project = project->name;
	state->revisions = project->revisions;
	state->entries = project->entries;
	state->graph = project->graph;
	state->count = project->count;
	state->last_position = project->last_position;
	state->tenant = pstrdup(tenant);
	state->generation = generation;
	read_applied(state, snapshot);
	state->unfinished = viflo_unfinished_list(project->name, tenant);
	forget_half_done(state);
	state->closed = viflo_standing_is_closed(state->graph, state->applied);
	if (!state->closed)
		state->covered = viflo_standing_covered(state->graph, state->applied);
	MemoryContextSwitchTo(old);
	return state;
}

static void
drop_project(VifloProject *project)
{
	cache = list_delete_ptr(cache, project);
	list_free(project->states);
	project->states = NIL;
	if (project->holds > 0)
		MemoryContextSetParent(project->context, TopTransactionContext);
	else
		MemoryContextDelete(project->context);
}

static void
drop_state(VifloProjectState *state)
{
	state->shared->states = list_delete_ptr(state->shared->states, state);
	if (state->held)
		MemoryContextSetParent(state->context, TopTransactionContext);
	else
		MemoryContextDelete(state->context);
}

void
viflo_state_hold(VifloProjectState *state)
{
	state->held = true;
	state->shared->holds++;
}

void
viflo_state_release(VifloProjectState *state)
{
	state->held = false;
	state->shared->holds--;
}

/* The cached project, if it is current; one that is not is dropped. */
static VifloProject *
find_project(const char *name)
{
	ListCell   *cell;

	foreach(cell, cache)
	{
		VifloProject *project = lfirst(cell);

		if (strcmp(project->name, name) != 0)
			continue;
		if (project->generation == revisions_generation())
			return project;
		drop_project(project);
		break;
	}
	return NULL;
}

static VifloProjectState *
find_state(VifloProject *project, const char *tenant)
{
	ListCell   *cell;

	foreach(cell, project->states)
	{
		VifloProjectState *state = lfirst(cell);

		if (strcmp(state->tenant, tenant) != 0)
			continue;
		if (state->generation == applied_generation())
			return state;
		drop_state(state);
		break;
	}
	return NULL;
}

static VifloProject *
get_project(const char *name, Snapshot snapshot, uint64 generation)
{
	VifloProject *project = find_project(name);
	MemoryContext old;

	if (project != NULL)
		return project;
	project = read_project(name, snapshot, generation);
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext, "viflo projects",
											  ALLOCSET_SMALL_SIZES);
	while (list_length(cache) >= MAX_CACHED_PROJECTS)
		drop_project(llast(cache));

	old = MemoryContextSwitchTo(cache_context);
	cache = lcons(project, cache);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(project->context, cache_context);
	return project;
}

static void
keep_state(VifloProjectState *state)
{
	VifloProject *project = state->shared;
	MemoryContext old;

	while (list_length(project->states) >= MAX_CACHED_TENANTS)
		drop_state(llast(project->states));

	old = MemoryContextSwitchTo(cache_context);
	project->states = lcons(state, project->states);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(state->context, project->context);
}

/* Both by one snapshot where both have to be read. */
static VifloProjectState *
read_both(const char *name, const char *tenant)
{
	uint64		revisions = revisions_generation();
	uint64		applied = applied_generation();
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	VifloProject *project = get_project(name, snapshot, revisions);
	VifloProjectState *state = read_state(project, tenant, snapshot, applied);
	ListCell   *cell;

	foreach(cell, state->missing)
	{
		if (viflo_state_is_behind(name, lfirst(cell), snapshot))
			break;
	}
	UnregisterSnapshot(snapshot);
	return state;
}

VifloProjectState *
viflo_state_get(const char *name, const char *tenant)
{
	VifloProject *project;
	VifloProjectState *state;

	AcceptInvalidationMessages();
	project = find_project(name);
	state = project != NULL ? find_state(project, tenant) : NULL;
	if (state != NULL)
		return state;

	/* What the callback looks for; a re-created extension has new ones. */
	watched_revision = viflo_table_oid(VIFLO_TABLE_REVISION);
	watched_applied = viflo_table_oid(VIFLO_TABLE_APPLIED);

	for (int attempt = 1;; attempt++)
	{
		state = read_both(name, tenant);
		AcceptInvalidationMessages();
		if ((state->shared->generation == revisions_generation() &&
			 state->generation == applied_generation()) || attempt == MAX_READ_ATTEMPTS)
			break;
		MemoryContextDelete(state->context);
	}
	keep_state(state);
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
