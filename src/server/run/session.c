/*-------------------------------------------------------------------------
 * session.c
 *	  A revision's script runs as if it had a session of its own.
 *
 * Settings are taken back by a GUC nest level: all that is set inside,
 * by SET, SET LOCAL, set_config() or SET ROLE, goes when the level is left.
 * Objects in the temporary schema, cursors: those that were not there before,
 * by pg_depend, and by the memory contexts of portals.  Prepared statements
 * are in no list that can be read without a query, so a ProcessUtility hook,
 * idle while no session is open, notes their names.
 *
 * CLOSE ALL, DEALLOCATE ALL and DISCARD TEMP would reach what the caller has;
 * within a session they end what the script made.
 *
 * What the script does by name to a thing of the caller's (DROP TABLE of its
 * temporary table, DEALLOCATE of its statement) is done, and stays done.
 * Kept are also LISTEN, session advisory locks and SET CONSTRAINTS.  A
 * temporary table with deferred constraint checks still pending cannot be
 * dropped: that is the server's error.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "commands/prepare.h"
#include "miscadmin.h"
#include "nodes/memnodes.h"
#include "run/session.h"
#include "run/tenant.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/portal.h"

/*
 * Made by viflo_session_begin() in the caller's memory context, which also
 * holds all that it points to; gone with that context.
 */
struct VifloSession
{
	MemoryContext context;
	MemoryContextCallback forget;	/* for a context that ends too early */
	int			guc_level;
	ObjectAddresses *temp_objects;	/* the caller's, or NULL for none */
	List	   *portals;		/* the caller's */

	/* Those the script made; NULL: none.  Some may be gone again. */
	HTAB	   *prepared;
};

/* Key, and all of an entry, of prepared. */
typedef struct PreparedName
{
	char		name[NAMEDATALEN];
} PreparedName;

static VifloSession *open_session = NULL;
static ProcessUtility_hook_type previous_hook = NULL;

static void
forget_session(void *arg)
{
	if (open_session == arg)
		open_session = NULL;
}

