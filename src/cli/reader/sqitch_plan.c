/*-------------------------------------------------------------------------
 * sqitch_plan.c
 *	  sqitch.plan: what changes there are, and Sqitch's own ids of them.
 *
 * Pragmas come first, up to a blank line; then a line each for changes
 *		name [requires !conflicts] 2026-01-31T12:00:00Z Name <mail> # note
 * and for tags, which begin with "@" and stand after the change they name.  A
 * name may come again once a tag stands in between: then the change is
 * reworked.  What a change requires stands before it.
 *
 * Rules: App::Sqitch::Plan, ::Plan::Line, ::Plan::Depend.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/folder.h"
#include "cli/reader/sqitch_id.h"
#include "cli/reader/sqitch_plan.h"
#include "common/lines.h"
#include "common/numbers.h"
#include "common/sqlstate.h"
#include "lib/stringinfo.h"

#define BLANKS	" \t"

/* The reading of a plan. */
typedef struct Reading
{
	VifloSqitchPlan *plan;
	viflo_numbers_hash *names;	/* of changes, the last of each name; with "@"
								 * before it, of tags */
	int			line;
	VifloError *error;
} Reading;

static bool
is_punctuation(char c)
{
	return c != '_' && ispunct((unsigned char) c);
}

static bool
is_blank_or_end(char c)
{
	return c == ' ' || c == '\t' || c == '\0';
}

/*
 * Bytes of the longest name at the beginning of text that may end before a
 * blank, or where "[" begins a list.  0: there is none.
 */
static int
name_length(const char *text)
{
	const char *p = text;

	if (is_punctuation(*p))
		return 0;
	while (!is_blank_or_end(*p) && strchr(":@#\\", *p) == NULL)
	{
		int			digits = strchr("~/=%^", *p) ? strspn(p + 1, "0123456789") : 0;

		if (digits > 0 && is_blank_or_end(p[1 + digits]))
			break;
		p++;
	}
	if ((!is_blank_or_end(*p) && strchr(":@#\\", *p) == NULL) ||
		(p > text && is_punctuation(p[-1])))
		p = text + strcspn(text, "[");
	return p > text && !is_punctuation(p[-1]) ? p - text : 0;
}

bool
viflo_sqitch_is_name(const char *name)
{
	return name[0] != '\0' && name_length(name) == strlen(name) &&
		strcmp(name, "ROOT") != 0 && strcmp(name, "HEAD") != 0 &&
		strspn(name, "0123456789abcdef") < VIFLO_SHA1_HEX;
}

static bool
fail(Reading *reading, const char *what, const char *name)
{
	return viflo_error_at(reading->error, VIFLO_INVALID_SCRIPT, reading->line, what, name);
}

/* A note as it is meant. */
static char *
read_note(const char *text)
{
	char	   *note = pstrdup(text + strspn(text, " \t\r\n\f\v"));
	int			length = strlen(note);
	char	   *to = note;

	while (length > 0 && isspace((unsigned char) note[length - 1]))
		note[--length] = '\0';
	for (const char *p = note; *p != '\0'; p++)
	{
		char		c = *p;

		if (c == '\\' && p[1] != '\0' && strchr("nr\\", p[1]) != NULL)
		{
			p++;
			c = *p == 'n' ? '\n' : *p == 'r' ? '\r' : '\\';
		}
		*to++ = c;
	}
	*to = '\0';
	return note;
}

/* Takes the note off a line, and the blanks at the end of what remains. */
static char *
cut_note(char *line)
{
	char	   *mark = strchr(line, '#');
	char	   *note = mark ? read_note(mark + 1) : pstrdup("");
	int			length = mark ? mark - line : strlen(line);

	while (length > 0 && strchr(BLANKS, line[length - 1]) != NULL)
		length--;
	line[length] = '\0';
	return note;
}

