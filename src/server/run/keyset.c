/*-------------------------------------------------------------------------
 * keyset.c
 *	  The rows of a table in ranges of a key.
 *
 * Keys compare by the default btree operators of the column's type, named by
 * their OIDs' schemas, so that no search_path counts; and in the column's
 * collation.  An index of that very order must exist on every table that has
 * rows: a search reads a part of it, from one end, and its planner may choose
 * nothing else, as each search would otherwise cost a scan of the table where
 * statistics are wrong or the table is not clustered.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "run/keyset.h"
#include "run/prepared.h"

/* Takes the first column of the last row. */
typedef struct KeyReceiver
{
	DestReceiver receiver;
	const VifloKeySet *keys;
	MemoryContext context;		/* of the result */
	bool		found;
	Datum		key;
} KeyReceiver;

/* ---- opening ---- */

static char *
read_column_name(const char *column)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(column));

	if (list_length(names) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("key \"%s\" is not the name of one column", column)));
	return pstrdup(strVal(linitial(names)));
}

/* Does the index have all rows of its table, in the order of the key? */
static bool
index_has_order(Relation index, AttrNumber attnum, const VifloKeySet *keys, Oid collation)
{
	Form_pg_index form = index->rd_index;
	bool		descending;
	bool		nulls_first;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid ||
		form->indkey.values[0] != attnum || index->rd_opfamily[0] != keys->family ||
		index->rd_indcollation[0] != collation ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;

	/* Nulls stand where ORDER BY has them by default, or it cannot be used. */
	descending = (index->rd_indoption[0] & INDOPTION_DESC) != 0;
	nulls_first = (index->rd_indoption[0] & INDOPTION_NULLS_FIRST) != 0;
	return descending == nulls_first;
}

static bool
has_index(Relation relation, AttrNumber attnum, const VifloKeySet *keys, Oid collation)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;
	bool		found = false;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found = index_has_order(index, attnum, keys, collation);
		index_close(index, NoLock);
		if (found)
			break;
	}
	list_free(indexes);
	return found;
}

/* A table below may lack what it had from the one above. */
static void
check_not_null(Relation relation, AttrNumber attnum, const VifloKeySet *keys)
{
	if (!viflo_column_is_not_null(RelationGetDescr(relation), attnum))
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("key \"%s\" of table \"%s\" may be null",
						keys->column, RelationGetRelationName(relation)),
				 errdetail("Rows whose key is null would be in no range of the backfill."),
				 errhint("Set the column NOT NULL, or choose another key.")));
}

/* Looks at the table and at those below it, which may have the rows. */
static void
check_tables(VifloKeySet *keys, Oid collation)
{
	List	   *tables = find_all_inheritors(keys->table, AccessShareLock, NULL);
	ListCell   *cell;

	foreach(cell, tables)
	{
		Relation	relation;
		AttrNumber	attnum;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		relation = table_open(lfirst_oid(cell), NoLock);
		attnum = get_attnum(lfirst_oid(cell), keys->column);
		check_not_null(relation, attnum, keys);
		keys->rows += Max(relation->rd_rel->reltuples, 0);
		found = relation->rd_rel->relkind != RELKIND_RELATION ||
			has_index(relation, attnum, keys, collation);
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" has no index that begins with key \"%s\"",
							RelationGetRelationName(relation), keys->column),
					 errdetail("Without one, each range of the backfill would read the whole table."),
					 errhint("Create a btree index on the column, or choose a key that has one.")));
		table_close(relation, NoLock);
	}
	list_free(tables);
}

