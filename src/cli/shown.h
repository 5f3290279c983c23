/*-------------------------------------------------------------------------
 * shown.h
 *	  Text as a terminal shows it: how wide, and without what it would obey.
 *
 * Names, messages and what a server says may hold any character.  Control
 * characters, those of one byte and of two, become blanks.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_SHOWN_H
#define VIFLO_CLI_SHOWN_H

/*
 * Columns of the character that text, which has length bytes and is not empty,
 * begins with; *bytes is how many are its own.  And of all of the text.
 */
extern int	viflo_shown_character(const char *text, int length, int *bytes);
extern int	viflo_shown_width(const char *text, int length);

/* palloc'd; the other one leaves ends of lines and tabs as they are. */
extern char *viflo_shown(const char *text, int length);
extern char *viflo_shown_lines(const char *text);

#endif							/* VIFLO_CLI_SHOWN_H */
