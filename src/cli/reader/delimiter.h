/*-------------------------------------------------------------------------
 * delimiter.h
 *	  What ends a statement in texts of tools that can be told so: made the
 *	  ";" that the server knows.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_DELIMITER_H
#define VIFLO_CLI_DELIMITER_H

#include "lib/stringinfo.h"

typedef enum VifloDelimiterPlace
{
	VIFLO_DELIMITER_ANYWHERE,	/* but in parentheses */
	VIFLO_DELIMITER_LINE_END,	/* white space may follow */
	VIFLO_DELIMITER_LINE		/* alone on its line */
} VifloDelimiterPlace;

/*
 * Puts ";" where delimiter stands, outside of quotes and comments of several
 * lines, by psql's own lexer.  At a line's end, case does not matter, and one
 * that is a word must be all of one.  A ";" that comes after one that is there
 * already means nothing.  Lines stay the same in number.
 */
extern void viflo_delimiter_replace(StringInfo text, const char *delimiter,
									VifloDelimiterPlace place);

#endif							/* VIFLO_CLI_DELIMITER_H */
