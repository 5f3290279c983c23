/*-------------------------------------------------------------------------
 * backfill.c
 *	  Runs a revision's backfill: one statement in ranges of a key.
 *
 * Phases: read the section; resolve table and key, analyse the statement and
 * the searches for keys, once; then range by range: find the key of the
 * batch-th row, run the statement up to there, note that key, commit.  The end
 * is the highest key of when this began: rows added since are the business of
 * whoever adds them, as they know what the up section made of the table.
 *
 * The section runs in the caller's session, after that of the up section has
 * ended: names resolve by the caller's search_path, behind the tenant's schema
 * where there is one, and rights are the caller's.
 * Settings that a range's statement changes are taken back with the range.
 *
 * Where each range is a transaction, it is a subtransaction inside one, so
 * that an error takes no lock of the session's away.  Everything is in one:
 * an error that leaves from here leaves a clean transaction, with all that was
 * done before committed.  A range that did not get a lock, by the bound of
 * patience.c, is rolled back and its transaction ended before it is tried
 * again.  Deferred constraints are checked with the range.
 *
 * Between ranges nothing is held.  A pause is as long as the section says; the
 * wait for standbys has no bound but cancelling, as it costs nobody anything.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "common/backfill.h"
#include "common/sqlstate.h"
#include "observe/counts.h"
#include "observe/lag.h"
#include "observe/progress.h"
#include "report.h"
#include "run/backfill.h"
#include "run/keyset.h"
#include "run/lockwait.h"
#include "run/patience.h"
#include "run/prepared.h"
#include "run/ranged.h"
#include "run/tenant.h"
#include "run/throttle.h"
#include "run/timeout.h"

/* A range, as found and run; in the memory context of its attempt. */
typedef struct Range
{
	bool		found;
	bool		last;			/* there is none after it */
	Datum		from;
	Datum		to;
	char	   *from_text;
	char	   *to_text;
	int64		changed;		/* rows */
} Range;

/* Lives as long as viflo_backfill_run. */
typedef struct Backfill
{
	const char *tenant;
	VifloBackfill header;
	VifloPlace	place;
	VifloUnfinished *unfinished;	/* or NULL */
	void		(*commit) (void);	/* or NULL */
	MemoryContext callers;		/* of what is in *unfinished */
	MemoryContext context;		/* of all that follows */
	MemoryContext attempt;		/* of one attempt at one transaction */
	MemoryContext waits;		/* of patience */
	VifloPatience patience;
	VifloWatchedStep watched;
	VifloLag   *lag;

	/* of start() */
	VifloKeySet keys;
	char	   *key_name;		/* as viflo_keyset_name() has it */
	VifloRanged ranged;
	CachedPlanSource *statement;
	List	   *written;		/* OIDs of the tables that it changes */
	bool		empty;			/* there are no rows at all */
	Datum		lowest;
	Datum		highest;

	bool		begun;			/* done is set */
	Datum		done;			/* highest key that is done */
	int64		changed;		/* rows, in all runs */
	int64		passed;			/* rows, for progress */
	char	   *noted;			/* backfill_key of ours, or NULL */
	Range		range;
} Backfill;

/* ---- one attempt ---- */

/*
 * Bounds lock waits in the current GUC nest level.  A range that waits has
 * rows locked that others may want, so it waits no longer than a statement
 * may that holds up others by asking.
 */
static void
bound_waits(Backfill *backfill)
{
	VifloPatience *patience = &backfill->patience;
	VifloWatchedStatement watched = {
		.number = 1,
		.of = 1,
		.line = Max(backfill->place.first_line, 1) + backfill->ranged.line - 1,
		.text = backfill->ranged.text + backfill->ranged.location,
		.length = backfill->ranged.length,
		.raw = backfill->ranged.raw
	};

	/* Patience takes it for the caller's, and stays below. */
	viflo_timeout_lock(patience->timeout);
	patience->watcher.before(patience->watcher.state, &backfill->watched, &watched);
}

/* What work does in the current (sub)transaction, bounded and with settings of its own. */
static void
do_work(Backfill *backfill, void (*work) (Backfill *))
{
	VifloStatementTimeout timeout;
	int			level = NewGUCNestLevel();

	viflo_tenant_enter(backfill->tenant);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (backfill->commit)
		bound_waits(backfill);
	else
		viflo_timeout_begin();
	viflo_timeout_arm(&timeout);
	PG_TRY();
	{
		work(backfill);
	}
	PG_FINALLY();
	{
		viflo_timeout_disarm(&timeout);
		if (backfill->commit)
			viflo_lockwait_unwatch();
	}
	PG_END_TRY();
	PopActiveSnapshot();
	AtEOXact_GUC(false, level);
}

