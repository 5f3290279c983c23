/*-------------------------------------------------------------------------
 * test_script.c
 *	  src/common/script: what is read, what is refused and at which line,
 *	  checksums, and that writing and reading are inverses.
 *
 * Prints TAP.  Texts are handed over in malloc'd blocks of exactly their
 * length, so that ASan sees a read past the end.
 *
 * The checksums were computed with sha256sum over the bytes that script.h
 * documents, not with the code under test.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "common/script.h"
#include "common/sqlstate.h"

#define SUM_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* "SELECT 1;\n" */
#define SUM_ONE "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd"

/* "CREATE TABLE t (a int);\n\n  -- two\nSELECT 2;\n" 0 "DROP TABLE t;\n" */
#define SUM_TWO "58b7fc5c46f0a7ab58bc6659a0c318309a1278cd0dd51d9b069acabceacf7e0e"

/* 0 */
#define SUM_EMPTY_DOWN "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

/* "SELECT 1;\n" 0 */
#define SUM_ONE_EMPTY_DOWN "40de6d2d866321a176f2c4ca3c6c9fdb743a59a6a37cb01401b6c73e29d1ce42"

/* 0 "DROP TABLE t;\n" */
#define SUM_DOWN_ONLY "de760462baed7e10fc705d5f02e6715f21263f942878252f5062634763d0d970"

/* "SELECT \303\251;\n\tx\n" 0 */
#define SUM_BYTES "76b3d9f8c827aab454f4e6d82d69c1e134f1d5690fa2318b99ac78086d0c0fc7"

static int	tests;
static int	failures;

static void
ok(bool passed, const char *name)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests, name);
	if (!passed)
		failures++;
}

static void
same(const char *got, const char *expected, const char *name)
{
	bool		passed = strcmp(got, expected) == 0;

	ok(passed, name);
	if (!passed)
		printf("#      got: %s\n# expected: %s\n", got, expected);
}

/* The text, in a block without a byte to spare.  Never freed: LSan sees it. */
static char *
exact(const char *text, size_t length)
{
	static char **keep = NULL;
	static int	kept = 0;
	char	   *copy = malloc(length);

	if (length > 0)
		memcpy(copy, text, length);
	keep = realloc(keep, (kept + 1) * sizeof(char *));
	keep[kept++] = copy;
	return copy;
}

static bool
read_text(const char *text, VifloRevision *revision, VifloError *error)
{
	memset(error, 0, sizeof(*error));
	return viflo_script_read(exact(text, strlen(text)), strlen(text),
							 revision, error);
}

/* Reads what must be readable. */
static VifloRevision
good(const char *text, const char *name)
{
	VifloRevision revision;
	VifloError	error;
	bool		passed = read_text(text, &revision, &error);

	ok(passed, name);
	if (!passed)
	{
		printf("# line %d: %s\n", error.line, error.message);
		exit(1);
	}
	return revision;
}

/* What must be refused, with which SQLSTATE, at which line, in which words. */
static void
refused_n(const char *text, size_t length, const char *sqlstate, int line,
		  const char *words, const char *name)
{
	VifloRevision revision;
	VifloError	error = {0};
	bool		read = viflo_script_read(exact(text, length), length,
										 &revision, &error);
	bool		passed = !read && error.message != NULL &&
	strcmp(error.sqlstate, sqlstate) == 0 && error.line == line &&
	strstr(error.message, words) != NULL;

	ok(passed, name);
	if (read)
		printf("# it was read\n");
	else if (!passed)
		printf("# %s, line %d: %s\n", error.sqlstate, error.line, error.message);
}

static void
refused(const char *text, int line, const char *words, const char *name)
{
	refused_n(text, strlen(text), VIFLO_INVALID_SCRIPT, line, words, name);
}

static void
section_is(const VifloSection *section, const char *text, int line,
		   const char *file, const char *name)
{
	bool		passed = section->text != NULL &&
	section->length == strlen(text) &&
	memcmp(section->text, text, section->length) == 0 &&
	section->first_line == line &&
	(file == NULL ? section->file == NULL :
	 section->file != NULL && strcmp(section->file, file) == 0);

	ok(passed, name);
	if (!passed)
		printf("# line %d, file %s: \"%.*s\"\n", section->first_line,
			   section->file ? section->file : "(none)",
			   (int) section->length, section->text ? section->text : "");
}

