/*-------------------------------------------------------------------------
 * shown.c
 *	  Text as a terminal shows it: how wide, and without what it would obey.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/shown.h"
#include "mb/pg_wchar.h"

int
viflo_shown_character(const char *text, int length, int *bytes)
{
	int			columns;

	*bytes = pg_utf_mblen((const unsigned char *) text);
	if (*bytes > length)
	{
		*bytes = length;
		return 0;
	}
	columns = pg_encoding_dsplen(PG_UTF8, text);
	return columns >= 0 ? columns : 1;
}

int
viflo_shown_width(const char *text, int length)
{
	int			width = 0;
	int			bytes;

	for (int i = 0; i < length; i += bytes)
		width += viflo_shown_character(text + i, length - i, &bytes);
	return width;
}

static char *
blank_out(const char *text, int length, const char *kept)
{
	char	   *shown = palloc(length + 1);
	int			to = 0;

	for (int i = 0; i < length; i++)
	{
		unsigned char c = text[i];

		if (c == 0xC2 && i + 1 < length && (unsigned char) text[i + 1] < 0xA0)
		{
			c = ' ';
			i++;
		}
		else if ((c < ' ' && strchr(kept, c) == NULL) || c == 0x7f)
			c = ' ';
		shown[to++] = c;
	}
	shown[to] = '\0';
	return shown;
}

char *
viflo_shown(const char *text, int length)
{
	return blank_out(text, length, "");
}

char *
viflo_shown_lines(const char *text)
{
	return blank_out(text, strlen(text), "\n\t");
}
