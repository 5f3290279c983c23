/*-------------------------------------------------------------------------
 * sqitch.c
 *	  Sqitch: sqitch.plan, deploy/, revert/ and verify/.
 *
 * The plan's order is the chain.  A change is a revision of its name; when it
 * is reworked, the instances after the first are name~2 and so on, which no
 * change can be called, so that the first keeps its id.  What it requires of
 * this plan becomes depends_on; of other projects it is not checked, nor are
 * conflicts, which one line of changes cannot have.  A tag becomes a label of
 * the change it follows; where it could not be one, or is a change's name,
 * "tag/" stands before it.
 *
 * Scripts are psql's, run in the folder.  That of a change that was reworked
 * is NAME@TAG.sql: with the first of the tags up to the rework, the latest
 * first, for which there is a deploy script.
 *
 * migration->detail is the VifloSqitchChange, version its id; history->detail
 * is the VifloSqitchPlan.
 *
 * Rules: App::Sqitch::Plan::Change, ::Target, ::Engine::pg.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <pwd.h>
#include <time.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/reader/psql_script.h"
#include "cli/reader/sqitch_conf.h"
#include "cli/reader/sqitch_id.h"
#include "cli/reader/sqitch_plan.h"
#include "common/script.h"
#include "common/sqlstate.h"

/* The project that is being read. */
typedef struct Project
{
	const VifloFolder *folder;
	VifloHistory *history;
	VifloSqitchConf conf;
	VifloSqitchPlan *plan;
	const VifloFile *plan_file;
} Project;

/* Is dir, or a part of it, the folder of one kind of scripts? */
static bool
is_script_dir(const char *dir, int length)
{
	for (const char *p = dir; p < dir + length;)
	{
		const char *slash = memchr(p, '/', dir + length - p);
		int			part = (slash ? slash : dir + length) - p;

		for (int i = 0; i < VIFLO_SQITCH_SCRIPTS; i++)
		{
			if (part == strlen(viflo_sqitch_scripts[i]) &&
				strncmp(p, viflo_sqitch_scripts[i], part) == 0)
				return true;
		}
		p += part + 1;
	}
	return false;
}

static bool
sqitch_wants(const char *name, int dir_length)
{
	if (strcmp(name, VIFLO_SQITCH_CONF) == 0 || viflo_has_suffix(name, ".plan"))
		return true;
	return viflo_has_suffix(name, ".sql") && is_script_dir(name, dir_length);
}

static VifloClaim
sqitch_claims(const VifloFolder *folder, const VifloFile *file)
{
	if (strcmp(file->name, VIFLO_SQITCH_PLAN) == 0 ||
		strcmp(file->name, VIFLO_SQITCH_CONF) == 0)
		return VIFLO_CLAIM_SURE;
	return sqitch_wants(file->name, file->dir_length) &&
		(viflo_folder_find(folder, VIFLO_SQITCH_PLAN) != NULL ||
		 viflo_folder_find(folder, VIFLO_SQITCH_CONF) != NULL) ?
		VIFLO_CLAIM_NAME : VIFLO_CLAIM_NONE;
}

/* A file wherever the project has it; NULL: there is none. */
static const VifloFile *
find_file(Project *project, const char *name)
{
	const VifloFile *file = viflo_folder_find(project->folder, name);

	if (file != NULL)
		return file;
	file = viflo_folder_other(project->folder, name);
	if (file->error == ENOENT)
		return NULL;
	project->history->outside = true;
	return file;
}

