/*-------------------------------------------------------------------------
 * revision.c
 *	  Names of revisions: what can be one, and lists of them.
 *
 * A name must survive being written inside a target, where "@", ":", "+" and
 * "," have a meaning, and inside a header line, where white space at the ends
 * and control characters would be lost.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/revision.h"
#include "common/sqlstate.h"

/* Words that are targets of their own. */
static const char *const reserved[] = {"base", "head", "heads", "current"};

static const char *const repeatable_words[] = {
	[VIFLO_REPEATABLE_NO] = "no",
	[VIFLO_REPEATABLE_FIRST] = "first",
	[VIFLO_REPEATABLE_CHANGED] = "yes",
	[VIFLO_REPEATABLE_WITH] = "with others",
	[VIFLO_REPEATABLE_ALWAYS] = "always"
};

const char *
viflo_repeatable_word(VifloRepeatable repeatable)
{
	return repeatable_words[repeatable];
}

bool
viflo_repeatable_read(VifloSpan word, VifloRepeatable *repeatable)
{
	int			found = viflo_key_find(word, repeatable_words, lengthof(repeatable_words));

	if (found == lengthof(repeatable_words))
		return false;
	*repeatable = found;
	return true;
}

/* First byte of name that no name may contain, or NULL. */
static const char *
find_invalid_byte(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c < ' ' || c == 0x7f || strchr("@:+,", c) != NULL)
			return p;
	}
	return NULL;
}

/* "name" is too long to print whole. */
static bool
too_long(const char *name, const char *what, VifloError *error)
{
	viflo_error(error, VIFLO_INVALID_NAME,
				"%s \"%.40s...\" is too long", what, name);
	viflo_error_detail(error, "It has %zu bytes, the limit is %d.",
					   strlen(name), VIFLO_ID_MAX);
	return false;
}

bool
viflo_name_check(const char *name, const char *what, VifloError *error)
{
	size_t		length = strlen(name);
	const char *invalid;

	if (length == 0)
		return viflo_error(error, VIFLO_INVALID_NAME,
						   "%s must not be empty", what);
	if (length > VIFLO_ID_MAX)
		return too_long(name, what, error);

	invalid = find_invalid_byte(name);
	if (invalid != NULL)
	{
		viflo_error(error, VIFLO_INVALID_NAME,
					"%s \"%s\" contains a character that is not allowed",
					what, name);
		if ((unsigned char) *invalid < ' ' || *invalid == 0x7f)
			viflo_error_detail(error, "Byte %d is a control character.",
							   (int) (invalid - name) + 1);
		else
			viflo_error_detail(error, "\"%c\" has a meaning of its own in targets.",
							   *invalid);
		return false;
	}
	if (name[0] == ' ' || name[length - 1] == ' ')
		return viflo_error(error, VIFLO_INVALID_NAME,
						   "%s \"%s\" begins or ends with white space",
						   what, name);
	if (name[0] == '-')
	{
		viflo_error(error, VIFLO_INVALID_NAME,
					"%s \"%s\" begins with \"-\"", what, name);
		viflo_error_detail(error, "A leading \"-\" makes a relative target.");
		return false;
	}
	for (int i = 0; i < lengthof(reserved); i++)
	{
		if (strcmp(name, reserved[i]) == 0)
		{
			viflo_error(error, VIFLO_INVALID_NAME,
						"%s \"%s\" is reserved", what, name);
			viflo_error_detail(error, "The word has a meaning of its own in targets.");
			return false;
		}
	}
	return true;
}

/* name is not copied.  The array grows by doubling, so it needs no capacity. */
void
viflo_names_add(VifloNames *names, char *name)
{
	if (names->count == 0)
		names->names = palloc(sizeof(char *));
	else if ((names->count & (names->count - 1)) == 0)
		names->names = repalloc(names->names,
								2 * names->count * sizeof(char *));
	names->names[names->count++] = name;
}

bool
viflo_names_contain(const VifloNames *names, const char *name)
{
	for (int i = 0; i < names->count; i++)
	{
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
viflo_names_sort(VifloNames *names)
{
	if (names->count > 0)
		qsort(names->names, names->count, sizeof(char *), compare_names);
}

bool
viflo_names_find(const VifloNames *sorted, const char *name)
{
	return sorted->count > 0 &&
		bsearch(&name, sorted->names, sorted->count, sizeof(char *),
				compare_names) != NULL;
}

const char *
viflo_section_file(const VifloSection *section, const char *source)
{
	if (section->file == NULL)
		return source;
	return strcmp(section->file, "-") == 0 ? NULL : section->file;
}
