/*-------------------------------------------------------------------------
 * script.c
 *	  Reading migration texts in the native format.
 *
 * A text is read in one pass, line by line: first the header, a list of
 * comment lines; then sections, of which only the ends are noted.  Nothing
 * is copied but the header's values, and no line costs an allocation, so a
 * text full of COPY data is read at the speed of memchr.  Texts are delimited
 * by their length; nothing here needs a terminating NUL.
 *
 * Lines are the only syntax: that a marker stands inside a string or a dollar
 * quote makes no difference, to the server or to the program.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/int.h"
#include "common/lines.h"
#include "common/script.h"
#include "common/script_words.h"
#include "common/sqlstate.h"

#define ORIGIN_MARK		"-- viflo at "

/* Does span begin with word?  Then *rest is what follows. */
static bool
skip_word(VifloSpan span, const char *word, VifloSpan *rest)
{
	size_t		length = strlen(word);

	if (span.end - span.start < length ||
		memcmp(span.start, word, length) != 0)
		return false;
	rest->start = span.start + length;
	rest->end = span.end;
	return true;
}

/*
 * Which section does this line begin?  *rest is what stands after the word.
 */
static SectionKind
section_marker(VifloSpan line, VifloSpan *rest)
{
	VifloSpan	word;

	if (!skip_word(line, "-- viflo ", &word))
		return SECTION_NONE;
	for (SectionKind kind = 0; kind < SECTION_NONE; kind++)
	{
		if (skip_word(word, viflo_section_words[kind], rest) &&
			(viflo_span_is_empty(*rest) || viflo_is_blank(*rest->start)))
			return kind;
	}
	return SECTION_NONE;
}

/* Which header is this comment line?  *value is what it says, trimmed. */
static HeaderKey
header_line(VifloSpan line, VifloSpan *value)
{
	VifloSpan	key;

	if (!viflo_line_key(line, &key, value))
		return KEY_NONE;
	return viflo_key_find(key, viflo_header_keys, KEY_NONE);
}

/* A name out of the header, checked; NULL when it is none. */
static char *
read_name(VifloSpan span, const char *what, int line, VifloError *error)
{
	char	   *name = viflo_span_copy(span);

	if (viflo_name_check(name, what, error))
		return name;
	if (error != NULL)
		error->line = line;
	return NULL;
}

/* Some name that is in the list twice, or NULL.  By sorting: lists can be long. */
static const char *
duplicate_name(const VifloNames *names)
{
	VifloNames	sorted = {.count = names->count};
	const char *duplicate = NULL;

	if (names->count < 2)
		return NULL;
	sorted.names = palloc(names->count * sizeof(char *));
	memcpy(sorted.names, names->names, names->count * sizeof(char *));
	viflo_names_sort(&sorted);
	for (int i = 1; i < names->count && duplicate == NULL; i++)
	{
		if (strcmp(sorted.names[i - 1], sorted.names[i]) == 0)
			duplicate = sorted.names[i];
	}
	pfree(sorted.names);
	return duplicate;
}

/* A comma list; an empty value is an empty list. */
static bool
read_names(VifloSpan value, HeaderKey key, int line, VifloNames *names,
		   VifloError *error)
{
	const char *what = key == KEY_LABELS ? "branch label" : "revision";
	const char *duplicate;
	const char *comma;

	if (viflo_span_is_empty(value))
		return true;
	do
	{
		VifloSpan	item = value;
		char	   *name;

		comma = memchr(value.start, ',', value.end - value.start);
		if (comma != NULL)
		{
			item.end = comma;
			value.start = comma + 1;
		}
		item = viflo_span_trim(item);
		if (viflo_span_is_empty(item))
			return viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
								  "header \"%s\" has an empty item",
								  viflo_header_keys[key]);
		name = read_name(item, what, line, error);
		if (name == NULL)
			return false;
		viflo_names_add(names, name);
	} while (comma != NULL);

	duplicate = duplicate_name(names);
	if (duplicate != NULL)
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
							  "header \"%s\" names \"%s\" twice",
							  viflo_header_keys[key], duplicate);
	return true;
}

static bool
read_transaction(VifloSpan value, int line, VifloTransaction *transaction,
				 VifloError *error)
{
	static const char *const words[] = {"on", "off"};

	switch (viflo_key_find(value, words, lengthof(words)))
	{
		case 0:
			*transaction = VIFLO_TRANSACTION_ON;
			return true;
		case 1:
			*transaction = VIFLO_TRANSACTION_OFF;
			return true;
		default:
			viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
						   "header \"transaction\" must be \"on\" or \"off\", not \"%s\"",
						   viflo_span_copy(value));
			viflo_error_hint(error, "Leave it out to have it found out from the statements.");
			return false;
	}
}