/* A URI in the form that goes into ids: case, default port, empty path. */
static char *
canonical_uri(const char *uri)
{
	StringInfoData out;
	const char *colon = strchr(uri, ':');
	const char *p = uri;
	const char *host_end;
	const char *port;

	initStringInfo(&out);
	if (colon == NULL || strncmp(colon, "://", 3) != 0)
		return pstrdup(uri);
	while (p < colon + 3)
		appendStringInfoChar(&out, pg_ascii_tolower((unsigned char) *p++));
	host_end = p + strcspn(p, "/?#");
	while (p < host_end)
		appendStringInfoChar(&out, pg_ascii_tolower((unsigned char) *p++));
	port = strncmp(out.data, "http:", 5) == 0 ? ":80" :
		strncmp(out.data, "https:", 6) == 0 ? ":443" : NULL;
	if (port != NULL && viflo_has_suffix(out.data, port))
		out.data[out.len -= strlen(port)] = '\0';
	if (port != NULL && *p != '/')
		appendStringInfoChar(&out, '/');
	appendStringInfoString(&out, p);
	return out.data;
}

/* A line %name=value. */
static bool
read_pragma(Reading *reading, char *p)
{
	char	   *name;
	char	   *value = NULL;
	char		next;

	p += strspn(p, BLANKS);
	if (*p++ != '%')
		return fail(reading, "a blank line must come between pragmas and changes", NULL);
	name = p += strspn(p, BLANKS);
	p += strcspn(p, BLANKS "=");
	next = p[strspn(p, BLANKS)];
	if (p == name || (next != '=' && next != '\0'))
		return fail(reading, "\"%%%s\" is not a pragma", name);
	if (next == '=')
	{
		value = p + strspn(p, BLANKS) + 1;
		value += strspn(value, BLANKS);
	}
	*p = '\0';
	if (strcmp(name, "project") == 0 && (value == NULL || !viflo_sqitch_is_name(value)))
		return fail(reading, "\"%s\" is not the name of a project", value ? value : "");
	if (strcmp(name, "project") == 0)
		reading->plan->project = pstrdup(value);
	else if (strcmp(name, "uri") == 0 && value != NULL && *value != '\0')
		reading->plan->uri = canonical_uri(value);
	return true;
}

/* Takes a number of so many digits, and the character after it. */
static bool
take_number(const char **p, int digits, int least, int most, char after)
{
	int			value = 0;

	for (int i = 0; i < digits; i++, (*p)++)
	{
		if (!isdigit((unsigned char) **p))
			return false;
		value = value * 10 + (**p - '0');
	}
	return value >= least && value <= most && *(*p)++ == after;
}

/* The time, and who: what follows the name and the list. */
static bool
read_signature(Reading *reading, const char *p, VifloSqitchLine *is)
{
	const char *start = p;
	const char *open;
	const char *close;

	if (!take_number(&p, 4, 1, 9999, '-') || !take_number(&p, 2, 1, 12, '-') ||
		!take_number(&p, 2, 1, 31, 'T') || !take_number(&p, 2, 0, 23, ':') ||
		!take_number(&p, 2, 0, 59, ':') || !take_number(&p, 2, 0, 61, 'Z'))
		return fail(reading, "\"%s\" has no time like 2026-01-31T12:00:00Z after its name and list",
					is->name);
	is->date = pnstrdup(start, p - start);
	p += strspn(p, BLANKS);
	open = strchr(p, '<');
	close = open ? strchr(open, '>') : NULL;
	if (open == NULL || open - p < 2 || strchr(BLANKS, open[-1]) == NULL ||
		close == NULL || close == open + 1 || close[1] != '\0')
		return fail(reading, "\"%s\" has no planner like Name <mail> after its time", is->name);
	is->planner = psprintf("%.*s %s", (int) (open - 1 - p), p, open);
	return true;
}

/*
 * What a dependency means: *index is the change in this plan, -1 for one of
 * another project.  key is "name", "name@tag", "@tag" or an id.
 */
