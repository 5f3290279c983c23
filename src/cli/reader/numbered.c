/*-------------------------------------------------------------------------
 * numbered.c
 *	  What layouts share whose file names are a number and a rest.
 *
 * First every wanted file of the folder is taken apart, or passed over; then
 * they are sorted, up before down of one version; then each up is added, with
 * the down that follows it.  Files go to the layout one revision at a time, so
 * that what is wrong is told in their order.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "cli/output.h"
#include "cli/reader/numbered.h"
#include "common/script.h"

#define TIME_DIGITS	14			/* YYYYMMDDhhmmss */
#define FIRST_TIME	UINT64CONST(19700101000000)

bool
viflo_numbered_split(const VifloFile *file, int start, VifloNumberedSuffix suffix,
					 VifloNumbered *part)
{
	const char *name = viflo_file_base(file);
	int			length = strlen(name);

	memset(part, 0, sizeof(*part));
	part->file = unconstify(VifloFile *, file);
	part->name = name;
	part->start = start;
	if (length < start)
		return false;
	part->digits = strspn(name + start, "0123456789");
	if (suffix != VIFLO_NUMBERED_SQL && viflo_has_suffix(name, ".up.sql"))
		part->length = length - strlen(".up.sql");
	else if (suffix != VIFLO_NUMBERED_SQL && viflo_has_suffix(name, ".down.sql"))
	{
		part->length = length - strlen(".down.sql");
		part->down = true;
	}
	else if (suffix != VIFLO_NUMBERED_PAIR && viflo_has_suffix(name, ".sql"))
		part->length = length - strlen(".sql");
	else
		return false;
	if (part->digits == 0 || start + part->digits > part->length)
		return false;
	errno = 0;
	part->number = strtou64(name + start, NULL, 10);
	part->overflow = errno == ERANGE;
	return true;
}

static int
compare_versions(const VifloNumberedRules *rules, const VifloNumbered *left,
				 const VifloNumbered *right)
{
	if (rules->by_name)
		return strcmp(left->name, right->name);
	if (rules->compare != NULL)
		return rules->compare(left, right);
	return left->number < right->number ? -1 : left->number > right->number;
}

/* By version, then up before down, then by name. */
static int
compare_parts(const void *a, const void *b, void *rules)
{
	const VifloNumbered *left = a;
	const VifloNumbered *right = b;
	int			result = compare_versions(rules, left, right);

	if (result != 0)
		return result;
	if (left->down != right->down)
		return left->down ? 1 : -1;
	return strcmp(left->file->name, right->file->name);
}

/* Says what there is to say of a file that is not of the layout. */
static bool
pass_over(const VifloFolder *folder, VifloHistory *history,
		  const VifloNumberedRules *rules, const VifloFile *file,
		  VifloFailure *failure)
{
	const char *why = file->wanted && rules->refuse ? rules->refuse(file) : NULL;

	if (why != NULL)
		return viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0,
								  NULL, "%s", why);
	if (file->wanted && file->dir_length == 0 && rules->ignored != NULL &&
		(rules->any_ignored || isdigit((unsigned char) file->name[0])) &&
		viflo_has_suffix(file->name, ".sql"))
		viflo_reader_warn(history, folder, file->name, rules->ignored);
	else
		viflo_output_verbose("%s: not a migration, ignored",
							 viflo_folder_path(folder, file->name));
	return true;
}

static bool
check_range(const VifloFolder *folder, const VifloNumberedRules *rules,
			const VifloNumbered *part, VifloFailure *failure)
{
	/* Names in their own order may have numbers of any size. */
	if (rules->by_name || rules->compare != NULL)
		return true;
	if (!part->overflow && part->number >= rules->smallest &&
		(rules->largest == 0 || part->number <= rules->largest))
		return true;
	return viflo_failure_file(failure, viflo_folder_path(folder, part->file->name),
							  0, NULL, "version number is out of range");
}

