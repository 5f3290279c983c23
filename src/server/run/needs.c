/*-------------------------------------------------------------------------
 * needs.c
 *	  Which relations a statement will lock strongly, found without locking.
 *
 * By the lock requests of PostgreSQL 15's commands; what later versions do
 * otherwise is at most locked less than is said here.  Not followed are locks
 * on the type of a composite type's tables, on tables of extended statistics
 * that are dropped by name, on the underlying tables of a view in LOCK TABLE,
 * and those of statements on all tables of a database or schema, which take
 * them one by one.  Nor are locks on indexes and TOAST tables whose table is
 * locked as strongly: nobody has those without the table.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "run/needs.h"
#include "run/needs_alter.h"
#include "run/needs_catalog.h"
#include "run/needs_drop.h"
#include "run/needs_name.h"

static void add_statement(VifloNeeds *needs, Node *statement);

static bool
has_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return false;
}

static void
add_named(VifloNeeds *needs, const RangeVar *name, LOCKMODE mode)
{
	viflo_needs_add(needs, viflo_needs_resolve(name), mode);
}

/* With all children, unless ONLY is said. */
static void
add_named_tree(VifloNeeds *needs, const RangeVar *name, LOCKMODE mode)
{
	if (name != NULL && name->inh)
		viflo_needs_add_tree(needs, viflo_needs_resolve(name), mode);
	else
		add_named(needs, name, mode);
}

static void
add_partitioned(VifloNeeds *needs, const RangeVar *name, LOCKMODE mode)
{
	if (get_rel_relkind(viflo_needs_resolve(name)) == RELKIND_PARTITIONED_TABLE)
		add_named_tree(needs, name, mode);
	else
		add_named(needs, name, mode);
}

static void
add_all_named(VifloNeeds *needs, List *names, LOCKMODE mode)
{
	ListCell   *cell;

	foreach(cell, names)
		if (IsA(lfirst(cell), RangeVar))
		add_named_tree(needs, lfirst(cell), mode);
}

static void
reindex(VifloNeeds *needs, ReindexStmt *statement)
{
	bool		concurrent = has_option(statement->params, "concurrently");
	LOCKMODE	table = concurrent ? ShareUpdateExclusiveLock : ShareLock;
	LOCKMODE	index = concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock;
	Oid			relation = viflo_needs_resolve(statement->relation);

	if (!OidIsValid(relation))
		return;
	if (statement->kind == REINDEX_OBJECT_INDEX)
	{
		viflo_needs_add_table_of(needs, relation, table);
		viflo_needs_add(needs, relation, index);
	}
	else if (statement->kind == REINDEX_OBJECT_TABLE)
	{
		viflo_needs_add(needs, relation, table);
		viflo_needs_add_indexes(needs, relation, index);
	}
}

static void
vacuum(VifloNeeds *needs, VacuumStmt *statement)
{
	LOCKMODE	mode = has_option(statement->options, "full") ?
	AccessExclusiveLock : ShareUpdateExclusiveLock;
	ListCell   *cell;

	if (has_option(statement->options, "skip_locked"))
		return;
	foreach(cell, statement->rels)
	{
		VacuumRelation *relation = lfirst_node(VacuumRelation, cell);

		if (relation->relation)
			add_partitioned(needs, relation->relation, mode);
	}
}

static void
rename_object(VifloNeeds *needs, RenameStmt *statement)
{
	Oid			relation = viflo_needs_resolve(statement->relation);

	if (viflo_needs_is_part_kind(statement->renameType) || statement->renameType == OBJECT_ATTRIBUTE)
		add_named_tree(needs, statement->relation, AccessExclusiveLock);
	else if (viflo_needs_is_relation_kind(statement->renameType))
		viflo_needs_add(needs, relation, viflo_needs_is_index(relation) ?
						ShareUpdateExclusiveLock : AccessExclusiveLock);
}

static void
set_schema(VifloNeeds *needs, AlterObjectSchemaStmt *statement)
{
	Oid			relation = viflo_needs_resolve(statement->relation);

	if (!viflo_needs_is_relation_kind(statement->objectType) || !OidIsValid(relation))
		return;
	viflo_needs_add(needs, relation, AccessExclusiveLock);
	viflo_needs_add_sequences(needs, relation, AccessExclusiveLock);
}

