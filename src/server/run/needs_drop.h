/*-------------------------------------------------------------------------
 * needs_drop.h
 *	  The strong locks of DROP and TRUNCATE; for needs.c.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_NEEDS_DROP_H
#define VIFLO_NEEDS_DROP_H

#include "nodes/parsenodes.h"
#include "run/needs_catalog.h"

extern void viflo_needs_drop(VifloNeeds *needs, DropStmt *statement);
extern void viflo_needs_truncate(VifloNeeds *needs, TruncateStmt *statement);

#endif							/* VIFLO_NEEDS_DROP_H */
