/*-------------------------------------------------------------------------
 * gitconf.c
 *	  A configuration file as git has them.
 *
 *		[section "sub section"]
 *			key = value "in part ; quoted" \
 *				and on # comment
 *
 * White space within a value becomes one space each where it is not quoted.
 *
 * Rules: git-config(1), Perl's Config::GitLike, which Sqitch reads with.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/gitconf.h"
#include "lib/stringinfo.h"

#define BLANKS	" \t\r"

/* The reading of a file. */
typedef struct Reading
{
	const char *at;
	char	   *section;		/* with its subsection; NULL: none as yet */
	VifloNames *settings;
} Reading;

/* Past blanks, line ends that a backslash takes away among them. */
static const char *
skip_blanks(const char *p)
{
	for (;;)
	{
		p += strspn(p, BLANKS);
		if (strncmp(p, "\\\n", 2) == 0)
			p += 2;
		else if (strncmp(p, "\\\r\n", 3) == 0)
			p += 3;
		else
			return p;
	}
}

/* The character that the escape at *at stands for, or 0. */
static char
read_escape(const char **at)
{
	static const char letters[] = "ntb\\\"'";
	static const char meanings[] = "\n\t\b\\\"'";
	const char *letter = (*at)[1] != '\0' ? strchr(letters, (*at)[1]) : NULL;

	if (letter == NULL)
		return '\0';
	*at += 2;
	return meanings[letter - letters];
}

/* A quoted part of a value, from its first quote on; NULL: it does not end. */
static const char *
read_quoted(const char *p, StringInfo value)
{
	for (p++; *p != '"';)
	{
		char		c = *p;

		if (c == '\0' || c == '\n')
			return NULL;
		if (c != '\\')
			p++;
		else if (p[1] == '\n')
		{
			p += 2;
			continue;
		}
		else if ((c = read_escape(&p)) == '\0')
			return NULL;
		appendStringInfoChar(value, c);
	}
	return p + 1;
}

/* A value, up to the end of its line; NULL: it cannot be read. */
static char *
read_value(Reading *reading)
{
	StringInfoData value;
	const char *p = reading->at;

	initStringInfo(&value);
	while (p != NULL)
	{
		const char *begin = p;
		size_t		length;
		char		c;

		p = skip_blanks(p);
		if (*p == '\0' || strchr("\n#;", *p) != NULL)
		{
			reading->at = p + strcspn(p, "\n");
			return value.data;
		}
		if (p > begin && value.len > 0)
			appendStringInfoChar(&value, ' ');
		length = strcspn(p, BLANKS "\n\\\"");
		appendBinaryStringInfo(&value, p, length);
		p += length;
		if (*p == '"')
			p = read_quoted(p, &value);
		else if (*p == '\\' && skip_blanks(p) == p)
		{
			c = read_escape(&p);
			if (c == '\0')
				return NULL;
			appendStringInfoChar(&value, c);
		}
	}
	return NULL;
}

/* [section] or [section "sub"], from its bracket on. */
static bool
read_section(Reading *reading)
{
	const char *p = reading->at + 1;
	StringInfoData name;

	initStringInfo(&name);
	while (*p != '\0' && !isspace((unsigned char) *p) && strchr("[]\"", *p) == NULL)
		appendStringInfoChar(&name, pg_ascii_tolower((unsigned char) *p++));
	p += strspn(p, BLANKS);
	if (name.len > 0 && *p == '"')
	{
		appendStringInfoChar(&name, '.');
		p = read_quoted(p, &name);
	}
	if (p == NULL || name.len == 0 || *p != ']')
		return false;
	reading->section = name.data;
	reading->at = p + 1;
	return true;
}

/* key, which is one word, or key = value. */
static bool
read_setting(Reading *reading)
{
	const char *start = reading->at;
	size_t		length = strcspn(start, "=\n#;");
	bool		assigned = start[length] == '=';
	char	   *value;

	reading->at = start + length + assigned;
	while (length > 0 && strchr(BLANKS, start[length - 1]) != NULL)
		length--;
	value = assigned ? read_value(reading) : pstrdup("");
	if (reading->section == NULL || length == 0 || value == NULL ||
		(!assigned && strcspn(start, BLANKS) < length))
		return false;
	viflo_names_add(reading->settings,
					psprintf("%s.%.*s=%s", reading->section, (int) length, start, value));
	return true;
}

int
viflo_gitconf_read(const char *text, VifloNames *settings)
{
	Reading		reading = {.at = text,.settings = settings};
	int			line = 1;

	if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
		reading.at += 3;
	for (;;)
	{
		const char *begin = reading.at;

		reading.at += strspn(begin, BLANKS "\n\f\v");
		if (*reading.at == '\0')
			return 0;
		for (; begin < reading.at; begin++)
			line += *begin == '\n';
		if (*begin == '#' || *begin == ';')
			reading.at += strcspn(begin, "\n");
		else if (*begin == '[' ? !read_section(&reading) : !read_setting(&reading))
			return line;
		for (; begin < reading.at; begin++)
			line += *begin == '\n';
	}
}
