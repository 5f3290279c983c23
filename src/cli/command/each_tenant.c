/*-------------------------------------------------------------------------
 * each_tenant.c
 *	  --tenants: what a command does for every schema that is LIKE a pattern.
 *
 * What a CALL did is in the log only, and to read that for each tenant would
 * take a time that grows with their square: it is read once, at the end, by
 * the process that ran it and the number of the last row before.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/command.h"
#include "cli/command/each_tenant.h"
#include "cli/output.h"
#include "common/sqlstate.h"

/* Tenants that a failure names as done. */
#define MAX_NAMED	5

/* Which tenants have something to do, of viflo_tenants() as t. */
#define IS_BEHIND \
	"t.pending IS NULL OR t.pending OPERATOR(pg_catalog.>) 0 OR t.unfinished OPERATOR(pg_catalog.>) 0"
#define IS_ANYWHERE \
	"pg_catalog.cardinality(t.current) OPERATOR(pg_catalog.>) 0" \
	" OR t.missing OPERATOR(pg_catalog.>) 0 OR t.unfinished OPERATOR(pg_catalog.>) 0"
#define IS_NOT_WELL \
	IS_BEHIND " OR t.missing OPERATOR(pg_catalog.>) 0 OR t.changed OPERATOR(pg_catalog.>) 0"

/* What is to be done. */
typedef struct Work
{
	const char *function;
	bool		procedure;
	bool		has_rows;		/* gives the steps that ran */
	const char *arguments;		/* of function, but project and tenant */
	VifloDbParam params[3];		/* for them, and project */
	int			nparams;
	const char *done;			/* "upgraded" */
} Work;

/* How it goes. */
typedef struct Progress
{
	VifloDatabase *database;
	const VifloRequest *request;
	const Work *work;
	int			count;			/* tenants that match */
	VifloNames	names;			/* those with something to do */
	VifloNames	done;
	int			failed;
	char	   *last;			/* online: number of the log's last row before */
	json_t	   *tenants;		/* an object for each that was begun */
} Progress;

/* The number of those that match, and the names of those that are wanted. */
static bool
ask_tenants(Progress *progress, const char *target, const char *wanted, VifloFailure *failure)
{
	VifloDatabase *database = progress->database;
	VifloDbParam params[] = {
		viflo_db_text(progress->request->tenants), viflo_db_text(target),
		viflo_db_text(database->project)
	};
	VifloDbQuery query = {
		psprintf("SELECT pg_catalog.count(*),"
				 " pg_catalog.array_agg(t.tenant) FILTER (WHERE %s)"
				 " FROM %s.viflo_tenants($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text) t",
				 wanted, database->schema), params, 3, false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	if (!viflo_database_run(database, &query, 1, &result, failure))
		return false;
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		VifloDbTextArray names = viflo_db_row_text_array(&row, 1);

		progress->count = viflo_db_row_int64(&row, 0);
		for (int i = 0; i < names.count; i++)
			viflo_names_add(&progress->names, pstrdup(names.values[i]));
		free(names.values);
	}
	viflo_db_result_free(result);
	if (progress->count > 0)
		return true;
	viflo_failure(failure, VIFLO_EXIT_REFUSED, "no schema is like \"%s\"", progress->request->tenants);
	viflo_failure_hint(failure, "In a pattern, %% stands for any characters and _ for any one of them, as in LIKE.");
	return false;
}

/* Work for the tenant that database is set to; params is room for all. */
static VifloDbQuery
tenant_query(const Progress *progress, VifloDbParam *params)
{
	const Work *work = progress->work;
	const VifloDatabase *database = progress->database;
	VifloDbQuery query = {.params = params,.nparams = work->nparams + 1};

	memcpy(params, work->params, sizeof(work->params));
	if (work->has_rows)
		return viflo_database_call(database, VIFLO_STEP_COLUMNS, work->function, work->arguments,
								   params, work->nparams);
	params[work->nparams] = viflo_db_text(database->project);
	query.sql = psprintf("%s %s.%s(%s, project => $%d::pg_catalog.text%s)",
						 work->procedure ? "CALL" : "SELECT", database->schema, work->function,
						 work->arguments, work->nparams + 1, viflo_database_tenant(database));
	return query;
}

