/*-------------------------------------------------------------------------
 * flyway.c
 *	  Flyway: V<version>__<description>.sql and its relatives, in the folder
 *	  and below.
 *
 * U<version> is the down of that version.  R__<description> is repeatable, and
 * comes after the others in order of description.  B<version>, a baseline, is
 * what all versions up to its own amount to: it takes their place where none
 * of them is in the folder any more, and is left out where some are, as they
 * do the same on any database, empty or not.  Callbacks that are not run are
 * named in a warning (flyway_callback.c), and so are names that Flyway passes
 * over, but that look like meant for it.
 *
 * Rules: Flyway's ResourceNameParser, MigrationVersion, SqlMigrationResolver;
 * for the texts flyway_conf.c.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/output.h"
#include "cli/reader/flyway.h"
#include "cli/reader/flyway_conf.h"
#include "common/lines.h"
#include "common/script.h"

/* What a file's name says it is. */
typedef enum Kind
{
	KIND_OTHER,
	KIND_MISTAKE,				/* meant for Flyway, which passes it over */
	KIND_CALLBACK,				/* and not run */
	KIND_SCRIPT
} Kind;

/* A script, its name taken apart. */
typedef struct Script
{
	VifloFile  *file;
	char		type;			/* V, U, B, R or C: a callback */
	const VifloFlywayEvent *event;	/* of a callback */
	char	   *id;				/* name without directory and suffix */
	char	   *version;		/* as it is written, or empty */
	char	   *description;	/* as it is written, or empty */
} Script;

static bool
has_sql_suffix(const char *name)
{
	size_t		length = strlen(name);

	return length > 4 && pg_strcasecmp(name + length - 4, ".sql") == 0;
}

/* Numbers with a "." or "_" between each two. */
static bool
is_version(const char *text)
{
	for (;;)
	{
		int			digits = strspn(text, "0123456789");

		if (digits == 0)
			return false;
		text += digits;
		if (*text == '\0')
			return true;
		if (*text != '.' && *text != '_')
			return false;
		text++;
	}
}

/* Takes the name base apart, into *script where it is one. */
static Kind
read_name(const char *base, Script *script)
{
	char	   *id = pnstrdup(base, Max((int) strlen(base) - 4, 0));
	char	   *separator = strstr(id, "__");
	const VifloFlywayEvent *event = viflo_flyway_event(id);
	Kind		kind = KIND_OTHER;

	if (!has_sql_suffix(base))
		kind = KIND_OTHER;
	else if (event != NULL)
	{
		memset(script, 0, sizeof(*script));
		script->type = 'C';
		script->event = event;
		script->id = id;
		script->version = pstrdup("");
		script->description = pstrdup(separator ? separator + 2 : "");
		kind = event->turn == VIFLO_FLYWAY_NEVER ? KIND_CALLBACK : KIND_SCRIPT;
	}
	else if (strchr("VUBRvubr", id[0]) != NULL)
	{
		memset(script, 0, sizeof(*script));
		script->type = id[0];
		script->id = id;
		script->version = separator ? pnstrdup(id + 1, separator - id - 1) : pstrdup(id + 1);
		script->description = pstrdup(separator ? separator + 2 : "");
		if (id[0] == 'R' ? separator == id + 1 :
			isupper((unsigned char) id[0]) && is_version(script->version))
			kind = KIND_SCRIPT;
		else if (isdigit((unsigned char) id[1]) || id[1] == '_')
			kind = KIND_MISTAKE;
	}
	return kind;
}

static bool
flyway_wants(const char *name, int dir_length)
{
	Script		script;

	if (viflo_has_suffix(name, ".sql.conf"))
		return true;
	return read_name(dir_length > 0 ? name + dir_length + 1 : name, &script) != KIND_OTHER;
}

