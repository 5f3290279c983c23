/*-------------------------------------------------------------------------
 * online_log.c
 *	  What an online run has done, read from the log, and what it has not.
 *
 * Rows of the log are those of the process that ran it, behind the last one
 * that was there before: rows of others may be among them.
 *
 * viflo_log() reads all of the log, which with many tenants is long; so a role
 * that may reads the table, of which the two questions want the end.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/command/each_tenant.h"
#include "cli/command/online_log.h"
#include "cli/output.h"
#include "lib/stringinfo.h"

/* Steps that a failure names as kept. */
#define MAX_NAMED	5

void
viflo_online_ask_last(VifloExchange *exchange)
{
	const VifloDatabase *database = exchange->database;
	int			nparams = 0;
	char	   *log = pstrdup("viflo.log");

	if (!database->reads_log)
		log = psprintf("%s.viflo_log(%s)", database->schema,
					   viflo_database_scope(database, viflo_exchange_params(exchange), &nparams));
	viflo_exchange_add(exchange,
					   psprintf("SELECT pg_catalog.pg_backend_pid(), COALESCE(pg_catalog.max(l.id), 0)"
								" FROM %s l", log), nparams);
	pfree(log);
}

/*
 * Rows of the log behind $1, of the alias l: SQL, palloc'd.  The upper bound
 * says to a planner without statistics that they are few.
 */
static char *
new_rows(const VifloDatabase *database, const char *scope)
{
	if (!database->reads_log)
		return psprintf("%s.viflo_log(%s) l WHERE l.id OPERATOR(pg_catalog.>) $1::pg_catalog.int8",
						database->schema, scope);
	return pstrdup("viflo.log l WHERE l.id OPERATOR(pg_catalog.>) $1::pg_catalog.int8"
				   " AND l.id OPERATOR(pg_catalog.<=) (SELECT pg_catalog.max(m.id) FROM viflo.log m)");
}

/* For people, and (last) as JSON. */
void
viflo_online_ask_steps(VifloExchange *exchange, const char *last)
{
	const VifloDatabase *database = exchange->database;
	VifloDbParam *params = viflo_exchange_params(exchange);
	int			nparams = 2;
	char	   *scope = viflo_database_scope(database, params, &nparams);
	char	   *rows = new_rows(database, scope);

	params[0] = viflo_db_text(last);
	params[1] = viflo_db_int32(database->pid);
	viflo_exchange_add(exchange,
					   psprintf("SELECT s.direction, s.revision, s.message,"
								" (pg_catalog.date_part('epoch', s.duration) OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.text,"
								" s.attempts, s.detail, pg_catalog.row_to_json(s)"
								" FROM (SELECT pg_catalog.row_number() OVER (ORDER BY l.id) AS step,"
								"  l.direction, l.revision, h.message, l.duration, l.statements,"
								"  l.transactional, l.attempts, l.detail"
								"  FROM (SELECT * FROM %s AND l.pid OPERATOR(pg_catalog.=) $2"
								"  AND l.status OPERATOR(pg_catalog.=) 'done') l LEFT JOIN %s.viflo_history(%s) h"
								"  ON h.revision OPERATOR(pg_catalog.=) l.revision) s"
								" ORDER BY s.step",
								rows, database->schema, scope), nparams);
	pfree(rows);
}

void
viflo_online_ask_unfinished(VifloExchange *exchange)
{
	const VifloDatabase *database = exchange->database;
	int			nparams = 0;
	char	   *scope = viflo_database_scope(database, viflo_exchange_params(exchange), &nparams);

	viflo_exchange_add(exchange,
					   psprintf("SELECT t.revision, t.direction, t.statements, t.backfill_rows,"
								" pg_catalog.row_to_json(t)"
								" FROM %s.viflo_unfinished(%s) t WHERE %s"
								" ORDER BY t.started_at",
								database->schema, scope, viflo_command_is_ours(database)), nparams);
}

