/*-------------------------------------------------------------------------
 * copy.h
 *	  COPY ... FROM stdin whose data stands in the script.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_COPY_H
#define VIFLO_COPY_H

#include "nodes/parsenodes.h"

/*
 * Does what the server's COPY FROM does, with the same checks of rights,
 * read-only mode and row security, but reads length bytes at data (up to,
 * not including, the line "\."; a last line may lack its line end).  Errors in
 * data keep COPY's own context ("COPY t, line 3, column b").  Returns rows.
 * source is the text that stmt's locations refer to.
 */
extern uint64 viflo_copy_inline(CopyStmt *stmt, const char *source,
								int location, int length,
								const char *data, int data_length);

#endif							/* VIFLO_COPY_H */
