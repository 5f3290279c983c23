/*-------------------------------------------------------------------------
 * psql_statement.c
 *	  A look at a statement that psql's lexer has cut off.
 *
 * That lexer finds the end of a statement, and gives no tokens; psql learns
 * from the server that data follow.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/psql_statement.h"

/* Past white space and comments. */
static const char *
skip_blank(const char *p)
{
	int			depth = 0;

	for (;;)
	{
		if (strncmp(p, "/*", 2) == 0)
		{
			depth++;
			p += 2;
		}
		else if (depth > 0 && *p != '\0')
		{
			depth -= strncmp(p, "*/", 2) == 0;
			p += strncmp(p, "*/", 2) == 0 ? 2 : 1;
		}
		else if (strncmp(p, "--", 2) == 0)
			p += strcspn(p, "\n");
		else if (*p != '\0' && strchr(" \t\r\n\f\v", *p) != NULL)
			p++;
		else
			return p;
	}
}

/* Is the next word, after blanks, this one?  Then *p is past it. */
static bool
take_word(const char **p, const char *word)
{
	const char *at = skip_blank(*p);
	size_t		length = strlen(word);

	if (pg_strncasecmp(at, word, length) != 0 ||
		isalnum((unsigned char) at[length]) || IS_HIGHBIT_SET(at[length]) ||
		(at[length] != '\0' && strchr("_$\"", at[length]) != NULL))
		return false;
	*p = at + length;
	return true;
}

/* Past the next word, quoted name, or character. */
static const char *
skip_token(const char *p)
{
	if (*p == '"')
	{
		p++;
		p += strcspn(p, "\"");
		return *p != '\0' ? p + 1 : p;
	}
	do
		p++;
	while (isalnum((unsigned char) *p) || *p == '_' || *p == '$' || IS_HIGHBIT_SET(*p));
	return p;
}

bool
viflo_psql_is_blank(const char *statement)
{
	return *skip_blank(statement) == '\0';
}

bool
viflo_psql_copies_from_stdin(const char *p)
{
	int			depth = 0;

	if (!take_word(&p, "copy"))
		return false;
	for (p = skip_blank(p); *p != '\0'; p = skip_blank(p))
	{
		if (depth == 0 && take_word(&p, "from"))
			return take_word(&p, "stdin");
		depth += (*p == '(') - (*p == ')');
		p = skip_token(p);
	}
	return false;
}
