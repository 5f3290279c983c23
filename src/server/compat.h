/*-------------------------------------------------------------------------
 * compat.h
 *	  What differs between PostgreSQL 15, 16, 17 and 18.  The only file that
 *	  says PG_VERSION_NUM.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_COMPAT_H
#define VIFLO_COMPAT_H

#include "executor/executor.h"
#include "parser/parse_node.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "tcop/pquery.h"
#include "utils/backend_status.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "viflo_migrate supports PostgreSQL 15 to 18"
#endif

/* 15's header declares functions without prototypes. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "nodes/nodeFuncs.h"
#pragma GCC diagnostic pop

/* Runs a portal to its end.  18 has no run_once argument any more. */
#if PG_VERSION_NUM >= 180000
#define viflo_portal_run(portal, top_level, dest, qc) \
	PortalRun((portal), FETCH_ALL, (top_level), (dest), (dest), (qc))
#else
#define viflo_portal_run(portal, top_level, dest, qc) \
	PortalRun((portal), FETCH_ALL, (top_level), true, (dest), (dest), (qc))
#endif
#define viflo_portal_run_all(portal, dest, qc) viflo_portal_run((portal), false, (dest), (qc))

/*
 * What a command needs of a relation is checked from its range table entry
 * in 15, from an RTEPermissionInfo beside it from 16 on.  The field names
 * are the same.
 */
#if PG_VERSION_NUM >= 160000
typedef RTEPermissionInfo VifloRelationRights;
#define viflo_relation_rights(nsitem) ((nsitem)->p_perminfo)
#define viflo_check_rights(pstate, rights) \
	ExecCheckPermissions((pstate)->p_rtable, list_make1(rights), true)
#else
typedef RangeTblEntry VifloRelationRights;
#define viflo_relation_rights(nsitem) ((nsitem)->p_rte)
#define viflo_check_rights(pstate, rights) \
	ExecCheckRTPerms((pstate)->p_rtable, true)
#endif

/* 17 lets values be used that were added to an enum type of the same transaction. */
#if PG_VERSION_NUM < 170000
#define VIFLO_ENUM_VALUES_OF_NEW_TYPES_UNSAFE
#endif

/* 18 locks all children for ADD CONSTRAINT, also for one that they do not get. */
#if PG_VERSION_NUM >= 180000
#define VIFLO_CONSTRAINTS_LOCK_CHILDREN true
#else
#define VIFLO_CONSTRAINTS_LOCK_CHILDREN false
#endif

/* Memory for a setting's extra data, which the server frees. */
#if PG_VERSION_NUM >= 160000
#define viflo_guc_alloc(size) guc_malloc(LOG, (size))
#else
#define viflo_guc_alloc(size) malloc(size)
#endif

/* Entry 1.. of the local copy of all backends' status. */
#if PG_VERSION_NUM >= 160000
#define viflo_backend_status(i) pgstat_get_local_beentry_by_index(i)
#else
#define viflo_backend_status(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* The process of a virtual transaction, and the virtual transaction it is in now. */
#if PG_VERSION_NUM >= 170000
#define viflo_transaction_process(id) ProcNumberGetProc((id).procNumber)
#define viflo_process_transaction(proc) ((proc)->vxid.lxid)
#else
#define viflo_transaction_process(id) BackendIdGetProc((id).backendId)
#define viflo_process_transaction(proc) ((proc)->lxid)
#endif

/* Is the lock, in this very mode, held by this process? */
#if PG_VERSION_NUM >= 170000
#define viflo_lock_held_by_me(tag, mode) LockHeldByMe((tag), (mode), false)
#else
#define viflo_lock_held_by_me(tag, mode) LockHeldByMe((tag), (mode))
#endif

/* Takes a lock without waiting, and without an error when the lock table is full. */
#if PG_VERSION_NUM >= 180000
#define viflo_lock_acquire_quietly(tag, mode, session) \
	LockAcquireExtended((tag), (mode), (session), true, false, NULL, false)
#else
#define viflo_lock_acquire_quietly(tag, mode, session) \
	LockAcquireExtended((tag), (mode), (session), true, false, NULL)
#endif

/* Can a column hold no null, now?  18 has constraints that are not validated yet. */
#if PG_VERSION_NUM >= 180000
#define viflo_column_is_not_null(descriptor, attnum) \
	(TupleDescCompactAttr((descriptor), (attnum) - 1)->attnullability == ATTNULLABLE_VALID)
#else
#define viflo_column_is_not_null(descriptor, attnum) \
	(TupleDescAttr((descriptor), (attnum) - 1)->attnotnull)
#endif

/*
 * The login right of a role that is logged in already is not asked for
 * again, where the server can be told so.
 */
#if PG_VERSION_NUM >= 170000
#define VIFLO_WORKER_CONNECTION_FLAGS \
	(BGWORKER_BYPASS_ALLOWCONN | BGWORKER_BYPASS_ROLELOGINCHECK)
#else
#define VIFLO_WORKER_CONNECTION_FLAGS BGWORKER_BYPASS_ALLOWCONN
#endif

/* All settings, and their number. */
#if PG_VERSION_NUM >= 160000
#define viflo_guc_variables(count) get_guc_variables(count)
#else
#define viflo_guc_variables(count) \
	(*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

/* Milliseconds, 0: none; and no longer, until the transaction ends. */
#if PG_VERSION_NUM >= 170000
#define viflo_transaction_timeout() TransactionTimeout
#define viflo_transaction_timeout_stop() disable_timeout(TRANSACTION_TIMEOUT, false)
#else
#define viflo_transaction_timeout() 0
#define viflo_transaction_timeout_stop() ((void) 0)
#endif

/* Drops this process's temporary replication slots. */
#if PG_VERSION_NUM >= 170000
#define viflo_replication_slot_cleanup() ReplicationSlotCleanup(false)
#else
#define viflo_replication_slot_cleanup() ReplicationSlotCleanup()
#endif

/* What a role may do with a schema. */
#if PG_VERSION_NUM >= 160000
#define viflo_schema_aclcheck(schema, role, mode) \
	object_aclcheck(NamespaceRelationId, (schema), (role), (mode))
#else
#define viflo_schema_aclcheck(schema, role, mode) \
	pg_namespace_aclcheck((schema), (role), (mode))
#endif

/* The field of PgStat_TableStatus with the counts. */
#if PG_VERSION_NUM >= 160000
#define viflo_pending_counts counts
#else
#define viflo_pending_counts t_counts
#endif

#endif							/* VIFLO_COMPAT_H */
