/*-------------------------------------------------------------------------
 * tenants.h
 *	  What all tenants of a project have applied, read at once.
 *
 * Thousands of tenants stand at a few places: what several of them have in
 * common is kept, and worked with, once.  Kept in memory like a project's
 * state (state.h), and as current as that.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TENANTS_H
#define VIFLO_TENANTS_H

#include "store/state.h"

/* A place where tenants stand.  Arrays have an element for each node. */
typedef struct VifloTenantSet
{
	bool	   *applied;
	bool	   *changed;		/* applied with a checksum that is not the
								 * registered one */
	int			nchanged;
	bool		closed;			/* applied holds all ancestors of its members */
	uint32		hash;			/* private */
} VifloTenantSet;

typedef struct VifloTenant
{
	char	   *name;
	int			set;
	int			missing;		/* revisions applied that are not registered */
	int			unfinished;		/* steps cut off half way */
} VifloTenant;

typedef struct VifloTenants
{
	VifloTenant *tenants;		/* by name, in the order of bytes; "" is one */
	int			count;
	VifloTenantSet *sets;		/* the first has nothing applied */
	int			nsets;
} VifloTenants;

/*
 * The tenants of which anything is recorded, with the state whose graph the
 * sets are of.  Both are valid as long as that state is.
 */
extern const VifloTenants *viflo_tenants_get(const char *project, VifloProjectState **state);

#endif							/* VIFLO_TENANTS_H */
