/*-------------------------------------------------------------------------
 * upload.h
 *	  The registration of what a database has not got of the folder.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_UPLOAD_H
#define VIFLO_CLI_UPLOAD_H

#include "cli/database.h"

/*
 * Keeps what the query points to: texts and names are the folder's, the
 * lists of them its own.  viflo_upload_free() frees these, and zeroes it.
 */
typedef struct VifloUpload
{
	VifloNames	sources;
	const char **scripts;
	size_t	   *lengths;
	VifloDbParam params[3];
} VifloUpload;

/*
 * Makes *query the registration of those revisions of the folder that are
 * missing; sorts these.  0 when none are, 1, or -1 on failure.  Its text is
 * palloc'd.
 */
extern int	viflo_upload_prepare(const VifloDatabase *database, VifloLocal *local,
								 VifloNames *missing, VifloUpload *upload,
								 VifloDbQuery *query, VifloFailure *failure);
extern void viflo_upload_free(VifloUpload *upload);

/* Adds to a failure of that query which file it is about, if it says so. */
extern void viflo_upload_blame(const VifloLocal *local, VifloFailure *failure);

#endif							/* VIFLO_CLI_UPLOAD_H */
