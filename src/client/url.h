/*-------------------------------------------------------------------------
 * url.h
 *	  Connection strings: taken apart, changed, put together, and shown
 *	  without what is secret in them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_URL_H
#define VIFLO_CLIENT_URL_H

#include "error.h"

VIFLO_DB_BEGIN

/* What a connection string says, keyword by keyword. */
typedef struct VifloDbUrl VifloDbUrl;

/*
 * Is text a URL ("postgresql://...") or a string like "host=... dbname=..."?
 * Else libpq takes it for the name of a database.
 */
extern bool viflo_db_is_conninfo(const char *text);

/*
 * Takes text apart: a URL, a string, the name of a database, or NULL for
 * nothing at all.  NULL when it cannot be read; the error quotes nothing of
 * it, as that may be a password.  Freed by viflo_db_url_free(), which is
 * harmless on NULL.
 */
extern VifloDbUrl *viflo_db_url_parse(const char *text, VifloDbError *error);
extern void viflo_db_url_free(VifloDbUrl *url);

/* libpq's keywords: "host", "dbname" ...  NULL: it does not say. */
extern const char *viflo_db_url_get(const VifloDbUrl *url, const char *keyword);

/* Out of memory, or no such keyword: false. */
extern bool viflo_db_url_set(VifloDbUrl *url, const char *keyword, const char *value,
							 VifloDbError *error);

/*
 * As "postgresql://...", malloc'd; NULL: out of memory.  Passwords and the
 * like are left out unless secrets is asked for.
 */
extern char *viflo_db_url_format(const VifloDbUrl *url, bool secrets);

/*
 * Which database it leads to, malloc'd: server, port and database, by libpq's
 * defaults where it does not say.  The same text: the same database; another
 * one can still be the same by another name.
 */
extern char *viflo_db_url_target(const VifloDbUrl *url);

VIFLO_DB_END

#endif							/* VIFLO_CLIENT_URL_H */
