/*-------------------------------------------------------------------------
 * checksum.h
 *	  Checksums as other tools make them.
 *
 * Each takes the bytes of a file as it lies on the disk and gives the text
 * that the tool's table has, palloc'd; NULL where the library fails.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_CHECKSUM_H
#define VIFLO_CLI_CHECKSUM_H

/*
 * Flyway: CRC-32 of the lines without their ends (LF, CRLF or CR), in UTF-8,
 * without a byte order mark; a signed decimal number.
 */
extern char *viflo_checksum_flyway(const char *text, size_t length);

/* Hexadecimal digests of the raw bytes, in lower case. */
extern char *viflo_checksum_sha256(const char *text, size_t length);
extern char *viflo_checksum_sha384(const char *text, size_t length);
extern char *viflo_checksum_md5(const char *text, size_t length);

/*
 * Is checksum what Prisma could have made of the text?  It takes the text with
 * any ends of lines, and lacks the first digit of a byte below 16 where it is
 * of an older version.
 */
extern bool viflo_checksum_is_prisma(const char *text, size_t length, const char *checksum);

/*
 * Liquibase, version 9 of its checksums: "9:" and the MD5 of "9:HEX:", HEX being
 * the MD5 of the text without any blank, tab or line end.
 */
extern char *viflo_checksum_liquibase(const char *text, size_t length);

/*
 * refinery: SipHash-1-3, key 0, over name, version and text as Rust's Hash
 * feeds them: a string is its bytes and 0xff, the version a 32-bit (wide: a
 * 64-bit) little-endian number; an unsigned decimal number.
 */
extern char *viflo_checksum_refinery(const char *name, int64 version, bool wide,
									 const char *text, size_t length);

#endif							/* VIFLO_CLI_CHECKSUM_H */
