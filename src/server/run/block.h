/*-------------------------------------------------------------------------
 * block.h
 *	  The course of a script that runs at top level, told from its parse
 *	  trees: where its transaction blocks begin and end, and what its
 *	  statements leave in the session.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_BLOCK_H
#define VIFLO_BLOCK_H

#include "run/split.h"

/* What a statement means for the transaction block it stands in. */
typedef enum VifloBlockStep
{
	VIFLO_BLOCK_NONE,			/* nothing */
	VIFLO_BLOCK_BEGIN,
	VIFLO_BLOCK_COMMIT,			/* COMMIT, also AND CHAIN */
	VIFLO_BLOCK_ROLLBACK,		/* ROLLBACK, not AND CHAIN */
	VIFLO_BLOCK_ROLLBACK_CHAIN,
	VIFLO_BLOCK_PREPARE,		/* PREPARE TRANSACTION */
	VIFLO_BLOCK_OTHER			/* savepoints, SET TRANSACTION */
} VifloBlockStep;

extern VifloBlockStep viflo_block_step(Node *statement);

/*
 * Index of the last statement of what begins at first: a transaction block,
 * or a statement by itself.  in_block: first is within a block.  Returns
 * statements->count for a block that the script does not end.
 */
extern int	viflo_block_last(const VifloStatements *statements, int first, bool in_block);

/* Index of the statement that opened the block which is open before at; -1: none is. */
extern int	viflo_block_opener(const VifloStatements *statements, int at);

/* Raises when the script ends within a block. */
extern void viflo_block_check_closed(const VifloStatements *statements);

/*
 * Does the statement change the session beyond its transaction, and nothing
 * else: settings, role, prepared statements, libraries?  False where a tree
 * cannot tell.
 */
extern bool viflo_leaves_in_session(Node *statement);

/*
 * In a transaction, for such a statement: does it call something else than the
 * server's set_config(), which another function hides from it?
 */
extern bool viflo_calls_another(Node *statement);

/* Does it make a temporary table, view or sequence? */
extern bool viflo_makes_temporary(Node *statement);

/*
 * Can it commit a part of its work before it ends?  Then what it has done when
 * it fails or is cut off is not known.
 */
extern bool viflo_commits_midway(const VifloStatement *statement);

/* Can what it has committed stay behind when it fails, indexes aside? */
extern bool viflo_leaves_a_part(const VifloStatement *statement);

#endif							/* VIFLO_BLOCK_H */
