/*-------------------------------------------------------------------------
 * fuzz_readers.c
 *	  libFuzzer target of src/cli/reader.
 *
 * The bytes are a folder: the first line picks a layout, then follow names of
 * files, each ended by a line end, with their texts, each ended by a line of
 * "%%".  For any folder the reader either says what is wrong with it, or makes
 * revisions: with ids, and with texts that lie within what it has allocated.
 * Every layout that can write files is given the text of the first one, and
 * what it writes and can read again has the same checksum.  All readers say how
 * sure they are of each file.
 *
 * The program frees little, as it ends soon.  Here allocations are kept in a
 * list, and freed after each input.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/output.h"
#include "cli/reader/psql_statement.h"
#include "cli/reader/reader.h"
#include "common/checksum.h"
#include "common/lines.h"

#define MAX_FILES	8

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* ---- allocation, instead of libpgcommon's --------------------------------- */

/*
 * What is allocated and not freed yet.  What is freed is looked for from the
 * end, as most of it is young; what is not there is pg_malloc()'s, which
 * libpgfeutils gives back by free().
 */
static void **pointers;
static size_t npointers;
static size_t room;

static void *
keep(void *pointer)
{
	CHECK(pointer != NULL);
	if (npointers == room)
	{
		room = room ? room * 2 : 1024;
		pointers = realloc(pointers, room * sizeof(void *));
		CHECK(pointers != NULL);
	}
	pointers[npointers++] = pointer;
	return pointer;
}

static void *
forget(void *pointer)
{
	size_t		i = npointers;

	while (i > 0 && pointers[i - 1] != pointer)
		i--;
	if (i > 0)
		pointers[i - 1] = pointers[--npointers];
	return pointer;
}

void *
palloc_extended(Size size, int flags)
{
	return keep(flags & MCXT_ALLOC_ZERO ? calloc(1, Max(size, 1)) : malloc(Max(size, 1)));
}

void *
palloc(Size size)
{
	return palloc_extended(size, 0);
}

void *
palloc0(Size size)
{
	return palloc_extended(size, MCXT_ALLOC_ZERO);
}

void *
repalloc(void *pointer, Size size)
{
	return keep(realloc(forget(pointer), Max(size, 1)));
}

void
pfree(void *pointer)
{
	free(forget(pointer));
}

