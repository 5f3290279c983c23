/*-------------------------------------------------------------------------
 * tables.h
 *	  The tables of schema viflo: columns, reading, writing.
 *
 * Rows are read and written here without SQL: no search_path, operator,
 * trigger, rule or row security of anybody's is in the way, and rights are
 * those to execute the calling function.
 *
 * Reading always sees the newest committed state plus the own transaction's
 * changes, whatever the isolation level: a migrator must decide by what is,
 * not by what was when its transaction began.  It leaves no predicate locks,
 * so SERIALIZABLE callers do not fail over each other's bookkeeping.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TABLES_H
#define VIFLO_TABLES_H

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef enum VifloTable
{
	VIFLO_TABLE_REVISION,
	VIFLO_TABLE_APPLIED,
	VIFLO_TABLE_LOG,
	VIFLO_TABLE_SETTLED,
	VIFLO_TABLE_UNFINISHED,
	VIFLO_TABLE_JOB
} VifloTable;

typedef enum VifloRevisionColumn
{
	VIFLO_REVISION_PROJECT = 1,
	VIFLO_REVISION_REVISION,
	VIFLO_REVISION_POSITION,
	VIFLO_REVISION_MESSAGE,
	VIFLO_REVISION_DOWN_REVISION,
	VIFLO_REVISION_DEPENDS_ON,
	VIFLO_REVISION_BRANCH_LABELS,
	VIFLO_REVISION_TRANSACTIONAL,
	VIFLO_REVISION_DOWN_TRANSACTIONAL,
	VIFLO_REVISION_REVERSIBLE,
	VIFLO_REVISION_BUNDLED,
	VIFLO_REVISION_CHECKSUM,
	VIFLO_REVISION_DIGEST,
	VIFLO_REVISION_SOURCE,
	VIFLO_REVISION_LOADED_AT,
	VIFLO_REVISION_SCRIPT,
	VIFLO_REVISION_REPEATABLE,
	VIFLO_REVISION_COLUMNS = VIFLO_REVISION_REPEATABLE
} VifloRevisionColumn;

typedef enum VifloAppliedColumn
{
	VIFLO_APPLIED_PROJECT = 1,
	VIFLO_APPLIED_TENANT,
	VIFLO_APPLIED_REVISION,
	VIFLO_APPLIED_CHECKSUM,
	VIFLO_APPLIED_APPLIED_AT,
	VIFLO_APPLIED_APPLIED_BY,
	VIFLO_APPLIED_COLUMNS = VIFLO_APPLIED_APPLIED_BY
} VifloAppliedColumn;

typedef enum VifloLogColumn
{
	VIFLO_LOG_ID = 1,
	VIFLO_LOG_PROJECT,
	VIFLO_LOG_TENANT,
	VIFLO_LOG_REVISION,
	VIFLO_LOG_DIRECTION,
	VIFLO_LOG_STATUS,
	VIFLO_LOG_STARTED_AT,
	VIFLO_LOG_DURATION,
	VIFLO_LOG_ROLE_NAME,
	VIFLO_LOG_APPLICATION_NAME,
	VIFLO_LOG_CLIENT_ADDR,
	VIFLO_LOG_SERVER_VERSION,
	VIFLO_LOG_CHECKSUM,
	VIFLO_LOG_STATEMENTS,
	VIFLO_LOG_ERROR,
	VIFLO_LOG_SQLSTATE,
	VIFLO_LOG_PID,
	VIFLO_LOG_TRANSACTIONAL,
	VIFLO_LOG_ATTEMPTS,
	VIFLO_LOG_DETAIL,
	VIFLO_LOG_COLUMNS = VIFLO_LOG_DETAIL
} VifloLogColumn;

typedef enum VifloSettledColumn
{
	VIFLO_SETTLED_PROJECT = 1,
	VIFLO_SETTLED_TENANT,
	VIFLO_SETTLED_TARGET,
	VIFLO_SETTLED_MANIFEST,
	VIFLO_SETTLED_COLUMNS = VIFLO_SETTLED_MANIFEST
} VifloSettledColumn;

typedef enum VifloUnfinishedColumn
{
	VIFLO_UNFINISHED_PROJECT = 1,
	VIFLO_UNFINISHED_TENANT,
	VIFLO_UNFINISHED_REVISION,
	VIFLO_UNFINISHED_DIRECTION,
	VIFLO_UNFINISHED_STARTED_AT,
	VIFLO_UNFINISHED_STATEMENTS,
	VIFLO_UNFINISHED_DIGEST,
	VIFLO_UNFINISHED_RUNNING,
	VIFLO_UNFINISHED_CREATED,
	VIFLO_UNFINISHED_REPLACED,
	VIFLO_UNFINISHED_SECTION_DONE,
	VIFLO_UNFINISHED_BACKFILL_KEY,
	VIFLO_UNFINISHED_BACKFILL_ROWS,
	VIFLO_UNFINISHED_ATTEMPTS,
	VIFLO_UNFINISHED_DETAIL,
	VIFLO_UNFINISHED_BACKFILL_OF,
	VIFLO_UNFINISHED_COLUMNS = VIFLO_UNFINISHED_BACKFILL_OF
} VifloUnfinishedColumn;

typedef enum VifloJobColumn
{
	VIFLO_JOB_ID = 1,
	VIFLO_JOB_PROJECT,
	VIFLO_JOB_TENANT,
	VIFLO_JOB_DIRECTION,
	VIFLO_JOB_TARGET,
	VIFLO_JOB_STATE,
	VIFLO_JOB_ROLE_NAME,
	VIFLO_JOB_PID,
	VIFLO_JOB_CREATED_AT,
	VIFLO_JOB_STARTED_AT,
	VIFLO_JOB_ENDED_AT,
	VIFLO_JOB_DONE,
	VIFLO_JOB_STEPS,
	VIFLO_JOB_ERROR,
	VIFLO_JOB_SQLSTATE,
	VIFLO_JOB_COLUMNS = VIFLO_JOB_SQLSTATE
} VifloJobColumn;

/* Most columns that any of the tables can have, with those a user adds. */
#define VIFLO_TABLE_MAX_COLUMNS 64

