/*-------------------------------------------------------------------------
 * failure.h
 *	  Why a command of the program failed: what is said, and the exit status.
 *
 * One struct for all sources of trouble: the server, a file of the folder,
 * the command line.  A function that can fail returns false and fills it; the
 * command hands it to viflo_output_failure() and returns its status.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_FAILURE_H
#define VIFLO_CLI_FAILURE_H

#include "client/error.h"
#include "common/error.h"

/* Exit statuses, as CONTRACT promises them. */
#define VIFLO_EXIT_DONE			0
#define VIFLO_EXIT_REFUSED		1	/* the server, or a file, said no */
#define VIFLO_EXIT_USAGE		2
#define VIFLO_EXIT_BEHIND		3	/* check: behind, or drifted */
#define VIFLO_EXIT_CONNECTION	4

/* On the caller's stack, zeroed; strings are palloc'd and live to the end. */
typedef struct VifloFailure
{
	int			status;
	char	   *sqlstate;		/* or NULL */
	char	   *message;
	char	   *database;		/* its name, in a fleet */
	char	   *detail;			/* the rest may be NULL or 0 */
	char	   *hint;
	char	   *context;
	char	   *kept;			/* what stays of the run all the same */
	char	   *file;			/* as the user can open it */
	int			line;			/* 1-based */
	int			column;			/* 1-based, characters */
	char	   *source;			/* the line itself, without its end */
	char	   *query;			/* what the server ran, if not found in file */
	int			query_position; /* 1-based character of it */
} VifloFailure;

/* What printf would print, palloc'd. */
extern char *viflo_format(const char *fmt, va_list args) pg_attribute_printf(1, 0);

/* All return false, so that "return viflo_failure(...)" reads well. */
extern bool viflo_failure(VifloFailure *failure, int status, const char *fmt,...) pg_attribute_printf(3, 4);

/* A file of the folder is at fault; line may be 0.  Status 1. */
extern bool viflo_failure_file(VifloFailure *failure, const char *file, int line,
							   const char *sqlstate, const char *fmt,...) pg_attribute_printf(5, 6);

/* What a function of src/common said, of a file or (NULL) of an argument. */
extern bool viflo_failure_common(VifloFailure *failure, const char *file,
								 const VifloError *error);

/*
 * What libviflo said.  dir is the folder in which the files that the server
 * names are looked for, to show the line with a caret; or NULL.  Status 4
 * when there is no connection, else 1.
 */
extern bool viflo_failure_database(VifloFailure *failure, const char *dir,
								   const VifloDbError *error);

/* Frees all of it, where there may be many. */
extern void viflo_failure_free(VifloFailure *failure);

extern void viflo_failure_hint(VifloFailure *failure, const char *fmt,...) pg_attribute_printf(2, 3);

#endif							/* VIFLO_CLI_FAILURE_H */
