/*-------------------------------------------------------------------------
 * refinery.c
 *	  refinery: V<number>__name.sql and U<number>__name.sql, in any subfolder.
 *
 * Both are versioned, of one sequence, and run once; U ones may come late in
 * refinery, which here is for the user to say.  There are no downs.  A name
 * after "__" of letters, digits and "_" is all that is looked at.
 *
 * The names are Flyway's too, so that only refinery.toml in the folder, a
 * migration in Rust (which cannot be run) or --layout says refinery.
 *
 * Rules: refinery_core/src/util.rs, runner.rs and traits/mod.rs.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"
#include "cli/reader/refinery.h"

#define SETTINGS_FILE	"refinery.toml"

/*
 * Has a name, of which so many bytes count, the form of a migration's?
 * *digits is the length of the number, *plain whether that has no ".".
 */
static bool
has_form(const char *name, int length, int *digits, bool *plain)
{
	const char *end = name + length;
	const char *p = name + 1;

	if (length == 0 || (name[0] != 'V' && name[0] != 'U'))
		return false;
	*digits = strspn(p, "0123456789");
	*plain = p[*digits] != '.';
	p += *digits;
	if (!*plain)
	{
		int			more = strspn(p + 1, "0123456789");

		if (more == 0)
			return false;
		p += 1 + more;
	}
	if (*digits == 0 || end - p < 3 || strncmp(p, "__", 2) != 0)
		return false;
	for (p += 2; p < end; p++)
	{
		if (!isalnum((unsigned char) *p) && *p != '_' && !IS_HIGHBIT_SET(*p))
			return false;
	}
	return true;
}

/* Is this the name of a migration with this suffix? */
static bool
is_migration(const char *base, const char *suffix)
{
	int			digits;
	bool		plain;

	return viflo_has_suffix(base, suffix) &&
		has_form(base, strlen(base) - strlen(suffix), &digits, &plain);
}

static bool
refinery_take(const VifloFile *file, VifloNumbered *part)
{
	int			digits;
	bool		plain;

	return viflo_numbered_split(file, 1, VIFLO_NUMBERED_SQL, part) &&
		has_form(part->name, part->length, &digits, &plain) && plain;
}

static bool
refinery_wants(const char *name, int dir_length)
{
	const char *base = dir_length > 0 ? name + dir_length + 1 : name;

	return is_migration(base, ".sql") || is_migration(base, ".rs") ||
		(dir_length == 0 && strcmp(name, SETTINGS_FILE) == 0);
}

static VifloClaim
refinery_claims(const VifloFolder *folder, const VifloFile *file)
{
	const char *base = viflo_file_base(file);

	if (is_migration(base, ".rs") || strcmp(file->name, SETTINGS_FILE) == 0)
		return VIFLO_CLAIM_SURE;
	return is_migration(base, ".sql") ? VIFLO_CLAIM_WEAK : VIFLO_CLAIM_NONE;
}

static const char *
refinery_refuse(const VifloFile *file)
{
	const char *base = viflo_file_base(file);

	if (is_migration(base, ".rs"))
		return "a migration in Rust cannot be run";
	return is_migration(base, ".sql") ? "version is not a whole number" : NULL;
}

static bool
refinery_add(const VifloFolder *folder, VifloHistory *history,
			 const VifloNumbered *up, const VifloNumbered *down,
			 VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, true);
	VifloRefineryDetail *detail = palloc(sizeof(VifloRefineryDetail));

	detail->name = pstrdup(strstr(revision->id, "__") + 2);
	detail->version = (int64) up->number;
	viflo_reader_last(history)->detail = detail;
	return viflo_reader_section(folder, up->file, history, &revision->up, failure);
}

static const VifloNumberedRules refinery_rules = {
	.take = refinery_take,
	.refuse = refinery_refuse,
	.largest = PG_INT64_MAX,
	.add = refinery_add,
};

static bool
refinery_read(const VifloFolder *folder, VifloHistory *history,
			  VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &refinery_rules, failure);
}

static bool
refinery_create(const VifloHistory *history, const VifloNewRevision *wanted,
				char **id, VifloNewFiles *files, VifloFailure *failure)
{
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfo(&name, "V%s__", viflo_numbered_next(history, &refinery_rules, wanted->time, "1"));
	viflo_numbered_slug(&name, wanted);
	*id = name.data;
	viflo_numbered_no_down(wanted, *id, "refinery");
	appendStringInfoString(viflo_new_file(files, psprintf("%s.sql", *id)),
						   wanted->up ? wanted->up : "");
	return true;
}

const VifloReader viflo_reader_refinery = {
	.name = "refinery",
	.wants = refinery_wants,
	.claims = refinery_claims,
	.read = refinery_read,
	.linear = true,
	.create = refinery_create,
};
