/*-------------------------------------------------------------------------
 * failure.c
 *	  The end of an online run: what is logged, and said, of the step that
 *	  failed.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "run/failure.h"
#include "run/patience.h"
#include "run/timeout.h"
#include "store/unfinished.h"

/*
 * Reads how far the step is, for its error and for the log, and forgets a row
 * that tells of nothing.  Where the migrator lock went with the transaction,
 * somebody else may have gone on with the step.
 */
static void
look_back(VifloStepFailure *failure, ErrorData *error)
{
	const char *project = failure->run->project;
	const char *tenant = failure->run->tenant;
	VifloRecord *record = failure->record;
	VifloUnfinished *unfinished;

	if (!failure->lock->held && !viflo_lock_try(project, tenant))
		return;
	unfinished = viflo_unfinished_get(project, tenant, failure->step->revision);
	if (unfinished == NULL)
		return;
	viflo_record_take_detail(failure->detail, unfinished->detail);
	if (!viflo_unfinished_is_half_done(unfinished))
	{
		viflo_unfinished_delete(project, tenant, failure->step->revision);
		return;
	}
	record->statements = unfinished->statements;
	record->attempts = Max(record->attempts, unfinished->attempts);
	viflo_record_add_detail(failure->detail,
							psprintf("statements up to %d are done and committed",
									 unfinished->statements));
	if (error->hint == NULL)
		error->hint = psprintf("What is done stays; CALL %s resumes after statement %d.",
							   failure->step->up ? "viflo_deploy()" : "viflo_revert()",
							   unfinished->statements);
}

static void
log_failure(VifloStepFailure *failure, ErrorData *error)
{
	VifloRecord *record = failure->record;

	viflo_timeout_lock(VIFLO_RECORD_TIMEOUT);
	PushActiveSnapshot(GetTransactionSnapshot());
	look_back(failure, error);
	if (viflo_patience_is_lock_error(error->sqlerrcode))
	{
		if (failure->blockers != NULL)
			error->detail = error->detail ?
				psprintf("%s\n%s", error->detail, failure->blockers) : pstrdup(failure->blockers);
		if (error->detail != NULL)
			viflo_record_add_detail(failure->detail, error->detail);
	}
	record->ended = GetCurrentTimestamp();
	record->detail = failure->detail->len > 0 ? failure->detail->data : NULL;
	record->error = error->message;
	record->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	viflo_record_failure(record);
	PopActiveSnapshot();
}

void
viflo_step_failure_raise(VifloStepFailure *failure, ErrorData *error)
{
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile trouble = NULL;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(failure->context);
		log_failure(failure, error);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(failure->context);
		trouble = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(failure->context);
	CurrentResourceOwner = owner;
	if (trouble != NULL)
		ereport(WARNING,
				(errcode(trouble->sqlerrcode),
				 errmsg("could not add the failure of revision \"%s\" to the log",
						failure->step->revision),
				 errdetail_internal("%s", trouble->message)));
	failure->commit();
	ReThrowError(error);
}