static bool
read_repeatable(VifloSpan value, int line, VifloRepeatable *repeatable,
				VifloError *error)
{
	if (viflo_repeatable_read(value, repeatable))
		return true;
	viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
				   "header \"repeatable\" must be \"yes\", \"with others\", \"always\", \"first\" or \"no\", not \"%s\"",
				   viflo_span_copy(value));
	viflo_error_hint(error, "Leave it out for a revision that runs once.");
	return false;
}

/* A repeatable revision stands outside of the line that the others form. */
static bool
check_line(const VifloRevision *revision, int line, VifloError *error)
{
	if (!revision->repeatable ||
		(revision->down.count == 0 && revision->labels.count == 0))
		return true;
	viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
				   "repeatable revision \"%s\" cannot have %s", revision->id,
				   revision->labels.count > 0 ? "labels" : "down revisions");
	viflo_error_hint(error, "It has no place in their line; \"depends on\" orders it among the repeatable ones.");
	return false;
}

/* Takes one header line into *revision. */
static bool
read_header(HeaderKey key, VifloSpan value, int line, VifloRevision *revision,
			VifloError *error)
{
	switch (key)
	{
		case KEY_REVISION:
			revision->id = read_name(value, "revision", line, error);
			return revision->id != NULL;
		case KEY_REVISES:
			return read_names(value, key, line, &revision->down, error);
		case KEY_DEPENDS_ON:
			return read_names(value, key, line, &revision->depends_on, error);
		case KEY_LABELS:
			return read_names(value, key, line, &revision->labels, error);
		case KEY_MESSAGE:
			revision->message = viflo_span_copy(value);
			return true;
		case KEY_CREATED:
			if (!viflo_span_is_empty(value))
				revision->created = viflo_span_copy(value);
			return true;
		case KEY_TRANSACTION:
			return read_transaction(value, line, &revision->transaction, error);
		case KEY_REPEATABLE:
			return read_repeatable(value, line, &revision->repeatable, error);
		case KEY_NONE:
			break;
	}
	return true;
}

/* No header was found where one must be. */
static bool
no_header(int line, VifloError *error)
{
	viflo_error_at(error, VIFLO_INVALID_SCRIPT, line,
				   "script does not begin with a revision header");
	viflo_error_hint(error, "The first line that is not blank or a comment must be \"-- %s: ID\".",
					 viflo_header_keys[KEY_REVISION]);
	return false;
}

/*
 * Takes one line before the first section; *seen has a bit for each key.
 */
static bool
read_header_line(VifloSpan line, int number, unsigned int *seen,
				 VifloRevision *revision, VifloError *error)
{
	VifloSpan	value;
	HeaderKey	key;

	if (viflo_span_is_empty(viflo_span_trim(line)))
		return true;
	if (!viflo_line_is_comment(line))
	{
		if (*seen == 0)
			return no_header(number, error);
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, number,
					   "text before the first section");
		viflo_error_hint(error, "Put it after a line \"-- viflo up\".");
		return false;
	}
	key = header_line(line, &value);
	if (key == KEY_NONE)
		return true;
	if (*seen == 0 && key != KEY_REVISION)
		return no_header(number, error);
	if (*seen & (1U << key))
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, number,
							  "header \"%s\" is given twice",
							  viflo_header_keys[key]);
	*seen |= 1U << key;
	return read_header(key, value, number, revision, error) &&
		check_line(revision, number, error);
}

static VifloSection *
section_of(VifloRevision *revision, SectionKind kind)
{
	switch (kind)
	{
		case SECTION_UP:
			return &revision->up;
		case SECTION_DOWN:
			return &revision->down_section;
		case SECTION_VERIFY:
			return &revision->verify;
		case SECTION_BACKFILL:
			return &revision->backfill;
		case SECTION_NONE:
			break;
	}
	return NULL;
}

/* Reads "LINE FILE". */
static bool
read_origin(VifloSpan rest, int *number, VifloSpan *file)
{
	const char *digits = rest.start;

	*number = 0;
	for (; rest.start < rest.end && isdigit((unsigned char) *rest.start); rest.start++)
	{
		if (pg_mul_s32_overflow(*number, 10, number) ||
			pg_add_s32_overflow(*number, *rest.start - '0', number))
			return false;
	}
	*file = viflo_span_trim(rest);
	return rest.start > digits && rest.start < file->start && !viflo_span_is_empty(*file);
}

/* What stands after the marker's word: "from FILE", "at LINE FILE", or nothing. */
static void
place_section(VifloSection *section, VifloSpan words)
{
	VifloSpan	name;
	int			line = 1;

	if (skip_word(words, "from", &name))
	{
		if (viflo_span_is_empty(name) || !viflo_is_blank(*name.start))
			return;
		name = viflo_span_trim(name);
	}
	else if (!skip_word(words, "at", &name) || viflo_span_is_empty(name) ||
			 !viflo_is_blank(*name.start) ||
			 !read_origin(viflo_span_trim(name), &line, &name))
		return;
	section->file = viflo_span_copy(name);
	section->first_line = line;
}

