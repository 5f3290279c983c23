/*-------------------------------------------------------------------------
 * target_text.c
 *	  A target's text taken apart: BRANCH "@" SYMBOL STEPS.
 *
 * Each of them may be missing.  An exact id or label ends this at once, so
 * that ids may contain "-".
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <ctype.h>
#include <limits.h>

#include "common/sqlstate.h"
#include "common/target_text.h"

void
viflo_target_text_free(VifloTargetText *text)
{
	if (text->copy != NULL)
		pfree(text->copy);
}

static bool
is_name(const VifloGraph *graph, const char *text)
{
	return viflo_graph_find(graph, text) >= 0 ||
		viflo_graph_find_label(graph, text) >= 0;
}

/*
 * May a relative target start from this text?  What else an id may contain
 * has to be avoided by a partial id, as in Alembic.
 */
static bool
is_start(const char *symbol)
{
	for (const unsigned char *p = (const unsigned char *) symbol; *p; p++)
	{
		if (*p < 0x80 && !isalnum(*p) && *p != '_' && *p != '-')
			return false;
	}
	return true;
}

/* Reads digits into *steps; they are all that text consists of. */
static bool
read_steps(const char *text, const char *target, int *steps, VifloError *error)
{
	int64		value = 0;

	for (; *text != '\0'; text++)
	{
		value = value * 10 + (*text - '0');
		if (value > INT_MAX)
		{
			viflo_error(error, VIFLO_UNREACHABLE,
						"target \"%s\" goes too far", target);
			viflo_error_detail(error, "The largest number of steps is %d.",
							   INT_MAX);
			return false;
		}
	}
	*steps = (int) value;
	return true;
}

/*
 * Reads the steps at the end of symbol, a part of text->copy, if there are
 * any, and cuts them off.
 */
static bool
parse_steps(const VifloGraph *graph, VifloTargetText *text, char *symbol,
			VifloError *error)
{
	char	   *sign = strrchr(symbol, '+');
	char	   *minus = strrchr(symbol, '-');
	size_t		ndigits;
	int			ignored;

	text->symbol = symbol;
	if (sign == NULL || (minus != NULL && minus > sign))
		sign = minus;
	if (sign == NULL || is_name(graph, symbol))
		return true;
	ndigits = strspn(sign + 1, "0123456789");
	if (ndigits == 0)
		return true;			/* a partial id with a sign inside */
	if (sign[1 + ndigits] != '\0')
	{
		if (viflo_graph_find_prefix(graph, symbol, &ignored, 0) > 0)
			return true;
		viflo_error(error, VIFLO_INVALID_TARGET,
					"target \"%s\" has text after the number of steps",
					text->target);
		viflo_error_hint(error, "Leave out \"%s\".", sign + 1 + ndigits);
		return false;
	}

	if (!read_steps(sign + 1, text->target, &text->steps, error))
		return false;
	text->relative = true;
	text->up = *sign == '+';
	*sign = '\0';
	if (*symbol == '\0')
		text->symbol = NULL;
	else if (!is_start(symbol))
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"a relative target cannot start from \"%s\"", symbol);
		viflo_error_detail(error, "Only letters, digits, \"_\" and \"-\" can stand before the number of steps.");
		viflo_error_hint(error, "Use a branch label, or a part of the id without the other characters.");
		return false;
	}
	return true;
}

bool
viflo_target_text_parse(const VifloGraph *graph, const char *target,
						VifloTargetText *text, VifloError *error)
{
	char	   *at;

	memset(text, 0, sizeof(*text));
	text->target = text->symbol = target;
	if (*target == '\0')
	{
		viflo_error(error, VIFLO_INVALID_TARGET, "target must not be empty");
		viflo_error_hint(error, "Name a revision, \"head\" or \"base\".");
		return false;
	}
	if (strpbrk(target, "@+-:") == NULL || is_name(graph, target))
		return true;
	if (strchr(target, ':') != NULL)
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"target \"%s\" is a range", target);
		viflo_error_detail(error, "Ranges are for the history and for offline scripts.");
		viflo_error_hint(error, "Name the one revision to go to.");
		return false;
	}

	text->copy = pstrdup(target);
	at = strchr(text->copy, '@');
	if (at == NULL)
		return parse_steps(graph, text, text->copy, error);
	*at = '\0';
	if (at > text->copy)
		text->label = text->copy;
	if (at[1] == '\0')
	{
		viflo_error(error, VIFLO_INVALID_TARGET,
					"target \"%s\" has nothing after \"@\"", target);
		viflo_error_hint(error, "Write what is meant of the branch, as in \"%s@head\".",
						 text->copy);
		return false;
	}
	return parse_steps(graph, text, at + 1, error);
}
