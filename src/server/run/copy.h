/*-------------------------------------------------------------------------
 * copy.h
 *	  COPY ... FROM stdin whose data stands in the script.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_COPY_H
#define VIFLO_COPY_H

#include "nodes/parsenodes.h"
#include "report.h"

/*
 * Does what the server's COPY FROM does, with the same checks of rights,
 * read-only mode and row security, but reads data_length bytes at data (up
 * to, not including, the line "\."; a last line may lack its line end).  The
 * data is in the server's encoding, whatever the statement says, since the
 * script has been converted as a whole.  Errors in data keep COPY's own
 * context ("COPY t, line 3, column b"), and place's line becomes that of the
 * data; data_line is the script's line of the first.  Returns rows.  source
 * is the text that stmt's locations refer to.  Needs an active snapshot.
 */
extern uint64 viflo_copy_inline(CopyStmt *stmt, const char *source,
								int location, int length,
								const char *data, int data_length,
								VifloPlace *place, int data_line);

#endif							/* VIFLO_COPY_H */
