/*-------------------------------------------------------------------------
 * detect.c
 *	  The list of layouts, and which of them a folder is in.
 *
 * Each reader says of each file how sure it is.  Where any is sure of a file,
 * only those readers count that are; else those that know the file by its
 * name; else, for files that are a number and .sql, the first reader in the
 * list that takes them.  What one reader knows for its own and the chosen one
 * has no use for means two layouts in one folder, which is never guessed at.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/reader.h"

/*
 * In the order in which they are asked.  Where nothing but numbers speak, the
 * first wins: no tool in particular.
 */
const VifloReader *const viflo_readers[] = {
	&viflo_reader_native,
	&viflo_reader_golang_migrate,
	&viflo_reader_alembic,
	&viflo_reader_sqitch,
	&viflo_reader_drizzle,
	&viflo_reader_prisma,
	&viflo_reader_sourcegraph,
	&viflo_reader_hasura,
	&viflo_reader_diesel,		/* takes for its own what these three have */
	&viflo_reader_numbered,
	&viflo_reader_dbmate,
	&viflo_reader_goose,
	&viflo_reader_node_pg_migrate,
	&viflo_reader_rails,
	&viflo_reader_refinery,
	&viflo_reader_sqlx,
	&viflo_reader_supabase,
	&viflo_reader_tern,
	&viflo_reader_flyway,
	&viflo_reader_liquibase,
	&viflo_reader_atlas,
	&viflo_reader_graphile_migrate,
	NULL
};

const VifloReader *
viflo_reader_find(const char *name, VifloFailure *failure)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; viflo_readers[i] != NULL; i++)
	{
		if (strcmp(viflo_readers[i]->name, name) == 0)
			return viflo_readers[i];
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", viflo_readers[i]->name);
	}
	viflo_failure(failure, VIFLO_EXIT_USAGE, "unknown layout \"%s\"", name);
	viflo_failure_hint(failure, "Layouts are: %s.", names.data);
	return NULL;
}

bool
viflo_reader_wants(const char *name, int dir_length)
{
	bool		plain = dir_length == 0 && viflo_has_suffix(name, ".sql");

	for (int i = 0; viflo_readers[i] != NULL && !plain; i++)
		plain = viflo_readers[i]->wants != NULL && viflo_readers[i]->wants(name, dir_length);
	return plain;
}

/*
 * The strongest claim on any file, and the first reader that makes it.
 * *example is a file that it claims so.
 */
static VifloClaim
strongest_claim(const VifloFolder *folder, const VifloReader **found,
				const VifloFile **example)
{
	VifloClaim	strongest = VIFLO_CLAIM_NONE;

	for (int r = 0; viflo_readers[r] != NULL; r++)
	{
		for (int i = 0; i < folder->count && strongest < VIFLO_CLAIM_SURE; i++)
		{
			const VifloFile *file = &folder->files[i];
			VifloClaim	claim;

			if (!file->wanted)
				continue;
			claim = viflo_readers[r]->claims(folder, file);
			if (claim <= strongest)
				continue;
			strongest = claim;
			*found = viflo_readers[r];
			*example = file;
		}
	}
	return strongest;
}

/* Another reader than found that claims this file so, or NULL. */
static const VifloReader *
rival(const VifloFolder *folder, const VifloFile *file,
	  const VifloReader *found, VifloClaim at_least)
{
	for (int r = 0; viflo_readers[r] != NULL; r++)
	{
		if (viflo_readers[r] != found &&
			viflo_readers[r]->claims(folder, file) >= at_least)
			return viflo_readers[r];
	}
	return NULL;
}

/* Says so of file, which another reader than found claims. */
static void
fail_two(const VifloFolder *folder, const VifloReader *found,
		 const VifloFile *example, const VifloReader *other,
		 const VifloFile *file, VifloFailure *failure)
{
	bool		swap = strcmp(example->name, file->name) > 0;

	viflo_failure_file(failure,
					   viflo_folder_path(folder, swap ? example->name : file->name), 0,
					   NULL, "two layouts in one folder: \"%s\" is %s, \"%s\" is %s",
					   swap ? file->name : example->name,
					   swap ? other->name : found->name,
					   swap ? example->name : file->name,
					   swap ? found->name : other->name);
	viflo_failure_hint(failure, "Give each a folder of its own, or name the layout with --layout.");
}

const VifloReader *
viflo_reader_detect(const VifloFolder *folder, VifloFailure *failure)
{
	const VifloReader *found = &viflo_reader_native;
	const VifloFile *example = NULL;
	VifloClaim	strongest = strongest_claim(folder, &found, &example);

	if (strongest < VIFLO_CLAIM_NAME)
		return found;
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		const VifloReader *other = NULL;

		if (!file->wanted)
			continue;
		if (strongest == VIFLO_CLAIM_SURE)
			other = rival(folder, file, found, VIFLO_CLAIM_SURE);
		if (other == NULL && found->claims(folder, file) == VIFLO_CLAIM_NONE)
			other = rival(folder, file, found, VIFLO_CLAIM_NAME);
		if (other == NULL)
			continue;
		fail_two(folder, found, example, other, file, failure);
		return NULL;
	}
	return found;
}
