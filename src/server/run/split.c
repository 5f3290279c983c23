/*-------------------------------------------------------------------------
 * split.c
 *	  One script text into statements, by the server's own lexer and grammar.
 *
 * Phases: the lexer reads the text once, to find where COPY data and psql's
 * \restrict lines stand and where statements begin; both are overwritten with
 * blanks in a working copy; the grammar reads the working copy; each of its
 * statements gets its place in the text, its COPY data, and a judgement
 * whether it can run inside a transaction.
 *
 * Offsets are bytes from the start of the text and the same in both copies.
 * Nothing here looks at a catalog or takes a lock.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "common/sqlstate.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "parser/scansup.h"
#include "report.h"
#include "run/classify.h"
#include "run/split.h"

/* How far the lexer has come in recognising COPY name FROM stdin. */
typedef enum CopyProgress
{
	COPY_NONE,
	COPY_BEGUN,					/* COPY was the statement's first word */
	COPY_FROM,					/* its FROM was the last token */
	COPY_CLIENT					/* reads the client's data */
} CopyProgress;

/* The data of one COPY, and the COPY it belongs to. */
typedef struct CopyData
{
	int			command;		/* offset of the word COPY */
	int			from;
	int			length;
} CopyData;

/* What the lexer's pass finds.  On viflo_split's stack. */
typedef struct Scan
{
	const char *text;
	char	   *working;		/* text with what is not SQL blanked out */
	char	   *buffer;			/* the lexer's own copy */
	int			length;
	int			blanked_to;		/* end of what is blanked last, or 0 */

	/* the statement being read */
	CopyProgress copy;
	int			depth;			/* of parentheses */
	int			start;			/* offset of its first token, or -1 */

	/* Offsets of the tokens that follow a semicolon or begin the text. */
	int		   *starts;
	int			start_count;
	int			start_space;

	CopyData   *copies;
	int			copy_count;
	int			copy_space;
} Scan;

/* Offset of the line after the one that holds offset, or of the end. */
static int
next_line(const Scan *scan, int offset)
{
	const char *line_end = memchr(scan->text + offset, '\n', scan->length - offset);

	return line_end ? line_end - scan->text + 1 : scan->length;
}

/*
 * Blanks out whole lines, or the rest of one.  The lexer's buffer holds a NUL
 * just after the token read last, which it replaces later by what was there:
 * the first byte blanked must lie behind that one for the lexer to skip all.
 */
static void
blank_out(Scan *scan, int from, int to)
{
	int			at = from;

	while (at < to)
	{
		int			next = Min(next_line(scan, at), to);
		int			blanks = next - at;

		CHECK_FOR_INTERRUPTS();
		if (scan->text[next - 1] == '\n')
			blanks--;
		memset(scan->working + at, ' ', blanks);
		memset(scan->buffer + at, ' ', blanks);
		at = next;
	}
	scan->blanked_to = to;
}

/* Is the token at offset this word, unquoted, in whatever case? */
static bool
token_is(const Scan *scan, int offset, const char *word)
{
	const char *token = scan->text + offset;
	int			length = strlen(word);

	return pg_strncasecmp(token, word, length) == 0 &&
		!isalnum((unsigned char) token[length]) &&
		!IS_HIGHBIT_SET(token[length]) &&
		token[length] != '_' && token[length] != '$';
}

static bool
is_data_end(const char *line, int length)
{
	if (length > 0 && line[length - 1] == '\n')
		length--;
	if (length > 0 && line[length - 1] == '\r')
		length--;
	return length == 2 && line[0] == '\\' && line[1] == '.';
}

/*
 * Takes the data of the COPY that ends at the semicolon out of the scan.  It
 * begins on the next line, as in psql; with several COPYs on one line, each
 * one's data follows the data of the one before.
 */
static void
take_copy_data(Scan *scan, int semicolon)
{
	CopyData   *copy;
	int			from = Max(next_line(scan, semicolon), scan->blanked_to);
	int			line = from;
	int			next = from;

	for (; line < scan->length; line = next)
	{
		CHECK_FOR_INTERRUPTS();
		next = next_line(scan, line);
		if (is_data_end(scan->text + line, next - line))
			break;
	}

	if (scan->copy_count == scan->copy_space)
	{
		scan->copy_space = scan->copy_space ? scan->copy_space * 2 : 8;
		scan->copies = scan->copies ?
			repalloc(scan->copies, scan->copy_space * sizeof(CopyData)) :
			palloc(scan->copy_space * sizeof(CopyData));
	}
	copy = &scan->copies[scan->copy_count++];
	copy->command = scan->start;
	copy->from = from;
	copy->length = line - from;

	blank_out(scan, from, next);
}

