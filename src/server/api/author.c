/*-------------------------------------------------------------------------
 * author.c
 *	  SQL functions that register, show and forget revisions' texts.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "common/plan.h"
#include "common/script.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/leftover.h"
#include "run/lock.h"
#include "run/register.h"
#include "run/step.h"
#include "store/record.h"
#include "store/revisions.h"
#include "store/state.h"
#include "store/unfinished.h"

/* Bytes of a generated id; it has two hexadecimal digits each. */
#define ID_BYTES 6

PG_FUNCTION_INFO_V1(viflo_revision);
PG_FUNCTION_INFO_V1(viflo_merge);
PG_FUNCTION_INFO_V1(viflo_load);
PG_FUNCTION_INFO_V1(viflo_load_many);
PG_FUNCTION_INFO_V1(viflo_missing);
PG_FUNCTION_INFO_V1(viflo_script);
PG_FUNCTION_INFO_V1(viflo_remove);
PG_FUNCTION_INFO_V1(viflo_repair);

static char *
new_id(void)
{
	uint8		bytes[ID_BYTES];
	char	   *id = palloc0(2 * ID_BYTES + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	hex_encode((const char *) bytes, sizeof(bytes), id);
	return id;
}

static char *
now_iso8601(void)
{
	pg_time_t	now = timestamptz_to_time_t(GetCurrentTimestamp());
	char	   *result = palloc(32);

	pg_strftime(result, 32, "%Y-%m-%dT%H:%M:%SZ", pg_gmtime(&now));
	return result;
}

static void
set_section(VifloSection *section, const char *text, const char *argument)
{
	int			line = text ? viflo_script_marker_line(text, strlen(text)) : 0;

	/* It would end the section there, and begin another. */
	if (line > 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_SCRIPT),
				 errmsg("line %d of argument \"%s\" begins a section or header of its own", line, argument),
				 errhint("Register a whole script with viflo_load().")));
	section->text = text;
	section->length = text ? strlen(text) : 0;
	section->first_line = 1;
	section->file = text ? "-" : NULL;
}

/*
 * Writes the revision's text, registers it, and gives its id.  There is one
 * way into the catalog, that of a loaded file.
 */
static Datum
register_new(const char *project, VifloRevision *revision)
{
	StringInfoData script;
	VifloRegistration registration;

	initStringInfo(&script);
	viflo_script_write(&script, revision);
	viflo_register_read(&registration, script.data, script.len, NULL);
	viflo_register_all(project, &registration, 1, false);
	return CStringGetTextDatum(revision->id);
}

/* An id given by hand must be new: registering would replace the old one. */
static char *
choose_id(const VifloProjectState *state, char *id)
{
	VifloError	error = {0};

	if (id == NULL)
		return new_id();
	if (!viflo_name_check(id, "revision", &error))
		viflo_report_error(&error);
	if (viflo_graph_find(state->graph, id) >= 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_DUPLICATE_REVISION),
				 errmsg("revision \"%s\" is already registered in project \"%s\"", id, state->project),
				 errhint("Choose another id, or replace its text with viflo_load().")));
	return id;
}

/* The names are the state's own: copied, as it may be read anew. */
static VifloNames
copy_names(const VifloNames *names)
{
	VifloNames	result = {0, NULL};

	for (int i = 0; i < names->count; i++)
		viflo_names_add(&result, pstrdup(names->names[i]));
	return result;
}

/*
 * viflo_revision(message text, up text, down text, revision text,
 *				  down_revision text[], depends_on text[], branch_labels text[],
 *				  verify text, transactional boolean, splice boolean, project text)
 */
