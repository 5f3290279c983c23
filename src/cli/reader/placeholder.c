/*-------------------------------------------------------------------------
 * placeholder.c
 *	  Values in place of names in a text.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/placeholder.h"
#include "libpq-fe.h"

/* The value of name among NAME=VALUE, the last one of it; or NULL. */
static const char *
find_value(const VifloNames *values, const char *name, bool any_case)
{
	size_t		length = strlen(name);

	for (int i = values->count - 1; i >= 0; i--)
	{
		const char *item = values->names[i];

		if (strlen(item) > length && item[length] == '=' &&
			(any_case ? pg_strncasecmp(item, name, length) : strncmp(item, name, length)) == 0)
			return item + length + 1;
	}
	return NULL;
}

const char *
viflo_placeholders_value(const VifloHistory *history, const char *name)
{
	const VifloPlaceholderRules *rules = &history->placeholders;
	const char *value = find_value(&history->settings->set, name, rules->any_case);

	if (value == NULL)
		value = find_value(&rules->values, name, rules->any_case);
	return value != NULL || rules->own_values_only ? value : getenv(name);
}

/* The value of a parameter in a list of libpq's, palloc'd, or NULL. */
static const char *
find_option(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++)
	{
		if (strcmp(options->keyword, keyword) == 0)
			return options->val ? pstrdup(options->val) : NULL;
	}
	return NULL;
}

const char *
viflo_placeholders_connection(const VifloSettings *settings, const char *keyword)
{
	PQconninfoOption *given = settings->url ? PQconninfoParse(settings->url, NULL) : NULL;
	PQconninfoOption *defaults = PQconndefaults();
	const char *value = find_option(given, keyword);

	/* A service that the URL names is looked up only when connecting. */
	if (value == NULL && find_option(given, "service") == NULL)
	{
		value = find_option(defaults, keyword);
		if (value == NULL && strcmp(keyword, "dbname") == 0)
			value = viflo_placeholders_connection(settings, "user");
	}
	PQconninfoFree(given);
	PQconninfoFree(defaults);
	return value;
}

/* A text is not the files' alone once a name was looked up. */
static const char *
any_value(const char *name, void *arg)
{
	VifloHistory *history = arg;

	history->outside = true;
	return viflo_placeholders_value(history, name);
}

static const char *
set_value(const char *name, void *arg)
{
	VifloHistory *history = arg;

	return find_value(&history->settings->set, name, false);
}

static VifloPlaceholders
style_of(const VifloHistory *history)
{
	const char *named = history->settings->placeholders;

	if (named == NULL)
		return history->reader->placeholders;
	return strcmp(named, "dollar") == 0 ? VIFLO_PLACEHOLDERS_DOLLAR :
		strcmp(named, "psql") == 0 ? VIFLO_PLACEHOLDERS_PSQL : VIFLO_PLACEHOLDERS_NONE;
}

static bool
fail_section(const VifloFolder *folder, const VifloHistory *history,
			 const VifloSection *section, const VifloReplacement *replacement,
			 VifloFailure *failure)
{
	const char *path = viflo_folder_path(folder, section->file);
	int			line = section->first_line + replacement->line - 1;

	if (replacement->missing == NULL)
	{
		viflo_failure_file(failure, path, line, NULL, "placeholder is not closed");
		viflo_failure_hint(failure, "With --placeholders none, \"${\" is just text.");
		return false;
	}
	viflo_failure_file(failure, path, line, NULL, "placeholder \"%s\" has no value",
					   replacement->missing);
	viflo_failure_hint(failure, "Give it one with --set '%s=VALUE', or turn placeholders off with --placeholders none.%s%s",
					   replacement->missing, history->placeholders.hint ? "  " : "",
					   history->placeholders.hint ? history->placeholders.hint : "");
	return false;
}

/* Replaces one style in section. */
static bool
replace_style(const VifloFolder *folder, VifloHistory *history,
			  VifloSection *section, bool (*replace) (VifloReplacement *),
			  VifloFailure *failure)
{
	VifloReplacement replacement = {
		.text = section->text,
		.length = section->length,
		.value = any_value,
		.arg = history,
		.strict = !history->placeholders.keep_unknown
	};

	if (!replace(&replacement))
		return fail_section(folder, history, section, &replacement, failure);
	section->text = replacement.result.data;
	section->length = replacement.result.len;
	return true;
}

/* Replaces the names that are set, in either style. */
static void
replace_set(VifloHistory *history, VifloSection *section)
{
	VifloReplacement dollar = {
		.text = section->text,.length = section->length,
		.value = set_value,.arg = history
	};
	VifloReplacement psql = {.value = set_value,.arg = history};

	/* Neither is strict, so that none fails. */
	(void) viflo_replace_dollar(&dollar);
	psql.text = dollar.result.data;
	psql.length = dollar.result.len;
	psql.kept = dollar.values;
	psql.kept_count = dollar.value_count;
	(void) viflo_replace_psql(&psql);
	section->text = psql.result.data;
	section->length = psql.result.len;
}

bool
viflo_placeholders_replace(const VifloFolder *folder, VifloHistory *history,
						   VifloSection *section, VifloFailure *failure)
{
	const VifloSettings *settings = history->settings;

	if (history->placeholders.off)
		return true;
	switch (style_of(history))
	{
		case VIFLO_PLACEHOLDERS_DOLLAR:
			return replace_style(folder, history, section, viflo_replace_dollar, failure);
		case VIFLO_PLACEHOLDERS_PSQL:
			return replace_style(folder, history, section, viflo_replace_psql, failure);
		case VIFLO_PLACEHOLDERS_WORDS:
			return replace_style(folder, history, section, viflo_replace_words, failure);
		case VIFLO_PLACEHOLDERS_NONE:
			break;
	}
	if (settings->placeholders == NULL && settings->set.count > 0)
		replace_set(history, section);
	return true;
}
