/*-------------------------------------------------------------------------
 * copy.c
 *	  COPY ... FROM stdin whose data stands in the script.
 *
 * The server's own COPY command reads stdin from the client's connection
 * only, but its machinery takes data from a callback as well.  So what stands
 * before that machinery is done here: opening the table, its WHERE clause,
 * the checks of rights, row security and read-only transactions, in the order
 * and with the errors of the server's command.
 *
 * The callback gets no argument, therefore the data's place is static.  The
 * table is locked ROW EXCLUSIVE to the end of the transaction.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "commands/defrem.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "run/copy.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* What the callback has yet to hand out. */
typedef struct InlineData
{
	const char *data;
	int			left;
} InlineData;

static InlineData inline_data;

/* For the error context; on viflo_copy_inline's stack. */
typedef struct CopyPlace
{
	CopyFromState copy;
	VifloPlace *place;
	int			statement_line;
	int			data_line;
	int			data_lines;
} CopyPlace;

static int
read_inline_data(void *buffer, int least, int most)
{
	int			length = Min(inline_data.left, most);

	memcpy(buffer, inline_data.data, length);
	inline_data.data += length;
	inline_data.left -= length;
	return length;
}

static int
count_lines(const char *data, int length)
{
	const char *end = data + length;
	int			count = 0;

	while (data < end)
	{
		const char *line_end = memchr(data, '\n', end - data);

		count++;
		data = line_end ? line_end + 1 : end;
	}
	return count;
}

/*
 * Called after COPY's own callback, which says the line of the data, and
 * before the script's, which says the line of the script.  Once the data is
 * at its end, which is when AFTER triggers run, it is the statement's line.
 */
static void
copy_place_callback(void *arg)
{
	const CopyPlace *where = (const CopyPlace *) arg;
	uint64		data_line = where->copy->cur_lineno;

	if (data_line > 0 && data_line <= where->data_lines)
		where->place->line = where->data_line + data_line - 1;
	else
		where->place->line = where->statement_line;
}

/* Generated columns are computed after WHERE has chosen the rows. */
static void
check_no_generated_column(Relation relation, Node *where)
{
	TupleDesc	columns = RelationGetDescr(relation);
	Bitmapset  *used = NULL;
	bool		whole_row;

	pull_varattnos(where, 1, &used);
	whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (column->attgenerated &&
			(whole_row ||
			 bms_is_member(column->attnum - FirstLowInvalidHeapAttributeNumber, used)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("generated columns are not supported in COPY FROM WHERE conditions"),
					 errdetail("Column \"%s\" is a generated column.",
							   NameStr(column->attname))));
	}
}

/* The WHERE clause as the copy machinery wants it: a list of conditions. */
static Node *
transform_where(ParseState *pstate, Relation relation,
				ParseNamespaceItem *item, Node *where)
{
	addNSItemToQuery(pstate, item, false, true, true);
	where = transformExpr(pstate, where, EXPR_KIND_COPY_WHERE);
	where = coerce_to_boolean(pstate, where, "WHERE");
	assign_expr_collations(pstate, where);
	check_no_generated_column(relation, where);

	where = eval_const_expressions(NULL, where);
	where = (Node *) canonicalize_qual((Expr *) where, false);
	return (Node *) make_ands_implicit((Expr *) where);
}

static void
check_insert_rights(ParseState *pstate, Relation relation,
					ParseNamespaceItem *item, List *column_names)
{
	VifloRelationRights *rights = viflo_relation_rights(item);
	List	   *columns = CopyGetAttnums(RelationGetDescr(relation), relation,
										 column_names);
	ListCell   *cell;

	/* WHERE has added the right to read the columns that it reads. */
	rights->requiredPerms |= ACL_INSERT;
	foreach(cell, columns)
		rights->insertedCols =
		bms_add_member(rights->insertedCols,
					   lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	viflo_check_rights(pstate, rights);

	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY FROM not supported with row-level security"),
				 errhint("Use INSERT statements instead.")));

	if (XactReadOnly && !relation->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");
}

/*
 * The statement's options, with the encoding that the data is really in: what
 * the statement names, or the client's encoding, is what it was in before the
 * script came into the server.  A name that is none is left for COPY to say.
 */
static List *
options_of(const CopyStmt *stmt)
{
	List	   *options = NIL;
	bool		named = false;
	Node	   *encoding = (Node *) makeString(pstrdup(GetDatabaseEncodingName()));
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "encoding") == 0)
		{
			named = true;
			if (pg_char_to_encoding(defGetString(option)) >= 0)
				option->arg = encoding;
		}
		options = lappend(options, option);
	}
	if (!named)
		options = lappend(options, makeDefElem("encoding", encoding, -1));
	return options;
}

static uint64
copy_rows(CopyFromState copy, VifloPlace *place, int data_line)
{
	CopyPlace	where = {
		.copy = copy,
		.place = place,
		.statement_line = place->line,
		.data_line = data_line,
		.data_lines = count_lines(inline_data.data, inline_data.left)
	};
	ErrorContextCallback callback;
	uint64		rows;

	callback.callback = copy_place_callback;
	callback.arg = &where;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	rows = CopyFrom(copy);

	error_context_stack = callback.previous;
	return rows;
}

uint64
viflo_copy_inline(CopyStmt *stmt, const char *source,
				  int location, int length,
				  const char *data, int data_length,
				  VifloPlace *place, int data_line)
{
	ParseState *pstate = make_parsestate(NULL);
	InlineData	outer_data = inline_data;
	Relation	relation;
	ParseNamespaceItem *item;
	Node	   *where = NULL;
	CopyFromState copy;
	uint64		rows;

	pstate->p_sourcetext = source;

	relation = table_openrv(stmt->relation, RowExclusiveLock);
	item = addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock,
										 NULL, false, false);
	viflo_relation_rights(item)->requiredPerms = ACL_INSERT;
	if (stmt->whereClause)
		where = transform_where(pstate, relation, item, stmt->whereClause);
	check_insert_rights(pstate, relation, item, stmt->attlist);

	/* A trigger of the table may be run by a COPY of this kind, too. */
	PG_TRY();
	{
		inline_data.data = data ? data : "";
		inline_data.left = data ? data_length : 0;

		copy = BeginCopyFrom(pstate, relation, where, NULL, false, read_inline_data,
							 stmt->attlist, options_of(stmt));
		rows = copy_rows(copy, place, data_line);
		EndCopyFrom(copy);
	}
	PG_FINALLY();
	{
		inline_data = outer_data;
	}
	PG_END_TRY();

	table_close(relation, NoLock);
	free_parsestate(pstate);
	return rows;
}
