/*-------------------------------------------------------------------------
 * dotenv.c
 *	  Reading a .env file: NAME=value, a line each.
 *
 * "export" may stand before a name.  A value in single quotes is taken as it
 * is; in double quotes \n, \t, \", \\ and \$ are what they are in a shell's
 * $'' string; without quotes it ends before white space and "#".  Variables
 * are not expanded, and values do not go over several lines.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/dotenv.h"
#include "lib/stringinfo.h"

/* The value that begins at p, palloc'd; NULL when a quote is not closed. */
static char *
read_value(const char *p)
{
	StringInfoData value;
	char		quote = '\0';

	initStringInfo(&value);
	if (*p == '\'' || *p == '"')
		quote = *p++;
	for (; *p != '\0'; p++)
	{
		if (quote != '\0' && *p == quote)
			return value.data;
		if (quote == '\0' && *p == '#' &&
			(value.len == 0 || isspace((unsigned char) value.data[value.len - 1])))
			break;
		if (quote == '"' && *p == '\\' && p[1] != '\0')
		{
			p++;
			if (*p == 'n')
				appendStringInfoChar(&value, '\n');
			else if (*p == 't')
				appendStringInfoChar(&value, '\t');
			else
			{
				if (strchr("\"\\$", *p) == NULL)
					appendStringInfoChar(&value, '\\');
				appendStringInfoChar(&value, *p);
			}
			continue;
		}
		appendStringInfoChar(&value, *p);
	}
	if (quote != '\0')
		return NULL;
	while (value.len > 0 && isspace((unsigned char) value.data[value.len - 1]))
		value.data[--value.len] = '\0';
	return value.data;
}

/* Splits one line; false when it is no assignment. */
static bool
read_line(char *line, char **name, char **value)
{
	char	   *p = line;
	char	   *end;

	while (isspace((unsigned char) *p))
		p++;
	if (strncmp(p, "export", 6) == 0 && isspace((unsigned char) p[6]))
	{
		for (p += 6; isspace((unsigned char) *p);)
			p++;
	}
	*name = p;
	while (isalnum((unsigned char) *p) || *p == '_')
		p++;
	end = p;
	while (isspace((unsigned char) *p))
		p++;
	if (end == *name || *p++ != '=')
		return false;
	*end = '\0';
	while (isspace((unsigned char) *p))
		p++;
	*value = read_value(p);
	return true;
}

bool
viflo_dotenv_read(const char *file,
				  bool (*fn) (const char *name, const char *value, void *arg),
				  void *arg, VifloFailure *failure)
{
	FILE	   *stream = fopen(file, "rb");
	char	   *line = NULL;
	size_t		size = 0;
	int			number = 0;
	bool		result = true;

	if (stream == NULL)
	{
		if (errno == ENOENT || errno == ENOTDIR)
			return true;
		return viflo_failure(failure, VIFLO_EXIT_USAGE,
							 "could not read file \"%s\": %m", file);
	}
	while (result && getline(&line, &size, stream) >= 0)
	{
		char	   *text = line;
		char	   *name;
		char	   *value;

		if (++number == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0)
			text += 3;
		if (read_line(text, &name, &value) && !fn(name, value, arg))
		{
			result = viflo_failure_file(failure, file, number, NULL,
										"value of %s is not readable", name);
			failure->status = VIFLO_EXIT_USAGE;
		}
	}

	/* A folder of that name is somebody's virtual environment. */
	if (result && ferror(stream) && errno != EISDIR)
		result = viflo_failure(failure, VIFLO_EXIT_USAGE,
							   "could not read file \"%s\": %m", file);
	free(line);
	fclose(stream);
	return result;
}