static VifloClaim
flyway_claims(const VifloFolder *folder, const VifloFile *file)
{
	Script		script;
	Kind		kind = read_name(viflo_file_base(file), &script);

	return kind == KIND_SCRIPT && script.event == NULL ? VIFLO_CLAIM_NAME :
		kind == KIND_MISTAKE ? VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

/* Takes the number at *p, without leading zeros, and what separates it. */
static VifloSpan
take_number(const char **p)
{
	VifloSpan	number;

	*p += strspn(*p, "0");
	number.start = *p;
	*p += strspn(*p, "123456789" "0");
	number.end = *p;
	if (**p != '\0')
		(*p)++;
	return number;
}

/* Number by number; one that is missing is 0. */
static int
compare_versions(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0')
	{
		VifloSpan	left = take_number(&a);
		VifloSpan	right = take_number(&b);
		int			result = (left.end - left.start) - (right.end - right.start);

		if (result == 0)
			result = memcmp(left.start, right.start, left.end - left.start);
		if (result != 0)
			return result;
	}
	return 0;
}

static bool
has_version(const Script *script)
{
	return script->type != 'R' && script->type != 'C';
}

/* B, then V, then U of a version; then repeatable ones, and callbacks. */
static int
compare_scripts(const void *a, const void *b)
{
	static const char types[] = "BVURC";
	const Script *left = a;
	const Script *right = b;
	int			result = has_version(right) - has_version(left);

	if (result == 0 && has_version(left))
		result = compare_versions(left->version, right->version);
	if (result == 0 && left->event != NULL && right->event != NULL)
		result = viflo_flyway_event_compare(left->event, left->description,
											right->event, right->description);
	if (result == 0)
		result = strchr(types, left->type) - strchr(types, right->type);
	if (result == 0)
		result = strcmp(left->description, right->description);
	return result != 0 ? result : strcmp(left->file->name, right->file->name);
}

/* The scripts of the folder, in order; says what is passed over. */
static int
find_scripts(const VifloFolder *folder, VifloHistory *history, Script **scripts)
{
	int			count = 0;

	*scripts = palloc(sizeof(Script) * (folder->count + 1));
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];
		Script	   *script = &(*scripts)[count];

		switch (file->wanted ? read_name(viflo_file_base(file), script) : KIND_OTHER)
		{
			case KIND_SCRIPT:
				script->file = file;
				count++;
				break;
			case KIND_CALLBACK:
				viflo_reader_warn(history, folder, file->name,
								  "not run, as nothing here corresponds to this callback of Flyway");
				break;
			case KIND_MISTAKE:
				viflo_reader_warn(history, folder, file->name,
								  "ignored, as its name is not V<version>__<description>.sql, nor with U, B or R__");
				break;
			case KIND_OTHER:
				if (!viflo_has_suffix(file->name, ".sql.conf"))
					viflo_output_verbose("%s: not a migration, ignored",
										 viflo_folder_path(folder, file->name));
				break;
		}
	}
	qsort(*scripts, count, sizeof(Script), compare_scripts);
	return count;
}

/* The highest baseline that no V comes before or with, or NULL. */
static const Script *
find_baseline(const Script *scripts, int count)
{
	const Script *baseline = NULL;

	for (int i = 0; i < count && scripts[i].type != 'V'; i++)
	{
		bool		covered = false;

		if (scripts[i].type != 'B')
			continue;
		for (int v = i + 1; v < count && !covered; v++)
			covered = scripts[v].type == 'V' &&
				compare_versions(scripts[v].version, scripts[i].version) == 0;
		if (!covered)
			baseline = &scripts[i];
	}
	return baseline;
}

/* The version as the history table has it. */
static char *
normal_version(const char *version)
{
	char	   *normal = pstrdup(version);

	for (char *p = normal; *p != '\0'; p++)
	{
		if (*p == '_')
			*p = '.';
	}
	return normal;
}

