/*-------------------------------------------------------------------------
 * checksum.h
 *	  The checksum of a migration: what its texts are, but for how editors
 *	  and version control may change them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CHECKSUM_H
#define VIFLO_CHECKSUM_H

#include "common/revision.h"

/* SQL's and C's white space, whatever the locale says, but for LF. */
static inline bool
viflo_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/*
 * SHA-256 over the up and down sections, hex into checksum: line ends
 * normalised to LF, white space at line ends and blank lines at the ends of
 * a section ignored.  The exact bytes are: up lines each followed by LF, then
 * one byte 0, then down lines each followed by LF (no down section: nothing,
 * not even the 0).  Returns false only when the digest itself fails.
 */
extern bool viflo_script_checksum(const VifloSection *up, const VifloSection *down,
								  char checksum[65], VifloError *error);

/* SHA-256, hex, of the bytes of count parts one after the other. */
extern bool viflo_digest(const char *const *parts, const size_t *lengths,
						 int count, char hex[65], VifloError *error);

#endif							/* VIFLO_CHECKSUM_H */
