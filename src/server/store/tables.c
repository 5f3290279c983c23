/*-------------------------------------------------------------------------
 * tables.c
 *	  The tables of schema viflo: columns, reading, writing.
 *
 * Scans run with SnapshotAny and decide themselves which row versions are
 * visible, by the newest MVCC snapshot.  That gives one consistent state,
 * newer than the snapshot of a REPEATABLE READ caller, and, as only MVCC
 * scans take predicate locks, none of those.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "store/tables.h"

/* Columns that this module knows. */
static const int table_columns[] = {
	VIFLO_REVISION_COLUMNS,
	VIFLO_APPLIED_COLUMNS,
	VIFLO_LOG_COLUMNS,
	VIFLO_SETTLED_COLUMNS,
	VIFLO_UNFINISHED_COLUMNS,
	VIFLO_JOB_COLUMNS
};

/* More key columns than any primary key of ours has. */
#define MAX_KEYS 4

static const char *const table_names[] = {
	"revision", "applied", "log", "settled", "unfinished", "job"
};
static const char *const primary_key_names[] = {
	"revision_pkey", "applied_pkey", "log_pkey", "settled_pkey", "unfinished_pkey", "job_pkey"
};

static uint64 generations[lengthof(table_names)];

uint64
viflo_table_generation(VifloTable table)
{
	return generations[table];
}

static Oid
relation_oid(const char *name)
{
	Oid			schema = get_namespace_oid("viflo", true);
	Oid			oid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation \"viflo.%s\" does not exist", name),
				 OidIsValid(schema) ? errhint("Run ALTER EXTENSION viflo_migrate UPDATE.") :
				 errhint("Install the extension with CREATE EXTENSION viflo_migrate.")));
	return oid;
}

Oid
viflo_table_oid(VifloTable table)
{
	return relation_oid(table_names[table]);
}

bool
viflo_table_exists(VifloTable table)
{
	Oid			schema = get_namespace_oid("viflo", true);

	return OidIsValid(schema) && OidIsValid(get_relname_relid(table_names[table], schema));
}

bool
viflo_table_is_readable(VifloTable table)
{
	return pg_class_aclcheck(viflo_table_oid(table), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

Oid
viflo_log_sequence_oid(void)
{
	return relation_oid("log_id_seq");
}

Oid
viflo_job_sequence_oid(void)
{
	return relation_oid("job_id_seq");
}

static _Noreturn void
raise_old_table(VifloTable table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"viflo.%s\" is of an older version than the installed module",
					table_names[table]),
			 errhint("Run ALTER EXTENSION viflo_migrate UPDATE.")));
}

/*
 * How many of the columns that this module knows the table has.  That of
 * repeatable revisions may be missing: the extension's own scripts register a
 * revision before they add it.
 */
static int
known_columns(VifloTable table, TupleDesc descriptor)
{
	const int	last = VIFLO_REVISION_REPEATABLE;

	if (table == VIFLO_TABLE_REVISION &&
		(descriptor->natts < last ||
		 strcmp(NameStr(TupleDescAttr(descriptor, last - 1)->attname), "repeatable") != 0 ||
		 TupleDescAttr(descriptor, last - 1)->atttypid != TEXTOID))
		return last - 1;
	return table_columns[table];
}

/*
 * A newer module with the tables of an older version of the extension, or
 * tables that a user has added columns to, must not be misread.
 */
static Relation
open_table(VifloTable table, LOCKMODE lockmode)
{
	Relation	relation = table_open(viflo_table_oid(table), lockmode);
	int			natts = RelationGetDescr(relation)->natts;

	if (natts < known_columns(table, RelationGetDescr(relation)))
		raise_old_table(table);
	if (natts > VIFLO_TABLE_MAX_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"viflo.%s\" has more columns than the installed module can read",
						table_names[table])));
	return relation;
}

