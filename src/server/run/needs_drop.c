/*-------------------------------------------------------------------------
 * needs_drop.c
 *	  The strong locks of DROP and TRUNCATE.
 *
 * Dropping reaches, by pg_depend, whatever belongs to the object, and with
 * CASCADE whatever uses it: a function's triggers, a type's columns.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "foreign/foreign.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "run/needs_drop.h"
#include "run/needs_name.h"

static void
drop_relation(VifloNeeds *needs, Oid relation, bool concurrent, bool cascade)
{
	LOCKMODE	mode = concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock;

	if (viflo_needs_is_index(relation))
		viflo_needs_add_table_of(needs, relation, mode);
	viflo_needs_add(needs, relation, mode);
	if (concurrent)
		return;
	viflo_needs_add_parent(needs, relation);
	viflo_needs_add_dependents(needs, RelationRelationId, relation, 0, cascade);
}

/*
 * All functions of the name, whatever their arguments and schema: which one
 * is meant is seldom in doubt, and hard to tell without raising errors.
 */
static void
drop_function(VifloNeeds *needs, List *names)
{
	CatCList   *found;

	if (names == NIL)
		return;
	found = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));
	for (int i = 0; i < found->n_members; i++)
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(&found->members[i]->tuple);

		viflo_needs_add_dependents(needs, ProcedureRelationId, function->oid, 0, true);
	}
	ReleaseSysCacheList(found);
}

/* Only with CASCADE does dropping one of these touch relations. */
static void
drop_other(VifloNeeds *needs, ObjectType type, Node *object)
{
	Oid			catalog;
	Oid			oid;

	switch (type)
	{
		case OBJECT_SCHEMA:
			catalog = NamespaceRelationId;
			oid = LookupNamespaceNoError(strVal(object));
			break;
		case OBJECT_EXTENSION:
			catalog = ExtensionRelationId;
			oid = get_extension_oid(strVal(object), true);
			break;
		case OBJECT_FOREIGN_SERVER:
			catalog = ForeignServerRelationId;
			oid = get_foreign_server_oid(strVal(object), true);
			break;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			catalog = TypeRelationId;
			oid = viflo_needs_resolve_type(castNode(TypeName, object)->names);
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			drop_function(needs, castNode(ObjectWithArgs, object)->objname);
			return;
		default:
			return;
	}
	viflo_needs_add_dependents(needs, catalog, oid, 0, true);
}

void
viflo_needs_drop(VifloNeeds *needs, DropStmt *statement)
{
	bool		cascade = statement->behavior == DROP_CASCADE;
	ListCell   *cell;

	foreach(cell, statement->objects)
	{
		Node	   *object = lfirst(cell);

		if (viflo_needs_is_relation_kind(statement->removeType))
			drop_relation(needs, viflo_needs_resolve_names(castNode(List, object)),
						  statement->concurrent, cascade);
		else if (statement->removeType == OBJECT_TRIGGER)
			viflo_needs_add_tree(needs, viflo_needs_resolve_owner(castNode(List, object)),
								 AccessExclusiveLock);
		else if (viflo_needs_is_part_kind(statement->removeType))
			viflo_needs_add(needs, viflo_needs_resolve_owner(castNode(List, object)), AccessExclusiveLock);
		else if (cascade || statement->removeType == OBJECT_EXTENSION)
			drop_other(needs, statement->removeType, object);
	}
}

void
viflo_needs_truncate(VifloNeeds *needs, TruncateStmt *statement)
{
	List	   *todo = NIL;
	ListCell   *cell;

	foreach(cell, statement->relations)
	{
		RangeVar   *name = lfirst_node(RangeVar, cell);
		Oid			relation = viflo_needs_resolve(name);

		if (OidIsValid(relation))
			todo = list_concat_unique_oid(todo, name->inh ? viflo_needs_tree(relation) :
										  list_make1_oid(relation));
	}

	/* The list grows behind the loop. */
	for (int i = 0; i < list_length(todo); i++)
	{
		Oid			relation = list_nth_oid(todo, i);

		viflo_needs_add(needs, relation, AccessExclusiveLock);
		if (statement->restart_seqs)
			viflo_needs_add_sequences(needs, relation, AccessExclusiveLock);
		if (statement->behavior != DROP_CASCADE)
			continue;
		foreach(cell, viflo_needs_foreign(relation, true))
			todo = list_concat_unique_oid(todo, viflo_needs_tree(lfirst_oid(cell)));
	}
}