/*
 * A psql command: blanks out the line of one that means nothing here, raises
 * an error for any other.
 */
static void
take_backslash_command(Scan *scan, int offset)
{
	const char *command = scan->text + offset;
	int			length = 1;

	while (command[length] != '\0' && !scanner_isspace(command[length]))
		length++;

	if ((length == 9 && strncmp(command, "\\restrict", length) == 0) ||
		(length == 11 && strncmp(command, "\\unrestrict", length) == 0))
	{
		blank_out(scan, offset, next_line(scan, offset));
		return;
	}

	length = pg_mbcliplen(command, length, NAMEDATALEN);
	ereport(ERROR,
			(viflo_errcode(VIFLO_BACKSLASH_COMMAND),
			 errmsg("psql command \"%.*s\" in a migration script", length, command),
			 errhint("A migration script is SQL; of psql's commands only \\restrict and \\unrestrict may stand in it, and mean nothing."),
			 errposition(pg_mbstrlen_with_len(scan->working, offset) + 1)));
}

static void
begin_statement(Scan *scan, int offset)
{
	if (scan->start_count == scan->start_space)
	{
		scan->start_space *= 2;
		scan->starts = repalloc(scan->starts, scan->start_space * sizeof(int));
	}
	scan->starts[scan->start_count++] = offset;
	scan->start = offset;
	scan->depth = 0;
	scan->copy = token_is(scan, offset, "copy") ? COPY_BEGUN : COPY_NONE;
}

/*
 * Only the first FROM or TO outside parentheses is COPY's own: a later one is
 * of IS DISTINCT FROM, and stdin may be a column's name.
 */
static void
follow_copy(Scan *scan, int token, int offset)
{
	if (token == '(')
		scan->depth++;
	else if (token == ')')
		scan->depth--;

	if (scan->copy == COPY_FROM)
		scan->copy = token_is(scan, offset, "stdin") ||
			token_is(scan, offset, "stdout") ? COPY_CLIENT : COPY_NONE;
	else if (scan->copy == COPY_BEGUN && scan->depth == 0)
	{
		if (token_is(scan, offset, "from"))
			scan->copy = COPY_FROM;
		else if (token_is(scan, offset, "to"))
			scan->copy = COPY_NONE;
	}
}

/* The lexer's pass over the whole text. */
static void
scan_text(Scan *scan)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		offset;
	int			token;

	scan->start = -1;
	scan->start_space = 64;
	scan->starts = palloc(scan->start_space * sizeof(int));

	scanner = scanner_init(scan->text, &extra, &ScanKeywords, ScanKeywordTokens);
	scan->buffer = extra.scanbuf;

	/* The grammar's pass gives the warning. */
	extra.escape_string_warning = false;

	while ((token = core_yylex(&value, &offset, scanner)) != 0)
	{
		CHECK_FOR_INTERRUPTS();

		/* the first letter of a command that is blanked out; see blank_out */
		if (offset < scan->blanked_to && scan->working[offset] == ' ')
			continue;

		if (token == '\\')
			take_backslash_command(scan, offset);
		else if (token == ';')
		{
			if (scan->copy == COPY_CLIENT)
				take_copy_data(scan, offset);
			scan->copy = COPY_NONE;
			scan->start = -1;
		}
		else if (scan->start < 0)
			begin_statement(scan, offset);
		else
			follow_copy(scan, token, offset);
	}
	scanner_finish(scanner);
}

/*
 * A multi-byte character is blanked out byte by byte, so that positions,
 * which count characters, are not the same in both copies.
 */
static void
true_position_callback(void *arg)
{
	const Scan *scan = (const Scan *) arg;
	int			position = geterrposition();
	int			offset;

	if (position <= 0 || scan->blanked_to == 0)
		return;
	offset = pg_mbcharcliplen(scan->working, scan->length, position - 1);
	errposition(pg_mbstrlen_with_len(scan->text, offset) + 1);
}

/*
 * Gives each statement of the grammar its place.  A RawStmt begins at its
 * first token or, before PostgreSQL 18, just after the semicolon before it.
 */
