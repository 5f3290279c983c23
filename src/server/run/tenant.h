/*-------------------------------------------------------------------------
 * tenant.h
 *	  The schema that a project is applied in for a tenant.
 *
 * A tenant is a schema by its name, "" stands for none.  What runs for a
 * tenant finds it at the head of the search_path, before what the caller has.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TENANT_H
#define VIFLO_TENANT_H

/* Can a schema of that name be a tenant? */
extern bool viflo_tenant_is_possible(const char *name);

/* Is there such a schema?  "" always is, here and below. */
extern bool viflo_tenant_exists(const char *tenant);

/* Raises unless there is, for who only looks at what is recorded of it. */
extern void viflo_tenant_check_exists(const char *tenant);

/*
 * Raises unless there is such a schema and the current user may use it: the
 * server skips it in a search_path without a word otherwise, and a script
 * would work on whatever comes next.
 */
extern void viflo_tenant_check(const char *tenant);

/*
 * Checks it and sets search_path: until the current GUC nest level ends, or
 * for the session from the current transaction's commit on.  Nothing for "".
 */
extern void viflo_tenant_enter(const char *tenant);
extern void viflo_tenant_enter_session(const char *tenant);

#endif							/* VIFLO_TENANT_H */