/*-------------------------------------------------------------------------
 * What is said
 *-------------------------------------------------------------------------
 */

static void
add_tenant(Progress *progress, const char *tenant, const char *key, json_t *value)
{
	json_array_append_new(progress->tenants,
						  json_pack("{s:o, s:o}", "tenant", viflo_output_json_string(tenant),
									key, value));
}

static void
print_steps(const char *tenant, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);
	const char **cells = palloc(sizeof(char *) * (viflo_db_result_rows(result) * 5 + 1));
	int			count = 0;

	while (viflo_db_row_next(&row))
	{
		cells[count++] = tenant;
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 0));
		cells[count++] = viflo_db_row_text(&row, 1);
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_command_duration(viflo_db_row_text(&row, 3));
	}
	viflo_output_table(cells, count / 5, 5);
	pfree(cells);
}

/* Says what ran for a tenant, and notes it. */
static void
tell_done(Progress *progress, const char *tenant, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);

	viflo_names_add(&progress->done, unconstify(char *, tenant));
	if (progress->work->has_rows && viflo_output_is_json())
		add_tenant(progress, tenant, "steps",
				   viflo_db_row_next(&row) ? json_loads(viflo_db_row_text(&row, 0), 0, NULL) : json_array());
	else if (progress->work->has_rows)
		print_steps(tenant, result);
	else if (!progress->work->procedure)
	{
		viflo_output_line("%s %s", progress->work->done, tenant);
		add_tenant(progress, tenant, progress->work->done, json_true());
	}
}

/* Of what CALLs did, one tenant's steps come one after the other. */
static void
tell_log(Progress *progress, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);
	int			rows = viflo_db_result_rows(result);
	const char **cells = palloc(sizeof(char *) * (rows * 5 + 1));
	const char *tenant = NULL;
	json_t	   *steps = NULL;
	int			count = 0;

	while (viflo_db_row_next(&row))
	{
		const char *of = viflo_db_row_text(&row, 0);

		if (tenant == NULL || strcmp(tenant, of) != 0)
		{
			steps = json_array();
			add_tenant(progress, of, "steps", steps);
		}
		tenant = of;
		json_array_append_new(steps, json_loads(viflo_db_row_text(&row, 5), 0, NULL));
		cells[count++] = of;
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 1));
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_command_duration(viflo_db_row_text(&row, 3));
		cells[count++] = viflo_db_row_text(&row, 4);
	}
	viflo_output_table(cells, rows, 5);
	pfree(cells);
}

/* Where the log ends before the first CALL, and by which number the server knows us. */
static bool
mark_log(Progress *progress, VifloFailure *failure)
{
	VifloDatabase *database = progress->database;
	VifloDbParam params[1] = {viflo_db_text(database->project)};
	VifloDbQuery query = {
		psprintf("SELECT pg_catalog.pg_backend_pid(), COALESCE(pg_catalog.max(l.id), 0)"
				 " FROM %s.viflo_log(project => $1::pg_catalog.text) l", database->schema),
		params, 1, false
	};
	VifloDbResult *result;
	VifloDbRow	row;

	if (!viflo_database_run(database, &query, 1, &result, failure))
		return false;
	row = viflo_db_rows(result, NULL);
	if (viflo_db_row_next(&row))
	{
		database->pid = viflo_db_row_int32(&row, 0);
		progress->last = pstrdup(viflo_db_row_text(&row, 1));
	}
	viflo_db_result_free(result);
	return true;
}

