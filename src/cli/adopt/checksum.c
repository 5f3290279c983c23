/*-------------------------------------------------------------------------
 * checksum.c
 *	  Checksums as other tools make them.
 *
 * Rules: Flyway's ChecksumCalculator; sqlx-core's Migration; Liquibase's
 * CheckSum; refinery-core's runner.  The algorithms are zlib's, PostgreSQL's and OpenSSL's.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "cli/adopt/checksum.h"
#include "common/cryptohash.h"
#include "common/md5.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"

char *
viflo_checksum_flyway(const char *text, size_t length)
{
	const char *end = text + length;
	uLong		crc = crc32(0, NULL, 0);

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		text += 3;
	while (text < end)
	{
		const char *line = text;

		while (text < end && *text != '\n' && *text != '\r')
			text++;
		crc = crc32_z(crc, (const Bytef *) line, text - line);
		if (text + 1 < end && text[0] == '\r' && text[1] == '\n')
			text++;
		if (text < end)
			text++;
	}
	return psprintf("%d", (int32) crc);
}

static char *
hex_digest(pg_cryptohash_type type, int size, const char *text, size_t length)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(type);
	uint8		digest[PG_SHA512_DIGEST_LENGTH];
	StringInfoData hex;
	bool		good;

	if (context == NULL)
		return NULL;
	good = pg_cryptohash_init(context) == 0 &&
		pg_cryptohash_update(context, (const uint8 *) text, length) == 0 &&
		pg_cryptohash_final(context, digest, size) == 0;
	pg_cryptohash_free(context);
	if (!good)
		return NULL;
	initStringInfo(&hex);
	for (int i = 0; i < size; i++)
		appendStringInfo(&hex, "%02x", digest[i]);
	return hex.data;
}

char *
viflo_checksum_sha256(const char *text, size_t length)
{
	return hex_digest(PG_SHA256, PG_SHA256_DIGEST_LENGTH, text, length);
}

/* The text with "\r\n" where there is "\n", or the other way about. */
static void
copy_with_ends(StringInfo to, const char *text, size_t length, bool crlf)
{
	for (size_t i = 0; i < length; i++)
	{
		if (crlf && text[i] == '\n')
			appendStringInfoChar(to, '\r');
		if (crlf || text[i] != '\r' || i + 1 == length || text[i + 1] != '\n')
			appendStringInfoCharMacro(to, text[i]);
	}
}

/* Are both the same, but for 0s that begin a byte in digest only? */
static bool
is_unpadded(const char *digest, const char *checksum)
{
	for (; digest[0] != '\0'; digest += 2)
	{
		const char *byte = digest + (digest[0] == '0');
		size_t		length = digest + 2 - byte;

		if (strncmp(checksum, byte, length) != 0)
			return false;
		checksum += length;
	}
	return *checksum == '\0';
}

bool
viflo_checksum_is_prisma(const char *text, size_t length, const char *checksum)
{
	bool		good = false;

	for (int way = 0; way < 3 && !good; way++)
	{
		StringInfoData other;
		char	   *digest;

		initStringInfo(&other);
		if (way > 0)
			copy_with_ends(&other, text, length, way == 2);
		digest = way == 0 ? viflo_checksum_sha256(text, length) :
			viflo_checksum_sha256(other.data, other.len);
		good = digest != NULL &&
			(strcmp(digest, checksum) == 0 || is_unpadded(digest, checksum));
		pfree(other.data);
	}
	return good;
}

char *
viflo_checksum_sha384(const char *text, size_t length)
{
	return hex_digest(PG_SHA384, PG_SHA384_DIGEST_LENGTH, text, length);
}

char *
viflo_checksum_md5(const char *text, size_t length)
{
	return hex_digest(PG_MD5, MD5_DIGEST_LENGTH, text, length);
}

char *
viflo_checksum_liquibase(const char *text, size_t length)
{
	StringInfoData bare;
	char	   *inner;
	char	   *outer;

	initStringInfo(&bare);
	for (size_t i = 0; i < length; i++)
	{
		if (strchr(" \t\r\n", text[i]) == NULL)
			appendStringInfoCharMacro(&bare, text[i]);
	}
	inner = viflo_checksum_md5(bare.data, bare.len);
	if (inner == NULL)
		return NULL;
	inner = psprintf("9:%s:", inner);
	outer = viflo_checksum_md5(inner, strlen(inner));
	return outer ? psprintf("9:%s", outer) : NULL;
}

/* One to eight bytes of number, the lowest first. */
static bool
feed_number(EVP_MAC_CTX *context, uint64 number, int size)
{
	unsigned char bytes[8];

	for (int i = 0; i < size; i++)
		bytes[i] = (unsigned char) (number >> (8 * i));
	return EVP_MAC_update(context, bytes, size) == 1;
}

static bool
feed_string(EVP_MAC_CTX *context, const char *text, size_t length)
{
	return EVP_MAC_update(context, (const unsigned char *) text, length) == 1 &&
		feed_number(context, 0xff, 1);
}

/* A context for SipHash-1-3 with key 0, or NULL. */
static EVP_MAC_CTX *
begin_siphash(void)
{
	static const unsigned char key[16] = {0};
	unsigned int compression = 1;
	unsigned int finalization = 3;
	size_t		size = 8;
	OSSL_PARAM	params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &compression),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &finalization),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC    *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (context != NULL && EVP_MAC_init(context, key, sizeof(key), params) != 1)
	{
		EVP_MAC_CTX_free(context);
		context = NULL;
	}
	return context;
}

char *
viflo_checksum_refinery(const char *name, int64 version, bool wide,
						const char *text, size_t length)
{
	EVP_MAC_CTX *context = begin_siphash();
	unsigned char result[8];
	size_t		size = 0;
	uint64		number = 0;
	bool		good;

	good = context != NULL &&
		feed_string(context, name, strlen(name)) &&
		feed_number(context, (uint64) version, wide ? 8 : 4) &&
		feed_string(context, text, length) &&
		EVP_MAC_final(context, result, &size, sizeof(result)) == 1 &&
		size == sizeof(result);
	EVP_MAC_CTX_free(context);
	if (!good)
		return NULL;
	for (int i = 7; i >= 0; i--)
		number = number << 8 | result[i];
	return psprintf(UINT64_FORMAT, number);
}
