/*-------------------------------------------------------------------------
 * survey.c
 *	  Where the tenants of a project stand, and what an upgrade would run.
 *
 * A plan is made once for each place where tenants stand, not for each of
 * them.  The names of schemas are kept for as long as none changes, as reading
 * thousands of them would be half of the work.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "common/plan.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/survey.h"
#include "run/tenant.h"
#include "store/tenants.h"

/* All schemas, as of the generation; context NULL: not read yet. */
typedef struct Schemas
{
	MemoryContext context;
	NameData   *names;
	int			count;
	uint64		generation;
} Schemas;

static Schemas schemas;
static uint64 schemas_generation = 0;	/* goes up with every change of one */
static bool callback_registered = false;

/* Schemas that nobody means by a pattern. */
static bool
is_own(const char *name)
{
	return IsReservedName(name) || strcmp(name, "information_schema") == 0 ||
		strcmp(name, "viflo") == 0;
}

static void
syscache_callback(Datum arg, int cache, uint32 hash)
{
	schemas_generation++;
}

/* Reads all names, in the order of bytes, into a context of their own. */
static void
read_schemas(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "viflo schemas",
												  ALLOCSET_DEFAULT_SIZES);
	uint64		generation = schemas_generation;
	Relation	relation = table_open(NamespaceRelationId, AccessShareLock);
	Relation	index = index_open(NamespaceNameIndexId, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(relation, index, NULL, 0, NULL);
	int			allocated = 64;
	NameData   *names = MemoryContextAlloc(context, sizeof(NameData) * allocated);
	int			count = 0;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		if (count == allocated)
		{
			allocated *= 2;
			names = repalloc_huge(names, sizeof(NameData) * allocated);
		}
		names[count++] = ((Form_pg_namespace) GETSTRUCT(tuple))->nspname;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(relation, AccessShareLock);

	if (schemas.context != NULL)
		MemoryContextDelete(schemas.context);
	MemoryContextSetParent(context, TopMemoryContext);
	schemas.context = context;
	schemas.names = names;
	schemas.count = count;
	schemas.generation = generation;
}

/* Names of the schemas that are meant, in the order of bytes; valid until the next call. */
static VifloNames
list_schemas(const char *pattern)
{
	Datum		like = CStringGetTextDatum(pattern);
	VifloNames	names = {0, NULL};

	if (!callback_registered)
		CacheRegisterSyscacheCallback(NAMESPACEOID, syscache_callback, (Datum) 0);
	callback_registered = true;
	AcceptInvalidationMessages();
	if (schemas.context == NULL || schemas.generation != schemas_generation)
		read_schemas();
	for (int i = 0; i < schemas.count; i++)
	{
		char	   *name = NameStr(schemas.names[i]);

		if (!viflo_tenant_is_possible(name))
			continue;
		if (strcmp(name, pattern) == 0 ||
			(!is_own(name) &&
			 DatumGetBool(DirectFunctionCall2Coll(namelike, C_COLLATION_OID,
												  NameGetDatum(&schemas.names[i]), like))))
			viflo_names_add(&names, name);
	}
	return names;
}

/* Does it depend on where a tenant stands whether the target is one? */
static bool
is_of_standing(const VifloError *error)
{
	return strcmp(error->sqlstate, VIFLO_UNREACHABLE) == 0 ||
		strcmp(error->sqlstate, VIFLO_AMBIGUOUS_WALK) == 0;
}

static VifloStanding *
make_standing(const VifloProjectState *state, const VifloTenantSet *set, const char *target)
{
	VifloStanding *standing = palloc0(sizeof(VifloStanding));
	VifloState	view = {.applied = set->applied,.closed = set->closed};
	VifloPlan	plan = {0};
	VifloError	error = {0};
	bool	   *covered = set->closed ? NULL : viflo_standing_covered(state->graph, set->applied);

	standing->changed = set->nchanged;
	for (int node = 0; node < state->count; node++)
		if (viflo_standing_is_current(state->graph, set->applied, covered, node))
			viflo_names_add(&standing->current, pstrdup(state->revisions[node].id));

	if (!viflo_plan_upgrade(state->graph, view, target, &plan, &error))
	{
		if (!is_of_standing(&error))
			viflo_report_error(&error);
		standing->steps = -1;
		return standing;
	}
	standing->steps = plan.count;
	for (int i = 0; i < plan.count; i++)
	{
		standing->pending += !set->applied[plan.steps[i].node];
		standing->late += plan.steps[i].late;
	}
	return standing;
}

/* The tenant of that name, or NULL; both lists are gone through in the same order. */
static const VifloTenant *
next_tenant(const VifloTenants *tenants, int *at, const char *name)
{
	for (; *at < tenants->count; (*at)++)
	{
		int			order = strcmp(tenants->tenants[*at].name, name);

		if (order >= 0)
			return order == 0 ? &tenants->tenants[*at] : NULL;
	}
	return NULL;
}

VifloSurveyRow *
viflo_survey(const char *project, const char *pattern, const char *target, int *count)
{
	VifloNames	schemas = list_schemas(pattern);
	VifloProjectState *state;
	const VifloTenants *tenants = viflo_tenants_get(project, &state);
	VifloStanding **standings = palloc0(sizeof(VifloStanding *) * tenants->nsets);
	VifloSurveyRow *rows = MemoryContextAllocHuge(CurrentMemoryContext,
												  sizeof(VifloSurveyRow) * Max(schemas.count, 1));

	/* Those that have nothing; what is wrong with target is so without any. */
	standings[0] = make_standing(state, &tenants->sets[0], target);
	for (int i = 0, at = 0; i < schemas.count; i++)
	{
		const VifloTenant *tenant = next_tenant(tenants, &at, schemas.names[i]);
		int			set = tenant != NULL ? tenant->set : 0;

		if (standings[set] == NULL)
			standings[set] = make_standing(state, &tenants->sets[set], target);
		rows[i].tenant = schemas.names[i];
		rows[i].standing = standings[set];
		rows[i].missing = tenant != NULL ? tenant->missing : 0;
		rows[i].unfinished = tenant != NULL ? tenant->unfinished : 0;
	}
	*count = schemas.count;
	return rows;
}