/* The file name of a reworked change's scripts, without folder. */
static char *
reworked_name(Project *project, const VifloSqitchChange *change)
{
	const VifloSqitchPlan *plan = project->plan;
	int			last = plan->changes[change->after].tags;
	char	   *first = NULL;

	/* Of one change's tags the earliest counts, of changes the latest. */
	for (int end = last; end > change->tags;)
	{
		int			begin = end;

		while (begin > change->tags && plan->tags[begin - 1].change == plan->tags[end - 1].change)
			begin--;
		for (int i = begin; i < end; i++)
		{
			char	   *name = psprintf("%s@%s%s", change->is.name, plan->tags[i].is.name,
										project->conf.extension);

			if (find_file(project,
						  viflo_sqitch_join(project->conf.reworked_dirs[VIFLO_SQITCH_DEPLOY],
											name)) != NULL)
				return name;
			if (first == NULL)
				first = name;
		}
		end = begin;
	}
	return first;
}

/* The id of a change: its name, and from the second instance on a number. */
static char *
revision_id(const VifloSqitchChange *change)
{
	return change->instance == 1 ? pstrdup(change->is.name) :
		psprintf("%s~%d", change->is.name, change->instance);
}

/* Reads one script; *file stays NULL where there is none. */
static bool
read_script(Project *project, VifloSqitchScript kind, const VifloSqitchChange *change,
			const char *name, const VifloFile **file, VifloSection *section,
			VifloFailure *failure)
{
	const char *const *dirs = change->after >= 0 ? project->conf.reworked_dirs : project->conf.dirs;
	char	   *path = viflo_sqitch_join(dirs[kind], name);

	*file = find_file(project, path);
	if (*file == NULL)
		return true;
	errno = (*file)->error;
	if (errno != 0)
		return viflo_failure_file(failure, viflo_folder_path(project->folder, path), 0, NULL,
								  "could not read file: %m");
	return viflo_psql_section(project->folder, *file, project->history,
							  &project->conf.variables[kind], section, failure);
}

static bool
add_revision(Project *project, VifloSqitchChange *change, VifloFailure *failure)
{
	char	   *name = change->after >= 0 ? reworked_name(project, change) :
	psprintf("%s%s", change->is.name, project->conf.extension);
	VifloRevision *revision = viflo_reader_add(project->history, project->plan_file->name);
	VifloMigration *migration = viflo_reader_last(project->history);
	const VifloFile *other;
	VifloError	error = {0};

	revision->id = revision_id(change);
	revision->message = change->is.note[0] != '\0' ? change->is.note : change->is.name;
	revision->created = change->is.date;
	for (int i = 0; i < change->nneeds; i++)
	{
		char	   *needed = revision_id(&project->plan->changes[change->needs[i]]);

		if (!viflo_names_contain(&revision->depends_on, needed))
			viflo_names_add(&revision->depends_on, needed);
	}
	migration->version = change->is.id;
	migration->detail = change;
	if (!read_script(project, VIFLO_SQITCH_DEPLOY, change, name, &migration->file,
					 &revision->up, failure))
		return false;
	if (migration->file == NULL)
		return viflo_failure_file(failure,
								  viflo_folder_path(project->folder, project->plan_file->name),
								  change->is.line, NULL, "change \"%s\" has no deploy script \"%s\"",
								  change->is.name, name);
	migration->source = migration->file->name;
	if (!viflo_sqitch_sha1(migration->file->text, migration->file->length,
						   change->script_hash, &error))
		return viflo_failure_common(failure, NULL, &error);
	return read_script(project, VIFLO_SQITCH_REVERT, change, name, &other,
					   &revision->down_section, failure) &&
		read_script(project, VIFLO_SQITCH_VERIFY, change, name, &other,
					&revision->verify, failure);
}

/* The label of a tag. */
static char *
tag_label(const Project *project, const VifloSqitchTag *tag)
{
	char	   *label = pstrdup(tag->is.name);
	VifloError	error = {0};
	bool		fits;

	for (char *p = label; *p != '\0'; p++)
	{
		if (strchr("+,", *p) != NULL)
			*p = '_';
	}
	fits = viflo_name_check(label, "branch label", &error);
	for (int i = 0; i < project->plan->count && fits; i++)
		fits = strcmp(project->plan->changes[i].is.name, label) != 0;
	return fits ? label : psprintf("tag/%s", label);
}