static bool
find_dependency(Reading *reading, const char *change, const char *key, int *index)
{
	VifloSqitchPlan *plan = reading->plan;
	const char *at = strchr(key, '@');
	char	   *name = at ? pnstrdup(key, at - key) : pstrdup(key);
	VifloNumber *named = viflo_numbers_lookup(reading->names, name);
	VifloNumber *tag = at ? viflo_numbers_lookup(reading->names, at) : NULL;
	int			limit = tag ? plan->tags[tag->number].change : plan->count;

	*index = -1;
	if (strspn(key, "0123456789abcdef") == VIFLO_SHA1_HEX && key[VIFLO_SHA1_HEX] == '\0')
	{
		for (int i = 0; i < plan->count && *index < 0; i++)
			*index = strcmp(plan->changes[i].is.id, key) == 0 ? i : -1;
		return true;
	}
	if (at != NULL && tag == NULL)
		named = NULL;
	else if (at == key)
		*index = limit;
	else if (named != NULL)
	{
		/* The last one up to the tag; without a tag, the first of all. */
		*index = named->number;
		while (*index > limit || (at == NULL && plan->changes[*index].before >= 0))
			*index = plan->changes[*index].before;
	}
	if (*index >= 0)
		return true;
	return viflo_error_at(reading->error, VIFLO_INVALID_SCRIPT, reading->line,
						  "change \"%s\" requires \"%s\", which is not before it in the plan",
						  change, key);
}

/* One word of a list [requires !conflicts project:change @tag]. */
static bool
read_dependency(Reading *reading, VifloSqitchChange *change, const char *word)
{
	bool		conflict = word[0] == '!';
	const char *key = word + conflict;
	const char *colon = strchr(key, ':');
	const char *name = colon ? colon + 1 : key;
	const char *at = strchr(name, '@');
	VifloNames *list = conflict ? &change->conflicts : &change->requires;
	bool		other;
	int			index;

	if (*name == '\0' ||
		(at == NULL && name_length(name) != strlen(name)) ||
		(at != NULL && at > name && name_length(name) != at - name) ||
		(at != NULL && (at[1] == '\0' || name_length(at + 1) != strlen(at + 1))))
		return fail(reading, "\"%s\" is not a dependency", word);
	other = colon != NULL &&
		(strlen(reading->plan->project) != colon - key ||
		 strncmp(reading->plan->project, key, colon - key) != 0);
	if (!other)
		key = name;
	if (viflo_names_contain(list, key))
		return fail(reading, "dependency \"%s\" is given twice", word);
	viflo_names_add(list, pstrdup(key));
	if (conflict || other)
		return true;
	if (!find_dependency(reading, change->is.name, key, &index))
		return false;
	if (index >= 0)
	{
		change->needs = change->needs ?
			repalloc(change->needs, sizeof(int) * (change->nneeds + 1)) : palloc(sizeof(int));
		change->needs[change->nneeds++] = index;
	}
	return true;
}

static bool
read_dependencies(Reading *reading, VifloSqitchChange *change, char *list)
{
	char	   *state = NULL;
	bool		good = true;

	for (char *word = strtok_r(list, BLANKS, &state); word != NULL && good;
		 word = strtok_r(NULL, BLANKS, &state))
		good = read_dependency(reading, change, word);
	return good;
}

static bool
add_tag(Reading *reading, const VifloSqitchLine *is)
{
	VifloSqitchPlan *plan = reading->plan;
	VifloSqitchTag *tag;
	VifloNumber *known;
	bool		found;

	if (strchr(is->name, '/') != NULL)
		return fail(reading, "tag \"%s\" has a \"/\" in its name", is->name);
	if (plan->count == 0)
		return fail(reading, "tag \"%s\" stands before any change", is->name);
	known = viflo_numbers_insert(reading->names, psprintf("@%s", is->name), &found);
	if (found)
		return viflo_error_at(reading->error, VIFLO_INVALID_SCRIPT, reading->line,
							  "tag \"%s\" stands in line %d already", is->name,
							  plan->tags[known->number].is.line);
	known->number = plan->ntags;
	known->label = true;
	if ((plan->ntags & (plan->ntags - 1)) == 0)
		plan->tags = plan->tags ?
			repalloc(plan->tags, sizeof(VifloSqitchTag) * plan->ntags * 2) :
			palloc(sizeof(VifloSqitchTag));
	tag = &plan->tags[plan->ntags++];
	tag->is = *is;
	tag->change = plan->count - 1;
	return viflo_sqitch_tag_id(plan, tag, reading->error);
}

