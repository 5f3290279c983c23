/*-------------------------------------------------------------------------
 * sqlx.c
 *	  sqlx: NUMBER_name.sql, or NUMBER_name.up.sql and NUMBER_name.down.sql.
 *
 * The number is a signed 64-bit one and orders them.  A file that begins with
 * "-- no-transaction" is run outside of one.  Such a file gives the layout
 * away; others look like those of several tools, golang-migrate's if they
 * are two a revision, and are sqlx's where --layout says so.
 *
 * Rules: sqlx's sqlx-core/src/migrate/source.rs and migration_type.rs, and
 * sqlx-cli/src/opt.rs for the next number.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"
#include "cli/reader/part.h"

#define NO_TRANSACTION	"-- no-transaction"

static bool
sqlx_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 &&
		viflo_numbered_split(file, 0, VIFLO_NUMBERED_ANY, part) &&
		part->name[part->digits] == '_';
}

/* The first line, if it is the directive. */
static bool
begins_no_transaction(const VifloFile *file, VifloLines *lines)
{
	VifloSpan	line;

	*lines = viflo_lines_begin(file->text, file->length);
	return viflo_lines_next(lines, &line) && viflo_line_begins(line, false, NO_TRANSACTION);
}

static VifloClaim
sqlx_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloNumbered part;
	VifloLines	lines;

	if (!sqlx_take(file, &part))
		return VIFLO_CLAIM_NONE;
	return begins_no_transaction(file, &lines) ? VIFLO_CLAIM_SURE : VIFLO_CLAIM_WEAK;
}

/* As sqlx does, which passes over files without "_" alone. */
static const char *
sqlx_refuse(const VifloFile *file)
{
	return file->dir_length == 0 && strchr(file->name, '_') != NULL &&
		viflo_has_suffix(file->name, ".sql") ?
		"name of an sqlx migration does not begin with a number and \"_\"" : NULL;
}

/* All of file, without the directive. */
static bool
add_section(const VifloFolder *folder, VifloHistory *history, const VifloFile *file,
			VifloSection *section, bool *no_transaction, VifloFailure *failure)
{
	VifloLines	lines;

	*no_transaction = begins_no_transaction(file, &lines);
	if (!*no_transaction)
		return viflo_reader_section(folder, file, history, section, failure);
	return viflo_reader_part(folder, file, history, lines.next, lines.end - lines.next,
							 lines.number + 1, section, failure);
}

static bool
sqlx_add(const VifloFolder *folder, VifloHistory *history,
		 const VifloNumbered *up, const VifloNumbered *down,
		 VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, true);
	bool		no_transaction;

	if (!add_section(folder, history, up->file, &revision->up, &no_transaction, failure))
		return false;
	if (no_transaction)
		revision->transaction = VIFLO_TRANSACTION_OFF;
	return down == NULL ||
		add_section(folder, history, down->file, &revision->down_section, &no_transaction,
					failure);
}

static const VifloNumberedRules sqlx_rules = {
	.take = sqlx_take,
	.refuse = sqlx_refuse,
	.largest = PG_INT64_MAX,
	.ignored = "ignored, as sqlx wants \"_\" after the number",
	.add = sqlx_add,
};

static bool
sqlx_read(const VifloFolder *folder, VifloHistory *history,
		  VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &sqlx_rules, failure);
}

/* A text must not begin with the directive by chance, but may as the second line. */
static void
write_file(VifloNewFiles *files, const char *stem, const char *suffix,
		   const char *text, bool no_transaction)
{
	StringInfo	file = viflo_new_file(files, psprintf("%s%s", stem, suffix));

	if (no_transaction)
		appendStringInfoString(file, NO_TRANSACTION "\n");
	else if (text != NULL && strncmp(text, NO_TRANSACTION, strlen(NO_TRANSACTION)) == 0)
		appendStringInfoChar(file, '\n');
	appendStringInfoString(file, text ? text : "");
}

/* With a down where there is one to write, or the last revision has its own. */
static bool
sqlx_create(const VifloHistory *history, const VifloNewRevision *wanted,
			char **id, VifloNewFiles *files, VifloFailure *failure)
{
	int			last = history->count - 1;
	bool		pair = wanted->down != NULL || (wanted->up == NULL && last >= 0 &&
												viflo_has_suffix(history->migrations[last].source, ".up.sql"));

	*id = viflo_numbered_stem(viflo_numbered_next(history, &sqlx_rules, wanted->time, NULL), wanted);
	write_file(files, *id, pair ? ".up.sql" : ".sql", wanted->up, wanted->no_transaction);
	if (pair)
		write_file(files, *id, ".down.sql", wanted->down, wanted->no_transaction);
	return true;
}

const VifloReader viflo_reader_sqlx = {
	.name = "sqlx",
	.claims = sqlx_claims,
	.read = sqlx_read,
	.linear = true,
	.create = sqlx_create,
	.keeps_no_transaction = true,
};
