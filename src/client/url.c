/*-------------------------------------------------------------------------
 * url.c
 *	  Connection strings, read by libpq itself.
 *
 * What is written is always a URL.  User, host and database stand where
 * everybody looks for them, all else behind the question mark; so does a host
 * that is a folder, a list, or anything but a plain name.
 *-------------------------------------------------------------------------
 */
#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpq_error.h"
#include "url.h"

struct VifloDbUrl
{
	PQconninfoOption *options;	/* as PQconninfoParse() gives them */
};

/* A text that grows; NULL once memory has run out. */
typedef struct Text
{
	char	   *data;
	size_t		length;
} Text;

bool
viflo_db_is_conninfo(const char *text)
{
	return strncmp(text, "postgresql://", 13) == 0 ||
		strncmp(text, "postgres://", 11) == 0 || strchr(text, '=') != NULL;
}

/*-------------------------------------------------------------------------
 * Taking apart
 *-------------------------------------------------------------------------
 */

/* libpq's words without what they quote, from the first quote to the last. */
static void
fail_parse(const char *why, VifloDbError *error)
{
	const char *first = strchr(why, '"');
	const char *last = strrchr(why, '"');
	int			length = (int) strcspn(why, "\n");

	if (first == NULL)
		viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "08001", "%.*s", length, why);
	else
	{
		last += last > first ? 1 : strlen(last);
		viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "08001", "%.*s\"...\"%.*s",
						   (int) (first - why), why, (int) strcspn(last, "\n"), last);
	}
}

VifloDbUrl *
viflo_db_url_parse(const char *text, VifloDbError *error)
{
	VifloDbUrl *url = malloc(sizeof(*url));
	bool		conninfo = text != NULL && viflo_db_is_conninfo(text);
	char	   *why = NULL;

	if (url == NULL)
	{
		viflo_db_error_memory(error);
		return NULL;
	}
	url->options = PQconninfoParse(conninfo ? text : "", &why);
	if (url->options == NULL)
	{
		if (why != NULL)
			fail_parse(why, error);
		else
			viflo_db_error_memory(error);
		PQfreemem(why);
		free(url);
		return NULL;
	}
	if (!conninfo && text != NULL && *text != '\0' &&
		!viflo_db_url_set(url, "dbname", text, error))
	{
		viflo_db_url_free(url);
		return NULL;
	}
	return url;
}

void
viflo_db_url_free(VifloDbUrl *url)
{
	if (url == NULL)
		return;
	PQconninfoFree(url->options);
	free(url);
}

/* Among options, with a value that says something; or NULL. */
static const char *
find_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++)
	{
		if (strcmp(options->keyword, keyword) == 0)
			return options->val != NULL && *options->val != '\0' ? options->val : NULL;
	}
	return NULL;
}

const char *
viflo_db_url_get(const VifloDbUrl *url, const char *keyword)
{
	return find_value(url->options, keyword);
}

bool
viflo_db_url_set(VifloDbUrl *url, const char *keyword, const char *value,
				 VifloDbError *error)
{
	for (PQconninfoOption *option = url->options; option->keyword != NULL; option++)
	{
		char	   *copy;

		if (strcmp(option->keyword, keyword) != 0)
			continue;
		copy = strdup(value);
		if (copy == NULL)
			return viflo_db_error_memory(error);
		free(option->val);
		option->val = copy;
		return true;
	}
	return viflo_db_error_set(error, VIFLO_DB_CLIENT_ERROR, "22023",
							  "libpq knows no option \"%s\"", keyword);
}

/*-------------------------------------------------------------------------
 * Putting together
 *-------------------------------------------------------------------------
 */

static void
append(Text *text, const char *data, size_t length)
{
	char	   *grown;

	if (text->data == NULL)
		return;
	grown = realloc(text->data, text->length + length + 1);
	if (grown == NULL)
		free(text->data);
	else
	{
		memcpy(grown + text->length, data, length);
		text->length += length;
		grown[text->length] = '\0';
	}
	text->data = grown;
}

