/*-------------------------------------------------------------------------
 * block.c
 *	  The course of a script that runs at top level, told from its parse
 *	  trees.
 *
 * Nothing here looks at the state of a transaction, nor at a catalog where it
 * does not say so.  A block is what stands from BEGIN to the COMMIT, ROLLBACK or PREPARE TRANSACTION
 * that ends it; AND CHAIN goes on with the same block.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "parser/parse_func.h"
#include "report.h"
#include "run/block.h"
#include "run/classify.h"
#include "utils/fmgroids.h"

static VifloBlockStep
transaction_command(const TransactionStmt *command)
{
	switch (command->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			return VIFLO_BLOCK_BEGIN;
		case TRANS_STMT_COMMIT:
			return VIFLO_BLOCK_COMMIT;
		case TRANS_STMT_ROLLBACK:
			return command->chain ? VIFLO_BLOCK_ROLLBACK_CHAIN : VIFLO_BLOCK_ROLLBACK;
		case TRANS_STMT_PREPARE:
			return VIFLO_BLOCK_PREPARE;
		case TRANS_STMT_COMMIT_PREPARED:
		case TRANS_STMT_ROLLBACK_PREPARED:
			return VIFLO_BLOCK_NONE;
		default:
			return VIFLO_BLOCK_OTHER;
	}
}

static bool
sets_snapshot(const VariableSetStmt *set)
{
	return set->kind == VAR_SET_MULTI && strcmp(set->name, "TRANSACTION SNAPSHOT") == 0;
}

VifloBlockStep
viflo_block_step(Node *statement)
{
	if (IsA(statement, TransactionStmt))
		return transaction_command((TransactionStmt *) statement);
	/* What is set so holds across AND CHAIN, too. */
	if (viflo_sets_transaction(statement))
		return VIFLO_BLOCK_OTHER;
	return VIFLO_BLOCK_NONE;
}

static bool
ends_block(const VifloStatement *statement)
{
	switch (viflo_block_step(statement->raw->stmt))
	{
		case VIFLO_BLOCK_COMMIT:
			return !((TransactionStmt *) statement->raw->stmt)->chain;
		case VIFLO_BLOCK_ROLLBACK:
		case VIFLO_BLOCK_PREPARE:
			return true;
		default:
			return false;
	}
}

static bool
begins_block(const VifloStatement *statement)
{
	return viflo_block_step(statement->raw->stmt) == VIFLO_BLOCK_BEGIN;
}

int
viflo_block_last(const VifloStatements *statements, int first, bool in_block)
{
	int			last = first;

	if (!in_block && !begins_block(&statements->statements[first]))
		return first;
	while (last < statements->count && !ends_block(&statements->statements[last]))
		last++;
	return last;
}

int
viflo_block_opener(const VifloStatements *statements, int at)
{
	int			opener = -1;

	for (int i = 0; i < at; i++)
	{
		if (opener < 0 && begins_block(&statements->statements[i]))
			opener = i;
		else if (ends_block(&statements->statements[i]))
			opener = -1;
	}
	return opener;
}

void
viflo_block_check_closed(const VifloStatements *statements)
{
	int			opener = viflo_block_opener(statements, statements->count);

	if (opener < 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
			 errmsg("the script ends inside the transaction block that its statement %d begins",
					statements->statements[opener].number),
			 errdetail("Nothing was run."),
			 errhint("End the block with COMMIT.")));
}

/* set_config, or pg_catalog.set_config */
static bool
may_be_set_config(List *name)
{
	return strcmp(strVal(llast(name)), "set_config") == 0 &&
		(list_length(name) == 1 ||
		 (list_length(name) == 2 && strcmp(strVal(linitial(name)), "pg_catalog") == 0));
}