/* Tells what CALLs did.  That it cannot be read is no failure of what they did. */
static void
read_log(Progress *progress)
{
	VifloDatabase *database = progress->database;
	VifloDbParam params[] = {
		viflo_db_text(database->project), viflo_db_text(progress->last),
		viflo_db_int32(database->pid)
	};
	VifloDbQuery query = {
		psprintf("SELECT s.tenant, s.direction, s.revision,"
				 " (pg_catalog.date_part('epoch', s.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text,"
				 " s.detail, pg_catalog.row_to_json(s)"
				 " FROM (SELECT l.id, l.tenant, l.direction, l.revision, l.duration, l.statements,"
				 "  l.transactional, l.attempts, l.detail"
				 "  FROM %s.viflo_log(project => $1::pg_catalog.text) l"
				 "  WHERE l.id OPERATOR(pg_catalog.>) $2::pg_catalog.int8"
				 "  AND l.pid OPERATOR(pg_catalog.=) $3"
				 "  AND l.status OPERATOR(pg_catalog.=) 'done') s"
				 " ORDER BY s.id", database->schema), params, 3, false
	};
	VifloDbResult *result;

	if (viflo_db_broken(database->session) ||
		!viflo_database_look_back(database, &query, 1, &result))
	{
		viflo_output_warning("what was done cannot be read from the log");
		return;
	}
	tell_log(progress, result);
	viflo_db_result_free(result);
}

/* "2 tenants are done: "a", "b".  3 are not begun." */
static char *
describe_kept(const Progress *progress)
{
	StringInfoData kept;
	int			done = progress->done.count;
	int			left = progress->names.count - done - progress->failed;

	initStringInfo(&kept);
	if (done > 0)
		appendStringInfo(&kept, "%d %s done:", done, done == 1 ? "tenant is" : "tenants are");
	for (int i = 0; i < done; i++)
	{
		/* The last one says how far it came. */
		if (done <= MAX_NAMED || i < MAX_NAMED - 1 || i == done - 1)
			appendStringInfo(&kept, "%s \"%s\"", i > 0 ? "," : "", progress->done.names[i]);
		else if (i == MAX_NAMED - 1)
			appendStringInfo(&kept, ", %d more", done - MAX_NAMED);
	}
	if (done > 0)
		appendStringInfoChar(&kept, '.');
	if (left > 0)
		appendStringInfo(&kept, "%s%d %s not begun.", done > 0 ? " " : "", left,
						 left == 1 ? "tenant is" : "tenants are");
	return kept.data;
}

/* The document about all tenants; takes the list's reference. */
static json_t *
document(const Progress *progress)
{
	return json_pack("{s:o, s:i, s:i, s:i, s:i}", "tenants", progress->tenants,
					 progress->work->done, progress->done.count,
					 "failed", progress->failed,
					 "nothing_to_do", progress->count - progress->names.count,
					 "not_begun", progress->names.count - progress->done.count - progress->failed);
}

/*-------------------------------------------------------------------------
 * The loop
 *-------------------------------------------------------------------------
 */

static bool
run_tenant(Progress *progress, const char *tenant, VifloFailure *failure)
{
	VifloDbParam params[lengthof(progress->work->params)];
	VifloDbQuery query;
	VifloDbResult *result;

	progress->database->tenant = tenant;
	query = tenant_query(progress, params);
	if (!viflo_database_run_shown(progress->database, &query, 1, &result, failure))
		return false;
	tell_done(progress, tenant, result);
	viflo_db_result_free(result);
	return true;
}

/* Says what a tenant failed with.  Is there any use in going on with the next? */
static bool
may_go_on(Progress *progress, const char *tenant, VifloFailure *failure)
{
	bool		lost = viflo_db_broken(progress->database->session);

	failure->message = psprintf("tenant \"%s\": %s", tenant, failure->message);
	if (viflo_database_interrupted())
		viflo_failure_hint(failure, "You asked to stop: what was done before stays.");
	else if (lost)
		viflo_failure_hint(failure, "What was done before stays. The same command again goes on from there.");
	return progress->request->keep_going && !lost && !viflo_database_interrupted();
}