/* The parts of all files of this layout, in order.  -1 on failure. */
static int
take_names(const VifloFolder *folder, VifloHistory *history,
		   const VifloNumberedRules *rules, VifloNumbered **parts,
		   VifloFailure *failure)
{
	int			count = 0;

	*parts = palloc(sizeof(VifloNumbered) * (folder->count + 1));
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];
		VifloNumbered *part = &(*parts)[count];
		bool		taken = file->wanted && rules->take(file, part);

		if (file == rules->passed)
			continue;
		if (taken ? !check_range(folder, rules, part, failure) :
			!pass_over(folder, history, rules, file, failure))
			return -1;
		count += taken;
	}
	qsort_arg(*parts, count, sizeof(VifloNumbered), compare_parts,
			  unconstify(VifloNumberedRules *, rules));
	return count;
}

static bool
fail_second(const VifloFolder *folder, const char *name, const char *version,
			const char *other, VifloFailure *failure)
{
	return viflo_failure_file(failure, viflo_folder_path(folder, name), 0, NULL,
							  "second file of version %s, beside \"%s\"",
							  version, other);
}

/* Digits as they are, or the number that they are. */
static char *
version_of(const VifloNumbered *part, bool plain)
{
	if (plain)
		return psprintf(UINT64_FORMAT, part->number);
	return pnstrdup(part->name + part->start, part->digits);
}

static int
compare_migrations(const void *a, const void *b)
{
	const VifloMigration *left = *(const VifloMigration *const *) a;
	const VifloMigration *right = *(const VifloMigration *const *) b;
	int			result = strcmp(left->version, right->version);

	return result != 0 ? result : strcmp(left->source, right->source);
}

/* Fails where two files that need not be neighbours have one version. */
static bool
check_twins(const VifloFolder *folder, const VifloHistory *history,
			VifloFailure *failure)
{
	const VifloMigration **sorted = palloc(sizeof(VifloMigration *) * (history->count + 1));
	bool		good = true;

	for (int i = 0; i < history->count; i++)
		sorted[i] = &history->migrations[i];
	qsort(sorted, history->count, sizeof(VifloMigration *), compare_migrations);
	for (int i = 1; i < history->count && good; i++)
	{
		if (strcmp(sorted[i - 1]->version, sorted[i]->version) == 0)
			good = fail_second(folder, sorted[i]->source, sorted[i]->version,
							   sorted[i - 1]->source, failure);
	}
	pfree(sorted);
	return good;
}

bool
viflo_numbered_read(const VifloFolder *folder, VifloHistory *history,
					const VifloNumberedRules *rules, VifloFailure *failure)
{
	VifloNumbered *parts;
	int			count = take_names(folder, history, rules, &parts, failure);

	for (int i = 0; i < count; i++)
	{
		VifloNumbered *up = &parts[i];
		VifloNumbered *down = NULL;

		if (up->down)
			return viflo_failure_file(failure, viflo_folder_path(folder, up->file->name),
									  0, NULL, "down without an up of version %s",
									  version_of(up, !up->overflow));
		if (i + 1 < count && parts[i + 1].down &&
			compare_versions(rules, up, &parts[i + 1]) == 0)
			down = &parts[++i];
		if (i + 1 < count && compare_versions(rules, up, &parts[i + 1]) == 0)
			return fail_second(folder, parts[i + 1].file->name,
							   version_of(up, !up->overflow),
							   down && parts[i + 1].down ? down->file->name : up->file->name,
							   failure);
		if (!rules->add(folder, history, up, down, failure))
			return false;
	}
	return count >= 0 && (!rules->by_name || check_twins(folder, history, failure));
}

VifloRevision *
viflo_numbered_add(VifloHistory *history, const VifloNumbered *up, bool plain)
{
	VifloRevision *revision = viflo_reader_add(history, up->file->name);
	VifloMigration *migration = viflo_reader_last(history);
	const char *rest;

	revision->id = pnstrdup(up->name, up->length);
	rest = revision->id + up->start + up->digits;
	rest += strspn(rest, "_-. ");
	revision->message = viflo_reader_message(*rest != '\0' ? rest : revision->id);
	migration->version = version_of(up, plain);
	migration->file = up->file;
	return revision;
}

bool
viflo_numbered_last(const VifloHistory *history, const VifloNumberedRules *rules,
					VifloNumbered *last)
{
	VifloFile	file = {0};
	const char *slash;

	if (history->count == 0)
		return false;
	file.name = unconstify(char *, history->migrations[history->count - 1].source);
	slash = strrchr(file.name, '/');
	file.dir_length = slash ? slash - file.name : 0;
	return rules->take(&file, last);
}

