/*-------------------------------------------------------------------------
 * test_client.c
 *	  libviflo against a server: values, errors, transactions, scopes, the
 *	  pool, pipelines, event loops, cancelling, and lost connections.
 *
 * Waits are bounded, and nothing depends on how long something takes but
 * where the bound itself is tested.
 *-------------------------------------------------------------------------
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "client/viflo.h"
#include "tap.h"

#define lengthof(array) ((int) (sizeof(array) / sizeof((array)[0])))

/* The pipeline that is larger than any buffer. */
#define LARGE_COUNT 40
#define LARGE_SIZE	1000000

static VifloDbError error;

static VifloDbQuery
query_of(const char *sql, const VifloDbParam *params, int nparams, bool binary)
{
	VifloDbQuery query = {sql, params, nparams, binary};

	return query;
}

static const char *
url(void)
{
	return getenv("DATABASE_URL");
}

static VifloEngine *
new_engine(const VifloEngineOptions *options)
{
	VifloEngine *engine = viflo_engine_new(url(), options, &error);

	must(engine != NULL, &error, "engine");
	return engine;
}

static VifloSession *
acquire(VifloEngine *engine)
{
	VifloSession *session = viflo_engine_acquire(engine, &error);

	must(session != NULL, &error, "session");
	return session;
}

/* The one integer that sql gives, or -1 and a failed test. */
static int64_t
ask(VifloSession *session, const char *sql)
{
	VifloDbResult *result = viflo_db_query(session, sql, NULL, 0, &error);
	VifloDbRow	row = viflo_db_rows(result, &error);
	int64_t		answer = -1;

	if (result != NULL && viflo_db_row_next(&row))
		answer = viflo_db_row_int64(&row, 0);
	if (result == NULL || row.failed)
		must(false, &error, sql);
	viflo_db_result_free(result);
	return answer;
}

/* Is pid gone from the server?  Asked for up to ten seconds. */
static bool
gone(VifloSession *session, int pid)
{
	VifloDbParam params[] = {viflo_db_int32(pid)};

	for (int i = 0; i < 1000; i++)
	{
		VifloDbResult *result;
		VifloDbRow	row;
		bool		there;

		result = viflo_db_query(session, "SELECT count(*), pg_sleep(0.01)"
								" FROM pg_stat_activity WHERE pid = $1",
								params, 1, &error);
		row = viflo_db_rows(result, &error);
		there = result == NULL || !viflo_db_row_next(&row) ||
			viflo_db_row_int64(&row, 0) != 0;
		viflo_db_result_free(result);
		if (!there)
			return true;
	}
	return false;
}

static void
terminate(VifloSession *session, int pid)
{
	VifloDbParam params[] = {viflo_db_int32(pid)};

	must(viflo_db_execute(session, "SELECT pg_terminate_backend($1)",
						  params, 1, &error), &error, "terminate");
	ok(gone(session, pid), "the backend is gone");
}

static void
test_no_server(void)
{
	static const char *const wrong[] = {
		"postgresql://host/db?nosuch=1", "host=x password='unended",
		"postgresql://[::1",
	};
	VifloEngine *engine;

	for (int i = 0; i < lengthof(wrong); i++)
		failed(viflo_engine_new(wrong[i], NULL, &error) != NULL, &error,
			   VIFLO_DB_CONNECTION_ERROR, "08001", "a URL that is none");
	engine = viflo_engine_new("host=/nonexistent", NULL, &error);
	must(engine != NULL, &error, "an engine connects when asked");
	for (int i = 0; i < 7; i++)
		failed(viflo_engine_acquire(engine, &error) != NULL, &error,
			   VIFLO_DB_CONNECTION_ERROR, "08001", "nobody listens");
	{
		VifloSession *session = viflo_engine_acquire_start(engine, &error);
		VifloDbProgress progress = session ? VIFLO_DB_WAITING : VIFLO_DB_FAILED;

		while (progress == VIFLO_DB_WAITING)
			progress = viflo_db_advance(session, &error);
		failed(progress == VIFLO_DB_READY, &error, VIFLO_DB_CONNECTION_ERROR,
			   "08001", "nor when not waited for");
		viflo_db_release(session);
	}
	viflo_engine_free(engine);
	viflo_engine_free(NULL);
	viflo_db_release(NULL);
	viflo_db_error_clear(NULL);
}

