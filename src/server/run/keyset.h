/*-------------------------------------------------------------------------
 * keyset.h
 *	  The rows of a table in ranges of a key: one column, in the order of an
 *	  index.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_KEYSET_H
#define VIFLO_KEYSET_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/plancache.h"

/* What can be looked for; each is one key, found in the index. */
typedef enum VifloKeySearch
{
	VIFLO_KEY_LOWEST,			/* of all */
	VIFLO_KEY_HIGHEST,			/* of all */
	VIFLO_KEY_NEXT,				/* the one after first, up to last */
	VIFLO_KEY_END,				/* that of the rows-th row from first on, up
								 * to last */
	VIFLO_KEY_SEARCHES
} VifloKeySearch;

/* Made by viflo_keyset_open(), in the memory context that is then current. */
typedef struct VifloKeySet
{
	Oid			table;
	char	   *table_name;		/* qualified, quoted where needed */
	char	   *schema;
	char	   *relation;
	char	   *column;
	Oid			type;			/* as which keys are passed on */
	int16		length;
	bool		by_value;
	Oid			family;			/* of btree operators */
	Oid			family_type;
	double		rows;			/* estimated; 0: not known */
	CachedPlanSource *searches[VIFLO_KEY_SEARCHES];
} VifloKeySet;

/*
 * Resolves the names, as written in SQL, by the search_path of now.  Raises
 * where the column cannot tell all rows in order, or no index does: rows
 * whose key is null would never be in a range.  Locks the table (AccessShare),
 * and what inherits from it, until the transaction ends.
 */
extern void viflo_keyset_open(VifloKeySet *keys, const char *table, const char *column);

/* Lets it outlive the transaction; it must then be closed, also on error. */
extern void viflo_keyset_keep(VifloKeySet *keys);
extern void viflo_keyset_close(VifloKeySet *keys);

/*
 * False: there is no such key.  first, last and rows count where the search
 * speaks of them.  *key is palloc'd in the current context, never toasted.
 */
extern bool viflo_keyset_find(const VifloKeySet *keys, VifloKeySearch search,
							  Datum first, Datum last, int rows, Datum *key);

/* One of the operators (a strategy of btree's) by which keys compare, as a qualified name. */
extern List *viflo_keyset_operator(const VifloKeySet *keys, int strategy);

/* Schema, table and column, quoted where needed, whatever the settings of the session. */
extern char *viflo_keyset_name(const VifloKeySet *keys);

/* A key as text, the same whatever the settings of the session, and back. */
extern char *viflo_keyset_text(const VifloKeySet *keys, Datum key);
extern Datum viflo_keyset_value(const VifloKeySet *keys, const char *text);

/* palloc'd */
extern Datum viflo_keyset_copy(const VifloKeySet *keys, Datum key);

#endif							/* VIFLO_KEYSET_H */
