/*-------------------------------------------------------------------------
 * backfill.c
 *	  The header of a script's backfill section.
 *
 * The header is the blank lines and "--" comments at the section's start;
 * what follows is the statement.  A comment that looks like a header line but
 * has an unknown key is an error: a misspelt "batch" would change what runs.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/backfill.h"
#include "common/checksum.h"
#include "common/lines.h"
#include "common/sqlstate.h"

#define DEFAULT_BATCH	5000
#define DEFAULT_MAX_LAG 10000

typedef enum BackfillKey
{
	KEY_TABLE,
	KEY_KEY,
	KEY_BATCH,
	KEY_PAUSE,
	KEY_MAX_LAG,
	KEY_NONE
} BackfillKey;

static const char *const backfill_keys[KEY_NONE] = {
	"table", "key", "batch", "pause", "max lag"
};

/* A unit of time, spelled as in the server's settings; case counts. */
typedef struct Unit
{
	const char *name;
	int			milliseconds;
} Unit;

static const Unit units[] = {
	{"ms", 1},
	{"s", 1000},
	{"min", 60 * 1000},
	{"h", 60 * 60 * 1000}
};

/*
 * Is this one word, or two, made of what keys are made of?  Not so "see https"
 * before an address, as no blank follows its colon.
 */
static bool
looks_like_key(VifloSpan key, VifloSpan value)
{
	int			blanks = 0;

	if (viflo_span_is_empty(key))
		return false;
	for (const char *p = key.start; p < key.end; p++)
	{
		bool		letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

		if (viflo_is_blank(*p))
			blanks++;
		else if (!letter && *p != '_' && *p != '-')
			return false;
	}
	return blanks <= 1 &&
		(viflo_span_is_empty(value) || viflo_is_blank(value.start[-1]));
}

/* Digits at the start of *value, which then is what follows them; -1: too many, or none. */
static int64
read_digits(VifloSpan *value)
{
	const char *start = value->start;
	int64		number = 0;

	while (value->start < value->end && *value->start >= '0' && *value->start <= '9')
	{
		number = number * 10 + (*value->start++ - '0');
		if (number > PG_INT32_MAX)
			return -1;
	}
	return value->start == start ? -1 : number;
}

static bool
read_batch(VifloSpan value, int line, int *result, VifloError *error)
{
	VifloSpan	rest = value;
	int64		number = read_digits(&rest);

	if (number < 1 || !viflo_span_is_empty(rest))
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
							  "header \"%s\" must be a number of rows from 1 to %d, not \"%s\"",
							  backfill_keys[KEY_BATCH], PG_INT32_MAX,
							  viflo_span_copy(value));
	*result = (int) number;
	return true;
}

static bool
read_duration(VifloSpan value, BackfillKey key, int line, int *result,
			  VifloError *error)
{
	VifloSpan	unit = value;
	int64		number = read_digits(&unit);

	unit = viflo_span_trim(unit);
	if (number >= 0 && !viflo_span_is_empty(unit))
	{
		size_t		length = unit.end - unit.start;
		int			i = 0;

		while (i < lengthof(units) &&
			   (strlen(units[i].name) != length ||
				memcmp(units[i].name, unit.start, length) != 0))
			i++;
		number = i < lengthof(units) ? number * units[i].milliseconds : -1;
	}
	if (number < 0 || number > PG_INT32_MAX)
	{
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
					   "header \"%s\" must be a duration of at most %d ms, not \"%s\"",
					   backfill_keys[key], PG_INT32_MAX, viflo_span_copy(value));
		viflo_error_hint(error, "It is a whole number, of milliseconds or with one of the units \"ms\", \"s\", \"min\" and \"h\".");
		return false;
	}
	*result = (int) number;
	return true;
}

static bool
read_text(VifloSpan value, BackfillKey key, int line, char **result,
		  VifloError *error)
{
	if (viflo_span_is_empty(value))
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
							  "header \"%s\" is empty", backfill_keys[key]);
	*result = viflo_span_copy(value);
	return true;
}

static bool
read_value(BackfillKey key, VifloSpan value, int line, VifloBackfill *backfill,
		   VifloError *error)
{
	switch (key)
	{
		case KEY_TABLE:
			return read_text(value, key, line, &backfill->table, error);
		case KEY_KEY:
			return read_text(value, key, line, &backfill->key, error);
		case KEY_BATCH:
			return read_batch(value, line, &backfill->batch, error);
		case KEY_PAUSE:
			return read_duration(value, key, line, &backfill->pause, error);
		case KEY_MAX_LAG:
			return read_duration(value, key, line, &backfill->max_lag, error);
		case KEY_NONE:
			break;
	}
	return true;
}

/* Takes one comment of the header; *seen has a bit for each key. */
static bool
read_comment(VifloSpan line, int number, unsigned int *seen,
			 VifloBackfill *backfill, VifloError *error)
{
	VifloSpan	word;
	VifloSpan	value;
	BackfillKey key;

	if (!viflo_line_key(line, &word, &value))
		return true;
	key = viflo_key_find(word, backfill_keys, KEY_NONE);
	if (key == KEY_NONE)
	{
		if (!looks_like_key(word, value))
			return true;
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, number,
					   "unknown header \"%s\" of a backfill",
					   viflo_span_copy(word));
		viflo_error_hint(error, "A backfill has \"table\", \"key\", \"batch\", \"pause\" and \"max lag\"; put a comment of this form after the statement's first line.");
		return false;
	}
	if (*seen & (1U << key))
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, number,
							  "header \"%s\" is given twice",
							  backfill_keys[key]);
	*seen |= 1U << key;
	return read_value(key, value, number, backfill, error);
}

static bool
missing(const char *what, int line, VifloError *error)
{
	viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
				   "backfill section has no %s", what);
	viflo_error_hint(error, "It begins with lines \"-- table: NAME\" and \"-- key: COLUMN\", and goes on with one statement.");
	return false;
}

bool
viflo_backfill_read(const VifloSection *section, VifloBackfill *backfill,
					VifloError *error)
{
	VifloLines	lines = viflo_lines_begin(section->text, section->length);
	VifloSpan	statement = {lines.end, lines.end};
	VifloSpan	line;
	unsigned int seen = 0;

	memset(backfill, 0, sizeof(*backfill));
	backfill->batch = DEFAULT_BATCH;
	backfill->max_lag = DEFAULT_MAX_LAG;

	while (viflo_lines_next(&lines, &line))
	{
		if (viflo_line_is_comment(line))
		{
			if (!read_comment(line, lines.number, &seen, backfill, error))
				return false;
		}
		else if (!viflo_span_is_empty(viflo_span_trim(line)))
		{
			statement.start = line.start;
			break;
		}
	}
	while (statement.end > statement.start &&
		   (viflo_is_blank(statement.end[-1]) || statement.end[-1] == '\n'))
		statement.end--;

	backfill->line = Max(lines.number, 1);
	backfill->statement = statement.start;
	backfill->length = statement.end - statement.start;
	if (backfill->table == NULL)
		return missing("table", backfill->line, error);
	if (backfill->key == NULL)
		return missing("key", backfill->line, error);
	if (backfill->length == 0)
		return missing("statement", backfill->line, error);
	return true;
}
