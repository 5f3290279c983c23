/*-------------------------------------------------------------------------
 * test_backfill.c
 *	  src/common/backfill: what the header of a backfill section says, what is
 *	  refused and at which line.
 *
 * Prints TAP.  Texts are handed over in malloc'd blocks of exactly their
 * length, so that ASan sees a read past the end.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "common/backfill.h"
#include "common/sqlstate.h"
#include "tap.h"

/* The text as a section, in a block without a byte to spare; never freed. */
static VifloSection
section_of(const char *text, size_t length)
{
	VifloSection section = {0};
	char	   *copy = malloc(Max(length, 1));

	memcpy(copy, text, length);
	section.text = copy;
	section.length = length;
	section.first_line = 1;
	return section;
}

static bool
read_text(const char *text, VifloBackfill *backfill, VifloError *error)
{
	VifloSection section = section_of(text, strlen(text));

	memset(error, 0, sizeof(*error));
	return viflo_backfill_read(&section, backfill, error);
}

static VifloBackfill
good(const char *text, const char *name)
{
	VifloBackfill backfill;
	VifloError	error;

	if (!tap_ok(read_text(text, &backfill, &error), "%s", name))
	{
		tap_note("line %d: %s", error.line, error.message);
		exit(1);
	}
	return backfill;
}

static void
refused(const char *text, int line, const char *words, const char *name)
{
	VifloBackfill backfill;
	VifloError	error;
	bool		read = read_text(text, &backfill, &error);

	if (tap_ok(!read && strcmp(error.sqlstate, VIFLO_INVALID_SCRIPT) == 0 &&
			   error.line == line && strstr(error.message, words) != NULL,
			   "%s", name))
		return;
	if (read)
		tap_note("it was read");
	else
		tap_note("%s, line %d: %s", error.sqlstate, error.line, error.message);
}

static void
statement_is(const VifloBackfill *backfill, const char *statement, int line)
{
	if (!tap_ok(backfill->length == strlen(statement) &&
				memcmp(backfill->statement, statement, backfill->length) == 0 &&
				backfill->line == line,
				"statement on line %d: %.30s", line, statement))
		tap_note("line %d: %.*s", backfill->line, (int) backfill->length, backfill->statement);
}

static void
test_headers(void)
{
	VifloBackfill b;

	b = good("-- table: app.orders\n"
			 "-- key: id\n"
			 "-- batch: 250\n"
			 "-- pause: 20ms\n"
			 "-- max lag: 3s\n"
			 "UPDATE app.orders SET total = 1\n"
			 "WHERE id BETWEEN :from AND :to;\n\n", "all headers");
	tap_ok(strcmp(b.table, "app.orders") == 0, "table");
	tap_ok(strcmp(b.key, "id") == 0, "key");
	tap_ok(b.batch == 250, "batch");
	tap_ok(b.pause == 20, "pause");
	tap_ok(b.max_lag == 3000, "max lag");
	statement_is(&b, "UPDATE app.orders SET total = 1\nWHERE id BETWEEN :from AND :to;", 6);

	b = good("-- key: k\n--table:t\nx", "the least, in any order, without blanks or a last line end");
	tap_ok(b.batch == 5000 && b.pause == 0 && b.max_lag == 10000, "defaults");
	statement_is(&b, "x", 3);

	b = good("\xef\xbb\xbf\r\n  -- TABLE :  \"a: b\" \r\n\n\t--  Max \t LAG: 0\r\n-- key: \"K\"\r\n  x \r\n \r\n",
			 "any case, white space, CRLF, byte order mark");
	tap_ok(strcmp(b.table, "\"a: b\"") == 0 && strcmp(b.key, "\"K\"") == 0, "names as written");
	tap_ok(b.max_lag == 0, "no lag counts");
	statement_is(&b, "  x", 6);

	b = good("-- what this does\n"
			 "-- table: t\n"
			 "-- see https://example.com/a: b\n"
			 "-- and 10:30, or a word of three: this\n"
			 "--\n"
			 "--:\n"
			 "-- key: k\n"
			 "/* -- batch: 1 */ x\n"
			 "-- batch: 2\n"
			 "-- note: here it is allowed\n"
			 "-- table: u\n"
			 "y", "comments are no headers, nor is what follows the statement's begin");
	tap_ok(b.batch == 5000 && strcmp(b.table, "t") == 0, "nothing was taken from them");
	statement_is(&b, "/* -- batch: 1 */ x\n-- batch: 2\n-- note: here it is allowed\n-- table: u\ny", 8);

	b = good("-- table: t\n-- key: k\n;", "a statement is whatever follows");
	statement_is(&b, ";", 3);
}

