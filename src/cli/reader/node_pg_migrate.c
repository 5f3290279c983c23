/*-------------------------------------------------------------------------
 * node_pg_migrate.c
 *	  node-pg-migrate: NUMBER*.sql with up and down in one file, or
 *	  NUMBER*.up.sql and NUMBER*.down.sql.
 *
 * Numbers order the files: 17 digits are a UTC time and count as its
 * milliseconds since 1970, which is what 13 digits are; equal numbers are
 * ordered by the rest, as localeCompare() has it: without punctuation, runs
 * of digits by their value, small letters before capital ones (what is not
 * ASCII comes last, by its bytes).  The version is the whole name.
 *
 * In one file, "-- Up Migration" and "-- Down Migration", in any case, begin
 * the parts, and only the first of each does.  Without them all is up.  Text
 * before them is not run by the tool; here that is said.  A file that has only
 * a down, all of which the tool would run as up, is an error, and so are
 * migrations in JavaScript or TypeScript.
 *
 * Rules: node-pg-migrate's src/sqlMigration.ts, migrationLoader.ts, migration.ts
 * and utils/comparators.ts.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/reader/numbered.h"
#include "cli/reader/part.h"
#include "common/checksum.h"

#define UTC_DIGITS		17		/* YYYYMMDDhhmmss and milliseconds */
#define EPOCH_DIGITS	13		/* milliseconds since 1970 */

static const char *const script_suffixes[] = {
	".js", ".ts", ".cjs", ".mjs", ".cts", ".mts"
};

/* Lines that begin a part, by number; 0: none. */
typedef struct Markers
{
	int			up;
	int			down;
} Markers;

/* Is the file, whose name begins with a number, one that node would run? */
static bool
is_script(const char *name, int dir_length)
{
	bool		script = false;

	if (dir_length > 0 || !isdigit((unsigned char) name[0]))
		return false;
	for (int i = 0; i < lengthof(script_suffixes) && !script; i++)
		script = viflo_has_suffix(name, script_suffixes[i]);
	return script && !viflo_has_suffix(name, ".d.ts");
}

static bool
node_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 && viflo_numbered_split(file, 0, VIFLO_NUMBERED_ANY, part);
}

/* Skips word, in any case. */
static bool
skip_word(VifloSpan *line, const char *word)
{
	size_t		length = strlen(word);

	if (line->end - line->start < length || pg_strncasecmp(line->start, word, length) != 0)
		return false;
	line->start += length;
	return true;
}

/* Does the line begin the part of this name?  *rest is what follows. */
static bool
begins_part(VifloSpan line, const char *part, VifloSpan *rest)
{
	if (!viflo_line_is_comment(line))
		return false;
	line = viflo_span_trim(line);
	while (line.start < line.end && (*line.start == '-' || viflo_is_blank(*line.start)))
		line.start++;
	if (!skip_word(&line, part) || line.start == line.end || !viflo_is_blank(*line.start))
		return false;
	line = viflo_span_trim(line);
	*rest = line;
	return skip_word(rest, "migration");
}

static bool
is_marker(VifloSpan line)
{
	VifloSpan	rest;

	return begins_part(line, "up", &rest) || begins_part(line, "down", &rest);
}

/*
 * Sure of a marker with nothing behind it, as the tool writes them: more may
 * be anybody's comment.  By name: what counts milliseconds, and scripts.
 */
static VifloClaim
node_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloNumbered part;
	VifloLines	lines;
	VifloSpan	line;
	VifloSpan	rest;

	if (is_script(file->name, file->dir_length))
		return VIFLO_CLAIM_NAME;
	if (!node_take(file, &part))
		return VIFLO_CLAIM_NONE;
	if (part.length + strlen(".sql") != strlen(part.name))
		return VIFLO_CLAIM_WEAK;
	lines = viflo_lines_begin(file->text, file->length);
	while (viflo_lines_next(&lines, &line))
	{
		if ((begins_part(line, "up", &rest) || begins_part(line, "down", &rest)) &&
			viflo_span_is_empty(rest))
			return VIFLO_CLAIM_SURE;
	}
	return part.digits == UTC_DIGITS || part.digits == EPOCH_DIGITS ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_WEAK;
}

static const char *
node_refuse(const VifloFile *file)
{
	if (is_script(file->name, file->dir_length))
		return "a migration in JavaScript or TypeScript cannot be run";
	return file->dir_length == 0 && viflo_has_suffix(file->name, ".sql") ?
		"name of a node-pg-migrate migration does not begin with a number" : NULL;
}

/* So many digits as a number. */
static int
digits_at(const char *text, int count)
{
	char	   *digits = pnstrdup(text, count);
	int			result = atoi(digits);

	pfree(digits);
	return result;
}

