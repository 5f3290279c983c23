/*-------------------------------------------------------------------------
 * rails.h
 *	  Rails: which migrations its structure.sql stands for.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_RAILS_H
#define VIFLO_CLI_RAILS_H

#include "common/revision.h"

/* detail of the one migration read by viflo_reader_rails */
typedef struct VifloRailsDetail
{
	VifloNames	versions;		/* by number, as in table schema_migrations */
} VifloRailsDetail;

#endif							/* VIFLO_CLI_RAILS_H */
