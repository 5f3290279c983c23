/*-------------------------------------------------------------------------
 * milestone.h
 *	  How far a section is that runs at top level: its row of
 *	  viflo.unfinished, written along with what it tells of.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_MILESTONE_H
#define VIFLO_MILESTONE_H

#include "run/split.h"
#include "store/unfinished.h"

/* Made by viflo_milestone_init(); all it points to lives as long as it. */
typedef struct VifloMilestone
{
	const VifloStatements *statements;
	MemoryContext context;
	VifloUnfinished *row;		/* as it is committed, but for what
								 * viflo_milestone_tell() added */
	VifloUnfinished next;		/* as it is when the transaction commits */
	char	   *tried;			/* a detail that is one only if the statement
								 * succeeds in the end; or NULL */
	int			digested;		/* statements that digest is of */
	char		digest[65];
} VifloMilestone;

/*
 * row is what the table holds.  Raises VIFLO_CHANGED_REVISION when the
 * statements that are done by row are not those at the beginning of the
 * section.
 */
extern void viflo_milestone_init(VifloMilestone *milestone, const VifloStatements *statements,
								 VifloUnfinished *row, MemoryContext context);

/*
 * In a transaction: the statements up to number are done once it commits, and
 * none is running.  To be followed by viflo_milestone_committed() when it has.
 */
extern void viflo_milestone_put(VifloMilestone *milestone, int number);
extern void viflo_milestone_committed(VifloMilestone *milestone);

/* Both, in a transaction of its own. */
extern void viflo_milestone_put_alone(VifloMilestone *milestone, int number);

/*
 * In a transaction of its own: statement number is begun, which commits parts
 * of its work.  Does not wait for the disk: what it commits comes later in
 * the log, so that a crash that loses the note loses all of that, too.
 */
extern void viflo_milestone_begin(VifloMilestone *milestone, int number);

/* Adds something out of the ordinary to the row's detail, written with what comes next. */
extern void viflo_milestone_tell(VifloMilestone *milestone, const char *fmt,...)
			pg_attribute_printf(2, 3);

/* The digest that the row has once all of the section is done. */
extern void viflo_milestone_of_all(const VifloSection *section, char digest[65]);

#endif							/* VIFLO_MILESTONE_H */
