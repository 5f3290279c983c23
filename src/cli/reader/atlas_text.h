/*-------------------------------------------------------------------------
 * atlas_text.h
 *	  Directives of a file of Atlas, "-- atlas:NAME VALUE".
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_ATLAS_TEXT_H
#define VIFLO_CLI_ATLAS_TEXT_H

#include "cli/reader/reader.h"
#include "common/lines.h"

/* What the comments that a file begins with say. */
typedef struct VifloAtlasDirectives
{
	bool		no_transaction;
	int			transaction_line;	/* that says so, from 1; or 0 */
	bool		checkpoint;
} VifloAtlasDirectives;

/* Is the line a directive, and of what?  Both are palloc'd. */
extern bool viflo_atlas_directive(VifloSpan line, char **name, char **value);

/* Is there one among the comments that text begins with? */
extern bool viflo_atlas_has_directives(const char *text, size_t length);

/*
 * Reads those of a file, which count if an empty line follows; warns if none
 * does.  Fails on those that are not supported.
 */
extern bool viflo_atlas_read_directives(const VifloFolder *folder, VifloHistory *history,
										const VifloFile *file,
										VifloAtlasDirectives *directives,
										VifloFailure *failure);

/* The delimiter that the file's first line sets, with line ends, or NULL. */
extern char *viflo_atlas_delimiter(const VifloFile *file);

#endif							/* VIFLO_CLI_ATLAS_TEXT_H */
