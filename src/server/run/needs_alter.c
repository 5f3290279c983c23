/*-------------------------------------------------------------------------
 * needs_alter.c
 *	  The strong locks of ALTER TABLE and of CREATE TABLE.
 *
 * The server tells the lock of the table itself; this file adds to which
 * commands children are locked as well, and what else a command locks.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/tablecmds.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "run/needs_alter.h"
#include "run/needs_name.h"

/* Which tables below its own one a command goes on to. */
typedef enum Reach
{
	REACH_CHILDREN,				/* all, unless ONLY */
	REACH_PARTITIONS,			/* those of a partitioned table */
	REACH_NONE
} Reach;

/*
 * What is not here reaches children, so that what a newer server adds is
 * waited for too much rather than too little.
 */
static const struct
{
	AlterTableType type;
	Reach		reach;
}			reaches[] = {
	{AT_SetOptions, REACH_NONE},
	{AT_ResetOptions, REACH_NONE},
	{AT_SetCompression, REACH_NONE},
	{AT_AlterColumnGenericOptions, REACH_NONE},
	{AT_ChangeOwner, REACH_NONE},
	{AT_ClusterOn, REACH_NONE},
	{AT_DropCluster, REACH_NONE},
	{AT_SetLogged, REACH_NONE},
	{AT_SetUnLogged, REACH_NONE},
	{AT_DropOids, REACH_NONE},
	{AT_SetAccessMethod, REACH_NONE},
	{AT_SetTableSpace, REACH_NONE},
	{AT_SetRelOptions, REACH_NONE},
	{AT_ResetRelOptions, REACH_NONE},
	{AT_ReplaceRelOptions, REACH_NONE},
	{AT_AddInherit, REACH_NONE},
	{AT_DropInherit, REACH_NONE},
	{AT_ReplicaIdentity, REACH_NONE},
	{AT_EnableRule, REACH_NONE},
	{AT_EnableAlwaysRule, REACH_NONE},
	{AT_EnableReplicaRule, REACH_NONE},
	{AT_DisableRule, REACH_NONE},
	{AT_AddOf, REACH_NONE},
	{AT_DropOf, REACH_NONE},
	{AT_EnableRowSecurity, REACH_NONE},
	{AT_DisableRowSecurity, REACH_NONE},
	{AT_ForceRowSecurity, REACH_NONE},
	{AT_NoForceRowSecurity, REACH_NONE},
	{AT_GenericOptions, REACH_NONE},
	{AT_AttachPartition, REACH_NONE},
	{AT_DetachPartition, REACH_NONE},
	{AT_DetachPartitionFinalize, REACH_NONE},
	{AT_AddIdentity, REACH_PARTITIONS},
	{AT_SetIdentity, REACH_PARTITIONS},
	{AT_DropIdentity, REACH_PARTITIONS},
	{AT_AlterConstraint, REACH_PARTITIONS},
	{AT_EnableTrig, REACH_PARTITIONS},
	{AT_EnableAlwaysTrig, REACH_PARTITIONS},
	{AT_EnableReplicaTrig, REACH_PARTITIONS},
	{AT_EnableTrigAll, REACH_PARTITIONS},
	{AT_EnableTrigUser, REACH_PARTITIONS},
	{AT_DisableTrig, REACH_PARTITIONS},
	{AT_DisableTrigAll, REACH_PARTITIONS},
	{AT_DisableTrigUser, REACH_PARTITIONS},
};

static Reach
reach_of(const AlterTableCmd *command)
{
	/*
	 * A primary key makes columns NOT NULL, which children have to be as
	 * well.
	 */
	if (command->subtype == AT_AddConstraint && IsA(command->def, Constraint) &&
		!VIFLO_CONSTRAINTS_LOCK_CHILDREN)
		switch (((Constraint *) command->def)->contype)
		{
			case CONSTR_FOREIGN:
				return REACH_PARTITIONS;
			case CONSTR_UNIQUE:
			case CONSTR_EXCLUSION:
				return REACH_NONE;
			default:
				return REACH_CHILDREN;
		}

	for (int i = 0; i < lengthof(reaches); i++)
		if (reaches[i].type == command->subtype)
			return reaches[i].reach;
	return REACH_CHILDREN;
}

/*
 * A foreign key's triggers go to the table it refers to, and its partitions.
 * The index of a unique constraint is built for each partition.
 */
static void
add_constraint(VifloNeeds *needs, Oid relation, Node *node)
{
	Constraint *constraint = (Constraint *) node;

	if (node == NULL || !IsA(node, Constraint))
		return;
	if (constraint->contype == CONSTR_FOREIGN)
		viflo_needs_add_tree(needs, viflo_needs_resolve(constraint->pktable),
							 ShareRowExclusiveLock);
	else if ((constraint->contype == CONSTR_UNIQUE || constraint->contype == CONSTR_EXCLUSION) &&
			 get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE)
		viflo_needs_add_tree(needs, relation, ShareLock);
}

static void
add_column(VifloNeeds *needs, Oid relation, Node *node)
{
	ListCell   *cell;

	if (node == NULL || !IsA(node, ColumnDef))
		return;
	foreach(cell, ((ColumnDef *) node)->constraints)
		add_constraint(needs, relation, lfirst(cell));
}

/*
 * A partition takes part in all foreign keys of its parent: tables that the
 * parent refers to, and those that refer to it.
 */