/* A call of set_config() for the session, with nothing but constants. */
static bool
is_session_set_config(Node *node)
{
	FuncCall   *call = (FuncCall *) node;
	A_Const    *is_local;
	ListCell   *cell;

	if (!IsA(node, FuncCall) || list_length(call->args) != 3 ||
		!may_be_set_config(call->funcname))
		return false;
	foreach(cell, call->args)
	{
		if (!IsA(lfirst(cell), A_Const))
			return false;
	}
	is_local = lthird_node(A_Const, call->args);
	return !is_local->isnull && nodeTag(&is_local->val) == T_Boolean &&
		!boolVal(&is_local->val);
}

/* SELECT set_config(...), as in every dump. */
static bool
only_sets_config(const SelectStmt *select)
{
	ListCell   *cell;

	if (select->op != SETOP_NONE || select->targetList == NIL || select->fromClause != NIL ||
		select->whereClause != NULL || select->intoClause != NULL || select->withClause != NULL)
		return false;
	foreach(cell, select->targetList)
	{
		if (!is_session_set_config(lfirst_node(ResTarget, cell)->val))
			return false;
	}
	return true;
}

bool
viflo_leaves_in_session(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VariableSetStmt:
			return !((VariableSetStmt *) statement)->is_local &&
				!viflo_sets_transaction(statement) &&
				!sets_snapshot((VariableSetStmt *) statement);
		case T_SelectStmt:
			return only_sets_config((SelectStmt *) statement);
		case T_DiscardStmt:
		case T_PrepareStmt:
		case T_DeallocateStmt:
		case T_LoadStmt:
			return true;
		default:
			return false;
	}
}

/* The function that a call of name with two strings and a boolean is of. */
static Oid
called(List *name)
{
	Oid			types[] = {UNKNOWNOID, UNKNOWNOID, BOOLOID};
	Oid			function;
	Oid			type;
	bool		is_set;
	int			variadic_count;
	Oid			variadic;
	Oid		   *true_types;

	(void) func_get_detail(name, NIL, NIL, lengthof(types), types, true, true, false,
						   &function, &type, &is_set, &variadic_count, &variadic,
						   &true_types, NULL);
	return function;
}

bool
viflo_calls_another(Node *statement)
{
	ListCell   *cell;

	if (!IsA(statement, SelectStmt))
		return false;
	foreach(cell, ((SelectStmt *) statement)->targetList)
	{
		FuncCall   *call = castNode(FuncCall, lfirst_node(ResTarget, cell)->val);

		if (list_length(call->funcname) == 1 && called(call->funcname) != F_SET_CONFIG)
			return true;
	}
	return false;
}

/* Marked as temporary, or named to be in the temporary schema. */
static bool
is_temporary(const RangeVar *relation)
{
	return relation->relpersistence == RELPERSISTENCE_TEMP ||
		(relation->schemaname != NULL && strcmp(relation->schemaname, "pg_temp") == 0);
}

bool
viflo_makes_temporary(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			return is_temporary(((CreateStmt *) statement)->relation);
		case T_CreateTableAsStmt:
			return is_temporary(((CreateTableAsStmt *) statement)->into->rel);
		case T_CreateSeqStmt:
			return is_temporary(((CreateSeqStmt *) statement)->sequence);
		case T_ViewStmt:
			return is_temporary(((ViewStmt *) statement)->view);
		case T_SelectStmt:
			return ((SelectStmt *) statement)->intoClause != NULL &&
				is_temporary(((SelectStmt *) statement)->intoClause->rel);
		default:
			return false;
	}
}

bool
viflo_commits_midway(const VifloStatement *statement)
{
	return statement->forbidden != NULL ||
		IsA(statement->raw->stmt, DoStmt) || IsA(statement->raw->stmt, CallStmt);
}

bool
viflo_leaves_a_part(const VifloStatement *statement)
{
	switch (nodeTag(statement->raw->stmt))
	{
		case T_DoStmt:
		case T_CallStmt:
			return true;
		case T_AlterTableStmt:
			return statement->forbidden != NULL;
		default:
			return false;
	}
}
