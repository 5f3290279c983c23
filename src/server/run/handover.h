/*-------------------------------------------------------------------------
 * handover.h
 *	  What goes between the session that wants something run and the
 *	  background worker that runs it.
 *
 * A dynamic shared memory segment holds the request, what the caller is, and
 * a queue of messages back: notices and the error in the server's own
 * protocol, and a few of ours.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_HANDOVER_H
#define VIFLO_HANDOVER_H

#include "run/step.h"
#include "run/toplevel.h"
#include "storage/dsm.h"
#include "storage/shm_mq.h"

/* What the worker is to do. */
typedef struct VifloRequest
{
	int64		job;			/* 0: no job, but the step */
	TransactionId wait_for;		/* a job's: begins when it has committed */
	VifloRun	run;			/* watchers NULL */
	VifloPlannedStep step;
	int			number;
	int			of;
	dsm_handle	progress;		/* the caller's, or DSM_HANDLE_INVALID */
} VifloRequest;

/* Our own messages, beside the protocol's 'E' and 'N'. */
typedef enum VifloMessage
{
	VIFLO_MESSAGE_READY = 'r',	/* a job's worker can be left alone */
	VIFLO_MESSAGE_DONE = 'd',	/* with a VifloTopLevelResult */
	VIFLO_MESSAGE_ENCODING = 'e'	/* with an int: the encoding of what
									 * follows */
} VifloMessage;

/*
 * For the caller: makes the segment, mapped until it is detached, and the
 * receiving end of its queue, in the current memory context.
 */
extern dsm_segment *viflo_handover_create(const VifloRequest *request,
										  shm_mq_handle **queue);

/*
 * For the worker: attaches to the segment, becomes the caller, and sends
 * what a client would be sent to the caller.  The request is in the current
 * memory context.  NULL: the caller is gone.
 */
extern VifloRequest *viflo_handover_receive(dsm_handle handle);

/* Says that a step's section is done. */
extern void viflo_handover_done(const VifloTopLevelResult *result);

/* Says that a job's worker can be left alone, and lets go of the caller. */
extern void viflo_handover_ready(void);

#endif							/* VIFLO_HANDOVER_H */