static bool
names_equal(const VifloNames *a, const VifloNames *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
	{
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	}
	return true;
}

static bool
strings_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Equal but for the last LF, which the writer adds where it is missing. */
static bool
sections_equal(const VifloSection *a, const VifloSection *b)
{
	size_t		length = a->length;

	if (a->text == NULL || b->text == NULL)
		return a->text == b->text;
	if (length > 0 && a->text[length - 1] != '\n')
	{
		if (b->length != length + 1 || b->text[length] != '\n')
			return false;
	}
	else if (b->length != length)
		return false;
	return memcmp(a->text, b->text, length) == 0 &&
		strings_equal(a->file, b->file) &&
		(a->file == NULL || a->first_line == b->first_line);
}

static bool
revisions_equal(const VifloRevision *a, const VifloRevision *b)
{
	return strcmp(a->id, b->id) == 0 &&
		strcmp(a->message, b->message) == 0 &&
		names_equal(&a->down, &b->down) &&
		names_equal(&a->depends_on, &b->depends_on) &&
		names_equal(&a->labels, &b->labels) &&
		a->transaction == b->transaction &&
		a->repeatable == b->repeatable &&
		strings_equal(a->created, b->created) &&
		sections_equal(&a->up, &b->up) &&
		sections_equal(&a->down_section, &b->down_section) &&
		sections_equal(&a->verify, &b->verify) &&
		sections_equal(&a->backfill, &b->backfill) &&
		strcmp(a->checksum, b->checksum) == 0;
}

/* Writes and reads back; twice, as what was written must not change again. */
static bool
round_trip(const VifloRevision *revision)
{
	StringInfoData first;
	StringInfoData second;
	VifloRevision back;
	VifloRevision again;
	VifloError	error = {0};
	bool		equal;

	initStringInfo(&first);
	viflo_script_write(&first, revision);
	if (!viflo_script_read(first.data, first.len, &back, &error))
	{
		printf("# line %d: %s\n%s\n", error.line, error.message, first.data);
		return false;
	}
	initStringInfo(&second);
	viflo_script_write(&second, &back);
	equal = revisions_equal(revision, &back) &&
		first.len == second.len &&
		memcmp(first.data, second.data, first.len) == 0 &&
		viflo_script_read(second.data, second.len, &again, &error) &&
		revisions_equal(&back, &again);
	if (!equal)
		printf("# written:\n%s\n", first.data);
	return equal;
}

static void
test_header(void)
{
	VifloRevision r = good("-- viflo revision: 8f3c21d0a4b7\n"
						   "-- revises: 001_initial, other\n"
						   "-- depends on: 5d1f,billing\n"
						   "-- labels: a , b\n"
						   "-- message: add users: now\n"
						   "-- created: 2026-11-22T10:00:00Z\n"
						   "-- transaction: off\n"
						   "\n"
						   "-- viflo up\n"
						   "SELECT 1;\n", "a full header");

	same(r.id, "8f3c21d0a4b7", "id");
	ok(r.down.count == 2 && strcmp(r.down.names[0], "001_initial") == 0 &&
	   strcmp(r.down.names[1], "other") == 0, "revises");
	ok(r.depends_on.count == 2 && strcmp(r.depends_on.names[0], "5d1f") == 0 &&
	   strcmp(r.depends_on.names[1], "billing") == 0, "depends on");
	ok(r.labels.count == 2 && strcmp(r.labels.names[0], "a") == 0 &&
	   strcmp(r.labels.names[1], "b") == 0, "labels");
	same(r.message, "add users: now", "message");
	same(r.created, "2026-11-22T10:00:00Z", "created");
	ok(r.transaction == VIFLO_TRANSACTION_OFF, "transaction");
	section_is(&r.up, "SELECT 1;\n", 10, NULL, "up");
	ok(r.down_section.text == NULL && r.verify.text == NULL &&
	   r.backfill.text == NULL, "the other sections are absent");
	same(r.checksum, SUM_ONE, "checksum");

	r = good("\n-- a comment: with a colon\n--\n   \t\n-- viflo revision: a\n"
			 "\n-- note\n-- transaction: ON\n-- MESSAGE: m\n--revises:\n"
			 "  -- Depends   On: b\n\n-- viflo up\n", "comments, any order, any case");
	ok(r.down.count == 0 && r.depends_on.count == 1, "empty and odd lists");
	same(r.message, "m", "a key in capitals");
	ok(r.transaction == VIFLO_TRANSACTION_ON, "transaction: ON");
	section_is(&r.up, "", 14, NULL, "an empty up section");

	r = good("-- viflo revision: a\n-- viflo up", "the shortest script");
	ok(r.down.count == 0, "no revises is a base");
	same(r.message, "", "no message is an empty one");
	ok(r.created == NULL && r.transaction == VIFLO_TRANSACTION_AUTO,
	   "no created, no transaction");
	section_is(&r.up, "", 3, NULL, "up ends with the script");
	same(r.checksum, SUM_NOTHING, "checksum of nothing");

	r = good("-- viflo revision: a\n-- unknown: x\n-- messages: y\n"
			 "-- https://example.org/\n-- viflo up\n-- message: z\n"
			 "-- viflo revision: b\n", "unknown keys are comments");
	same(r.message, "", "a header line in a section is none");
	same(r.id, "a", "not even the first one");
}

