/*-------------------------------------------------------------------------
 * cache.c
 *	  Keeps ids and digests of a folder in the user's cache directory.
 *
 * One file for each folder and layout, called by the hash of both:
 *
 *		viflo-cache 2 LISTING COUNT MANIFEST HEAD
 *		DIGEST ID
 *		...
 *		SEAL
 *
 * LISTING is the hash of all names, sizes, times and inodes, HEAD that of what
 * stands before it in the first line, and SEAL that of everything above it.
 * If one does not match, the file is ignored and written anew.  The first line
 * alone tells what an upgrade with nothing to do has to know.  As git does, nothing is remembered of a folder in which a
 * file has changed within the last moments: another change within the same
 * tick of the file system's clock could not be seen.
 *
 * The hashes tell accidents apart, not attackers: whoever may write here or
 * in the folder has easier ways.  So they are 128 bits of PostgreSQL's hash
 * function, which is ready at once, where a cryptographic library spends
 * milliseconds on getting ready.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cache.h"
#include "common/file_perm.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"

/* Smaller folders are read as fast. */
#define CACHE_MIN_FILES		500

/* File systems with the coarsest clock count in steps of this (FAT). */
#define RACY_NANOSECONDS	(INT64CONST(2) * 1000 * 1000 * 1000)

#define CACHE_MAGIC			"viflo-cache 2"
/* The first line is shorter. */
#define HEAD_MAX			512

#define HEX_DIGEST			(PG_SHA256_DIGEST_LENGTH * 2)
#define HEX_HASH			32
#define HASH_FORMAT			"%016" PRIx64 "%016" PRIx64

static void
hex_hash(const char *data, size_t length, char hex[HEX_HASH + 1])
{
	uint64		high = hash_bytes_extended((const unsigned char *) data, length, 1);
	uint64		low = hash_bytes_extended((const unsigned char *) data, length, 2);

	snprintf(hex, HEX_HASH + 1, HASH_FORMAT, high, low);
}

/*
 * What must be the same for the cached digests to hold.  The hash is a sum, so
 * that the order in which the file system lists files does not matter.
 */
static void
listing_hash(const VifloFolder *folder, char hex[HEX_HASH + 1])
{
	static const char version[] = VIFLO_VERSION;
	uint64		sums[2] = {0, 0};

	for (int i = 0; i < folder->count; i++)
	{
		const VifloFile *file = &folder->files[i];
		const unsigned char *name = (const unsigned char *) file->name;
		uint64		facts[4] = {file->size, file->mtime, file->ctime, file->inode};

		for (int s = 0; s < 2; s++)
			sums[s] += hash_bytes_extended((const unsigned char *) facts, sizeof(facts),
										   hash_bytes_extended(name, strlen(file->name), s + 1));
	}
	sums[0] += hash_bytes_extended((const unsigned char *) version, sizeof(version), 0);
	snprintf(hex, HEX_HASH + 1, HASH_FORMAT, sums[0], sums[1]);
}

/* Where this folder's cache is kept, palloc'd; NULL where there is no place. */
static char *
cache_file(const VifloFolder *folder, const char *layout, bool make_directory)
{
	const char *base = getenv("XDG_CACHE_HOME");
	char	   *directory;
	char	   *key;
	char		hex[HEX_HASH + 1];

	if (folder->real_path == NULL)
		return NULL;
	key = psprintf("%s\n%s", folder->real_path, layout ? layout : "");
	hex_hash(key, strlen(key), hex);
	pfree(key);
	if (base != NULL && base[0] == '/')
		directory = psprintf("%s/viflo", base);
	else if ((base = getenv("HOME")) != NULL && base[0] == '/')
		directory = psprintf("%s/.cache/viflo", base);
	else
		return NULL;
	if (make_directory && pg_mkdir_p(pstrdup(directory), S_IRWXU) < 0)
		return NULL;
	return psprintf("%s/%s", directory, hex);
}

/*
 * Up to limit bytes of a file, NUL-terminated; NULL when they are not to be
 * had.
 */
static char *
read_file(const char *path, size_t limit, size_t *length)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char	   *data = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
	{
		*length = Min(st.st_size, limit);
		data = palloc(*length + 1);
		if (read(fd, data, *length) == *length)
			data[*length] = '\0';
		else
		{
			pfree(data);
			data = NULL;
		}
	}
	close(fd);
	return data;
}

/*
 * Reads the first line, which must be for this listing.  Returns the start of
 * the second; NULL when anything is wrong with it.
 */
