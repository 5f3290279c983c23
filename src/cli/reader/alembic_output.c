/*-------------------------------------------------------------------------
 * alembic_output.c
 *	  What the program alembic prints: its history, and SQL of revisions.
 *
 * An entry of the history is lines "Key: value", then the description,
 * indented.  In an offline script each revision begins at a line
 *		-- Running upgrade a, b -> c
 * and ends with the statements on alembic's own table, which stand on a line
 * each.
 *
 * Rules: alembic's script/base.py (log_entry), runtime/migration.py.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/alembic_output.h"
#include "common/lines.h"
#include "lib/stringinfo.h"

/* Does the span begin with word?  Then *rest is what follows, trimmed. */
static bool
skip_word(VifloSpan span, const char *word, VifloSpan *rest)
{
	size_t		length = strlen(word);

	if (span.end - span.start < length || memcmp(span.start, word, length) != 0)
		return false;
	rest->start = span.start + length;
	rest->end = span.end;
	*rest = viflo_span_trim(*rest);
	return true;
}

/* A list "a, b"; "<base>" is an empty one. */
static void
read_names(VifloSpan list, VifloNames *names)
{
	char	   *text = viflo_span_copy(list);
	char	   *state = NULL;

	for (char *name = strtok_r(text, ", ", &state); name != NULL;
		 name = strtok_r(NULL, ", ", &state))
	{
		if (strcmp(name, "<base>") != 0 && !viflo_names_contain(names, name))
			viflo_names_add(names, pstrdup(name));
	}
	pfree(text);
}

/* A line of the description. */
static void
read_description(VifloSpan line, VifloAlembicEntry *entry)
{
	VifloSpan	rest;

	line = viflo_span_trim(line);
	if (viflo_span_is_empty(line))
		return;
	if (skip_word(line, "Create Date:", &rest))
		entry->created = viflo_span_copy(rest);
	else if (entry->message == NULL)
		entry->message = viflo_span_copy(line);
}

/* A line of an entry. */
static void
read_key(VifloSpan line, VifloAlembicEntry *entry)
{
	VifloSpan	rest;

	if (line.end - line.start >= 4 && memcmp(line.start, "    ", 4) == 0)
		read_description(line, entry);
	else if (skip_word(line, "Parent:", &rest) || skip_word(line, "Merges:", &rest))
		read_names(rest, &entry->down);
	else if (skip_word(line, "Also depends on:", &rest))
		read_names(rest, &entry->depends_on);
	else if (skip_word(line, "Branch names:", &rest))
		read_names(rest, &entry->labels);
	else if (skip_word(line, "Path:", &rest))
		entry->path = viflo_span_copy(rest);
}

int
viflo_alembic_history(const char *text, VifloAlembicEntry **entries)
{
	VifloLines	lines = viflo_lines_begin(text, strlen(text));
	VifloSpan	line;
	VifloSpan	rest;
	int			count = 0;

	*entries = palloc(sizeof(VifloAlembicEntry));
	while (viflo_lines_next(&lines, &line))
	{
		if (!skip_word(line, "Rev:", &rest))
		{
			if (count > 0)
				read_key(line, &(*entries)[count - 1]);
			continue;
		}
		if ((count & (count - 1)) == 0 && count > 0)
			*entries = repalloc(*entries, sizeof(VifloAlembicEntry) * count * 2);
		memset(&(*entries)[count], 0, sizeof(VifloAlembicEntry));
		(*entries)[count].id = viflo_span_copy(rest);
		(*entries)[count].id[strcspn((*entries)[count].id, " ")] = '\0';
		count++;
	}
	for (int i = 0; i < count; i++)
	{
		if ((*entries)[i].message == NULL)
			(*entries)[i].message = pstrdup("");
	}
	return count;
}

char *
viflo_alembic_table(const char *sql)
{
	static const char create[] = "CREATE TABLE ";
	const char *name = strstr(sql, create);
	const char *end = name ? strstr(name, " (") : NULL;

	if (end == NULL || strncmp(end + 2 + strspn(end + 2, " \r\n"), "version_num ", 12) != 0)
		return pstrdup("alembic_version");
	return pnstrdup(name + strlen(create), end - name - strlen(create));
}

