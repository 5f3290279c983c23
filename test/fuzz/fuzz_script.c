/*-------------------------------------------------------------------------
 * fuzz_script.c
 *	  libFuzzer target of src/common/script.
 *
 * For any bytes: reading does not misbehave and either says why it failed,
 * with a line, or gives a revision whose sections lie in the text, and which
 * comes back equal, checksum included, when it is written and read again.
 * Whatever is written is written the same way the second time.
 *
 * A frontend build allocates by malloc and frees nothing one by one, so leak
 * detection is off.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "common/script.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static void
check_strings(const char *a, const char *b)
{
	CHECK((a == NULL) == (b == NULL));
	CHECK(a == NULL || strcmp(a, b) == 0);
}

static void
check_names(const VifloNames *a, const VifloNames *b)
{
	CHECK(a->count == b->count);
	for (int i = 0; i < a->count; i++)
		CHECK(strcmp(a->names[i], b->names[i]) == 0);
}

/* b is what a became by writing it: it may have got its last LF. */
static void
check_section(const VifloSection *a, const VifloSection *b)
{
	bool		ended;

	CHECK((a->text == NULL) == (b->text == NULL));
	if (a->text == NULL)
		return;
	ended = a->length == 0 || a->text[a->length - 1] == '\n';
	CHECK(b->length == a->length + (ended ? 0 : 1));
	CHECK(memcmp(a->text, b->text, a->length) == 0);
	CHECK(ended || b->text[a->length] == '\n');
	check_strings(a->file, b->file);
	CHECK(a->file == NULL || (a->first_line == 1 && b->first_line == 1));
}

/* first_line is the line after the marker, by counting. */
static void
check_place(const VifloSection *section, const char *script, size_t size)
{
	int			line = 1;

	if (section->text == NULL)
		return;
	CHECK(section->text >= script &&
		  section->text + section->length <= script + size);
	if (section->file != NULL)
		return;
	for (const char *p = script; p < section->text; p++)
		line += *p == '\n';
	/* A marker that ends with the script has its section on the next line. */
	if (section->text == script + size && script[size - 1] != '\n')
		line++;
	CHECK(section->first_line == line);
}

static void
check_revision(const VifloRevision *a, const VifloRevision *b)
{
	check_strings(a->id, b->id);
	check_strings(a->message, b->message);
	check_strings(a->created, b->created);
	check_strings(a->checksum, b->checksum);
	check_names(&a->down, &b->down);
	check_names(&a->depends_on, &b->depends_on);
	check_names(&a->labels, &b->labels);
	CHECK(a->transaction == b->transaction);
	CHECK(a->repeatable == b->repeatable);
	check_section(&a->up, &b->up);
	check_section(&a->down_section, &b->down_section);
	check_section(&a->verify, &b->verify);
	check_section(&a->backfill, &b->backfill);
}

static void
free_names(VifloNames *names)
{
	for (int i = 0; i < names->count; i++)
		pfree(names->names[i]);
	if (names->names)
		pfree(names->names);
}

static void
free_string(char *string)
{
	if (string)
		pfree(string);
}

/* What a failed read leaves behind is too little to be worth following. */
static void
free_revision(VifloRevision *r)
{
	free_string(r->id);
	free_string(r->message);
	free_string(r->created);
	free_string(r->up.file);
	free_string(r->down_section.file);
	free_string(r->verify.file);
	free_string(r->backfill.file);
	free_names(&r->down);
	free_names(&r->depends_on);
	free_names(&r->labels);
}

static void
write_and_read(const VifloRevision *revision)
{
	StringInfoData first;
	StringInfoData second;
	VifloRevision back;
	VifloError	error = {0};

	initStringInfo(&first);
	viflo_script_write(&first, revision);
	CHECK(viflo_script_read(first.data, first.len, &back, &error));
	check_revision(revision, &back);

	initStringInfo(&second);
	viflo_script_write(&second, &back);
	CHECK(first.len == second.len &&
		  memcmp(first.data, second.data, first.len) == 0);
	free_revision(&back);
	pfree(first.data);
	pfree(second.data);
}

static void
check_slug(const VifloRevision *revision)
{
	StringInfoData slug;

	initStringInfo(&slug);
	viflo_script_slug(&slug, revision->message, 20);
	CHECK(slug.len <= 20);
	CHECK(slug.len == 0 || (slug.data[0] != '_' && slug.data[slug.len - 1] != '_'));
	CHECK(strpbrk(slug.data, "/. \\\"'") == NULL);
	pfree(slug.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *script = (const char *) data;
	VifloRevision revision;
	VifloError	error = {0};

	(void) viflo_script_marker_line(script, size);
	if (!viflo_script_read(script, size, &revision, &error))
	{
		CHECK(error.message != NULL && error.line > 0 &&
			  strlen(error.sqlstate) == 5);
		pfree(error.message);
		free_string(error.detail);
		free_string(error.hint);
		return 0;
	}
	CHECK(viflo_script_marker_line(script, size) > 0);
	check_place(&revision.up, script, size);
	check_place(&revision.down_section, script, size);
	check_place(&revision.verify, script, size);
	check_place(&revision.backfill, script, size);
	write_and_read(&revision);
	check_slug(&revision);
	free_revision(&revision);
	return 0;
}