static void
begin_scan(VifloScan *scan, VifloTable table, ScanKey keys, int nkeys, Snapshot snapshot,
		   bool ordered)
{
	Oid			index = relation_oid(primary_key_names[table]);

	scan->relation = open_table(table, AccessShareLock);
	scan->missing_from = known_columns(table, RelationGetDescr(scan->relation));
	scan->missing_to = table_columns[table];
	scan->index = ordered ? index_open(index, AccessShareLock) : NULL;

	scan->owns_snapshot = (snapshot == NULL);
	scan->snapshot = scan->owns_snapshot ? RegisterSnapshot(GetLatestSnapshot()) : snapshot;
	if (ordered)
		scan->scan = systable_beginscan_ordered(scan->relation, scan->index, SnapshotAny,
												nkeys, keys);
	else
		scan->scan = systable_beginscan(scan->relation, index, true, SnapshotAny, nkeys, keys);
}

static void
begin_text_scan(VifloScan *scan, VifloTable table, const char *const *keys, int nkeys,
				Snapshot snapshot, bool ordered)
{
	ScanKeyData scankeys[MAX_KEYS];

	Assert(nkeys <= MAX_KEYS);

	for (int i = 0; i < nkeys; i++)
		ScanKeyEntryInitialize(&scankeys[i], 0, i + 1, BTEqualStrategyNumber,
							   InvalidOid, C_COLLATION_OID, F_TEXTEQ,
							   CStringGetTextDatum(keys[i]));
	begin_scan(scan, table, scankeys, nkeys, snapshot, ordered);
}

void
viflo_scan_begin(VifloScan *scan, VifloTable table,
				 const char *const *keys, int nkeys, Snapshot snapshot)
{
	begin_text_scan(scan, table, keys, nkeys, snapshot, false);
}

void
viflo_scan_begin_ordered(VifloScan *scan, VifloTable table,
						 const char *const *keys, int nkeys, Snapshot snapshot)
{
	begin_text_scan(scan, table, keys, nkeys, snapshot, true);
}

void
viflo_scan_begin_id(VifloScan *scan, VifloTable table, int64 id)
{
	ScanKeyData scankey;

	ScanKeyInit(&scankey, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	begin_scan(scan, table, &scankey, 1, NULL, false);
}

bool
viflo_scan_next(VifloScan *scan)
{
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = scan->index ?
							systable_getnext_ordered(scan->scan, ForwardScanDirection) :
							systable_getnext(scan->scan)))
	{
		CHECK_FOR_INTERRUPTS();
		if (!table_tuple_satisfies_snapshot(scan->relation, scan->scan->slot,
											scan->snapshot))
			continue;
		heap_deform_tuple(tuple, RelationGetDescr(scan->relation),
						  scan->values, scan->nulls);
		for (int i = scan->missing_from; i < scan->missing_to; i++)
			scan->nulls[i] = true;
		scan->tid = tuple->t_self;
		return true;
	}
	return false;
}

void
viflo_scan_end(VifloScan *scan)
{
	if (scan->index)
		systable_endscan_ordered(scan->scan);
	else
		systable_endscan(scan->scan);
	if (scan->owns_snapshot)
		UnregisterSnapshot(scan->snapshot);
	if (scan->index)
		index_close(scan->index, AccessShareLock);
	table_close(scan->relation, AccessShareLock);
}

bool
viflo_scan_is(const VifloScan *scan, int column, const char *string)
{
	Datum		datum = scan->values[column - 1];
	size_t		length = strlen(string);
	struct varlena *value;
	bool		result;

	if (scan->nulls[column - 1])
		return false;
	value = PG_DETOAST_DATUM_PACKED(datum);
	result = VARSIZE_ANY_EXHDR(value) == length &&
		memcmp(VARDATA_ANY(value), string, length) == 0;
	if ((Pointer) value != DatumGetPointer(datum))
		pfree(value);
	return result;
}

char *
viflo_scan_text(const VifloScan *scan, int column)
{
	if (scan->nulls[column - 1])
		return NULL;
	return TextDatumGetCString(scan->values[column - 1]);
}