static void
duration_is(const char *value, int expected)
{
	char		text[128];
	VifloBackfill b;

	snprintf(text, sizeof(text), "-- table: t\n-- key: k\n-- pause: %s\nx", value);
	b = good(text, value);
	tap_ok(b.pause == expected, "is %d ms", expected);
}

static void
duration_refused(const char *value)
{
	char		text[128];

	snprintf(text, sizeof(text), "-- table: t\n-- key: k\n-- max lag: %s\nx", value);
	refused(text, 3, "header \"max lag\" must be a duration", value);
}

static void
test_numbers(void)
{
	VifloBackfill b;

	duration_is("0", 0);
	duration_is("7", 7);
	duration_is("7 ms", 7);
	duration_is("1s", 1000);
	duration_is("2min", 120000);
	duration_is("3 h", 10800000);
	duration_is("2147483647", PG_INT32_MAX);
	duration_is("596h", 2145600000);
	duration_refused("");
	duration_refused("s");
	duration_refused("-1");
	duration_refused("1.5s");
	duration_refused("1 S");
	duration_refused("1MS");
	duration_refused("1m");
	duration_refused("1 min 2");
	duration_refused("1sx");
	duration_refused("2147483648");
	duration_refused("99999999999999999999999");
	duration_refused("597h");
	duration_refused("2147483647h");

	b = good("-- table: t\n-- key: k\n-- batch: 2147483647\nx", "the largest batch");
	tap_ok(b.batch == PG_INT32_MAX, "is that");
	refused("-- table: t\n-- key: k\n-- batch: 0\nx", 3, "must be a number of rows", "batch 0");
	refused("-- table: t\n-- key: k\n-- batch: -5\nx", 3, "must be a number of rows", "batch -5");
	refused("-- table: t\n-- key: k\n-- batch:\nx", 3, "must be a number of rows", "no batch");
	refused("-- table: t\n-- key: k\n-- batch: 5 rows\nx", 3, "not \"5 rows\"", "batch with a unit");
	refused("-- table: t\n-- key: k\n-- batch: 2147483648\nx", 3, "must be a number of rows", "batch too large");
}

static void
test_refused(void)
{
	refused("", 1, "has no table", "nothing");
	refused("\n\n", 2, "has no table", "nothing but lines");
	refused("-- key: k\nx", 2, "has no table", "no table");
	refused("-- table: t\n\nx\n-- key: k\n", 3, "has no key", "key after the statement's begin");
	refused("-- table: t\n-- key: k", 2, "has no statement", "no statement");
	refused("-- table: t\n-- key: k\n \n\t\n-- end\n", 5, "has no statement", "only comments");
	refused("-- table: t\n-- key:\nx", 2, "header \"key\" is empty", "empty key");
	refused("-- table: t\n-- key: k\n-- Table: t\nx", 3, "header \"table\" is given twice", "table twice");
	refused("-- table: t\n-- key: k\n\n-- key: k\nx", 4, "header \"key\" is given twice", "key twice");
	refused("-- table: t\n-- key: k\n-- max_lag: 1s\nx", 3, "unknown header \"max_lag\"", "misspelt key");
	refused("-- tabel: t\n-- key: k\nx", 1, "unknown header \"tabel\"", "misspelt key on the first line");
	refused("-- table: t\n-- batch size: 4\nx", 2, "unknown header \"batch size\"", "unknown key of two words");
}

/* No text, cut anywhere, is read past its end or loses its line. */
static void
test_cuts(void)
{
	static const char text[] = "\xef\xbb\xbf-- table: t\r\n-- key: \"k\"\n-- batch: 12\n-- pause: 3 min\nUPDATE t\n";
	int			bad = 0;

	for (size_t length = 0; length < sizeof(text); length++)
	{
		VifloSection section = section_of(text, length);
		VifloBackfill backfill;
		VifloError	error = {0};

		if (viflo_backfill_read(&section, &backfill, &error))
		{
			if (backfill.statement + backfill.length > section.text + section.length ||
				backfill.line < 3)
				bad++;
		}
		else if (error.line < 1 || error.line > 5)
			bad++;
	}
	tap_ok(bad == 0, "texts cut anywhere");
}

int
main(void)
{
	test_headers();
	test_numbers();
	test_refused();
	test_cuts();
	return tap_done();
}
