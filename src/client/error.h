/*-------------------------------------------------------------------------
 * error.h
 *	  What went wrong, as a struct: SQLSTATE, message, detail, hint, place.
 *
 * Every function of libviflo that can fail takes a VifloDbError * as its
 * last argument, which may be NULL where the caller does not care why.  The
 * caller makes one, zeroed (= {0}; in C++, {}), and clears it when done; a
 * function that fails replaces what was in it, one that succeeds leaves it
 * alone.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_ERROR_H
#define VIFLO_CLIENT_ERROR_H

#include <stdbool.h>

/* For C++.  As macros, since the braces are none that indent anything. */
#ifdef __cplusplus
#define VIFLO_DB_BEGIN	extern "C" {
#define VIFLO_DB_END	}
#else
#define VIFLO_DB_BEGIN
#define VIFLO_DB_END
#endif

VIFLO_DB_BEGIN

#if defined(__GNUC__)
#define VIFLO_DB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define VIFLO_DB_PRINTF(f, a)
#endif

typedef enum VifloDbErrorKind
{
	VIFLO_DB_NO_ERROR,
	VIFLO_DB_CONNECTION_ERROR,	/* cannot connect, or the connection is lost */
	VIFLO_DB_SERVER_ERROR,		/* the server said no; the session lives on */
	VIFLO_DB_TIMEOUT_ERROR,		/* waited as long as was allowed */
	VIFLO_DB_CLIENT_ERROR		/* wrong use, wrong type, out of memory */
} VifloDbErrorKind;

/*
 * The strings are malloc'd and belong to the struct; all but message may be
 * NULL.  Without an error, kind is 0 and message NULL.
 */
typedef struct VifloDbError
{
	VifloDbErrorKind kind;
	char		sqlstate[6];	/* five characters, never empty on an error */
	char	   *severity;		/* ERROR, FATAL, NOTICE ...: not translated */
	char	   *message;
	char	   *detail;
	char	   *hint;
	char	   *context;
	char	   *schema_name;
	char	   *table_name;
	char	   *column_name;
	char	   *datatype_name;
	char	   *constraint_name;
	int			position;		/* 1-based character of the query, or 0 */
	char	   *internal_query; /* what the server itself ran */
	int			internal_position;	/* 1-based character of that, or 0 */
	int			query;			/* which query of a pipeline, from 0 */
} VifloDbError;

/* Frees what it holds and zeroes it.  Harmless on a zeroed one, and on NULL. */
extern void viflo_db_error_clear(VifloDbError *error);

/* Moves from to to, which is cleared first; from is zeroed. */
extern void viflo_db_error_move(VifloDbError *to, VifloDbError *from);

/*
 * For functions run in a scope, and models: sets an error of the caller's
 * own.  Returns false, so that "return viflo_db_error_set(...)" reads well.
 */
extern bool viflo_db_error_set(VifloDbError *error, VifloDbErrorKind kind,
							   const char *sqlstate, const char *fmt,...)
			VIFLO_DB_PRINTF(4, 5);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_ERROR_H */
