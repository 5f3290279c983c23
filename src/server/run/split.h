/*-------------------------------------------------------------------------
 * split.h
 *	  One script text into statements, by the server's own lexer and grammar.
 *
 * COPY ... FROM stdin data is found by the lexer and blanked out in a working
 * copy, as are psql's \restrict and \unrestrict lines, so that one raw_parser
 * call over the whole text gives every statement its true position.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SPLIT_H
#define VIFLO_SPLIT_H

#include "nodes/parsenodes.h"

typedef enum VifloStatementKind
{
	VIFLO_STATEMENT_RUN,		/* to be executed */
	VIFLO_STATEMENT_WRAPPER,	/* the script's own BEGIN or COMMIT around
								 * everything: not executed */
	VIFLO_STATEMENT_STRAY		/* COMMIT with no transaction open: a warning,
								 * as in psql */
} VifloStatementKind;

typedef struct VifloStatement
{
	RawStmt    *raw;
	VifloStatementKind kind;
	int			number;			/* 1.., as a reader of the script counts */
	int			location;		/* byte offset of its first token in text */
	int			length;			/* bytes, without the semicolon */
	int			line;			/* 1-based line of that token in text */
	const char *copy_data;		/* inline COPY data within text, or NULL */
	int			copy_length;
	int			copy_line;		/* line of the first data line */
	const char *forbidden;		/* command that cannot run inside a
								 * transaction ("CREATE INDEX CONCURRENTLY"),
								 * or NULL */
} VifloStatement;

typedef struct VifloStatements
{
	const char *text;			/* the section, NUL-terminated, palloc'd */
	int			count;
	VifloStatement *statements;
	bool		transactional;	/* can run as part of one transaction */
} VifloStatements;

/*
 * Splits and classifies.  All memory is in the current context.  Raises
 * syntax errors with errposition() set to a 1-based character position in
 * text, and VIFLO_BACKSLASH_COMMAND for other psql commands, likewise placed.
 *
 * transactional is false when a statement is forbidden in a transaction
 * (found from the parse tree alone, exactly where the server's own
 * PreventInTransactionBlock would object, for what the tree can tell), or
 * when the script opens or ends transactions in other ways than one
 * BEGIN ... COMMIT around everything; savepoints count as such, too.
 */
extern VifloStatements *viflo_split(const char *text, size_t length);

/*
 * The same for registration, which must accept what this server's grammar
 * does not (a down script that never worked, syntax of another major): a
 * syntax error is not raised; NULL is returned and *error holds a copy of it.
 */
extern VifloStatements *viflo_split_quietly(const char *text, size_t length,
											struct ErrorData **error);

#endif							/* VIFLO_SPLIT_H */