static void
test_sections(void)
{
	VifloRevision r = good("-- viflo revision: a\n"
						   "-- viflo verify \t for later\n"
						   "v\n"
						   "-- viflo down from 1.down.sql\n"
						   "d\n"
						   "-- viflo backfill\n"
						   "b1\n"
						   "b2\n"
						   "-- viflo up from  a dir/1 up.sql \t\n"
						   "u", "sections in any order, no last newline");

	section_is(&r.verify, "v\n", 3, NULL, "verify, with words after it");
	section_is(&r.down_section, "d\n", 1, "1.down.sql", "down from a file");
	section_is(&r.backfill, "b1\nb2\n", 7, NULL, "backfill");
	section_is(&r.up, "u", 1, "a dir/1 up.sql", "up from a file with spaces");

	r = good("-- viflo revision: a\n-- viflo up from\nu\n-- viflo down fromage x\n"
			 "-- viflo verify from \t\n", "what only looks like \"from NAME\"");
	section_is(&r.up, "u\n", 3, NULL, "from nothing");
	section_is(&r.down_section, "", 5, NULL, "fromage");
	section_is(&r.verify, "", 6, NULL, "from blanks");

	r = good("-- viflo revision: a\n-- viflo up at 12  3 b.sql \nu\n-- viflo down at\t7 d\nd\n"
			 "-- viflo verify at 9\n-- viflo backfill at 2147483648 x\n", "sections that begin within files");
	section_is(&r.up, "u\n", 12, "3 b.sql", "at a line");
	section_is(&r.down_section, "d\n", 7, "d", "after a tab");
	section_is(&r.verify, "", 7, NULL, "at a line of nothing");
	section_is(&r.backfill, "", 8, NULL, "at no possible line");

	r = good("-- viflo revision: a\n"
			 "-- viflo up\n"
			 "-- viflo upgrade\n"
			 " -- viflo down\n"
			 "--  viflo down\n"
			 "--viflo down\n"
			 "-- VIFLO down\n"
			 "-- viflo  down\n"
			 "-- viflo downs\n"
			 "-- viflo\n"
			 "SELECT 1; -- viflo down\n", "what only looks like a marker");
	ok(r.down_section.text == NULL, "is none");

	r = good("-- viflo revision: a\n-- viflo up\nDO $$\n-- viflo down\n$$;\n",
			 "a marker in a dollar quote");
	section_is(&r.up, "DO $$\n", 3, NULL, "ends up all the same");
	section_is(&r.down_section, "$$;\n", 5, NULL, "and begins down");
}

