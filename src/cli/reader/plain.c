/*-------------------------------------------------------------------------
 * plain.c
 *	  Numbered files of no tool in particular: NUMBER*.sql.
 *
 * What a folder is read as that looks like nothing else; layout "numbered".
 * The numbers at the beginning of the name, separated by one of "-_.", order
 * the files by their value: 9_ comes before 100_, 1.9_ before 1.10_, and dates
 * like 2024-01-31_ are in order.  Files of one number are ordered by name, and
 * said to be so.  NAME.down.sql takes back NAME.up.sql or NAME.sql; a
 * down by another name, which nothing but its name tells from a migration, is
 * an error.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"

/* Ends of names that mean a way back, and what they may stand beside. */
static const char *const down_words[] = {
	"down", "rollback", "revert", "undo"
};
static const char *const up_ends[] = {
	".sql", ".up.sql", "_up.sql", "-up.sql"
};

static bool
plain_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 && viflo_numbered_split(file, 0, VIFLO_NUMBERED_ANY, part);
}

static VifloClaim
plain_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloNumbered part;

	return plain_take(file, &part) ? VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

/*
 * Moves *p, which is at the digits of a name or at the beginning of what
 * follows them, to the next of its numbers.  False: that was the last.
 */
static bool
next_number(const char **p)
{
	const char *next = *p + strspn(*p, "0123456789");
	size_t		digits;

	if (*next == '\0' || strchr("-_.", *next) == NULL)
		return false;
	next++;
	digits = strspn(next, "0123456789");
	if (digits == 0 || isalpha((unsigned char) next[digits]) || IS_HIGHBIT_SET(next[digits]))
		return false;
	*p = next;
	return true;
}

/* Digits of any length by their value. */
static int
compare_digits(const char *left, const char *right)
{
	size_t		left_length;
	size_t		right_length;

	left += strspn(left, "0");
	right += strspn(right, "0");
	left_length = strspn(left, "0123456789");
	right_length = strspn(right, "0123456789");
	if (left_length != right_length)
		return left_length < right_length ? -1 : 1;
	return memcmp(left, right, left_length);
}

/* By all numbers that the names begin with. */
static int
compare_numbers(const char *left, const char *right)
{
	int			result;
	bool		more_left;
	bool		more_right;

	do
	{
		result = compare_digits(left, right);
		more_left = next_number(&left);
		more_right = next_number(&right);
	} while (result == 0 && more_left && more_right);
	return result != 0 ? result : (int) more_left - (int) more_right;
}

/* Equal: the very same name, but for its suffix. */
static int
plain_compare(const VifloNumbered *left, const VifloNumbered *right)
{
	int			result = compare_numbers(left->name, right->name);

	if (result == 0)
		result = memcmp(left->name, right->name, Min(left->length, right->length));
	return result != 0 ? result : left->length - right->length;
}

/* The file that up looks like the down of, or NULL. */
static const VifloFile *
up_of(const VifloFolder *folder, const VifloNumbered *up)
{
	const VifloFile *other = NULL;

	for (int w = 0; w < lengthof(down_words); w++)
	{
		int			stem = up->length - (int) strlen(down_words[w]) - 1;

		if (stem < up->digits || strchr("-_.", up->name[stem]) == NULL ||
			strncmp(up->name + stem + 1, down_words[w], strlen(down_words[w])) != 0)
			continue;
		for (int e = 0; e < lengthof(up_ends) && other == NULL; e++)
			other = viflo_folder_find(folder, psprintf("%.*s%s", stem, up->name, up_ends[e]));
	}
	return other;
}

static bool
plain_add(const VifloFolder *folder, VifloHistory *history,
		  const VifloNumbered *up, const VifloNumbered *down,
		  VifloFailure *failure)
{
	const VifloFile *other = up_of(folder, up);
	VifloRevision *revision;

	if (other != NULL)
	{
		viflo_failure_file(failure, viflo_folder_path(folder, up->file->name), 0, NULL,
						   "cannot tell a migration from the way back of \"%s\"", other->name);
		viflo_failure_hint(failure, "A file that takes back NAME.sql or NAME.up.sql is called NAME.down.sql.");
		return false;
	}
	if (history->count > 0 &&
		compare_numbers(viflo_reader_last(history)->source, up->name) == 0)
		viflo_reader_warn(history, folder, up->name,
						  psprintf("has the number of \"%s\" and comes after it, by name",
								   viflo_reader_last(history)->source));
	revision = viflo_numbered_add(history, up, false);
	return viflo_reader_section(folder, up->file, history, &revision->up, failure) &&
		(down == NULL ||
		 viflo_reader_section(folder, down->file, history, &revision->down_section, failure));
}

static const VifloNumberedRules plain_rules = {
	.take = plain_take,
	.compare = plain_compare,
	.ignored = "ignored, as its name does not begin with a number",
	.any_ignored = true,
	.add = plain_add,
};

static bool
plain_read(const VifloFolder *folder, VifloHistory *history,
		   VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &plain_rules, failure);
}

/* NUMBER_name.sql, and a .down.sql where there is one to write. */
static bool
plain_create(const VifloHistory *history, const VifloNewRevision *wanted,
			 char **id, VifloNewFiles *files, VifloFailure *failure)
{
	VifloNumbered last;
	const char *number;
	const char *named;

	if (viflo_numbered_last(history, &plain_rules, &last) &&
		(number = last.name, next_number(&number)))
		return viflo_failure(failure, VIFLO_EXIT_REFUSED,
							 "cannot tell what number comes after \"%s\"", last.name);
	number = viflo_numbered_next(history, &plain_rules, wanted->time, "0001");
	*id = viflo_numbered_stem(number, wanted);
	/* A name that begins with a number would be a second part of the first. */
	named = *id;
	if (next_number(&named))
		*id = psprintf("%s_revision%s", number, *id + strlen(number));
	appendStringInfoString(viflo_new_file(files, psprintf("%s.sql", *id)),
						   wanted->up ? wanted->up : "");
	if (wanted->down != NULL)
		appendStringInfoString(viflo_new_file(files, psprintf("%s.down.sql", *id)),
							   wanted->down);
	return true;
}

const VifloReader viflo_reader_numbered = {
	.name = "numbered",
	.claims = plain_claims,
	.read = plain_read,
	.linear = true,
	.create = plain_create,
};
