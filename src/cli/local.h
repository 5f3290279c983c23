/*-------------------------------------------------------------------------
 * local.h
 *	  The user's folder of migrations as commands see it.
 *
 * Opening gives the manifest, from the cache when the folder has not changed,
 * else from the files; ids, digests and texts are read when asked for.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_LOCAL_H
#define VIFLO_CLI_LOCAL_H

#include "cli/cache.h"
#include "cli/folder.h"
#include "cli/reader/reader.h"
#include "cli/settings.h"

typedef struct VifloLocal
{
	const VifloSettings *settings;
	VifloFolder folder;
	int			count;			/* of revisions */
	char		manifest[65];	/* SHA-256, hex, of all ids and digests: one
								 * name for the folder as it is */
	bool		has_digests;
	VifloDigests digests;		/* only when has_digests */
	bool		has_history;
	VifloHistory history;		/* only when has_history */
} VifloLocal;

/* Fills count and manifest. */
extern bool viflo_local_open(VifloLocal *local, const VifloSettings *settings,
							 VifloFailure *failure);

/* Makes sure that local->digests is there. */
extern bool viflo_local_digests(VifloLocal *local, VifloFailure *failure);

/* Makes sure that local->history is there. */
extern bool viflo_local_read(VifloLocal *local, VifloFailure *failure);

#endif							/* VIFLO_CLI_LOCAL_H */
