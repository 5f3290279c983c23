/*-------------------------------------------------------------------------
 * template.c
 *	  Names of new files, as a team wants them.
 *
 * A placeholder stands in braces; all else is taken as it is.  Folders cannot
 * be named, as native files lie in one.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/template.h"
#include "lib/stringinfo.h"

#define ENDING	".sql"

/* Placeholders that are a time, and strftime's word for each. */
static const struct
{
	const char *name;
	const char *format;
}			times[] = {
	{"year", "%Y"},
	{"month", "%m"},
	{"day", "%d"},
	{"hour", "%H"},
	{"minute", "%M"},
	{"second", "%S"},
	{"epoch", "%s"}
};

/* strftime's word for the placeholder, or NULL. */
static const char *
time_format(const char *name, int length)
{
	for (int i = 0; i < lengthof(times); i++)
	{
		if (strlen(times[i].name) == length && strncmp(times[i].name, name, length) == 0)
			return times[i].format;
	}
	return NULL;
}

static bool
is_name(const char *name, int length, const char *wanted)
{
	return strlen(wanted) == length && strncmp(name, wanted, length) == 0;
}

const char *
viflo_template_check(const char *template)
{
	bool		varies = false;

	if (template[0] == '.')
		return "a file whose name begins with a dot is not read";
	for (const char *p = template; *p != '\0'; p++)
	{
		int			length;

		if (*p == '/')
			return "a file name cannot have a \"/\"";
		if (iscntrl((unsigned char) *p))
			return "a file name cannot have control characters";
		if (*p == '}')
			return "there is a \"}\" without its \"{\"";
		if (*p != '{')
			continue;
		length = strcspn(p + 1, "}");
		if (p[1 + length] == '\0')
			return "there is a \"{\" without its \"}\"";
		if (!is_name(p + 1, length, "id") && !is_name(p + 1, length, "slug") &&
			time_format(p + 1, length) == NULL)
			return psprintf("unknown placeholder \"{%.*s}\"", length, p + 1);
		varies = true;
		p += length + 1;
	}
	return varies ? NULL : "all files would have one name";
}

/* Numbers of the time, in UTC. */
static void
add_time(StringInfo name, const char *format, time_t now)
{
	char		text[32];

	if (strcmp(format, "%s") == 0)
		appendStringInfo(name, "%lld", (long long) now);
	else
	{
		strftime(text, sizeof(text), format, gmtime(&now));
		appendStringInfoString(name, text);
	}
}

char *
viflo_template_name(const char *template, const char *id, const char *slug, time_t now)
{
	StringInfoData name;
	int			ending = strlen(ENDING);
	const char *start;

	initStringInfo(&name);
	for (const char *p = template; *p != '\0'; p++)
	{
		int			length;

		if (*p != '{')
		{
			appendStringInfoChar(&name, *p);
			continue;
		}
		length = strcspn(p + 1, "}");
		if (is_name(p + 1, length, "id"))
			appendStringInfoString(&name, id);
		else if (is_name(p + 1, length, "slug"))
			appendStringInfoString(&name, slug);
		else
			add_time(&name, time_format(p + 1, length), now);
		p += length + 1;
	}
	if (name.len > ending && strcmp(name.data + name.len - ending, ENDING) == 0)
		name.data[name.len -= ending] = '\0';

	/* What a message without a letter leaves; nothing, and the id must do. */
	while (name.len > 0 && strchr("_-. ", name.data[name.len - 1]) != NULL)
		name.data[--name.len] = '\0';
	start = name.data + strspn(name.data, ".");
	return psprintf("%s%s", *start != '\0' ? start : id, ENDING);
}
