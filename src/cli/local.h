/*-------------------------------------------------------------------------
 * local.h
 *	  The user's folder of migrations as commands see it.
 *
 * Opening gives ids and digests, from the cache when the folder has not
 * changed, else from the files; texts are read when asked for.
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
	const char *layout;			/* asked for, or NULL */
	VifloFolder folder;
	VifloDigests digests;
	bool		has_history;
	VifloHistory history;		/* only when has_history */
} VifloLocal;

extern bool viflo_local_open(VifloLocal *local, const VifloSettings *settings,
							 VifloFailure *failure);

/* Makes sure that local->history is there. */
extern bool viflo_local_read(VifloLocal *local, VifloFailure *failure);

#endif							/* VIFLO_CLI_LOCAL_H */
