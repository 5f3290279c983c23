/*-------------------------------------------------------------------------
 * needs_alter.h
 *	  The strong locks of ALTER TABLE and of CREATE TABLE; for needs.c.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_NEEDS_ALTER_H
#define VIFLO_NEEDS_ALTER_H

#include "nodes/parsenodes.h"
#include "run/needs_catalog.h"

extern void viflo_needs_alter_table(VifloNeeds *needs, AlterTableStmt *statement);
extern void viflo_needs_create_table(VifloNeeds *needs, CreateStmt *statement);

#endif							/* VIFLO_NEEDS_ALTER_H */
