/*-------------------------------------------------------------------------
 * sqitch_id.h
 *	  The ids by which Sqitch knows the changes and tags of a plan.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_SQITCH_ID_H
#define VIFLO_CLI_SQITCH_ID_H

#include "cli/reader/sqitch_plan.h"

/* SHA-1, hex. */
extern bool viflo_sqitch_sha1(const char *bytes, size_t length,
							  char hex[VIFLO_SHA1_HEX + 1], VifloError *error);

/*
 * Fill in the id of a change, or of a tag, of the plan; those of the changes
 * before must be there.
 */
extern bool viflo_sqitch_change_id(const VifloSqitchPlan *plan, int index,
								   VifloError *error);
extern bool viflo_sqitch_tag_id(const VifloSqitchPlan *plan, VifloSqitchTag *tag,
								VifloError *error);

#endif							/* VIFLO_CLI_SQITCH_ID_H */
