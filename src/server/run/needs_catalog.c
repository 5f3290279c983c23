/*-------------------------------------------------------------------------
 * needs_catalog.c
 *	  Collects relations to be locked, and what the catalogs say must be
 *	  locked with them.
 *
 * The catalogs are scanned by their indexes rather than asked by the server's
 * own functions, many of which raise errors about objects that are dropped
 * while nobody holds a lock on them.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "run/needs_catalog.h"

/* How to get from an OID in one column of a catalog to those in another. */
typedef struct Lookup
{
	Oid			catalog;
	Oid			index;			/* InvalidOid: none fits */
	AttrNumber	key;
	AttrNumber	result;
} Lookup;

static const Lookup children_of = {
	InheritsRelationId, InheritsParentIndexId,
	Anum_pg_inherits_inhparent, Anum_pg_inherits_inhrelid
};

static const Lookup parents_of = {
	InheritsRelationId, InheritsRelidSeqnoIndexId,
	Anum_pg_inherits_inhrelid, Anum_pg_inherits_inhparent
};

static const Lookup indexes_of = {
	IndexRelationId, IndexIndrelidIndexId,
	Anum_pg_index_indrelid, Anum_pg_index_indexrelid
};

static const Lookup table_of_index = {
	IndexRelationId, IndexRelidIndexId,
	Anum_pg_index_indexrelid, Anum_pg_index_indrelid
};

/* What dropping an object that belongs to a relation locks. */
static const struct
{
	Lookup		relation;
	LOCKMODE	mode;
}			parts[] = {

	{{ConstraintRelationId, ConstraintOidIndexId,
	Anum_pg_constraint_oid, Anum_pg_constraint_conrelid}, AccessExclusiveLock},
	{{TriggerRelationId, TriggerOidIndexId,
	Anum_pg_trigger_oid, Anum_pg_trigger_tgrelid}, AccessExclusiveLock},
	{{AttrDefaultRelationId, AttrDefaultOidIndexId,
	Anum_pg_attrdef_oid, Anum_pg_attrdef_adrelid}, AccessExclusiveLock},
	{{RewriteRelationId, RewriteOidIndexId,
	Anum_pg_rewrite_oid, Anum_pg_rewrite_ev_class}, AccessExclusiveLock},
	{{PolicyRelationId, PolicyOidIndexId,
	Anum_pg_policy_oid, Anum_pg_policy_polrelid}, AccessExclusiveLock},
	{{StatisticExtRelationId, StatisticExtOidIndexId,
	Anum_pg_statistic_ext_oid, Anum_pg_statistic_ext_stxrelid}, ShareUpdateExclusiveLock},
};

