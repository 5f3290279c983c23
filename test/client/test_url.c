/*-------------------------------------------------------------------------
 * test_url.c
 *	  Connection strings: read, changed, written and compared; no server.
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "client/viflo.h"
#include "tap.h"

static VifloDbError error;

/* text, taken apart and put together again, malloc'd. */
static char *
again(const char *text, bool secrets)
{
	VifloDbUrl *url = viflo_db_url_parse(text, &error);
	char	   *written;

	must(url != NULL, &error, text ? text : "nothing");
	written = viflo_db_url_format(url, secrets);
	viflo_db_url_free(url);
	return written;
}

/* It is written as expected, and that means the same. */
static void
written(const char *text, bool secrets, const char *expected)
{
	char	   *first = again(text, secrets);
	char	   *second = again(first, secrets);

	same(first, expected, text ? text : "nothing");
	same(second, expected, "read again");
	free(first);
	free(second);
}

static void
test_format(void)
{
	written(NULL, true, "postgresql:///");
	written("shop", true, "postgresql:///shop");
	written("a b%/?#", true, "postgresql:///a%20b%25%2F%3F%23");
	written("postgres://me:p%40ss@h:5433/shop?sslmode=require", true,
			"postgresql://me@h:5433/shop?password=p%40ss&sslmode=require");
	written("postgres://me:p%40ss@h:5433/shop?sslmode=require", false,
			"postgresql://me@h:5433/shop?sslmode=require");
	written("host=/tmp port=5433 user=me password='a b' dbname=shop", false,
			"postgresql://me@/shop?host=/tmp&port=5433");
	written("host=::1 sslpassword=x user='o\\'neil' dbname=shop", false,
			"postgresql://o%27neil@/shop?host=::1");
	written("postgresql://a:1,b:2/shop", true, "postgresql:///shop?host=a,b&port=1,2");
	written("service=prod", true, "postgresql:///?service=prod");
}

/* Nothing of a string that cannot be read is quoted. */
static void
test_wrong(void)
{
	static const char *const wrong[] = {
		"postgresql://me:hunter2@[::1/x", "postgresql://h/x?hunter2", "host=h hunter2=1",
		"host=h password='hunter2", "dbname=x hunter2", "postgresql://h/x?a=b=hunter2",
		"postgresql://me:hunter2%00@h/", "postgresql://me:hunter2%zz@h/"
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		VifloDbUrl *url = viflo_db_url_parse(wrong[i], &error);

		ok(error.message != NULL && strstr(error.message, "hunter2") == NULL, "no secret is told");
		failed(url != NULL, &error, VIFLO_DB_CLIENT_ERROR, "08001", "what cannot be read");
	}
}

static void
same_target(const char *a, const char *b, bool expected)
{
	VifloDbUrl *one = viflo_db_url_parse(a, &error);
	VifloDbUrl *other = viflo_db_url_parse(b, &error);
	char	   *target_of_one;
	char	   *target_of_other;

	must(one != NULL && other != NULL, &error, a);
	target_of_one = viflo_db_url_target(one);
	target_of_other = viflo_db_url_target(other);
	ok((strcmp(target_of_one, target_of_other) == 0) == expected, b);
	free(target_of_one);
	free(target_of_other);
	viflo_db_url_free(one);
	viflo_db_url_free(other);
}

static void
test_target(void)
{
	setenv("PGPORT", "5999", 1);
	same_target("postgresql://h:5999/shop", "host=h dbname=shop user=x password=y", true);
	same_target("postgresql://h/shop", "postgresql://h:5432/shop", false);
	same_target("postgresql://h/shop", "postgresql://i/shop", false);
	same_target("postgresql://me@h", "postgresql://h/me", true);
	unsetenv("PGPORT");
	same_target("postgresql://h/shop", "postgresql://h:5432/shop", true);
}

static void
test_change(void)
{
	VifloDbUrl *url = viflo_db_url_parse("postgresql://me:secret@h/shop", &error);
	char	   *text;

	must(url != NULL, &error, "a URL");
	same(viflo_db_url_get(url, "dbname"), "shop", "what it says");
	ok(viflo_db_url_get(url, "port") == NULL, "what it does not say");
	must(viflo_db_url_set(url, "dbname", "other", &error), &error, "another database");
	failed(viflo_db_url_set(url, "nosuch", "x", &error), &error, VIFLO_DB_CLIENT_ERROR,
		   "22023", "an option that there is not");
	text = viflo_db_url_format(url, true);
	same(text, "postgresql://me@h/other?password=secret", "on the same server");
	free(text);
	viflo_db_url_free(url);
	viflo_db_url_free(NULL);
	ok(viflo_db_is_conninfo("dbname=x") && viflo_db_is_conninfo("postgres://h") &&
	   !viflo_db_is_conninfo("shop"), "a string, a URL, and a name");
}

int
main(void)
{
	test_format();
	test_wrong();
	test_target();
	test_change();
	return done();
}