/* Says what of the plan is not minded. */
static void
warn_of_projects(Project *project, const VifloSqitchChange *change)
{
	for (int i = 0; i < change->requires.count; i++)
	{
		if (strchr(change->requires.names[i], ':') != NULL)
			viflo_reader_warn(project->history, project->folder, project->plan_file->name,
							  psprintf("change \"%s\" requires \"%s\" of another project, which is not checked",
									   change->is.name, change->requires.names[i]));
	}
	for (int i = 0; i < change->conflicts.count; i++)
		viflo_output_verbose("%s:%d: conflict of \"%s\" with \"%s\" is not checked",
							 viflo_folder_path(project->folder, project->plan_file->name),
							 change->is.line, change->is.name, change->conflicts.names[i]);
}

/* Finds and reads sqitch.conf and the plan. */
static bool
open_project(Project *project, VifloFailure *failure)
{
	const VifloFolder *folder = project->folder;
	VifloError	error = {0};
	char	   *path;

	if (!viflo_sqitch_conf_read(folder, &project->conf, failure))
		return false;
	path = viflo_folder_path(folder, project->conf.plan_file);
	project->plan_file = find_file(project, project->conf.plan_file);
	if (project->plan_file == NULL)
		return viflo_failure_file(failure, path, 0, NULL, "plan is not there");
	errno = project->plan_file->error;
	if (errno != 0)
		return viflo_failure_file(failure, path, 0, NULL, "could not read file: %m");
	if (!viflo_folder_check_text(folder, project->plan_file, failure))
		return false;
	project->plan = palloc(sizeof(VifloSqitchPlan));
	return viflo_sqitch_plan_read(project->plan_file->text, project->plan_file->length,
								  project->plan, &error) ||
		viflo_failure_common(failure, path, &error);
}

static bool
sqitch_read(const VifloFolder *folder, VifloHistory *history, VifloFailure *failure)
{
	Project		project = {.folder = folder,.history = history};

	if (folder->count == 0)
		return true;
	if (!open_project(&project, failure))
		return false;
	history->detail = project.plan;
	/* The scripts are expanded here, their variables with them. */
	history->placeholders.off = true;
	for (int i = 0; i < project.plan->count; i++)
	{
		if (!add_revision(&project, &project.plan->changes[i], failure))
			return false;
		warn_of_projects(&project, &project.plan->changes[i]);
	}
	for (int i = 0; i < project.plan->ntags; i++)
	{
		const VifloSqitchTag *tag = &project.plan->tags[i];

		viflo_names_add(&history->revisions[tag->change].labels, tag_label(&project, tag));
	}
	return true;
}

/* Who plans a change: as Sqitch finds it out, but for its user's own file. */
static char *
planner(const VifloSqitchConf *conf)
{
	const char *name = getenv("SQITCH_FULLNAME");
	const char *email = getenv("SQITCH_EMAIL");
	const struct passwd *user = getpwuid(geteuid());
	const char *login = user ? user->pw_name : "nobody";
	char		host[256] = "localhost";

	if (name == NULL)
		name = conf->user_name;
	if (name == NULL && user != NULL && user->pw_gecos != NULL && user->pw_gecos[0] != ',')
		name = pnstrdup(user->pw_gecos, strcspn(user->pw_gecos, ","));
	if (name == NULL || name[0] == '\0' || strpbrk(name, "<#\n") != NULL)
		name = login;
	if (email == NULL)
		email = conf->user_email;
	(void) gethostname(host, sizeof(host) - 1);
	if (email == NULL || email[0] == '\0' || strpbrk(email, ">#\n") != NULL)
		email = psprintf("%s@%s", login, host);
	return psprintf("%s <%s>", name, email);
}