/* Milliseconds since 1970 of 17 digits; -1: they are no time. */
static int64
utc_value(const char *digits)
{
	struct tm	tm = {0};

	tm.tm_year = digits_at(digits, 4) - 1900;
	tm.tm_mon = digits_at(digits + 4, 2) - 1;
	tm.tm_mday = digits_at(digits + 6, 2);
	tm.tm_hour = digits_at(digits + 8, 2);
	tm.tm_min = digits_at(digits + 10, 2);
	tm.tm_sec = digits_at(digits + 12, 2);
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return -1;
	return (int64) timegm(&tm) * 1000 + digits_at(digits + 14, 3);
}

static int64
value_of(const VifloNumbered *part)
{
	if (part->digits == UTC_DIGITS)
		return utc_value(part->name);
	return Min(part->number, (uint64) PG_INT64_MAX);
}

/* The next character that counts, or the end: punctuation does not. */
static const char *
skip_punctuation(const char *p, const char *end)
{
	while (p < end && (viflo_is_blank(*p) || strchr("_-,;:!?.'\"()[]{}@*/\\&#%", *p) != NULL))
		p++;
	return p;
}

/* The end of the digits at p; *start is past their leading zeros. */
static const char *
digits_end(const char *p, const char *end, const char **start)
{
	while (p < end && *p == '0')
		p++;
	*start = p;
	while (p < end && isdigit((unsigned char) *p))
		p++;
	return p;
}

/*
 * Characters of names, letters without their case: what is neither letter nor
 * digit comes first, in Unicode's order.
 */
static int
compare_characters(char left, char right)
{
	static const char symbols[] = "`^+<=>|~$";
	const char *l_symbol = strchr(symbols, left);
	const char *r_symbol = strchr(symbols, right);
	unsigned char l = pg_ascii_tolower((unsigned char) left);
	unsigned char r = pg_ascii_tolower((unsigned char) right);

	if (l_symbol != NULL && r_symbol != NULL)
		return l_symbol < r_symbol ? -1 : l_symbol > r_symbol;
	if (l_symbol != NULL || r_symbol != NULL)
		return l_symbol != NULL ? -1 : 1;
	return l < r ? -1 : l > r;
}

/* Names by their digits and letters; bytes that are not ASCII by their value. */
static int
compare_names(VifloSpan left, VifloSpan right)
{
	int			by_case = 0;

	for (;;)
	{
		int			result;

		left.start = skip_punctuation(left.start, left.end);
		right.start = skip_punctuation(right.start, right.end);
		if (left.start == left.end || right.start == right.end)
			break;
		if (isdigit((unsigned char) *left.start) && isdigit((unsigned char) *right.start))
		{
			const char *l;
			const char *r;
			int			length;

			left.start = digits_end(left.start, left.end, &l);
			right.start = digits_end(right.start, right.end, &r);
			length = left.start - l;
			result = length != right.start - r ? (length < right.start - r ? -1 : 1) :
				memcmp(l, r, length);
		}
		else
		{
			result = compare_characters(*left.start, *right.start);
			if (by_case == 0 && *left.start != *right.start)
				by_case = *left.start > *right.start ? -1 : 1;
			left.start++;
			right.start++;
		}
		if (result != 0)
			return result;
	}
	if (left.start != left.end || right.start != right.end)
		return left.start == left.end ? -1 : 1;
	return by_case;
}

/* By the names with .sql, as the tool has it, whatever direction they are of. */
static int
compare_rest(const VifloNumbered *left, const VifloNumbered *right)
{
	char	   *l = psprintf("%.*s.sql", left->length, left->name);
	char	   *r = psprintf("%.*s.sql", right->length, right->name);
	VifloSpan	left_name = {l, l + strlen(l)};
	VifloSpan	right_name = {r, r + strlen(r)};
	int			result = compare_names(left_name, right_name);

	if (result == 0)
		result = strcmp(l, r);
	pfree(l);
	pfree(r);
	return result;
}

static int
node_compare(const VifloNumbered *left, const VifloNumbered *right)
{
	int64		l = value_of(left);
	int64		r = value_of(right);

	if (l != r)
		return l < r ? -1 : 1;
	return compare_rest(left, right);
}

static Markers
find_markers(const VifloFile *file)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	Markers		markers = {0};
	VifloSpan	line;
	VifloSpan	rest;

	while (viflo_lines_next(&lines, &line))
	{
		if (markers.up == 0 && begins_part(line, "up", &rest))
			markers.up = lines.number;
		else if (markers.down == 0 && begins_part(line, "down", &rest))
			markers.down = lines.number;
	}
	return markers;
}

