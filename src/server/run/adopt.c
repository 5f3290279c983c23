/*-------------------------------------------------------------------------
 * adopt.c
 *	  Records what another tool has applied, exactly.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/timestamp.h"

#include "common/sqlstate.h"
#include "report.h"
#include "run/adopt.h"
#include "run/lock.h"
#include "run/step.h"
#include "run/tenant.h"
#include "store/record.h"
#include "store/state.h"

/* The node of each revision; palloc'd. */
static int *
find_nodes(const VifloProjectState *state, const VifloAdopted *adopted, int count)
{
	int		   *nodes = palloc(sizeof(int) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		nodes[i] = viflo_graph_find(state->graph, adopted[i].revision);
		if (nodes[i] < 0)
			ereport(ERROR,
					(viflo_errcode(VIFLO_UNKNOWN_REVISION),
					 errmsg("revision \"%s\" is not registered", adopted[i].revision),
					 errhint("Register it with viflo_load() before.")));
	}
	return nodes;
}

int
viflo_adopt_revisions(const char *project, const char *tenant,
					  const VifloAdopted *adopted, int count,
					  const char *source)
{
	TimestampTz now = GetCurrentTimestamp();
	VifloProjectState *state;
	int		   *nodes;
	bool	   *done;
	int			recorded = 0;

	PreventCommandIfReadOnly("viflo_adopt()");
	viflo_steps_check_not_running("adopt revisions");
	viflo_tenant_check(tenant);
	viflo_lock_acquire(project, tenant);
	state = viflo_state_get(project, tenant);
	nodes = find_nodes(state, adopted, count);
	done = palloc0(sizeof(bool) * Max(state->count, 1));

	viflo_state_hold(state);
	viflo_state_announce_applied(project, tenant);
	for (int i = 0; i < count; i++)
	{
		VifloRecord record = {
			.project = project,
			.tenant = tenant,
			.revision = adopted[i].revision,
			.direction = "stamp",
			.again = state->marks[nodes[i]].checksum != NULL,
			.checksum = state->revisions[nodes[i]].checksum,
			.started = now,
			.ended = now,
			.detail = source ? psprintf("adopted from %s", source) : NULL,
			.applied_at = adopted[i].applied_at,
			.applied_by = adopted[i].applied_by
		};

		CHECK_FOR_INTERRUPTS();
		if (state->applied[nodes[i]] || done[nodes[i]])
			continue;
		done[nodes[i]] = true;
		viflo_record_step(&record);
		recorded++;
	}
	viflo_state_release(state);
	return recorded;
}
