/*-------------------------------------------------------------------------
 * target_text.h
 *	  A target's text taken apart: BRANCH "@" SYMBOL STEPS.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TARGET_TEXT_H
#define VIFLO_TARGET_TEXT_H

#include "common/graph.h"

/* Made by viflo_target_text_parse(), freed by viflo_target_text_free(). */
typedef struct VifloTargetText
{
	const char *target;			/* the whole text, for messages */
	char	   *copy;			/* what label and symbol point into, or NULL */
	char	   *label;			/* before "@", or NULL */
	const char *symbol;			/* what remains, or NULL */
	bool		relative;		/* steps are given */
	bool		up;
	int			steps;
} VifloTargetText;

/*
 * Takes target, which must outlive the result, apart; the graph tells which
 * names there are.  False and *error for what cannot be a target of any
 * command, ranges among it.  After a failure, too, the result is to be freed.
 */
extern bool viflo_target_text_parse(const VifloGraph *graph, const char *target,
									VifloTargetText *text, VifloError *error);
extern void viflo_target_text_free(VifloTargetText *text);

#endif							/* VIFLO_TARGET_TEXT_H */
