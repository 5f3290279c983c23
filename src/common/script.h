/*-------------------------------------------------------------------------
 * script.h
 *	  One migration text in the native format: header, sections, checksum.
 *
 * The format is in MIGRATIONS.md.  A section begins at a line that starts
 * with "-- viflo up", "down", "verify" or "backfill" (the word ends there:
 * white space or the end of the line follows), whatever stands around it;
 * this is the only place that knows it.  After the word, "from NAME"
 * says that the section is a copy of the file NAME, and "at LINE NAME" of a
 * part of it that begins at that line: lines then count as they do there,
 * which is how folders of other tools keep their line numbers.  "from -" is a section that came as an argument, from no file.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SCRIPT_H
#define VIFLO_SCRIPT_H

#include "lib/stringinfo.h"
#include "common/checksum.h"
#include "common/revision.h"

/*
 * Reads length bytes of script into *revision, whose sections point into
 * script, and computes its checksum.  A byte order mark and CRLF line ends
 * are accepted.
 *
 * The header is the part before the first section: "-- KEY: VALUE" lines of
 * the known keys, in any case; "viflo revision" is the first of them, the
 * others follow in any order.  Every other "--" line there is a comment, and
 * so is a header line inside a section.
 *
 * Fails, with the line in error->line, on: no header, twice the same header
 * or section, no up section, text before the first section that is neither
 * "--" comment nor blank, a NUL byte, an invalid name, transaction or
 * repeatable value, an empty item or twice the same in a list, more than 1 GB;
 * and on a repeatable revision with down revisions, labels, a down or a
 * backfill section.  An up section without statements is allowed: a merge has
 * one.  Strings are palloc'd; *revision is of no use after a failure.
 */
extern bool viflo_script_read(const char *script, size_t length,
							  VifloRevision *revision, VifloError *error);

/*
 * Number, from 1, of the first line of text that begins a section or the
 * header, or 0.  For layouts that are wrapped into the native format, which
 * must not contain such a line.
 */
extern int	viflo_script_marker_line(const char *text, size_t length);

/*
 * A section that is put together from several files (a psql script with its
 * includes) has comments, each on a line of its own,
 *		-- viflo at LINE FILE
 * that say which line of which file the next line is.  True: such a comment
 * stands before line number, from 1, of the section's text.  Then *line is
 * what that line is in *file, which is palloc'd.
 */
extern bool viflo_script_origin(const char *text, size_t length, int number,
								int *line, char **file);

/* Does text have a header before any section?  Tells native files from others. */
extern bool viflo_script_has_header(const char *text, size_t length);

/*
 * Appends the native text of *revision to buf: reading it back gives an
 * equal revision and checksum.  Absent sections are left out.  What one line
 * cannot hold is bent: a newline in the message becomes a space, and a
 * section's text gets its last LF.
 * No section may contain a marker line; see viflo_script_marker_line().
 */
extern void viflo_script_write(StringInfo buf, const VifloRevision *revision);

/*
 * Appends a file name made from message, at most max_length bytes: ASCII
 * letters in lower case, digits, and whatever is not ASCII; "_" for runs of
 * anything else, none at the ends.  Appends nothing when nothing remains.
 */
extern void viflo_script_slug(StringInfo buf, const char *message, int max_length);

#endif							/* VIFLO_SCRIPT_H */
