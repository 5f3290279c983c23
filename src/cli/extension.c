/*-------------------------------------------------------------------------
 * extension.c
 *	  Finds the extension, or makes it, and asks what there is to load.
 *
 * A folder costs one round trip where the extension is there.  That it is
 * not shows in the error of a query that names it or what it has, and only
 * then is it looked for and made: what most databases answer at once is not
 * asked of all in two steps.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/extension.h"
#include "cli/output.h"

/*
 * Looks for the extension's schema, the project to use, and whether the role
 * may read the log's table; one row x.  $1 is the project asked for, $2 the one
 * for a folder when the database has no setting.  A value equal to the
 * built-in default counts as set unless the module has been loaded and says
 * that it is the default.
 */
static const char lookup[] =
"(SELECT (SELECT pg_catalog.quote_ident(n.nspname)"
"           FROM pg_catalog.pg_extension e"
"           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
"          WHERE e.extname OPERATOR(pg_catalog.=) 'viflo_migrate') AS schema,"
"        COALESCE($1::pg_catalog.text,"
"                 CASE WHEN v OPERATOR(pg_catalog.=) '' THEN NULL"
"                      WHEN v OPERATOR(pg_catalog.=) 'viflo' AND EXISTS"
"                           (SELECT FROM pg_catalog.pg_settings s"
"                             WHERE s.name OPERATOR(pg_catalog.=) 'viflo_migrate.project'"
"                               AND s.source OPERATOR(pg_catalog.=) 'default')"
"                      THEN NULL ELSE v END,"
"                 $2::pg_catalog.text) AS project,"
"        COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass('viflo.log'), 'SELECT'), false) AS reads_log"
"   FROM pg_catalog.current_setting('viflo_migrate.project', true) v) x";

static VifloTurn took_extension(VifloExchange *exchange, VifloDbResult **results);
static VifloTurn took_missing(VifloExchange *exchange, VifloDbResult **results);
static VifloTurn took_lookup_and_missing(VifloExchange *exchange, VifloDbResult **results);

/* The project for a database that has no setting, or NULL. */
static const char *
default_project(const VifloDatabase *database)
{
	return database->settings->dir_exists ? VIFLO_DEFAULT_PROJECT : NULL;
}

/* Adds a lookup, of which columns are wanted. */
static void
add_lookup(VifloExchange *exchange, const char *columns)
{
	const VifloDatabase *database = exchange->database;
	VifloDbParam *params = viflo_exchange_params(exchange);

	params[0] = viflo_db_text(database->settings->project);
	params[1] = viflo_db_text(default_project(database));
	viflo_exchange_add(exchange,
					   psprintf("SELECT x.schema, x.project, x.reads_log%s FROM %s",
								columns, lookup), 2);
}

/* In place of what was known of it. */
static void
set_text(char **place, const char *text)
{
	if (*place != NULL)
		pfree(*place);
	*place = text != NULL ? pstrdup(text) : NULL;
}

/* Keeps what a lookup found. */
static void
take_lookup(VifloDatabase *database, const VifloDbResult *result)
{
	VifloDbRow	row = viflo_db_rows(result, NULL);

	if (!viflo_db_row_next(&row))
		return;
	set_text(&database->schema, viflo_db_row_text(&row, 0));
	set_text(&database->project, viflo_db_row_text(&row, 1));
	database->reads_log = viflo_db_row_bool(&row, 2);
}

/* Carries an exchange that is one of the questions below. */
static bool
wait_for(VifloExchange *exchange, VifloTurn turn, VifloFailure *failure)
{
	bool		done = viflo_exchange_run(exchange, turn);

	if (!done)
		*failure = exchange->failure;
	viflo_exchange_end(exchange);
	return done;
}

/*-------------------------------------------------------------------------
 * The extension
 *-------------------------------------------------------------------------
 */

static VifloTurn
ask_lookup(VifloExchange *exchange, VifloStep step)
{
	add_lookup(exchange, "");
	return viflo_exchange_ask(exchange, step);
}

/*
 * Makes the extension.  Many programs may want to at once, and CREATE
 * EXTENSION IF NOT EXISTS fails for all but one of them: hence the lock.
 */
static VifloTurn
ask_create(VifloExchange *exchange, VifloStep step)
{
	viflo_exchange_add(exchange, pstrdup("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('create extension viflo_migrate', 0))"), 0);
	viflo_exchange_add(exchange, pstrdup("CREATE EXTENSION IF NOT EXISTS viflo_migrate"), 0);
	exchange->database->creating = true;
	return viflo_exchange_ask(exchange, step);
}

static void
say_created(VifloDatabase *database)
{
	if (database->creating && database->on_notice == NULL)
		viflo_output_note("created extension viflo_migrate");
	database->creating = false;
}

static VifloTurn
fail_absent(VifloExchange *exchange)
{
	VifloFailure *failure = &exchange->failure;

	viflo_failure(failure, VIFLO_EXIT_REFUSED,
				  "extension \"viflo_migrate\" is not installed in this database");
	failure->sqlstate = pstrdup("42704");
	viflo_failure_hint(failure, "\"viflo upgrade\" installs it, and so does CREATE EXTENSION viflo_migrate.");
	return VIFLO_TURN_FAILED;
}

