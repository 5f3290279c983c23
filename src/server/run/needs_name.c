/*-------------------------------------------------------------------------
 * needs_name.c
 *	  Names of raw statements to OIDs, without locks and without errors.
 *
 * The server's own functions for it raise errors about schemas that may not be
 * used, even where they are told that the object may be missing.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "run/needs_name.h"

static Oid
resolve(const char *database, const char *schema, const char *name)
{
	Oid			namespace;

	if (database != NULL && strcmp(database, get_database_name(MyDatabaseId)) != 0)
		return InvalidOid;
	if (schema == NULL)
		return RelnameGetRelid(name);
	namespace = LookupNamespaceNoError(schema);
	return OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
}

Oid
viflo_needs_resolve(const RangeVar *name)
{
	if (name == NULL)
		return InvalidOid;
	return resolve(name->catalogname, name->schemaname, name->relname);
}

Oid
viflo_needs_resolve_names(List *names)
{
	int			count = list_length(names);

	if (count < 1 || count > 3)
		return InvalidOid;
	return resolve(count > 2 ? strVal(linitial(names)) : NULL,
				   count > 1 ? strVal(list_nth(names, count - 2)) : NULL,
				   strVal(llast(names)));
}

Oid
viflo_needs_resolve_owner(List *names)
{
	if (list_length(names) < 2)
		return InvalidOid;
	return viflo_needs_resolve_names(list_truncate(list_copy(names), list_length(names) - 1));
}

Oid
viflo_needs_resolve_type(List *names)
{
	const char *schema = NULL;
	Oid			namespace;

	if (list_length(names) == 1)
		return TypenameGetTypid(strVal(linitial(names)));
	if (list_length(names) == 2)
		schema = strVal(linitial(names));
	if (schema == NULL || !OidIsValid(namespace = LookupNamespaceNoError(schema)))
		return InvalidOid;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum(strVal(llast(names))),
						   ObjectIdGetDatum(namespace));
}

bool
viflo_needs_is_relation_kind(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
			return true;
		default:
			return false;
	}
}

bool
viflo_needs_is_part_kind(ObjectType type)
{
	switch (type)
	{
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return true;
		default:
			return false;
	}
}
