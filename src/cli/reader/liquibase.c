/*-------------------------------------------------------------------------
 * liquibase.c
 *	  Liquibase: formatted SQL, in the folder and below.
 *
 * Files count in order of their paths, as with includeAll; changelogs in XML,
 * YAML or JSON are not read, which is said.  Each change set is a revision of
 * the id PATH.AUTHOR.ID, where PATH has no suffix, "/" is "." and what an id
 * cannot have is "_".  runOnChange and runAlways make it repeatable.
 *
 * Rules: liquibase_text.c.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/output.h"
#include "cli/reader/liquibase.h"
#include "cli/reader/liquibase_text.h"
#include "cli/reader/placeholder.h"
#include "common/lines.h"
#include "common/script.h"

static const char header[] = "--liquibase formatted sql\n";

/* A changelog in another format, which may say another order. */
static bool
is_foreign_changelog(const char *name, int dir_length)
{
	static const char *const suffixes[] = {".xml", ".yaml", ".yml", ".json"};
	bool		foreign = false;

	for (int i = 0; i < lengthof(suffixes); i++)
		foreign |= viflo_has_suffix(name, suffixes[i]);
	return foreign && dir_length == 0 &&
		(strstr(name, "changelog") != NULL || strstr(name, "changeLog") != NULL);
}

static bool
liquibase_wants_more(const char *name, int dir_length)
{
	return viflo_has_suffix(name, ".sql");
}

static VifloClaim
liquibase_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (is_foreign_changelog(file->name, file->dir_length))
		return strstr(file->text, "databaseChangeLog") != NULL ?
			VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
	return viflo_has_suffix(file->name, ".sql") &&
		viflo_liquibase_is_formatted(file->text, file->length) ?
		VIFLO_CLAIM_SURE : VIFLO_CLAIM_NONE;
}

/* PATH.AUTHOR.ID */
static char *
make_id(const VifloChangeSet *set, const char *path)
{
	const char *suffix = strrchr(path, '.');
	int			length = suffix && strchr(suffix, '/') == NULL ? suffix - path : strlen(path);
	char	   *id = psprintf("%.*s.%s.%s", length, path, set->author, set->id);

	for (char *p = id; *p != '\0'; p++)
	{
		if (*p == '/')
			*p = '.';
		else if (strchr("@:+,", *p) != NULL || (unsigned char) *p < ' ' || *p == '\x7f')
			*p = '_';
	}
	return id;
}

/* What holds for a file's change sets though they seem to ask for something else. */
static void
warn_of_file(const VifloFolder *folder, VifloHistory *history,
			 const VifloFile *file, const VifloChangeLog *log)
{
	bool		filtered = false;
	bool		always = false;
	bool		may_fail = false;
	bool		quoted = false;

	for (int i = 0; i < log->count; i++)
	{
		filtered |= log->sets[i].filtered && !log->sets[i].leaves_out;
		always |= log->sets[i].run_always && !log->sets[i].leaves_out;
		may_fail |= log->sets[i].may_fail && !log->sets[i].leaves_out;
		quoted |= log->sets[i].quoted_dbms;
	}
	if (filtered)
		viflo_reader_warn(history, folder, file->name,
						  "change sets with a context or labels run whatever these are");
	if (always)
		viflo_reader_warn(history, folder, file->name,
						  "change sets with runAlways run when their text has changed, not always");
	if (may_fail)
		viflo_reader_warn(history, folder, file->name,
						  "change sets with failOnError:false stop a run when they fail");
	if (quoted)
		viflo_reader_warn(history, folder, file->name,
						  "change sets with dbms in quotes are left out, as Liquibase does, which finds no such database");
}

/* Makes a section of lines of file. */
static bool
add_section(const VifloFolder *folder, const VifloFile *file,
			VifloHistory *history, VifloLiquibaseLines *lines, int line,
			bool splits, const char *delimiter, VifloSection *section,
			VifloFailure *failure)
{
	if (lines->first_line == 0)
	{
		initStringInfo(&lines->text);
		lines->first_line = line;
	}
	if (splits && !viflo_liquibase_delimit(&lines->text, delimiter))
	{
		viflo_failure_file(failure, viflo_folder_path(folder, file->name), line, NULL,
						   "endDelimiter \"%s\" is not supported", delimiter);
		viflo_failure_hint(failure, "A plain text is, and one that stands alone on a line, as in \"\\n/\".");
		return false;
	}
	return viflo_reader_part(folder, file, history, lines->text.data, lines->text.len,
							 lines->first_line, section, failure);
}