/* Reads the text of a script into section, as its .conf says. */
static bool
read_text(const VifloFolder *folder, VifloHistory *history,
		  const Script *script, VifloFlywayConf conf, VifloSection *section,
		  bool *in_transaction, VifloFailure *failure)
{
	const VifloFile *file = viflo_folder_find(folder, psprintf("%s.conf", script->file->name));

	if (file != NULL && !viflo_flyway_conf_of_script(folder, file, &conf, failure))
		return false;
	*in_transaction = conf.in_transaction;
	viflo_flyway_conf_apply(&conf, history, viflo_file_base(script->file), !has_version(script));
	return viflo_reader_section(folder, script->file, history, section, failure);
}

static bool
add_revision(const VifloFolder *folder, VifloHistory *history,
			 const VifloFlywayConf *conf, const Script *script,
			 const Script *undo, VifloFailure *failure)
{
	VifloRevision *revision = viflo_reader_add(history, script->file->name);
	VifloMigration *migration = viflo_reader_last(history);
	VifloFlywayDetail *detail = palloc0(sizeof(VifloFlywayDetail));
	bool		in_transaction;

	revision->id = script->id;
	revision->message = viflo_reader_message(script->description + strspn(script->description, "_"));
	if (revision->message[0] == '\0')
		revision->message = script->id;
	if (!has_version(script))
		revision->repeatable = script->event ? script->event->repeatable : VIFLO_REPEATABLE_CHANGED;
	if (!read_text(folder, history, script, *conf, &revision->up, &in_transaction, failure))
		return false;
	if (!in_transaction)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	if (undo != NULL &&
		!read_text(folder, history, undo, *conf, &revision->down_section, &in_transaction, failure))
		return false;
	detail->type = script->type;
	detail->event = script->event;
	detail->description = viflo_reader_message(script->description);
	detail->script = script->file->name;
	detail->text = script->type == 'R' ? revision->up.text : script->file->text;
	detail->length = script->type == 'R' ? revision->up.length : script->file->length;
	detail->undo = undo ? undo->file : NULL;
	migration->version = has_version(script) ? normal_version(script->version) : NULL;
	migration->file = script->file;
	migration->detail = detail;
	return true;
}

/* Is this script left out because of baselines?  Then it has been said. */
static bool
is_left_out(const VifloFolder *folder, VifloHistory *history,
			const Script *script, const Script *baseline)
{
	bool		older = baseline != NULL && has_version(script) &&
	compare_versions(script->version, baseline->version) <= 0;

	if (script->type == 'U' && older)
		viflo_reader_warn(history, folder, script->file->name,
						  "ignored, as a baseline covers its version");
	else if (script->type == 'B' && script != baseline && !older)
		viflo_reader_warn(history, folder, script->file->name,
						  "not run, as the folder still has versions that it covers; it counts when they are gone");
	else
		return older && script != baseline;
	return true;
}

static bool
fail_second(const VifloFolder *folder, const Script *script, const Script *first,
			VifloFailure *failure)
{
	const char *path = viflo_folder_path(folder, script->file->name);

	if (script->type == 'C')
		return viflo_failure_file(failure, path, 0, NULL, "second callback \"%s\", beside \"%s\"",
								  script->id, first->file->name);
	if (script->type == 'R')
		return viflo_failure_file(failure, path, 0, NULL,
								  "second repeatable migration \"%s\", beside \"%s\"",
								  script->description, first->file->name);
	return viflo_failure_file(failure, path, 0, NULL,
							  "second %c file of version %s, beside \"%s\"", script->type,
							  normal_version(script->version), first->file->name);
}

/* Are these two that Flyway has one of at most? */
static bool
are_twins(const Script *a, const Script *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == 'C')
		return strcmp(a->id, b->id) == 0;
	return compare_versions(a->version, b->version) == 0 &&
		(has_version(a) || strcmp(a->description, b->description) == 0);
}

