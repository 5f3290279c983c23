/*-------------------------------------------------------------------------
 * checksum.c
 *	  The checksum of a migration.
 *
 * Sections are hashed where they are, without a normalised copy of them.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/checksum.h"
#include "common/cryptohash.h"
#include "common/sha2.h"

static bool
hash(pg_cryptohash_ctx *digest, const char *start, const char *end)
{
	return start == end ||
		pg_cryptohash_update(digest, (const uint8 *) start, end - start) == 0;
}

/*
 * Hashes the lines of a section, as script.h says.  Lines that need no
 * change go to the digest together.
 */
static bool
hash_section(pg_cryptohash_ctx *digest, const VifloSection *section)
{
	const char *start = section->text;
	const char *end = start + section->length;
	const char *run;
	const char *lf;

	/* Blank lines at both ends, and white space at the last line's. */
	while (end > start && (viflo_is_blank(end[-1]) || end[-1] == '\n'))
		end--;
	for (const char *p = start; p < end && (viflo_is_blank(*p) || *p == '\n'); p++)
	{
		if (*p == '\n')
			start = p + 1;
	}
	if (start == end)
		return true;

	run = start;
	while ((lf = memchr(start, '\n', end - start)) != NULL)
	{
		const char *line_end = lf;

		while (line_end > start && viflo_is_blank(line_end[-1]))
			line_end--;
		if (line_end < lf)
		{
			if (!hash(digest, run, line_end))
				return false;
			run = lf;
		}
		start = lf + 1;
	}
	return hash(digest, run, end) && hash(digest, "\n", "\n" + 1);
}

static bool
hash_sections(pg_cryptohash_ctx *digest, const VifloSection *up,
			  const VifloSection *down, uint8 result[PG_SHA256_DIGEST_LENGTH])
{
	static const char separator = '\0';

	if (pg_cryptohash_init(digest) < 0)
		return false;
	if (up->text != NULL && !hash_section(digest, up))
		return false;
	if (down->text != NULL &&
		!(hash(digest, &separator, &separator + 1) &&
		  hash_section(digest, down)))
		return false;
	return pg_cryptohash_final(digest, result, PG_SHA256_DIGEST_LENGTH) == 0;
}

static void
write_hex(const uint8 result[PG_SHA256_DIGEST_LENGTH], char hex[65])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
	{
		hex[2 * i] = digits[result[i] >> 4];
		hex[2 * i + 1] = digits[result[i] & 15];
	}
	hex[64] = '\0';
}

/* Says what went wrong with the digest, which may be NULL, and frees it. */
static bool
fail(pg_cryptohash_ctx *digest, VifloError *error)
{
	if (digest == NULL)
		return viflo_error(error, "53200", "out of memory");
	viflo_error(error, "XX000", "could not compute SHA-256: %s",
				pg_cryptohash_error(digest));
	pg_cryptohash_free(digest);
	return false;
}

bool
viflo_script_checksum(const VifloSection *up, const VifloSection *down,
					  char checksum[65], VifloError *error)
{
	uint8		result[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *digest = pg_cryptohash_create(PG_SHA256);

	if (digest == NULL || !hash_sections(digest, up, down, result))
		return fail(digest, error);
	pg_cryptohash_free(digest);
	write_hex(result, checksum);
	return true;
}

bool
viflo_digest(const char *const *parts, const size_t *lengths, int count,
			 char hex[65], VifloError *error)
{
	uint8		result[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *digest = pg_cryptohash_create(PG_SHA256);
	bool		good = digest != NULL && pg_cryptohash_init(digest) == 0;

	for (int i = 0; good && i < count; i++)
		good = hash(digest, parts[i], parts[i] + lengths[i]);
	if (!good || pg_cryptohash_final(digest, result, sizeof(result)) < 0)
		return fail(digest, error);
	pg_cryptohash_free(digest);
	write_hex(result, hex);
	return true;
}
