/*-------------------------------------------------------------------------
 * alembic_output.h
 *	  What the program alembic prints: its history, and SQL of revisions.
 *
 * Texts must be NUL-terminated and UTF-8.  Results are palloc'd.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_ALEMBIC_OUTPUT_H
#define VIFLO_CLI_ALEMBIC_OUTPUT_H

#include "common/revision.h"

/* One entry of "alembic history --verbose". */
typedef struct VifloAlembicEntry
{
	char	   *id;
	VifloNames	down;
	VifloNames	depends_on;
	VifloNames	labels;			/* its own, and those of its branch */
	char	   *path;
	char	   *message;		/* first line of its description */
	char	   *created;		/* or NULL */
} VifloAlembicEntry;

/* The entries, newest first; returns how many. */
extern int	viflo_alembic_history(const char *text, VifloAlembicEntry **entries);

/* The SQL of one revision, out of "alembic upgrade|downgrade --sql". */
typedef struct VifloAlembicSql
{
	char	   *id;
	char	   *text;			/* "" for none */
} VifloAlembicSql;

/*
 * The name of the table that the offline script of an upgrade from base
 * creates for itself, as it is written there.
 */
extern char *viflo_alembic_table(const char *sql);

/*
 * Takes an offline script apart, for up or down; returns how many revisions it
 * has.  Left out are statements on that table, and the transaction around the
 * whole or around each.  A revision that ends its transaction in between (in an
 * autocommit block) has one of its own around it, so that the same parts are in
 * a transaction.
 */
extern int	viflo_alembic_sql(const char *sql, const char *table, bool up,
							  VifloAlembicSql **revisions);

#endif							/* VIFLO_CLI_ALEMBIC_OUTPUT_H */