static void
test_values(VifloSession *session, bool binary)
{
	static const char *const words[] = {
		"a", "", NULL, "NULL", "null", "q\"uo,te", "back\\slash", "{}", " ",
		"\303\244\n",
	};
	VifloDbUuid uuid;
	VifloDbParam params[11];
	VifloDbQuery query = {
		"SELECT $1::bool, $2::int4, $3::int8, $4::float8, $5::uuid, $6::text,"
		" $7::text, $8::text[], $9::text[], $10::int2, $11::text[]",
		params, 11, false
	};
	VifloDbResult *result;
	VifloDbRow	row;
	VifloDbTextArray array;
	size_t		length;

	viflo_db_uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &uuid);
	params[0] = viflo_db_bool(true);
	params[1] = viflo_db_int32(INT32_MIN);
	params[2] = viflo_db_int64(INT64_MAX);
	params[3] = viflo_db_float64(-1.5e300);
	params[4] = viflo_db_uuid(&uuid);
	params[5] = viflo_db_text("\303\251t\303\251");
	params[6] = viflo_db_text_n("cut here", 3);
	params[7] = viflo_db_text_array(words, NULL, lengthof(words));
	params[8] = viflo_db_text_array(NULL, NULL, 0);
	params[9] = viflo_db_int32(-7);
	params[10] = viflo_db_null();
	query.binary = binary;
	must(viflo_db_pipeline(session, &query, 1, &result, &error), &error,
		 binary ? "values, binary" : "values, text");
	row = viflo_db_rows(result, &error);
	ok(viflo_db_row_next(&row), "a row");
	ok(viflo_db_row_bool(&row, 0), "bool");
	same_int(viflo_db_row_int32(&row, 1), INT32_MIN, "int32");
	same_int(viflo_db_row_int64(&row, 2), INT64_MAX, "int64");
	ok(viflo_db_row_float64(&row, 3) == -1.5e300, "float64");
	{
		VifloDbUuid back = viflo_db_row_uuid(&row, 4);

		ok(viflo_db_uuid_equal(&back, &uuid), "uuid");
	}
	same(viflo_db_row_text(&row, 5), "\303\251t\303\251", "text");
	same(viflo_db_row_text_n(&row, 6, &length), "cut", "text_n");
	same_int((long long) length, 3, "its length");
	array = viflo_db_row_text_array(&row, 7);
	same_int(array.count, lengthof(words), "array");
	for (int i = 0; i < array.count; i++)
	{
		if (words[i] == NULL)
			ok(array.values[i] == NULL, "a NULL element");
		else
			same(array.values[i], words[i], "element");
	}
	free(array.values);
	array = viflo_db_row_text_array(&row, 8);
	ok(array.count == 0 && array.values != NULL, "an empty array");
	free(array.values);
	same_int(viflo_db_row_int32(&row, 9), -7, "int2");
	ok(viflo_db_row_null(&row, 10), "null");
	array = viflo_db_row_text_array(&row, 10);
	ok(array.values == NULL && !row.failed, "a NULL array");
	ok(!viflo_db_row_next(&row) && !viflo_db_row_next(&row), "no second row");
	ok(!row.failed, "none of it failed");
	same_int(viflo_db_result_column(result, "text"), 5, "a column by name");
	same_int(viflo_db_result_column(result, "TEXT"), -1, "no such column");
	viflo_db_result_free(result);
}

/* One query and one read that must fail. */
static void
misread(VifloSession *session, const char *sql, bool binary,
		void (*reader) (VifloDbRow *), const char *sqlstate, const char *name)
{
	VifloDbResult *result = binary ?
	viflo_db_query_binary(session, sql, NULL, 0, &error) :
	viflo_db_query(session, sql, NULL, 0, &error);
	VifloDbRow	row = viflo_db_rows(result, &error);

	must(result != NULL, &error, sql);
	viflo_db_row_next(&row);
	reader(&row);
	failed(!row.failed, &error, VIFLO_DB_CLIENT_ERROR, sqlstate, name);
	ok(!viflo_db_row_next(&row), "which ends the loop");
	viflo_db_result_free(result);
}

static void
read_int64(VifloDbRow *row)
{
	(void) viflo_db_row_int64(row, 0);
}

static void
read_int32(VifloDbRow *row)
{
	(void) viflo_db_row_int32(row, 0);
}

static void
read_bool(VifloDbRow *row)
{
	(void) viflo_db_row_bool(row, 0);
}

static void
read_array(VifloDbRow *row)
{
	(void) viflo_db_row_text_array(row, 0);
}

static void
read_text(VifloDbRow *row)
{
	(void) viflo_db_row_text(row, 0);
}

static void
read_second(VifloDbRow *row)
{
	(void) viflo_db_row_text(row, 1);
}

