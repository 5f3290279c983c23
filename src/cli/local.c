/*-------------------------------------------------------------------------
 * local.c
 *	  Opens the user's folder of migrations: by cache, or by reading it.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/local.h"
#include "common/checksum.h"

/* Texts that values set by the user go into are not the folder's alone. */
static bool
may_cache(const VifloSettings *settings)
{
	return settings->set.count == 0 && settings->placeholders == NULL;
}

bool
viflo_local_open(VifloLocal *local, const VifloSettings *settings,
				 VifloFailure *failure)
{
	memset(local, 0, sizeof(*local));
	local->settings = settings;
	if (settings->layout != NULL && viflo_reader_find(settings->layout, failure) == NULL)
		return false;
	if (!viflo_folder_list(settings->dir, viflo_reader_wants, &local->folder, failure))
		return false;
	if (may_cache(settings) &&
		viflo_cache_find(&local->folder, settings->layout, &local->count, local->manifest))
		return true;
	return viflo_local_read(local, failure);
}

/* With their NULs, so that no two lists look the same. */
static bool
make_manifest(VifloLocal *local, VifloFailure *failure)
{
	const VifloDigests *digests = &local->digests;
	const char **parts = palloc(sizeof(char *) * (2 * digests->count + 1));
	size_t	   *lengths = palloc(sizeof(size_t) * (2 * digests->count + 1));
	VifloError	error = {0};
	bool		good;

	for (int i = 0; i < digests->count; i++)
	{
		parts[2 * i] = digests->ids[i];
		parts[2 * i + 1] = digests->digests[i];
		lengths[2 * i] = strlen(digests->ids[i]) + 1;
		lengths[2 * i + 1] = strlen(digests->digests[i]) + 1;
	}
	good = viflo_digest(parts, lengths, 2 * digests->count, local->manifest, &error) ||
		viflo_failure(failure, VIFLO_EXIT_REFUSED, "%s", error.message);
	pfree(parts);
	pfree(lengths);
	return good;
}

bool
viflo_local_digests(VifloLocal *local, VifloFailure *failure)
{
	if (!local->has_digests && may_cache(local->settings))
		local->has_digests = viflo_cache_load(&local->folder, local->settings->layout,
											  &local->digests);
	return local->has_digests || viflo_local_read(local, failure);
}

bool
viflo_local_read(VifloLocal *local, VifloFailure *failure)
{
	VifloDigests *digests = &local->digests;

	if (local->has_history)
		return true;
	if (!viflo_reader_read(&local->folder, local->settings, &local->history, failure))
		return false;
	local->has_history = true;
	digests->count = local->count = local->history.count;
	digests->ids = palloc(sizeof(char *) * (digests->count + 1));
	digests->digests = palloc(sizeof(char *) * (digests->count + 1));
	for (int i = 0; i < digests->count; i++)
	{
		digests->ids[i] = local->history.revisions[i].id;
		digests->digests[i] = local->history.migrations[i].digest;
	}
	local->has_digests = true;
	if (!make_manifest(local, failure))
		return false;
	if (may_cache(local->settings))
		viflo_cache_store(&local->folder, local->settings->layout, &local->history,
						  local->manifest);
	return true;
}
