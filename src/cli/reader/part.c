/*-------------------------------------------------------------------------
 * part.c
 *	  A section made of some of the lines of a file.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/part.h"
#include "common/checksum.h"

void
viflo_part_begin(VifloPart *part, int line)
{
	if (part->first_line != 0)
		return;
	part->first_line = part->next_line = line;
	initStringInfo(&part->text);
}

void
viflo_part_add(VifloPart *part, int number, VifloSpan line)
{
	viflo_part_begin(part, number);
	for (; part->next_line < number; part->next_line++)
		appendStringInfoChar(&part->text, '\n');
	appendBinaryStringInfo(&part->text, line.start, line.end - line.start);
	appendStringInfoChar(&part->text, '\n');
	part->next_line++;
}

bool
viflo_part_section(const VifloFolder *folder, const VifloFile *file,
				   VifloHistory *history, const VifloPart *part,
				   VifloSection *section, VifloFailure *failure)
{
	return part->first_line == 0 ||
		viflo_reader_part(folder, file, history, part->text.data, part->text.len,
						  part->first_line, section, failure);
}

bool
viflo_line_begins(VifloSpan line, bool blanks, const char *with)
{
	size_t		length = strlen(with);

	while (blanks && line.start < line.end && viflo_is_blank(*line.start))
		line.start++;
	return line.end - line.start >= length && memcmp(line.start, with, length) == 0;
}

bool
viflo_part_check_new(const char *text, bool (*marker) (VifloSpan line),
					 const char *layout, VifloFailure *failure)
{
	VifloLines	lines = viflo_lines_begin(text ? text : "", text ? strlen(text) : 0);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		if (marker(line))
			return viflo_failure(failure, VIFLO_EXIT_REFUSED,
								 "line \"%s\" means something else in a %s file",
								 viflo_span_copy(viflo_span_trim(line)), layout);
	}
	return true;
}
