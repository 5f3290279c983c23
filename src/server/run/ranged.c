/*-------------------------------------------------------------------------
 * ranged.c
 *	  The statement of a backfill.
 *
 * Phases: the lexer finds :from and :to, which are overwritten in a copy of
 * the text with parameters of the same length, so that positions stay true;
 * the grammar reads the copy; what can go wrong with ranges is looked for in
 * its tree; a range that the statement does not say is added to the tree, as
 * two comparisons by the key's own operators.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/namespace.h"
#include "common/keywords.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/scanner.h"
#include "utils/lsyscache.h"

#include "common/sqlstate.h"
#include "report.h"
#include "run/ranged.h"
#include "run/split.h"

/* What the lexer's pass finds: whether and where the placeholders are first. */
typedef struct Placeholders
{
	int			from;			/* offset, or -1 */
	int			to;
} Placeholders;

/* errposition() of a byte offset */
static int
errposition_at(const char *text, int offset)
{
	return errposition(offset < 0 ? 0 : pg_mbstrlen_with_len(text, offset) + 1);
}

/* Does the word, unquoted and in whatever case, stand at offset and end there? */
static bool
word_at(const char *text, int offset, const char *word)
{
	size_t		length = strlen(word);
	unsigned char next;

	if (pg_strncasecmp(text + offset, word, length) != 0)
		return false;
	next = text[offset + length];
	return !isalnum(next) && !IS_HIGHBIT_SET(next) && next != '_' && next != '$';
}

/* Replaces the placeholders in working, a copy of text. */
static Placeholders
replace_placeholders(const char *text, char *working)
{
	Placeholders found = {-1, -1};
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		offset;
	int			token;

	scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	extra.escape_string_warning = false;
	while ((token = core_yylex(&value, &offset, scanner)) != 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == ':' && word_at(text, offset + 1, "from"))
		{
			memcpy(working + offset, " $1  ", 5);
			if (found.from < 0)
				found.from = offset;
		}
		else if (token == ':' && word_at(text, offset + 1, "to"))
		{
			memcpy(working + offset, " $2", 3);
			if (found.to < 0)
				found.to = offset;
		}
		else if (text[offset] == '$' && isdigit((unsigned char) text[offset + 1]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_PARAMETER),
					 errmsg("there is no parameter $%d", atoi(text + offset + 1)),
					 errhint("The ends of a range are :from and :to."),
					 errposition_at(text, offset)));
	}
	scanner_finish(scanner);
	return found;
}

/* Is it a statement for ranges at all?  NULL: it is. */
static const char *
what_is_wrong(Node *statement, bool says_range)
{
	if (IsA(statement, UpdateStmt) || IsA(statement, DeleteStmt))
		return NULL;
	if (!IsA(statement, InsertStmt))
		return "a backfill must be an UPDATE, a DELETE or an INSERT";
	return says_range ? NULL : "an INSERT for a backfill must say with :from and :to which rows belong to a range";
}

static void
check_placeholders(const Placeholders *found, const char *text)
{
	if ((found->from < 0) == (found->to < 0))
		return;
	ereport(ERROR,
			(viflo_errcode(VIFLO_INVALID_SCRIPT),
			 found->from < 0 ?
			 errmsg("backfill has :to, but no :from") : errmsg("backfill has :from, but no :to"),
			 errhint("Use both, as in \"key BETWEEN :from AND :to\", or none, to have the condition added."),
			 errposition_at(text, Max(found->from, found->to))));
}

void
viflo_ranged_read(VifloRanged *ranged, const char *section, size_t length)
{
	char	   *text = pnstrdup(section, length);
	char	   *working = pstrdup(text);
	Placeholders found = replace_placeholders(text, working);
	VifloStatements *statements = viflo_split(working, strlen(working));
	const VifloStatement *statement = &statements->statements[0];
	const char *wrong;

	if (statements->count == 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_SCRIPT),
				 errmsg("backfill section has no statement")));
	if (statements->count > 1)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_SCRIPT),
				 errmsg("backfill has more than one statement"),
				 errhint("It runs once for each range; put what is to run once into the up section, or another backfill into another revision."),
				 errposition_at(text, statements->statements[1].location)));
	ranged->says_range = found.from >= 0 && found.to >= 0;
	wrong = what_is_wrong(statement->raw->stmt, ranged->says_range);
	if (wrong != NULL)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_SCRIPT),
				 errmsg_internal("%s", wrong),
				 errposition_at(text, statement->location)));
	check_placeholders(&found, text);

	ranged->text = statements->text;
	ranged->raw = statement->raw;
	ranged->location = statement->location;
	ranged->length = statement->length;
	ranged->line = statement->line;
	pfree(working);
	pfree(text);
}

/* ---- fitting it to a key ---- */

/* What the walk over the tree is for. */
typedef struct Walk
{
	const char *column;
	const char *text;
} Walk;

/* What a cast or a collation is put on. */
static Node *
bare(Node *node)
{
	for (;;)
	{
		if (node != NULL && IsA(node, TypeCast))
			node = ((TypeCast *) node)->arg;
		else if (node != NULL && IsA(node, CollateClause))
			node = ((CollateClause *) node)->arg;
		else
			return node;
	}
}

static bool
is_end(Node *node, int number)
{
	node = bare(node);
	return node != NULL && IsA(node, ParamRef) && ((ParamRef *) node)->number == number;
}