static void
add_foreign(VifloNeeds *needs, Oid relation, LOCKMODE referring)
{
	ListCell   *cell;

	foreach(cell, viflo_needs_foreign(relation, false))
		viflo_needs_add_tree(needs, lfirst_oid(cell), ShareRowExclusiveLock);
	foreach(cell, viflo_needs_foreign(relation, true))
		viflo_needs_add_tree(needs, lfirst_oid(cell), referring);
}

static void
attach_partition(VifloNeeds *needs, Oid parent, const PartitionCmd *command)
{
	Oid			partition = viflo_needs_resolve(command->name);

	viflo_needs_add_tree(needs, partition, AccessExclusiveLock);
	if (get_rel_relkind(parent) != RELKIND_PARTITIONED_TABLE)
		return;
	viflo_needs_add_default(needs, parent, AccessExclusiveLock);
	add_foreign(needs, parent, ShareRowExclusiveLock);
}

static void
detach_partition(VifloNeeds *needs, Oid parent, const PartitionCmd *command)
{
	Oid			partition = viflo_needs_resolve(command->name);

	viflo_needs_add(needs, partition, command->concurrent ?
					ShareUpdateExclusiveLock : AccessExclusiveLock);
	if (!command->concurrent)
		viflo_needs_add_default(needs, parent, AccessExclusiveLock);

	/* Whoever refers to the parent cannot mean the partition any more. */
	add_foreign(needs, partition, AccessExclusiveLock);
}

static void
add_column_dependents(VifloNeeds *needs, Oid relation, const AlterTableCmd *command, bool cascade)
{
	AttrNumber	column = get_attnum(relation, command->name);

	if (column != InvalidAttrNumber)
		viflo_needs_add_dependents(needs, RelationRelationId, relation, column, cascade);
}

/* What a command locks beside the table and its children. */
static void
add_command(VifloNeeds *needs, Oid relation, const AlterTableCmd *command)
{
	bool		cascade = command->behavior == DROP_CASCADE;

	switch (command->subtype)
	{
		case AT_AddColumn:
			add_column(needs, relation, command->def);
			break;
		case AT_AddConstraint:
			add_constraint(needs, relation, command->def);
			break;
		case AT_DropColumn:
			add_column_dependents(needs, relation, command, cascade);
			break;
		case AT_AlterColumnType:
			/* foreign keys of the column are made anew, at either end */
			add_column_dependents(needs, relation, command, true);
			break;
		case AT_DropConstraint:
			viflo_needs_add_dependents(needs, ConstraintRelationId,
									   get_relation_constraint_oid(relation, command->name, true),
									   0, cascade);
			break;
		case AT_SetIdentity:
			viflo_needs_add_sequences(needs, relation, ShareRowExclusiveLock);
			break;
		case AT_DropIdentity:
		case AT_ChangeOwner:
		case AT_SetLogged:
		case AT_SetUnLogged:
			viflo_needs_add_sequences(needs, relation, AccessExclusiveLock);
			break;
		case AT_AddInherit:
			viflo_needs_add(needs, viflo_needs_resolve((RangeVar *) command->def),
							ShareUpdateExclusiveLock);
			break;
		case AT_AttachPartition:
			attach_partition(needs, relation, (PartitionCmd *) command->def);
			break;
		case AT_DetachPartition:
			detach_partition(needs, relation, (PartitionCmd *) command->def);
			break;
		case AT_DetachPartitionFinalize:
			viflo_needs_add(needs, viflo_needs_resolve(((PartitionCmd *) command->def)->name),
							AccessExclusiveLock);
			break;
		default:
			break;
	}
}

void
viflo_needs_alter_table(VifloNeeds *needs, AlterTableStmt *statement)
{
	Oid			relation = viflo_needs_resolve(statement->relation);
	LOCKMODE	mode = AlterTableGetLockLevel(statement->cmds);
	bool		children = false;
	ListCell   *cell;

	if (!OidIsValid(relation))
		return;
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		Reach		reach = reach_of(command);

		if (reach == REACH_CHILDREN ||
			(reach == REACH_PARTITIONS && get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE))
			children = true;
		add_command(needs, relation, command);
	}
	if (children && statement->relation->inh)
		viflo_needs_add_tree(needs, relation, mode);
	else
		viflo_needs_add(needs, relation, mode);
}

void
viflo_needs_create_table(VifloNeeds *needs, CreateStmt *statement)
{
	bool		is_partition = statement->partbound != NULL;
	ListCell   *cell;

	if (statement->if_not_exists && OidIsValid(viflo_needs_resolve(statement->relation)))
		return;
	foreach(cell, statement->inhRelations)
	{
		Oid			parent = viflo_needs_resolve(lfirst_node(RangeVar, cell));

		viflo_needs_add(needs, parent, is_partition ? AccessExclusiveLock :
						ShareUpdateExclusiveLock);
		if (is_partition && OidIsValid(parent))
		{
			viflo_needs_add_default(needs, parent, AccessExclusiveLock);
			add_foreign(needs, parent, ShareRowExclusiveLock);
		}
	}
	foreach(cell, statement->tableElts)
	{
		add_column(needs, InvalidOid, lfirst(cell));
		add_constraint(needs, InvalidOid, lfirst(cell));
	}
	foreach(cell, statement->constraints)
		add_constraint(needs, InvalidOid, lfirst(cell));
}
