/*-------------------------------------------------------------------------
 * supabase.c
 *	  Supabase: NUMBER_name.sql, ordered by name; no downs.
 *
 * Nothing in the files gives the layout away, only a folder that is called
 * supabase/migrations.  The version is the digits as they are written, mostly
 * 14 of a UTC time.  As its tool does, a first file NUMBER_init.sql from
 * before 20211209000000 is passed over.
 *
 * Rules: Supabase CLI, pkg/migration/list.go, file.go and apply.go.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"

#define FOLDER			"supabase/migrations"
#define FIRST_INIT		UINT64CONST(20211209000000)

static bool
has_form(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 &&
		viflo_numbered_split(file, 0, VIFLO_NUMBERED_SQL, part) &&
		part->name[part->digits] == '_';
}

/* Is this the old kind of a first file, which the tool wrote itself? */
static bool
is_old_init(const VifloFile *file)
{
	VifloNumbered part;

	return has_form(file, &part) && part.digits == 14 && part.number < FIRST_INIT &&
		strcmp(part.name + part.digits, "_init.sql") == 0;
}

/* Is this the path, with any slashes behind it, of Supabase's folder? */
static bool
is_its_folder(const char *path)
{
	int			length = strlen(path);
	int			name_length = strlen(FOLDER);

	while (length > 0 && path[length - 1] == '/')
		length--;
	return length >= name_length &&
		strncmp(path + length - name_length, FOLDER, name_length) == 0 &&
		(length == name_length || path[length - name_length - 1] == '/');
}

/* By the name of the folder, however one gets there. */
static VifloClaim
supabase_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloNumbered part;

	if (!has_form(file, &part) || viflo_has_suffix(file->name, ".up.sql") ||
		viflo_has_suffix(file->name, ".down.sql"))
		return VIFLO_CLAIM_NONE;
	return is_its_folder(folder->path) ||
		(folder->real_path != NULL && is_its_folder(folder->real_path)) ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

static bool
supabase_add(const VifloFolder *folder, VifloHistory *history,
			 const VifloNumbered *up, const VifloNumbered *down,
			 VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, false);

	return viflo_reader_section(folder, up->file, history, &revision->up, failure);
}

static const VifloNumberedRules supabase_rules = {
	.take = has_form,
	.by_name = true,
	.ignored = "ignored, as Supabase wants a number and \"_\" at the beginning",
	.any_ignored = true,
	.add = supabase_add,
};

static bool
supabase_read(const VifloFolder *folder, VifloHistory *history,
			  VifloFailure *failure)
{
	VifloNumberedRules rules = supabase_rules;

	if (folder->count > 0 && is_old_init(&folder->files[0]))
	{
		rules.passed = &folder->files[0];
		viflo_reader_warn(history, folder, rules.passed->name,
						  "ignored, as Supabase does with a first NUMBER_init.sql of before 20211209000000");
	}
	return viflo_numbered_read(folder, history, &rules, failure);
}

/* Named by the time, as "supabase migration new" does. */
static bool
supabase_create(const VifloHistory *history, const VifloNewRevision *wanted,
				char **id, VifloNewFiles *files, VifloFailure *failure)
{
	*id = viflo_numbered_stem(viflo_numbered_time(history, &supabase_rules, wanted->time), wanted);
	if (!viflo_numbered_follows(history, *id, failure))
		return false;
	viflo_numbered_no_down(wanted, *id, "Supabase");
	appendStringInfoString(viflo_new_file(files, psprintf("%s.sql", *id)),
						   wanted->up ? wanted->up : "");
	return true;
}

const VifloReader viflo_reader_supabase = {
	.name = "supabase",
	.claims = supabase_claims,
	.read = supabase_read,
	.linear = true,
	.create = supabase_create,
};
