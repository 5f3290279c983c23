/*-------------------------------------------------------------------------
 * atlas.h
 *	  What Atlas's own history says of a file, for taking it over.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_ATLAS_H
#define VIFLO_CLI_ATLAS_H

#include "cli/reader/reader.h"

/* In detail of a migration. */
typedef struct VifloAtlasDetail
{
	const char *description;
	const char *hash;			/* as in atlas.sum, without "h1:"; NULL: the
								 * file is left out of it */
} VifloAtlasDetail;

#endif							/* VIFLO_CLI_ATLAS_H */
