/*-------------------------------------------------------------------------
 * libpq_error.c
 *	  From libpq's results and connections to a VifloDbError.
 *
 * Results and connections are gone when an error is looked at, so all of it
 * is copied.  A field that cannot be allocated is left out.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "libpq_error.h"

static char *
copy_field(const PGresult *result, int field)
{
	const char *value = PQresultErrorField(result, field);

	return value == NULL ? NULL : strdup(value);
}

static int
number_field(const PGresult *result, int field)
{
	const char *value = PQresultErrorField(result, field);

	return value == NULL ? 0 : atoi(value);
}

/* Length without the line ends that libpq's own messages have. */
static int
trimmed_length(const char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	return length > 100000 ? 100000 : (int) length;
}

void
viflo_db_error_from_result(VifloDbError *error, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (error == NULL)
		return;
	if (message == NULL)
		message = PQresultErrorMessage(result);
	if (message == NULL || *message == '\0')
		message = "the server gave no reason";

	/* Without an SQLSTATE it is libpq's own: the connection, or memory. */
	viflo_db_error_set(error,
					   sqlstate ? VIFLO_DB_SERVER_ERROR : VIFLO_DB_CONNECTION_ERROR,
					   sqlstate ? sqlstate : "08006",
					   "%.*s", trimmed_length(message), message);
	error->severity = copy_field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	error->detail = copy_field(result, PG_DIAG_MESSAGE_DETAIL);
	error->hint = copy_field(result, PG_DIAG_MESSAGE_HINT);
	error->context = copy_field(result, PG_DIAG_CONTEXT);
	error->schema_name = copy_field(result, PG_DIAG_SCHEMA_NAME);
	error->table_name = copy_field(result, PG_DIAG_TABLE_NAME);
	error->column_name = copy_field(result, PG_DIAG_COLUMN_NAME);
	error->datatype_name = copy_field(result, PG_DIAG_DATATYPE_NAME);
	error->constraint_name = copy_field(result, PG_DIAG_CONSTRAINT_NAME);
	error->position = number_field(result, PG_DIAG_STATEMENT_POSITION);
	error->internal_query = copy_field(result, PG_DIAG_INTERNAL_QUERY);
	error->internal_position = number_field(result, PG_DIAG_INTERNAL_POSITION);
}

void
viflo_db_error_from_connection(VifloDbError *error, const PGconn *connection,
							   VifloDbErrorKind kind, const char *sqlstate)
{
	const char *message = PQerrorMessage(connection);

	if (message == NULL || *message == '\0')
		message = "the connection is lost";
	viflo_db_error_set(error, kind, sqlstate, "%.*s",
					   trimmed_length(message), message);
}

bool
viflo_db_error_memory(VifloDbError *error)
{
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "53200",
							  "out of memory");
}