/* Is the line one that alembic adds after a revision's own statements? */
static bool
is_added(VifloSpan line, const char *table)
{
	char	   *text;
	char	   *version[] = {
		psprintf("INSERT INTO %s (version_num) VALUES (", table),
		psprintf("UPDATE %s SET version_num=", table),
		psprintf("DELETE FROM %s WHERE ", table),
		psprintf("DROP TABLE %s;", table)
	};
	bool		added;

	text = viflo_span_copy(viflo_span_trim(line));
	added = text[0] == '\0' || strcmp(text, "BEGIN;") == 0 || strcmp(text, "COMMIT;") == 0;
	for (int i = 0; i < lengthof(version); i++)
	{
		added |= strncmp(text, version[i], strlen(version[i])) == 0;
		pfree(version[i]);
	}
	pfree(text);
	return added;
}

/* Does a line of text end a transaction? */
static bool
has_commit(VifloSpan text)
{
	VifloLines	lines = viflo_lines_begin(text.start, text.end - text.start);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		line = viflo_span_trim(line);
		if (line.end - line.start == 7 && memcmp(line.start, "COMMIT;", 7) == 0)
			return true;
	}
	return false;
}

/* A revision's own statements: text without what alembic adds at its end. */
static char *
own_statements(VifloSpan text, const char *table)
{
	StringInfoData own;
	bool		parts;

	while (text.start < text.end)
	{
		VifloSpan	line = {text.end, text.end};

		if (line.end > text.start && line.end[-1] == '\n')
			line.end--;
		line.start = line.end;
		while (line.start > text.start && line.start[-1] != '\n')
			line.start--;
		if (!is_added(line, table))
			break;
		text.end = line.start;
	}
	while (text.start < text.end && (*text.start == '\n' || *text.start == '\r'))
		text.start++;
	parts = has_commit(text);
	initStringInfo(&own);
	appendStringInfoString(&own, parts ? "BEGIN;\n\n" : "");
	appendBinaryStringInfo(&own, text.start, text.end - text.start);
	appendStringInfoString(&own, parts ? "\nCOMMIT;\n" : "");
	return own.data;
}

/* The revision that a line says is run; NULL: it says nothing of the kind. */
static char *
running(VifloSpan line, bool up)
{
	VifloSpan	rest;
	const char *arrow;
	char	   *text;
	char	   *id;

	if (!skip_word(line, up ? "-- Running upgrade " : "-- Running downgrade ", &rest))
		return NULL;
	text = viflo_span_copy(rest);
	arrow = strstr(text, "->");
	if (arrow == NULL)
		return NULL;
	id = up ? pstrdup(arrow + 2) : pnstrdup(text, arrow - text);
	pfree(text);
	text = id + strspn(id, " ");
	text[strcspn(text, " ,")] = '\0';
	return text;
}

int
viflo_alembic_sql(const char *sql, const char *table, bool up,
				  VifloAlembicSql **revisions)
{
	VifloLines	lines = viflo_lines_begin(sql, strlen(sql));
	VifloSpan	text = {NULL, NULL};
	VifloSpan	line;
	char	   *id = NULL;
	int			count = 0;
	bool		more = true;

	*revisions = palloc(sizeof(VifloAlembicSql));
	while (more)
	{
		char	   *next = NULL;

		more = viflo_lines_next(&lines, &line);
		if (more && (next = running(line, up)) == NULL)
			continue;
		if (id != NULL)
		{
			text.end = more ? line.start : lines.end;
			if ((count & (count - 1)) == 0 && count > 0)
				*revisions = repalloc(*revisions, sizeof(VifloAlembicSql) * count * 2);
			(*revisions)[count].id = id;
			(*revisions)[count++].text = own_statements(text, table);
		}
		id = next;
		text.start = lines.next;
	}
	return count;
}