static char *
parse_head(char *data, const VifloFolder *folder, int *count, char manifest[65])
{
	char	   *newline = strchr(data, '\n');
	char		listing[HEX_HASH + 1];
	char		found[HEX_HASH + 1];
	char		seal[HEX_HASH + 1];
	char		head[HEX_HASH + 1];

	if (newline == NULL || newline - data < HEX_HASH + 1 ||
		sscanf(data, CACHE_MAGIC " %32s %d %64s %32s\n", found, count, manifest, head) != 4)
		return NULL;
	hex_hash(data, newline - data - HEX_HASH, seal);
	listing_hash(folder, listing);
	if (strcmp(seal, head) != 0 || strcmp(listing, found) != 0 || *count <= 0)
		return NULL;
	return newline + 1;
}

bool
viflo_cache_find(const VifloFolder *folder, const char *layout,
				 int *count, char manifest[65])
{
	char	   *path;
	char	   *data;
	size_t		length;

	return folder->count >= CACHE_MIN_FILES &&
		(path = cache_file(folder, layout, false)) != NULL &&
		(data = read_file(path, HEAD_MAX, &length)) != NULL &&
		parse_head(data, folder, count, manifest) != NULL;
}

/* Cuts the lines from p to end into *digests, which point there. */
static bool
split_lines(char *p, const char *end, int count, VifloDigests *digests)
{
	if (count > (end - p) / (HEX_DIGEST + 2))
		return false;
	digests->count = count;
	digests->ids = palloc(sizeof(char *) * count);
	digests->digests = palloc(sizeof(char *) * count);
	for (int i = 0; i < count; i++)
	{
		char	   *newline;

		if (end - p < HEX_DIGEST + 2 ||
			(newline = memchr(p, '\n', end - p)) == NULL ||
			newline - p < HEX_DIGEST + 2)
			return false;
		p[HEX_DIGEST] = '\0';
		*newline = '\0';
		digests->digests[i] = p;
		digests->ids[i] = p + HEX_DIGEST + 1;
		p = newline + 1;
	}
	return p == end;
}

bool
viflo_cache_load(const VifloFolder *folder, const char *layout,
				 VifloDigests *digests)
{
	char		seal[HEX_HASH + 1];
	char		manifest[65];
	char	   *path;
	char	   *data;
	char	   *lines;
	size_t		length;
	int			count;

	if (folder->count < CACHE_MIN_FILES ||
		(path = cache_file(folder, layout, false)) == NULL ||
		(data = read_file(path, MaxAllocSize - 1, &length)) == NULL)
		return false;
	if (length <= HEX_HASH + 1 || data[length - 1] != '\n')
		return false;
	length -= HEX_HASH + 1;
	hex_hash(data, length, seal);
	return memcmp(data + length, seal, HEX_HASH) == 0 &&
		(lines = parse_head(data, folder, &count, manifest)) != NULL &&
		split_lines(lines, data + length, count, digests);
}

/* Has nothing changed for long enough that a change to come will show? */
static bool
is_settled(const VifloFolder *folder)
{
	struct timespec now;
	int64		limit;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return false;
	limit = now.tv_sec * INT64CONST(1000000000) + now.tv_nsec - RACY_NANOSECONDS;
	for (int i = 0; i < folder->count; i++)
	{
		if (folder->files[i].mtime >= limit || folder->files[i].ctime >= limit)
			return false;
	}
	return true;
}

void
viflo_cache_store(const VifloFolder *folder, const char *layout,
				  const VifloHistory *history, const char *manifest)
{
	char		listing[HEX_HASH + 1];
	char		seal[HEX_HASH + 1];
	StringInfoData buf;
	char	   *path;
	char	   *temporary;
	int			fd;

	if (folder->count < CACHE_MIN_FILES || history->warned || history->outside ||
		history->count == 0 || !is_settled(folder) ||
		(path = cache_file(folder, layout, true)) == NULL)
		return;
	listing_hash(folder, listing);
	initStringInfo(&buf);
	appendStringInfo(&buf, CACHE_MAGIC " %s %d %s ", listing, history->count, manifest);
	hex_hash(buf.data, buf.len, seal);
	appendStringInfo(&buf, "%s\n", seal);
	for (int i = 0; i < history->count; i++)
		appendStringInfo(&buf, "%s %s\n", history->migrations[i].digest,
						 history->revisions[i].id);
	hex_hash(buf.data, buf.len, seal);
	appendStringInfo(&buf, "%s\n", seal);

	temporary = psprintf("%s.XXXXXX", path);
	fd = mkstemp(temporary);
	if (fd < 0)
		return;
	if (write(fd, buf.data, buf.len) != buf.len || close(fd) != 0 ||
		rename(temporary, path) != 0)
		unlink(temporary);
	pfree(buf.data);
}