static void
annotate(VifloNeeds *needs, ObjectType type, Node *object)
{
	if (viflo_needs_is_relation_kind(type))
		viflo_needs_add(needs, viflo_needs_resolve_names(castNode(List, object)),
						ShareUpdateExclusiveLock);
	else if (type == OBJECT_COLUMN)
		viflo_needs_add(needs, viflo_needs_resolve_owner(castNode(List, object)),
						ShareUpdateExclusiveLock);
}

/* Partitions are published by their parent. */
static void
add_inheriting(VifloNeeds *needs, const RangeVar *name, LOCKMODE mode)
{
	if (get_rel_relkind(viflo_needs_resolve(name)) == RELKIND_PARTITIONED_TABLE)
		add_named(needs, name, mode);
	else
		add_named_tree(needs, name, mode);
}

static void
publish(VifloNeeds *needs, List *objects)
{
	ListCell   *cell;

	foreach(cell, objects)
	{
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, cell);

		if (object->pubtable != NULL)
			add_inheriting(needs, object->pubtable->relation, ShareUpdateExclusiveLock);
	}
}

static void
alter_domain(VifloNeeds *needs, AlterDomainStmt *statement)
{
	bool		scans = statement->subtype == 'O' || statement->subtype == 'V' ||
	(statement->subtype == 'C' && IsA(statement->def, Constraint) &&
	 !((Constraint *) statement->def)->skip_validation);

	if (scans)
		viflo_needs_add_columns_of(needs, viflo_needs_resolve_type(statement->typeName));
}

static void
add_owned(VifloNeeds *needs, List *roles)
{
	ListCell   *cell;

	foreach(cell, roles)
	{
		RoleSpec   *role = lfirst_node(RoleSpec, cell);

		if (role->roletype != ROLESPEC_PUBLIC)
			viflo_needs_add_where(needs, Anum_pg_class_relowner,
								  get_rolespec_oid(role, true), AccessExclusiveLock);
	}
}

static void
move_all(VifloNeeds *needs, AlterTableMoveAllStmt *statement)
{
	Oid			tablespace = get_tablespace_oid(statement->orig_tablespacename, true);

	/* The database's own is not named in pg_class. */
	if (OidIsValid(tablespace))
		viflo_needs_add_where(needs, Anum_pg_class_reltablespace,
							  tablespace == MyDatabaseTableSpace ? InvalidOid : tablespace,
							  AccessExclusiveLock);
}

static void
add_elements(VifloNeeds *needs, List *statements)
{
	ListCell   *cell;

	foreach(cell, statements)
		add_statement(needs, lfirst(cell));
}

/* Statements on tables and their structure. */
static bool
add_table_statement(VifloNeeds *needs, Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			viflo_needs_alter_table(needs, (AlterTableStmt *) node);
			return true;
		case T_CreateStmt:
			viflo_needs_create_table(needs, (CreateStmt *) node);
			return true;
		case T_CreateForeignTableStmt:
			viflo_needs_create_table(needs, &((CreateForeignTableStmt *) node)->base);
			return true;
		case T_DropStmt:
			viflo_needs_drop(needs, (DropStmt *) node);
			return true;
		case T_TruncateStmt:
			viflo_needs_truncate(needs, (TruncateStmt *) node);
			return true;
		case T_RenameStmt:
			rename_object(needs, (RenameStmt *) node);
			return true;
		case T_AlterObjectSchemaStmt:
			set_schema(needs, (AlterObjectSchemaStmt *) node);
			return true;
		case T_AlterTableMoveAllStmt:
			move_all(needs, (AlterTableMoveAllStmt *) node);
			return true;
		case T_LockStmt:
			add_all_named(needs, ((LockStmt *) node)->relations, ((LockStmt *) node)->mode);
			return true;
		case T_ViewStmt:
			if (((ViewStmt *) node)->replace)
				add_named(needs, ((ViewStmt *) node)->view, AccessExclusiveLock);
			return true;
		case T_AlterSeqStmt:
			add_named(needs, ((AlterSeqStmt *) node)->sequence, ShareRowExclusiveLock);
			return true;
		case T_CreateSchemaStmt:
			add_elements(needs, ((CreateSchemaStmt *) node)->schemaElts);
			return true;
		default:
			return false;
	}
}

