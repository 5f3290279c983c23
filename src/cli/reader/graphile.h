/*-------------------------------------------------------------------------
 * graphile.h
 *	  What graphile-migrate's own history says of a file, for taking it over.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_GRAPHILE_H
#define VIFLO_CLI_GRAPHILE_H

#include "cli/reader/reader.h"

/*
 * In detail of a migration of committed/, whose version is the name without
 * slug, as in column filename.
 */
typedef struct VifloGraphileDetail
{
	const char *hash;
	const char *previous;		/* or NULL */
} VifloGraphileDetail;

#endif							/* VIFLO_CLI_GRAPHILE_H */