static void
notice_prepared_statement(VifloSession *session, const char *name)
{
	if (session->prepared == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = NAMEDATALEN;
		control.entrysize = sizeof(PreparedName);
		control.hcxt = session->context;
		session->prepared = hash_create("viflo prepared statements", 16, &control,
										HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	(void) hash_search(session->prepared, name, HASH_ENTER, NULL);
}

/* Drops what is left of the script's prepared statements. */
static void
drop_prepared_statements(VifloSession *session)
{
	HASH_SEQ_STATUS scan;
	PreparedName *entry;

	if (session->prepared == NULL)
		return;
	hash_seq_init(&scan, session->prepared);
	while ((entry = hash_seq_search(&scan)) != NULL)
		DropPreparedStatement(entry->name, false);
}

/*
 * The memory context whose children are one for each portal.  Portals cannot
 * be listed otherwise without a query of pg_cursors at both ends of each
 * session, though there is nearly never a cursor.
 */
static MemoryContext
portals_context(void)
{
	Portal		portal = ActivePortal;
	MemoryContext result;

	if (portal != NULL)
		return portal->portalContext->parent;

	/* Outside of any portal, as a background worker's query may be. */
	portal = CreateNewPortal();
	PortalDefineQuery(portal, NULL, "", CMDTAG_UNKNOWN, NIL, NULL);
	result = portal->portalContext->parent;
	PortalDrop(portal, false);
	return result;
}

/* The portal that a child of portals_context() belongs to, or NULL. */
static Portal
portal_of_context(MemoryContext context)
{
	Portal		portal = context->ident ? GetPortalByName(context->ident) : NULL;

	return PortalIsValid(portal) && portal->portalContext == context ? portal : NULL;
}

static List *
list_portals(void)
{
	List	   *portals = NIL;

	for (MemoryContext context = portals_context()->firstchild;
		 context != NULL; context = context->nextchild)
	{
		Portal		portal = portal_of_context(context);

		if (portal != NULL)
			portals = lappend(portals, portal);
	}
	return portals;
}

/* Drops the script's cursors, but one that is running or looped over. */
static void
drop_cursors(VifloSession *session)
{
	List	   *portals = list_portals();
	ListCell   *cell;

	foreach(cell, portals)
	{
		Portal		portal = lfirst(cell);

		if (portal->status != PORTAL_ACTIVE && !portal->portalPinned &&
			!list_member_ptr(session->portals, portal))
			PortalDrop(portal, false);
	}
	list_free(portals);
}

/*
 * What stands in the backend's temporary schema; NULL when there is none.
 * Without known objects: all; with them: those that are not among them.
 */
static ObjectAddresses *
list_temp_objects(const ObjectAddresses *known)
{
	Oid			schema = LookupExplicitNamespace("pg_temp", true);
	ObjectAddresses *objects = NULL;
	Relation	depend;
	SysScanDesc scan;
	ScanKeyData key[2];
	HeapTuple	tuple;

	if (!OidIsValid(schema))
		return NULL;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(schema));

	depend = table_open(DependRelationId, AccessShareLock);
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress object;

		CHECK_FOR_INTERRUPTS();
		ObjectAddressSubSet(object, row->classid, row->objid, row->objsubid);
		if (known && object_address_present(&object, known))
			continue;
		if (objects == NULL)
			objects = new_object_addresses();
		add_exact_object_address(&object, objects);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return objects;
}

/* Drops the script's temporary objects as the end of a session would. */
static void
drop_temp_objects(VifloSession *session)
{
	ObjectAddresses *objects;

	/* Whoever makes a temporary object leaves this mark. */
	if (!(MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE))
		return;

	CommandCounterIncrement();
	objects = list_temp_objects(session->temp_objects);
	if (objects == NULL)
		return;
	performMultipleDeletions(objects, DROP_CASCADE,
							 PERFORM_DELETION_INTERNAL |
							 PERFORM_DELETION_QUIETLY |
							 PERFORM_DELETION_SKIP_EXTENSIONS);
	free_object_addresses(objects);
	CommandCounterIncrement();
}

/*
 * Does in the server's place what would reach beyond the session.  Returns
 * false for all that is the server's to do.
 */
static bool
end_own_things(Node *statement, QueryCompletion *completion)
{
	if (IsA(statement, DeallocateStmt) &&
		((DeallocateStmt *) statement)->name == NULL)
		drop_prepared_statements(open_session);
	else if (IsA(statement, ClosePortalStmt) &&
			 ((ClosePortalStmt *) statement)->portalname == NULL)
		drop_cursors(open_session);
	else if (IsA(statement, DiscardStmt) &&
			 ((DiscardStmt *) statement)->target == DISCARD_TEMP)
		drop_temp_objects(open_session);
	else
		return false;

	if (completion)
		SetQueryCompletion(completion, CreateCommandTag(statement), 0);
	return true;
}

/*
 * Notes a name only once the statement has been done: one that fails because
 * the caller has that name already must not make it the script's.
 */
static void
session_utility(PlannedStmt *plan, const char *text, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *destination,
				QueryCompletion *completion)
{
	Node	   *statement = plan->utilityStmt;
	ProcessUtility_hook_type next = previous_hook;

	if (next == NULL)
		next = standard_ProcessUtility;

	if (open_session && end_own_things(statement, completion))
		return;

	next(plan, text, read_only_tree, context, params, environment,
		 destination, completion);

	if (open_session && IsA(statement, PrepareStmt))
		notice_prepared_statement(open_session, ((PrepareStmt *) statement)->name);
}

void
viflo_session_init(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = session_utility;
}

VifloSession *
viflo_session_begin(const char *tenant)
{
	VifloSession *session = palloc0(sizeof(VifloSession));

	Assert(open_session == NULL);

	session->context = CurrentMemoryContext;
	session->forget.func = forget_session;
	session->forget.arg = session;
	session->temp_objects = list_temp_objects(NULL);
	session->portals = list_portals();
	session->guc_level = NewGUCNestLevel();
	viflo_tenant_enter(tenant);

	MemoryContextRegisterResetCallback(session->context, &session->forget);
	open_session = session;
	return session;
}

void
viflo_session_end(VifloSession *session)
{
	/* Cursors first: an open one keeps its temporary tables from going. */
	drop_cursors(session);
	drop_prepared_statements(session);
	drop_temp_objects(session);

	/*
	 * Last, so that a setting that fails to be taken back is as well placed
	 * as what else fails.
	 */
	AtEOXact_GUC(false, session->guc_level);

	if (session->temp_objects)
		free_object_addresses(session->temp_objects);
	session->temp_objects = NULL;
	list_free(session->portals);
	session->portals = NIL;
	open_session = NULL;
}

void
viflo_session_abort(VifloSession *session)
{
	open_session = NULL;
	drop_prepared_statements(session);
}
