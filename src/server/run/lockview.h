/*-------------------------------------------------------------------------
 * lockview.h
 *	  Who is in the way of a set of locks, and since when; for patience.c.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_LOCKVIEW_H
#define VIFLO_LOCKVIEW_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"

/* A lock that is to be taken. */
typedef struct VifloLockTarget
{
	LOCKTAG		tag;
	LOCKMODE	mode;
} VifloLockTarget;

/* Lists of palloc'd targets, one for each tag with the strongest mode asked for. */
extern List *viflo_lock_targets_add(List *targets, const LOCKTAG *tag, LOCKMODE mode);
extern List *viflo_lock_targets_add_needs(List *targets, Node *statement);

typedef struct VifloLockView
{
	MemoryContext context;		/* of what is kept from look to look */
	List	   *ageless;		/* private: holders whose age is not known */
	List	   *outlasted;		/* private: see viflo_lock_view_outlasted() */
	List	   *holders;		/* VifloHolder, found by the last look */
	const VifloLockTarget *first;	/* the first target they hold */
} VifloLockView;

/*
 * Finds who holds targets and has been in its transaction for longer than
 * moment milliseconds, or outlasted a request of ours; false: nobody.
 */
extern bool viflo_lock_view_look(VifloLockView *view, List *targets, int moment);

/*
 * A request for a lock that these hold was given up.  Those who are at it for
 * longer than it lasted, in milliseconds, count as old from now on, however
 * young.  Replaces those of an earlier request.
 */
extern void viflo_lock_view_outlasted(VifloLockView *view, List *holders, int lasted);

/* Two sets of holders that differ have, as good as always, different ones. */
extern uint32 viflo_lock_view_fingerprint(const VifloLockView *view);

/* Raises lock_not_available for what the last look found. */
extern _Noreturn void viflo_lock_view_raise(const VifloLockView *view);

#endif							/* VIFLO_LOCKVIEW_H */