static void
test_misreads(VifloSession *session)
{
	misread(session, "SELECT NULL::int8", false, read_int64, "22004", "NULL as a number");
	misread(session, "SELECT 'x'", false, read_int64, "42804", "text as a number");
	misread(session, "SELECT 1.5", false, read_int64, "42804", "a fraction as an integer");
	misread(session, "SELECT 1.5::float8", true, read_int64, "42804", "the same in binary");
	misread(session, "SELECT 99999999999999999999", false, read_int64, "22003", "too large");
	misread(session, "SELECT 2147483648", true, read_int32, "22003", "too large for 32 bits");
	misread(session, "SELECT 1", true, read_bool, "42804", "a number as a boolean");
	misread(session, "SELECT 't'::text", false, read_bool, "42804", "text as a boolean");
	misread(session, "SELECT array[array['a']]", true, read_array, "42804", "two dimensions");
	misread(session, "SELECT array[array['a']]", false, read_array, "42804", "the same as text");
	misread(session, "SELECT array[1]", true, read_array, "42804", "numbers as text");
	misread(session, "SELECT array[1]", false, read_array, "42804", "the same as text");
	misread(session, "SELECT 1", true, read_text, "42804", "a binary number as text");
	misread(session, "SELECT 1", false, read_second, "42703", "a column too far");
	misread(session, "SELECT 1 WHERE false", false, read_text, "42703", "a row too far");
	{
		VifloDbResult *result = viflo_db_query(session, "SELECT '[0:1]={a,b}'::text[]",
											   NULL, 0, &error);
		VifloDbRow	row = viflo_db_rows(result, &error);
		VifloDbTextArray array;

		viflo_db_row_next(&row);
		array = viflo_db_row_text_array(&row, 0);
		ok(array.count == 2 && strcmp(array.values[1], "b") == 0,
		   "other lower bounds");
		free(array.values);
		viflo_db_result_free(result);
	}
	{
		static const unsigned char bytes[] = {0, 255, 'x', 0};
		VifloDbParam params[] = {viflo_db_bytea(bytes, 4)};
		VifloDbResult *result = viflo_db_query_binary(session, "SELECT $1, '{\"a\": 1}'::jsonb",
													  params, 1, &error);
		VifloDbRow	row = viflo_db_rows(result, &error);
		const unsigned char *back;
		size_t		length;

		viflo_db_row_next(&row);
		back = viflo_db_row_bytea(&row, 0, &length);
		ok(length == 4 && memcmp(back, bytes, 4) == 0, "bytea");
		same(viflo_db_row_text(&row, 1), "{\"a\": 1}", "jsonb in binary");
		viflo_db_result_free(result);
	}
}