static void
test_line_ends(void)
{
	static const char crlf[] = "\xef\xbb\xbf-- viflo revision: a\r\n"
	"-- revises: b, c\r\n-- message: m\r\n-- transaction: on\r\n\r\n"
	"-- viflo up from f.sql\r\nSELECT 1;\r\n-- viflo down\r\n";
	VifloRevision r = good(crlf, "a byte order mark and CRLF");

	same(r.id, "a", "id without CR");
	ok(r.down.count == 2 && strcmp(r.down.names[1], "c") == 0,
	   "list without CR");
	same(r.message, "m", "message without CR");
	section_is(&r.up, "SELECT 1;\r\n", 1, "f.sql", "the section keeps its CR");
	section_is(&r.down_section, "", 9, NULL, "CR after the marker's word");
	same(r.checksum, SUM_ONE_EMPTY_DOWN, "checksum as with LF");

	refused("\xef\xbb\xbf", 1, "does not begin", "a byte order mark alone");
	refused("-- viflo revision: a\n\xef\xbb\xbf-- viflo up\n", 2, "text before",
			"a byte order mark elsewhere is text");
}

static void
test_repeatable(void)
{
	VifloRevision r = good("-- viflo revision: v\n-- revises:\n-- repeatable: yes\n"
						   "-- depends on: w\n-- viflo up\nSELECT 1;\n-- viflo verify\n",
						   "a repeatable revision");
	StringInfoData buf;

	ok(r.repeatable == VIFLO_REPEATABLE_CHANGED && r.depends_on.count == 1, "it is repeatable, and depends on another");
	same(r.checksum, SUM_ONE, "its checksum");
	initStringInfo(&buf);
	viflo_script_write(&buf, &r);
	same(buf.data, "-- viflo revision: v\n-- depends on: w\n-- repeatable: yes\n\n"
		 "-- viflo up\nSELECT 1;\n-- viflo verify\n", "what is written has no parents");
	ok(round_trip(&r), "it comes back");

	r = good("-- viflo revision: v\n-- revises: w\n-- Repeatable: NO\n-- labels: l\n"
			 "-- viflo up\n-- viflo down\n", "repeatable: no");
	ok(!r.repeatable && r.down.count == 1, "it is like any other");
	ok(!good("-- viflo revision: v\n-- viflo up\n", "no header").repeatable, "no is the default");

	refused("-- viflo revision: v\n-- repeatable: on\n-- viflo up\n", 2,
			"\"first\" or \"no\", not \"on\"", "repeatable: on");
	refused("-- viflo revision: v\n-- repeatable:\n-- viflo up\n", 2,
			"\"first\" or \"no\"", "repeatable: nothing");
	ok(good("-- viflo revision: v\n-- repeatable: With  Others\n-- viflo up\n", "in any case")
	   .repeatable == VIFLO_REPEATABLE_WITH, "with others");
	ok(good("-- viflo revision: v\n-- repeatable: always\n-- viflo up\n", "one word")
	   .repeatable == VIFLO_REPEATABLE_ALWAYS, "always");
	refused("-- viflo revision: v\n-- repeatable: yes\n-- repeatable: yes\n-- viflo up\n", 3,
			"given twice", "repeatable twice");
	refused("-- viflo revision: v\n-- repeatable: yes\n--\n-- revises: w\n-- viflo up\n", 4,
			"cannot have down revisions", "parents of a repeatable revision");
	refused("-- viflo revision: v\n-- labels: l\n-- repeatable: yes\n-- viflo up\n", 3,
			"cannot have labels", "labels of a repeatable revision");
	refused("-- viflo revision: v\n-- repeatable: yes\n-- viflo up\n-- viflo down\n", 4,
			"cannot have a section \"down\"", "down of a repeatable revision");
	refused("-- viflo revision: v\n-- repeatable: yes\n-- viflo backfill\n-- viflo up\n", 3,
			"cannot have a section \"backfill\"", "backfill of a repeatable revision");
}