/* Adds the change, as the next instance of its name. */
static bool
add_change(Reading *reading, const VifloSqitchLine *is, char *list)
{
	VifloSqitchPlan *plan = reading->plan;
	int			index = plan->count;
	VifloSqitchChange *change;
	VifloNumber *known;
	bool		found;

	if ((index & (index - 1)) == 0)
		plan->changes = plan->changes ?
			repalloc(plan->changes, sizeof(VifloSqitchChange) * index * 2) :
			palloc(sizeof(VifloSqitchChange));
	change = &plan->changes[index];
	memset(change, 0, sizeof(*change));
	change->is = *is;
	change->instance = 1;
	change->before = change->after = -1;
	change->tags = plan->ntags;
	if (list != NULL && !read_dependencies(reading, change, list))
		return false;
	known = viflo_numbers_insert(reading->names, is->name, &found);
	if (found)
	{
		VifloSqitchChange *before = &plan->changes[known->number];

		if (before->tags == plan->ntags)
			return viflo_error_at(reading->error, VIFLO_INVALID_SCRIPT, reading->line,
								  "change \"%s\" stands in line %d already, with no tag in between",
								  is->name, before->is.line);
		before->after = index;
		change->before = known->number;
		change->instance = before->instance + 1;
	}
	known->number = index;
	known->label = false;
	plan->count++;
	return viflo_sqitch_change_id(plan, index, reading->error);
}

/* A line that is a tag or a change. */
static bool
read_line(Reading *reading, char *line)
{
	VifloSqitchLine is = {.line = reading->line};
	char	   *p = line + strspn(line, BLANKS);
	char	   *list = NULL;
	bool		tag = *p == '@';
	int			length;

	is.note = cut_note(line);
	if (*p == '-')
		return fail(reading, "changes that are reverted, as in \"%s\", are not supported", p);
	if (tag || *p == '+')
		p++;
	if (!tag)
		p += strspn(p, BLANKS);
	length = name_length(p);
	is.name = pnstrdup(p, length);
	if (length == 0 || !(is_blank_or_end(p[length]) || p[length] == '['))
		return fail(reading, "\"%s\" does not begin with a name", line);
	if (!viflo_sqitch_is_name(is.name))
		return fail(reading, "\"%s\" is a reserved name", is.name);
	p += length;
	p += strspn(p, BLANKS);
	if (*p == '[')
	{
		list = ++p;
		p = strchr(p, ']');
		if (p == NULL)
			return fail(reading, "list of \"%s\" does not end", is.name);
		*p++ = '\0';
		p += strspn(p, BLANKS);
	}
	if (tag && list != NULL)
		return fail(reading, "tag \"%s\" has a list of dependencies", is.name);
	if (!read_signature(reading, p, &is))
		return false;
	return tag ? add_tag(reading, &is) : add_change(reading, &is, list);
}

/* Is there nothing on the line but a comment?  *note: one that says something. */
static bool
is_comment(const char *line, bool *note)
{
	const char *p = line + strspn(line, BLANKS);

	*note = *p == '#' && p[1 + strspn(p + 1, BLANKS)] != '\0';
	return *p == '#' || *p == '\0';
}

bool
viflo_sqitch_plan_read(const char *text, size_t length, VifloSqitchPlan *plan,
					   VifloError *error)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	Reading		reading = {.plan = plan,.error = error};
	VifloSpan	span;
	bool		header = true;
	bool		good = true;

	memset(plan, 0, sizeof(*plan));
	reading.names = viflo_numbers_create(256, NULL);
	while (good && viflo_lines_next(&lines, &span))
	{
		char	   *line;
		bool		note;

		if (span.end > span.start && span.end[-1] == '\r')
			span.end--;
		line = viflo_span_copy(span);
		reading.line = lines.number;
		if (is_comment(line, &note))
			header = header && note;
		else if (header)
		{
			pfree(cut_note(line));
			good = read_pragma(&reading, line);
		}
		else if (plan->project == NULL)
			break;
		else
			good = read_line(&reading, line);
		pfree(line);
	}
	viflo_numbers_destroy(reading.names);
	if (good && plan->project == NULL)
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, Max(reading.line, 1),
							  "plan has no line %%project=NAME at its beginning");
	return good;
}
