/*-------------------------------------------------------------------------
 * tenants.c
 *	  What all tenants of a project have applied, read at once.
 *
 * The rows come in the order of the primary key: tenant by tenant, and of
 * each the revisions by id.  So the ids of the graph, in the same order, are
 * passed along with them, and nothing is looked up.  At a tenant's end its set
 * is compared with those that there are, the last one first.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "store/tables.h"
#include "store/tenants.h"
#include "store/unfinished.h"

/* Reading races with commits; each commit may cost one more attempt. */
#define MAX_READ_ATTEMPTS 5

/* What is kept, of one project; NULL: nothing. */
typedef struct KeptTenants
{
	MemoryContext context;
	char	   *project;
	uint64		generation;
	VifloTenants tenants;
} KeptTenants;

static KeptTenants *kept = NULL;

/* What is under way while rows are read; all of it in the kept context. */
typedef struct Reading
{
	const VifloProjectState *state;
	VifloTenants *tenants;
	int			allocated;		/* of tenants->tenants */
	int			allocated_sets;
	int		   *nodes;			/* by id, in the order of bytes */
	int			at;				/* place in nodes of the tenant's next id */
	VifloTenantSet scratch;		/* the tenant's set */
	VifloTenant *tenant;		/* NULL: before the first */
	List	   *unfinished;		/* of all tenants, by their names */
	int			at_unfinished;	/* place in it of the first not looked at */
} Reading;

static int
compare_ids(const void *a, const void *b, void *arg)
{
	const VifloRevision *revisions = arg;

	return strcmp(revisions[*(const int *) a].id, revisions[*(const int *) b].id);
}

static void
init_set(VifloTenantSet *set, int count)
{
	memset(set, 0, sizeof(*set));
	set->applied = palloc0(sizeof(bool) * Max(count, 1));
	set->changed = palloc0(sizeof(bool) * Max(count, 1));
}

static bool
is_same_set(const VifloTenantSet *a, const VifloTenantSet *b, int count)
{
	return a->hash == b->hash &&
		memcmp(a->applied, b->applied, sizeof(bool) * count) == 0 &&
		memcmp(a->changed, b->changed, sizeof(bool) * count) == 0;
}

static void
hash_set(VifloTenantSet *set, int count)
{
	set->hash = hash_combine(hash_bytes((const unsigned char *) set->applied, count),
							 hash_bytes((const unsigned char *) set->changed, count));
}

/* Number of the set in scratch, which becomes a new one where there is none. */
static int
find_set(Reading *reading, int guess)
{
	VifloTenants *tenants = reading->tenants;
	VifloTenantSet *scratch = &reading->scratch;
	int			count = reading->state->count;

	hash_set(scratch, count);
	if (is_same_set(scratch, &tenants->sets[guess], count))
		return guess;
	for (int i = 0; i < tenants->nsets; i++)
		if (is_same_set(scratch, &tenants->sets[i], count))
			return i;
	if (tenants->nsets == reading->allocated_sets)
	{
		reading->allocated_sets *= 2;
		tenants->sets = repalloc_huge(tenants->sets,
									  sizeof(VifloTenantSet) * reading->allocated_sets);
	}
	for (int i = 0; i < count; i++)
		scratch->nchanged += scratch->changed[i];
	scratch->closed = viflo_standing_is_closed(reading->state->graph, scratch->applied);
	tenants->sets[tenants->nsets] = *scratch;
	init_set(scratch, count);
	return tenants->nsets++;
}

/* A repeatable revision that is half done is not applied, as in state.c. */
static void
forget_half_done(Reading *reading)
{
	const VifloProjectState *state = reading->state;

	for (; reading->at_unfinished < list_length(reading->unfinished); reading->at_unfinished++)
	{
		const VifloUnfinished *row = list_nth(reading->unfinished, reading->at_unfinished);
		int			order = strcmp(row->tenant, reading->tenant->name);
		int			node;

		if (order > 0)
			return;
		node = order == 0 ? viflo_graph_find(state->graph, row->revision) : -1;
		if (node >= 0 && state->revisions[node].repeatable)
			reading->scratch.applied[node] = false;
	}
}

/* What there is of the tenant so far is all. */
static void
end_tenant(Reading *reading)
{
	VifloTenants *tenants = reading->tenants;
	int			count = reading->state->count;

	if (reading->tenant == NULL)
		return;
	forget_half_done(reading);
	reading->tenant->set = find_set(reading, tenants->count > 1 ?
									tenants->tenants[tenants->count - 2].set : 0);
	memset(reading->scratch.applied, 0, sizeof(bool) * count);
	memset(reading->scratch.changed, 0, sizeof(bool) * count);
	reading->tenant = NULL;
}

/* Makes room for one before place, with nothing applied. */
static VifloTenant *
add_tenant(Reading *reading, int place, char *name)
{
	VifloTenants *tenants = reading->tenants;
	VifloTenant *tenant;

	if (tenants->count == reading->allocated)
	{
		reading->allocated *= 2;
		tenants->tenants = repalloc_huge(tenants->tenants,
										 sizeof(VifloTenant) * reading->allocated);
	}
	tenant = &tenants->tenants[place];
	memmove(tenant + 1, tenant, sizeof(VifloTenant) * (tenants->count - place));
	tenants->count++;
	memset(tenant, 0, sizeof(*tenant));
	tenant->name = name;
	return tenant;
}

/* As strcmp() of the text and the string. */
static int
compare_text(const struct varlena *value, const char *string)
{
	size_t		length = strlen(string);
	size_t		size = VARSIZE_ANY_EXHDR(value);
	int			result = memcmp(VARDATA_ANY(value), string, Min(size, length));

	return result != 0 ? result : (size > length) - (size < length);
}

