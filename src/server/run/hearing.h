/*-------------------------------------------------------------------------
 * hearing.h
 *	  What a background worker says to the session that it works for.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_HEARING_H
#define VIFLO_HEARING_H

#include "run/handover.h"
#include "storage/shm_mq.h"

/* Set up by viflo_hearing_begin(); all that it points to is in its context. */
typedef struct VifloHearing
{
	MemoryContext context;
	MemoryContext scratch;		/* for the message in hand */
	shm_mq_handle *queue;		/* the caller's to set and detach */
	int			encoding;		/* of the messages */
	bool		silent;			/* drop notices */
	bool		over;			/* nothing more can come */
	bool		ready;			/* VIFLO_MESSAGE_READY has come */
	bool		done;			/* VIFLO_MESSAGE_DONE has come, with what is
								 * below */
	VifloDone	last;
	ErrorData  *error;			/* the worker's last word, or NULL */
} VifloHearing;

extern void viflo_hearing_begin(VifloHearing *hearing, MemoryContext context);

/*
 * Takes all that is in the queue, without waiting.  Raises the worker's
 * notices as if they were raised here; keeps its error, as an ERROR even where
 * the worker was terminated.
 */
extern void viflo_hearing_drain(VifloHearing *hearing);

#endif							/* VIFLO_HEARING_H */