/* Takes the key's type apart. */
static void
read_type(VifloKeySet *keys, Oid column_type)
{
	Oid			base = getBaseType(column_type);
	TypeCacheEntry *entry = lookup_type_cache(base, TYPECACHE_BTREE_OPFAMILY);

	if (!OidIsValid(entry->btree_opf))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s of key \"%s\" has no order", format_type_be(column_type), keys->column),
				 errhint("Choose a key of a type that has a btree operator class.")));
	keys->family = entry->btree_opf;
	keys->family_type = entry->btree_opintype;

	/*
	 * Types that only borrow another's operators are passed as that: oid for
	 * regclass.
	 */
	keys->type = get_typtype(entry->btree_opintype) == TYPTYPE_PSEUDO ? base : entry->btree_opintype;
	get_typlenbyval(keys->type, &keys->length, &keys->by_value);
}

List *
viflo_keyset_operator(const VifloKeySet *keys, int strategy)
{
	Oid			oid = get_opfamily_member(keys->family, keys->family_type, keys->family_type, strategy);
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	Form_pg_operator form;
	List	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "missing operator %d of operator family %u", strategy, keys->family);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = list_make2(makeString(get_namespace_name(form->oprnamespace)),
					  makeString(pstrdup(NameStr(form->oprname))));
	ReleaseSysCache(tuple);
	return name;
}

/* "column OPERATOR(schema.op) $parameter" */
static char *
comparison(const VifloKeySet *keys, int strategy, int parameter)
{
	List	   *name = viflo_keyset_operator(keys, strategy);

	return psprintf("%s OPERATOR(%s.%s) $%d", quote_identifier(keys->column),
					quote_identifier(strVal(linitial(name))), strVal(lsecond(name)), parameter);
}

/* IS NOT NULL would leave out composite keys that have a null in them. */
static void
prepare_search(VifloKeySet *keys, VifloKeySearch search)
{
	const char *column = quote_identifier(keys->column);
	Oid			types[] = {keys->type, keys->type, INT8OID};
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s FROM %s", column, keys->table_name);
	if (search == VIFLO_KEY_NEXT || search == VIFLO_KEY_END)
		appendStringInfo(&text, " WHERE %s AND %s",
						 comparison(keys, search == VIFLO_KEY_NEXT ?
									BTGreaterStrategyNumber : BTGreaterEqualStrategyNumber, 1),
						 comparison(keys, BTLessEqualStrategyNumber, 2));
	else
		appendStringInfo(&text, " WHERE %s IS DISTINCT FROM NULL", column);
	appendStringInfo(&text, " ORDER BY %s%s", column, search == VIFLO_KEY_HIGHEST ? " DESC" : "");
	appendStringInfo(&text, "%s LIMIT 1", search == VIFLO_KEY_END ? " OFFSET $3" : "");

	keys->searches[search] =
		viflo_prepare(linitial_node(RawStmt, raw_parser(text.data, RAW_PARSE_DEFAULT)),
					  text.data, types, lengthof(types));
}

void
viflo_keyset_open(VifloKeySet *keys, const char *table, const char *column)
{
	RangeVar   *name = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(table)));
	Relation	relation;
	AttrNumber	attnum;
	Form_pg_attribute attribute;

	memset(keys, 0, sizeof(*keys));
	keys->column = read_column_name(column);
	relation = relation_openrv(name, AccessShareLock);
	keys->table = RelationGetRelid(relation);
	keys->schema = get_namespace_name(RelationGetNamespace(relation));
	keys->relation = pstrdup(RelationGetRelationName(relation));
	keys->table_name = quote_qualified_identifier(keys->schema, keys->relation);

	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", keys->relation)));
	attnum = get_attnum(keys->table, keys->column);
	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("key \"%s\" is not a column of table \"%s\"", keys->column, keys->relation)));
	attribute = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	read_type(keys, attribute->atttypid);
	check_tables(keys, attribute->attcollation);
	relation_close(relation, NoLock);

	for (VifloKeySearch search = 0; search < VIFLO_KEY_SEARCHES; search++)
		prepare_search(keys, search);
}