/* Node of the tenant's next id, or -1. */
static int
next_node(Reading *reading, const struct varlena *id)
{
	const VifloProjectState *state = reading->state;

	while (reading->at < state->count)
	{
		int			node = reading->nodes[reading->at];
		int			order = compare_text(id, state->revisions[node].id);

		if (order < 0)
			return -1;
		reading->at++;
		if (order == 0)
			return node;
	}
	return -1;
}

/* False: the graph is older than the row. */
static bool
take_row(Reading *reading, const VifloScan *scan)
{
	text	   *id = DatumGetTextPP(scan->values[VIFLO_APPLIED_REVISION - 1]);
	int			node;
	bool		same;

	if (reading->tenant == NULL ||
		!viflo_scan_is(scan, VIFLO_APPLIED_TENANT, reading->tenant->name))
	{
		end_tenant(reading);
		reading->at = 0;
		reading->tenant = add_tenant(reading, reading->tenants->count,
									 viflo_scan_text(scan, VIFLO_APPLIED_TENANT));
	}
	node = next_node(reading, id);
	if (node < 0)
	{
		reading->tenant->missing++;
		return !viflo_state_is_behind(reading->state->project, text_to_cstring(id), scan->snapshot);
	}
	same = viflo_scan_is(scan, VIFLO_APPLIED_CHECKSUM, reading->state->revisions[node].checksum);
	reading->scratch.applied[node] = same || !reading->state->revisions[node].repeatable;
	reading->scratch.changed[node] = !same && reading->scratch.applied[node];
	return true;
}

static bool
read_applied(Reading *reading, Snapshot snapshot)
{
	const char *keys[] = {reading->state->project};
	VifloScan	scan;
	bool		ok = true;

	viflo_scan_begin_ordered(&scan, VIFLO_TABLE_APPLIED, keys, 1, snapshot);
	while (ok && viflo_scan_next(&scan))
		ok = take_row(reading, &scan);
	viflo_scan_end(&scan);
	end_tenant(reading);
	return ok;
}

/* Place of the first tenant whose name is not below this one. */
static int
place_of(const VifloTenants *tenants, const char *name)
{
	int			low = 0;
	int			high = tenants->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(tenants->tenants[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
compare_unfinished(const ListCell *a, const ListCell *b)
{
	return strcmp(((const VifloUnfinished *) lfirst(a))->tenant,
				  ((const VifloUnfinished *) lfirst(b))->tenant);
}

/* Counts them, also those of tenants that have nothing applied. */
static void
count_unfinished(Reading *reading)
{
	VifloTenants *tenants = reading->tenants;
	ListCell   *cell;

	foreach(cell, reading->unfinished)
	{
		const VifloUnfinished *row = lfirst(cell);
		int			place = place_of(tenants, row->tenant);

		if (place == tenants->count || strcmp(tenants->tenants[place].name, row->tenant) != 0)
			(void) add_tenant(reading, place, pstrdup(row->tenant));
		tenants->tenants[place].unfinished++;
	}
}

static void
begin_reading(Reading *reading, const VifloProjectState *state, VifloTenants *tenants)
{
	memset(reading, 0, sizeof(*reading));
	reading->state = state;
	reading->tenants = tenants;
	reading->allocated = 64;
	reading->allocated_sets = 8;
	tenants->tenants = palloc(sizeof(VifloTenant) * reading->allocated);
	tenants->sets = palloc(sizeof(VifloTenantSet) * reading->allocated_sets);
	init_set(&tenants->sets[0], state->count);
	tenants->sets[0].closed = true;
	hash_set(&tenants->sets[0], state->count);
	tenants->nsets = 1;
	init_set(&reading->scratch, state->count);

	reading->nodes = palloc(sizeof(int) * Max(state->count, 1));
	for (int i = 0; i < state->count; i++)
		reading->nodes[i] = i;
	qsort_arg(reading->nodes, state->count, sizeof(int), compare_ids, state->revisions);
}

/*
 * Into a context of its own, a child of the current one until it is kept.
 * NULL: to be tried again.
 */
static KeptTenants *
read_tenants(const VifloProjectState *state, uint64 generation)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "viflo tenants",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	KeptTenants *result = palloc0(sizeof(KeptTenants));
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Reading		reading;
	bool		ok;

	result->context = context;
	result->project = pstrdup(state->project);
	result->generation = generation;
	begin_reading(&reading, state, &result->tenants);
	reading.unfinished = viflo_unfinished_list(state->project, NULL);
	list_sort(reading.unfinished, compare_unfinished);
	ok = read_applied(&reading, snapshot);
	UnregisterSnapshot(snapshot);
	if (ok)
		count_unfinished(&reading);
	MemoryContextSwitchTo(old);
	if (ok)
		return result;
	MemoryContextDelete(context);
	return NULL;
}

static void
keep(KeptTenants *tenants)
{
	if (kept != NULL)
		MemoryContextDelete(kept->context);
	kept = tenants;
	MemoryContextSetParent(kept->context, TopMemoryContext);
}

const VifloTenants *
viflo_tenants_get(const char *project, VifloProjectState **state)
{
	for (int attempt = 1;; attempt++)
	{
		KeptTenants *read;
		uint64		generation;

		*state = viflo_state_get(project, "");
		generation = viflo_state_generation();
		if (kept != NULL && kept->generation == generation && strcmp(kept->project, project) == 0)
			break;
		read = read_tenants(*state, generation);
		if (read != NULL)
			keep(read);
		AcceptInvalidationMessages();
		if (read != NULL &&
			(generation == viflo_state_generation() || attempt >= MAX_READ_ATTEMPTS))
			break;
		CHECK_FOR_INTERRUPTS();
	}
	return &kept->tenants;
}
