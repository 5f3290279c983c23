/*-------------------------------------------------------------------------
 * milestone.c
 *	  How far a section is that runs at top level.
 *
 * The digest of what is done is a chain: that of the statements before, and
 * the checksum of the text from their end to the statement's own.  So each
 * text is read once, and line ends and trailing blanks make no difference, as
 * they make none to a revision's checksum.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/checksum.h"
#include "common/sqlstate.h"
#include "report.h"
#include "run/milestone.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Offset of the end of the first count statements, with their COPY data. */
static int
end_of(const VifloStatements *statements, int count)
{
	const VifloStatement *last;

	if (count == 0)
		return 0;
	last = &statements->statements[count - 1];
	if (last->copy_data)
		return last->copy_data - statements->text + last->copy_length;
	return last->location + last->length;
}

static void
extend_digest(VifloMilestone *milestone, int count)
{
	const VifloStatements *statements = milestone->statements;
	const VifloSection none = {0};
	VifloError	error = {0};

	for (; milestone->digested < count; milestone->digested++)
	{
		int			from = end_of(statements, milestone->digested);
		int			to = end_of(statements, milestone->digested + 1);
		VifloSection part = {.text = statements->text + from,.length = Max(to - from, 0)};
		char		checksum[65];
		const char *parts[] = {milestone->digest, checksum};
		size_t		lengths[] = {strlen(milestone->digest), 64};

		if (!viflo_script_checksum(&part, &none, checksum, &error) ||
			!viflo_digest(parts, lengths, 2, milestone->digest, &error))
			viflo_report_error(&error);
	}
}

void
viflo_milestone_init(VifloMilestone *milestone, const VifloStatements *statements,
					 VifloUnfinished *row, MemoryContext context)
{
	memset(milestone, 0, sizeof(*milestone));
	milestone->statements = statements;
	milestone->context = context;
	milestone->row = row;

	if (row->statements <= statements->count)
	{
		extend_digest(milestone, row->statements);
		if (strcmp(milestone->digest, row->digest) == 0)
			return;
	}
	ereport(ERROR,
			(viflo_errcode(VIFLO_CHANGED_REVISION),
			 errmsg("the statements of revision \"%s\" (%s) that are done have another text now",
					row->revision, row->up ? "up" : "down"),
			 errdetail("Statements 1 to %d were run and committed when the revision was cut off.",
					   row->statements),
			 errhint("Give them back the text that was run, and change only what follows; or set things right by hand and forget what was done with viflo_repair().")));
}

/* The row's detail and another one, in the milestone's context. */
static char *
add_detail(const VifloMilestone *milestone, const char *detail)
{
	const char *before = milestone->row->detail;
	MemoryContext old = MemoryContextSwitchTo(milestone->context);
	char	   *result = before ? psprintf("%s; %s", before, detail) : pstrdup(detail);

	MemoryContextSwitchTo(old);
	return result;
}

/* The transaction's commit does not wait for the disk. */
static void
do_not_wait_for_disk(void)
{
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

void
viflo_milestone_put(VifloMilestone *milestone, int number)
{
	VifloUnfinished *next = &milestone->next;

	extend_digest(milestone, number);
	*next = *milestone->row;
	next->statements = number;
	strlcpy(next->digest, milestone->digest, sizeof(next->digest));
	next->running = 0;
	memset(&next->created, 0, sizeof(VifloNames));
	memset(&next->replaced, 0, sizeof(VifloNames));
	if (milestone->tried)
		next->detail = add_detail(milestone, milestone->tried);
	next->section_done = number == milestone->statements->count;

	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_unfinished_put(next);
	PopActiveSnapshot();

	/*
	 * The step's record comes next, which waits for all before it.  A crash
	 * before that leaves a statement that was begun, as any crash does.
	 */
	if (next->section_done)
		do_not_wait_for_disk();
}

void
viflo_milestone_committed(VifloMilestone *milestone)
{
	*milestone->row = milestone->next;
	milestone->tried = NULL;
}

void
viflo_milestone_put_alone(VifloMilestone *milestone, int number)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	viflo_milestone_put(milestone, number);
	CommitTransactionCommand();
	MemoryContextSwitchTo(milestone->context);
	viflo_milestone_committed(milestone);
}

void
viflo_milestone_begin(VifloMilestone *milestone, int number)
{
	milestone->row->running = number;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	do_not_wait_for_disk();
	PushActiveSnapshot(GetTransactionSnapshot());
	viflo_unfinished_put(milestone->row);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(milestone->context);
}

void
viflo_milestone_tell(VifloMilestone *milestone, const char *fmt,...)
{
	StringInfoData detail;
	int			needed;

	initStringInfo(&detail);
	for (;;)
	{
		va_list		args;

		va_start(args, fmt);
		needed = appendStringInfoVA(&detail, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&detail, needed);
	}
	milestone->row->detail = add_detail(milestone, detail.data);
	pfree(detail.data);
}

void
viflo_milestone_of_all(const VifloSection *section, char digest[65])
{
	VifloMilestone milestone = {0};

	milestone.statements = viflo_split(section->text, section->length);
	extend_digest(&milestone, milestone.statements->count);
	strlcpy(digest, milestone.digest, sizeof(milestone.digest));
}
