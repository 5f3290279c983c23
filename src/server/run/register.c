/*-------------------------------------------------------------------------
 * register.c
 *	  Registers revisions: from texts to a sound graph in the catalog.
 *
 * Under the migrator lock the registered revisions and the new ones are
 * built into one graph, which finds every fault that can be known now; then
 * rows are written.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "common/script.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/lock.h"
#include "run/register.h"
#include "run/split.h"
#include "run/step.h"
#include "store/record.h"
#include "store/revisions.h"
#include "store/state.h"

/* Warns of a syntax error in a section that is registered all the same. */
static void
warn_of_syntax(const ErrorData *error)
{
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("%s", error->message),
			 errdetail("The revision is registered as it is, and will fail when it runs."),
			 error->context ? errcontext("%s", error->context) : 0));
}

/*
 * Can the section run inside a transaction?  Found out from its statements,
 * and held against what the header says.
 */
static bool
section_is_transactional(const VifloRevision *revision, const VifloSection *section,
						 const char *direction, const char *source)
{
	MemoryContext context;
	MemoryContext old;
	VifloStatements *statements;
	ErrorData  *error = NULL;
	bool		result = true;
	VifloPlace	place = {
		.revision = revision->id,
		.direction = direction,
		.file = viflo_section_file(section, source),
		.first_line = section->first_line
	};

	if (section->text == NULL)
		return true;

	context = AllocSetContextCreate(CurrentMemoryContext, "viflo registration",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	place.text = pnstrdup(section->text, section->length);
	viflo_place_enter(&place);
	statements = viflo_split_quietly(section->text, section->length, &error);
	if (statements != NULL)
		result = statements->transactional;
	for (int i = 0; statements != NULL && i < statements->count; i++)
	{
		const VifloStatement *statement = &statements->statements[i];

		if (revision->transaction != VIFLO_TRANSACTION_ON || statement->forbidden == NULL)
			continue;
		place.location = statement->location;
		place.length = statement->length;
		place.line = statement->line;
		place.number = statement->number;
		ereport(ERROR,
				(viflo_errcode(VIFLO_NOT_TRANSACTIONAL),
				 errmsg("%s cannot run inside a transaction", statement->forbidden),
				 errhint("Remove \"transaction: on\" from the revision's header.")));
	}
	viflo_place_leave(&place);
	if (error != NULL)
		warn_of_syntax(error);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result && revision->transaction != VIFLO_TRANSACTION_OFF;
}

/* Raises what the script reader found, with the line it found it on. */
static void
report_script_error(const VifloError *error, const char *source)
{
	char	   *where = source ? psprintf("line %d, file \"%s\"", error->line, source) :
	psprintf("line %d of the script", error->line);

	ereport(ERROR,
			(viflo_errcode(error->sqlstate),
			 errmsg("%s", error->message),
			 error->detail ? errdetail("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0,
			 error->line > 0 ? errcontext("%s", where) : 0));
}

void
viflo_register_read(VifloRegistration *registration, const char *script, size_t length,
					const char *source)
{
	VifloRevision *revision = &registration->revision;
	VifloError	error = {0};
	int			nest_level;

	memset(registration, 0, sizeof(*registration));
	registration->script = script;
	registration->length = length;
	registration->source = source;
	if (!viflo_script_read(script, length, revision, &error))
		report_script_error(&error, source);
	if (!viflo_digest(&script, &length, 1, registration->digest, &error))
		viflo_report_error(&error);

	/* What the parser remarks about names, it remarks again when they run. */
	nest_level = NewGUCNestLevel();
	if (client_min_messages < WARNING)
		(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	registration->transactional =
		section_is_transactional(revision, &revision->up, "up", source);
	registration->down_transactional =
		section_is_transactional(revision, &revision->down_section, "down", source);
	AtEOXact_GUC(true, nest_level);
}

/* Says which tenant, if any, stands in the way, as the detail of the error under way. */
static int
errdetail_tenant(const char *tenant, const char *state)
{
	return tenant[0] == '\0' ? 0 : errdetail("It is %s for tenant \"%s\".", state, tenant);
}

/*
 * May this registration take the place of the registered one?  Raises if not.
 */
static void
check_replacement(const VifloProjectState *state, int node,
				  const VifloRegistration *registration, bool force)
{
	const char *id = registration->revision.id;
	const char *registered = state->revisions[node].checksum;
	const char *checksum = registration->revision.checksum;
	const char *tenant;

	if (state->entries[node].bundled && !creating_extension)
		ereport(ERROR,
				(viflo_errcode(VIFLO_IN_USE),
				 errmsg("revision \"%s\" of project \"%s\" belongs to the extension", id, state->project),
				 errhint("Load your own revisions into a project of their own; see setting viflo_migrate.project.")));
	if (force || strcmp(registered, checksum) == 0 ||
		(state->revisions[node].repeatable && registration->revision.repeatable))
		return;
	tenant = viflo_record_find(state->project, NULL, id);
	if (tenant != NULL)
		ereport(ERROR,
				(viflo_errcode(VIFLO_CHANGED_REVISION),
				 tenant[0] == '\0' ? errmsg("revision \"%s\" is applied, and its text has changed", id) :
				 errmsg("revision \"%s\" is applied for tenant \"%s\", and its text has changed", id, tenant),
				 errdetail("The registered text has checksum %s, the new one %s.", registered, checksum),
				 errhint("Restore the text and put the change into a new revision; or load it with force => true and accept it with viflo_repair().")));
}

/*
 * Raises unless all registered revisions and the new ones together make a
 * sound graph.
 */
static void
check_graph(const VifloProjectState *state, const VifloRegistration *registrations,
			const int *nodes, int count)
{
	VifloRevision *all = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(VifloRevision) * ((Size) state->count + count));
	bool	   *replaced = palloc0(sizeof(bool) * Max(state->count, 1));
	int			total = state->count;
	VifloError	error = {0};

	if (state->count > 0)
		memcpy(all, state->revisions, sizeof(VifloRevision) * state->count);
	for (int i = 0; i < count; i++)
	{
		/* The second text of one id is left to be found as a duplicate. */
		if (nodes[i] >= 0 && !replaced[nodes[i]])
		{
			all[nodes[i]] = registrations[i].revision;
			replaced[nodes[i]] = true;
		}
		else
			all[total++] = registrations[i].revision;
	}
	if (viflo_graph_build(all, total, &error) == NULL)
		viflo_report_error(&error);
}

/* Are all of them registered with this very text? */
static bool
all_known(const VifloProjectState *state, const VifloRegistration *registrations, int count)
{
	for (int i = 0; i < count; i++)
	{
		int			node = viflo_graph_find(state->graph, registrations[i].revision.id);

		if (node < 0 || strcmp(state->entries[node].digest, registrations[i].digest) != 0)
			return false;
	}
	return true;
}

void
viflo_register_all(const char *project, VifloRegistration *registrations, int count, bool force)
{
	MemoryContext context;
	MemoryContext old;
	VifloProjectState *state = viflo_state_get(project, "");
	int		   *nodes;
	int64		position;

	if (all_known(state, registrations, count))
		return;

	PreventCommandIfReadOnly("registration of a revision");
	viflo_lock_acquire(project, "");
	state = viflo_state_get(project, "");

	context = AllocSetContextCreate(CurrentMemoryContext, "viflo registration",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	nodes = palloc(sizeof(int) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		nodes[i] = viflo_graph_find(state->graph, registrations[i].revision.id);
		if (nodes[i] >= 0 &&
			strcmp(state->entries[nodes[i]].digest, registrations[i].digest) != 0)
			check_replacement(state, nodes[i], &registrations[i], force);
	}
	check_graph(state, registrations, nodes, count);

	viflo_state_hold(state);
	viflo_state_announce_revisions(project);
	position = state->last_position;
	for (int i = 0; i < count; i++)
	{
		const VifloRegistration *registration = &registrations[i];
		const VifloEntry *known = nodes[i] < 0 ? NULL : &state->entries[nodes[i]];
		VifloRevisionRow row = {
			.project = project,
			.revision = &registration->revision,
			.position = known ? known->position : ++position,
			.transactional = registration->transactional,
			.down_transactional = registration->down_transactional,
			.bundled = creating_extension,
			.digest = registration->digest,
			.source = registration->source,
			.script = registration->script,
			.length = registration->length
		};

		CHECK_FOR_INTERRUPTS();
		if (known == NULL || strcmp(known->digest, registration->digest) != 0)
			viflo_revisions_put(&row, known != NULL);
	}
	viflo_state_release(state);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * Node that stands on node, or -1.  That repeatable revisions run after it is
 * no edge of the graph, but they name it, or a label of it.
 */
static int
find_dependent(const VifloProjectState *state, int node)
{
	const VifloGraph *graph = state->graph;
	const VifloRevision *revision = &state->revisions[node];

	if (graph->nodes[node].nchildren > 0)
		return graph->nodes[node].children[0];
	if (graph->nodes[node].ndependents > 0)
		return graph->nodes[node].dependents[0];
	for (int rank = graph->nversioned; rank < graph->count; rank++)
	{
		const VifloNames *depends_on = &state->revisions[graph->order[rank]].depends_on;

		if (viflo_names_contain(depends_on, revision->id))
			return graph->order[rank];
		for (int i = 0; i < revision->labels.count; i++)
			if (viflo_names_contain(depends_on, revision->labels.names[i]))
				return graph->order[rank];
	}
	return -1;
}

void
viflo_register_remove(const char *project, const char *revision)
{
	VifloProjectState *state;
	int			index;
	int			dependent;
	bool		repeatable;
	const char *id;
	const char *tenant;

	PreventCommandIfReadOnly("viflo_remove()");
	viflo_steps_check_not_running("remove a revision");
	viflo_lock_acquire(project, "");
	state = viflo_state_get(project, "");
	index = viflo_state_resolve(state, revision);
	dependent = find_dependent(state, index);
	repeatable = state->revisions[index].repeatable;
	id = pstrdup(state->revisions[index].id);

	if (state->entries[index].bundled)
		ereport(ERROR,
				(viflo_errcode(VIFLO_IN_USE),
				 errmsg("revision \"%s\" of project \"%s\" belongs to the extension", id, project)));
	if (dependent >= 0)
		ereport(ERROR,
				(viflo_errcode(VIFLO_IN_USE),
				 errmsg("cannot remove revision \"%s\" because others stand on it", id),
				 errdetail("Revision \"%s\" needs it.", state->revisions[dependent].id)));
	tenant = repeatable ? NULL : viflo_record_find(project, NULL, id);
	if (tenant != NULL)
		ereport(ERROR,
				(viflo_errcode(VIFLO_IN_USE),
				 errmsg("cannot remove revision \"%s\" because it is applied", id),
				 errdetail_tenant(tenant, "applied"),
				 errhint("Take it back first with viflo_downgrade().")));
	tenant = viflo_unfinished_find(project, id);
	if (tenant != NULL)
		ereport(ERROR,
				(viflo_errcode(VIFLO_IN_USE),
				 errmsg("cannot remove revision \"%s\" because it is half done", id),
				 errdetail_tenant(tenant, "half done"),
				 errhint("CALL viflo_deploy() goes on with it; viflo_repair() forgets that it was begun.")));
	viflo_state_announce_revisions(project);
	if (repeatable)
		viflo_record_forget(project, id);
	viflo_revisions_delete(project, id);
}
