/*-------------------------------------------------------------------------
 * arguments.h
 *	  Arguments of the SQL functions, and rows of their results.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_ARGUMENTS_H
#define VIFLO_ARGUMENTS_H

#include "fmgr.h"

#include "common/revision.h"

/* Argument n as a string; NULL for NULL. */
extern char *viflo_arg_text(FunctionCallInfo fcinfo, int n);

/* The same where NULL is an error that names the argument. */
extern char *viflo_arg_required(FunctionCallInfo fcinfo, int n, const char *name);

/* Argument n as a list of strings; empty for NULL; NULL elements only where allowed. */
extern VifloNames viflo_arg_names(FunctionCallInfo fcinfo, int n, const char *name,
								  bool nulls_allowed);

/* Argument n as a boolean; false for NULL. */
extern bool viflo_arg_bool(FunctionCallInfo fcinfo, int n);

/* The project: argument n, else setting viflo_migrate.project.  Checked. */
extern char *viflo_arg_project(FunctionCallInfo fcinfo, int n);

/*
 * The tenant: argument n, "" for NULL, and where the extension's installed
 * version has no such argument yet.  Checked to be what can be a schema and
 * stand in a search_path; whether there is such a schema is not looked at.
 */
extern char *viflo_arg_tenant(FunctionCallInfo fcinfo, int n);

/* The same where NULL stands for all tenants, and those without: gives NULL. */
extern char *viflo_arg_tenants(FunctionCallInfo fcinfo, int n);

/* A tenant as users see it: null for none. */
extern Datum viflo_tenant_datum(const char *tenant, bool *isnull);

/* Adds a row to the result. */
extern void viflo_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif							/* VIFLO_ARGUMENTS_H */
