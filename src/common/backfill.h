/*-------------------------------------------------------------------------
 * backfill.h
 *	  The section "-- viflo backfill" of a script: a data change in ranges.
 *
 *	  -- viflo backfill
 *	  -- table: app.orders
 *	  -- key: id
 *	  -- batch: 5000
 *	  -- pause: 20ms
 *	  -- max lag: 10s
 *	  UPDATE app.orders SET total = price * quantity
 *	  WHERE id BETWEEN :from AND :to AND total IS NULL;
 *
 * Both ends of a range belong to it.  A statement without :from and :to gets
 * the range as one more condition.  This is the only place that knows the
 * header lines; the statement is the server's to parse.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_BACKFILL_H
#define VIFLO_BACKFILL_H

#include "common/revision.h"

typedef struct VifloBackfill
{
	char	   *table;			/* as written */
	char	   *key;			/* as written: one column */
	int			batch;			/* rows a range; default 5000 */
	int			pause;			/* milliseconds between ranges; default 0 */
	int			max_lag;		/* milliseconds a standby may be behind, 0:
								 * any; default 10000 */
	const char *statement;		/* points into the section */
	size_t		length;
	int			line;			/* 1-based line of the section on which
								 * statement begins */
} VifloBackfill;

/*
 * Reads the section.  Strings are palloc'd.  Fails, with the line in
 * error->line, on a missing or repeated table or key, an unknown header key,
 * a number out of range, a unit that is none, and no statement.
 */
extern bool viflo_backfill_read(const VifloSection *section, VifloBackfill *backfill,
								VifloError *error);

#endif							/* VIFLO_BACKFILL_H */
