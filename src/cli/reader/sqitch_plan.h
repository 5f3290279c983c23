/*-------------------------------------------------------------------------
 * sqitch_plan.h
 *	  sqitch.plan: what changes there are, and Sqitch's own ids of them.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_SQITCH_PLAN_H
#define VIFLO_CLI_SQITCH_PLAN_H

#include "common/error.h"
#include "common/revision.h"

#define VIFLO_SHA1_HEX	40

/* What changes and tags have in common: who, when, why. */
typedef struct VifloSqitchLine
{
	char	   *name;
	int			line;			/* of the plan, from 1 */
	char	   *planner;		/* "name <mail>" */
	char	   *date;			/* as it stands there: UTC, to the second */
	char	   *note;			/* without escapes; "" for none */
	char		id[VIFLO_SHA1_HEX + 1];
} VifloSqitchLine;

typedef struct VifloSqitchTag
{
	VifloSqitchLine is;
	int			change;			/* the one it stands after */
} VifloSqitchTag;

typedef struct VifloSqitchChange
{
	VifloSqitchLine is;
	VifloNames	requires;		/* as Sqitch writes them */
	VifloNames	conflicts;
	int			nneeds;			/* those of requires that the plan has: */
	int		   *needs;			/* the changes they are */
	int			instance;		/* of this name, from 1 */
	int			before;			/* the instance before, or -1 */
	int			after;			/* the one that reworks it, or -1 */
	int			tags;			/* how many of the plan's tags stand before it */
	char		script_hash[VIFLO_SHA1_HEX + 1];	/* of the deploy script,
													 * once it is found */
} VifloSqitchChange;

/* Made by viflo_sqitch_plan_read(); palloc'd. */
typedef struct VifloSqitchPlan
{
	char	   *project;
	char	   *uri;			/* or NULL */
	int			count;
	VifloSqitchChange *changes;
	int			ntags;
	VifloSqitchTag *tags;
} VifloSqitchPlan;

/*
 * Reads the text of a plan, which must be UTF-8 without NUL bytes.  Fails with
 * the line of what Sqitch refuses, and of a change that is to be reverted.
 */
extern bool viflo_sqitch_plan_read(const char *text, size_t length,
								   VifloSqitchPlan *plan, VifloError *error);

/* May a change have this name? */
extern bool viflo_sqitch_is_name(const char *name);

#endif							/* VIFLO_CLI_SQITCH_PLAN_H */