static bool
flyway_read(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	Script	   *scripts;
	int			count = find_scripts(folder, history, &scripts);
	const Script *baseline = find_baseline(scripts, count);
	VifloFlywayConf conf;

	if (!viflo_flyway_conf_read(folder, history, &conf, failure))
		return false;
	for (int i = 0; i < count; i++)
	{
		Script	   *script = &scripts[i];
		Script	   *undo = NULL;

		if (i > 0 && are_twins(&scripts[i - 1], script))
			return fail_second(folder, script, &scripts[i - 1], failure);
		if (is_left_out(folder, history, script, baseline))
			continue;
		if (script->type == 'U')
			return viflo_failure_file(failure, viflo_folder_path(folder, script->file->name), 0,
									  NULL, "undo without a migration of version %s",
									  normal_version(script->version));
		if (script->type == 'V' && i + 1 < count && scripts[i + 1].type == 'U' &&
			compare_versions(scripts[i + 1].version, script->version) == 0)
			undo = &scripts[++i];
		if (!add_revision(folder, history, &conf, script, undo, failure))
			return false;
	}
	viflo_flyway_events_chain(history);
	return true;
}

/*
 * The version after the last one, in its style: a time, or its last number
 * and one more with as many digits.  *dir is where that one lies.
 */
static bool
next_version(const VifloHistory *history, time_t now, char **version,
			 const char **dir, VifloFailure *failure)
{
	const char *source = NULL;
	char	   *last = NULL;
	char		stamp[32];
	int			digits;

	*version = pstrdup("1");
	*dir = "";
	for (int i = history->count - 1; i >= 0 && source == NULL; i--)
	{
		Script		script;
		const char *name = history->migrations[i].source;
		const char *slash = strrchr(name, '/');

		if (history->revisions[i].repeatable ||
			read_name(slash ? slash + 1 : name, &script) != KIND_SCRIPT)
			continue;
		source = name;
		last = script.version;
		*dir = slash ? pnstrdup(name, slash + 1 - name) : "";
	}
	if (last == NULL)
		return true;
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", gmtime(&now));
	digits = strlen(last);
	while (digits > 0 && isdigit((unsigned char) last[digits - 1]))
		digits--;
	if (strlen(last + digits) > 18)
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "version %s of \"%s\" is too long to be counted on", last, source);
	if (digits == 0 && strlen(last) == 14 && strcmp(last, stamp) < 0)
		*version = pstrdup(stamp);
	else
		*version = psprintf("%.*s%0*lld", digits, last, (int) strlen(last + digits),
							strtoll(last + digits, NULL, 10) + 1);
	return true;
}

/* A file and, where its text needs any, its configuration. */
static void
write_script(VifloNewFiles *files, const char *name, const char *text,
			 bool no_transaction)
{
	bool		braces = text != NULL && strstr(text, "${") != NULL;

	appendStringInfoString(viflo_new_file(files, name), text ? text : "");
	if (no_transaction)
		appendStringInfoString(viflo_new_file(files, psprintf("%s.conf", name)),
							   "executeInTransaction=false\n");
	if (braces)
		appendStringInfoString(viflo_new_file(files, psprintf("%s.conf", name)),
							   "placeholderReplacement=false\n");
}

static bool
flyway_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	StringInfoData name;
	const char *dir;
	char	   *version;

	if (!next_version(history, wanted->time, &version, &dir, failure))
		return false;
	initStringInfo(&name);
	appendStringInfo(&name, "V%s__", version);
	viflo_script_slug(&name, wanted->message, 60);
	*id = pstrdup(name.data);
	write_script(files, psprintf("%s%s.sql", dir, name.data), wanted->up, wanted->no_transaction);
	if (wanted->down != NULL)
	{
		name.data[0] = 'U';
		write_script(files, psprintf("%s%s.sql", dir, name.data), wanted->down, false);
	}
	return true;
}

const VifloReader viflo_reader_flyway = {
	.name = "flyway",
	.wants = flyway_wants,
	.claims = flyway_claims,
	.read = flyway_read,
	.linear = true,
	.placeholders = VIFLO_PLACEHOLDERS_DOLLAR,
	.create = flyway_create,
	.keeps_no_transaction = true,
};