static void
append_text(Text *text, const char *data)
{
	append(text, data, strlen(data));
}

/* value by the rules of URLs; the characters of plain stand for themselves. */
static void
append_encoded(Text *text, const char *value, const char *plain)
{
	for (; *value != '\0'; value++)
	{
		char		escape[4];

		if (isalnum((unsigned char) *value) || strchr(plain, *value) != NULL)
			append(text, value, 1);
		else
		{
			snprintf(escape, sizeof(escape), "%%%02X", (unsigned char) *value);
			append_text(text, escape);
		}
	}
}

/* A host that can stand in its place, before the port. */
static bool
is_plain_host(const char *host)
{
	return host != NULL &&
		host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] == '\0';
}

/* libpq marks passwords for those who show a form; not all that is secret is one. */
static bool
is_secret(const PQconninfoOption *option)
{
	return strcmp(option->dispchar, "*") == 0 ||
		strstr(option->keyword, "secret") != NULL ||
		strncmp(option->keyword, "scram_", 6) == 0;
}

/* All that does not stand before the question mark. */
static void
append_options(Text *text, const VifloDbUrl *url, bool plain_host, bool secrets)
{
	const char *separator = "?";

	for (const PQconninfoOption *option = url->options; option->keyword != NULL; option++)
	{
		const char *keyword = option->keyword;

		if (option->val == NULL || *option->val == '\0' ||
			strcmp(keyword, "user") == 0 || strcmp(keyword, "dbname") == 0 ||
			(plain_host && (strcmp(keyword, "host") == 0 || strcmp(keyword, "port") == 0)) ||
			(!secrets && is_secret(option)))
			continue;
		append_text(text, separator);
		append_text(text, keyword);
		append_text(text, "=");
		append_encoded(text, option->val, "-._~/:,");
		separator = "&";
	}
}

char *
viflo_db_url_format(const VifloDbUrl *url, bool secrets)
{
	Text		text = {calloc(1, 1), 0};
	const char *user = viflo_db_url_get(url, "user");
	const char *host = viflo_db_url_get(url, "host");
	const char *port = viflo_db_url_get(url, "port");
	const char *dbname = viflo_db_url_get(url, "dbname");
	bool		plain_host = is_plain_host(host);

	append_text(&text, "postgresql://");
	if (user != NULL)
	{
		append_encoded(&text, user, "-._~");
		append_text(&text, "@");
	}
	if (plain_host)
	{
		append_text(&text, host);
		if (port != NULL)
		{
			append_text(&text, ":");
			append_encoded(&text, port, "");
		}
	}
	append_text(&text, "/");
	if (dbname != NULL)
		append_encoded(&text, dbname, "-._~");
	append_options(&text, url, plain_host, secrets);
	return text.data;
}

/*-------------------------------------------------------------------------
 * Where it leads to
 *-------------------------------------------------------------------------
 */

/* Each part is ended by a byte that no value holds. */
static void
append_part(Text *text, const char *value)
{
	append_text(text, value != NULL ? value : "");
	append_text(text, "\n");
}

char *
viflo_db_url_target(const VifloDbUrl *url)
{
	static const char *const keywords[] = {"service", "host", "hostaddr", "port", "dbname"};
	PQconninfoOption *defaults = PQconndefaults();
	Text		text = {calloc(1, 1), 0};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
	{
		const char *value = viflo_db_url_get(url, keywords[i]);

		if (value == NULL)
			value = find_value(defaults, keywords[i]);

		/* Without a name, it is that of the user. */
		if (value == NULL && strcmp(keywords[i], "dbname") == 0)
		{
			value = viflo_db_url_get(url, "user");
			if (value == NULL)
				value = find_value(defaults, "user");
		}
		append_part(&text, value);
	}
	PQconninfoFree(defaults);
	return text.data;
}