static VifloTurn
took_created(VifloExchange *exchange, VifloDbResult **results)
{
	say_created(exchange->database);
	exchange->create = false;
	return ask_lookup(exchange, took_extension);
}

static VifloTurn
took_extension(VifloExchange *exchange, VifloDbResult **results)
{
	take_lookup(exchange->database, results[0]);
	if (exchange->database->schema != NULL)
		return exchange->then(exchange, results);
	if (!exchange->create)
		return fail_absent(exchange);
	return ask_create(exchange, took_created);
}

VifloTurn
viflo_ask_extension(VifloExchange *exchange, bool create, VifloStep then)
{
	if (exchange->database->schema != NULL)
		return then(exchange, NULL);
	exchange->create = create;
	exchange->then = then;
	return ask_lookup(exchange, took_extension);
}

bool
viflo_database_find(VifloDatabase *database, VifloFailure *failure)
{
	VifloExchange exchange;

	viflo_exchange_init(&exchange, NULL, database, NULL, NULL);
	return wait_for(&exchange, viflo_ask_extension(&exchange, false, viflo_exchange_done), failure);
}

bool
viflo_database_find_or_create(VifloDatabase *database, VifloFailure *failure)
{
	VifloExchange exchange;

	viflo_exchange_init(&exchange, NULL, database, NULL, NULL);
	return wait_for(&exchange, viflo_ask_extension(&exchange, true, viflo_exchange_done), failure);
}

/*-------------------------------------------------------------------------
 * What there is to load
 *-------------------------------------------------------------------------
 */

/* project: as an argument. */
static void
add_missing(VifloExchange *exchange, const char *project, int nparams)
{
	const char *schema = exchange->database->schema;
	const VifloDigests *digests = &exchange->local->digests;
	VifloDbParam *params = viflo_exchange_params(exchange);

	params[0] = viflo_db_text_array(digests->ids, NULL, digests->count);
	params[1] = viflo_db_text_array(digests->digests, NULL, digests->count);
	params[2] = viflo_db_text(exchange->database->project);
	viflo_exchange_add(exchange,
					   psprintf("SELECT m FROM %s%sviflo_missing($1::pg_catalog.text[],"
								" $2::pg_catalog.text[], %s) m",
								schema ? schema : "", schema ? "." : "", project), nparams);
}

/*
 * Where the schema is not known yet, the second query's function is found by
 * the search_path that the first one sets for this transaction alone: the
 * extension's schema, or, if there is none, no place where anybody could have
 * put a function of that name.
 */
static VifloTurn
ask_missing(VifloExchange *exchange)
{
	if (exchange->database->schema != NULL)
	{
		add_missing(exchange, "$3::pg_catalog.text", 3);
		return viflo_exchange_ask(exchange, took_missing);
	}
	add_lookup(exchange,
			   ", pg_catalog.set_config('search_path', COALESCE('pg_catalog, ' OPERATOR(pg_catalog.||) x.schema, 'pg_catalog'), true),"
			   " pg_catalog.set_config('viflo.project', COALESCE(x.project, ''), true)");
	add_missing(exchange, "nullif(current_setting('viflo.project'), '')", 2);
	return viflo_exchange_try(exchange, took_lookup_and_missing);
}

static VifloTurn
took_created_for_folder(VifloExchange *exchange, VifloDbResult **results)
{
	say_created(exchange->database);
	return ask_missing(exchange);
}

/* There was no such function: the extension is missing, or was until just now. */
static VifloTurn
took_lookup_for_folder(VifloExchange *exchange, VifloDbResult **results)
{
	take_lookup(exchange->database, results[0]);
	if (exchange->database->schema == NULL && !exchange->create)
		return fail_absent(exchange);
	if (exchange->database->schema == NULL)
		return ask_create(exchange, took_created_for_folder);
	return ask_missing(exchange);
}

static VifloTurn
took_missing(VifloExchange *exchange, VifloDbResult **results)
{
	VifloDbRow	row = viflo_db_rows(results[0], NULL);

	while (viflo_db_row_next(&row))
		viflo_names_add(&exchange->missing, pstrdup(viflo_db_row_text(&row, 0)));
	return exchange->then(exchange, results);
}

static VifloTurn
took_lookup_and_missing(VifloExchange *exchange, VifloDbResult **results)
{
	if (results == NULL)
	{
		bool		again = viflo_exchange_failed_with(exchange, "42883") && !exchange->absent;

		exchange->absent = true;
		return again ? ask_lookup(exchange, took_lookup_for_folder) : VIFLO_TURN_FAILED;
	}
	take_lookup(exchange->database, results[0]);
	return took_missing(exchange, results + 1);
}