char *
pnstrdup(const char *in, Size size)
{
	size_t		length = strnlen(in, size);
	char	   *copy = palloc(length + 1);

	memcpy(copy, in, length);
	copy[length] = '\0';
	return copy;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

void *
pg_malloc_extended(size_t size, int flags)
{
	void	   *pointer = calloc(1, Max(size, 1));

	CHECK(pointer != NULL);
	return pointer;
}

void *
pg_malloc(size_t size)
{
	return pg_malloc_extended(size, 0);
}

void *
pg_malloc0(size_t size)
{
	return pg_malloc_extended(size, 0);
}

void *
pg_realloc(void *pointer, size_t size)
{
	pointer = realloc(pointer, Max(size, 1));
	CHECK(pointer != NULL);
	return pointer;
}

char *
pg_strdup(const char *in)
{
	return strcpy(pg_malloc(strlen(in) + 1), in);
}

void
pg_free(void *pointer)
{
	free(pointer);
}

static void
free_all(void)
{
	while (npointers > 0)
		free(pointers[--npointers]);
}

/* ---- remarks go nowhere --------------------------------------------------- */

void
viflo_output_warning(const char *fmt,...)
{
}

void
viflo_output_note(const char *fmt,...)
{
}

void
viflo_output_verbose(const char *fmt,...)
{
}

/* ---- a folder of the bytes ------------------------------------------------ */

/* One more file of the folder; *rest is moved past it. */
static void
take_file(VifloFolder *folder, VifloSpan *rest)
{
	VifloFile  *file = &folder->files[folder->count];
	VifloLines	lines = {rest->start, rest->end, 0};
	VifloSpan	line;
	const char *end;
	char	   *slash;

	if (!viflo_lines_next(&lines, &line))
		return;
	memset(file, 0, sizeof(*file));
	file->name = pnstrdup(line.start, line.end - line.start);
	slash = strrchr(file->name, '/');
	file->dir_length = slash ? slash - file->name : 0;
	file->wanted = file->name[0] != '\0' && file->name[0] != '/' &&
		viflo_reader_wants(file->name, file->dir_length);
	rest->start = end = lines.next;
	while (viflo_lines_next(&lines, &line))
	{
		if (line.end - line.start == 2 && memcmp(line.start, "%%", 2) == 0)
			break;
		end = lines.next;
	}
	file->length = end - rest->start;
	file->text = palloc(file->length + 1);
	memcpy(file->text, rest->start, file->length);
	file->text[file->length] = '\0';
	rest->start = lines.next;
	folder->count += file->name[0] != '\0';
}

static const VifloSection none_section = {0};

static int
compare_files(const void *a, const void *b)
{
	return strcmp(((const VifloFile *) a)->name, ((const VifloFile *) b)->name);
}

static void
make_folder(VifloFolder *folder, const char *data, size_t size)
{
	VifloSpan	rest = {data, data + size};
	int			kept = 0;

	memset(folder, 0, sizeof(*folder));
	folder->path = "/nonexistent";
	folder->fd = -1;
	folder->read = true;
	folder->files = palloc(sizeof(VifloFile) * MAX_FILES);
	while (rest.start < rest.end && folder->count < MAX_FILES)
		take_file(folder, &rest);
	qsort(folder->files, folder->count, sizeof(VifloFile), compare_files);
	/* A folder has no two files of one name. */
	for (int i = 0; i < folder->count; i++)
	{
		if (kept == 0 || strcmp(folder->files[kept - 1].name, folder->files[i].name) != 0)
			folder->files[kept++] = folder->files[i];
	}
	folder->count = kept;
}

/* What touch() adds up, where no compiler can tell that nobody looks. */
extern unsigned int touched;
unsigned int touched;

/* Reads all bytes, so that ASan sees to it that they are there. */
static void
touch(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		touched = touched * 31 + (unsigned char) bytes[i];
}

static void
check_history(const VifloHistory *history)
{
	for (int i = 0; i < history->count; i++)
	{
		VifloRevision *revision = &history->revisions[i];
		VifloMigration *migration = &history->migrations[i];

		CHECK(revision->id != NULL && revision->message != NULL);
		CHECK(migration->script != NULL && migration->source != NULL);
		CHECK(strlen(migration->digest) == 64);
		touch(migration->script, migration->length);
		touch(revision->up.text, revision->up.length);
		touch(revision->down_section.text, revision->down_section.length);
	}
}

/* Of a text without the white space in front, which some layouts trim. */
static void
checksum(const VifloSection *section, char hex[65])
{
	VifloSection trimmed = *section;
	VifloError	error = {0};

	while (trimmed.length > 0 && strchr(" \t\r\n\v\f", *trimmed.text) != NULL)
	{
		trimmed.text++;
		trimmed.length--;
	}
	CHECK(viflo_script_checksum(&trimmed, &none_section, hex, &error));
}

/* The up section of revision, written by reader and read again. */
static void
write_and_read(const VifloReader *reader, const VifloRevision *revision)
{
	VifloSettings settings = {.layout = unconstify(char *, reader->name)};
	VifloHistory none = {.reader = reader,.settings = &settings};
	VifloNewRevision wanted = {.message = "a message"};
	VifloNewFiles files = {0};
	VifloFolder folder = {.path = "/nonexistent",.fd = -1,.read = true};
	VifloHistory history;
	VifloFailure failure = {0};
	char		before[65];
	char		after[65];
	char	   *id;

	wanted.up = pnstrdup(revision->up.text, revision->up.length);
	wanted.no_transaction = revision->transaction == VIFLO_TRANSACTION_OFF;
	/* Placeholders cannot be written so that they stay, nor psql's commands. */
	if (reader->placeholders != VIFLO_PLACEHOLDERS_NONE && strpbrk(wanted.up, "$:") != NULL)
		return;
	if (reader == &viflo_reader_sqitch && strpbrk(wanted.up, "\\:") != NULL)
		return;
	/* A second byte order mark is no part of a text that came from a file. */
	if (strstr(wanted.up, "\xef\xbb\xbf") != NULL ||
		!reader->create(&none, &wanted, &id, &files, &failure))
		return;
	folder.files = palloc0(sizeof(VifloFile) * files.count);
	folder.count = files.count;
	for (int i = 0; i < files.count; i++)
	{
		VifloFile  *file = &folder.files[i];
		char	   *slash = strrchr(files.files[i].name, '/');

		file->name = files.files[i].name;
		file->dir_length = slash ? slash - file->name : 0;
		file->wanted = true;
		file->text = files.files[i].text.data;
		file->length = files.files[i].text.len;
	}
	qsort(folder.files, folder.count, sizeof(VifloFile), compare_files);
	if (!viflo_reader_read(&folder, &settings, &history, &failure))
		return;
	/* Some tools make nothing of a file without a statement, or add one. */
	if (viflo_psql_is_blank(wanted.up))
		return;
	CHECK(history.count == 1);
	checksum(&revision->up, before);
	checksum(&history.revisions[0].up, after);
	CHECK(strcmp(before, after) == 0);
}

/*
 * The layout that a line names; any other picks one by its bytes, or NULL:
 * found out from the folder.
 */
static char *
pick_layout(VifloSpan line)
{
	char	   *name = viflo_span_copy(line);
	unsigned int sum = 0;
	int			readers = 0;

	for (; viflo_readers[readers] != NULL; readers++)
	{
		if (strcmp(viflo_readers[readers]->name, name) == 0)
			return name;
	}
	for (const char *p = name; *p != '\0'; p++)
		sum += (unsigned char) *p;
	return sum % (readers + 1) < readers ?
		pstrdup(viflo_readers[sum % (readers + 1)]->name) : NULL;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* Variables to be replaced must not depend on who runs this. */
	setenv("A", "value", 1);
	setenv("EMPTY", "", 1);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VifloSettings settings = {0};
	VifloFolder folder;
	VifloHistory history;
	VifloFailure failure = {0};
	VifloLines	lines = viflo_lines_begin((const char *) data, size);
	VifloSpan	line;

	if (!viflo_lines_next(&lines, &line))
		return 0;
	settings.layout = pick_layout(line);
	make_folder(&folder, lines.next, lines.end - lines.next);
	for (int r = 0; viflo_readers[r] != NULL; r++)
	{
		for (int i = 0; i < folder.count; i++)
		{
			if (folder.files[i].wanted)
				(void) viflo_readers[r]->claims(&folder, &folder.files[i]);
		}
	}
	if (viflo_reader_read(&folder, &settings, &history, &failure))
	{
		check_history(&history);
		for (int r = 0; viflo_readers[r] != NULL && history.count > 0; r++)
		{
			/* Native files are written from more than a text. */
			if (viflo_readers[r]->create != NULL && viflo_readers[r]->linear)
				write_and_read(viflo_readers[r], &history.revisions[0]);
		}
	}
	else
		CHECK(failure.message != NULL && failure.status != 0);
	free_all();
	return 0;
}