/* A scan under way.  On the caller's stack, from begin to end. */
typedef struct VifloScan
{
	Relation	relation;
	Relation	index;			/* of viflo_scan_begin_ordered(), else NULL */
	SysScanDesc scan;
	Snapshot	snapshot;		/* what is visible; registered */
	bool		owns_snapshot;
	Datum		values[VIFLO_TABLE_MAX_COLUMNS];	/* of the row found */
	bool		nulls[VIFLO_TABLE_MAX_COLUMNS]; /* so is what an older version
												 * has no column for */
	int			missing_from;	/* private: those columns, from this one */
	int			missing_to;		/* up to before that one, counted from 0 */
	ItemPointerData tid;		/* of the row found */
} VifloScan;

/* OIDs; raise undefined_object where the extension is not installed. */
extern Oid	viflo_table_oid(VifloTable table);
extern bool viflo_table_exists(VifloTable table);	/* not so in older
													 * versions */

/* May the current user SELECT from it himself?  Who may is shown all of it. */
extern bool viflo_table_is_readable(VifloTable table);

extern Oid	viflo_log_sequence_oid(void);
extern Oid	viflo_job_sequence_oid(void);

/*
 * Scans the rows whose first nkeys columns equal keys (texts), by primary key
 * index where nkeys > 0.  snapshot NULL takes the newest; several scans that
 * must agree share one (registered by the caller).  values and nulls hold a
 * row until the next call; detoast before viflo_scan_end().
 * viflo_scan_begin_ordered() gives them in the order of the primary key.
 * viflo_scan_begin_id() is for tables whose key is a number.
 */
extern void viflo_scan_begin(VifloScan *scan, VifloTable table,
							 const char *const *keys, int nkeys, Snapshot snapshot);
extern void viflo_scan_begin_ordered(VifloScan *scan, VifloTable table,
									 const char *const *keys, int nkeys, Snapshot snapshot);
extern void viflo_scan_begin_id(VifloScan *scan, VifloTable table, int64 id);
extern bool viflo_scan_next(VifloScan *scan);
extern void viflo_scan_end(VifloScan *scan);

/*
 * Writing.  The caller holds the migrator lock of the project.  Rows become
 * visible to later reads of the same transaction at once.
 */
extern void viflo_table_insert(VifloTable table, const Datum *values, const bool *nulls);
extern void viflo_table_update(VifloTable table, ItemPointer tid,
							   const Datum *values, const bool *nulls);
extern void viflo_table_delete(VifloTable table, ItemPointer tid);

/* Goes up with every write of this backend's to the table, for who keeps what it has read. */
extern uint64 viflo_table_generation(VifloTable table);

/* Is a row's text column this string?  Leaves nothing behind. */
extern bool viflo_scan_is(const VifloScan *scan, int column, const char *string);

/* A row's text column, or NULL; palloc'd.  And the way back. */
extern char *viflo_scan_text(const VifloScan *scan, int column);
extern Datum viflo_text_datum(const char *string, bool *isnull);

#endif							/* VIFLO_TABLES_H */