static void
test_refused(void)
{
	char		name[400];
	char		text[600];

	refused("", 1, "does not begin", "nothing");
	refused("\n\n", 1, "does not begin", "blank lines only");
	refused("-- just a comment\n", 1, "does not begin", "a comment only");
	refused("SELECT 1;\n", 1, "does not begin", "no header");
	refused("\n-- c\n-- viflo up\n", 3, "does not begin", "a section only");
	refused("-- message: m\n-- viflo revision: a\n-- viflo up\n", 1,
			"does not begin", "another header line first");
	refused("-- viflo revision: a\n\nSELECT 1;\n-- viflo up\n", 3,
			"text before the first section", "text before the first section");
	refused("-- viflo revision: a\n/* c */\n-- viflo up\n", 2,
			"text before the first section", "so is a block comment");
	refused("-- viflo revision: a\n-- viflo revision: a\n-- viflo up\n", 2,
			"\"viflo revision\" is given twice", "the id twice");
	refused("-- viflo revision: a\n-- revises:\n--\n-- Revises: b\n-- viflo up\n", 4,
			"\"revises\" is given twice", "revises twice");
	refused("-- viflo revision: a\n-- viflo up\n-- viflo down\n-- viflo up\n", 4,
			"\"up\" is given twice", "up twice");
	refused("-- viflo revision: a\n-- viflo down\nSELECT 1;\n", 3,
			"no up section", "no up section");
	refused("-- viflo revision: a\n", 1, "no up section", "no section");
	refused("-- viflo revision: a\n-- transaction: maybe\n-- viflo up\n", 2,
			"not \"maybe\"", "transaction: maybe");
	refused("-- viflo revision: a\n-- transaction:\n-- viflo up\n", 2,
			"\"on\" or \"off\"", "transaction: nothing");
	refused("-- viflo revision: a\n-- revises: b,,c\n-- viflo up\n", 2,
			"empty item", "an empty item");
	refused("-- viflo revision: a\n-- labels: b,\n-- viflo up\n", 2,
			"\"labels\" has an empty item", "an empty last item");
	refused("-- viflo revision: a\n-- revises: ,b\n-- viflo up\n", 2,
			"empty item", "an empty first item");
	refused("-- viflo revision: a\n-- depends on: ,\n-- viflo up\n", 2,
			"empty item", "a comma alone");
	refused("-- viflo revision: a\n-- depends on: x, y ,x\n-- viflo up\n", 2,
			"names \"x\" twice", "the same twice");

	refused_n("-- viflo revision: a\n-- viflo up\nx\0y\n", 36,
			  VIFLO_INVALID_SCRIPT, 3, "NUL byte", "a NUL byte");
	refused_n("\0", 1, VIFLO_INVALID_SCRIPT, 1, "NUL byte", "a NUL byte alone");
	refused_n("-- viflo revision: a\n\0", 22,
			  VIFLO_INVALID_SCRIPT, 2, "NUL byte", "a NUL byte at a line's start");

	refused_n("-- viflo revision:\n-- viflo up\n", 31, VIFLO_INVALID_NAME, 1,
			  "empty", "an empty id");
	refused_n("\n-- viflo revision: a@b\n-- viflo up\n", 36, VIFLO_INVALID_NAME, 2,
			  "a@b", "an id with @");
	refused_n("-- viflo revision: a\n\n-- revises: b, head\n-- viflo up\n", 54,
			  VIFLO_INVALID_NAME, 3, "revision \"head\"", "a parent named head");
	refused_n("-- viflo revision: a\n-- labels: -x\n-- viflo up\n", 47,
			  VIFLO_INVALID_NAME, 2, "branch label \"-x\"", "a label with -");

	memset(name, 'n', sizeof(name));
	name[300] = '\0';
	snprintf(text, sizeof(text), "-- viflo revision: %s\n-- viflo up\n", name);
	refused_n(text, strlen(text), VIFLO_INVALID_NAME, 1, "too long",
			  "a name of 300 bytes");
	name[255] = '\0';
	snprintf(text, sizeof(text), "-- viflo revision: %s\n-- viflo up\n", name);
	same(good(text, "a name of 255 bytes").id, name, "is read whole");
}

static VifloSection
section(const char *text)
{
	VifloSection s = {text, strlen(text), 1, NULL};

	return s;
}

