/*-------------------------------------------------------------------------
 * test_project.c
 *	  The model of table projects: what goes in comes out, by every door.
 *
 * The table is a temporary one like that of revision 001_initial, so this
 * needs no extension; that the real one is like it is tested elsewhere.
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/viflo.h"
#include "tap.h"

static const char table[] =
"CREATE TEMPORARY TABLE projects ("
"id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
"name text NOT NULL,"
"created_at timestamptz NOT NULL DEFAULT now())";

static void
test_values(void)
{
	static const char *const invalid[] = {
		"", "x", "{}", "00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeefg",
		"0011223344556677-8899-aabb-ccddeeff-",
		"00112233445566778899aabbccddeeff0",
		"{00112233445566778899aabbccddeeff",
	};
	static const struct
	{
		VifloDbTimestamp timestamp;
		const char *text;
	}			times[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
		{INT64_C(1795341600123456), "2026-11-22T10:00:00.123456Z"},
		{INT64_C(-62135596800000000), "0001-01-01T00:00:00.000000Z"},
		{INT64_C(-62167219200000001), "-0001-12-31T23:59:59.999999Z"},
		{INT64_C(-210866803200000000), "-4713-11-24T00:00:00.000000Z"},
		{INT64_C(9214629984000000000), "293970-01-01T00:00:00.000000Z"},
		{VIFLO_DB_INFINITY, "infinity"},
		{VIFLO_DB_MINUS_INFINITY, "-infinity"},
	};
	VifloDbUuid a;
	VifloDbUuid b;
	char		text[VIFLO_DB_UUID_SIZE];
	char		time[VIFLO_DB_TIMESTAMP_SIZE];

	ok(viflo_db_uuid_parse("00112233-4455-6677-8899-AABBccddeeff", &a), "a uuid");
	viflo_db_uuid_format(&a, text);
	same(text, "00112233-4455-6677-8899-aabbccddeeff", "as text");
	ok(viflo_db_uuid_parse("{00112233445566778899aabbccddeeff}", &b) &&
	   viflo_db_uuid_equal(&a, &b), "without hyphens, in braces");
	b.bytes[15] ^= 1;
	ok(!viflo_db_uuid_equal(&a, &b), "another one");
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
		ok(!viflo_db_uuid_parse(invalid[i], &a), "no uuid");
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
	{
		viflo_db_timestamp_format(times[i].timestamp, time);
		same(time, times[i].text, "timestamp as text");
	}
}

static void
test_crud(VifloSession *session)
{
	static const char *const names[] = {
		"plain", "", "Gr\303\274\303\237e \344\275\240\345\245\275 \360\237\232\200",
		"quote ' \" \\ $1 %s {a,b}", "two\nlines",
	};
	VifloDbError error = {0};
	VifloDbProject project = {0};
	VifloDbProject got = {0};
	VifloDbProjectList list = {0};
	VifloDbUuid id;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
	{
		must(viflo_db_project_insert(session, names[i], &project, &error),
			 &error, "insert");
		same(project.name, names[i], "its name came back");
		ok(viflo_db_project_get(session, &project.id, &got, &error) == VIFLO_DB_FOUND &&
		   viflo_db_uuid_equal(&got.id, &project.id) &&
		   got.created_at == project.created_at &&
		   strcmp(got.name, names[i]) == 0, "get by id");
		ok(viflo_db_project_find(session, names[i], &list, &error) &&
		   list.count == 1 &&
		   viflo_db_uuid_equal(&list.projects[0].id, &project.id),
		   "find by name");
	}

	/* 2020-01-01 and 2100-01-01 */
	ok(project.created_at > INT64_C(1577836800000000) &&
	   project.created_at < INT64_C(4102444800000000), "created about now");

	id = project.id;
	ok(viflo_db_project_delete(session, &id, &error) == VIFLO_DB_FOUND, "delete");
	ok(viflo_db_project_delete(session, &id, &error) == VIFLO_DB_NOT_FOUND,
	   "delete again");
	ok(viflo_db_project_get(session, &id, &got, &error) == VIFLO_DB_NOT_FOUND,
	   "not found any more");
	ok(viflo_db_project_get(session, NULL, &got, &error) == VIFLO_DB_NOT_FOUND,
	   "a NULL id is not found");
	ok(viflo_db_project_delete(session, NULL, &error) == VIFLO_DB_NOT_FOUND,
	   "nor deleted");
	ok(viflo_db_project_find(session, "no such", &list, &error) &&
	   list.count == 0 && list.projects == NULL, "no such name");
	ok(viflo_db_project_find(session, NULL, &list, &error) && list.count == 0,
	   "a NULL name is not found");
	ok(error.kind == VIFLO_DB_NO_ERROR, "none of it an error");

	failed(viflo_db_project_insert(session, NULL, &project, &error), &error,
		   VIFLO_DB_SERVER_ERROR, "23502", "insert without a name");
	ok(viflo_db_uuid_equal(&project.id, &id), "leaves the project as it was");

	ok(viflo_db_project_insert(session, "plain", &project, &error) &&
	   viflo_db_project_find(session, "plain", &list, &error) &&
	   list.count == 2, "two of one name");
	viflo_db_project_clear(&project);
	viflo_db_project_clear(&got);
	viflo_db_project_list_clear(&list);
}

