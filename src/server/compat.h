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
#include "tcop/pquery.h"
#include "utils/backend_status.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "viflo_migrate supports PostgreSQL 15 to 18"
#endif

/* Runs a portal to its end.  18 has no run_once argument any more. */
#if PG_VERSION_NUM >= 180000
#define viflo_portal_run_all(portal, dest, qc) \
	PortalRun((portal), FETCH_ALL, false, (dest), (dest), (qc))
#else
#define viflo_portal_run_all(portal, dest, qc) \
	PortalRun((portal), FETCH_ALL, false, true, (dest), (dest), (qc))
#endif

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

#endif							/* VIFLO_COMPAT_H */