/*
 * One second after a time of 14 digits; what looks like one and is none is
 * counted up as any number.
 */
static char *
second_after(uint64 last)
{
	struct tm	tm = {0};
	char		text[32];
	time_t		next;

	tm.tm_year = (int) (last / UINT64CONST(10000000000)) - 1900;
	tm.tm_mon = (int) (last / 100000000 % 100) - 1;
	tm.tm_mday = last / 1000000 % 100;
	tm.tm_hour = last / 10000 % 100;
	tm.tm_min = last / 100 % 100;
	tm.tm_sec = last % 100;
	next = timegm(&tm) + 1;
	strftime(text, sizeof(text), "%Y%m%d%H%M%S", gmtime(&next));
	if (strlen(text) != TIME_DIGITS || strtou64(text, NULL, 10) <= last)
		snprintf(text, sizeof(text), UINT64_FORMAT, last + 1);
	return pstrdup(text);
}

char *
viflo_numbered_stamp(time_t now, const char *last)
{
	char		stamp[32];

	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", gmtime(&now));
	if (last != NULL && strspn(last, "0123456789") == TIME_DIGITS &&
		strncmp(stamp, last, TIME_DIGITS) <= 0)
		return second_after(strtou64(last, NULL, 10));
	return pstrdup(stamp);
}

char *
viflo_numbered_time(const VifloHistory *history, const VifloNumberedRules *rules,
					time_t now)
{
	VifloNumbered last;

	return viflo_numbered_stamp(now, viflo_numbered_last(history, rules, &last) ?
								last.name + last.start : NULL);
}

/* One more than the number of so many digits, which may have more than 64 bits. */
static char *
number_after(const char *digits, int length)
{
	char	   *next = psprintf("0%.*s", length, digits);
	char	   *p = next + length;

	while (*p == '9')
		*p-- = '0';
	(*p)++;
	return next[0] == '0' ? next + 1 : next;
}

char *
viflo_numbered_next(const VifloHistory *history, const VifloNumberedRules *rules,
					time_t now, const char *first)
{
	VifloNumbered last;

	if (!viflo_numbered_last(history, rules, &last))
		return first != NULL ? pstrdup(first) : viflo_numbered_time(history, rules, now);
	if (last.digits == TIME_DIGITS && last.number >= FIRST_TIME)
		return viflo_numbered_time(history, rules, now);
	return number_after(last.name + last.start, last.digits);
}

bool
viflo_numbered_follows(const VifloHistory *history, const char *stem,
					   VifloFailure *failure)
{
	const char *last = history->count > 0 ? history->revisions[history->count - 1].id : NULL;

	if (last == NULL || strcmp(last, stem) < 0)
		return true;
	return viflo_failure(failure, VIFLO_EXIT_REFUSED,
						 "\"%s\" would not come after \"%s\"", stem, last);
}

void
viflo_numbered_empty_down(const VifloNewRevision *wanted, const char *id,
						  const char *tool)
{
	if (wanted->up != NULL && wanted->down == NULL)
		viflo_output_warning("\"%s\" gets an empty down section, as %s wants one", id, tool);
}

void
viflo_numbered_no_down(const VifloNewRevision *wanted, const char *id, const char *tool)
{
	if (wanted->down != NULL)
		viflo_output_warning("down section of \"%s\" is left out, as %s keeps none", id, tool);
}

void
viflo_numbered_slug(StringInfo name, const VifloNewRevision *wanted)
{
	int			before = name->len;

	viflo_script_slug(name, wanted->message, 60);
	if (name->len == before)
		appendStringInfoString(name, "revision");
}

char *
viflo_numbered_stem(const char *number, const VifloNewRevision *wanted)
{
	StringInfoData stem;

	initStringInfo(&stem);
	appendStringInfo(&stem, "%s_", number);
	viflo_numbered_slug(&stem, wanted);
	return stem.data;
}

void
viflo_numbered_pair(VifloNewFiles *files, const char *stem,
					const VifloNewRevision *wanted)
{
	appendStringInfoString(viflo_new_file(files, psprintf("%s.up.sql", stem)),
						   wanted->up ? wanted->up : "");
	if (wanted->down != NULL || wanted->up == NULL)
		appendStringInfoString(viflo_new_file(files, psprintf("%s.down.sql", stem)),
							   wanted->down ? wanted->down : "");
}
