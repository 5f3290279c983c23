/*-------------------------------------------------------------------------
 * tool.c
 *	  The history tables of other migration tools, one entry each.
 *
 * Where a tool keeps a row for each migration, the row counts.  Where it
 * keeps only the newest version (golang-migrate, tern, Alembic), or compares
 * with the newest alone (Drizzle), all that is before it counts as applied:
 * that is what the tool itself would never run again.
 *
 * Rules: the tools' own sources, those parts that create and read the table.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/adopt/checksum.h"
#include "cli/adopt/tool.h"
#include "cli/reader/atlas.h"
#include "cli/reader/flyway.h"
#include "cli/reader/graphile.h"
#include "cli/reader/liquibase.h"
#include "cli/reader/refinery.h"
#include "cli/reader/sqitch_plan.h"

/* Compares, and keeps what was computed for the message. */
static bool
is_same(char *computed, const char *checksum, char **expected)
{
	*expected = computed;
	return computed != NULL && pg_strcasecmp(computed, checksum) == 0;
}

static bool
drizzle_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
				char **expected)
{
	const VifloFile *file = history->migrations[number].file;

	return is_same(viflo_checksum_sha256(file->text, file->length), row->checksum, expected);
}

static bool
sqlx_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
			 char **expected)
{
	const VifloFile *file = history->migrations[number].file;

	return is_same(viflo_checksum_sha384(file->text, file->length), row->checksum, expected);
}

static bool
atlas_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
			  char **expected)
{
	const VifloAtlasDetail *detail = history->migrations[number].detail;
	const char *checksum = row->checksum;

	if (detail->hash == NULL)
		return true;
	*expected = pstrdup(detail->hash);
	if (strncmp(checksum, "h1:", 3) == 0)
		checksum += 3;
	return strcmp(detail->hash, checksum) == 0;
}

/* As the query has it: 01.10.0 is 1.10, as Flyway compares numbers. */
static const char *
flyway_version(const VifloHistory *history, int number)
{
	const VifloFlywayDetail *detail = history->migrations[number].detail;
	StringInfoData version;

	if (detail->type == 'R')
		return psprintf("R:%s", detail->description);
	initStringInfo(&version);
	for (const char *part = history->migrations[number].version; part != NULL;)
	{
		const char *dot = strchr(part, '.');

		while (part[0] == '0' && isdigit((unsigned char) part[1]))
			part++;
		appendStringInfo(&version, "%.*s%s", (int) strcspn(part, "."), part, dot ? "." : "");
		part = dot ? dot + 1 : NULL;
	}
	while (version.len > 2 && strcmp(version.data + version.len - 2, ".0") == 0)
		version.data[version.len -= 2] = '\0';
	return version.data;
}

/*
 * Where a version was applied itself, a baseline script that has come to stand
 * for it since counts as applied, too, though it is another text.
 */
static bool
flyway_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
			   char **expected)
{
	const VifloFlywayDetail *detail = history->migrations[number].detail;
	const VifloFile *file = history->migrations[number].file;

	return (detail->type == 'B' && row->state != VIFLO_TOOL_BASELINE) ||
		is_same(viflo_checksum_flyway(detail->text, detail->length), row->checksum, expected) ||
		(detail->type == 'R' &&
		 strcmp(viflo_checksum_flyway(file->text, file->length), row->checksum) == 0);
}

static bool
graphile_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
				 char **expected)
{
	const VifloGraphileDetail *detail = history->migrations[number].detail;

	return detail == NULL || is_same(pstrdup(detail->hash), row->checksum, expected);
}

/*
 * Each database has its own versions: the one whose folder lies in migrations/
 * and, for any other folder, "default".
 */
static bool
hasura_concerns(const VifloHistory *history, const VifloToolRow *row)
{
	char	   *path;
	const char *database;

	if (history->count == 0)
		return true;
	path = make_absolute_path(psprintf("%s/%s", history->settings->dir,
									   history->migrations[0].source));
	if (path == NULL)
		return false;
	get_parent_directory(path);
	get_parent_directory(path);
	database = last_dir_separator(path);
	if (database == NULL || !viflo_has_suffix(pnstrdup(path, database - path), "/migrations"))
		return strcmp(row->name, "default") == 0;
	return strcmp(row->name, database + 1) == 0;
}

