/*-------------------------------------------------------------------------
 * graphile_text.c
 *	  A committed file of graphile-migrate: "--! Name: value" lines, an empty
 *	  line, the body.
 *
 * Rules: graphile-migrate's migration.ts, hash.ts, header.ts.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/graphile_text.h"
#include "common/cryptohash.h"
#include "common/sha1.h"
#include "common/sqlstate.h"

/* White space of JavaScript that is not ASCII, in UTF-8. */
static const char *const spaces[] = {
	"\xc2\xa0", "\xef\xbb\xbf", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
	"\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
	"\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
	"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"
};

/* Length of the white space character that begins, or ends, the span; or 0. */
static int
space_length(VifloSpan span, bool at_end)
{
	int			room = span.end - span.start;

	if (room == 0)
		return 0;
	if (strchr(" \t\n\v\f\r", at_end ? span.end[-1] : *span.start) != NULL)
		return (at_end ? span.end[-1] : *span.start) != '\0';
	for (int i = 0; i < lengthof(spaces); i++)
	{
		int			length = strlen(spaces[i]);

		if (length <= room && memcmp(at_end ? span.end - length : span.start, spaces[i], length) == 0)
			return length;
	}
	return 0;
}

VifloSpan
viflo_graphile_trim(VifloSpan span)
{
	int			length;

	while ((length = space_length(span, false)) > 0)
		span.start += length;
	while ((length = space_length(span, true)) > 0)
		span.end -= length;
	return span;
}

bool
viflo_graphile_hash(const char *previous, VifloSpan body,
					char hash[VIFLO_GRAPHILE_HASH_SIZE])
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA1);
	uint8		bytes[SHA1_DIGEST_LENGTH];
	bool		good = context != NULL && pg_cryptohash_init(context) >= 0;

	if (good && previous != NULL)
		good = pg_cryptohash_update(context, (const uint8 *) previous, strlen(previous)) >= 0;
	if (good && previous != NULL && !viflo_span_is_empty(body))
		good = pg_cryptohash_update(context, (const uint8 *) "\n", 1) >= 0;
	good = good &&
		pg_cryptohash_update(context, (const uint8 *) body.start, body.end - body.start) >= 0 &&
		pg_cryptohash_update(context, (const uint8 *) "\n", 1) >= 0 &&
		pg_cryptohash_final(context, bytes, sizeof(bytes)) >= 0;
	if (context != NULL)
		pg_cryptohash_free(context);
	strcpy(hash, "sha1:");
	for (int i = 0; i < SHA1_DIGEST_LENGTH && good; i++)
		snprintf(hash + 5 + i * 2, 3, "%02x", bytes[i]);
	return good;
}

bool
viflo_graphile_no_transaction(VifloSpan body)
{
	static const char word[] = "no-transaction";
	const char *p = body.start + 3;

	if (body.end - body.start < 3 || memcmp(body.start, "--!", 3) != 0)
		return false;
	while (p < body.end && (*p == ' ' || *p == '\t'))
		p++;
	return body.end - p >= strlen(word) && memcmp(p, word, strlen(word)) == 0 &&
		(p + strlen(word) == body.end ||
		 !(isalnum((unsigned char) p[strlen(word)]) || p[strlen(word)] == '_'));
}

/* Is the line "--! Name" or "--! Name: value"?  value may be empty. */
static bool
read_header(VifloSpan line, char **name, char **value)
{
	VifloSpan	span = line;

	if (line.end - line.start < 5 || memcmp(line.start, "--! ", 4) != 0)
		return false;
	span.start += 4;
	span.end = span.start;
	while (span.end < line.end && (isalnum((unsigned char) *span.end) || *span.end == '_'))
		span.end++;
	if (span.end == span.start || !isupper((unsigned char) *span.start) ||
		(span.end < line.end && *span.end != ':'))
		return false;
	*name = viflo_span_copy(span);
	span.start = Min(span.end + 1, line.end);
	span.end = line.end;
	*value = viflo_span_copy(viflo_graphile_trim(span));
	return true;
}

static bool
take_header(const char *name, const char *value, int line,
			VifloGraphileText *result, VifloError *error)
{
	const char **to = strcmp(name, "Previous") == 0 ? &result->previous :
	strcmp(name, "Hash") == 0 ? &result->hash :
	strcmp(name, "Message") == 0 ? &result->message : NULL;

	result->allows_other_hash |= strcmp(name, "AllowInvalidHash") == 0;
	if (to != NULL && *to != NULL)
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, line, "second header \"%s\"", name);
	if (to != NULL)
		*to = value;
	return true;
}

bool
viflo_graphile_read(const char *text, size_t length, VifloGraphileText *result,
					VifloError *error)
{
	VifloLines	lines = viflo_lines_begin(text, length);
	VifloSpan	line = {text, text};
	char	   *name;
	char	   *value;
	bool		more;

	memset(result, 0, sizeof(*result));
	while ((more = viflo_lines_next(&lines, &line)) && read_header(line, &name, &value))
	{
		if (!take_header(name, value, lines.number, result, error))
			return false;
	}
	if (result->previous == NULL || result->previous[0] == '\0')
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, 1, "header \"Previous\" is missing");
	if (result->hash == NULL || result->hash[0] == '\0')
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, 1, "header \"Hash\" is missing");
	if (more && line.end - line.start == 1 && *line.start == '\r')
	{
		viflo_error_at(error, VIFLO_INVALID_SCRIPT, lines.number,
					   "line ends are not as graphile-migrate wrote them");
		viflo_error_hint(error, "Keep version control from making LF into CRLF in committed files.");
		return false;
	}
	if (more && !viflo_span_is_empty(line))
		return viflo_error_at(error, VIFLO_INVALID_SCRIPT, lines.number,
							  "no empty line follows the headers");
	if (strcmp(result->previous, "-") == 0)
		result->previous = NULL;
	result->body.start = more ? line.start : text + length;
	result->body.end = text + length;
	result->body = viflo_graphile_trim(result->body);
	result->body_line = 1;
	for (const char *p = text; p < result->body.start; p++)
		result->body_line += *p == '\n';
	return true;
}
