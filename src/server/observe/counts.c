/*-------------------------------------------------------------------------
 * counts.c
 *	  Tells autovacuum in time what a long run has done to tables.
 *
 * A server process reports its counts when it goes idle, which a procedure
 * that commits a thousand times does once, at its end: autovacuum would then
 * see no dead row before the last is made, and the table would grow where
 * space could have been used again.  The server's own report is for the time
 * between transactions, where a procedure never is; so what is pending of a
 * table is handed over as that report does it, and counts from zero again.
 */
#include "postgres.h"

#include "compat.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/pgstat_internal.h"

#include "observe/counts.h"

void
viflo_counts_report(const List *tables)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		PgStat_EntryRef *entry = pgstat_fetch_pending_entry(PGSTAT_KIND_RELATION, MyDatabaseId,
															lfirst_oid(cell));
		PgStat_TableStatus *status = entry ? entry->pending : NULL;

		/* One that a transaction still counts for cannot be touched. */
		if (status == NULL || status->trans != NULL)
			continue;
		if (pgstat_relation_flush_cb(entry, true))
			memset(&status->viflo_pending_counts, 0, sizeof(status->viflo_pending_counts));
	}
}
