/*-------------------------------------------------------------------------
 * needs_name.h
 *	  Names of raw statements to OIDs; for needs.c and its like.
 *
 * By the search_path of now.  InvalidOid for what does not exist, or not in
 * this database.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_NEEDS_NAME_H
#define VIFLO_NEEDS_NAME_H

#include "nodes/parsenodes.h"

/* A relation; name may be NULL. */
extern Oid	viflo_needs_resolve(const RangeVar *name);

/* Lists of String nodes: a relation; the relation that the last name is a part of; a type. */
extern Oid	viflo_needs_resolve_names(List *names);
extern Oid	viflo_needs_resolve_owner(List *names);
extern Oid	viflo_needs_resolve_type(List *names);

/* Kinds of objects that are relations, or are named by one and their own name. */
extern bool viflo_needs_is_relation_kind(ObjectType type);
extern bool viflo_needs_is_part_kind(ObjectType type);

#endif							/* VIFLO_NEEDS_NAME_H */
