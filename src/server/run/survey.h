/*-------------------------------------------------------------------------
 * survey.h
 *	  Where the tenants of a project stand, and what an upgrade would run.
 *
 * Tenants are the schemas that there are, whether anything is applied for
 * them or not.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SURVEY_H
#define VIFLO_SURVEY_H

#include "common/revision.h"

/* What tenants at the same place have in common. */
typedef struct VifloStanding
{
	VifloNames	current;		/* ids of applied revisions that none applied
								 * follows */
	int			steps;			/* of an upgrade to the target; -1: none leads
								 * there */
	int			pending;		/* of those, not applied */
	int			late;			/* of those */
	int			changed;		/* applied with another text than registered */
} VifloStanding;

typedef struct VifloSurveyRow
{
	char	   *tenant;
	const VifloStanding *standing;
	int			missing;		/* applied, and not registered */
	int			unfinished;		/* cut off half way */
} VifloSurveyRow;

/*
 * The schemas whose names are LIKE pattern, by name; those of the server and
 * of the extension only where pattern is their very name.  palloc'd, their
 * number in *count.  Raises what is wrong with target itself, not that it
 * cannot be reached from where a tenant stands.
 */
extern VifloSurveyRow *viflo_survey(const char *project, const char *pattern,
									const char *target, int *count);

#endif							/* VIFLO_SURVEY_H */
