/*-------------------------------------------------------------------------
 * tern_template.c
 *	  The templates of tern's migrations, as far as they are plain.
 *
 * Text is copied up to the next "{{", whose action is then read: a field, a
 * template or a comment, with blanks around it.
 *
 * Rules: tern's migrate/migrate.go and main.go, Go's text/template for what an
 * action looks like, and go-ini's ini.go for the lines of tern.conf, which may
 * be of any length and have no comments behind a value.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/placeholder.h"
#include "cli/reader/tern_template.h"
#include "common/checksum.h"

/* Files that bring in files; more is a circle. */
#define MAX_DEPTH	20

/* Files that one text brings in, in all. */
#define MAX_FILES	1000

/* A text being replaced, on the stack of the one that brings it in. */
typedef struct Template
{
	const VifloFolder *folder;
	VifloHistory *history;
	const VifloFile *file;
	VifloFailure *failure;
	StringInfo	out;
	const char *p;
	const char *end;
	int			line;			/* of p */
	int			depth;
	int		   *files;			/* how many were brought in so far */
} Template;

static bool expand(Template *template);

bool
viflo_tern_has_template(VifloSpan text)
{
	const char *p = text.start;

	while ((p = memchr(p, '{', text.end - p)) != NULL)
	{
		p++;
		if (p < text.end && *p == '{')
			return true;
	}
	return false;
}

static bool
fail(const Template *template, const char *message)
{
	return viflo_failure_file(template->failure,
							  viflo_folder_path(template->folder, template->file->name),
							  template->line, NULL, "%s", message);
}

static bool
fail_unsupported(const Template *template, VifloSpan action)
{
	fail(template, psprintf("template action \"{{%.*s}}\" is not supported",
							(int) Min(action.end - action.start, 80), action.start));
	viflo_failure_hint(template->failure,
					   "Only {{.name}}, {{template \"file\" .}} and comments are replaced here.");
	return false;
}

/* Is the line, without blanks around it, "[data]"? */
static bool
is_data_section(VifloSpan line)
{
	line.start++;
	line.end--;
	line = viflo_span_trim(line);
	return line.end - line.start == strlen("data") &&
		memcmp(line.start, "data", strlen("data")) == 0;
}

bool
viflo_tern_read_conf(const VifloFolder *folder, VifloHistory *history,
					 VifloFailure *failure)
{
	const VifloFile *conf = viflo_folder_find(folder, VIFLO_TERN_CONF);
	bool		inside = false;
	VifloLines	lines;
	VifloSpan	line;

	if (conf == NULL)
		return true;
	if (!viflo_folder_check_text(folder, conf, failure))
		return false;
	lines = viflo_lines_begin(conf->text, conf->length);
	while (viflo_lines_next(&lines, &line))
	{
		VifloSpan	name = line = viflo_span_trim(line);
		VifloSpan	value = {NULL, line.end};

		if (viflo_span_is_empty(line) || *line.start == ';' || *line.start == '#')
			continue;
		value.start = memchr(line.start, '=', line.end - line.start);
		if (value.start == NULL && *line.start == '[' && line.end[-1] == ']')
			inside = is_data_section(line);
		if (value.start == NULL || !inside)
			continue;
		name.end = value.start++;
		viflo_names_add(&history->placeholders.values,
						psprintf("%s=%s", viflo_span_copy(viflo_span_trim(name)),
								 viflo_span_copy(viflo_span_trim(value))));
	}
	return true;
}

/* {{.name}}, where field is what follows the dot. */
static bool
expand_field(Template *template, VifloSpan field)
{
	char	   *name = viflo_span_copy(field);
	const char *value = viflo_placeholders_value(template->history, name);

	template->history->outside = true;
	if (value == NULL)
	{
		fail(template, psprintf("template value \"%s\" is not set", name));
		viflo_failure_hint(template->failure,
						   "Give it with --set %s=VALUE, or in [data] of " VIFLO_TERN_CONF ".", name);
		return false;
	}
	if (strstr(value, "{{") != NULL)
	{
		fail(template, psprintf("template value \"%s\" is a template itself", name));
		viflo_failure_hint(template->failure, "Give it with --set %s=VALUE.", name);
		return false;
	}
	appendStringInfoString(template->out, value);
	return true;
}