static const char *
liquibase_version(const VifloHistory *history, int number)
{
	const VifloLiquibaseDetail *detail = history->migrations[number].detail;

	return psprintf("%s:%s", detail->author, history->migrations[number].version);
}

/* Liquibase's path may begin further up than the folder; the longest is meant. */
static int
liquibase_fits(const VifloHistory *history, int number, const VifloToolRow *row)
{
	const VifloLiquibaseDetail *detail = history->migrations[number].detail;
	const char *name = row->name ? row->name : "";
	size_t		length = strlen(detail->path);
	size_t		row_length = strlen(name);

	if (row_length < length || strcmp(name + row_length - length, detail->path) != 0)
		return 0;
	if (row_length == length ||
		(!detail->logical && strchr("/:", name[row_length - length - 1]) != NULL))
		return (int) length + 1;
	return 0;
}

/* Other versions of the checksum than 9 are not known, and pass. */
static bool
liquibase_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
				  char **expected)
{
	const VifloLiquibaseDetail *detail = history->migrations[number].detail;

	return strncmp(row->checksum, "9:", 2) != 0 ||
		is_same(viflo_checksum_liquibase(detail->text, detail->length), row->checksum, expected);
}

/*
 * Of the text, as it is or with the ends of lines that another system has.
 * Older versions of Prisma leave out the first digit of a byte where it is 0.
 */
static bool
prisma_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
			   char **expected)
{
	const VifloFile *file = history->migrations[number].file;

	*expected = viflo_checksum_sha256(file->text, file->length);
	return viflo_checksum_is_prisma(file->text, file->length, row->checksum);
}

/* Versions have 32 or 64 bits, as refinery was built; larger ones tell. */
static bool
refinery_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
				 char **expected)
{
	const VifloRefineryDetail *detail = history->migrations[number].detail;
	const VifloFile *file = history->migrations[number].file;
	bool		large = detail->version > PG_INT32_MAX;

	return (!large && is_same(viflo_checksum_refinery(detail->name, detail->version, true,
													  file->text, file->length), row->checksum, expected)) ||
		is_same(viflo_checksum_refinery(detail->name, detail->version, large,
										file->text, file->length), row->checksum, expected);
}

/* A registry holds the changes of any number of projects. */
static bool
sqitch_concerns(const VifloHistory *history, const VifloToolRow *row)
{
	const VifloSqitchPlan *plan = history->detail;

	return plan == NULL || plan->project == NULL || strcmp(row->name, plan->project) == 0;
}

static bool
sqitch_is_same(const VifloHistory *history, int number, const VifloToolRow *row,
			   char **expected)
{
	const VifloSqitchChange *change = history->migrations[number].detail;

	return is_same(pstrdup(change->script_hash), row->checksum, expected);
}

/* A time as text that is the same time again whatever DateStyle says. */
#define TIME(expression) \
	" pg_catalog.translate(pg_catalog.to_jsonb((" expression ")::pg_catalog.timestamptz)" \
	" OPERATOR(pg_catalog.#>>) '{}', 'T', ' ')"