static void
place_statements(VifloStatements *result, const Scan *scan, List *raw_statements)
{
	ListCell   *cell;
	int			start = 0;
	int			copy = 0;
	int			line = 1;
	int			counted_to = 0;

	foreach(cell, raw_statements)
	{
		RawStmt    *raw = lfirst_node(RawStmt, cell);
		VifloStatement *statement = &result->statements[result->count++];
		int			end = scan->length;

		if (raw->stmt_len > 0)
			end = raw->stmt_location + raw->stmt_len;
		while (start < scan->start_count - 1 &&
			   scan->starts[start] < raw->stmt_location)
			start++;
		statement->location = scan->starts[start];
		while (end > statement->location && scanner_isspace(scan->working[end - 1]))
			end--;
		statement->length = end - statement->location;
		raw->stmt_location = statement->location;
		raw->stmt_len = statement->length;

		line += viflo_count_line_ends(scan->text, counted_to, statement->location);
		counted_to = statement->location;

		statement->raw = raw;
		statement->number = result->count;
		statement->line = line;
		statement->forbidden = viflo_forbidden_command(raw->stmt);

		while (copy < scan->copy_count &&
			   scan->copies[copy].command < statement->location)
			copy++;
		if (copy < scan->copy_count &&
			scan->copies[copy].command == statement->location &&
			viflo_is_copy_from_client(raw->stmt))
		{
			statement->copy_data = result->text + scan->copies[copy].from;
			statement->copy_length = scan->copies[copy].length;
			statement->copy_line = line +
				viflo_count_line_ends(scan->text, counted_to, scan->copies[copy].from);
		}
	}
}

/*
 * Finds the script's own BEGIN ... COMMIT, and whether the script is one that
 * can be part of a transaction.
 */
static void
judge_transactions(VifloStatements *result)
{
	bool		forbidden = false;
	bool		unfit = false;	/* not one BEGIN ... COMMIT around everything,
								 * in whatever transaction */
	bool		begun = false;	/* something other than a stray COMMIT came */
	bool		open = false;
	bool		closed = false;

	for (int i = 0; i < result->count; i++)
	{
		VifloStatement *statement = &result->statements[i];
		TransactionStmt *command = (TransactionStmt *) statement->raw->stmt;

		statement->kind = VIFLO_STATEMENT_RUN;
		if (statement->forbidden)
			forbidden = true;

		if (IsA(command, TransactionStmt) &&
			command->kind == TRANS_STMT_COMMIT && !command->chain)
		{
			statement->kind = open ?
				VIFLO_STATEMENT_WRAPPER : VIFLO_STATEMENT_STRAY;
			closed = closed || open;
			open = false;
			continue;
		}

		/* after the script's COMMIT nothing more may come */
		if (closed)
			unfit = true;

		if (IsA(command, TransactionStmt) &&
			(command->kind == TRANS_STMT_BEGIN ||
			 command->kind == TRANS_STMT_START))
		{
			statement->kind = VIFLO_STATEMENT_WRAPPER;
			if (begun || viflo_chooses_isolation(statement->raw->stmt))
				unfit = true;
			open = true;
		}
		else if (IsA(command, TransactionStmt) ||
				 (open && viflo_chooses_isolation(statement->raw->stmt)))
			unfit = true;
		begun = true;
	}
	if (open)
		unfit = true;

	/* Who runs such a script must run its BEGIN and COMMIT, too. */
	for (int i = 0; unfit && i < result->count; i++)
		if (result->statements[i].kind == VIFLO_STATEMENT_WRAPPER)
			result->statements[i].kind = VIFLO_STATEMENT_RUN;

	result->transactional = !forbidden && !unfit;
}

VifloStatements *
viflo_split(const char *text, size_t length)
{
	VifloStatements *result = palloc0(sizeof(VifloStatements));
	ErrorContextCallback callback;
	Scan		scan = {0};
	List	   *raw_statements;

	result->text = pnstrdup(text, length);
	scan.text = result->text;
	scan.length = strlen(result->text);
	scan.working = pstrdup(result->text);

	callback.callback = true_position_callback;
	callback.arg = &scan;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	scan_text(&scan);
	raw_statements = raw_parser(scan.working, RAW_PARSE_DEFAULT);

	error_context_stack = callback.previous;

	result->statements = palloc0(Max(list_length(raw_statements), 1) *
								 sizeof(VifloStatement));
	place_statements(result, &scan, raw_statements);
	judge_transactions(result);

	pfree(scan.working);
	pfree(scan.starts);
	if (scan.copies)
		pfree(scan.copies);
	return result;
}

VifloStatements *
viflo_split_quietly(const char *text, size_t length, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	VifloStatements *volatile result = NULL;

	*error = NULL;

	/*
	 * Lexer and grammar work in memory alone: they take no lock, pin no
	 * buffer and open no relation.  So there is nothing that a subtransaction
	 * would have to give back, and catching the error is enough.
	 */
	PG_TRY();
	{
		result = viflo_split(text, length);
	}
	PG_CATCH();
	{
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		/*
		 * Besides syntax errors the two say "not supported" of what SQL has
		 * and PostgreSQL lacks, and "data exception" of escapes in literals.
		 */
		if (category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
			category != ERRCODE_FEATURE_NOT_SUPPORTED &&
			category != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();

	return result;
}
