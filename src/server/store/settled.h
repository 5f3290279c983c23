/*-------------------------------------------------------------------------
 * settled.h
 *	  "Nothing is left to do", remembered across sessions.
 *
 * A client that brings a folder of revisions asks by one digest of its own
 * (the manifest) instead of sending every checksum, and a new backend
 * answers without reading the graph.  Every change of a project's revisions
 * forgets the answer in the same transaction, and every change of what is
 * applied that of the tenant.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SETTLED_H
#define VIFLO_SETTLED_H

/* Is it noted that nothing is left to do for this manifest and target? */
extern bool viflo_settled_find(const char *project, const char *tenant,
							   const char *target, const char *manifest);

/* Notes it.  The caller holds the migrator lock, and has made sure. */
extern void viflo_settled_put(const char *project, const char *tenant,
							  const char *target, const char *manifest);

/*
 * Forgets what is noted for a tenant of a project, for all tenants (tenant
 * NULL), or for all projects (both NULL).
 */
extern void viflo_settled_forget(const char *project, const char *tenant);

#endif							/* VIFLO_SETTLED_H */