/* One after the other; false: *failure ended it. */
static bool
run_tenants(Progress *progress, VifloFailure *failure)
{
	for (int i = 0; i < progress->names.count; i++)
	{
		const char *tenant = progress->names.names[i];

		if (run_tenant(progress, tenant, failure))
			continue;
		if (!may_go_on(progress, tenant, failure))
		{
			/*
			 * Nothing was sent for it where the user had asked to stop
			 * before.
			 */
			if (failure->sqlstate != NULL)
				progress->failed++;
			return false;
		}
		progress->failed++;
		add_tenant(progress, tenant, "error", viflo_output_failure_of_part(failure));
	}
	if (progress->failed == 0)
		return true;
	return viflo_failure(failure, VIFLO_EXIT_REFUSED, "%d of %d tenants failed",
						 progress->failed, progress->names.count);
}

static int
fail(Progress *progress, VifloFailure *failure)
{
	json_t	   *more;

	if (progress->last != NULL)
		read_log(progress);
	more = document(progress);
	failure->kept = describe_kept(progress);
	return viflo_output_failure_more(failure, more);
}

static int
run_all(Progress *progress, const char *target, const char *wanted)
{
	const Work *work = progress->work;
	VifloFailure failure;

	if (!ask_tenants(progress, target, wanted, &failure))
		return viflo_output_failure(&failure);
	progress->tenants = json_array();
	if (work->procedure && progress->names.count > 0 && !mark_log(progress, &failure))
		return viflo_output_failure(&failure);
	if (!run_tenants(progress, &failure))
		return fail(progress, &failure);
	if (progress->last != NULL)
		read_log(progress);
	viflo_output_line("%d of %d tenants %s", progress->done.count, progress->count, work->done);
	viflo_output_json(document(progress));
	viflo_database_close(progress->database);
	return VIFLO_EXIT_DONE;
}

/*-------------------------------------------------------------------------
 * The commands
 *-------------------------------------------------------------------------
 */

int
viflo_tenants_upgrade(const VifloRequest *request, const char *target)
{
	VifloDatabase database;
	VifloLocal	local = {0};
	VifloUpload upload;
	VifloFailure failure;
	VifloDbQuery load;
	VifloDbResult *loaded;
	Work		work = {
		.function = "viflo_upgrade",.has_rows = true,.arguments = "target => $1::pg_catalog.text",
		.params = {viflo_db_text(target)},.nparams = 1,.done = "upgraded"
	};
	Progress	progress = {.database = &database,.request = request,.work = &work};
	bool		folder = request->settings.dir_exists;
	int			count;

	if (!viflo_database_open(&database, &request->settings, folder ? &local : NULL, &failure))
		return viflo_output_failure(&failure);
	count = viflo_command_prepare(&database, folder ? &local : NULL, &upload, &load, &failure);
	if (count > 0 && !viflo_database_run(&database, &load, 1, &loaded, &failure))
	{
		viflo_command_blame(&local, &failure);
		count = -1;
	}
	if (count < 0)
		return viflo_output_failure(&failure);
	if (count > 0)
		viflo_db_result_free(loaded);
	return run_all(&progress, target, IS_BEHIND);
}

int
viflo_tenants_downgrade(const VifloRequest *request, VifloDatabase *database, const char *target)
{
	Work		work = {
		.function = "viflo_downgrade",.has_rows = true,.arguments = "target => $1::pg_catalog.text",
		.params = {viflo_db_text(target)},.nparams = 1,.done = "downgraded"
	};
	Progress	progress = {.database = database,.request = request,.work = &work};

	return run_all(&progress, "heads", IS_ANYWHERE);
}

int
viflo_tenants_online(const VifloRequest *request, VifloDatabase *database, const char *procedure,
					 const char *target)
{
	bool		up = strcmp(procedure, "viflo_deploy") == 0;
	Work		work = {
		.function = procedure,.procedure = true,.arguments = "target => $1::pg_catalog.text",
		.params = {viflo_db_text(target)},.nparams = 1,.done = up ? "deployed" : "reverted"
	};
	Progress	progress = {.database = database,.request = request,.work = &work};

	return run_all(&progress, up ? target : "heads", up ? IS_BEHIND : IS_ANYWHERE);
}

