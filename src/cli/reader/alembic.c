/*-------------------------------------------------------------------------
 * alembic.c
 *	  Alembic: its migrations are Python, so the team's own alembic says what
 *	  they are.
 *
 * "alembic history" gives the graph, "alembic upgrade heads --sql" the SQL of
 * every revision, and "alembic downgrade" the way back: all at once where that
 * works, else revision by revision, where those that have no offline way back
 * are left without one.  All of it runs the team's programs, so only "viflo
 * import" does it, or --allow-programs.
 *
 * alembic prints a label for all of its branch; here the first revision of the
 * branch carries it, and it holds for what follows.
 *
 * It is run in the folder that has alembic.ini: this one, or the one above.
 *
 * Rules: alembic's config.py, script/base.py, runtime/migration.py.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/program.h"
#include "cli/reader/alembic_output.h"
#include "cli/reader/reader.h"
#include "mb/pg_wchar.h"

#define INI_FILE		"alembic.ini"
#define TEMPLATE_FILE	"script.py.mako"

/* Of what alembic has printed before it failed, so much is shown. */
#define SHOWN_OUTPUT	1024

/* What alembic has said. */
typedef struct Said
{
	int			count;
	VifloAlembicEntry *entries; /* newest first */
	char	   *table;
	int			nups;
	VifloAlembicSql *ups;
	int			ndowns;
	VifloAlembicSql *downs;
} Said;

static bool
alembic_wants(const char *name, int dir_length)
{
	if (dir_length == 0)
		return strcmp(name, INI_FILE) == 0 || strcmp(name, TEMPLATE_FILE) == 0;
	return memchr(name, '/', dir_length) == NULL &&
		strcmp(name + dir_length + 1, TEMPLATE_FILE) == 0;
}

static VifloClaim
alembic_claims(const VifloFolder *folder, const VifloFile *file)
{
	return alembic_wants(file->name, file->dir_length) ? VIFLO_CLAIM_SURE : VIFLO_CLAIM_NONE;
}

/* Runs alembic; its output is palloc'd, NULL on failure. */
static char *
run_alembic(const VifloFolder *folder, int dir, const char *command,
			const char *argument, const char *option, VifloFailure *failure)
{
	const char *argv[] = {"alembic", command, argument, option, NULL};
	StringInfoData out;

	if (argument == NULL)
	{
		argv[2] = option;
		argv[3] = NULL;
	}
	setenv("PYTHONIOENCODING", "utf-8", 0);
	initStringInfo(&out);
	if (!viflo_program_run(argv, dir, &out, failure))
	{
		failure->file = pstrdup(folder->path);
		if (failure->detail == NULL && out.len > 0)
			failure->detail = pstrdup(out.data + Max(out.len - SHOWN_OUTPUT, 0));
		return NULL;
	}
	if (strlen(out.data) == out.len &&
		pg_encoding_verifymbstr(PG_UTF8, out.data, out.len) == out.len)
		return out.data;
	viflo_failure_file(failure, folder->path, 0, "22021", "alembic %s prints what is not text in UTF-8",
					   command);
	return NULL;
}

/* The folder to run it in; -1 on failure. */
static int
open_dir(const VifloFolder *folder, VifloFailure *failure)
{
	int			dir;

	if (viflo_folder_find(folder, INI_FILE) != NULL)
		return dup(folder->fd);
	dir = openat(folder->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && faccessat(dir, INI_FILE, R_OK, 0) == 0)
		return dir;
	if (dir >= 0)
		close(dir);
	viflo_failure_file(failure, folder->path, 0, NULL,
					   "there is no %s in this folder or the one above", INI_FILE);
	return -1;
}

static const VifloAlembicSql *
find_sql(const VifloAlembicSql *revisions, int count, const char *id)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(revisions[i].id, id) == 0)
			return &revisions[i];
	}
	return NULL;
}

/*
 * The SQL that is not one revision's each, of those in the history; NULL: all
 * is.  A comment of a migration's may look like the line that begins one.
 */
static const VifloAlembicSql *
find_foreign(const Said *said, const VifloAlembicSql *revisions, int count)
{
	for (int i = 0; i < count; i++)
	{
		bool		known = false;

		for (int e = 0; e < said->count && !known; e++)
			known = strcmp(said->entries[e].id, revisions[i].id) == 0;
		if (!known || find_sql(revisions, count, revisions[i].id) != &revisions[i])
			return &revisions[i];
	}
	return NULL;
}

static bool
is_head(const Said *said, const char *id)
{
	for (int i = 0; i < said->count; i++)
	{
		if (viflo_names_contain(&said->entries[i].down, id))
			return false;
	}
	return true;
}

/* The way back of one revision, where all at once did not work. */
static void
ask_for_down(const VifloFolder *folder, int dir, VifloHistory *history, Said *said,
			 const VifloAlembicEntry *entry)
{
	VifloAlembicSql *found;
	int			count;
	VifloFailure failure;
	const VifloAlembicSql *one = NULL;
	char	   *range = psprintf("%s:%s", entry->id,
								 entry->down.count > 0 ? entry->down.names[0] : "base");
	char	   *sql = run_alembic(folder, dir, "downgrade", range, "--sql", &failure);

	if (sql != NULL)
	{
		count = viflo_alembic_sql(sql, said->table, false, &found);
		if (find_foreign(said, found, count) == NULL)
			one = find_sql(found, count, entry->id);
	}
	if (one != NULL)
		said->downs[said->ndowns++] = *one;
	else
	{
		history->warned = true;
		viflo_output_warning("alembic has no SQL for the way back of \"%s\"", entry->id);
		if (sql == NULL && failure.detail != NULL)
			viflo_output_verbose("%s", failure.detail);
	}
}