static void
test_errors(VifloSession *session)
{
	must(viflo_db_script(session, "CREATE TEMPORARY TABLE t"
						 " (a int CONSTRAINT positive CHECK (a > 0))", &error),
		 &error, "a table");
	ok(!viflo_db_execute(session, "INSERT INTO t VALUES (-1)", NULL, 0, &error),
	   "a check");
	same(error.sqlstate, "23514", "sqlstate");
	same(error.severity, "ERROR", "severity");
	same(error.table_name, "t", "table");
	same(error.constraint_name, "positive", "constraint");
	ok(error.detail != NULL && error.kind == VIFLO_DB_SERVER_ERROR, "detail");

	ok(!viflo_db_execute(session, "SELECT \303\251 FROM nosuch", NULL, 0, &error),
	   "a table that is not there");
	same(error.sqlstate, "42P01", "sqlstate");
	same_int(error.position, 15, "position, in characters");
	ok(error.detail == NULL && error.constraint_name == NULL,
	   "nothing is left of the error before");

	ok(!viflo_db_script(session, "DO $$ BEGIN EXECUTE 'SELECT 1 +'; END $$", &error),
	   "an error inside");
	same(error.sqlstate, "42601", "sqlstate");
	same(error.internal_query, "SELECT 1 +", "internal query");
	same_int(error.internal_position, 11, "internal position");
	ok(error.context != NULL, "context");

	ok(!viflo_db_script(session, "DO $$ BEGIN RAISE EXCEPTION 'm' USING detail = 'd',"
						" hint = 'h', errcode = 'VF001', column = 'c', schema = 's',"
						" datatype = 't'; END $$", &error), "an error of one's own");
	same(error.sqlstate, "VF001", "sqlstate");
	same(error.message, "m", "message");
	same(error.detail, "d", "detail");
	same(error.hint, "h", "hint");
	same(error.column_name, "c", "column");
	same(error.schema_name, "s", "schema");
	same(error.datatype_name, "t", "type");
	{
		VifloDbError other = {0};

		viflo_db_error_move(&other, &error);
		ok(error.message == NULL && error.kind == VIFLO_DB_NO_ERROR, "moved away");
		same(other.hint, "h", "and there");
		viflo_db_error_set(&other, VIFLO_DB_CLIENT_ERROR, "22023", "not %s", other.hint);
		same(other.message, "not h", "made from what it replaces");
		viflo_db_error_clear(&other);
	}

	failed(viflo_db_execute(session, "COPY t FROM stdin", NULL, 0, &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "0A000", "COPY from the client");
	failed(viflo_db_script(session, "COPY (SELECT generate_series(1, 100000)) TO stdout",
						   &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "0A000", "COPY to the client");
	failed(viflo_db_execute(session, "SELECT 1; SELECT 2", NULL, 0, &error), &error,
		   VIFLO_DB_SERVER_ERROR, "42601", "two statements in a query");
	{
		VifloDbResult *result = viflo_db_query(session, "", NULL, 0, &error);

		ok(result != NULL && viflo_db_result_rows(result) == 0, "no statement");
		viflo_db_result_free(result);
	}
	failed(viflo_db_query(session, "SELECT 1", NULL, 70000, &error) != NULL, &error,
		   VIFLO_DB_CLIENT_ERROR, "54023", "too many parameters");
	ok(!viflo_db_execute(session, "SELECT 1/0", NULL, 0, NULL),
	   "an error nobody wants to see");
	same_int(ask(session, "SELECT 42"), 42, "the session has survived all that");
	must(viflo_db_script(session, "DROP TABLE t", &error), &error, "drop");
}

static int	notices;

static void
on_notice(const VifloDbError *notice, void *arg)
{
	same(notice->message, arg, "the notice");
	same(notice->severity, "NOTICE", "its severity");
	notices++;
}

static void
test_notices(VifloSession *session)
{
	static char word[] = "hello";

	viflo_db_on_notice(session, on_notice, word);
	must(viflo_db_script(session, "DO $$ BEGIN RAISE NOTICE 'hello'; END $$", &error),
		 &error, "a notice");
	same_int(notices, 1, "was seen");
	viflo_db_on_notice(session, NULL, NULL);
	must(viflo_db_script(session, "DO $$ BEGIN RAISE NOTICE 'hello'; END $$", &error),
		 &error, "another");
	same_int(notices, 1, "was not");
}

/* arg is SQL.  A "?" before it: false in the end; a "!": true whatever comes. */
static bool
scope(VifloSession *session, void *arg, VifloDbError *why)
{
	const char *sql = arg;

	if (*sql == '?')
		return viflo_db_script(session, sql + 1, why) && false;
	if (*sql == '!')
		return viflo_db_script(session, sql + 1, why) || true;
	return viflo_db_script(session, sql, why);
}

/* A scope that fails within one that does not. */
static bool
nested(VifloSession *session, void *arg, VifloDbError *why)
{
	(void) arg;
	if (!viflo_db_script(session, "INSERT INTO s VALUES (10)", why))
		return false;
	ok(!viflo_db_scope(session, scope, "INSERT INTO s VALUES (11); SELECT 1/0", why),
	   "the inner scope fails");
	same(why->sqlstate, "22012", "as the statement in it did");
	viflo_db_error_clear(why);
	ok(!viflo_db_scope(session, scope, "!INSERT INTO s VALUES (12); SELECT 1/0", why),
	   "nor can one be kept that failed");
	viflo_db_error_clear(why);
	return viflo_db_scope(session, scope, "INSERT INTO s VALUES (13)", why);
}

static bool
die(VifloSession *session, void *arg, VifloDbError *why)
{
	int			pid = viflo_db_backend_pid(session);

	if (!viflo_db_script(session, "INSERT INTO s VALUES (20)", why))
		return false;
	terminate(arg, pid);
	return true;
}

static void
test_scopes(VifloEngine *engine, VifloSession *session)
{
	must(viflo_db_script(session, "DROP TABLE IF EXISTS s; CREATE TABLE s"
						 " (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)", &error),
		 &error, "a table");
	ok(viflo_engine_scope(engine, scope, "INSERT INTO s VALUES (1)", &error), "commit");
	same_int(ask(session, "SELECT count(*) FROM s"), 1, "is there");
	ok(!viflo_engine_scope(engine, scope, "?INSERT INTO s VALUES (2)", &error) &&
	   error.kind == VIFLO_DB_NO_ERROR, "roll back, without an error");
	failed(viflo_engine_scope(engine, scope, "INSERT INTO s VALUES (3); SELECT 1/0",
							  &error), &error,
		   VIFLO_DB_SERVER_ERROR, "22012", "roll back, after an error");
	failed(viflo_engine_scope(engine, scope, "INSERT INTO s VALUES (1)", &error),
		   &error, VIFLO_DB_SERVER_ERROR, "23505", "the commit itself fails");
	failed(viflo_engine_scope(engine, scope, "!INSERT INTO s VALUES (4); SELECT 1/0",
							  &error), &error,
		   VIFLO_DB_SERVER_ERROR, "40000", "commit of what has failed");
	failed(viflo_engine_scope(engine, scope, "ROLLBACK", &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "25P01", "a function that ends the transaction");
	failed(viflo_engine_scope(engine, die, session, &error), &error,
		   VIFLO_DB_CONNECTION_ERROR, "08006", "the connection is lost before the commit");
	same_int(ask(session, "SELECT count(*) FROM s"), 1, "nothing of it is there");
	must(viflo_db_script(session, "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
						 " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid());"
						 " RETURN NULL; END';"
						 "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON s DEFERRABLE"
						 " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()", &error),
		 &error, "a server that dies at the commit");
	failed(viflo_engine_scope(engine, scope, "INSERT INTO s VALUES (5)", &error),
		   &error, VIFLO_DB_CONNECTION_ERROR, "08007", "then nobody knows");
	must(viflo_db_script(session, "DROP FUNCTION die CASCADE", &error), &error, "drop");
	ok(viflo_engine_scope(engine, nested, NULL, &error), "a scope in a scope");
	same_int(ask(session, "SELECT sum(a) FROM s"), 1 + 10 + 13, "what it left");

	ok(!viflo_db_in_transaction(session) &&
	   viflo_db_begin(session, "ISOLATION LEVEL SERIALIZABLE READ ONLY", &error) &&
	   viflo_db_in_transaction(session), "begin, with a mode");
	failed(viflo_db_begin(session, NULL, &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "25001", "begin again");
	failed(viflo_db_execute(session, "DELETE FROM s", NULL, 0, &error), &error,
		   VIFLO_DB_SERVER_ERROR, "25006", "it is read only");
	ok(viflo_db_rollback(session, &error) && !viflo_db_in_transaction(session),
	   "roll back");
	ok(viflo_db_rollback(session, &error), "nothing to roll back");
	failed(viflo_db_commit(session, &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "25P01", "nothing to commit");
	must(viflo_db_script(session, "DROP TABLE s", &error), &error, "drop");
}

static void *
release_later(void *arg)
{
	struct timespec pause = {0, 100000000};

	nanosleep(&pause, NULL);
	viflo_db_release(arg);
	return NULL;
}

static void
test_pool(void)
{
	VifloEngineOptions options = {0};
	VifloEngine *engine;
	VifloSession *a;
	VifloSession *b;
	pthread_t	thread;
	int			sessions;
	int			idle;
	int			pid;

	options.max_sessions = 2;
	options.acquire_timeout = 200;
	engine = new_engine(&options);
	viflo_engine_count(engine, &sessions, &idle);
	ok(sessions == 0 && idle == 0, "no session before the first is wanted");
	a = acquire(engine);
	b = acquire(engine);
	failed(viflo_engine_acquire(engine, &error) != NULL, &error,
		   VIFLO_DB_TIMEOUT_ERROR, "53300", "a third of two");
	failed(viflo_engine_acquire_start(engine, &error) != NULL, &error,
		   VIFLO_DB_TIMEOUT_ERROR, "53300", "nor without waiting");
	viflo_engine_count(engine, &sessions, &idle);
	ok(sessions == 2 && idle == 0, "two sessions");

	pid = viflo_db_backend_pid(b);
	must(viflo_db_script(b, "SET work_mem = '1GB'; CREATE TEMPORARY TABLE left_over (a int);"
						 "SELECT pg_advisory_lock(4711); BEGIN; CREATE TEMPORARY TABLE more ()",
						 &error), &error, "what a user leaves");
	viflo_db_set_timeout(b, 1);
	viflo_db_release(b);
	viflo_engine_count(engine, &sessions, &idle);
	ok(sessions == 2 && idle == 1, "one of them idle");
	b = acquire(engine);
	same_int(viflo_db_backend_pid(b), pid, "the same one again");
	ok(!viflo_db_in_transaction(b), "not in a transaction");
	same_int(ask(b, "SELECT count(*) FROM pg_settings WHERE name = 'work_mem'"
				 " AND source = 'session'"), 0, "no settings");
	same_int(ask(b, "SELECT count(*) FROM pg_class WHERE relname IN ('left_over', 'more')"),
			 0, "no tables");
	same_int(ask(b, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
				 " AND pid = pg_backend_pid()"), 0, "no locks");
	same_int(ask(b, "SELECT count(pg_sleep(0.05))"), 1, "no timeout");

	/* Dead while idle: found and replaced. */
	viflo_db_release(b);
	terminate(a, pid);
	b = acquire(engine);
	ok(viflo_db_backend_pid(b) != pid, "a dead one is replaced");
	same_int(ask(b, "SELECT 1"), 1, "by one that works");

	/* Dead while in use: the query says so, and it is closed. */
	pid = viflo_db_backend_pid(b);
	terminate(a, pid);
	failed(viflo_db_execute(b, "SELECT 1", NULL, 0, &error), &error,
		   VIFLO_DB_CONNECTION_ERROR, "57P01", "the server's farewell");
	ok(viflo_db_broken(b), "the session is broken");
	failed(viflo_db_execute(b, "SELECT 1", NULL, 0, &error), &error,
		   VIFLO_DB_CONNECTION_ERROR, "08006", "and stays so");
	failed(viflo_db_begin(b, NULL, &error), &error,
		   VIFLO_DB_CONNECTION_ERROR, "08006", "for transactions too");
	failed(viflo_db_commit(b, &error), &error,
		   VIFLO_DB_CONNECTION_ERROR, "08006", "and commits");
	viflo_db_release(b);
	viflo_engine_count(engine, &sessions, &idle);
	ok(sessions == 1 && idle == 0, "it is not kept");

	/* Waiting is worth while. */
	b = acquire(engine);
	viflo_engine_free(engine);
	viflo_db_release(b);
	same_int(ask(a, "SELECT 1"), 1, "a session outlives its engine");
	viflo_db_release(a);

	options.acquire_timeout = 10000;
	options.max_sessions = 1;
	options.max_lifetime = 1;
	engine = new_engine(&options);
	a = acquire(engine);
	pid = viflo_db_backend_pid(a);
	must(pthread_create(&thread, NULL, release_later, a) == 0, &error, "a thread");
	a = acquire(engine);
	ok(viflo_db_backend_pid(a) != pid, "waited for one, that was too old");
	pthread_join(thread, NULL);
	viflo_db_release(a);
	viflo_engine_free(engine);
}

/* What a thread does: a query in a scope, many times. */
static void *
work(void *arg)
{
	long		done_well = 0;

	for (int i = 0; i < 20; i++)
	{
		VifloDbError why = {0};

		if (viflo_engine_scope(arg, scope, "SELECT pg_sleep(0.001)", &why))
			done_well++;
		viflo_db_error_clear(&why);
	}
	return (void *) done_well;
}

static void
test_threads(void)
{
	VifloEngineOptions options = {0};
	VifloEngine *engine;
	pthread_t	threads[16];
	long		total = 0;
	int			sessions;
	int			idle;

	options.max_sessions = 3;
	engine = new_engine(&options);
	for (int i = 0; i < lengthof(threads); i++)
		must(pthread_create(&threads[i], NULL, work, engine) == 0, &error, "thread");
	for (int i = 0; i < lengthof(threads); i++)
	{
		void	   *done_well;

		pthread_join(threads[i], &done_well);
		total += (long) done_well;
	}
	same_int(total, 16 * 20, "16 threads on 3 sessions");
	viflo_engine_count(engine, &sessions, &idle);
	ok(sessions <= 3 && sessions == idle, "all of them idle again");
	viflo_engine_free(engine);
}

static void
test_keep_state(void)
{
	struct timespec pause = {0, 5000000};
	VifloEngineOptions options = {0};
	VifloEngine *engine;
	VifloSession *session;

	options.keep_state = true;
	options.ping_after = 1;
	options.application_name = "it's a test";
	engine = new_engine(&options);
	session = acquire(engine);
	must(viflo_db_script(session, "CREATE TEMPORARY TABLE kept ()", &error), &error, "a table");
	viflo_db_release(session);
	nanosleep(&pause, NULL);
	session = acquire(engine);
	same_int(ask(session, "SELECT count(*) FROM pg_class WHERE relname = 'kept'"), 1,
			 "keep_state, and a ping");
	if (getenv("PGAPPNAME") == NULL)
		same_int(ask(session, "SELECT count(*) FROM pg_stat_activity WHERE"
					 " pid = pg_backend_pid() AND application_name = 'it''s a test'"),
				 1, "application_name");
	same_int(ask(session, "SELECT count(*) FROM pg_settings WHERE"
				 " name = 'client_encoding' AND setting = 'UTF8'"), 1, "UTF8");
	viflo_db_release(session);
	viflo_engine_free(engine);
}

/*
 * Statements that the server saw arrive together have one transaction's
 * timestamp; those of a pipeline without a sync in between do.
 */
static void
test_pipeline(VifloSession *session)
{
	VifloDbQuery queries[100];
	VifloDbParam params[100];
	VifloDbResult *results[100];
	int			bad = 0;
	char		first[64] = "";

	for (int i = 0; i < 100; i++)
	{
		params[i] = viflo_db_int32(i);
		queries[i] = query_of("SELECT $1::int4 * 2, now()::text", &params[i], 1, i % 2 == 0);
	}
	must(viflo_db_pipeline(session, queries, 100, results, &error), &error,
		 "100 queries at once");
	for (int i = 0; i < 100; i++)
	{
		VifloDbRow	row = viflo_db_rows(results[i], &error);

		if (!viflo_db_row_next(&row) || viflo_db_row_int32(&row, 0) != 2 * i)
			bad++;
		else if (i == 0)
			snprintf(first, sizeof(first), "%s", viflo_db_row_text(&row, 1));
		else if (strcmp(first, viflo_db_row_text(&row, 1)) != 0)
			bad++;
		viflo_db_result_free(results[i]);
	}
	same_int(bad, 0, "each its own answer, all one transaction");

	must(viflo_db_script(session, "CREATE TEMPORARY TABLE p (a int)", &error), &error, "a table");
	for (int i = 0; i < 100; i++)
		queries[i].sql = i == 60 ? "SELECT 1 / ($1 - 60)" : "INSERT INTO p VALUES ($1)";
	ok(!viflo_db_pipeline(session, queries, 100, results, &error), "one of them fails");
	same_int(error.query, 60, "which one");
	failed(false, &error, VIFLO_DB_SERVER_ERROR, "22012", "and why");
	for (int i = 0; i < 100; i++)
		bad += results[i] != NULL;
	same_int(bad, 0, "no results");
	same_int(ask(session, "SELECT count(*) FROM p"), 0, "all or nothing");

	params[1] = viflo_db_null();
	params[1].kind = 99;
	ok(!viflo_db_pipeline(session, queries, 100, results, &error) && error.query == 1,
	   "one that cannot be sent");
	failed(false, &error, VIFLO_DB_CLIENT_ERROR, "22023", "and why");
	ok(viflo_db_pipeline(session, NULL, 0, results, &error), "an empty one");

	/* In a transaction of one's own. */
	queries[0] = query_of("BEGIN", NULL, 0, false);
	queries[1] = query_of("INSERT INTO p VALUES (1)", NULL, 0, false);
	queries[2] = query_of("COMMIT", NULL, 0, false);
	must(viflo_db_pipeline(session, queries, 3, results, &error), &error, "begin to commit");
	same(viflo_db_result_tag(results[1]), "INSERT 0 1", "tag");
	same_int(viflo_db_result_affected(results[1]), 1, "affected");
	same(viflo_db_result_tag(results[2]), "COMMIT", "tag");
	for (int i = 0; i < 3; i++)
		viflo_db_result_free(results[i]);
	same_int(ask(session, "SELECT count(*) FROM p"), 1, "is there");
	must(viflo_db_script(session, "DROP TABLE p", &error), &error, "drop");
}

/*
 * More in both directions than any buffer holds: a client that only writes,
 * and a server that only writes, would wait for each other for ever.
 */
static void
test_large_pipeline(VifloSession *session)
{
	VifloDbQuery queries[LARGE_COUNT];
	VifloDbResult *results[LARGE_COUNT];
	VifloDbParam param;
	char	   *text = malloc(LARGE_SIZE);
	int			bad = 0;

	memset(text, 'x', LARGE_SIZE);
	param = viflo_db_text_n(text, LARGE_SIZE);
	for (int i = 0; i < LARGE_COUNT; i++)
		queries[i] = query_of("SELECT $1", &param, 1, true);
	viflo_db_set_timeout(session, 60000);
	must(viflo_db_pipeline(session, queries, LARGE_COUNT, results, &error), &error,
		 "40 MB there and back");
	viflo_db_set_timeout(session, 0);
	for (int i = 0; i < LARGE_COUNT; i++)
	{
		VifloDbRow	row = viflo_db_rows(results[i], &error);
		size_t		length;

		if (!viflo_db_row_next(&row) ||
			viflo_db_row_text_n(&row, 0, &length) == NULL || length != LARGE_SIZE)
			bad++;
		viflo_db_result_free(results[i]);
	}
	same_int(bad, 0, "all of it");
	free(text);
}

/* Drives a session by poll(), as an event loop would. */
static VifloDbProgress
drive(VifloSession *session)
{
	VifloDbProgress progress;

	while ((progress = viflo_db_advance(session, &error)) == VIFLO_DB_WAITING)
	{
		struct pollfd fd = {viflo_db_socket(session), 0, 0};
		int			wants = viflo_db_wants(session);

		if (wants & VIFLO_DB_WANTS_READ)
			fd.events |= POLLIN;
		if (wants & VIFLO_DB_WANTS_WRITE)
			fd.events |= POLLOUT;
		if (wants == 0 || poll(&fd, 1, 10000) != 1)
			return VIFLO_DB_FAILED;
	}
	return progress;
}

static void
test_async(VifloEngine *engine)
{
	VifloSession *a = viflo_engine_acquire_start(engine, &error);
	VifloSession *b = viflo_engine_acquire_start(engine, &error);
	VifloDbParam param = viflo_db_int32(7);
	VifloDbQuery query = {"SELECT $1 * 6, pg_advisory_lock(99)", &param, 1, true};
	VifloDbQuery two[2];
	VifloDbResult *result;
	VifloDbRow	row;

	must(a != NULL && b != NULL, &error, "two sessions, without waiting");
	same_int(drive(a), VIFLO_DB_READY, "one is connected");
	same_int(drive(b), VIFLO_DB_READY, "and the other");
	must(viflo_db_execute(b, "SELECT pg_advisory_lock(99)", NULL, 0, &error), &error, "a lock");

	must(viflo_db_send(a, &query, 1, &error), &error, "a query that must wait");
	failed(viflo_db_send(a, &query, 1, &error), &error, VIFLO_DB_CLIENT_ERROR,
		   "55000", "another meanwhile");
	failed(viflo_db_execute(a, "SELECT 1", NULL, 0, &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "55000", "nor by waiting");
	same_int(viflo_db_advance(a, &error), VIFLO_DB_WAITING, "it waits");
	ok(viflo_db_take(a) == NULL, "no result yet");
	same_int(ask(b, "SELECT 5"), 5, "others go on meanwhile");
	must(viflo_db_execute(b, "SELECT pg_advisory_unlock(99)", NULL, 0, &error), &error, "unlock");
	same_int(drive(a), VIFLO_DB_READY, "then it comes to its end");
	result = viflo_db_take(a);
	row = viflo_db_rows(result, &error);
	ok(viflo_db_row_next(&row) && viflo_db_row_int32(&row, 0) == 42, "the result");
	viflo_db_result_free(result);
	ok(viflo_db_take(a) == NULL, "is the only one");

	two[0] = query_of("SELECT 1", NULL, 0, false);
	two[1] = query_of("SELECT 2", NULL, 0, false);
	must(viflo_db_send(a, two, 2, &error), &error, "two at once");
	same_int(drive(a), VIFLO_DB_READY, "both ready");
	result = viflo_db_take(a);
	ok(result != NULL, "the first");
	viflo_db_result_free(result);
	same_int(ask(a, "SELECT 3"), 3, "the second is not wanted");

	two[0].sql = "SELECT 1/0";
	must(viflo_db_send(a, two, 2, &error), &error, "two that fail");
	failed(drive(a) == VIFLO_DB_READY, &error, VIFLO_DB_SERVER_ERROR, "22012", "fail");
	ok(viflo_db_take(a) == NULL && !viflo_db_broken(a), "without a result");
	failed(viflo_db_send(a, two, 0, &error), &error, VIFLO_DB_CLIENT_ERROR,
		   "22023", "nothing to send");

	/* Released in the middle of things: the server must not go on. */
	two[0].sql = "SELECT pg_sleep(600)";
	must(viflo_db_send(a, two, 1, &error), &error, "a long one");
	(void) viflo_db_advance(a, &error);
	{
		int			pid = viflo_db_backend_pid(a);

		viflo_db_release(a);
		ok(gone(b, pid), "released, it is cancelled and closed");
	}
	viflo_db_release(b);

	/* Not even connected. */
	a = viflo_engine_acquire_start(engine, &error);
	b = viflo_engine_acquire_start(engine, &error);
	must(a != NULL && b != NULL, &error, "one from the pool, one new");
	failed(viflo_db_execute(b, "SELECT 1", NULL, 0, &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "55000", "not yet connected");
	viflo_db_release(b);
	viflo_db_release(a);
}

/* What it does to the session differs between versions of libpq; it must end. */
static void
test_copy_in_pipeline(VifloEngine *engine)
{
	static const char *const copies[] = {
		"COPY t FROM stdin", "COPY (SELECT 1) TO stdout",
	};

	for (int i = 0; i < lengthof(copies); i++)
	{
		VifloSession *session = acquire(engine);
		VifloDbQuery queries[3] = {
			{"CREATE TEMPORARY TABLE t (a int)", NULL, 0, false},
			{copies[i], NULL, 0, false},
			{"SELECT 1", NULL, 0, false}
		};
		VifloDbResult *results[3];

		viflo_db_set_timeout(session, 10000);
		ok(!viflo_db_pipeline(session, queries, 3, results, &error) &&
		   error.kind != VIFLO_DB_TIMEOUT_ERROR && error.message != NULL,
		   "COPY in a pipeline fails");
		printf("# %s: %s (broken: %d)\n", error.sqlstate, error.message,
			   viflo_db_broken(session));
		viflo_db_release(session);
	}
	viflo_db_error_clear(&error);
}

static VifloDbCancel *volatile to_cancel;
static volatile sig_atomic_t cancelled;

static void
on_alarm(int signal)
{
	(void) signal;
	cancelled = viflo_db_cancel_send(to_cancel) ? 1 : -1;
}

static void
test_cancel(VifloSession *session)
{
	struct sigaction action;
	struct itimerval again = {{0, 100000}, {0, 100000}};
	struct itimerval never = {{0, 0}, {0, 0}};

	to_cancel = viflo_db_cancel_new(session, &error);
	must(to_cancel != NULL, &error, "prepared to cancel");
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &again, NULL);
	failed(viflo_db_execute(session, "SELECT pg_sleep(600)", NULL, 0, &error), &error,
		   VIFLO_DB_SERVER_ERROR, "57014", "cancelled from a signal handler");
	setitimer(ITIMER_REAL, &never, NULL);
	same_int(cancelled, 1, "the request went out");

	/* A request may be under way still. */
	for (int i = 0; i < 3; i++)
		(void) viflo_db_execute(session, "SELECT pg_sleep(0.1)", NULL, 0, NULL);
	same_int(ask(session, "SELECT 1"), 1, "the session goes on");
	viflo_db_cancel_free(to_cancel);
	viflo_db_cancel_free(NULL);
}

static void
test_timeout(VifloEngine *engine, VifloSession *session)
{
	VifloSession *slow = acquire(engine);
	int			pid = viflo_db_backend_pid(slow);

	viflo_db_set_timeout(slow, 200);
	failed(viflo_db_execute(slow, "SELECT pg_sleep(600)", NULL, 0, &error), &error,
		   VIFLO_DB_TIMEOUT_ERROR, "57014", "a query that takes too long");
	ok(viflo_db_broken(slow), "costs the session");
	viflo_db_release(slow);
	ok(gone(session, pid), "and does not go on");
}

int
main(void)
{
	VifloEngine *engine;
	VifloSession *session;

	test_no_server();
	engine = new_engine(NULL);
	session = acquire(engine);
	same_int(viflo_db_server_version(session) >= 150000, 1, "server version");
	test_values(session, false);
	test_values(session, true);
	test_misreads(session);
	test_errors(session);
	test_notices(session);
	test_scopes(engine, session);
	test_pool();
	test_threads();
	test_keep_state();
	test_pipeline(session);
	test_large_pipeline(session);
	test_copy_in_pipeline(engine);
	test_async(engine);
	test_cancel(session);
	test_timeout(engine, session);
	viflo_db_release(session);
	viflo_engine_free(engine);
	viflo_db_error_clear(&error);
	return done();
}