static bool
is_key(Node *node, const char *column)
{
	node = bare(node);
	if (node == NULL || !IsA(node, ColumnRef))
		return false;
	node = llast(((ColumnRef *) node)->fields);
	return IsA(node, String) && strcmp(strVal(node), column) == 0;
}

/*
 * Raises for a comparison of the key that leaves out an end of the range:
 * the row there would be in no other range either.
 */
static bool
check_comparisons(Node *node, void *context)
{
	const Walk *walk = (const Walk *) context;

	if (node == NULL)
		return false;
	if (IsA(node, A_Expr) && ((A_Expr *) node)->kind == AEXPR_OP)
	{
		A_Expr	   *expression = (A_Expr *) node;
		const char *operator = strVal(llast(expression->name));
		bool		greater = strcmp(operator, ">") == 0;
		bool		less = strcmp(operator, "<") == 0;
		bool		key_left = is_key(expression->lexpr, walk->column);
		bool		key_right = is_key(expression->rexpr, walk->column);

		if ((greater && key_left && is_end(expression->rexpr, 1)) ||
			(less && key_right && is_end(expression->lexpr, 1)) ||
			(less && key_left && is_end(expression->rexpr, 2)) ||
			(greater && key_right && is_end(expression->lexpr, 2)))
			ereport(ERROR,
					(viflo_errcode(VIFLO_INVALID_SCRIPT),
					 errmsg("\"%s\" leaves out a row at the end of each range", operator),
					 errhint("Both ends belong to a range: use >= and <=, or BETWEEN :from AND :to."),
					 errposition_at(walk->text, expression->location)));
	}
	return raw_expression_tree_walker(node, check_comparisons, context);
}

/*
 * A changed key might be met again, or jumped over.  A generated one changes
 * with what it is made of.
 */
static void
check_key_is_kept(const UpdateStmt *update, const VifloKeySet *keys, const char *text)
{
	ListCell   *cell;

	foreach(cell, update->targetList)
	{
		ResTarget  *target = lfirst_node(ResTarget, cell);

		if (target->name != NULL && strcmp(target->name, keys->column) == 0)
			ereport(ERROR,
					(viflo_errcode(VIFLO_INVALID_SCRIPT),
					 errmsg("a backfill cannot change its own key \"%s\"", keys->column),
					 errhint("Choose a key that stays as it is."),
					 errposition_at(text, target->location)));
	}
	if (get_attgenerated(keys->table, get_attnum(keys->table, keys->column)))
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_SCRIPT),
				 errmsg("a backfill cannot change a table by its generated key \"%s\"", keys->column),
				 errdetail("The key changes with the columns that it is made of."),
				 errhint("Choose a key that stays as it is."),
				 errposition_at(text, update->relation->location)));
}

/* The key's column, of the statement's own table and no other in it. */
static Node *
key_of(const RangeVar *target, const VifloKeySet *keys)
{
	ColumnRef  *column = makeNode(ColumnRef);

	column->location = -1;
	if (target->alias != NULL)
		column->fields = list_make2(makeString(target->alias->aliasname),
									makeString(keys->column));
	else
		column->fields = list_make3(makeString(keys->schema), makeString(keys->relation),
									makeString(keys->column));
	return (Node *) column;
}

static Node *
comparison(const RangeVar *target, const VifloKeySet *keys, int strategy, int number)
{
	ParamRef   *end = makeNode(ParamRef);

	end->number = number;
	end->location = -1;
	return (Node *) makeA_Expr(AEXPR_OP, viflo_keyset_operator(keys, strategy),
							   key_of(target, keys), (Node *) end, -1);
}

static void
add_range(Node **where, const RangeVar *target, const VifloKeySet *keys)
{
	List	   *conditions = list_make2(comparison(target, keys, BTGreaterEqualStrategyNumber, 1),
										comparison(target, keys, BTLessEqualStrategyNumber, 2));

	if (*where != NULL)
		conditions = lcons(*where, conditions);
	*where = (Node *) makeBoolExpr(AND_EXPR, conditions, -1);
}

void
viflo_ranged_bind(VifloRanged *ranged, const VifloKeySet *keys)
{
	Node	   *statement = ranged->raw->stmt;
	Walk		walk = {keys->column, ranged->text};
	RangeVar   *target;
	bool		own;

	if (IsA(statement, UpdateStmt))
		target = ((UpdateStmt *) statement)->relation;
	else if (IsA(statement, DeleteStmt))
		target = ((DeleteStmt *) statement)->relation;
	else
		target = castNode(InsertStmt, statement)->relation;
	ranged->target = RangeVarGetRelid(target, NoLock, true);
	own = ranged->target == keys->table;

	if (own && IsA(statement, UpdateStmt))
		check_key_is_kept((UpdateStmt *) statement, keys, ranged->text);
	if (ranged->says_range)
		(void) check_comparisons(statement, &walk);
	else if (!own)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_SCRIPT),
				 errmsg("a range of %s does not say which rows of another table belong to it", keys->table_name),
				 errhint("Say so in the statement, with :from and :to."),
				 errposition_at(ranged->text, target->location)));
	else if (IsA(statement, UpdateStmt))
		add_range(&((UpdateStmt *) statement)->whereClause, target, keys);
	else
		add_range(&((DeleteStmt *) statement)->whereClause, target, keys);
}