/* Fills in what Liquibase's history would say. */
static bool
add_detail(const VifloFolder *folder, const VifloFile *file,
		   VifloHistory *history, const VifloChangeSet *set,
		   VifloFailure *failure)
{
	VifloMigration *migration = viflo_reader_last(history);
	VifloLiquibaseDetail *detail = palloc0(sizeof(VifloLiquibaseDetail));
	VifloSection text = {
		.text = set->sql.first_line > 0 ? pnstrdup(set->sql.text.data, set->sql.text.len) : "",
		.length = set->sql.first_line > 0 ? set->sql.text.len : 0,
		.first_line = set->sql.first_line,
		.file = file->name
	};

	if (!viflo_placeholders_replace(folder, history, &text, failure))
		return false;
	detail->author = set->author;
	detail->path = set->path ? set->path : file->name;
	detail->logical = set->path != NULL;
	detail->text = text.text;
	detail->length = text.length;
	migration->version = set->id;
	migration->file = file;
	migration->detail = detail;
	return true;
}

static bool
add_change_set(const VifloFolder *folder, const VifloFile *file,
			   VifloHistory *history, VifloChangeSet *set,
			   VifloFailure *failure)
{
	VifloRevision *revision = viflo_reader_add(history, file->name);

	revision->id = make_id(set, set->path ? set->path : file->name);
	revision->message = viflo_reader_message(set->comment && set->comment[0] != '\0' ?
											 set->comment : set->id);
	revision->repeatable = set->run_on_change || set->run_always;
	if (!set->in_transaction)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	return add_detail(folder, file, history, set, failure) &&
		add_section(folder, file, history, &set->sql, set->line, set->splits,
					set->delimiter, &revision->up, failure) &&
		(set->rollback.first_line == 0 ||
		 add_section(folder, file, history, &set->rollback, set->line, set->rollback_splits,
					 set->rollback_delimiter, &revision->down_section, failure));
}

/* Is a property of this NAME=VALUE's name among names? */
static bool
has_property(const VifloNames *names, const char *entry)
{
	size_t		length = strcspn(entry, "=") + 1;

	for (int i = 0; i < names->count; i++)
	{
		if (strncmp(names->names[i], entry, length) == 0)
			return true;
	}
	return false;
}

/*
 * Makes values of a file's properties: of all files the first of a name
 * counts.  They may have those before them in them.
 */
static bool
add_properties(const VifloFolder *folder, const VifloFile *file,
			   VifloHistory *history, const VifloNames *properties,
			   VifloFailure *failure)
{
	VifloNames *values = &history->placeholders.values;

	for (int i = 0; i < properties->count; i++)
	{
		VifloSection entry = {
			.text = properties->names[i],
			.length = strlen(properties->names[i]),
			.first_line = 1,
			.file = file->name
		};

		if (!viflo_placeholders_replace(folder, history, &entry, failure))
			return false;
		if (!has_property(values, entry.text))
			viflo_names_add(values, pnstrdup(entry.text, entry.length));
	}
	return true;
}

static bool
read_file(const VifloFolder *folder, const VifloFile *file,
		  VifloHistory *history, VifloFailure *failure)
{
	VifloChangeLog log;
	VifloError	error = {0};

	if (!viflo_folder_check_text(folder, file, failure))
		return false;
	if (!viflo_liquibase_parse(file->text, file->length, &log, &error))
		return viflo_failure_common(failure, viflo_folder_path(folder, file->name), &error);
	warn_of_file(folder, history, file, &log);
	if (!add_properties(folder, file, history, &log.properties, failure))
		return false;
	for (int i = 0; i < log.count; i++)
	{
		if (log.sets[i].leaves_out)
			viflo_output_verbose("%s:%d: not for PostgreSQL, or ignored",
								 viflo_folder_path(folder, file->name), log.sets[i].line);
		else if (!add_change_set(folder, file, history, &log.sets[i], failure))
			return false;
	}
	return true;
}

static bool
liquibase_read(const VifloFolder *folder, VifloHistory *history,
			   VifloFailure *failure)
{
	history->placeholders.keep_unknown = true;
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];

		if (!file->wanted)
			continue;
		if (is_foreign_changelog(file->name, file->dir_length))
			viflo_reader_warn(history, folder, file->name,
							  "not read, as it is not formatted SQL: files count in order of their names");
		else if (!viflo_has_suffix(file->name, ".sql"))
			viflo_output_verbose("%s: not a migration, ignored",
								 viflo_folder_path(folder, file->name));
		else if (!viflo_liquibase_is_formatted(file->text, file->length))
			viflo_reader_warn(history, folder, file->name,
							  "ignored, as it does not begin with \"--liquibase formatted sql\"");
		else if (!read_file(folder, file, history, failure))
			return false;
	}
	return true;
}

/*
 * A name of a new file that comes after the last one: with its number and one
 * more, or the time.
 */
