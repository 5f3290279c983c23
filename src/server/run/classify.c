/*-------------------------------------------------------------------------
 * classify.c
 *	  What a raw parse tree tells of a statement before it is analysed.
 *
 * Follows the callers of PreventInTransactionBlock() of PostgreSQL 15 to 18.
 * An option that a server does not know makes no difference: the statement
 * fails there either way.  Looks at no catalog, so that a revision can be
 * registered before the revisions it builds on are applied.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "run/classify.h"

static DefElem *
find_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

static bool
option_value(List *options, const char *name, bool if_absent)
{
	DefElem    *option = find_option(options, name);

	return option ? defGetBoolean(option) : if_absent;
}

static const char *
forbidden_reindex(ReindexStmt *stmt)
{
	if (option_value(stmt->params, "concurrently", false))
		return "REINDEX CONCURRENTLY";

	switch (stmt->kind)
	{
		case REINDEX_OBJECT_SCHEMA:
			return "REINDEX SCHEMA";
		case REINDEX_OBJECT_SYSTEM:
			return "REINDEX SYSTEM";
		case REINDEX_OBJECT_DATABASE:
			return "REINDEX DATABASE";
		default:
			return NULL;
	}
}

static const char *
forbidden_alter_table(AlterTableStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_DetachPartition &&
			((PartitionCmd *) command->def)->concurrent)
			return "ALTER TABLE ... DETACH CONCURRENTLY";
	}
	return NULL;
}

static const char *
forbidden_create_subscription(CreateSubscriptionStmt *stmt)
{
	/* A slot made on the publisher cannot be rolled back. */
	if (option_value(stmt->options, "connect", true) &&
		option_value(stmt->options, "create_slot", true))
		return "CREATE SUBSCRIPTION ... WITH (create_slot = true)";
	return NULL;
}

static const char *
forbidden_alter_subscription(AlterSubscriptionStmt *stmt)
{
	switch (stmt->kind)
	{
		case ALTER_SUBSCRIPTION_SET_PUBLICATION:
		case ALTER_SUBSCRIPTION_ADD_PUBLICATION:
		case ALTER_SUBSCRIPTION_DROP_PUBLICATION:
			if (option_value(stmt->options, "refresh", true))
				return "ALTER SUBSCRIPTION with refresh";
			return NULL;
		case ALTER_SUBSCRIPTION_REFRESH:
			return "ALTER SUBSCRIPTION ... REFRESH";
		case ALTER_SUBSCRIPTION_OPTIONS:
			if (find_option(stmt->options, "failover"))
				return "ALTER SUBSCRIPTION ... SET (failover)";
			if (!option_value(stmt->options, "two_phase", true))
				return "ALTER SUBSCRIPTION ... SET (two_phase)";
			return NULL;
		default:
			return NULL;
	}
}

static const char *
forbidden_transaction_command(TransactionStmt *stmt)
{
	switch (stmt->kind)
	{
		case TRANS_STMT_PREPARE:
			return "PREPARE TRANSACTION";
		case TRANS_STMT_COMMIT_PREPARED:
			return "COMMIT PREPARED";
		case TRANS_STMT_ROLLBACK_PREPARED:
			return "ROLLBACK PREPARED";
		default:
			return NULL;
	}
}

const char *
viflo_forbidden_command(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return ((IndexStmt *) statement)->concurrent ?
				"CREATE INDEX CONCURRENTLY" : NULL;
		case T_DropStmt:
			return ((DropStmt *) statement)->concurrent ?
				"DROP INDEX CONCURRENTLY" : NULL;
		case T_ReindexStmt:
			return forbidden_reindex((ReindexStmt *) statement);
		case T_AlterTableStmt:
			return forbidden_alter_table((AlterTableStmt *) statement);
		case T_VacuumStmt:
			return ((VacuumStmt *) statement)->is_vacuumcmd ? "VACUUM" : NULL;
		case T_ClusterStmt:
			return ((ClusterStmt *) statement)->relation ? NULL : "CLUSTER";
		case T_CreatedbStmt:
			return "CREATE DATABASE";
		case T_DropdbStmt:
			return "DROP DATABASE";
		case T_AlterDatabaseStmt:
			return find_option(((AlterDatabaseStmt *) statement)->options, "tablespace") ?
				"ALTER DATABASE SET TABLESPACE" : NULL;
		case T_CreateTableSpaceStmt:
			return "CREATE TABLESPACE";
		case T_DropTableSpaceStmt:
			return "DROP TABLESPACE";
		case T_AlterSystemStmt:
			return "ALTER SYSTEM";
		case T_CreateSubscriptionStmt:
			return forbidden_create_subscription((CreateSubscriptionStmt *) statement);
		case T_AlterSubscriptionStmt:
			return forbidden_alter_subscription((AlterSubscriptionStmt *) statement);
		case T_DropSubscriptionStmt:
			return "DROP SUBSCRIPTION";
		case T_DiscardStmt:
			return ((DiscardStmt *) statement)->target == DISCARD_ALL ?
				"DISCARD ALL" : NULL;
		case T_TransactionStmt:
			return forbidden_transaction_command((TransactionStmt *) statement);
		default:
			return NULL;
	}
}

bool
viflo_sets_transaction(Node *statement)
{
	VariableSetStmt *set = (VariableSetStmt *) statement;

	return IsA(statement, VariableSetStmt) && set->kind == VAR_SET_MULTI &&
		strcmp(set->name, "TRANSACTION") == 0;
}

bool
viflo_chooses_isolation(Node *statement)
{
	List	   *options = NIL;
	DefElem    *level;

	if (IsA(statement, TransactionStmt))
		options = ((TransactionStmt *) statement)->options;
	else if (viflo_sets_transaction(statement))
		options = ((VariableSetStmt *) statement)->args;
	level = find_option(options, "transaction_isolation");
	return level != NULL && IsA(level->arg, A_Const) &&
		strcmp(strVal(&((A_Const *) level->arg)->val), "read committed") != 0;
}

static bool
is_client_copy(Node *statement, bool is_from)
{
	CopyStmt   *copy = (CopyStmt *) statement;

	return IsA(statement, CopyStmt) && copy->is_from == is_from &&
		copy->filename == NULL && !copy->is_program;
}

bool
viflo_is_copy_from_client(Node *statement)
{
	return is_client_copy(statement, true);
}

bool
viflo_is_copy_to_client(Node *statement)
{
	return is_client_copy(statement, false);
}