/* {{template "name" .}} */
static bool
expand_file(Template *template, VifloSpan name)
{
	char	   *path = viflo_span_copy(name);
	VifloFile  *file;
	Template	inner = *template;

	if (path[0] == '/' || strchr(path, '/') == NULL || strstr(path, "..") != NULL)
		return fail(template, psprintf("template \"%s\" is not a file below the folder", path));
	if (template->depth >= MAX_DEPTH)
		return fail(template, "templates are nested too deeply");
	if (++*template->files > MAX_FILES)
		return fail(template, psprintf("text brings in more than %d templates", MAX_FILES));
	file = viflo_folder_other(template->folder, path);
	if (file->error != 0)
	{
		errno = file->error;
		return fail(template, psprintf("could not read template \"%s\": %m", path));
	}
	if (!viflo_folder_check_text(template->folder, file, template->failure))
		return false;
	template->history->outside = true;
	inner.file = file;
	inner.p = file->text;
	inner.end = file->text + file->length;
	inner.line = 1;
	inner.depth++;
	return expand(&inner);
}

static bool
is_name(VifloSpan span)
{
	if (viflo_span_is_empty(span) || isdigit((unsigned char) *span.start))
		return false;
	for (const char *p = span.start; p < span.end; p++)
	{
		if (!isalnum((unsigned char) *p) && *p != '_' && !IS_HIGHBIT_SET(*p))
			return false;
	}
	return true;
}

/* Takes word off the beginning of span, with the blanks behind it. */
static bool
skip_word(VifloSpan *span, const char *word)
{
	size_t		length = strlen(word);

	if (span->end - span->start < length || memcmp(span->start, word, length) != 0)
		return false;
	span->start += length;
	*span = viflo_span_trim(*span);
	return true;
}

/* What stands between braces. */
static bool
expand_action(Template *template, VifloSpan whole)
{
	VifloSpan	action = viflo_span_trim(whole);
	const char *quote;

	if (skip_word(&action, "/*") && action.end - action.start >= 2 &&
		memcmp(action.end - 2, "*/", 2) == 0)
	{
		for (const char *p = action.start; p < action.end; p++)
		{
			if (*p == '\n')
				appendStringInfoChar(template->out, '\n');
		}
		return true;
	}
	if (skip_word(&action, "."))
		return is_name(action) ? expand_field(template, action) :
			fail_unsupported(template, whole);
	if (skip_word(&action, "template") && skip_word(&action, "\""))
	{
		VifloSpan	name = action;

		quote = memchr(action.start, '"', action.end - action.start);
		if (quote != NULL)
		{
			name.end = quote;
			action.start = quote + 1;
			action = viflo_span_trim(action);
			if (action.end - action.start == 1 && (*action.start == '.' || *action.start == '$'))
				return expand_file(template, name);
		}
	}
	return fail_unsupported(template, whole);
}

/* The end of the action at p: the next "}}", after a comment's end. */
static const char *
action_end(const Template *template)
{
	VifloSpan	rest = {template->p, template->end};
	const char *p = template->p;

	while (rest.start < rest.end && (viflo_is_blank(*rest.start) || *rest.start == '\n'))
		rest.start++;
	if (rest.end - rest.start >= 2 && memcmp(rest.start, "/*", 2) == 0)
	{
		p = strstr(rest.start + 2, "*/");
		if (p == NULL || p >= template->end)
			return NULL;
	}
	p = strstr(p, "}}");
	return p != NULL && p < template->end ? p : NULL;
}

/* The rest of the text. */
static bool
expand(Template *template)
{
	while (template->p < template->end)
	{
		VifloSpan	action;

		if (template->end - template->p < 2 || memcmp(template->p, "{{", 2) != 0)
		{
			template->line += *template->p == '\n';
			appendStringInfoChar(template->out, *template->p++);
			continue;
		}
		template->p += 2;
		action.start = template->p;
		action.end = action_end(template);
		if (action.end == NULL)
			return fail(template, "template action is not closed");
		if (!expand_action(template, action))
			return false;
		for (const char *p = action.start; p < action.end; p++)
			template->line += *p == '\n';
		template->p = action.end + 2;
	}
	return true;
}

bool
viflo_tern_replace(const VifloFolder *folder, VifloHistory *history,
				   const VifloFile *file, VifloSpan text, int first_line,
				   StringInfo out, VifloFailure *failure)
{
	int			files = 0;
	Template	template = {
		.folder = folder,.history = history,.file = file,.failure = failure,
		.out = out,.p = text.start,.end = text.end,.line = first_line,.files = &files
	};

	return expand(&template);
}