static List *
look_up(const Lookup *lookup, Oid value)
{
	Relation	catalog = table_open(lookup->catalog, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, lookup->key, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	scan = systable_beginscan(catalog, lookup->index, OidIsValid(lookup->index), NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Oid			found = DatumGetObjectId(heap_getattr(tuple, lookup->result,
														  RelationGetDescr(catalog), &isnull));

		CHECK_FOR_INTERRUPTS();
		if (!isnull && OidIsValid(found))
			result = lappend_oid(result, found);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

static Oid
look_up_one(const Lookup *lookup, Oid value)
{
	List	   *found = look_up(lookup, value);

	return found == NIL ? InvalidOid : linitial_oid(found);
}

void
viflo_needs_add(VifloNeeds *needs, Oid relation, LOCKMODE mode)
{
	VifloLockNeed *need;
	bool		found;

	if (!OidIsValid(relation) || mode <= RowExclusiveLock)
		return;
	if (needs->modes == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(VifloLockNeed);
		control.hcxt = CurrentMemoryContext;
		needs->modes = hash_create("viflo lock needs", 16, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	need = hash_search(needs->modes, &relation, HASH_ENTER, &found);
	need->mode = found ? Max(need->mode, mode) : mode;
}

static void
add_all(VifloNeeds *needs, List *relations, LOCKMODE mode)
{
	ListCell   *cell;

	foreach(cell, relations)
		viflo_needs_add(needs, lfirst_oid(cell), mode);
}

/* False only if it certainly has no children. */
static bool
may_have_children(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relhassubclass;
	ReleaseSysCache(tuple);
	return result;
}

List *
viflo_needs_tree(Oid relation)
{
	List	   *tree;

	if (!OidIsValid(relation))
		return NIL;
	tree = list_make1_oid(relation);

	/* The list grows behind the loop; multiple inheritance repeats itself. */
	for (int i = 0; i < list_length(tree); i++)
		if (may_have_children(list_nth_oid(tree, i)))
			tree = list_concat_unique_oid(tree, look_up(&children_of, list_nth_oid(tree, i)));
	return tree;
}

void
viflo_needs_add_tree(VifloNeeds *needs, Oid relation, LOCKMODE mode)
{
	add_all(needs, viflo_needs_tree(relation), mode);
}

void
viflo_needs_add_indexes(VifloNeeds *needs, Oid relation, LOCKMODE mode)
{
	add_all(needs, look_up(&indexes_of, relation), mode);
}

void
viflo_needs_add_sequences(VifloNeeds *needs, Oid relation, LOCKMODE mode)
{
	add_all(needs, getOwnedSequences(relation), mode);
}

void
viflo_needs_add_default(VifloNeeds *needs, Oid relation, LOCKMODE mode)
{
	viflo_needs_add(needs, get_default_partition_oid(relation), mode);
}

void
viflo_needs_add_parent(VifloNeeds *needs, Oid relation)
{
	Oid			parent;

	if (!get_rel_relispartition(relation))
		return;
	parent = look_up_one(&parents_of, relation);
	viflo_needs_add(needs, parent, AccessExclusiveLock);
	viflo_needs_add_default(needs, parent, AccessExclusiveLock);
}

bool
viflo_needs_is_index(Oid relation)
{
	char		kind = get_rel_relkind(relation);

	return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX;
}

void
viflo_needs_add_table_of(VifloNeeds *needs, Oid index, LOCKMODE mode)
{
	viflo_needs_add(needs, look_up_one(&table_of_index, index), mode);
}

List *
viflo_needs_foreign(Oid relation, bool referring_only)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	/* Each end of a foreign key has triggers that know the other end. */
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		int			end = RI_FKey_trigger_type(trigger->tgfoid);

		if (OidIsValid(trigger->tgconstrrelid) &&
			(end == RI_TRIGGER_PK || (end == RI_TRIGGER_FK && !referring_only)))
			result = list_append_unique_oid(result, trigger->tgconstrrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * Objects that are still to be visited, each once.
 */
typedef struct Walk
{
	HTAB	   *seen;
	List	   *todo;			/* of ObjectAddress */
	VifloNeeds *needs;
	bool		cascade;
} Walk;

static void
walk_add(Walk *walk, Oid catalog, Oid object, int32 column)
{
	ObjectAddress address = {catalog, object, column};
	ObjectAddress *entry;
	bool		found;

	entry = hash_search(walk->seen, &address, HASH_ENTER, &found);
	if (!found)
		walk->todo = lappend(walk->todo, entry);
}

static void
walk_begin(Walk *walk, VifloNeeds *needs, bool cascade)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(ObjectAddress);
	control.entrysize = sizeof(ObjectAddress);
	control.hcxt = CurrentMemoryContext;
	walk->seen = hash_create("viflo dependents", 64, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	walk->todo = NIL;
	walk->needs = needs;
	walk->cascade = cascade;
}

/* The relation that is locked because a part of it is dropped. */
static void
drop_part(Walk *walk, const Form_pg_depend depend)
{
	for (int i = 0; i < lengthof(parts); i++)
	{
		Oid			relation;

		if (parts[i].relation.catalog != depend->classid)
			continue;
		relation = look_up_one(&parts[i].relation, depend->objid);
		viflo_needs_add(walk->needs, relation, parts[i].mode);

		/* A view goes with the rule that makes it one. */
		if (depend->classid == RewriteRelationId &&
			(get_rel_relkind(relation) == RELKIND_VIEW ||
			 get_rel_relkind(relation) == RELKIND_MATVIEW))
			walk_add(walk, RelationRelationId, relation, 0);
	}
}

static void
drop_dependent(Walk *walk, const Form_pg_depend depend)
{
	if (depend->deptype == DEPENDENCY_NORMAL && !walk->cascade)
		return;
	if (depend->classid == RelationRelationId)
	{
		viflo_needs_add(walk->needs, depend->objid, AccessExclusiveLock);
		if (viflo_needs_is_index(depend->objid))
			viflo_needs_add_table_of(walk->needs, depend->objid, AccessExclusiveLock);
	}
	else
		drop_part(walk, depend);
	walk_add(walk, depend->classid, depend->objid, depend->objsubid);
}

static void
visit(Walk *walk, const ObjectAddress *object,
	  void (*found) (Walk *walk, const Form_pg_depend depend))
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object->objectId));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid,
				BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(object->objectSubId));

	/* A whole object takes its columns along. */
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL,
							  object->objectSubId == 0 ? 2 : 3, keys);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		found(walk, (Form_pg_depend) GETSTRUCT(tuple));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

void
viflo_needs_add_dependents(VifloNeeds *needs, Oid catalog, Oid object,
						   int32 column, bool cascade)
{
	Walk		walk;

	if (!OidIsValid(object))
		return;
	walk_begin(&walk, needs, cascade);
	walk_add(&walk, catalog, object, column);
	for (int i = 0; i < list_length(walk.todo); i++)
		visit(&walk, list_nth(walk.todo, i), drop_dependent);
	hash_destroy(walk.seen);
}

/* A domain over the domain leads on to its own columns. */
static void
note_column_of(Walk *walk, const Form_pg_depend depend)
{
	char		kind;

	if (depend->classid == TypeRelationId && get_typtype(depend->objid) == TYPTYPE_DOMAIN)
		walk_add(walk, TypeRelationId, depend->objid, 0);
	if (depend->classid != RelationRelationId || depend->objsubid == 0)
		return;
	kind = get_rel_relkind(depend->objid);
	if (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW)
		viflo_needs_add(walk->needs, depend->objid, ShareLock);
}

void
viflo_needs_add_columns_of(VifloNeeds *needs, Oid domain)
{
	Walk		walk;

	if (!OidIsValid(domain))
		return;
	walk_begin(&walk, needs, true);
	walk_add(&walk, TypeRelationId, domain, 0);
	for (int i = 0; i < list_length(walk.todo); i++)
		visit(&walk, list_nth(walk.todo, i), note_column_of);
	hash_destroy(walk.seen);
}

void
viflo_needs_add_where(VifloNeeds *needs, AttrNumber column, Oid value, LOCKMODE mode)
{
	const Lookup lookup = {RelationRelationId, InvalidOid, column, Anum_pg_class_oid};
	ListCell   *cell;

	foreach(cell, look_up(&lookup, value))
		if (lfirst_oid(cell) >= FirstNormalObjectId)
		viflo_needs_add(needs, lfirst_oid(cell), mode);
}

static int
by_relation(const ListCell *a, const ListCell *b)
{
	Oid			first = ((VifloLockNeed *) lfirst(a))->relation;
	Oid			second = ((VifloLockNeed *) lfirst(b))->relation;

	return first < second ? -1 : first > second;
}

/* Older relations first: a table before its indexes. */
List *
viflo_needs_list(const VifloNeeds *needs)
{
	List	   *result = NIL;
	HASH_SEQ_STATUS scan;
	VifloLockNeed *entry;

	if (needs->modes == NULL)
		return NIL;
	hash_seq_init(&scan, needs->modes);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		VifloLockNeed *need = palloc(sizeof(VifloLockNeed));

		*need = *entry;
		result = lappend(result, need);
	}
	list_sort(result, by_relation);
	return result;
}
