/*-------------------------------------------------------------------------
 * script_write.c
 *	  Writing migration texts in the native format, and names for their files.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/script.h"
#include "common/script_words.h"

/* Appends text as one line, without its end. */
static void
append_line(StringInfo buf, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (text[0] == '\r' && text[1] == '\n')
			continue;
		appendStringInfoChar(buf, *text == '\n' ? ' ' : *text);
	}
}

static void
write_header(StringInfo buf, HeaderKey key, const char *value)
{
	appendStringInfo(buf, "-- %s:", viflo_header_keys[key]);
	if (*value != '\0')
		appendStringInfoChar(buf, ' ');
	append_line(buf, value);
	appendStringInfoChar(buf, '\n');
}

static void
write_names(StringInfo buf, HeaderKey key, const VifloNames *names)
{
	appendStringInfo(buf, "-- %s:", viflo_header_keys[key]);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(buf, "%s %s", i > 0 ? "," : "", names->names[i]);
	appendStringInfoChar(buf, '\n');
}

static void
write_section(StringInfo buf, SectionKind kind, const VifloSection *section)
{
	if (section->text == NULL)
		return;
	appendStringInfo(buf, "-- viflo %s", viflo_section_words[kind]);
	if (section->file != NULL)
	{
		if (section->first_line > 1)
			appendStringInfo(buf, " at %d ", section->first_line);
		else
			appendStringInfoString(buf, " from ");
		append_line(buf, section->file);
	}
	appendStringInfoChar(buf, '\n');
	if (section->length == 0)
		return;
	if (section->length > SCRIPT_MAX)
		enlargeStringInfo(buf, PG_INT32_MAX);	/* raises the usual error */
	appendBinaryStringInfo(buf, section->text, (int) section->length);
	if (section->text[section->length - 1] != '\n')
		appendStringInfoChar(buf, '\n');
}

void
viflo_script_write(StringInfo buf, const VifloRevision *revision)
{
	write_header(buf, KEY_REVISION, revision->id);
	if (!revision->repeatable)
		write_names(buf, KEY_REVISES, &revision->down);
	if (revision->depends_on.count > 0)
		write_names(buf, KEY_DEPENDS_ON, &revision->depends_on);
	if (revision->labels.count > 0)
		write_names(buf, KEY_LABELS, &revision->labels);
	if (revision->message != NULL && revision->message[0] != '\0')
		write_header(buf, KEY_MESSAGE, revision->message);
	if (revision->created != NULL && revision->created[0] != '\0')
		write_header(buf, KEY_CREATED, revision->created);
	if (revision->transaction != VIFLO_TRANSACTION_AUTO)
		write_header(buf, KEY_TRANSACTION,
					 revision->transaction == VIFLO_TRANSACTION_ON ? "on" : "off");
	if (revision->repeatable)
		write_header(buf, KEY_REPEATABLE, viflo_repeatable_word(revision->repeatable));
	appendStringInfoChar(buf, '\n');
	write_section(buf, SECTION_UP, &revision->up);
	write_section(buf, SECTION_DOWN, &revision->down_section);
	write_section(buf, SECTION_VERIFY, &revision->verify);
	write_section(buf, SECTION_BACKFILL, &revision->backfill);
}

void
viflo_script_slug(StringInfo buf, const char *message, int max_length)
{
	int			start = buf->len;
	bool		gap = false;

	for (const char *p = message; *p != '\0'; p++)
	{
		unsigned char c = pg_ascii_tolower((unsigned char) *p);

		if (IS_HIGHBIT_SET(c) || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9'))
		{
			if (gap && buf->len > start)
				appendStringInfoChar(buf, '_');
			appendStringInfoChar(buf, c);
			gap = false;
		}
		else
			gap = true;
		/* One byte more than wanted shows whether the end cuts a character. */
		if (buf->len - start > max_length)
			break;
	}
	if (buf->len - start > max_length)
	{
		int			end = start + Max(max_length, 0);

		while (end > start && ((unsigned char) buf->data[end] & 0xc0) == 0x80)
			end--;
		while (end > start && buf->data[end - 1] == '_')
			end--;
		buf->len = end;
		buf->data[end] = '\0';
	}
}