/* Statements that work through a table's contents. */
static bool
add_storage_statement(VifloNeeds *needs, Node *node)
{
	switch (nodeTag(node))
	{
		case T_IndexStmt:
			add_partitioned(needs, ((IndexStmt *) node)->relation,
							((IndexStmt *) node)->concurrent ?
							ShareUpdateExclusiveLock : ShareLock);
			return true;
		case T_ReindexStmt:
			reindex(needs, (ReindexStmt *) node);
			return true;
		case T_ClusterStmt:
			add_partitioned(needs, ((ClusterStmt *) node)->relation, AccessExclusiveLock);
			return true;
		case T_VacuumStmt:
			vacuum(needs, (VacuumStmt *) node);
			return true;
		case T_RefreshMatViewStmt:
			add_named(needs, ((RefreshMatViewStmt *) node)->relation,
					  ((RefreshMatViewStmt *) node)->concurrent ?
					  ExclusiveLock : AccessExclusiveLock);
			return true;
		default:
			return false;
	}
}

/* Statements on what is attached to tables. */
static void
add_other_statement(VifloNeeds *needs, Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateTrigStmt:
			if (((CreateTrigStmt *) node)->row)
				add_partitioned(needs, ((CreateTrigStmt *) node)->relation,
								ShareRowExclusiveLock);
			else
				add_named(needs, ((CreateTrigStmt *) node)->relation, ShareRowExclusiveLock);
			break;
		case T_RuleStmt:
			add_named(needs, ((RuleStmt *) node)->relation, AccessExclusiveLock);
			break;
		case T_CreatePolicyStmt:
			add_named(needs, ((CreatePolicyStmt *) node)->table, AccessExclusiveLock);
			break;
		case T_AlterPolicyStmt:
			add_named(needs, ((AlterPolicyStmt *) node)->table, AccessExclusiveLock);
			break;
		case T_AlterObjectDependsStmt:
			add_named(needs, ((AlterObjectDependsStmt *) node)->relation, AccessExclusiveLock);
			break;
		case T_CreateStatsStmt:
			add_all_named(needs, ((CreateStatsStmt *) node)->relations, ShareUpdateExclusiveLock);
			break;
		case T_CreatePublicationStmt:
			publish(needs, ((CreatePublicationStmt *) node)->pubobjects);
			break;
		case T_AlterPublicationStmt:
			publish(needs, ((AlterPublicationStmt *) node)->pubobjects);
			break;
		case T_CommentStmt:
			annotate(needs, ((CommentStmt *) node)->objtype, ((CommentStmt *) node)->object);
			break;
		case T_SecLabelStmt:
			annotate(needs, ((SecLabelStmt *) node)->objtype, ((SecLabelStmt *) node)->object);
			break;
		case T_AlterDomainStmt:
			alter_domain(needs, (AlterDomainStmt *) node);
			break;
		case T_DropOwnedStmt:
			add_owned(needs, ((DropOwnedStmt *) node)->roles);
			break;
		case T_ReassignOwnedStmt:
			add_owned(needs, ((ReassignOwnedStmt *) node)->roles);
			break;
		default:
			break;
	}
}

static void
add_statement(VifloNeeds *needs, Node *statement)
{
	if (!add_table_statement(needs, statement) && !add_storage_statement(needs, statement))
		add_other_statement(needs, statement);
}

List *
viflo_lock_needs(Node *statement)
{
	VifloNeeds	needs = {NULL};

	add_statement(&needs, statement);
	return viflo_needs_list(&needs);
}

bool
viflo_waits_midway(Node *statement)
{
	ListCell   *cell;

	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return ((IndexStmt *) statement)->concurrent;
		case T_DropStmt:
			return ((DropStmt *) statement)->concurrent;
		case T_ReindexStmt:
			return has_option(((ReindexStmt *) statement)->params, "concurrently");
		case T_AlterTableStmt:
			foreach(cell, ((AlterTableStmt *) statement)->cmds)
			{
				AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

				if (command->subtype == AT_DetachPartition &&
					((PartitionCmd *) command->def)->concurrent)
					return true;
			}
			return false;
		default:
			return false;
	}
}
