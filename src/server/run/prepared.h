/*-------------------------------------------------------------------------
 * prepared.h
 *	  A statement that is analysed once and run many times, in many
 *	  transactions, with parameters.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_PREPARED_H
#define VIFLO_PREPARED_H

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "tcop/dest.h"
#include "utils/plancache.h"

/*
 * Analyses raw, whose text is text.  The result belongs to the current memory
 * context until viflo_prepared_keep(), from when on it lives until
 * viflo_prepared_drop(), and is analysed anew after changes of what it uses.
 */
extern CachedPlanSource *viflo_prepare(RawStmt *raw, const char *text,
									   Oid *types, int count);
extern void viflo_prepared_keep(CachedPlanSource *prepared);

/* NULL and what is not kept are left alone.  Safe while an error is handled. */
extern void viflo_prepared_drop(CachedPlanSource *prepared);

/* Parameters of the given types, none of them null. */
extern ParamListInfo viflo_prepared_parameters(const Oid *types, const Datum *values, int count);

/*
 * Plans it for these very parameters and runs it in the current transaction,
 * seeing all that was done before.
 */
extern void viflo_prepared_run(CachedPlanSource *prepared, ParamListInfo parameters,
							   DestReceiver *dest, QueryCompletion *completion);

#endif							/* VIFLO_PREPARED_H */
