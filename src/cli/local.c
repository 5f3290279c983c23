/*-------------------------------------------------------------------------
 * local.c
 *	  Opens the user's folder of migrations: by cache, or by reading it.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/local.h"

bool
viflo_local_open(VifloLocal *local, const VifloSettings *settings,
				 VifloFailure *failure)
{
	memset(local, 0, sizeof(*local));
	local->layout = settings->layout;
	if (local->layout != NULL && viflo_reader_find(local->layout, failure) == NULL)
		return false;
	if (!viflo_folder_list(settings->dir, &local->folder, failure))
		return false;
	if (viflo_cache_load(&local->folder, local->layout, &local->digests))
		return true;
	return viflo_local_read(local, failure);
}

bool
viflo_local_read(VifloLocal *local, VifloFailure *failure)
{
	VifloDigests *digests = &local->digests;

	if (local->has_history)
		return true;
	if (!viflo_reader_read(&local->folder, local->layout, &local->history, failure))
		return false;
	local->has_history = true;
	digests->count = local->history.count;
	digests->ids = palloc(sizeof(char *) * (digests->count + 1));
	digests->digests = palloc(sizeof(char *) * (digests->count + 1));
	for (int i = 0; i < digests->count; i++)
	{
		digests->ids[i] = local->history.revisions[i].id;
		digests->digests[i] = local->history.migrations[i].digest;
	}
	viflo_cache_store(&local->folder, local->layout, &local->history);
	return true;
}
