/*-------------------------------------------------------------------------
 * needs_catalog.h
 *	  Collects relations to be locked, and what the catalogs say must be
 *	  locked with them; for needs.c and its like.
 *
 * Everything is read without locks on user objects: what is dropped meanwhile
 * is left out, and nothing is raised for it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_NEEDS_CATALOG_H
#define VIFLO_NEEDS_CATALOG_H

#include "nodes/primnodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/hsearch.h"

/* A lock on a relation. */
typedef struct VifloLockNeed
{
	Oid			relation;
	LOCKMODE	mode;
} VifloLockNeed;

typedef struct VifloNeeds
{
	HTAB	   *modes;			/* of VifloLockNeed by relation; NULL: none */
} VifloNeeds;

/*
 * Adds a lock.  A mode that RowExclusiveLock's holders do not mind counts as
 * well, from ShareUpdateExclusiveLock on; InvalidOid and weaker modes do not.
 */
extern void viflo_needs_add(VifloNeeds *needs, Oid relation, LOCKMODE mode);

/* The OIDs of relation and of all that inherit from it, or are partitions of it. */
extern List *viflo_needs_tree(Oid relation);
extern void viflo_needs_add_tree(VifloNeeds *needs, Oid relation, LOCKMODE mode);

/* Adds the relation's indexes, the sequences it owns, a default partition. */
extern void viflo_needs_add_indexes(VifloNeeds *needs, Oid relation, LOCKMODE mode);
extern void viflo_needs_add_sequences(VifloNeeds *needs, Oid relation, LOCKMODE mode);
extern void viflo_needs_add_default(VifloNeeds *needs, Oid relation, LOCKMODE mode);

/* Adds what relation is a partition of, and its default: to drop relation. */
extern void viflo_needs_add_parent(VifloNeeds *needs, Oid relation);

/* An index, and adding its table. */
extern bool viflo_needs_is_index(Oid relation);
extern void viflo_needs_add_table_of(VifloNeeds *needs, Oid index, LOCKMODE mode);

/* The other tables of relation's foreign keys; both directions, or only those that refer to it. */
extern List *viflo_needs_foreign(Oid relation, bool referring_only);

/*
 * Adds what is locked to drop whatever depends on the object, which need not
 * be a relation.  cascade: also what a DROP ... CASCADE drops.
 */
extern void viflo_needs_add_dependents(VifloNeeds *needs, Oid catalog, Oid object,
									   int32 column, bool cascade);

/* Adds tables with a column of the domain, or of a domain over it: ShareLock. */
extern void viflo_needs_add_columns_of(VifloNeeds *needs, Oid domain);

/* Adds all user relations with that OID in that column of pg_class. */
extern void viflo_needs_add_where(VifloNeeds *needs, AttrNumber column, Oid value,
								  LOCKMODE mode);

/* The collected as a list of palloc'd VifloLockNeed. */
extern List *viflo_needs_list(const VifloNeeds *needs);

#endif							/* VIFLO_NEEDS_CATALOG_H */
