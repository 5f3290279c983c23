/*-------------------------------------------------------------------------
 * script.h
 *	  One migration text in the native format: header, sections, checksum.
 *
 * The format is in MIGRATIONS.md.  A section begins at a line that starts
 * with "-- viflo up", "down", "verify" or "backfill" (the word ends there:
 * white space or the end of the line follows), whatever stands around it;
 * this is the only place that knows it.  After the word, "from NAME"
 * says that the section is a copy of the file NAME: lines then count from
 * its first, which is how folders of other tools keep their line numbers.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SCRIPT_H
#define VIFLO_SCRIPT_H

#include "lib/stringinfo.h"
#include "common/revision.h"

/*
 * Reads length bytes of script into *revision, whose sections point into
 * script.  A byte order mark and CRLF line ends are accepted.  Fails, with
 * the line in error->line, on: no header, a header line that is not known,
 * twice the same header or section, no up section, text before the first
 * section that is neither comment nor blank, a NUL byte, an invalid name or
 * transaction value.  Strings are palloc'd.
 */
extern bool viflo_script_read(const char *script, size_t length,
							  VifloRevision *revision, VifloError *error);

/*
 * Does this line begin a section (or the header)?  For layouts that are
 * wrapped into the native format, which must not contain such a line.
 * Returns the 1-based number of the first such line in text, or 0.
 */
extern int	viflo_script_marker_line(const char *text, size_t length);

/*
 * Appends the native text of *revision to buf: reading it back gives an
 * equal revision and checksum.  Absent sections are left out.
 */
extern void viflo_script_write(StringInfo buf, const VifloRevision *revision);

/*
 * SHA-256 over the up and down sections, hex into checksum: line ends
 * normalised to LF, white space at line ends and blank lines at the ends of
 * a section ignored.  The exact bytes are: up lines each followed by LF, then
 * one byte 0, then down lines each followed by LF (no down section: nothing,
 * not even the 0).  Returns false only when the digest itself fails.
 */
extern bool viflo_script_checksum(const VifloSection *up, const VifloSection *down,
								  char checksum[65], VifloError *error);

/* A file name from a message: lower case, "_" for runs of anything else. */
extern void viflo_script_slug(StringInfo buf, const char *message, int max_length);

#endif							/* VIFLO_SCRIPT_H */