/* Sorts the lines of a file with markers into up and down. */
static void
read_parts(const VifloFolder *folder, VifloHistory *history, const VifloFile *file,
		   const Markers *markers, VifloPart *up, VifloPart *down)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	VifloPart  *part = NULL;
	bool		warned = false;
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		if (lines.number == markers->up || lines.number == markers->down)
		{
			part = lines.number == markers->up ? up : down;
			viflo_part_begin(part, lines.number + 1);
		}
		else if (part != NULL)
			viflo_part_add(part, lines.number, line);
		else if (!warned && !viflo_line_is_comment(line) &&
				 !viflo_span_is_empty(viflo_span_trim(line)))
		{
			viflo_reader_warn(history, folder, file->name,
							  psprintf("line %d is not run, as it stands before the first part",
									   lines.number));
			warned = true;
		}
	}
}

/* A file of both directions. */
static bool
add_single(const VifloFolder *folder, VifloHistory *history, const VifloFile *file,
		   VifloRevision *revision, VifloFailure *failure)
{
	Markers		markers;
	VifloPart	up = {0};
	VifloPart	down = {0};

	if (!viflo_folder_check_text(folder, file, failure))
		return false;
	markers = find_markers(file);
	if (markers.up == 0 && markers.down == 0)
		return viflo_reader_section(folder, file, history, &revision->up, failure);
	if (markers.up == 0)
	{
		viflo_failure_file(failure, viflo_folder_path(folder, file->name), markers.down, NULL,
						   "\"-- Down Migration\" without \"-- Up Migration\"");
		viflo_failure_hint(failure, "node-pg-migrate would run all of the file as up.");
		return false;
	}
	read_parts(folder, history, file, &markers, &up, &down);
	return viflo_part_section(folder, file, history, &up, &revision->up, failure) &&
		viflo_part_section(folder, file, history, &down, &revision->down_section, failure);
}

static bool
node_add(const VifloFolder *folder, VifloHistory *history,
		 const VifloNumbered *up, const VifloNumbered *down,
		 VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, false);

	viflo_reader_last(history)->version = revision->id;
	if (value_of(up) < 0)
		return viflo_failure_file(failure, viflo_folder_path(folder, up->file->name), 0, NULL,
								  "a number of 17 digits must be a time");
	if (!viflo_has_suffix(up->name, ".up.sql"))
	{
		if (down != NULL)
			return viflo_failure_file(failure, viflo_folder_path(folder, down->file->name), 0,
									  NULL, "beside \"%s\", which has up and down", up->name);
		return add_single(folder, history, up->file, revision, failure);
	}
	return viflo_reader_section(folder, up->file, history, &revision->up, failure) &&
		(down == NULL ||
		 viflo_reader_section(folder, down->file, history, &revision->down_section, failure));
}

static const VifloNumberedRules node_rules = {
	.take = node_take,
	.refuse = node_refuse,
	.compare = node_compare,
	.add = node_add,
};

static bool
node_read(const VifloFolder *folder, VifloHistory *history,
		  VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &node_rules, failure);
}

static bool
node_wants(const char *name, int dir_length)
{
	return is_script(name, dir_length);
}

/* Milliseconds since 1970 or, as the last one has it, a UTC time or a number. */
static char *
next_number(const VifloHistory *history, time_t now)
{
	VifloNumbered last;
	bool		there = viflo_numbered_last(history, &node_rules, &last);
	int64		value;
	time_t		seconds;
	char		stamp[32];

	if (there && last.digits != UTC_DIGITS && last.digits != EPOCH_DIGITS)
		return viflo_numbered_next(history, &node_rules, now, NULL);
	value = now * INT64CONST(1000);
	if (there)
		value = Max(value, value_of(&last) + 1);
	if (!there || last.digits != UTC_DIGITS)
		return psprintf(INT64_FORMAT, value);
	seconds = value / 1000;
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", gmtime(&seconds));
	return psprintf("%s%03d", stamp, (int) (value % 1000));
}

static bool
node_create(const VifloHistory *history, const VifloNewRevision *wanted,
			char **id, VifloNewFiles *files, VifloFailure *failure)
{
	StringInfo	file;

	if (!viflo_part_check_new(wanted->up, is_marker, "node-pg-migrate", failure) ||
		!viflo_part_check_new(wanted->down, is_marker, "node-pg-migrate", failure))
		return false;
	*id = viflo_numbered_stem(next_number(history, wanted->time), wanted);
	file = viflo_new_file(files, psprintf("%s.sql", *id));
	appendStringInfo(file, "-- Up Migration\n%s\n", wanted->up ? wanted->up : "");
	if (wanted->down != NULL || wanted->up == NULL)
		appendStringInfo(file, "-- Down Migration\n%s\n", wanted->down ? wanted->down : "");
	return true;
}

const VifloReader viflo_reader_node_pg_migrate = {
	.name = "node-pg-migrate",
	.wants = node_wants,
	.claims = node_claims,
	.read = node_read,
	.linear = true,
	.create = node_create,
};