/* The documents of one column, each a JSON text, as an array. */
static json_t *
documents(const VifloDbResult *result, int column)
{
	json_t	   *array = json_array();
	VifloDbRow	row = viflo_db_rows(result, NULL);

	while (viflo_db_row_next(&row))
		json_array_append_new(array, json_loads(viflo_db_row_text(&row, column), 0, NULL));
	return array;
}

json_t *
viflo_online_steps(const VifloDbResult *result)
{
	return documents(result, 6);
}

/* "3 attempts, resumed at statement 4", or NULL. */
static char *
remark(const char *attempts, const char *detail)
{
	bool		again = attempts != NULL && atoi(attempts) > 1;

	if (again && detail != NULL)
		return psprintf("%s attempts, %s", attempts, detail);
	if (again)
		return psprintf("%s attempts", attempts);
	return detail != NULL ? pstrdup(detail) : NULL;
}

void
viflo_online_print_steps(const VifloExchange *exchange)
{
	VifloDbRow	row = viflo_db_rows(exchange->result, NULL);
	int			rows = viflo_db_result_rows(exchange->result);
	const char **cells = palloc(sizeof(char *) * (rows * 6 + 1));
	int			count = 0;

	while (viflo_db_row_next(&row))
	{
		cells[count++] = viflo_each_tenant_column(exchange);
		cells[count++] = psprintf("%-4s", viflo_db_row_text(&row, 0));
		cells[count++] = viflo_db_row_text(&row, 1);
		cells[count++] = viflo_db_row_text(&row, 2);
		cells[count++] = viflo_output_duration(viflo_db_row_text(&row, 3));
		cells[count++] = remark(viflo_db_row_text(&row, 4), viflo_db_row_text(&row, 5));
	}
	viflo_output_table(cells, rows, 6);
	pfree(cells);
}

/* Both add sentences, one a line, to what is kept. */
static void
add_steps(StringInfo kept, const VifloDbResult *result)
{
	int			rows = viflo_db_result_rows(result);
	VifloDbRow	row = viflo_db_rows(result, NULL);

	if (rows == 0)
		return;
	appendStringInfo(kept, "%d %s done and committed:", rows,
					 rows == 1 ? "step is" : "steps are");
	for (int i = 0; viflo_db_row_next(&row); i++)
	{
		/* The last one says where the database stands. */
		if (rows <= MAX_NAMED || i < MAX_NAMED - 1 || i == rows - 1)
			appendStringInfo(kept, "%s %s \"%s\"", i > 0 ? "," : "",
							 viflo_db_row_text(&row, 0), viflo_db_row_text(&row, 1));
		else if (i == MAX_NAMED - 1)
			appendStringInfo(kept, ", %d more", rows - MAX_NAMED);
	}
	appendStringInfoChar(kept, '.');
}

static void
add_unfinished(StringInfo kept, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);

	while (viflo_db_row_next(&row))
	{
		const char *direction = viflo_db_row_text(&row, 1);
		long long	rows = atoll(viflo_db_row_text(&row, 3));

		appendStringInfo(kept, "%sOf revision \"%s\" (%s), %s statements are done",
						 kept->len > 0 ? "\n" : "", viflo_db_row_text(&row, 0),
						 direction, viflo_db_row_text(&row, 2));
		if (rows > 0)
			appendStringInfo(kept, ", and %lld rows of its backfill", rows);
		appendStringInfo(kept, "; \"viflo %s\" resumes there.",
						 strcmp(direction, "up") == 0 ? "deploy" : "revert");
	}
}

void
viflo_online_keep(VifloExchange *exchange, VifloDbResult *const *results)
{
	StringInfoData kept;

	initStringInfo(&kept);
	add_steps(&kept, results[0]);
	add_unfinished(&kept, results[1]);
	exchange->failure.kept = kept.data;
	exchange->more = json_pack("{s:o, s:o}", "steps", viflo_online_steps(results[0]),
							   "unfinished", documents(results[1], 4));
}
