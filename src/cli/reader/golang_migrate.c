/*-------------------------------------------------------------------------
 * golang_migrate.c
 *	  golang-migrate: NUMBER_name.up.sql and NUMBER_name.down.sql.
 *
 * The number, an unsigned 64-bit one, orders them and pairs up with down; the
 * names of a pair may differ, and up's counts.  Nothing in the text means
 * anything.  A revision without down is fine, one without up is not.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/numbered.h"

static bool
golang_take(const VifloFile *file, VifloNumbered *part)
{
	return file->dir_length == 0 &&
		viflo_numbered_split(file, 0, VIFLO_NUMBERED_PAIR, part) &&
		part->name[part->digits] == '_';
}

/* A down whose up is NAME.sql belongs to others. */
static VifloClaim
golang_claims(const VifloFolder *folder, const VifloFile *file)
{
	VifloNumbered part;

	if (!golang_take(file, &part))
		return VIFLO_CLAIM_NONE;
	return part.down &&
		viflo_folder_find(folder, psprintf("%.*s.sql", part.length, part.name)) != NULL ?
		VIFLO_CLAIM_NONE : VIFLO_CLAIM_NAME;
}

static bool
golang_add(const VifloFolder *folder, VifloHistory *history,
		   const VifloNumbered *up, const VifloNumbered *down,
		   VifloFailure *failure)
{
	VifloRevision *revision = viflo_numbered_add(history, up, true);

	return viflo_reader_section(folder, up->file, history, &revision->up, failure) &&
		(down == NULL ||
		 viflo_reader_section(folder, down->file, history, &revision->down_section, failure));
}

static const VifloNumberedRules golang_rules = {
	.take = golang_take,
	.ignored = "ignored, as it ends in neither .up.sql nor .down.sql",
	.add = golang_add,
};

static bool
golang_read(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	return viflo_numbered_read(folder, history, &golang_rules, failure);
}

/* Named as "migrate create -seq" does, or by the time where others are. */
static bool
golang_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	*id = viflo_numbered_stem(viflo_numbered_next(history, &golang_rules, wanted->time, "000001"), wanted);
	viflo_numbered_pair(files, *id, wanted);
	return true;
}

const VifloReader viflo_reader_golang_migrate = {
	.name = "golang-migrate",
	.claims = golang_claims,
	.read = golang_read,
	.linear = true,
	.create = golang_create,
};