static char *
next_name(const VifloHistory *history, time_t now, const char *slug)
{
	const char *last = history->count > 0 ?
	history->migrations[history->count - 1].source : "";
	const char *base = strrchr(last, '/') ? strrchr(last, '/') + 1 : last;
	int			digits = strspn(base, "0123456789");
	char		stamp[32];

	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", gmtime(&now));
	if (digits == 0 || digits > 18 || (digits == 14 && strncmp(base, stamp, 14) < 0))
		return psprintf("%.*s%s_%s.sql", (int) (base - last), last, stamp, slug);
	return psprintf("%.*s%0*lld_%s.sql", (int) (base - last), last, digits,
					strtoll(base, NULL, 10) + 1, slug);
}

/* Are lines the text that was wanted, but for empty lines at its end? */
static bool
same_text(const VifloLiquibaseLines *lines, const char *wanted)
{
	const char *got = lines->first_line > 0 ? lines->text.data : "";
	size_t		length = strlen(got);
	size_t		wanted_length = strlen(wanted);

	while (length > 0 && got[length - 1] == '\n')
		length--;
	while (wanted_length > 0 && wanted[wanted_length - 1] == '\n')
		wanted_length--;
	return length == wanted_length && memcmp(got, wanted, length) == 0;
}

/* Do the texts come back from the file that was made of them? */
static bool
comes_back(const StringInfo text, const VifloNewRevision *wanted)
{
	VifloChangeLog log;
	VifloError	error = {0};

	return viflo_liquibase_parse(text->data, text->len, &log, &error) && log.count == 1 &&
		same_text(&log.sets[0].sql, wanted->up ? wanted->up : "") &&
		same_text(&log.sets[0].rollback, wanted->down ? wanted->down : "");
}

static const char *
value_of(const char *name, void *arg)
{
	return viflo_placeholders_value(arg, name);
}

/* Would a placeholder in text be replaced, here and now? */
static bool
has_placeholders(const VifloHistory *history, const char *text)
{
	VifloReplacement replacement = {
		.text = text,
		.length = strlen(text),
		.value = value_of,
		.arg = unconstify(VifloHistory *, history)
	};

	return !viflo_replace_dollar(&replacement) || strcmp(replacement.result.data, text) != 0;
}

static bool
liquibase_create(const VifloHistory *history, const VifloNewRevision *wanted,
				 char **id, VifloNewFiles *files, VifloFailure *failure)
{
	VifloChangeSet set = {.author = pstrdup("viflo")};
	const char *last = history->count > 0 ?
	history->migrations[history->count - 1].source : NULL;
	StringInfoData slug;
	char	   *name;
	StringInfo	text;

	initStringInfo(&slug);
	viflo_script_slug(&slug, wanted->message, 60);
	set.id = slug.len > 0 ? slug.data : pstrdup("1");
	name = next_name(history, wanted->time, set.id);
	if (last != NULL && strcmp(name, last) <= 0)
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "file \"%s\" would not come after \"%s\"", name, last);
	if ((wanted->up != NULL && has_placeholders(history, wanted->up)) ||
		(wanted->down != NULL && has_placeholders(history, wanted->down)))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "a text of \"%s\" has what is a placeholder in Liquibase's files",
							 wanted->message);
	*id = make_id(&set, name);
	text = viflo_new_file(files, name);
	appendStringInfo(text, "%s\n--changeset %s:%s splitStatements:false rollbackSplitStatements:false stripComments:false%s\n%s",
					 header, set.author, set.id, wanted->no_transaction ? " runInTransaction:false" : "",
					 wanted->up ? wanted->up : "");
	if (text->data[text->len - 1] != '\n')
		appendStringInfoChar(text, '\n');
	if (wanted->down != NULL)
	{
		VifloLines	lines = viflo_lines_begin(wanted->down, strlen(wanted->down));
		VifloSpan	line;
		bool		any = false;

		for (; viflo_lines_next(&lines, &line); any = true)
			appendStringInfo(text, "--rollback %.*s\n", (int) (line.end - line.start), line.start);
		if (!any)
			appendStringInfoString(text, "--rollback empty\n");
	}
	return comes_back(text, wanted) ||
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "a text of \"%s\" would mean something else in Liquibase's files",
					  wanted->message);
}

const VifloReader viflo_reader_liquibase = {
	.name = "liquibase",
	.wants = is_foreign_changelog,
	.wants_more = liquibase_wants_more,
	.claims = liquibase_claims,
	.read = liquibase_read,
	.linear = true,
	.placeholders = VIFLO_PLACEHOLDERS_DOLLAR,
	.create = liquibase_create,
	.keeps_no_transaction = true,
};