Datum
viflo_revision(PG_FUNCTION_ARGS)
{
	VifloRevision revision = {0};
	const char *project = viflo_arg_project(fcinfo, 10);
	VifloNames	heads = viflo_arg_names(fcinfo, 4, "down_revision", false);
	VifloNames	depends_on = viflo_arg_names(fcinfo, 5, "depends_on", false);
	VifloNames	down = {0, NULL};
	VifloNames	depends = {0, NULL};
	VifloError	error = {0};
	VifloProjectState *state;

	revision.message = viflo_arg_required(fcinfo, 0, "message");
	set_section(&revision.up, viflo_arg_required(fcinfo, 1, "up"), "up");
	set_section(&revision.down_section, viflo_arg_text(fcinfo, 2), "down");
	set_section(&revision.verify, viflo_arg_text(fcinfo, 7), "verify");
	revision.labels = viflo_arg_names(fcinfo, 6, "branch_labels", false);
	revision.created = now_iso8601();
	if (!PG_ARGISNULL(8))
		revision.transaction = PG_GETARG_BOOL(8) ? VIFLO_TRANSACTION_ON : VIFLO_TRANSACTION_OFF;

	PreventCommandIfReadOnly("viflo_revision()");
	viflo_lock_acquire(project, "");
	state = viflo_state_get(project, "");
	revision.id = choose_id(state, viflo_arg_text(fcinfo, 3));
	if (!viflo_plan_new(state->graph, (const char *const *) heads.names, heads.count,
						viflo_arg_bool(fcinfo, 9), &down, &error) ||
		!viflo_plan_depends(state->graph, (const char *const *) depends_on.names, depends_on.count,
							&depends, &error))
		viflo_report_error(&error);
	revision.down = copy_names(&down);
	revision.depends_on = copy_names(&depends);
	return register_new(project, &revision);
}

/*
 * viflo_merge(revisions text[], message text, project text)
 */
Datum
viflo_merge(PG_FUNCTION_ARGS)
{
	VifloRevision revision = {0};
	const char *project = viflo_arg_project(fcinfo, 2);
	VifloNames	revisions = viflo_arg_names(fcinfo, 0, "revisions", false);
	VifloNames	down = {0, NULL};
	VifloError	error = {0};
	VifloProjectState *state;
	StringInfoData message;

	PreventCommandIfReadOnly("viflo_merge()");
	viflo_lock_acquire(project, "");
	state = viflo_state_get(project, "");
	if (!viflo_plan_merge(state->graph, (const char *const *) revisions.names, revisions.count,
						  &down, &error))
		viflo_report_error(&error);

	revision.id = new_id();
	revision.down = copy_names(&down);
	revision.created = now_iso8601();
	revision.message = viflo_arg_text(fcinfo, 1);
	if (revision.message == NULL)
	{
		initStringInfo(&message);
		appendStringInfoString(&message, "merge ");
		for (int i = 0; i < down.count; i++)
			appendStringInfo(&message, "%s%s", i > 0 ? " and " : "", revision.down.names[i]);
		revision.message = message.data;
	}
	set_section(&revision.up, "", "up");
	set_section(&revision.down_section, "", "down");
	return register_new(project, &revision);
}

/*
 * viflo_load(script text, source text, force boolean, project text)
 */
Datum
viflo_load(PG_FUNCTION_ARGS)
{
	char	   *script = viflo_arg_required(fcinfo, 0, "script");
	VifloRegistration registration;

	viflo_register_read(&registration, script, strlen(script), viflo_arg_text(fcinfo, 1));
	viflo_register_all(viflo_arg_project(fcinfo, 3), &registration, 1, viflo_arg_bool(fcinfo, 2));
	return CStringGetTextDatum(registration.revision.id);
}

/*
 * viflo_load(scripts text[], sources text[], force boolean, project text)
 */
Datum
viflo_load_many(PG_FUNCTION_ARGS)
{
	VifloNames	scripts = viflo_arg_names(fcinfo, 0, "scripts", false);
	VifloNames	sources = viflo_arg_names(fcinfo, 1, "sources", true);
	VifloRegistration *registrations;

	if (sources.count != 0 && sources.count != scripts.count)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("scripts and sources must have the same number of elements")));

	registrations = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(VifloRegistration) * Max(scripts.count, 1));
	for (int i = 0; i < scripts.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		viflo_register_read(&registrations[i], scripts.names[i], strlen(scripts.names[i]),
							sources.count > 0 ? sources.names[i] : NULL);
	}
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	viflo_register_all(viflo_arg_project(fcinfo, 3), registrations, scripts.count,
					   viflo_arg_bool(fcinfo, 2));
	for (int i = 0; i < scripts.count; i++)
	{
		Datum		value = CStringGetTextDatum(registrations[i].revision.id);
		bool		null = false;

		viflo_result_row(fcinfo, &value, &null);
	}
	return (Datum) 0;
}

