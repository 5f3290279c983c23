/*-------------------------------------------------------------------------
 * native.c
 *	  Our own files: *.sql that begin with the header of script.h.
 *
 * The name is free, the header says it all.  They are sent as they are.  A
 * .sql file without the header is an error rather than passed over: the only
 * likely reason is a header that was forgotten.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/reader/reader.h"
#include "common/script.h"

/* The header is looked for in so many bytes; comments may stand before it. */
#define HEADER_WITHIN	4096

static VifloClaim
native_claims(const VifloFolder *folder, const VifloFile *file)
{
	return file->dir_length == 0 &&
		viflo_script_has_header(file->text, Min(file->length, HEADER_WITHIN)) ?
		VIFLO_CLAIM_SURE : VIFLO_CLAIM_NONE;
}

/* A file without a header may be of a layout that no name of the folder tells. */
static void
hint_at_layout(const VifloFolder *folder, const VifloHistory *history, VifloFailure *failure)
{
	if (history->settings->layout != NULL)
		return;
	for (int i = 0; i < folder->count; i++)
	{
		if (folder->files[i].wanted && native_claims(folder, &folder->files[i]) != VIFLO_CLAIM_NONE)
			return;
	}
	viflo_failure_hint(failure, "Nothing in the folder tells its layout; --layout names it."
					   "  A native file begins with \"-- viflo revision: ID\".");
}

static bool
native_read(const VifloFolder *folder, VifloHistory *history,
			VifloFailure *failure)
{
	for (int i = 0; i < folder->count; i++)
	{
		VifloFile  *file = &folder->files[i];
		VifloError	error = {0};
		VifloRevision *revision;
		VifloMigration *migration;

		if (!file->wanted || file->dir_length > 0 || !viflo_has_suffix(file->name, ".sql"))
		{
			viflo_output_verbose("%s: not a migration, ignored",
								 viflo_folder_path(folder, file->name));
			continue;
		}
		if (!viflo_folder_check_text(folder, file, failure))
			return false;
		revision = viflo_reader_add(history, file->name);
		migration = &history->migrations[history->count - 1];
		if (!viflo_script_read(file->text, file->length, revision, &error))
		{
			viflo_failure_common(failure, viflo_folder_path(folder, file->name), &error);
			hint_at_layout(folder, history, failure);
			return false;
		}
		migration->script = file->text;
		migration->length = file->length;
	}
	return true;
}

static bool
native_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	static const char empty[] = "\n";
	VifloRevision *revision = wanted->native;
	StringInfoData name;

	revision->up.text = empty;
	revision->up.length = strlen(empty);
	if (!revision->repeatable)
		revision->down_section = revision->up;
	initStringInfo(&name);
	appendStringInfo(&name, "%s_", revision->id);
	viflo_script_slug(&name, wanted->message, 60);
	while (name.len > 0 && name.data[name.len - 1] == '_')
		name.data[--name.len] = '\0';
	appendStringInfoString(&name, ".sql");
	viflo_script_write(viflo_new_file(files, name.data), revision);
	*id = revision->id;
	return true;
}

const VifloReader viflo_reader_native = {
	.name = "native",
	.claims = native_claims,
	.read = native_read,
	.linear = false,
	.create = native_create,
};
