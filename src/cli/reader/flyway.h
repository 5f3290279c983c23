/*-------------------------------------------------------------------------
 * flyway.h
 *	  What Flyway's own history says of a script, for taking it over.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLYWAY_H
#define VIFLO_CLI_FLYWAY_H

#include "cli/reader/flyway_callback.h"
#include "cli/reader/reader.h"

/*
 * In detail of a migration; its version is NULL for a repeatable one.  The
 * checksum is a signed CRC-32 over the UTF-8 lines of text, without their ends
 * and a byte order mark; for a repeatable script over the text after
 * replacing, or, as Flyway takes that too, over file's as it is.
 */
typedef struct VifloFlywayDetail
{
	char		type;			/* 'V', 'R', 'C': a callback, or 'B': a
								 * baseline, which covers all versions up to
								 * its own */
	const VifloFlywayEvent *event;	/* of a callback, else NULL */
	const char *description;
	const char *script;			/* path, as in column script */
	const char *text;
	size_t		length;
	const VifloFile *undo;		/* or NULL */
} VifloFlywayDetail;

#endif							/* VIFLO_CLI_FLYWAY_H */