int
viflo_tenants_stamp(const VifloRequest *request, VifloDatabase *database, const VifloLocal *local,
					const VifloDbQuery *queries, int count)
{
	bool		one = request->nargs == 1;
	Work		work = {
		.function = "viflo_stamp",
		.arguments = one ? "target => $1::pg_catalog.text, purge => $2::pg_catalog.bool" :
		"targets => $1::pg_catalog.text[], purge => $2::pg_catalog.bool",
		.params = {
			one ? viflo_db_text(request->args[0]) :
			viflo_db_text_array((const char *const *) request->args, NULL, request->nargs),
			viflo_db_bool(request->purge)
		},
		.nparams = 2,.done = "stamped"
	};
	Progress	progress = {.database = database,.request = request,.work = &work};
	VifloFailure failure;
	VifloDbResult *loaded;

	if (count > 0 && !viflo_database_run(database, queries, 1, &loaded, &failure))
	{
		viflo_command_blame(local, &failure);
		return viflo_output_failure(&failure);
	}
	if (count > 0)
		viflo_db_result_free(loaded);
	return run_all(&progress, "heads", "true");
}

/* The tenants that are not where they shall be, with what is the matter. */
static bool
print_not_well(const Progress *progress, VifloFailure *failure)
{
	VifloDatabase *database = progress->database;
	VifloDbParam params[] = {
		viflo_db_text(progress->request->tenants), viflo_db_text(database->project)
	};
	VifloDbQuery query = {
		psprintf("SELECT t.tenant, " VIFLO_TENANT_STATE
				 " FROM %s.viflo_tenants($1::pg_catalog.text, 'heads', $2::pg_catalog.text) t WHERE " IS_NOT_WELL,
				 database->schema), params, 2, false
	};
	VifloDbResult *result;

	if (!viflo_output_is_json())
	{
		if (!viflo_database_run(database, &query, 1, &result, failure))
			return false;
		viflo_command_print(result);
		viflo_db_result_free(result);
	}
	viflo_failure(failure, VIFLO_EXIT_BEHIND, "%d of %d tenants are behind, changed or half done",
				  progress->names.count, progress->count);
	failure->sqlstate = pstrdup(VIFLO_BEHIND);
	viflo_failure_hint(failure, "\"viflo tenants\" shows where each of them stands.");
	return false;
}

bool
viflo_tenants_check(const VifloRequest *request, VifloDatabase *database, VifloFailure *failure)
{
	Progress	progress = {.database = database,.request = request};

	if (!ask_tenants(&progress, "heads", IS_NOT_WELL, failure))
		return false;
	if (progress.names.count > 0)
		return print_not_well(&progress, failure);
	if (!ask_tenants(&progress, "heads", "true", failure))
		return false;
	database->tenant = progress.names.names[0];
	return true;
}

VifloDbQuery
viflo_tenants_plan(const VifloRequest *request, const VifloDatabase *database,
				   VifloDbParam params[3])
{
	VifloDbQuery query = {.params = params,.nparams = 3};

	params[0] = viflo_db_text(request->tenants);
	params[1] = viflo_db_text(request->nargs > 0 ? request->args[0] : "head");
	params[2] = viflo_db_text(database->project);
	query.sql = psprintf("SELECT %s FROM (SELECT s.tenant, p.*"
						 " FROM %s.viflo_tenants($1::pg_catalog.text, 'heads', $3::pg_catalog.text) s,"
						 " %s.viflo_plan($2::pg_catalog.text, $3::pg_catalog.text, s.tenant) p) t",
						 viflo_output_is_json() ? "COALESCE(pg_catalog.json_agg(t), '[]')" :
						 "t.tenant, pg_catalog.rpad(t.direction, 4), t.revision, t.message,"
						 " CASE WHEN NOT t.transactional THEN '(not in a transaction)' END",
						 database->schema, database->schema);
	return query;
}
