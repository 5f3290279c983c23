/*-------------------------------------------------------------------------
 * classify.h
 *	  What a raw parse tree tells of a statement before it is analysed.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLASSIFY_H
#define VIFLO_CLASSIFY_H

#include "nodes/parsenodes.h"

/*
 * The command's name when the server refuses to run it inside a transaction
 * block, else NULL.  What depends on the catalogs (CLUSTER or REINDEX of a
 * partitioned table, DROP SUBSCRIPTION without a slot) counts as what it
 * usually is: allowed, allowed, refused.  Raises a syntax error where an
 * option's value is none.
 */
extern const char *viflo_forbidden_command(Node *statement);

/* SET TRANSACTION, of anything but a snapshot; not that of a session's. */
extern bool viflo_sets_transaction(Node *statement);

/*
 * Does it ask for an isolation level that a transaction does not have unless it
 * begins with it: BEGIN or SET TRANSACTION, of another than READ COMMITTED?
 */
extern bool viflo_chooses_isolation(Node *statement);

/* COPY ... FROM stdin, or TO stdout: data that goes over the client's line. */
extern bool viflo_is_copy_from_client(Node *statement);
extern bool viflo_is_copy_to_client(Node *statement);

#endif							/* VIFLO_CLASSIFY_H */