static void
sums_to(const char *up, const char *down, const char *expected, const char *name)
{
	VifloSection up_section = section(up);
	VifloSection down_section = {NULL, 0, 0, NULL};
	char		checksum[65];
	VifloError	error = {0};

	up_section.text = exact(up, strlen(up));
	if (down != NULL)
	{
		down_section = section(down);
		down_section.text = exact(down, strlen(down));
	}
	ok(viflo_script_checksum(&up_section, &down_section, checksum, &error), name);
	same(checksum, expected, name);
}

static void
test_checksum(void)
{
	static const char up[] = "CREATE TABLE t (a int);\n\n  -- two\nSELECT 2;\n";
	static const char down[] = "DROP TABLE t;\n";
	VifloSection absent = {NULL, 0, 0, NULL};
	char		checksum[65];
	char		other[65];
	VifloSection a;
	VifloSection b;

	sums_to(up, down, SUM_TWO, "as documented");
	sums_to("CREATE TABLE t (a int);\r\n\r\n  -- two\r\nSELECT 2;\r\n",
			"DROP TABLE t;\r\n", SUM_TWO, "CRLF");
	sums_to("CREATE TABLE t (a int);  \n \t \n  -- two\t\nSELECT 2; \r\n",
			"DROP TABLE t; ", SUM_TWO, "white space at line ends");
	sums_to("\n  \n\r\nCREATE TABLE t (a int);\n\n  -- two\nSELECT 2;\n\n \n\n",
			"\n\nDROP TABLE t;\n\n\n", SUM_TWO, "blank lines at the ends");
	sums_to("CREATE TABLE t (a int);\n\n  -- two\nSELECT 2;", "DROP TABLE t;",
			SUM_TWO, "no last newline");
	sums_to("", NULL, SUM_NOTHING, "nothing");
	sums_to(" \n\t\r\n ", NULL, SUM_NOTHING, "blanks only");
	sums_to("", "", SUM_EMPTY_DOWN, "an empty down section");
	sums_to("", " \n", SUM_EMPTY_DOWN, "a blank down section");
	sums_to("SELECT 1;", NULL, SUM_ONE, "no down section");
	sums_to("SELECT 1;", "", SUM_ONE_EMPTY_DOWN, "differs from an empty one");
	sums_to("", "DROP TABLE t;", SUM_DOWN_ONLY, "an empty up section");
	sums_to("SELECT \303\251;\n\tx", "", SUM_BYTES, "bytes beyond ASCII");

	ok(viflo_script_checksum(&absent, &absent, checksum, NULL) &&
	   strcmp(checksum, SUM_NOTHING) == 0, "absent sections");

	a = section("SELECT 1;\nSELECT 2;\n");
	b = section("SELECT 1;\n\nSELECT 2;\n");
	ok(viflo_script_checksum(&a, &absent, checksum, NULL) &&
	   viflo_script_checksum(&b, &absent, other, NULL) &&
	   strcmp(checksum, other) != 0, "blank lines inside matter");
	b = section("SELECT 1;\n SELECT 2;\n");
	ok(viflo_script_checksum(&b, &absent, other, NULL) &&
	   strcmp(checksum, other) != 0, "white space at a line's start matters");
	b = section("\n \n SELECT 1;\nSELECT 2;\n");
	ok(viflo_script_checksum(&b, &absent, other, NULL) &&
	   strcmp(checksum, other) != 0, "at the first line's as well");
}

static void
test_marker_line(void)
{
	static const struct
	{
		const char *text;
		int			line;
	}			cases[] = {
		{"", 0}, {"SELECT 1;\n", 0}, {"-- viflo upgrade\n", 0},
		{"x\n-- viflo down", 2}, {"-- viflo up\tx\n", 1},
		{"\r\n\r\n-- viflo verify\r\n", 3}, {"\xef\xbb\xbf-- viflo backfill", 1},
		{"a\n-- viflo revision: x\n", 2}, {" -- viflo up", 0},
		{"--\n-- message: x\n", 0},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		size_t		length = strlen(cases[i].text);

		ok(viflo_script_marker_line(exact(cases[i].text, length), length) ==
		   cases[i].line, "marker line");
	}
}