Datum
viflo_text_datum(const char *string, bool *isnull)
{
	*isnull = (string == NULL);
	return *isnull ? (Datum) 0 : CStringGetTextDatum(string);
}

/*
 * What one change of a table needs of the executor: it keeps whatever indexes
 * the table has, those of a user's own too.  Triggers of the table's rows are
 * left out: they are for changes that do not come from here.
 */
typedef struct Change
{
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *target;
	TupleTableSlot *slot;
} Change;

static void
begin_change(Change *change, VifloTable table)
{
	change->relation = open_table(table, RowExclusiveLock);
	change->estate = CreateExecutorState();
	change->target = makeNode(ResultRelInfo);
	InitResultRelInfo(change->target, change->relation, 0, NULL, 0);
	change->target->ri_TrigDesc = NULL;
	ExecOpenIndices(change->target, false);
	change->slot = MakeSingleTupleTableSlot(RelationGetDescr(change->relation),
											&TTSOpsVirtual);
}

/* The lock is kept until the transaction ends, as for any table written to. */
static void
end_change(Change *change)
{
	ExecDropSingleTupleTableSlot(change->slot);
	ExecCloseIndices(change->target);
	FreeExecutorState(change->estate);
	table_close(change->relation, NoLock);
	CommandCounterIncrement();
}

/* The default of a column that a user or a later version has added, or null. */
static Datum
default_value(Change *change, int attnum, bool *isnull)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(change->relation), attnum - 1);
	Node	   *expression = NULL;

	*isnull = true;
	if (!column->attisdropped)
		expression = build_column_default(change->relation, attnum);
	if (expression == NULL)
		return (Datum) 0;
	return ExecEvalExpr(ExecPrepareExpr((Expr *) expression, change->estate),
						GetPerTupleExprContext(change->estate), isnull);
}

static void
fill_slot(Change *change, VifloTable table, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = change->slot;
	int			natts = slot->tts_tupleDescriptor->natts;
	int			known = known_columns(table, slot->tts_tupleDescriptor);

	/* What a missing column would say may only be what it says by default. */
	for (int i = known; i < table_columns[table]; i++)
		if (!nulls[i] && values[i] != (Datum) 0)
			raise_old_table(table);
	ExecClearTuple(slot);
	for (int i = 0; i < natts; i++)
	{
		if (i < known)
		{
			slot->tts_isnull[i] = nulls[i];
			slot->tts_values[i] = nulls[i] ? (Datum) 0 : values[i];
		}
		else
			slot->tts_values[i] = default_value(change, i + 1, &slot->tts_isnull[i]);
	}
	ExecStoreVirtualTuple(slot);
}

void
viflo_table_insert(VifloTable table, const Datum *values, const bool *nulls)
{
	Change		change;

	begin_change(&change, table);
	fill_slot(&change, table, values, nulls);
	ExecSimpleRelationInsert(change.target, change.estate, change.slot);
	end_change(&change);
	generations[table]++;
}

void
viflo_table_update(VifloTable table, ItemPointer tid,
				   const Datum *values, const bool *nulls)
{
	viflo_table_delete(table, tid);
	viflo_table_insert(table, values, nulls);
}

void
viflo_table_delete(VifloTable table, ItemPointer tid)
{
	Relation	relation = open_table(table, RowExclusiveLock);
	TM_FailureData failure;
	TM_Result	result;

	result = table_tuple_delete(relation, tid, GetCurrentCommandId(true),
								InvalidSnapshot, InvalidSnapshot, true,
								&failure, false);
	/* Gone already: by somebody's SQL, which waits for no migrator. */
	if (result != TM_Ok && result != TM_Deleted)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a row of table \"viflo.%s\" was changed meanwhile",
						table_names[table])));
	table_close(relation, NoLock);
	CommandCounterIncrement();
	generations[table]++;
}