static void
ask_for_downs(const VifloFolder *folder, int dir, VifloHistory *history, Said *said)
{
	const char *head = NULL;
	char	   *sql = NULL;
	int			heads = 0;
	VifloFailure failure;

	for (int i = 0; i < said->count; i++)
	{
		if (is_head(said, said->entries[i].id))
		{
			head = said->entries[i].id;
			heads++;
		}
	}
	if (heads == 1)
		sql = run_alembic(folder, dir, "downgrade", psprintf("%s:base", head), "--sql", &failure);
	if (sql != NULL)
	{
		said->ndowns = viflo_alembic_sql(sql, said->table, false, &said->downs);
		if (find_foreign(said, said->downs, said->ndowns) == NULL)
			return;
		said->ndowns = 0;
	}
	said->downs = palloc(sizeof(VifloAlembicSql) * said->count);
	for (int i = 0; i < said->count; i++)
		ask_for_down(folder, dir, history, said, &said->entries[i]);
}

static bool
ask(const VifloFolder *folder, int dir, VifloHistory *history, Said *said,
	VifloFailure *failure)
{
	char	   *text = run_alembic(folder, dir, "history", NULL, "--verbose", failure);
	const VifloAlembicSql *foreign;

	if (text == NULL)
		return false;
	said->count = viflo_alembic_history(text, &said->entries);
	if (said->count == 0)
		return true;
	text = run_alembic(folder, dir, "upgrade", "heads", "--sql", failure);
	if (text == NULL)
		return false;
	said->table = viflo_alembic_table(text);
	said->nups = viflo_alembic_sql(text, said->table, true, &said->ups);
	foreign = find_foreign(said, said->ups, said->nups);
	if (foreign != NULL)
	{
		viflo_failure_file(failure, folder->path, 0, NULL,
						   "line \"-- Running upgrade ... -> %s\" of alembic's SQL does not begin a revision",
						   foreign->id);
		viflo_failure_hint(failure, "If it is a comment in a migration, change it.");
		return false;
	}
	ask_for_downs(folder, dir, history, said);
	return true;
}

/* Does any parent's branch have the label already? */
static bool
parent_has_label(const Said *said, const VifloAlembicEntry *entry, const char *label)
{
	for (int i = 0; i < said->count; i++)
	{
		if (viflo_names_contain(&entry->down, said->entries[i].id) &&
			viflo_names_contain(&said->entries[i].labels, label))
			return true;
	}
	return false;
}

/* A text of alembic's as a section, which is no part of any file. */
static bool
add_section(const VifloFolder *folder, VifloHistory *history, const char *source,
			char *text, VifloSection *section, VifloFailure *failure)
{
	VifloFile  *file = palloc0(sizeof(VifloFile));

	file->name = pstrdup(source);
	file->text = text;
	file->length = strlen(text);
	if (!viflo_reader_section(folder, file, history, section, failure))
		return false;
	section->file = NULL;
	return true;
}

/* The last two parts of a path: versions/NAME.py. */
static const char *
short_path(const char *path)
{
	int			slashes = 0;
	const char *p = path + strlen(path);

	while (p > path && (slashes += p[-1] == '/') < 2)
		p--;
	return p;
}

static bool
add_revision(const VifloFolder *folder, VifloHistory *history, const Said *said,
			 const VifloAlembicEntry *entry, VifloNames *labels, VifloFailure *failure)
{
	const char *source = entry->path ? short_path(entry->path) : entry->id;
	const VifloAlembicSql *up = find_sql(said->ups, said->nups, entry->id);
	const VifloAlembicSql *down = find_sql(said->downs, said->ndowns, entry->id);
	VifloRevision *revision = viflo_reader_add(history, source);

	if (up == NULL)
		return viflo_failure_file(failure, folder->path, 0, NULL,
								  "alembic has no SQL for revision \"%s\"", entry->id);
	revision->id = entry->id;
	revision->message = entry->message;
	revision->created = entry->created;
	revision->down = entry->down;
	revision->depends_on = entry->depends_on;
	for (int i = 0; i < entry->labels.count; i++)
	{
		char	   *label = entry->labels.names[i];

		if (parent_has_label(said, entry, label) || viflo_names_contain(labels, label))
			continue;
		viflo_names_add(&revision->labels, label);
		viflo_names_add(labels, label);
	}
	viflo_reader_last(history)->version = entry->id;
	return add_section(folder, history, source, up->text, &revision->up, failure) &&
		(down == NULL ||
		 add_section(folder, history, source, down->text, &revision->down_section, failure));
}

static bool
alembic_read(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	const VifloSettings *settings = history->settings;
	Said		said = {0};
	VifloNames	labels = {0};
	int			dir;
	bool		good;

	if (!settings->importing && !settings->allow_programs)
	{
		viflo_failure_file(failure, folder->path, 0, NULL,
						   "migrations are Alembic's, which only alembic itself can read");
		viflo_failure_hint(failure, "Write them as native files, once, with: viflo import --dir %s --to NEW_FOLDER",
						   folder->path);
		return false;
	}
	history->outside = true;
	dir = open_dir(folder, failure);
	if (dir < 0)
		return false;
	good = ask(folder, dir, history, &said, failure);
	close(dir);
	for (int i = said.count - 1; i >= 0 && good; i--)
		good = add_revision(folder, history, &said, &said.entries[i], &labels, failure);
	return good;
}

const VifloReader viflo_reader_alembic = {
	.name = "alembic",
	.wants = alembic_wants,
	.claims = alembic_claims,
	.read = alembic_read,
	.linear = false,
};
