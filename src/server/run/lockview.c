/*-------------------------------------------------------------------------
 * lockview.c
 *	  Who is in the way of a set of locks, and since when.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "run/holders.h"
#include "run/lockview.h"
#include "run/needs.h"

/* Of transactions whose age is not known, how many are remembered. */
#define AGELESS_KEPT	100

List *
viflo_lock_targets_add(List *targets, const LOCKTAG *tag, LOCKMODE mode)
{
	VifloLockTarget *target;
	ListCell   *cell;

	foreach(cell, targets)
	{
		target = lfirst(cell);
		if (memcmp(&target->tag, tag, sizeof(LOCKTAG)) == 0)
		{
			target->mode = Max(target->mode, mode);
			return targets;
		}
	}
	target = palloc(sizeof(VifloLockTarget));
	target->tag = *tag;
	target->mode = mode;
	return lappend(targets, target);
}

List *
viflo_lock_targets_add_needs(List *targets, Node *statement)
{
	ListCell   *cell;

	foreach(cell, viflo_lock_needs(statement))
	{
		VifloLockNeed *need = lfirst(cell);
		LOCKTAG		tag;

		SET_LOCKTAG_RELATION(tag, IsSharedRelation(need->relation) ? InvalidOid : MyDatabaseId,
							 need->relation);
		targets = viflo_lock_targets_add(targets, &tag, need->mode);
	}
	return targets;
}

static bool
is_same(const VifloHolder *a, const VifloHolder *b)
{
	return a->pid == b->pid &&
		a->transaction.localTransactionId == b->transaction.localTransactionId;
}

static VifloHolder *
find_holder(List *holders, const VifloHolder *wanted)
{
	ListCell   *cell;

	foreach(cell, holders)
		if (is_same(lfirst(cell), wanted))
		return lfirst(cell);
	return NULL;
}

/*
 * Who has track_activities off does not say when its transaction began: it
 * began when it was first seen.
 */
static TimestampTz
first_seen(VifloLockView *view, const VifloHolder *holder)
{
	VifloHolder *known = find_holder(view->ageless, holder);
	MemoryContext old;

	if (known != NULL)
		return known->since;
	old = MemoryContextSwitchTo(view->context);
	known = palloc(sizeof(VifloHolder));
	*known = *holder;
	known->since = GetCurrentTimestamp();
	view->ageless = lappend(view->ageless, known);
	if (list_length(view->ageless) > AGELESS_KEPT)
	{
		pfree(linitial(view->ageless));
		view->ageless = list_delete_first(view->ageless);
	}
	MemoryContextSwitchTo(old);
	return known->since;
}

bool
viflo_lock_view_look(VifloLockView *view, List *targets, int moment)
{
	ListCell   *cell;

	view->holders = NIL;
	view->first = NULL;
	foreach(cell, targets)
	{
		const VifloLockTarget *target = lfirst(cell);
		ListCell   *other;

		CHECK_FOR_INTERRUPTS();
		foreach(other, viflo_lock_holders(&target->tag, target->mode))
		{
			VifloHolder *holder = lfirst(other);

			if (holder->since == 0)
				holder->since = first_seen(view, holder);
			if (!TimestampDifferenceExceeds(holder->since, GetCurrentTimestamp(), moment) &&
				find_holder(view->outlasted, holder) == NULL)
				continue;
			if (find_holder(view->holders, holder) != NULL)
				continue;
			view->holders = lappend(view->holders, holder);
			if (view->first == NULL)
				view->first = target;
		}
	}
	return view->holders != NIL;
}

void
viflo_lock_view_outlasted(VifloLockView *view, List *holders, int lasted)
{
	MemoryContext old = MemoryContextSwitchTo(view->context);
	ListCell   *cell;

	list_free_deep(view->outlasted);
	view->outlasted = NIL;
	foreach(cell, holders)
	{
		const VifloHolder *holder = lfirst(cell);
		VifloHolder *copy;

		if (holder->since == 0 ||
			!TimestampDifferenceExceeds(holder->since, GetCurrentTimestamp(), lasted))
			continue;
		copy = palloc(sizeof(VifloHolder));
		*copy = *holder;
		view->outlasted = lappend(view->outlasted, copy);
	}
	MemoryContextSwitchTo(old);
}

uint32
viflo_lock_view_fingerprint(const VifloLockView *view)
{
	uint32		result = 0;
	ListCell   *cell;

	foreach(cell, view->holders)
	{
		VifloHolder *holder = lfirst(cell);

		result += hash_combine(murmurhash32(holder->pid),
							   murmurhash32(holder->transaction.localTransactionId));
	}
	return result;
}

void
viflo_lock_view_raise(const VifloLockView *view)
{
	const VifloLockTarget *target = view->first;
	const char *name = NULL;

	if (target->tag.locktag_type == LOCKTAG_RELATION)
		name = get_rel_name(target->tag.locktag_field2);
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 name ? errmsg("could not obtain lock on relation \"%s\"", name) :
			 errmsg("could not obtain lock"),
			 errhint("Try again later, end what is in the way, or raise viflo_migrate.lock_budget.")));
}
