/*-------------------------------------------------------------------------
 * leftover.c
 *	  The INVALID indexes that a failed CREATE INDEX CONCURRENTLY or REINDEX
 *	  CONCURRENTLY leaves: which are ours, and dropping them.
 *
 * The hook is called by index_create(), just before that makes its catalog
 * entries visible to its own transaction; doing so a moment earlier is all
 * that writing our table needs.
 *
 * An index is dropped by its OID, as DROP INDEX CONCURRENTLY would: three
 * transactions, SHARE UPDATE EXCLUSIVE on the table and its index, waits for
 * whoever uses them.  That needs no right that creating it did not.  The last
 * transaction also takes the note out of the row, so that whatever happens
 * an index is noted for as long as it is there.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "observe/progress.h"
#include "run/attempt.h"
#include "run/leftover.h"
#include "run/needs_name.h"
#include "run/patience.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* The longest wait for a lock while an index is dropped. */
#define LOCK_WAIT	"2s"

/* On the stack of viflo_leftover_clean(). */
typedef struct Cleaning
{
	VifloUnfinished *unfinished;
	MemoryContext context;
	TimestampTz until;
	VifloNames *dropped;
} Cleaning;

/* What is being watched; NULL: nothing. */
static VifloUnfinished *watched = NULL;
static MemoryContext watched_context = NULL;
static Oid	watched_table = InvalidOid; /* of the last index that was noted */

static bool hook_installed = false;
static object_access_hook_type previous_hook = NULL;

/* "schema.index", palloc'd; NULL: there is no such relation. */
static char *
relation_name(Oid relation)
{
	char	   *name = get_rel_name(relation);
	char	   *schema;

	if (name == NULL)
		return NULL;
	schema = get_namespace_name(get_rel_namespace(relation));
	return schema ? quote_qualified_identifier(schema, name) : NULL;
}

static void
add_note(VifloNames *notes, Oid index)
{
	viflo_names_add(notes, psprintf("%u %s", index, relation_name(index)));
}

static Oid
note_oid(const char *note)
{
	return (Oid) strtoul(note, NULL, 10);
}

static const char *
note_name(const char *note)
{
	const char *space = strchr(note, ' ');

	return space ? space + 1 : "";
}

/* With room for viflo_names_add(), unlike a list that was read. */
static VifloNames
copy_notes(const VifloNames *notes)
{
	VifloNames	copy = {0, NULL};

	for (int i = 0; i < notes->count; i++)
		viflo_names_add(&copy, pstrdup(notes->names[i]));
	return copy;
}

/* Is the index there, and not valid? */
static bool
is_invalid_index(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = !((Form_pg_index) GETSTRUCT(tuple))->indisvalid;
	ReleaseSysCache(tuple);
	return result;
}

/* An index that we made, under the name that we made it by, and half done. */
static bool
is_half_done(const char *note)
{
	Oid			index = note_oid(note);
	char	   *name = relation_name(index);

	return name != NULL && strcmp(name, note_name(note)) == 0 && is_invalid_index(index);
}

/* An index whose place one of ours has taken. */
static bool
is_replaced(const VifloUnfinished *row, const char *note)
{
	Oid			index = note_oid(note);

	if (!is_invalid_index(index) || strstr(get_rel_name(index), "_ccold") == NULL)
		return false;
	for (int i = 0; i < row->created.count; i++)
	{
		char	   *name = relation_name(note_oid(row->created.names[i]));

		if (name != NULL && strcmp(name, note_name(note)) == 0)
			return true;
	}
	return false;
}

/*
 * Forgets what is over: REINDEX of a whole schema goes from table to table,
 * and what it has done with the ones before can no longer leave anything.
 */
static void
forget_what_is_over(void)
{
	VifloNames	created = {0, NULL};
	VifloNames	replaced = {0, NULL};

	for (int i = 0; i < watched->replaced.count; i++)
		if (get_rel_name(note_oid(watched->replaced.names[i])) != NULL)
			viflo_names_add(&replaced, watched->replaced.names[i]);
	for (int i = 0; i < watched->created.count; i++)
		if (is_half_done(watched->created.names[i]))
			viflo_names_add(&created, watched->created.names[i]);
	watched->created = created;
	watched->replaced = replaced;
}

