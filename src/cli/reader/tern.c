/*-------------------------------------------------------------------------
 * tern.c
 *	  tern: NUMBER_name.sql, numbered from 1 without a gap.
 *
 * What stands before the first "---- create above / drop below ----" is up,
 * what follows it down; nothing after it means that there is none.  A line
 * "---- tern: disable-tx ----" in up keeps it out of a transaction.  Templates
 * are replaced (tern_template.h).
 *
 * Rules: tern's migrate/migrate.go and main.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"
#include "cli/reader/part.h"
#include "cli/reader/tern_template.h"

#define SEPARATOR	"---- create above / drop below ----"
#define DISABLE_TX	"---- tern: disable-tx ----"

static bool
tern_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 &&
		viflo_numbered_split(file, 0, VIFLO_NUMBERED_SQL, part) &&
		part->name[part->digits] == '_' && part->length > part->digits + 1;
}

static bool
is_disable_tx(VifloSpan line)
{
	if (line.end > line.start && line.end[-1] == '\r')
		line.end--;
	return line.end - line.start == strlen(DISABLE_TX) &&
		viflo_line_begins(line, false, DISABLE_TX);
}

static bool
tern_wants(const char *name, int dir_length)
{
	return dir_length == 0 && strcmp(name, VIFLO_TERN_CONF) == 0;
}

static VifloClaim
tern_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloNumbered part;

	if (strcmp(file->name, VIFLO_TERN_CONF) == 0)
		return VIFLO_CLAIM_SURE;
	if (!tern_take(file, &part))
		return VIFLO_CLAIM_NONE;
	return strstr(file->text, SEPARATOR) != NULL || strstr(file->text, DISABLE_TX) != NULL ?
		VIFLO_CLAIM_SURE : VIFLO_CLAIM_WEAK;
}

/* A line that no text of a new file can have. */
static bool
is_marker(VifloSpan line)
{
	char	   *text = viflo_span_copy(line);
	bool		marker = strstr(text, SEPARATOR) != NULL || strstr(text, "{{") != NULL ||
	is_disable_tx(line);

	pfree(text);
	return marker;
}

/*
 * Makes a section of text, which begins at line first_line of file: with its
 * templates replaced, without the directive, and absent if nothing is left and
 * may_lack is set.
 */
static bool
add_section(const VifloFolder *folder, VifloHistory *history, const VifloFile *file,
			VifloSpan text, int first_line, bool may_lack, bool *disable_tx,
			VifloSection *section, VifloFailure *failure)
{
	VifloPart	part = {0};
	StringInfoData replaced;
	VifloLines	lines;
	VifloSpan	line;
	bool		blank = true;

	if (viflo_tern_has_template(text))
	{
		initStringInfo(&replaced);
		if (!viflo_tern_replace(folder, history, file, text, first_line, &replaced, failure))
			return false;
		text.start = replaced.data;
		text.end = replaced.data + replaced.len;
	}
	viflo_part_begin(&part, first_line);
	lines = viflo_lines_begin(text.start, text.end - text.start);
	while (viflo_lines_next(&lines, &line))
	{
		if (is_disable_tx(line))
			*disable_tx = true;
		else
			viflo_part_add(&part, first_line + lines.number - 1, line);
		blank = blank && viflo_span_is_empty(viflo_span_trim(line));
	}
	return (blank && may_lack) ||
		viflo_part_section(folder, file, history, &part, section, failure);
}

/* Has a text anything but comments?  tern wants that. */
static bool
has_statement(const char *text, size_t length)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		if (!viflo_span_is_empty(viflo_span_trim(line)) && !viflo_line_is_comment(line))
			return true;
	}
	return false;
}

/* tern counts on it that the last number is how many there are. */
static bool
check_sequence(const VifloFolder *folder, const VifloHistory *history,
			   const VifloNumbered *up, VifloFailure *failure)
{
	return up->number == history->count ||
		viflo_failure_file(failure, viflo_folder_path(folder, up->file->name), 0, NULL,
						   "migration %d is missing before it", history->count);
}

static bool
tern_add(const VifloFolder *folder, VifloHistory *history,
		 const VifloNumbered *up, const VifloNumbered *down,
		 VifloFailure *failure)
{
	VifloFile  *file = up->file;
	VifloRevision *revision = viflo_numbered_add(history, up, true);
	VifloSpan	text = {file->text, file->text + file->length};
	VifloSpan	rest = {text.end, text.end};
	char	   *separator;
	bool		disable_tx = false;
	bool		down_too = false;
	int			line = 1;

	if (!check_sequence(folder, history, up, failure) ||
		!viflo_folder_check_text(folder, file, failure))
		return false;
	separator = strstr(file->text, SEPARATOR);
	if (separator != NULL)
	{
		text.end = separator;
		rest.start = separator + strlen(SEPARATOR);
		for (const char *p = text.start; p < text.end; p++)
			line += *p == '\n';
	}
	if (!add_section(folder, history, file, text, 1, false, &disable_tx, &revision->up, failure) ||
		!add_section(folder, history, file, rest, line, true, &down_too,
					 &revision->down_section, failure))
		return false;
	if (!has_statement(revision->up.text, revision->up.length))
		return viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0, NULL,
								  "no statement before \"" SEPARATOR "\"");
	if (disable_tx)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	return true;
}

static const VifloNumberedRules tern_rules = {
	.take = tern_take,
	.smallest = 1,
	.largest = PG_INT32_MAX,
	.ignored = "ignored, as tern wants \"_\" and a name after the number",
	.add = tern_add,
};

static bool
tern_read(const VifloFolder *folder, VifloHistory *history,
		  VifloFailure *failure)
{
	return viflo_tern_read_conf(folder, history, failure) &&
		viflo_numbered_read(folder, history, &tern_rules, failure);
}

/* A part that is there, but empty, would be none: it gets a statement. */
static void
write_part(StringInfo file, const char *directive, const char *text)
{
	appendStringInfo(file, "%s%s\n", directive, text ? text : "");
	if (text != NULL && !has_statement(text, strlen(text)))
		appendStringInfoString(file, "select;\n");
}

/* As "tern new" does. */
static bool
tern_create(const VifloHistory *history, const VifloNewRevision *wanted,
			char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const char *directive = wanted->no_transaction ? DISABLE_TX "\n" : "";
	StringInfo	file;

	if (!viflo_part_check_new(wanted->up, is_marker, "tern", failure) ||
		!viflo_part_check_new(wanted->down, is_marker, "tern", failure))
		return false;
	*id = viflo_numbered_stem(psprintf("%03d", history->count + 1), wanted);
	file = viflo_new_file(files, psprintf("%s.sql", *id));
	write_part(file, directive, wanted->up);
	if (wanted->down != NULL || wanted->up == NULL)
	{
		appendStringInfoString(file, "\n" SEPARATOR "\n\n");
		write_part(file, directive, wanted->down);
	}
	return true;
}

const VifloReader viflo_reader_tern = {
	.name = "tern",
	.wants = tern_wants,
	.claims = tern_claims,
	.read = tern_read,
	.linear = true,
	.create = tern_create,
	.keeps_no_transaction = true,
};
