/*-------------------------------------------------------------------------
 * cache.h
 *	  Remembers ids and digests of a folder that has not changed.
 *
 * Reading ten thousand files costs more than everything else that an upgrade
 * with nothing to do does; looking at their sizes and times does not.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_CACHE_H
#define VIFLO_CLI_CACHE_H

#include "cli/folder.h"
#include "cli/reader/reader.h"

/* What is known of each revision of a folder; palloc'd. */
typedef struct VifloDigests
{
	int			count;
	const char **ids;
	const char **digests;
} VifloDigests;

/* False when nothing usable is there; that is never an error. */
extern bool viflo_cache_load(const VifloFolder *folder, const char *layout,
							 VifloDigests *digests);

/* Does nothing where it would not help or cannot be done safely. */
extern void viflo_cache_store(const VifloFolder *folder, const char *layout,
							  const VifloHistory *history);

#endif							/* VIFLO_CLI_CACHE_H */