/* NULL, or the error, with everything rolled back. */
static ErrorData *
try_work(Backfill *backfill, void (*work) (Backfill *))
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(backfill->attempt);
	PG_TRY();
	{
		do_work(backfill, work);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(backfill->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	return error;
}

/* Raises what the last attempt failed with, and says who was in its way. */
static _Noreturn void
give_up(Backfill *backfill, ErrorData *error)
{
	if (error->detail == NULL && backfill->patience.blockers != NULL &&
		viflo_patience_is_lock_error(error->sqlerrcode))
		error->detail = backfill->patience.blockers;
	ReThrowError(error);
}

/* Waits, holding nothing, for who was in the way of the last attempt. */
static void
look_first(Backfill *backfill)
{
	MemoryContext old = CurrentMemoryContext;

	PG_TRY();
	{
		viflo_patience_look(&backfill->patience, NULL, 0, -1, backfill->commit);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(backfill->context);
		error = CopyErrorData();
		FlushErrorState();
		give_up(backfill, error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
}

/*
 * Ends the transaction of an attempt, which failed with error, or did not:
 * NULL.  Where the server dooms a transaction under SERIALIZABLE, it stays so
 * after the attempt is rolled back and cannot commit: the server has then
 * aborted it, the session's locks are gone with it, and the run ends with what
 * the attempt failed with.
 */
static void
end_attempt(Backfill *backfill, ErrorData *error)
{
	PG_TRY();
	{
		backfill->commit();
	}
	PG_CATCH();
	{
		if (error == NULL)
			PG_RE_THROW();
		MemoryContextSwitchTo(backfill->context);
		FlushErrorState();
		ReThrowError(error);
	}
	PG_END_TRY();
}

/* Has work done, in a transaction of its own where there is a commit. */
static void
perform(Backfill *backfill, void (*work) (Backfill *))
{
	ErrorData  *error;

	MemoryContextReset(backfill->attempt);
	if (backfill->commit == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(backfill->attempt);

		do_work(backfill, work);
		MemoryContextSwitchTo(old);
		return;
	}
	MemoryContextReset(backfill->waits);
	viflo_patience_begin(&backfill->patience, backfill->waits, false);
	for (;;)
	{
		viflo_progress_attempt(backfill->patience.attempt);
		error = try_work(backfill, work);
		end_attempt(backfill, error);
		if (error == NULL)
			return;
		if (!viflo_patience_again(&backfill->patience, error->sqlerrcode))
			give_up(backfill, error);
		FreeErrorData(error);
		look_first(backfill);
		MemoryContextReset(backfill->attempt);
		viflo_progress_phase(VIFLO_PHASE_BACKFILL, NULL);
	}
}

/* ---- what is done in an attempt ---- */

/* Raises when what is done was done by another key than this one. */
static void
check_same_key(const Backfill *backfill, const char *key_name)
{
	const VifloUnfinished *row = backfill->unfinished;

	if (row == NULL || row->backfill_key == NULL ||
		(row->backfill_of != NULL && strcmp(row->backfill_of, key_name) == 0))
		return;
	ereport(ERROR,
			(viflo_errcode(VIFLO_CHANGED_REVISION),
			 errmsg("the backfill of revision \"%s\" is half done, by another key than %s",
					row->revision, key_name),
			 row->backfill_of ? errdetail("It is done up to key \"%s\" of %s.",
										  row->backfill_key, row->backfill_of) : 0,
			 errhint("Give it back its table and key; or set things right by hand and forget what was done with viflo_repair().")));
}

/* Resolves names and finds the ends; then nothing can fail but ranges. */
static void
start(Backfill *backfill)
{
	VifloKeySet keys;
	VifloRanged ranged = backfill->ranged;
	CachedPlanSource *statement;
	const char *done = backfill->unfinished ? backfill->unfinished->backfill_key : NULL;
	char	   *key_name;
	Oid			types[2];
	MemoryContext old;

	/* A failed attempt's goes with the context that the next one makes. */
	old = MemoryContextSwitchTo(AllocSetContextCreate(backfill->context, "viflo backfill plan",
													  ALLOCSET_DEFAULT_SIZES));
	ranged.raw = copyObject(ranged.raw);
	viflo_keyset_open(&keys, backfill->header.table, backfill->header.key);
	key_name = viflo_keyset_name(&keys);
	check_same_key(backfill, key_name);
	viflo_ranged_bind(&ranged, &keys);
	types[0] = types[1] = keys.type;
	statement = viflo_prepare(ranged.raw, ranged.text, types, lengthof(types));
	backfill->written = find_all_inheritors(ranged.target, AccessShareLock, NULL);

	backfill->empty =
		!viflo_keyset_find(&keys, VIFLO_KEY_LOWEST, 0, 0, 0, &backfill->lowest) ||
		!viflo_keyset_find(&keys, VIFLO_KEY_HIGHEST, 0, 0, 0, &backfill->highest);
	backfill->begun = done != NULL;
	if (done != NULL)
		backfill->done = viflo_keyset_value(&keys, done);
	MemoryContextSwitchTo(old);

	viflo_keyset_keep(&keys);
	viflo_prepared_keep(statement);
	backfill->keys = keys;
	backfill->key_name = key_name;
	backfill->statement = statement;
}

static void
find_range(Backfill *backfill)
{
	const VifloKeySet *keys = &backfill->keys;
	Range	   *range = &backfill->range;

	memset(range, 0, sizeof(*range));
	if (backfill->begun)
		range->found = viflo_keyset_find(keys, VIFLO_KEY_NEXT, backfill->done, backfill->highest,
										 0, &range->from);
	else
	{
		range->found = true;
		range->from = backfill->lowest;
	}
	if (!range->found)
		return;
	if (!viflo_keyset_find(keys, VIFLO_KEY_END, range->from, backfill->highest,
						   backfill->header.batch, &range->to))
	{
		range->last = true;
		range->to = backfill->highest;
	}
	range->from_text = viflo_keyset_text(keys, range->from);
	range->to_text = viflo_keyset_text(keys, range->to);
}

static void
note_range(const Backfill *backfill)
{
	VifloUnfinished row = *backfill->unfinished;

	row.backfill_key = backfill->range.to_text;
	row.backfill_of = backfill->key_name;
	row.backfill_rows = backfill->changed + backfill->range.changed;
	viflo_unfinished_put(&row);
}

static void
range_callback(void *arg)
{
	const Range *range = (const Range *) arg;

	errcontext("range from \"%s\" to \"%s\"", range->from_text, range->to_text);
}

static void
run_range(Backfill *backfill)
{
	Range	   *range = &backfill->range;
	Oid			types[] = {backfill->keys.type, backfill->keys.type};
	Datum		values[2];
	QueryCompletion completion;
	ErrorContextCallback callback;

	find_range(backfill);
	if (!range->found)
		return;

	callback.callback = range_callback;
	callback.arg = range;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	values[0] = range->from;
	values[1] = range->to;
	InitializeQueryCompletion(&completion);
	viflo_prepared_run(backfill->statement,
					   viflo_prepared_parameters(types, values, lengthof(types)),
					   None_Receiver, &completion);
	range->changed = completion.nprocessed;
	if (backfill->commit)
		AfterTriggerSetState(makeNode(ConstraintsSetStmt));
	error_context_stack = callback.previous;

	if (backfill->unfinished != NULL)
		note_range(backfill);
}

/* Takes over what is now committed. */
static void
count_range(Backfill *backfill)
{
	const Range *range = &backfill->range;
	VifloUnfinished *unfinished = backfill->unfinished;
	int64		expected = 0;
	MemoryContext old = MemoryContextSwitchTo(backfill->context);

	if (backfill->begun && !backfill->keys.by_value)
		pfree(DatumGetPointer(backfill->done));
	backfill->begun = true;
	backfill->done = viflo_keyset_copy(&backfill->keys, range->to);
	backfill->changed += range->changed;
	backfill->passed += range->last ? range->changed : backfill->header.batch;
	if (unfinished != NULL)
	{
		unfinished->backfill_key = MemoryContextStrdup(backfill->callers, range->to_text);
		if (backfill->noted != NULL)
			pfree(backfill->noted);
		backfill->noted = unfinished->backfill_key;
		unfinished->backfill_rows = backfill->changed;
		if (unfinished->backfill_of == NULL)
			unfinished->backfill_of = MemoryContextStrdup(backfill->callers, backfill->key_name);
	}
	MemoryContextSwitchTo(old);
	if (backfill->keys.rows > 0)
		expected = Max((int64) backfill->keys.rows, backfill->passed);
	viflo_progress_rows(backfill->passed, expected);
}

/* ---- the whole ---- */

static VifloPlace
place_of(const VifloSection *section, const char *revision, const char *source)
{
	VifloPlace	place = {
		.revision = revision,
		.direction = "backfill",
		.file = viflo_section_file(section, source),
		.first_line = section->first_line,
		.text = pnstrdup(section->text, section->length)
	};

	return place;
}

/* Raises where the section cannot be read; place is entered, and then that of the statement. */
static void
read_section(const VifloSection *section, VifloPlace *place, VifloBackfill *header,
			 VifloRanged *ranged)
{
	VifloError	error = {0};
	const char *line_start = place->text;

	if (viflo_backfill_read(section, header, &error))
	{
		viflo_ranged_read(ranged, section->text, section->length);
		place->location = ranged->location;
		place->length = ranged->length;
		place->line = ranged->line;
		place->number = 1;
		return;
	}
	for (int line = 1; line < error.line; line++)
	{
		const char *end = strchr(line_start, '\n');

		line_start = end ? end + 1 : line_start + strlen(line_start);
	}
	ereport(ERROR,
			(viflo_errcode(error.sqlstate),
			 errmsg_internal("%s", error.message),
			 error.hint ? errhint("%s", error.hint) : 0,
			 errposition(pg_mbstrlen_with_len(place->text, line_start - place->text) + 1)));
}

void
viflo_backfill_check(const VifloSection *section, const char *revision, const char *source)
{
	VifloPlace	place = place_of(section, revision, source);
	VifloBackfill header;
	VifloRanged ranged;

	viflo_place_enter(&place);
	read_section(section, &place, &header, &ranged);
	viflo_place_leave(&place);
}

static void
run_ranges(Backfill *backfill)
{
	perform(backfill, start);
	if (backfill->empty)
		return;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (backfill->commit)
			viflo_throttle_standbys(backfill->lag, backfill->header.max_lag);
		perform(backfill, run_range);
		if (!backfill->range.found)
			break;
		count_range(backfill);
		if (backfill->commit)
			viflo_counts_report(backfill->written);
		if (backfill->range.last)
			break;
		if (backfill->commit)
			viflo_throttle_pause(backfill->lag, backfill->header.pause);
	}
}

int64
viflo_backfill_run(const VifloRun *run, const VifloPlannedStep *step,
				   const VifloSection *section, VifloUnfinished *unfinished,
				   MemoryContext context, void (*commit) (void))
{
	MemoryContext own = AllocSetContextCreate(context, "viflo backfill", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(own);
	Backfill   *backfill = palloc0(sizeof(Backfill));
	int64		changed;

	backfill->tenant = run->tenant;
	backfill->unfinished = unfinished;
	backfill->commit = commit;
	backfill->callers = context;
	backfill->context = own;
	backfill->attempt = AllocSetContextCreate(own, "viflo backfill range", ALLOCSET_DEFAULT_SIZES);
	backfill->waits = AllocSetContextCreate(own, "viflo backfill waits", ALLOCSET_SMALL_SIZES);
	backfill->watched = viflo_step_watched(run, step);
	backfill->place = place_of(section, step->revision, step->source);
	backfill->place.tenant = run->tenant;
	if (unfinished != NULL)
		backfill->changed = backfill->passed = unfinished->backfill_rows;

	viflo_progress_phase(VIFLO_PHASE_BACKFILL, NULL);
	viflo_place_enter(&backfill->place);
	PG_TRY();
	{
		read_section(section, &backfill->place, &backfill->header, &backfill->ranged);
		if (commit != NULL && backfill->header.max_lag > 0)
			backfill->lag = viflo_lag_begin(backfill->header.max_lag);
		run_ranges(backfill);
	}
	PG_FINALLY();
	{
		viflo_keyset_close(&backfill->keys);
		viflo_prepared_drop(backfill->statement);
	}
	PG_END_TRY();
	viflo_place_leave(&backfill->place);
	changed = backfill->changed;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(own);
	return changed;
}
