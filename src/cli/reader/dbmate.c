/*-------------------------------------------------------------------------
 * dbmate.c
 *	  dbmate: NUMBER*.sql, up and down in one file.
 *
 * Blocks begin at lines "-- migrate:up" and "-- migrate:down", in lower case
 * at the beginning of the line; up comes first, each up has one down, and
 * pairs may repeat: all ups, and all downs, run in the order of the file.
 * Only comments may stand before the first.  Option transaction:false of any
 * up block holds for the revision.
 *
 * Files are ordered by their names, so that 10_ comes before 9_; the version
 * is the digits as they are written.
 *
 * Rules: dbmate's pkg/dbmate/migration.go and db.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"
#include "cli/reader/part.h"
#include "common/checksum.h"

typedef enum Block
{
	BLOCK_NONE,
	BLOCK_UP,
	BLOCK_DOWN
} Block;

/* Which block does the line begin?  *options is what follows. */
static Block
block_of(VifloSpan line, VifloSpan *options)
{
	Block		block = BLOCK_NONE;

	if (!viflo_line_begins(line, false, "--"))
		return BLOCK_NONE;
	line.start += 2;
	line = viflo_span_trim(line);
	if (viflo_line_begins(line, false, "migrate:up"))
	{
		line.start += strlen("migrate:up");
		block = BLOCK_UP;
	}
	else if (viflo_line_begins(line, false, "migrate:down"))
	{
		line.start += strlen("migrate:down");
		block = BLOCK_DOWN;
	}
	if (line.start < line.end && !viflo_is_blank(*line.start))
		return BLOCK_NONE;
	*options = line;
	return block;
}

static bool
is_marker(VifloSpan line)
{
	VifloSpan	options;

	return block_of(line, &options) != BLOCK_NONE;
}

/* Do the options, separated by blanks, have transaction:false? */
static bool
says_no_transaction(VifloSpan options)
{
	static const char option[] = "transaction:false";

	for (const char *p = options.start; p < options.end;)
	{
		const char *word = p;

		while (p < options.end && !viflo_is_blank(*p))
			p++;
		if (p - word == strlen(option) && memcmp(word, option, p - word) == 0)
			return true;
		while (p < options.end && viflo_is_blank(*p))
			p++;
	}
	return false;
}

static bool
dbmate_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 && viflo_numbered_split(file, 0, VIFLO_NUMBERED_SQL, part);
}

/* Sure of a file with a marker. */
static VifloClaim
dbmate_claims(const VifloFolder *folder, const VifloFile *file)
{
	const char *end = file->text + file->length;
	VifloNumbered part;

	if (file->dir_length > 0 || !viflo_has_suffix(file->name, ".sql"))
		return VIFLO_CLAIM_NONE;
	/* On to the next line each time: one may have the word without end. */
	for (const char *p = file->text; (p = strstr(p, "migrate:")) != NULL;)
	{
		VifloSpan	line = {p, memchr(p, '\n', end - p)};

		if (line.end == NULL)
			line.end = end;
		p = line.end;
		while (line.start > file->text && line.start[-1] != '\n')
			line.start--;
		if (line.start == file->text && viflo_line_begins(line, false, "\xef\xbb\xbf"))
			line.start += 3;
		if (is_marker(line))
			return VIFLO_CLAIM_SURE;
	}
	return dbmate_take(file, &part) ? VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

static const char *
dbmate_refuse(const VifloFile *file)
{
	return dbmate_claims(NULL, file) == VIFLO_CLAIM_SURE ?
		"name of a dbmate migration does not begin with a number" : NULL;
}

/* Can this block follow the one that is open?  Why not, or NULL. */
static const char *
wrong_order(Block open, Block block)
{
	if (block == BLOCK_UP && open == BLOCK_UP)
		return "\"-- migrate:up\" without a \"-- migrate:down\" before the next";
	if (block == BLOCK_DOWN && open == BLOCK_NONE)
		return "\"-- migrate:down\" before \"-- migrate:up\"";
	if (block == BLOCK_DOWN && open == BLOCK_DOWN)
		return "second \"-- migrate:down\" after one \"-- migrate:up\"";
	return NULL;
}

/* Sorts the lines of file into up and down; *line is where it fails. */
static const char *
read_blocks(const VifloFile *file, VifloRevision *revision, VifloPart *up,
			VifloPart *down, int *number)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	Block		open = BLOCK_NONE;
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		VifloSpan	options;
		Block		block = block_of(line, &options);
		const char *wrong = block != BLOCK_NONE ? wrong_order(open, block) : NULL;

		*number = lines.number;
		if (wrong != NULL)
			return wrong;
		if (block != BLOCK_NONE)
		{
			open = block;
			viflo_part_begin(block == BLOCK_UP ? up : down, lines.number + 1);
			if (block == BLOCK_UP && says_no_transaction(options))
				revision->transaction = VIFLO_TRANSACTION_OFF;
		}
		else if (open != BLOCK_NONE)
			viflo_part_add(open == BLOCK_UP ? up : down, lines.number, line);
		else if (!viflo_line_is_comment(line) && !viflo_span_is_empty(viflo_span_trim(line)))
			return "text before \"-- migrate:up\"";
	}
	*number = 0;
	if (open == BLOCK_NONE)
		return "no \"-- migrate:up\"";
	return open == BLOCK_UP ? "\"-- migrate:up\" without a \"-- migrate:down\"" : NULL;
}

static bool
dbmate_add(const VifloFolder *folder, VifloHistory *history,
		   const VifloNumbered *up, const VifloNumbered *down,
		   VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, false);
	VifloPart	parts[2] = {0};
	const char *wrong;
	int			line;

	if (!viflo_folder_check_text(folder, up->file, failure))
		return false;
	wrong = read_blocks(up->file, revision, &parts[0], &parts[1], &line);
	if (wrong != NULL)
		return viflo_failure_file(failure, viflo_folder_path(folder, up->file->name), line,
								  NULL, "%s", wrong);
	return viflo_part_section(folder, up->file, history, &parts[0], &revision->up, failure) &&
		viflo_part_section(folder, up->file, history, &parts[1], &revision->down_section, failure);
}

static const VifloNumberedRules dbmate_rules = {
	.take = dbmate_take,
	.refuse = dbmate_refuse,
	.by_name = true,
	.add = dbmate_add,
};

static bool
dbmate_read(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &dbmate_rules, failure);
}

/* Named by the time, as "dbmate new" does.  It always wants a down block. */
static bool
dbmate_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const char *option = wanted->no_transaction ? " transaction:false" : "";

	if (!viflo_part_check_new(wanted->up, is_marker, "dbmate", failure) ||
		!viflo_part_check_new(wanted->down, is_marker, "dbmate", failure))
		return false;
	*id = viflo_numbered_stem(viflo_numbered_time(history, &dbmate_rules, wanted->time), wanted);
	if (!viflo_numbered_follows(history, *id, failure))
		return false;
	viflo_numbered_empty_down(wanted, *id, "dbmate");
	appendStringInfo(viflo_new_file(files, psprintf("%s.sql", *id)),
					 "-- migrate:up%s\n%s\n\n-- migrate:down%s\n%s\n",
					 option, wanted->up ? wanted->up : "",
					 option, wanted->down ? wanted->down : "");
	return true;
}

const VifloReader viflo_reader_dbmate = {
	.name = "dbmate",
	.claims = dbmate_claims,
	.read = dbmate_read,
	.linear = true,
	.create = dbmate_create,
	.keeps_no_transaction = true,
};