/* A name for a new change that is none yet. */
static char *
new_name(const VifloHistory *history, const char *message)
{
	VifloError	error = {0};
	StringInfoData slug;
	int			length;

	initStringInfo(&slug);
	viflo_script_slug(&slug, message, 60);
	if (!viflo_sqitch_is_name(slug.data) || !viflo_name_check(slug.data, "revision", &error))
		appendStringInfoString(&slug, slug.len > 0 ? "_change" : "change");
	length = slug.len;
	for (int number = 2, i = 0; i < history->count; i++)
	{
		if (strcmp(history->revisions[i].id, slug.data) != 0)
			continue;
		slug.data[slug.len = length] = '\0';
		appendStringInfo(&slug, "_%d", number++);
		i = -1;
	}
	return slug.data;
}

/* Appends text to the plan as one line's note. */
static void
append_note(StringInfo plan, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '\n' || *text == '\r' || *text == '\\')
			appendStringInfo(plan, "\\%c", *text == '\n' ? 'n' : *text == '\r' ? 'r' : '\\');
		else
			appendStringInfoChar(plan, *text);
	}
	appendStringInfoChar(plan, '\n');
}

/* One of the new change's scripts: the text given, or an empty frame. */
static void
add_script(VifloNewFiles *files, const VifloSqitchConf *conf, VifloSqitchScript kind,
		   const char *project, const char *name, const char *text)
{
	static const char *const titles[VIFLO_SQITCH_SCRIPTS] = {"Deploy", "Revert", "Verify"};
	char	   *path = viflo_sqitch_join(conf->dirs[kind], psprintf("%s%s", name, conf->extension));
	StringInfo	file = viflo_new_file(files, path);

	if (text != NULL)
		appendStringInfoString(file, text);
	else
		appendStringInfo(file, "-- %s %s:%s %s pg\n\nBEGIN;\n\n\n\n%s;\n", titles[kind],
						 project, name, kind == VIFLO_SQITCH_REVERT ? "from" :
						 kind == VIFLO_SQITCH_VERIFY ? "on" : "to",
						 kind == VIFLO_SQITCH_VERIFY ? "ROLLBACK" : "COMMIT");
}

/* The change comes last in the plan, as "sqitch add" has it. */
static bool
sqitch_create(const VifloHistory *history, const VifloNewRevision *wanted,
			  char **id, VifloNewFiles *files, VifloFailure *failure)
{
	const VifloSqitchPlan *plan = history->detail;
	const VifloSettings *settings = history->settings;
	const char *project = plan ? plan->project : settings->project;
	VifloFolder nothing = {.path = settings->dir};
	VifloSqitchConf conf;
	StringInfo	text;
	char		date[32];

	if (project == NULL || (plan == NULL && !viflo_sqitch_is_name(project)))
		project = VIFLO_DEFAULT_PROJECT;
	if (!viflo_sqitch_conf_read(files->folder ? files->folder : &nothing, &conf, failure))
		return false;
	*id = new_name(history, wanted->message);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&wanted->time));
	text = viflo_changed_file(files, conf.plan_file);
	if (text->len == 0)
		appendStringInfo(text, "%%syntax-version=1.0.0\n%%project=%s\n\n", project);
	else if (text->data[text->len - 1] != '\n')
		appendStringInfoChar(text, '\n');
	appendStringInfo(text, "%s %s %s # ", *id, date, planner(&conf));
	append_note(text, wanted->message);
	add_script(files, &conf, VIFLO_SQITCH_DEPLOY, project, *id, wanted->up);
	if (wanted->up == NULL || wanted->down != NULL)
		add_script(files, &conf, VIFLO_SQITCH_REVERT, project, *id, wanted->down);
	if (wanted->up == NULL || wanted->verify != NULL)
		add_script(files, &conf, VIFLO_SQITCH_VERIFY, project, *id, wanted->verify);
	return true;
}

const VifloReader viflo_reader_sqitch = {
	.name = "sqitch",
	.wants = sqitch_wants,
	.claims = sqitch_claims,
	.read = sqitch_read,
	.linear = true,
	.create = sqitch_create,
	.keeps_verify = true,
};