/* REINDEX CONCURRENTLY makes a copy, named so, of each index it replaces. */
static bool
is_copy(Oid index)
{
	return strstr(get_rel_name(index), "_ccnew") != NULL;
}

static void
note_replaced(Oid table, Oid copy)
{
	Relation	relation = table_open(table, NoLock);
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		if (lfirst_oid(cell) != copy)
			add_note(&watched->replaced, lfirst_oid(cell));
	}
	list_free(indexes);
	table_close(relation, NoLock);
}

static void
note_index(Oid index, Oid table)
{
	MemoryContext old;

	CommandCounterIncrement();
	old = MemoryContextSwitchTo(watched_context);
	if (table != watched_table)
	{
		forget_what_is_over();
		if (is_copy(index))
			note_replaced(table, index);
		watched_table = table;
	}
	add_note(&watched->created, index);
	MemoryContextSwitchTo(old);

	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_unfinished_put(watched);
	PopActiveSnapshot();
}

/* Table of an index whose catalog entries may not be visible yet. */
static Oid
table_of_new_index(Oid index)
{
	Relation	relation = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			table = InvalidOid;

	ScanKeyInit(&key, Anum_pg_index_indexrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(index));
	scan = systable_beginscan(relation, IndexRelidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		table = ((Form_pg_index) GETSTRUCT(tuple))->indrelid;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return table;
}

static void
notice_object(ObjectAccessType access, Oid class, Oid object, int sub_object, void *argument)
{
	if (previous_hook)
		previous_hook(access, class, object, sub_object, argument);

	if (watched != NULL && access == OAT_POST_CREATE &&
		class == RelationRelationId && sub_object == 0)
	{
		Oid			table = table_of_new_index(object);

		if (OidIsValid(table))
			note_index(object, table);
	}
}

void
viflo_leftover_watch(VifloUnfinished *unfinished, MemoryContext context)
{
	if (!hook_installed)
	{
		previous_hook = object_access_hook;
		object_access_hook = notice_object;
		hook_installed = true;
	}
	watched = unfinished;
	watched_context = context;
	watched_table = InvalidOid;
}

void
viflo_leftover_unwatch(void)
{
	watched = NULL;
}

/*
 * Begins a transaction, with a snapshot, and goes to context, which outlives
 * it, as dropping an index concurrently ends transactions.
 */
static void
begin_transaction(MemoryContext context)
{
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
end_transaction(MemoryContext context)
{
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

/* Locks what dropping it concurrently locks.  False: it is gone. */
static bool
lock_index(Oid index)
{
	Oid			table = IndexGetRelation(index, true);

	if (!OidIsValid(table))
		return false;
	LockRelationOid(table, ShareUpdateExclusiveLock);
	LockRelationOid(index, ShareUpdateExclusiveLock);
	return IndexGetRelation(index, true) == table;
}

/* Ends the transaction and begins another. */
static void
drop_concurrently(Oid index)
{
	ObjectAddresses *objects = new_object_addresses();
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, index);
	add_exact_object_address(&object, objects);
	performMultipleDeletions(objects, DROP_RESTRICT, PERFORM_DELETION_CONCURRENTLY);
	free_object_addresses(objects);
}

static bool
is_leftover(const VifloUnfinished *row, const char *note, bool replaced)
{
	return replaced ? is_replaced(row, note) : is_half_done(note);
}

/* Takes the last note out of notes, and drops its index if it is a leftover. */
static void
drop_last(VifloUnfinished *row, VifloNames *notes, bool replaced, MemoryContext context,
		  VifloNames *dropped)
{
	const char *note = notes->names[notes->count - 1];
	Oid			index = note_oid(note);
	char	   *name = NULL;

	begin_transaction(context);
	if (is_leftover(row, note, replaced) && lock_index(index) &&
		is_leftover(row, note, replaced))
	{
		name = relation_name(index);
		drop_concurrently(index);
		if (!ActiveSnapshotSet())
			PushActiveSnapshot(GetTransactionSnapshot());
		notes->count--;
		viflo_unfinished_put(row);
	}
	else
		notes->count--;
	end_transaction(context);
	if (name != NULL)
		viflo_names_add(dropped, name);
}

/* Once over all that is noted. */
static void
clean(void *arg)
{
	Cleaning   *cleaning = (Cleaning *) arg;
	MemoryContext context = cleaning->context;
	VifloUnfinished *row = cleaning->unfinished;

	enable_timeout_at(STATEMENT_TIMEOUT, cleaning->until);
	begin_transaction(context);
	row = viflo_unfinished_get(row->project, row->tenant, row->revision);
	end_transaction(context);

	if (row != NULL && row->created.count > 0)
	{
		row->created = copy_notes(&row->created);
		row->replaced = copy_notes(&row->replaced);

		/* The replaced first, which are known by the created. */
		while (row->replaced.count > 0)
			drop_last(row, &row->replaced, true, context, cleaning->dropped);
		while (row->created.count > 0)
			drop_last(row, &row->created, false, context, cleaning->dropped);

		begin_transaction(context);
		viflo_unfinished_put(row);
		end_transaction(context);
	}
	disable_timeout(STATEMENT_TIMEOUT, false);
	memset(&cleaning->unfinished->created, 0, sizeof(VifloNames));
	memset(&cleaning->unfinished->replaced, 0, sizeof(VifloNames));
}

static void
set_lock_timeout(const char *value)
{
	SetConfigOption("lock_timeout", value, PGC_USERSET, PGC_S_SESSION);
}

ErrorData *
viflo_leftover_clean(VifloUnfinished *unfinished, MemoryContext context, int milliseconds,
					 VifloNames *dropped)
{
	char	   *lock_timeout = MemoryContextStrdup(context,
												   GetConfigOption("lock_timeout", false, false));
	Cleaning	cleaning = {
		.unfinished = unfinished,
		.context = context,
		.until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds),
		.dropped = dropped
	};
	ErrorData  *error;

	/* Outside of a transaction, where nothing takes it back. */
	set_lock_timeout(LOCK_WAIT);
	viflo_progress_phase(VIFLO_PHASE_CLEANING, NULL);
	do
		error = viflo_attempt(clean, &cleaning, context);
	while (error != NULL && viflo_patience_is_lock_error(error->sqlerrcode) &&
		   GetCurrentTimestamp() < cleaning.until);
	viflo_progress_phase(VIFLO_PHASE_RUNNING, NULL);
	set_lock_timeout(lock_timeout);
	return error;
}

void
viflo_leftover_list(const VifloUnfinished *unfinished, VifloNames *names)
{
	for (int i = 0; i < unfinished->replaced.count; i++)
		if (is_leftover(unfinished, unfinished->replaced.names[i], true))
			viflo_names_add(names, relation_name(note_oid(unfinished->replaced.names[i])));
	for (int i = 0; i < unfinished->created.count; i++)
		if (is_leftover(unfinished, unfinished->created.names[i], false))
			viflo_names_add(names, relation_name(note_oid(unfinished->created.names[i])));
}

char *
viflo_leftover_of_others(const VifloStatement *statement)
{
	const IndexStmt *stmt = (const IndexStmt *) statement->raw->stmt;
	Oid			table;
	Oid			index;

	/* One that the statement has just made is valid. */
	if (!IsA(stmt, IndexStmt) || !stmt->concurrent || !stmt->if_not_exists)
		return NULL;
	table = viflo_needs_resolve(stmt->relation);
	index = get_relname_relid(stmt->idxname, get_rel_namespace(table));
	return OidIsValid(index) && is_invalid_index(index) ? relation_name(index) : NULL;
}

RawStmt *
viflo_leftover_detach(const VifloStatement *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement->raw->stmt;
	PartitionCmd *detach;
	RawStmt    *rest;
	Oid			partition;

	if (!IsA(stmt, AlterTableStmt) || statement->forbidden == NULL)
		return NULL;
	detach = castNode(PartitionCmd, linitial_node(AlterTableCmd, stmt->cmds)->def);
	partition = RangeVarGetRelid(detach->name, NoLock, true);
	if (!OidIsValid(partition) || !get_rel_relispartition(partition) ||
		!PartitionHasPendingDetach(partition))
		return NULL;

	rest = copyObject(statement->raw);
	stmt = (AlterTableStmt *) rest->stmt;
	linitial_node(AlterTableCmd, stmt->cmds)->subtype = AT_DetachPartitionFinalize;
	castNode(PartitionCmd, linitial_node(AlterTableCmd, stmt->cmds)->def)->concurrent = false;
	return rest;
}