/*
 * viflo_missing(revisions text[], checksums text[], project text)
 */
Datum
viflo_missing(PG_FUNCTION_ARGS)
{
	VifloNames	revisions = viflo_arg_names(fcinfo, 0, "revisions", false);
	VifloNames	digests = viflo_arg_names(fcinfo, 1, "checksums", false);
	VifloProjectState *state = viflo_state_get(viflo_arg_project(fcinfo, 2), "");

	if (digests.count != revisions.count)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("revisions and checksums must have the same number of elements")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < revisions.count; i++)
	{
		int			node = viflo_graph_find(state->graph, revisions.names[i]);
		Datum		value;
		bool		null = false;

		if (node >= 0 && pg_strcasecmp(state->entries[node].digest, digests.names[i]) == 0)
			continue;
		value = CStringGetTextDatum(revisions.names[i]);
		viflo_result_row(fcinfo, &value, &null);
	}
	return (Datum) 0;
}

/*
 * viflo_script(revision text, project text)
 */
Datum
viflo_script(PG_FUNCTION_ARGS)
{
	const char *name = viflo_arg_required(fcinfo, 0, "revision");
	const char *project = viflo_arg_project(fcinfo, 1);
	VifloProjectState *state = viflo_state_get(project, "");
	const char *id = pstrdup(state->revisions[viflo_state_resolve(state, name)].id);
	size_t		length = 0;
	char	   *script = viflo_revisions_script(project, id, &length);

	if (script == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(script, length));
}

/*
 * viflo_remove(revision text, project text)
 */
Datum
viflo_remove(PG_FUNCTION_ARGS)
{
	viflo_register_remove(viflo_arg_project(fcinfo, 1),
						  viflo_arg_required(fcinfo, 0, "revision"));
	PG_RETURN_VOID();
}

/* Nobody knows of them any more once the row is gone. */
static void
warn_of_leftovers(const VifloUnfinished *unfinished)
{
	VifloNames	names = {0, NULL};

	viflo_leftover_list(unfinished, &names);
	for (int i = 0; i < names.count; i++)
		ereport(WARNING,
				(errmsg("index \"%s\" is left, and is invalid", names.names[i]),
				 errdetail("Revision \"%s\" was creating it when it was cut off.",
						   unfinished->revision),
				 errhint("Drop it with DROP INDEX CONCURRENTLY.")));
}

/*
 * viflo_repair(revision text, project text, tenant text)
 *
 * A text is the same for all tenants: without one, what is applied is put
 * right for all of them.  What is half done is forgotten only where it is
 * asked for, as somebody has to have set that right by hand.
 */
Datum
viflo_repair(PG_FUNCTION_ARGS)
{
	const char *name = viflo_arg_required(fcinfo, 0, "revision");
	const char *project = viflo_arg_project(fcinfo, 1);
	const char *tenants = viflo_arg_tenants(fcinfo, 2);
	const char *tenant = tenants != NULL ? tenants : "";
	VifloProjectState *state;
	VifloUnfinished *unfinished;
	const char *id;
	char		checksum[65];
	int			node;

	PreventCommandIfReadOnly("viflo_repair()");
	viflo_steps_check_not_running("repair a revision");
	viflo_lock_acquire(project, tenant);
	state = viflo_state_get(project, tenant);
	node = viflo_state_resolve(state, name);
	id = pstrdup(state->revisions[node].id);
	strlcpy(checksum, state->revisions[node].checksum, sizeof(checksum));
	unfinished = viflo_unfinished_get(project, tenant, id);
	if (unfinished != NULL)
	{
		warn_of_leftovers(unfinished);
		viflo_unfinished_delete(project, tenant, id);
	}
	else if (viflo_record_find(project, tenants, id) == NULL)
		ereport(ERROR,
				(viflo_errcode(VIFLO_INVALID_TARGET),
				 errmsg("revision \"%s\" is neither applied nor half done", id)));
	viflo_state_announce_applied(project, tenants);
	viflo_record_repair(project, tenants, id, checksum);
	PG_RETURN_VOID();
}
