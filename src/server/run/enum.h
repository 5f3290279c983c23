/*-------------------------------------------------------------------------
 * enum.h
 *	  New values of enum types that are themselves new in the transaction.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ENUM_H
#define VIFLO_ENUM_H

/*
 * Lets the rest of the transaction use values that ALTER TYPE ... ADD VALUE
 * gave to types made in the same transaction, as PostgreSQL 17 does by
 * itself; before 17 this makes a whole history runnable on an empty database.
 * Values of older types stay forbidden until they are committed.
 * To be called after a statement; costs nothing when no value was added.
 */
extern void viflo_enum_settle(void);

#endif							/* VIFLO_ENUM_H */
