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

/* Adds a row to the result. */
extern void viflo_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif							/* VIFLO_ARGUMENTS_H */
