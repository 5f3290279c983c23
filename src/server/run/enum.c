/*-------------------------------------------------------------------------
 * enum.c
 *	  New values of enum types that are themselves new in the transaction.
 *
 * The server keeps a list of enum values that ADD VALUE made and that are not
 * committed.  It refuses to use them, since an index might keep one after
 * a rollback.  For a type made in the same transaction that cannot be: all
 * that could hold its values goes with it.  PostgreSQL 17 knows that; before
 * it, the list is rewritten here without them, by the functions that hand it to
 * parallel workers.
 *
 * A type is new when one of its values was inserted by this transaction
 * and is not of the list: it came with CREATE TYPE.  A type that only looks
 * old (all its rows were rewritten since) is left to the server's rule.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_enum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "run/enum.h"

#ifdef VIFLO_ENUM_VALUES_OF_NEW_TYPES_UNSAFE

/* The list in the form that workers get it: values, ended by InvalidOid. */
static Oid *
read_list(Size size)
{
	Oid		   *list = palloc(size);

	SerializeUncommittedEnums(list, size);
	return list;
}

static bool
list_contains(const Oid *list, Oid value)
{
	for (; OidIsValid(*list); list++)
		if (*list == value)
			return true;
	return false;
}

/* Type of an enum value; InvalidOid if it is gone. */
static Oid
type_of_value(Oid value)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	Oid			type = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		type = ((Form_pg_enum) GETSTRUCT(tuple))->enumtypid;
		ReleaseSysCache(tuple);
	}
	return type;
}

static bool
is_new_type(Oid type, const Oid *list)
{
	Relation	relation = table_open(EnumRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(relation, EnumTypIdLabelIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = (tuple->t_data->t_infomask & HEAP_UPDATED) == 0 &&
			TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)) &&
			!list_contains(list, ((Form_pg_enum) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

void
viflo_enum_settle(void)
{
	static TransactionId seen_in = InvalidTransactionId;
	static Size seen_size = 0;
	Size		size = EstimateUncommittedEnumsSpace();
	Oid		   *list;
	Oid		   *kept;
	int			count = 0;

	/* The list's end mark alone, or no more than was there last time. */
	if (size <= sizeof(Oid) ||
		(size == seen_size && seen_in == GetTopTransactionIdIfAny()))
		return;

	CommandCounterIncrement();
	list = read_list(size);
	kept = palloc0(size);
	for (const Oid *value = list; OidIsValid(*value); value++)
	{
		Oid			type = type_of_value(*value);

		if (!OidIsValid(type) || !is_new_type(type, list))
			kept[count++] = *value;
	}

	/* What is emptied lives until the transaction ends: not without need. */
	if (sizeof(Oid) * (count + 1) < size)
	{
		AtEOXact_Enum();
		RestoreUncommittedEnums(kept);
	}
	seen_in = GetTopTransactionIdIfAny();
	seen_size = EstimateUncommittedEnumsSpace();
	pfree(list);
	pfree(kept);
}

#else

void
viflo_enum_settle(void)
{
}

#endif
