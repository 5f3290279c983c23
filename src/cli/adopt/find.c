/*-------------------------------------------------------------------------
 * find.c
 *	  Looks for another tool's history in a database, and reads it.
 *
 * One question lists the tables of all names that tools use, with their
 * columns; the columns tell tools apart that use the same name.  A second one
 * reads the table that is left.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/adopt/find.h"

/* A table that could be a history. */
typedef struct Candidate
{
	const VifloTool *tool;
	char	   *table;			/* qualified and quoted */
	bool		own;			/* in the schema of the tenant */
	bool		other;			/* maybe in that of another one */
} Candidate;

typedef struct Candidates
{
	int			count;
	int			allocated;
	Candidate  *items;
} Candidates;

/* More are counted, but not named. */
#define MAX_NAMED	10

/*
 * Only columns of the system's own types count: the casts of others are
 * functions of whoever has made the table, and would run as who adopts it.
 *
 * $1: names of tables; $2: NULL, or the table that the user names; $3: NULL, or
 * the schema of the tenant, in which a name without schema is found, too.  Then
 * a table that nobody names and the search path does not find is likely another
 * tenant's.
 */
static const char tables_query[] =
"SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname),"
" (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text) FROM pg_catalog.pg_attribute a"
"   JOIN pg_catalog.pg_type y ON y.oid OPERATOR(pg_catalog.=) a.atttypid"
"   AND y.typnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace"
"   WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped),"
" CASE WHEN n.nspname OPERATOR(pg_catalog.=) $3::pg_catalog.text THEN 'own'"
"  WHEN $2::pg_catalog.text IS NULL AND $3::pg_catalog.text IS NOT NULL AND NOT pg_catalog.pg_table_is_visible(c.oid) THEN 'other' END"
" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"
" WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}')"
" AND n.nspname OPERATOR(pg_catalog.!~~) 'pg\\_%' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'"
" AND CASE WHEN $2::pg_catalog.text IS NULL THEN c.relname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])"
"  ELSE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2::pg_catalog.text)"
"  OR (n.nspname OPERATOR(pg_catalog.=) $3::pg_catalog.text"
"   AND ARRAY[c.relname::pg_catalog.text] OPERATOR(pg_catalog.=) pg_catalog.parse_ident($2::pg_catalog.text)) END"
" ORDER BY 1, 2";

/* Is the layout one of the tool's own? */
static bool
is_own_layout(const VifloTool *tool, const char *name)
{
	size_t		length = strlen(name);

	for (const char *item = tool->layouts; item != NULL;)
	{
		const char *comma = strchr(item, ',');
		size_t		size = comma ? comma - item : strlen(item);

		if (size == length && strncmp(item, name, length) == 0)
			return true;
		item = comma ? comma + 1 : NULL;
	}
	return false;
}

static bool
has_column(const VifloDbTextArray *columns, const char *name, size_t length)
{
	for (int i = 0; i < columns->count; i++)
	{
		if (strlen(columns->values[i]) == length && strncmp(columns->values[i], name, length) == 0)
			return true;
	}
	return false;
}

/* Are the columns of the tool there, and those that it has not, not? */
static bool
has_columns(const VifloTool *tool, const VifloDbTextArray *columns)
{
	for (const char *item = tool->columns; item != NULL;)
	{
		const char *comma = strchr(item, ',');
		bool		absent = *item == '!';

		item += absent;
		if (has_column(columns, item, comma ? comma - item : strlen(item)) == absent)
			return false;
		item = comma ? comma + 1 : NULL;
	}
	return true;
}