static void
test_origin(void)
{
	static const char text[] = "a\n-- viflo at 7 x/y z.sql \r\nb\nc\n-- viflo at 1x q\n"
	"-- viflo at 99999999999 q\n-- viflo at 3\n-- viflo at 2147483647 q\nd\ne\n";
	size_t		length = strlen(text);
	const char *copy = exact(text, length);
	int			line = 0;
	char	   *file = NULL;

	ok(!viflo_script_origin(copy, length, 1, &line, &file), "no origin before the first");
	ok(!viflo_script_origin(copy, length, 2, &line, &file), "nor on its own line");
	ok(viflo_script_origin(copy, length, 3, &line, &file) && line == 7, "the line after it");
	same(file, "x/y z.sql", "file of an origin");
	ok(viflo_script_origin(copy, length, 7, &line, &file) && line == 11, "what is none is passed over");
	ok(viflo_script_origin(copy, length, 9, &line, &file) && line == 2147483647, "the largest line");
	ok(!viflo_script_origin(copy, length, 10, &line, &file), "no line beyond it");
	ok(!viflo_script_origin(copy, 0, 1, &line, &file), "origin in an empty text");
}

static void
test_write(void)
{
	VifloRevision r = {0};
	StringInfoData buf;
	VifloRevision back;
	VifloError	error;

	r.id = "8f3c21d0a4b7";
	r.message = "two\nlines\r\nand three";
	viflo_names_add(&r.down, "a");
	viflo_names_add(&r.down, "b");
	r.transaction = VIFLO_TRANSACTION_OFF;
	r.up = section("SELECT 1;");
	r.verify = section("");
	initStringInfo(&buf);
	viflo_script_write(&buf, &r);
	same(buf.data, "-- viflo revision: 8f3c21d0a4b7\n"
		 "-- revises: a, b\n"
		 "-- message: two lines and three\n"
		 "-- transaction: off\n"
		 "\n"
		 "-- viflo up\n"
		 "SELECT 1;\n"
		 "-- viflo verify\n", "what is written");
	ok(read_text(buf.data, &back, &error) && strcmp(back.checksum, SUM_ONE) == 0 &&
	   back.verify.text != NULL && back.down_section.text == NULL,
	   "can be read");

	/* A section that begins at line 4 of its file. */
	r.up.file = "x.sql";
	r.up.first_line = 4;
	resetStringInfo(&buf);
	viflo_script_write(&buf, &r);
	ok(read_text(buf.data, &back, &error), "a part of a file can be read");
	section_is(&back.up, "SELECT 1;\n", 4, "x.sql", "its lines still count right");
	ok(strstr(buf.data, "-- viflo up at 4 x.sql\nSELECT 1;\n") != NULL, "without lines in front");
	same(back.checksum, SUM_ONE, "its checksum is that of the part");
}

/* A text of random lines, many of them nearly something. */
static void
random_text(StringInfo buf, int lines)
{
	static const char *const pieces[] = {
		"SELECT 1;", "", " ", "\t", "  x", "-- viflo upgrade", "\r",
		"-- message: no", "\303\251\303\251", "$$", "--", "from", "y \t"
	};

	while (lines-- > 0)
	{
		appendStringInfoString(buf, pieces[random() % lengthof(pieces)]);
		if (random() % 4 == 0)
			appendStringInfoString(buf, pieces[random() % lengthof(pieces)]);
		if (lines > 0 || random() % 2)
			appendStringInfoString(buf, random() % 4 ? "\n" : "\r\n");
	}
}

static void
random_section(VifloSection *section)
{
	StringInfoData buf;

	if (random() % 3 == 0)
		return;
	initStringInfo(&buf);
	random_text(&buf, random() % 8);
	section->text = buf.data;
	section->length = buf.len;
	if (random() % 2)
	{
		section->file = "some dir/some file.sql";
		section->first_line = 1 + random() % 3;
	}
}

static void
random_names(VifloNames *names)
{
	int			count = random() % 4;

	while (count-- > 0)
		viflo_names_add(names, psprintf("name %d-%ld", count, random()));
}

