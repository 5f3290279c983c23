/*-------------------------------------------------------------------------
 * handover.h
 *	  What goes between the session that wants something run and the
 *	  background worker that runs it.
 *
 * A dynamic shared memory segment holds what the caller is, a queue of requests,
 * and a queue of messages back: notices and the error in the server's own
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
	VIFLO_MESSAGE_DONE = 'd',	/* with a VifloDone */
	VIFLO_MESSAGE_ENCODING = 'e'	/* with an int: the encoding of what
									 * follows */
} VifloMessage;

typedef struct VifloDone
{
	VifloTopLevelResult result;
	bool		stays;			/* the worker can be given another step */
} VifloDone;

/* The caller's end. */
typedef struct VifloHandover
{
	dsm_segment *segment;		/* mapped until it is detached */
	shm_mq_handle *orders;		/* NULL: no more of them */
	shm_mq_handle *answers;
} VifloHandover;

/*
 * For the caller: makes the segment and the caller's ends of its queues, in
 * the current memory context.
 */
extern void viflo_handover_create(VifloHandover *handover);

/*
 * A request as it goes over; and sending it.  SHM_MQ_WOULD_BLOCK: to be
 * called again with the same bytes, after waiting for the latch.
 */
extern StringInfo viflo_handover_pack(const VifloRequest *request);
extern shm_mq_result viflo_handover_send(VifloHandover *handover, StringInfo packed);

/* No more requests come: a worker that has none ends. */
extern void viflo_handover_close(VifloHandover *handover);

/*
 * For the worker: attaches to the segment, connects, and sends what a client
 * would be sent to the caller.  False: the caller is gone.
 */
extern bool viflo_handover_attach(dsm_handle handle);

/*
 * Waits for the next request, outside of any transaction, and becomes the
 * caller.  The request is in the current memory context.  NULL: there is none
 * to come, or the caller is gone.
 */
extern VifloRequest *viflo_handover_next(void);

/* Says that a step's section is done; and whether the worker stays. */
extern void viflo_handover_done(const VifloTopLevelResult *result, bool stays);

/* Says that a job's worker can be left alone, and lets go of the caller. */
extern void viflo_handover_ready(void);

#endif							/* VIFLO_HANDOVER_H */
