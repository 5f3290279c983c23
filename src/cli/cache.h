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

/*
 * All three: false, or nothing, when nothing usable is there; that is never an
 * error.  The number of revisions and the manifest (local.h) come at once, the
 * digests after reading the rest.
 */
extern bool viflo_cache_find(const VifloFolder *folder, const char *layout,
							 int *count, char manifest[65]);
extern bool viflo_cache_load(const VifloFolder *folder, const char *layout,
							 VifloDigests *digests);

extern void viflo_cache_store(const VifloFolder *folder, const char *layout,
							  const VifloHistory *history, const char *manifest);

#endif							/* VIFLO_CLI_CACHE_H */
