/*-------------------------------------------------------------------------
 * quotes.h
 *	  Does every quote and comment of a text end?
 *
 * The server's parser would say so, too; but one that does not end swallows
 * what follows, and nothing of such a folder is to be sent.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_QUOTES_H
#define VIFLO_CLI_QUOTES_H

/*
 * NULL when all of them end, else what does not, as "dollar-quoted string";
 * *line is then the line of the text, from 1, in which it begins.  text is
 * UTF-8, without NUL bytes.  Data that follow COPY ... FROM stdin count for
 * nothing.
 */
extern const char *viflo_quotes_open(const char *text, size_t length, int *line);

#endif							/* VIFLO_CLI_QUOTES_H */
