/*-------------------------------------------------------------------------
 * part.h
 *	  A section made of some of the lines of a file.
 *
 * For layouts that keep up and down in one file.  Lines go in one by one, with
 * their numbers; those that are left out become empty ones, so that the
 * section's lines still count as the file's.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PART_H
#define VIFLO_CLI_PART_H

#include "cli/reader/reader.h"
#include "common/lines.h"

/* Zeroed: absent. */
typedef struct VifloPart
{
	int			first_line;		/* where it begins; 0: it does not */
	int			next_line;		/* of the file, that comes next in text */
	StringInfoData text;
} VifloPart;

/* The part exists, if only as an empty one, and may begin at this line. */
extern void viflo_part_begin(VifloPart *part, int line);

/* Adds line number of the file, which begins the part if nothing has. */
extern void viflo_part_add(VifloPart *part, int number, VifloSpan line);

/* Makes a section of it by viflo_reader_part(), or none if it is absent. */
extern bool viflo_part_section(const VifloFolder *folder, const VifloFile *file,
							   VifloHistory *history, const VifloPart *part,
							   VifloSection *section, VifloFailure *failure);

/* Does the line, without white space in front where blanks is set, begin so? */
extern bool viflo_line_begins(VifloSpan line, bool blanks, const char *with);

/*
 * For create: fails where a line of text is one that marker would take for
 * the layout's own.  text may be NULL.
 */
extern bool viflo_part_check_new(const char *text, bool (*marker) (VifloSpan line),
								 const char *layout, VifloFailure *failure);

#endif							/* VIFLO_CLI_PART_H */
