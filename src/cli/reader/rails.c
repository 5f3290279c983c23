/*-------------------------------------------------------------------------
 * rails.c
 *	  Rails: structure.sql, the schema as its migrations have left it.
 *
 * The file is pg_dump's, with INSERT INTO schema_migrations at its end, and
 * makes one revision, "structure", whose version is the newest one inserted.
 * The folder is Rails' db.  Migrations in migrate/ are Ruby: they are not run,
 * which is said, with the first that structure.sql does not have.  Without a
 * structure.sql there is nothing to run.
 *
 * Rules: Rails' activerecord/lib/active_record/tasks/postgresql_database_tasks.rb
 * and connection_adapters/abstract/schema_statements.rb.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/rails.h"
#include "cli/reader/reader.h"
#include "common/lines.h"

#define STRUCTURE	"structure.sql"
#define TABLE		"schema_migrations"

/* Is the file a migration in Ruby: NUMBER_name.rb here or in migrate/? */
static bool
is_ruby(const char *name, int dir_length)
{
	const char *base = dir_length > 0 ? name + dir_length + 1 : name;
	size_t		digits = strspn(base, "0123456789");

	return digits > 0 && base[digits] == '_' && viflo_has_suffix(base, ".rb") &&
		(dir_length == 0 ||
		 (dir_length == strlen("migrate") && strncmp(name, "migrate/", dir_length + 1) == 0));
}

static bool
rails_wants(const char *name, int dir_length)
{
	return is_ruby(name, dir_length);
}

static bool
is_structure(const VifloFile *file)
{
	return strcmp(file->name, STRUCTURE) == 0;
}

static VifloClaim
rails_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (is_structure(file))
		return strstr(file->text, TABLE) != NULL ? VIFLO_CLAIM_SURE : VIFLO_CLAIM_NONE;
	return is_ruby(file->name, file->dir_length) ? VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

static int
compare_versions(const void *a, const void *b)
{
	const char *left = *(char *const *) a;
	const char *right = *(char *const *) b;
	size_t		left_length = strlen(left);
	size_t		right_length = strlen(right);

	if (left_length != right_length)
		return left_length < right_length ? -1 : 1;
	return strcmp(left, right);
}

/*
 * The versions that the file inserts: quoted digits in lines that begin with
 * "(", after the one that says INSERT INTO the table.
 */
static VifloNames
read_versions(const VifloFile *file)
{
	VifloLines	lines = viflo_lines_begin(file->text, file->length);
	VifloNames	versions = {0};
	bool		inside = false;
	VifloSpan	line;

	while (viflo_lines_next(&lines, &line))
	{
		char	   *text = viflo_span_copy(viflo_span_trim(line));
		const char *values = text;

		if (strncmp(text, "INSERT INTO", strlen("INSERT INTO")) == 0)
		{
			inside = strstr(text, TABLE) != NULL;
			values = inside ? strstr(text, "VALUES") : NULL;
		}
		while (inside && values != NULL && (values = strstr(values, "('")) != NULL)
		{
			size_t		digits = strspn(values + 2, "0123456789");

			values += 2;
			if (digits > 0 && values[digits] == '\'')
				viflo_names_add(&versions, pnstrdup(values, digits));
		}
		inside = inside && strchr(text, ';') == NULL;
		pfree(text);
	}
	if (versions.count > 0)
		qsort(versions.names, versions.count, sizeof(char *), compare_versions);
	return versions;
}

/* Says how many migrations of the folder are not run, and which are not there. */
static void
warn_of_ruby(const VifloFolder *folder, VifloHistory *history,
			 const VifloNames *versions)
{
	const char *missing = NULL;
	int			count = 0;

	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		char	   *version;

		if (!is_ruby(file->name, file->dir_length))
			continue;
		count++;
		version = pnstrdup(viflo_file_base(file),
						   strspn(viflo_file_base(file), "0123456789"));
		if (missing == NULL &&
			(versions->count == 0 || bsearch(&version, versions->names, versions->count,
											 sizeof(char *), compare_versions) == NULL))
			missing = file->name;
	}
	if (missing != NULL)
		viflo_reader_warn(history, folder, missing,
						  "not run, as Ruby migrations are not, and " STRUCTURE " does not have it");
	else if (count > 0)
		viflo_reader_warn(history, folder, STRUCTURE,
						  psprintf("stands for %d Ruby migrations, which are not run", count));
}

/* The folder has no structure.sql. */
static bool
fail_without(const VifloFolder *folder, VifloFailure *failure)
{
	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];

		if (!is_ruby(file->name, file->dir_length))
			continue;
		viflo_failure_file(failure, viflo_folder_path(folder, file->name), 0, NULL,
						   "a migration in Ruby cannot be run");
		viflo_failure_hint(failure, "Name the folder that has " STRUCTURE ", with --dir db; Rails writes it where config.active_record.schema_format is :sql.");
		return false;
	}
	return true;
}

static bool
rails_read(const VifloFolder *folder, VifloHistory *history,
		   VifloFailure *failure)
{
	VifloFile  *file = viflo_folder_find(folder, STRUCTURE);
	VifloRailsDetail *detail = palloc(sizeof(VifloRailsDetail));
	VifloRevision *revision;
	VifloMigration *migration;

	if (file == NULL)
		return fail_without(folder, failure);
	if (!viflo_folder_check_text(folder, file, failure))
		return false;
	detail->versions = read_versions(file);
	warn_of_ruby(folder, history, &detail->versions);
	revision = viflo_reader_add(history, file->name);
	revision->id = pstrdup("structure");
	revision->message = pstrdup("structure of a Rails database");
	migration = viflo_reader_last(history);
	migration->file = file;
	migration->detail = detail;
	if (detail->versions.count > 0)
		migration->version = detail->versions.names[detail->versions.count - 1];
	return viflo_reader_section(folder, file, history, &revision->up, failure);
}

const VifloReader viflo_reader_rails = {
	.name = "rails",
	.wants = rails_wants,
	.claims = rails_claims,
	.read = rails_read,
	.linear = true,
};
