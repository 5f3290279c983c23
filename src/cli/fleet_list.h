/*-------------------------------------------------------------------------
 * fleet_list.h
 *	  Which databases a fleet has: read from a file, or asked of a database.
 *
 * A member is named by a URL, by a string like "host=... dbname=...", by a
 * section of viflo.conf, or else by the name of a database on the server of
 * the settings' URL.  All of the list is checked before anybody connects.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FLEET_LIST_H
#define VIFLO_CLI_FLEET_LIST_H

#include <jansson.h>

#include "cli/settings.h"

typedef enum VifloFleetStatus
{
	VIFLO_FLEET_NOT_BEGUN,
	VIFLO_FLEET_RUNNING,
	VIFLO_FLEET_DONE,
	VIFLO_FLEET_FAILED,
	VIFLO_FLEET_CANCELLED
} VifloFleetStatus;

/* Strings are palloc'd and live to the end. */
typedef struct VifloFleetMember
{
	int			line;			/* where it is named, 1-based: line or row */
	char	   *name;			/* for people: holds no secret */
	char	   *shown;			/* its URL without secrets */
	char	   *url;			/* to connect to: for nobody's eyes */
	char	   *project;		/* or NULL: none of its own */
	char	   *tenant;			/* or NULL: none of its own */

	/* What became of it, by fleet_slot.c. */
	VifloFleetStatus status;
	int			exit_status;	/* of a failure */
	int64		duration;		/* milliseconds */
	char	   *words;			/* in a few words, or NULL */
	char	   *document;		/* JSON text, or NULL */
	json_t	   *error;			/* the failure as JSON, or NULL */
} VifloFleetMember;

/* Zeroed by the caller, filled by the functions below. */
typedef struct VifloFleet
{
	const char *source;			/* "FILE", "standard input", "query" */
	int			count;
	VifloFleetMember *members;
} VifloFleet;

/*
 * Reads file, or (-) standard input.  Fails (2), naming file and line, on
 * what is no name of a database, and on one that is named twice.
 */
extern bool viflo_fleet_read(VifloFleet *fleet, const char *file,
							 const VifloSettings *settings, VifloFailure *failure);

/*
 * The rows of a query in the database of the settings: the first column is
 * what a line of a file is, the second, if there is one, a name to show.
 */
extern bool viflo_fleet_query(VifloFleet *fleet, const char *sql,
							  const VifloSettings *settings, VifloFailure *failure);

#endif							/* VIFLO_CLI_FLEET_LIST_H */
