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
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "store/state.h"
#include "store/tables.h"

/* More key columns than any primary key of ours has. */
#define MAX_KEYS 4

static const char *const table_names[] = {"revision", "applied", "log", "settled"};
static const char *const primary_key_names[] = {"revision_pkey", "applied_pkey", "log_pkey", "settled_pkey"};

static Oid
relation_oid(const char *name)
{
	Oid			schema = get_namespace_oid("viflo", true);
	Oid			oid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation \"viflo.%s\" does not exist", name),
				 errhint("Install the extension with CREATE EXTENSION viflo_migrate.")));
	return oid;
}

Oid
viflo_table_oid(VifloTable table)
{
	return relation_oid(table_names[table]);
}

Oid
viflo_log_sequence_oid(void)
{
	return relation_oid("log_id_seq");
}

void
viflo_scan_begin(VifloScan *scan, VifloTable table,
				 const char *const *keys, int nkeys, Snapshot snapshot)
{
	ScanKeyData scankeys[MAX_KEYS];

	Assert(nkeys <= MAX_KEYS);

	scan->relation = table_open(viflo_table_oid(table), AccessShareLock);
	if (RelationGetDescr(scan->relation)->natts > VIFLO_TABLE_MAX_COLUMNS)
		elog(ERROR, "relation \"%s\" has more columns than this module knows",
			 RelationGetRelationName(scan->relation));

	scan->owns_snapshot = (snapshot == NULL);
	scan->snapshot = scan->owns_snapshot ? RegisterSnapshot(GetLatestSnapshot()) : snapshot;

	for (int i = 0; i < nkeys; i++)
		ScanKeyEntryInitialize(&scankeys[i], 0, i + 1, BTEqualStrategyNumber,
							   InvalidOid, C_COLLATION_OID, F_TEXTEQ,
							   CStringGetTextDatum(keys[i]));

	scan->scan = systable_beginscan(scan->relation,
									relation_oid(primary_key_names[table]),
									true, SnapshotAny, nkeys, scankeys);
}

bool
viflo_scan_next(VifloScan *scan)
{
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan->scan)))
	{
		CHECK_FOR_INTERRUPTS();
		if (!table_tuple_satisfies_snapshot(scan->relation, scan->scan->slot,
											scan->snapshot))
			continue;
		heap_deform_tuple(tuple, RelationGetDescr(scan->relation),
						  scan->values, scan->nulls);
		scan->tid = tuple->t_self;
		return true;
	}
	return false;
}

void
viflo_scan_end(VifloScan *scan)
{
	systable_endscan(scan->scan);
	if (scan->owns_snapshot)
		UnregisterSnapshot(scan->snapshot);
	table_close(scan->relation, AccessShareLock);
}

char *
viflo_scan_text(const VifloScan *scan, int column)
{
	if (scan->nulls[column - 1])
		return NULL;
	return TextDatumGetCString(scan->values[column - 1]);
}

/*
 * The lock is kept until the transaction ends, as for any table written to.
 */
void
viflo_table_insert(VifloTable table, const Datum *values, const bool *nulls)
{
	Relation	relation = table_open(viflo_table_oid(table), RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation),
										unconstify(Datum *, values),
										unconstify(bool *, nulls));

	CatalogTupleInsert(relation, tuple);
	heap_freetuple(tuple);
	table_close(relation, NoLock);
	CommandCounterIncrement();
	viflo_state_forget();
}

void
viflo_table_update(VifloTable table, ItemPointer tid,
				   const Datum *values, const bool *nulls)
{
	Relation	relation = table_open(viflo_table_oid(table), RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation),
										unconstify(Datum *, values),
										unconstify(bool *, nulls));

	CatalogTupleUpdate(relation, tid, tuple);
	heap_freetuple(tuple);
	table_close(relation, NoLock);
	CommandCounterIncrement();
	viflo_state_forget();
}

void
viflo_table_delete(VifloTable table, ItemPointer tid)
{
	Relation	relation = table_open(viflo_table_oid(table), RowExclusiveLock);

	CatalogTupleDelete(relation, tid);
	table_close(relation, NoLock);
	CommandCounterIncrement();
	viflo_state_forget();
}