static void
add_candidate(Candidates *candidates, const VifloTool *tool, const char *table,
			  const char *where)
{
	Candidate  *candidate;

	if (candidates->count == candidates->allocated)
	{
		candidates->allocated = Max(64, candidates->allocated * 2);
		candidates->items = candidates->items ?
			repalloc(candidates->items, sizeof(Candidate) * candidates->allocated) :
			palloc(sizeof(Candidate) * candidates->allocated);
	}
	candidate = &candidates->items[candidates->count++];
	candidate->tool = tool;
	candidate->table = pstrdup(table);
	candidate->own = where != NULL && strcmp(where, "own") == 0;
	candidate->other = where != NULL && strcmp(where, "other") == 0 && tool->schema == NULL;
}

/* Adds each tool whose history the table of this row can be. */
static void
add_candidates(VifloDbRow *row, const VifloTool *wanted, bool named,
			   Candidates *candidates)
{
	const char *schema = viflo_db_row_text(row, 0);
	const char *name = viflo_db_row_text(row, 1);
	const char *where = viflo_db_row_text(row, 4);
	VifloDbTextArray columns = viflo_db_row_text_array(row, 3);

	for (const VifloTool *tool = viflo_tools; tool->name != NULL; tool++)
	{
		if ((wanted != NULL && tool != wanted) ||
			(!named && strcmp(tool->table, name) != 0) ||
			(!named && tool->schema != NULL && strcmp(tool->schema, schema) != 0) ||
			!has_columns(tool, &columns))
			continue;
		add_candidate(candidates, tool, viflo_db_row_text(row, 2), where);
	}
	free(columns.values);
}

void
viflo_find_ask_tables(VifloExchange *exchange, const char *table)
{
	static VifloNames names = {0};
	VifloDbParam *params = viflo_exchange_params(exchange);

	if (names.count == 0)
	{
		for (const VifloTool *tool = viflo_tools; tool->name != NULL; tool++)
			viflo_names_add(&names, unconstify(char *, tool->table));
	}
	params[0] = viflo_db_text_array((const char *const *) names.names, NULL, names.count);
	params[1] = viflo_db_text(table);
	params[2] = viflo_db_text(exchange->database->tenant);
	viflo_exchange_add(exchange, pstrdup(tables_query), 3);
}

static char *
list_candidates(const Candidates *candidates)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < Min(candidates->count, MAX_NAMED); i++)
		appendStringInfo(&list, "%s%s (%s)", i > 0 ? ", " : "",
						 candidates->items[i].table, candidates->items[i].tool->name);
	if (candidates->count > MAX_NAMED)
		appendStringInfo(&list, " and %d more", candidates->count - MAX_NAMED);
	return list.data;
}

/*
 * How many go with the layout, of the tenant's own or of those that can be for
 * all tenants; *chosen is one.
 */
static int
count_fitting(const Candidates *candidates, const char *layout, bool named, bool own,
			  const Candidate **chosen)
{
	int			fitting = 0;

	for (int i = 0; i < candidates->count; i++)
	{
		const Candidate *candidate = &candidates->items[i];

		if ((own ? !candidate->own : candidate->other) ||
			(!named && !is_own_layout(candidate->tool, layout)))
			continue;
		*chosen = candidate;
		fitting++;
	}
	return fitting;
}

static bool
has_other(const Candidates *candidates)
{
	for (int i = 0; i < candidates->count; i++)
	{
		if (candidates->items[i].other)
			return true;
	}
	return false;
}