/*
 * Begins a section after its marker, whose text past the word is rest.
 * NULL when there is one of the kind already, or must not be.
 */
static VifloSection *
begin_section(SectionKind kind, VifloSpan rest, const VifloLines *lines,
			  VifloRevision *revision, VifloError *error)
{
	VifloSection *section = section_of(revision, kind);

	if (section->text != NULL)
	{
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, lines->number,
					   "section \"%s\" is given twice", viflo_section_words[kind]);
		return NULL;
	}
	if (revision->repeatable && (kind == SECTION_DOWN || kind == SECTION_BACKFILL))
	{
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, lines->number,
					   "repeatable revision \"%s\" cannot have a section \"%s\"",
					   revision->id, viflo_section_words[kind]);
		viflo_error_hint(error, "Its up section can run again, and is never taken back.");
		return NULL;
	}
	section->text = lines->next;
	section->first_line = lines->number + 1;
	place_section(section, viflo_span_trim(rest));
	return section;
}

/* The whole text, its length and bytes having been checked. */
static bool
read_script(VifloLines lines, VifloRevision *revision, VifloError *error)
{
	VifloSection *section = NULL;
	unsigned int seen = 0;
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		VifloSpan	rest;
		SectionKind kind = section_marker(line, &rest);

		if (kind != SECTION_NONE)
		{
			if (seen == 0)
				return no_header(lines.number, error);
			if (section != NULL)
				section->length = line.start - section->text;
			section = begin_section(kind, rest, &lines, revision, error);
			if (section == NULL)
				return false;
		}
		else if (section == NULL &&
				 !read_header_line(line, lines.number, &seen, revision, error))
			return false;
	}
	if (section != NULL)
		section->length = lines.end - section->text;
	if (seen == 0)
		return no_header(1, error);
	if (revision->up.text == NULL)
	{
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, Max(lines.number, 1),
					   "script of revision \"%s\" has no up section",
					   revision->id);
		viflo_error_hint(error, "A section begins at a line \"-- viflo up\"; it may be empty.");
		return false;
	}
	return true;
}

/* The line of the byte at p. */
static int
line_of(const char *text, const char *p)
{
	VifloLines	lines = {text, p, 0};
	VifloSpan	line;
	int			number = 1;

	while (viflo_lines_next(&lines, &line))
	{
		if (line.end < p)
			number++;
	}
	return number;
}

bool
viflo_script_read(const char *script, size_t length,
				  VifloRevision *revision, VifloError *error)
{
	const char *nul;

	memset(revision, 0, sizeof(*revision));
	if (length > SCRIPT_MAX)
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, 1,
							  "script is too long: %zu bytes", length);
	nul = length == 0 ? NULL : memchr(script, '\0', length);
	if (nul != NULL)
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT,
							  line_of(script, nul),
							  "script contains a NUL byte");
	if (!read_script(viflo_lines_begin(script, length), revision, error))
		return false;
	if (revision->message == NULL)
		revision->message = pstrdup("");
	return viflo_script_checksum(&revision->up, &revision->down_section,
								 revision->checksum, error);
}

int
viflo_script_marker_line(const char *text, size_t length)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		VifloSpan	rest;

		if (section_marker(line, &rest) != SECTION_NONE)
			return lines.number;
		if (viflo_line_is_comment(line) && header_line(line, &rest) == KEY_REVISION)
			return lines.number;
	}
	return 0;
}

/* Is this line a comment "-- viflo at LINE FILE"? */
static bool
origin_line(VifloSpan line, int *number, VifloSpan *file)
{
	VifloSpan	rest;

	return skip_word(line, ORIGIN_MARK, &rest) && read_origin(rest, number, file);
}

bool
viflo_script_origin(const char *text, size_t length, int number, int *line,
					char **file)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	span;
	VifloSpan	name = {NULL, NULL};
	int			found = 0;

	while (lines.number < number && viflo_lines_next(&lines, &span))
	{
		int			origin;
		VifloSpan	origin_name;

		if (lines.number < number && origin_line(span, &origin, &origin_name))
		{
			name = origin_name;
			found = lines.number;
			*line = origin;
		}
	}
	if (found == 0 || pg_add_s32_overflow(*line, number - found - 1, line))
		return false;
	*file = viflo_span_copy(name);
	return true;
}

bool
viflo_script_has_header(const char *text, size_t length)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line;
	VifloSpan	rest;

	while (viflo_lines_next(&lines, &line) &&
		   section_marker(line, &rest) == SECTION_NONE)
	{
		if (viflo_line_is_comment(line) && header_line(line, &rest) == KEY_REVISION)
			return true;
	}
	return false;
}
