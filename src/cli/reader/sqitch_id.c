/*-------------------------------------------------------------------------
 * sqitch_id.c
 *	  The ids by which Sqitch knows the changes and tags of a plan.
 *
 * An id is the SHA-1 of what Sqitch calls the line's info, behind its kind and
 * length as in git: project, name, the id of the change before, and so on, so
 * that it names all of the plan up to there.
 *
 * Rules: App::Sqitch::Plan::Change, ::Plan::Tag.
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "cli/reader/sqitch_id.h"
#include "common/cryptohash.h"
#include "common/sha1.h"
#include "lib/stringinfo.h"

bool
viflo_sqitch_sha1(const char *bytes, size_t length, char hex[VIFLO_SHA1_HEX + 1],
				  VifloError *error)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA1);
	uint8		digest[SHA1_DIGEST_LENGTH];
	bool		good;

	good = context != NULL && pg_cryptohash_init(context) == 0 &&
		pg_cryptohash_update(context, (const uint8 *) bytes, length) == 0 &&
		pg_cryptohash_final(context, digest, sizeof(digest)) == 0;
	pg_cryptohash_free(context);
	if (!good)
		return viflo_error(error, "XX000", "could not compute SHA-1");
	for (int i = 0; i < SHA1_DIGEST_LENGTH; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return true;
}

/* The SHA-1 of info with a header that says what it is of. */
static bool
make_id(const char *what, const StringInfo info, char *id, VifloError *error)
{
	StringInfoData text;
	bool		good;

	initStringInfo(&text);
	appendStringInfo(&text, "%s %d", what, info->len);
	appendStringInfoChar(&text, '\0');
	appendBinaryStringInfo(&text, info->data, info->len);
	good = viflo_sqitch_sha1(text.data, text.len, id, error);
	pfree(text.data);
	pfree(info->data);
	return good;
}

/* Begins the info of a line. */
static void
begin_info(const VifloSqitchPlan *plan, StringInfo info)
{
	initStringInfo(info);
	appendStringInfo(info, "project %s\n", plan->project);
	if (plan->uri != NULL)
		appendStringInfo(info, "uri %s\n", plan->uri);
}

static void
end_info(StringInfo info, const VifloSqitchLine *is)
{
	if (is->note[0] != '\0' && strcmp(is->note, "0") != 0)
		appendStringInfo(info, "\n\n%s", is->note);
}

static void
append_list(StringInfo info, const char *title, const char *before,
			const VifloNames *names)
{
	if (names->count > 0)
		appendStringInfo(info, "\n%s", title);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(info, "\n  %s %s", before, names->names[i]);
}

bool
viflo_sqitch_change_id(const VifloSqitchPlan *plan, int index, VifloError *error)
{
	VifloSqitchChange *change = &plan->changes[index];
	StringInfoData info;

	begin_info(plan, &info);
	appendStringInfo(&info, "change %s\n", change->is.name);
	if (index > 0)
		appendStringInfo(&info, "parent %s\n", change[-1].is.id);
	appendStringInfo(&info, "planner %s\ndate %s", change->is.planner, change->is.date);
	append_list(&info, "requires", "+", &change->requires);
	append_list(&info, "conflicts", "-", &change->conflicts);
	end_info(&info, &change->is);
	return make_id("change", &info, change->is.id, error);
}

bool
viflo_sqitch_tag_id(const VifloSqitchPlan *plan, VifloSqitchTag *tag, VifloError *error)
{
	StringInfoData info;

	begin_info(plan, &info);
	appendStringInfo(&info, "tag @%s\nchange %s\nplanner %s\ndate %s", tag->is.name,
					 plan->changes[tag->change].is.id,
					 tag->is.planner, tag->is.date);
	end_info(&info, &tag->is);
	return make_id("tag", &info, tag->is.id, error);
}