/* The one that goes with the layout, or NULL and *failure. */
static const Candidate *
choose(const Candidates *candidates, const char *layout, bool named,
	   VifloFailure *failure)
{
	const Candidate *chosen = NULL;
	int			fitting = count_fitting(candidates, layout, named, true, &chosen);

	if (fitting == 0)
		fitting = count_fitting(candidates, layout, named, false, &chosen);
	if (fitting == 1)
		return chosen;
	if (candidates->count == 0)
	{
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "database has no history of another migration tool");
		viflo_failure_hint(failure, "Where the table has a name of its own, say --table NAME and --tool NAME.");
		return NULL;
	}
	if (fitting == 0 && has_other(candidates))
	{
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "schema of the tenant has no history of another migration tool");
		failure->detail = psprintf("There is %s.", list_candidates(candidates));
		viflo_failure_hint(failure, "If such a history is this tenant's, too, say --table SCHEMA.NAME.");
		return NULL;
	}
	if (fitting == 0)
	{
		viflo_failure(failure, VIFLO_EXIT_REFUSED,
					  "history in the database is not that of a %s folder", layout);
		failure->detail = psprintf("There is %s.", list_candidates(candidates));
		viflo_failure_hint(failure, "Name the folder with --dir, its layout with --layout, or the tool with --tool.");
		return NULL;
	}
	viflo_failure(failure, VIFLO_EXIT_REFUSED,
				  "database has several histories of other migration tools");
	failure->detail = psprintf("There are %s.", list_candidates(candidates));
	viflo_failure_hint(failure, "Name one with --table SCHEMA.NAME, or --tool NAME.");
	return NULL;
}

static char *
copy_column(VifloDbRow *row, int column)
{
	const char *text = viflo_db_row_text(row, column);

	return text ? pstrdup(text) : NULL;
}

static void
read_row(VifloDbRow *row, VifloToolRow *to)
{
	static const struct
	{
		const char *name;
		VifloToolState state;
	}			states[] = {
		{"through", VIFLO_TOOL_THROUGH},
		{"baseline", VIFLO_TOOL_BASELINE},
		{"failed", VIFLO_TOOL_FAILED},
		{"dirty", VIFLO_TOOL_DIRTY}
	};
	const char *state = viflo_db_row_text(row, 5);

	to->version = pstrdup(viflo_db_row_text(row, 0));
	to->name = copy_column(row, 1);
	to->checksum = copy_column(row, 2);
	to->applied_at = copy_column(row, 3);
	to->applied_by = copy_column(row, 4);
	to->state = VIFLO_TOOL_APPLIED;
	for (int i = 0; i < lengthof(states); i++)
	{
		if (strcmp(state, states[i].name) == 0)
			to->state = states[i].state;
	}
	to->note = copy_column(row, 6);
}

bool
viflo_find_took_tables(const VifloDbResult *result, const char *layout,
					   const VifloTool *tool, const char *table,
					   VifloFound *found, VifloFailure *failure)
{
	Candidates	candidates = {0};
	VifloDbRow	row = viflo_db_rows(result, NULL);
	const Candidate *chosen;

	if (tool != NULL && tool->own_layouts_only && !is_own_layout(tool, layout))
	{
		viflo_failure(failure, VIFLO_EXIT_USAGE,
					  "cannot compare a history of %s with a %s folder", tool->name, layout);
		viflo_failure_hint(failure, "Name the folder that %s itself reads with --dir.", tool->name);
		return false;
	}
	while (viflo_db_row_next(&row))
		add_candidates(&row, tool, table != NULL, &candidates);
	chosen = choose(&candidates, layout, tool != NULL, failure);
	if (chosen == NULL)
		return false;
	found->tool = chosen->tool;
	found->table = chosen->table;
	return true;
}

void
viflo_find_ask_rows(VifloExchange *exchange, const VifloFound *found)
{
	StringInfoData sql;

	/* A row that a policy hides would count as one that is not there. */
	viflo_exchange_add(exchange, pstrdup("SELECT pg_catalog.set_config('row_security', 'off', true)"), 0);
	initStringInfo(&sql);
	appendStringInfo(&sql, found->tool->query, found->table);
	viflo_exchange_add(exchange, sql.data, 0);
}

void
viflo_find_took_rows(VifloDbResult **results, VifloFound *found)
{
	VifloDbRow	row = viflo_db_rows(results[1], NULL);

	found->rows = palloc0(sizeof(VifloToolRow) * (viflo_db_result_rows(results[1]) + 1));
	while (viflo_db_row_next(&row))
	{
		if (viflo_db_row_text(&row, 0) != NULL)
			read_row(&row, &found->rows[found->count++]);
	}
}