/* Writing and reading are inverses, whatever is in a revision. */
static void
test_round_trip(void)
{
	int			bad = 0;

	srandom(20261122);
	for (int i = 0; i < 3000; i++)
	{
		VifloRevision r = {0};
		VifloError	error = {0};

		r.id = psprintf("%lx", random());
		r.message = random() % 2 ? "" : psprintf("add %ld: \303\244\rx", random());
		r.created = random() % 2 ? NULL : "2026-11-22T10:00:00Z";
		r.transaction = random() % 3;
		r.repeatable = random() % 2 ? VIFLO_REPEATABLE_NO : random() % (VIFLO_REPEATABLE_ALWAYS + 1);
		random_names(&r.depends_on);
		if (!r.repeatable)
		{
			random_names(&r.down);
			random_names(&r.labels);
		}
		random_section(&r.up);
		if (r.up.text == NULL)
			r.up = section("");
		random_section(&r.verify);
		if (!r.repeatable)
		{
			random_section(&r.down_section);
			random_section(&r.backfill);
		}
		if (!viflo_script_checksum(&r.up, &r.down_section, r.checksum, &error) ||
			!round_trip(&r))
			bad++;
	}
	ok(bad == 0, "3000 random revisions come back as they were");
}

static void
test_slug(void)
{
	static const struct
	{
		const char *message;
		int			length;
		const char *slug;
	}			cases[] = {
		{"Add users", 40, "add_users"},
		{"  --Add: users/roles!! ", 40, "add_users_roles"},
		{"add_users", 40, "add_users"},
		{"../../etc/passwd", 40, "etc_passwd"},
		{"", 40, ""}, {"!?", 40, ""}, {"abc", 0, ""},
		{"add users and roles", 9, "add_users"},
		{"add users and roles", 10, "add_users"},
		{"add users and roles", 11, "add_users_a"},
		{"\303\244\303\244\303\244", 5, "\303\244\303\244"},
		{"\303\244\303\244\303\244", 6, "\303\244\303\244\303\244"},
		{"\303\204nderung 2", 40, "\303\204nderung_2"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		StringInfoData buf;

		initStringInfo(&buf);
		appendStringInfoString(&buf, "x_");
		viflo_script_slug(&buf, cases[i].message, cases[i].length);
		same(buf.data + 2, cases[i].slug, "slug");
	}
}

/*
 * Tens of megabytes of short lines, one endless line, and a list of names
 * without end: anything that is not linear does not come back from these.
 */
static void
test_huge(void)
{
	StringInfoData buf;
	VifloRevision r;
	VifloError	error = {0};
	int			start;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "-- viflo revision: a\n-- viflo up\n");
	while (buf.len < 40000000)
		appendStringInfoString(&buf, "1\tx \n\n");
	ok(viflo_script_read(buf.data, buf.len, &r, &error) && r.up.length > 39000000,
	   "40 MB of short lines");
	ok(round_trip(&r), "come back as they were");

	resetStringInfo(&buf);
	appendStringInfoString(&buf, "-- viflo revision: a\n-- viflo up\nSELECT '");
	start = buf.len;
	enlargeStringInfo(&buf, 20000000);
	memset(buf.data + start, ' ', 20000000);
	buf.len += 20000000;
	appendStringInfoString(&buf, "';");
	ok(viflo_script_read(buf.data, buf.len, &r, &error), "a line of 20 MB");

	resetStringInfo(&buf);
	appendStringInfoString(&buf, "-- viflo revision: a\n-- depends on: n");
	for (int i = 0; i < 300000; i++)
		appendStringInfo(&buf, ",n%d", i);
	appendStringInfoString(&buf, "\n-- viflo up\n");
	ok(viflo_script_read(buf.data, buf.len, &r, &error) &&
	   r.depends_on.count == 300001, "a list of 300,001 names");
	ok(!viflo_script_read(buf.data, (size_t) 1 << 40, &r, &error) &&
	   strcmp(error.sqlstate, VIFLO_INVALID_SCRIPT) == 0, "more than 1 GB");
}

int
main(void)
{
	test_header();
	test_sections();
	test_line_ends();
	test_repeatable();
	test_refused();
	test_checksum();
	test_marker_line();
	test_origin();
	test_write();
	test_round_trip();
	test_slug();
	test_huge();
	printf("1..%d\n", tests);
	return failures > 0;
}
