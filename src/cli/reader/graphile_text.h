/*-------------------------------------------------------------------------
 * graphile_text.h
 *	  A committed file of graphile-migrate: its headers, body and hash.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_GRAPHILE_TEXT_H
#define VIFLO_CLI_GRAPHILE_TEXT_H

#include "common/error.h"
#include "common/lines.h"

/* "sha1:", 40 hex digits, NUL. */
#define VIFLO_GRAPHILE_HASH_SIZE	46

/* Made by viflo_graphile_read(); spans point into the text. */
typedef struct VifloGraphileText
{
	const char *previous;		/* hash of the file before; NULL: there is
								 * none */
	const char *hash;
	const char *message;		/* or NULL */
	bool		allows_other_hash;
	VifloSpan	body;			/* without white space at its ends */
	int			body_line;		/* on which it begins, from 1 */
} VifloGraphileText;

/* Takes a file apart.  Fails with the line in error->line, as the tool does. */
extern bool viflo_graphile_read(const char *text, size_t length,
								VifloGraphileText *result, VifloError *error);

/* span without what JavaScript's trim() takes away */
extern VifloSpan viflo_graphile_trim(VifloSpan span);

/* The hash of a trimmed body that comes after previous (NULL: nothing). */
extern bool viflo_graphile_hash(const char *previous, VifloSpan body,
								char hash[VIFLO_GRAPHILE_HASH_SIZE]);

/* Does the body's first line say that it runs outside of a transaction? */
extern bool viflo_graphile_no_transaction(VifloSpan body);

#endif							/* VIFLO_CLI_GRAPHILE_TEXT_H */
