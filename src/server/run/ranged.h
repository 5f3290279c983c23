/*-------------------------------------------------------------------------
 * ranged.h
 *	  The statement of a backfill: one that is run for a range of keys.
 *
 * It says with :from and :to which rows belong to a range, both ends
 * included, or leaves that to be added.  The two are parameters $1 and $2 of
 * the key's type wherever the server's lexer finds them; in literals,
 * comments and quoted names they are what they always were.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_RANGED_H
#define VIFLO_RANGED_H

#include "nodes/parsenodes.h"
#include "run/keyset.h"

typedef struct VifloRanged
{
	const char *text;			/* the section, with $1 and $2 in it; as long
								 * as the section */
	RawStmt    *raw;
	int			location;		/* of the statement, as in split.h */
	int			length;
	int			line;
	bool		says_range;		/* it has :from and :to itself */
	Oid			target;			/* the table it changes; set when bound */
} VifloRanged;

/*
 * Reads the statement out of length bytes of a section.  An UPDATE, a DELETE,
 * or an INSERT that says its range; anything else is refused, as is a
 * statement with one of :from and :to only.  Looks at no catalog.  Errors are
 * positioned in the section.
 */
extern void viflo_ranged_read(VifloRanged *ranged, const char *section, size_t length);

/*
 * Fits it to the key: adds the range where the statement does not say it.
 * Raises where rows would be lost between two ranges, or changed twice.
 */
extern void viflo_ranged_bind(VifloRanged *ranged, const VifloKeySet *keys);

#endif							/* VIFLO_RANGED_H */
