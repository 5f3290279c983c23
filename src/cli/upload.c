/*-------------------------------------------------------------------------
 * upload.c
 *	  The registration of what a database has not got of the folder.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/upload.h"
#include "common/sqlstate.h"

/* The server takes no message of more than 1 GB. */
#define MAX_UPLOAD	((size_t) 1000 * 1000 * 1000)

void
viflo_upload_free(VifloUpload *upload)
{
	if (upload->scripts != NULL)
	{
		pfree(upload->scripts);
		pfree(upload->lengths);
	}
	if (upload->sources.names != NULL)
		pfree(upload->sources.names);
	memset(upload, 0, sizeof(*upload));
}

int
viflo_upload_prepare(const VifloDatabase *database, VifloLocal *local,
					 VifloNames *missing, VifloUpload *upload,
					 VifloDbQuery *query, VifloFailure *failure)
{
	const VifloHistory *history = &local->history;
	size_t		total = 0;

	if (missing->count == 0)
		return 0;
	if (!viflo_local_read(local, failure))
		return -1;
	memset(upload, 0, sizeof(*upload));
	upload->scripts = palloc(sizeof(char *) * missing->count);
	upload->lengths = palloc(sizeof(size_t) * missing->count);
	viflo_names_sort(missing);
	for (int i = 0; i < history->count; i++)
	{
		const VifloMigration *migration = &history->migrations[i];

		if (upload->sources.count >= missing->count ||
			!viflo_names_find(missing, history->revisions[i].id))
			continue;
		upload->scripts[upload->sources.count] = migration->script;
		upload->lengths[upload->sources.count] = migration->length;
		viflo_names_add(&upload->sources, unconstify(char *, migration->source));
		total += migration->length;
	}
	if (total > MAX_UPLOAD)
	{
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "migrations not loaded yet are more than 1 GB together");
		return -1;
	}
	viflo_output_verbose("loading %d of %d revisions", upload->sources.count,
						 history->count);
	upload->params[0] = viflo_db_text_array(upload->scripts, upload->lengths,
											upload->sources.count);
	upload->params[1] = viflo_db_text_array((const char *const *) upload->sources.names,
											NULL, upload->sources.count);
	*query = viflo_database_call(database, "t", "viflo_load",
								 "scripts => $1::pg_catalog.text[], sources => $2::pg_catalog.text[]",
								 upload->params, 2);
	return 1;
}

/* Line of the header that names a parent or dependency without a file. */
static int
stub_line(const VifloHistory *history, int number)
{
	const char *script = history->migrations[number].script;
	int			line = 1;

	for (const char *p = script; p != NULL; p = strchr(p, '\n'), line++)
	{
		if (*p == '\n')
			p++;
		if (pg_strncasecmp(p, "-- revises:", 11) != 0 &&
			pg_strncasecmp(p, "-- depends on:", 14) != 0)
			continue;
		for (int s = 0; s < history->stubs; s++)
		{
			char	   *text = pnstrdup(p, strcspn(p, "\r\n"));
			bool		named = strstr(text, history->revisions[history->count + s].id) != NULL;

			pfree(text);
			if (named)
				return line;
		}
	}
	return 0;
}

/* Does what the server said name this revision? */
static bool
is_named(const VifloFailure *failure, const char *id)
{
	char	   *quoted = psprintf("\"%s\"", id);
	bool		named = strstr(failure->message, quoted) != NULL ||
	(failure->detail != NULL && strstr(failure->detail, quoted) != NULL);

	pfree(quoted);
	return named;
}

void
viflo_upload_blame(const VifloLocal *local, VifloFailure *failure)
{
	const VifloHistory *history = &local->history;
	bool		missing;

	if (failure->file != NULL || failure->sqlstate == NULL || !local->has_history)
		return;
	missing = strcmp(failure->sqlstate, VIFLO_MISSING_PARENT) == 0;
	for (int i = 0; i < history->count; i++)
	{
		int			line = missing ? stub_line(history, i) : 0;

		if (missing ? line == 0 : !is_named(failure, history->revisions[i].id))
			continue;
		failure->file = viflo_folder_path(&local->folder, history->migrations[i].source);
		failure->line = line;
		return;
	}
}