void
viflo_keyset_keep(VifloKeySet *keys)
{
	for (VifloKeySearch search = 0; search < VIFLO_KEY_SEARCHES; search++)
		viflo_prepared_keep(keys->searches[search]);
}

void
viflo_keyset_close(VifloKeySet *keys)
{
	for (VifloKeySearch search = 0; search < VIFLO_KEY_SEARCHES; search++)
	{
		viflo_prepared_drop(keys->searches[search]);
		keys->searches[search] = NULL;
	}
}

/* ---- searching ---- */

Datum
viflo_keyset_copy(const VifloKeySet *keys, Datum key)
{
	if (keys->length == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(key));
	return datumCopy(key, keys->by_value, keys->length);
}

static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *receiver = (KeyReceiver *) self;
	bool		isnull;
	Datum		key = slot_getattr(slot, 1, &isnull);

	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(receiver->context);

		receiver->found = true;
		receiver->key = viflo_keyset_copy(receiver->keys, key);
		MemoryContextSwitchTo(old);
	}
	return true;
}

static void
start_receiving(DestReceiver *self, int operation, TupleDesc descriptor)
{
}

static void
stop_receiving(DestReceiver *self)
{
}

static void
set_option(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

bool
viflo_keyset_find(const VifloKeySet *keys, VifloKeySearch search,
				  Datum first, Datum last, int rows, Datum *key)
{
	KeyReceiver receiver = {
		.receiver = {
			.receiveSlot = receive_key,
			.rStartup = start_receiving,
			.rShutdown = stop_receiving,
			.rDestroy = stop_receiving,
			.mydest = DestNone
		},
		.keys = keys,
		.context = CurrentMemoryContext
	};
	CachedPlanSource *prepared = keys->searches[search];
	bool		between = search == VIFLO_KEY_NEXT || search == VIFLO_KEY_END;
	Oid			types[] = {keys->type, keys->type, INT8OID};
	Datum		values[] = {first, last, Int64GetDatum(rows - 1)};
	ParamListInfo parameters = NULL;
	int			level = NewGUCNestLevel();

	set_option("enable_seqscan", "off");
	set_option("enable_bitmapscan", "off");
	set_option("enable_sort", "off");
	if (between)
		parameters = viflo_prepared_parameters(types, values, lengthof(types));
	viflo_prepared_run(prepared, parameters, &receiver.receiver, NULL);
	AtEOXact_GUC(false, level);

	*key = receiver.key;
	return receiver.found;
}

/* ---- as text ---- */

/* Settings that the text of a value or a name depends on, and one text for each. */
static int
begin_text(void)
{
	int			level = NewGUCNestLevel();

	set_option("DateStyle", "ISO, YMD");
	set_option("IntervalStyle", "postgres");
	set_option("extra_float_digits", "1");
	set_option("lc_monetary", "C");
	set_option("quote_all_identifiers", "off");
	return level;
}

char *
viflo_keyset_name(const VifloKeySet *keys)
{
	int			level = begin_text();
	char	   *table = quote_qualified_identifier(keys->schema, keys->relation);
	char	   *name = psprintf("%s.%s", table, quote_identifier(keys->column));

	AtEOXact_GUC(false, level);
	pfree(table);
	return name;
}

char *
viflo_keyset_text(const VifloKeySet *keys, Datum key)
{
	int			level = begin_text();
	Oid			function;
	bool		is_varlena;
	char	   *text;

	getTypeOutputInfo(keys->type, &function, &is_varlena);
	text = OidOutputFunctionCall(function, key);
	AtEOXact_GUC(false, level);
	return text;
}

Datum
viflo_keyset_value(const VifloKeySet *keys, const char *text)
{
	int			level = begin_text();
	Oid			function;
	Oid			parameter;
	Datum		key;

	getTypeInputInfo(keys->type, &function, &parameter);
	key = OidInputFunctionCall(function, pstrdup(text), parameter, -1);
	AtEOXact_GUC(false, level);
	return key;
}