const VifloTool viflo_tools[] = {
	{
		.name = "alembic",
		.layouts = "alembic,native",
		.table = "alembic_version",
		.columns = "version_num",
		.unordered = true,
		.query =
		"SELECT t.version_num::pg_catalog.text, NULL, NULL, NULL, NULL, 'through', NULL"
		" FROM %s t ORDER BY 1"
	},
	{
		.name = "atlas",
		.layouts = "atlas",
		.table = "atlas_schema_revisions",
		.columns = "version,applied,total,hash,executed_at",
		.own_layouts_only = true,
		.query =
		"SELECT t.version::pg_catalog.text, t.description::pg_catalog.text, NULLIF(t.hash::pg_catalog.text, ''),"
		TIME("t.executed_at") ", NULL,"
		" CASE WHEN (t.type OPERATOR(pg_catalog.&) 4) OPERATOR(pg_catalog.=) 0"
		"  AND (COALESCE(t.error, '') OPERATOR(pg_catalog.<>) '' OR t.applied OPERATOR(pg_catalog.<>) t.total) THEN 'failed'"
		"  WHEN (t.type OPERATOR(pg_catalog.&) 1) OPERATOR(pg_catalog.<>) 0"
		"   OR t.version OPERATOR(pg_catalog.=) pg_catalog.min(t.version::pg_catalog.text) OVER () THEN 'baseline'"
		"  ELSE 'applied' END,"
		" t.error::pg_catalog.text"
		" FROM %s t WHERE t.version::pg_catalog.text OPERATOR(pg_catalog.!~~) '.%%' ORDER BY t.version",
		.is_same = atlas_is_same
	},
	{
		.name = "dbmate",
		.layouts = "dbmate",
		.table = "schema_migrations",
		.columns = "version,!dirty,!name,!statements",
		.query =
		"SELECT t.version::pg_catalog.text, NULL, NULL, NULL, NULL, 'applied', NULL"
		" FROM %s t ORDER BY t.version"
	},
	{
		.name = "diesel",
		.layouts = "diesel",
		.table = "__diesel_schema_migrations",
		.columns = "version,run_on",
		.query =
		"SELECT t.version::pg_catalog.text, NULL, NULL,"
		TIME("t.run_on") ", NULL, 'applied', NULL FROM %s t ORDER BY t.version"
	},
	{
		.name = "drizzle",
		.layouts = "drizzle",
		.schema = "drizzle",
		.table = "__drizzle_migrations",
		.columns = "id,hash,created_at",
		.own_layouts_only = true,
		.query =
		"SELECT t.created_at::pg_catalog.text, NULL, t.hash::pg_catalog.text,"
		TIME("pg_catalog.to_timestamp(t.created_at::pg_catalog.float8 OPERATOR(pg_catalog./) 1000)") ", NULL,"
		" CASE WHEN t.created_at OPERATOR(pg_catalog.=) pg_catalog.max(t.created_at) OVER () THEN 'through' ELSE 'applied' END, NULL"
		" FROM %s t ORDER BY t.created_at, t.id",
		.is_same = drizzle_is_same
	},
	{
		.name = "flyway",
		.layouts = "flyway",
		.table = "flyway_schema_history",
		.columns = "installed_rank,version,description,type,checksum,installed_by,installed_on,success",
		.own_layouts_only = true,
		.query =
		"SELECT COALESCE(pg_catalog.regexp_replace(pg_catalog.regexp_replace(t.version::pg_catalog.text, '(^|[.])0+(?=[0-9])', '\\1', 'g'), '([.]0)+$', ''),"
		"  'R:' OPERATOR(pg_catalog.||) t.description::pg_catalog.text), t.description::pg_catalog.text, t.checksum::pg_catalog.text,"
		TIME("t.installed_on") ", t.installed_by::pg_catalog.text,"
		" CASE WHEN NOT t.success THEN 'failed'"
		"  WHEN t.type::pg_catalog.text OPERATOR(pg_catalog.~~) ANY ('{%%BASELINE,%%STATE_SCRIPT}') THEN 'baseline'"
		"  ELSE 'applied' END,"
		" CASE WHEN t.type::pg_catalog.text OPERATOR(pg_catalog.~~) 'UNDO%%' THEN 'its undo failed' END"
		" FROM %1$s t WHERE (t.type::pg_catalog.text OPERATOR(pg_catalog.!~~) ALL ('{SCHEMA,TABLE,DELETE,UNDO%%}')"
		"  OR NOT t.success AND t.type::pg_catalog.text OPERATOR(pg_catalog.~~) 'UNDO%%')"
		" AND NOT EXISTS (SELECT FROM %1$s u WHERE u.installed_rank OPERATOR(pg_catalog.>) t.installed_rank"
		"  AND (u.version OPERATOR(pg_catalog.=) t.version OR t.version IS NULL AND u.version IS NULL AND u.description OPERATOR(pg_catalog.=) t.description)"
		"  AND (t.version IS NULL OR u.success AND u.type::pg_catalog.text OPERATOR(pg_catalog.~~) ANY ('{UNDO%%,DELETE}')))"
		" ORDER BY t.installed_rank",
		.version = flyway_version,
		.is_same = flyway_is_same
	},
	{
		.name = "golang-migrate",
		.layouts = "golang-migrate",
		.table = "schema_migrations",
		.columns = "version,dirty",
		.query =
		"SELECT t.version::pg_catalog.text, NULL, NULL, NULL, NULL,"
		" CASE WHEN t.dirty THEN 'dirty' ELSE 'through' END, 'the row is marked dirty'"
		" FROM %s t WHERE t.version OPERATOR(pg_catalog.>=) 0 OR t.dirty"
	},
	{
		.name = "goose",
		.layouts = "goose",
		.table = "goose_db_version",
		.columns = "id,version_id,is_applied,tstamp",
		.query =
		"SELECT v.version_id::pg_catalog.text, NULL, NULL,"
		TIME("v.tstamp") ", NULL, 'applied', NULL"
		" FROM (SELECT DISTINCT ON (t.version_id) t.version_id, t.is_applied, t.tstamp FROM %s t"
		"  ORDER BY t.version_id, t.id DESC) v"
		" WHERE v.is_applied AND v.version_id OPERATOR(pg_catalog.>) 0 ORDER BY v.version_id"
	},
	{
		.name = "graphile-migrate",
		.layouts = "graphile-migrate",
		.schema = "graphile_migrate",
		.table = "migrations",
		.columns = "hash,previous_hash,filename,date",
		.own_layouts_only = true,
		.query =
		"SELECT t.filename::pg_catalog.text, NULL, t.hash::pg_catalog.text,"
		TIME("t.date") ", NULL, 'applied', NULL"
		" FROM %s t ORDER BY t.filename",
		.is_same = graphile_is_same
	},
	{
		.name = "hasura",
		.layouts = "hasura",
		.schema = "hdb_catalog",
		.table = "hdb_version",
		.columns = "cli_state",
		.query =
		"SELECT m.key, d.key, NULL, NULL, NULL, CASE WHEN m.value::pg_catalog.bool THEN 'failed' ELSE 'applied' END, 'it is marked dirty'"
		" FROM %s t, pg_catalog.jsonb_each(t.cli_state::pg_catalog.jsonb OPERATOR(pg_catalog.->) 'migrations') d,"
		" pg_catalog.jsonb_each_text(d.value) m ORDER BY m.key",
		.concerns = hasura_concerns
	},
	{
		.name = "liquibase",
		.layouts = "liquibase",
		.table = "databasechangelog",
		.columns = "id,author,filename,dateexecuted,orderexecuted,exectype,md5sum",
		.own_layouts_only = true,
		.query =
		"SELECT pg_catalog.concat(t.author, ':', t.id), t.filename::pg_catalog.text, t.md5sum::pg_catalog.text,"
		TIME("t.dateexecuted") ", NULL,"
		" CASE WHEN t.exectype::pg_catalog.text OPERATOR(pg_catalog.=) 'FAILED' THEN 'failed' ELSE 'applied' END, NULL"
		" FROM %s t WHERE t.exectype::pg_catalog.text OPERATOR(pg_catalog.<>) 'SKIPPED' ORDER BY t.orderexecuted",
		.version = liquibase_version,
		.fits = liquibase_fits,
		.is_same = liquibase_is_same
	},
	{
		.name = "node-pg-migrate",
		.layouts = "node-pg-migrate",
		.table = "pgmigrations",
		.columns = "id,name,run_on",
		.query =
		"SELECT t.name::pg_catalog.text, NULL, NULL,"
		TIME("t.run_on") ", NULL, 'applied', NULL"
		" FROM %s t ORDER BY t.run_on, t.id"
	},
	{
		.name = "prisma",
		.layouts = "prisma",
		.table = "_prisma_migrations",
		.columns = "checksum,finished_at,migration_name,logs,rolled_back_at,started_at",
		.own_layouts_only = true,
		.query =
		"SELECT t.migration_name::pg_catalog.text, NULL, t.checksum::pg_catalog.text,"
		TIME("t.finished_at") ", NULL,"
		" CASE WHEN t.finished_at IS NULL THEN 'failed' ELSE 'applied' END, t.logs::pg_catalog.text"
		" FROM %s t WHERE t.rolled_back_at IS NULL ORDER BY t.started_at, t.migration_name",
		.is_same = prisma_is_same
	},
	{
		.name = "rails",
		.layouts = "rails",
		.table = "schema_migrations",
		.columns = "version,!dirty,!name,!statements",
		.query =
		"SELECT pg_catalog.max(t.version::pg_catalog.text), NULL, NULL, NULL, NULL, 'applied', NULL"
		" FROM %s t HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0"
	},
	{
		.name = "refinery",
		.layouts = "refinery",
		.table = "refinery_schema_history",
		.columns = "version,name,applied_on,checksum",
		.own_layouts_only = true,
		.query =
		"SELECT t.version::pg_catalog.text, t.name::pg_catalog.text, t.checksum::pg_catalog.text,"
		TIME("t.applied_on") ", NULL, 'applied', NULL"
		" FROM %s t ORDER BY t.version",
		.is_same = refinery_is_same
	},
	{
		.name = "sourcegraph",
		.layouts = "sourcegraph",
		.table = "migration_logs",
		.columns = "id,schema,version,up,success,started_at,finished_at",
		.query =
		"SELECT v.version::pg_catalog.text, NULL, NULL,"
		TIME("v.finished_at") ", NULL,"
		" CASE WHEN v.success THEN 'applied' ELSE 'failed' END, v.error_message::pg_catalog.text"
		" FROM (SELECT DISTINCT ON (t.schema, t.version) t.* FROM %s t ORDER BY t.schema, t.version, t.id DESC) v"
		" WHERE v.up OR v.success IS NOT TRUE ORDER BY v.id"
	},
	{
		.name = "sqitch",
		.layouts = "sqitch",
		.schema = "sqitch",
		.table = "changes",
		.columns = "change_id,script_hash,change,project,committed_at,committer_name",
		.own_layouts_only = true,
		.query =
		"SELECT t.change_id::pg_catalog.text, t.project::pg_catalog.text, t.script_hash::pg_catalog.text,"
		TIME("t.committed_at") ", t.committer_name::pg_catalog.text, 'applied', NULL"
		" FROM %s t ORDER BY t.committed_at",
		.concerns = sqitch_concerns,
		.is_same = sqitch_is_same
	},
	{
		.name = "sqlx",
		.layouts = "sqlx,golang-migrate,numbered,supabase",
		.table = "_sqlx_migrations",
		.columns = "version,description,installed_on,success,checksum",
		.own_layouts_only = true,
		.query =
		"SELECT t.version::pg_catalog.text, t.description::pg_catalog.text, pg_catalog.encode(t.checksum, 'hex'),"
		TIME("t.installed_on") ", NULL, CASE WHEN t.success THEN 'applied' ELSE 'failed' END, NULL"
		" FROM %s t ORDER BY t.version",
		.is_same = sqlx_is_same
	},
	{
		.name = "supabase",
		.layouts = "supabase,numbered,sqlx",
		.schema = "supabase_migrations",
		.table = "schema_migrations",
		.columns = "version,!dirty",
		.query =
		"SELECT t.version::pg_catalog.text, NULL, NULL, NULL, NULL, 'applied', NULL"
		" FROM %s t ORDER BY t.version"
	},
	{
		.name = "tern",
		.layouts = "tern,numbered",
		.table = "schema_version",
		.columns = "version,!success",
		.query =
		"SELECT t.version::pg_catalog.text, NULL, NULL, NULL, NULL, 'through', NULL"
		" FROM %s t WHERE t.version OPERATOR(pg_catalog.>) 0"
	},
	{.name = NULL}
};

const VifloTool *
viflo_tool_find(const char *name, VifloFailure *failure)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const VifloTool *tool = viflo_tools; tool->name != NULL; tool++)
	{
		if (strcmp(tool->name, name) == 0)
			return tool;
		appendStringInfo(&names, "%s%s", tool > viflo_tools ? ", " : "", tool->name);
	}
	viflo_failure(failure, VIFLO_EXIT_USAGE, "unknown tool \"%s\"", name);
	viflo_failure_hint(failure, "Tools are: %s.", names.data);
	return NULL;
}