VifloTurn
viflo_ask_missing(VifloExchange *exchange, bool create, VifloStep then)
{
	exchange->create = create;
	exchange->then = then;
	viflo_exchange_forget_missing(exchange);
	if (!viflo_local_digests(exchange->local, &exchange->failure))
		return VIFLO_TURN_FAILED;
	if (!exchange->absent || exchange->database->schema != NULL)
		return ask_missing(exchange);
	return create ? ask_create(exchange, took_created_for_folder) : fail_absent(exchange);
}

bool
viflo_database_missing(VifloDatabase *database, VifloLocal *local, bool create,
					   VifloNames *missing, VifloFailure *failure)
{
	VifloExchange exchange;
	bool		done;

	memset(missing, 0, sizeof(*missing));
	viflo_exchange_init(&exchange, NULL, database, local, NULL);
	done = viflo_exchange_run(&exchange, viflo_ask_missing(&exchange, create, viflo_exchange_done));
	if (done)
	{
		*missing = exchange.missing;
		memset(&exchange.missing, 0, sizeof(exchange.missing));
	}
	else
		*failure = exchange.failure;
	viflo_exchange_end(&exchange);
	return done;
}

VifloTurn
viflo_ask_what_to_load(VifloExchange *exchange, VifloStep then)
{
	if (exchange->local == NULL)
		return viflo_ask_extension(exchange, true, then);
	return viflo_ask_missing(exchange, true, then);
}

int
viflo_add_upload(VifloExchange *exchange)
{
	VifloDbQuery query;
	int			count;

	viflo_upload_free(&exchange->upload);
	count = viflo_upload_prepare(exchange->database, exchange->local, &exchange->missing,
								 &exchange->upload, &query, &exchange->failure);
	if (count > 0)
		viflo_exchange_add_query(exchange, &query);
	return count;
}

/*-------------------------------------------------------------------------
 * Is there anything to do?
 *-------------------------------------------------------------------------
 */

bool
viflo_is_relative(const char *target)
{
	return target[0] == '+' || target[0] == '-' ||
		strstr(target, "@+") != NULL || strstr(target, "@-") != NULL;
}

bool
viflo_can_settle(const VifloExchange *exchange, const char *target)
{
	return exchange->local != NULL &&
		(strcmp(target, "head") == 0 || strcmp(target, "heads") == 0);
}

/*
 * Fails where there is no extension, and holds it where there is.  That it is
 * there is what makes schema viflo ours: otherwise anybody may have made it,
 * and what is in it is not to be called, as its functions, their defaults and
 * their casts would run as we.
 */
static const char hold_extension[] =
"SELECT pg_catalog.pg_get_object_address('extension', '{viflo_migrate}', '{}')";

static VifloTurn
took_settled(VifloExchange *exchange, VifloDbResult **results)
{
	VifloDatabase *database = exchange->database;
	VifloDbRow	row;

	if (results == NULL)
	{
		exchange->absent = viflo_exchange_failed_with(exchange, "42704");
		/* That of an older version has no such function. */
		return exchange->absent || viflo_exchange_failed_with(exchange, "42883") ?
			exchange->then(exchange, NULL) : VIFLO_TURN_FAILED;
	}
	row = viflo_db_rows(results[1], NULL);
	if (viflo_db_row_next(&row))
	{
		exchange->settled = viflo_db_row_bool(&row, 0);
		set_text(&database->project, viflo_db_row_text(&row, 1));
		set_text(&database->schema, viflo_db_row_text(&row, 2));
		database->reads_log = viflo_db_row_bool(&row, 3);
	}
	return exchange->then(exchange, results);
}

VifloTurn
viflo_ask_settled(VifloExchange *exchange, const char *target, VifloStep then)
{
	const VifloDatabase *database = exchange->database;
	VifloDbParam *params;

	viflo_exchange_add(exchange, pstrdup(hold_extension), 0);
	params = viflo_exchange_params(exchange);
	params[0] = viflo_db_text(exchange->local->manifest);
	params[1] = viflo_db_text(target);
	params[2] = viflo_db_text(database->settings->project);
	params[3] = viflo_db_text(default_project(database));
	params[4] = viflo_db_text(database->tenant);
	viflo_exchange_add(exchange,
					   pstrdup("SELECT s.settled, s.in_project, s.in_schema, s.reads_log"
							   "  FROM viflo.settled($1::pg_catalog.text, $2::pg_catalog.text,"
							   " $3::pg_catalog.text, $4::pg_catalog.text, $5::pg_catalog.text) s"), 5);
	exchange->then = then;
	return viflo_exchange_try(exchange, took_settled);
}

VifloTurn
viflo_ask_settle(VifloExchange *exchange, const char *target)
{
	VifloDbParam *params = viflo_exchange_params(exchange);
	int			nparams = 2;
	char	   *scope = viflo_database_scope(exchange->database, params, &nparams);

	params[0] = viflo_db_text(exchange->local->manifest);
	params[1] = viflo_db_text(target);
	viflo_exchange_add(exchange,
					   psprintf("SELECT viflo.settle($1::pg_catalog.text, $2::pg_catalog.text, %s)",
								scope), nparams);
	exchange->is_last = true;
	return viflo_exchange_try(exchange, viflo_exchange_done);
}