static void
test_times(VifloSession *session)
{
	static const struct
	{
		const char *sql;
		VifloDbTimestamp timestamp;
	}			times[] = {
		{"infinity", VIFLO_DB_INFINITY},
		{"-infinity", VIFLO_DB_MINUS_INFINITY},
		{"1970-01-01 00:00:00.000001+00", 1},
		{"2000-01-01 00:00:00+00", INT64_C(946684800000000)},
		{"1999-12-31 23:59:59.999999+00", INT64_C(946684799999999)},
		{"4714-11-24 00:00:00+00 BC", INT64_C(-210866803200000000)},
		{"293970-01-01 00:00:00+00", INT64_C(9214629984000000000)},
	};
	VifloDbError error = {0};
	VifloDbProject project = {0};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
	{
		VifloDbParam params[] = {viflo_db_typed(1184, times[i].sql)};
		VifloDbResult *result;
		VifloDbRow	row;

		result = viflo_db_query_binary(session, "INSERT INTO projects (name, created_at)"
									   " VALUES ('t', $1) RETURNING id",
									   params, 1, &error);
		must(result != NULL, &error, times[i].sql);
		row = viflo_db_rows(result, &error);
		if (viflo_db_row_next(&row))
		{
			VifloDbUuid id = viflo_db_row_uuid(&row, 0);
			VifloDbParam back[2];

			ok(viflo_db_project_get(session, &id, &project, &error) ==
			   VIFLO_DB_FOUND, "is found");
			same_int(project.created_at, times[i].timestamp, times[i].sql);

			/* And the same as a parameter. */
			back[0] = viflo_db_timestamp(times[i].timestamp);
			back[1] = viflo_db_typed(1184, times[i].sql);
			viflo_db_result_free(result);
			result = viflo_db_query(session, "SELECT $1 = $2", back, 2, &error);
			must(result != NULL, &error, "as a parameter");
			row = viflo_db_rows(result, &error);
			ok(viflo_db_row_next(&row) && viflo_db_row_bool(&row, 0),
			   "is the same time there");
		}
		viflo_db_result_free(result);
	}
	viflo_db_project_clear(&project);

	/* The server's last years are past what an int64 from 1970 can say. */
	must(viflo_db_script(session, "INSERT INTO projects VALUES"
						 " ('00000000-0000-0000-0000-000000000001', 'late',"
						 " '294276-12-31 23:59:59+00')", &error),
		 &error, "the last year of the server");
	{
		VifloDbUuid id = {{0}};

		id.bytes[15] = 1;
		failed(viflo_db_project_get(session, &id, &project, &error) !=
			   VIFLO_DB_FIND_FAILED, &error,
			   VIFLO_DB_CLIENT_ERROR, "22008", "is out of range");
	}
	{
		VifloDbParam params[] = {viflo_db_timestamp(VIFLO_DB_MINUS_INFINITY + 5)};

		failed(viflo_db_execute(session, "SELECT $1", params, 1, &error), &error,
			   VIFLO_DB_SERVER_ERROR, "22008", "and so is the other end");
	}
}

static void
test_list(VifloSession *session)
{
	VifloDbError error = {0};
	VifloDbProjectList list = {0};
	VifloDbProject last = {0};
	char		seen[32] = "";
	int			pages = 0;

	must(viflo_db_script(session, "TRUNCATE projects; INSERT INTO projects (name, created_at)"
						 " SELECT i::text, '2026-01-01'::timestamptz + i / 3 * interval '1 s'"
						 " FROM generate_series(0, 9) i; UPDATE projects SET"
						 " id = ('00000000-0000-0000-0000-00000000000' || name)::uuid,"
						 " created_at = CASE name WHEN '0' THEN '-infinity'"
						 " WHEN '9' THEN 'infinity' ELSE created_at END", &error),
		 &error, "ten projects, some of the same time");
	do
	{
		ok(viflo_db_project_list(session, 3, pages > 0 ? &last : NULL,
								 &list, &error), "a page");
		for (int i = 0; i < list.count; i++)
			strcat(seen, list.projects[i].name);
		if (list.count > 0)
		{
			last.id = list.projects[list.count - 1].id;
			last.created_at = list.projects[list.count - 1].created_at;
		}
		pages++;
	} while (list.count > 0 && pages < 20);
	same(seen, "0123456789", "each of them once, in order");
	same_int(pages, 5, "pages");
	ok(viflo_db_project_list(session, 1000, NULL, &list, &error) &&
	   list.count == 10, "all at once");
	failed(viflo_db_project_list(session, 0, NULL, &list, &error), &error,
		   VIFLO_DB_CLIENT_ERROR, "2201W", "a limit of 0");
	viflo_db_project_list_clear(&list);
}

int
main(void)
{
	VifloDbError error = {0};
	VifloEngine *engine = viflo_engine_new(getenv("DATABASE_URL"), NULL, &error);
	VifloSession *session;
	VifloDbProject project = {0};

	test_values();
	must(engine != NULL, &error, "engine");
	session = viflo_engine_acquire(engine, &error);
	must(session != NULL, &error, "session");
	must(viflo_db_script(session, table, &error), &error, "table");

	test_crud(session);
	must(viflo_db_script(session, "SET timezone = 'America/New_York';"
						 "SET datestyle = 'German'", &error),
		 &error, "other settings");
	test_times(session);
	test_list(session);

	must(viflo_db_script(session, "DROP TABLE projects; CREATE TEMPORARY TABLE"
						 " projects (id text, name text, created_at text);"
						 "INSERT INTO projects VALUES ('a', 'b', 'c')", &error),
		 &error, "a table that is not ours");
	{
		VifloDbProjectList list = {0};

		failed(viflo_db_project_list(session, 5, NULL, &list, &error), &error,
			   VIFLO_DB_CLIENT_ERROR, "42804", "is an error, not a wrong value");
	}
	must(viflo_db_script(session, "DROP TABLE projects; SET search_path = pg_catalog",
						 &error), &error, "no table");
	failed(viflo_db_project_insert(session, "x", &project, &error), &error,
		   VIFLO_DB_SERVER_ERROR, "42P01", "is the server's error");
	viflo_db_release(session);
	viflo_engine_free(engine);
	return done();
}
