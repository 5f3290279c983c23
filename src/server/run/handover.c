/*-------------------------------------------------------------------------
 * handover.c
 *	  What goes between the session that wants something run and the
 *	  background worker that runs it.
 *
 * The segment lives for as long as one of the two is attached.  The worker
 * writes to the queue, and waits while it is full, so that the caller must
 * read from it or detach.
 *
 * Messages are in the client encoding, as they would be for a client; since
 * a script may change that, the worker says which one it is.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "run/caller.h"
#include "run/handover.h"
#include "storage/proc.h"
#include "utils/resowner.h"

/* libpq.h wants headers for these that who builds us need not have. */
#undef ENABLE_GSS
#undef USE_OPENSSL
#include "libpq/libpq.h"

#define SEGMENT_MAGIC	0x7669666c
#define KEY_REQUEST		UINT64CONST(1)
#define KEY_STRINGS		UINT64CONST(2)
#define KEY_QUEUE		UINT64CONST(3)

#define QUEUE_SIZE		((Size) 65536)

/* The worker's end. */
static dsm_segment *worker_segment = NULL;
static const PQcommMethods *queue_methods = NULL;
static PQcommMethods worker_methods;
static int	told_encoding = -1;

/* Appends a byte that is 0 for NULL, else 1, and the string with its end. */
static void
put_string(StringInfo buffer, const char *string)
{
	appendStringInfoChar(buffer, string != NULL);
	if (string != NULL)
		appendBinaryStringInfo(buffer, string, strlen(string) + 1);
}

static char *
get_string(const char **from)
{
	char	   *string;

	if (*(*from)++ == 0)
		return NULL;
	string = pstrdup(*from);
	*from += strlen(*from) + 1;
	return string;
}

dsm_segment *
viflo_handover_create(const VifloRequest *request, shm_mq_handle **queue)
{
	shm_toc_estimator estimator;
	StringInfoData strings;
	dsm_segment *segment;
	shm_toc    *toc;
	shm_mq	   *mq;
	void	   *space;
	Size		size;

	initStringInfo(&strings);
	put_string(&strings, request->run.project);
	put_string(&strings, request->run.tenant);
	put_string(&strings, request->run.target);
	put_string(&strings, request->step.revision);
	put_string(&strings, request->step.message);
	put_string(&strings, request->step.source);

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(VifloRequest));
	shm_toc_estimate_chunk(&estimator, strings.len);
	shm_toc_estimate_chunk(&estimator, QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, 3);
	viflo_caller_estimate(&estimator);
	size = shm_toc_estimate(&estimator);

	/* The mapping outlasts transactions. */
	segment = dsm_create(size, 0);
	dsm_pin_mapping(segment);
	toc = shm_toc_create(SEGMENT_MAGIC, dsm_segment_address(segment), size);

	space = shm_toc_allocate(toc, sizeof(VifloRequest));
	memcpy(space, request, sizeof(VifloRequest));
	shm_toc_insert(toc, KEY_REQUEST, space);

	space = shm_toc_allocate(toc, strings.len);
	memcpy(space, strings.data, strings.len);
	shm_toc_insert(toc, KEY_STRINGS, space);
	pfree(strings.data);

	viflo_caller_put(toc);

	mq = shm_mq_create(shm_toc_allocate(toc, QUEUE_SIZE), QUEUE_SIZE);
	shm_toc_insert(toc, KEY_QUEUE, mq);
	shm_mq_set_receiver(mq, MyProc);
	*queue = shm_mq_attach(mq, segment, NULL);
	return segment;
}

/* Sends to the queue, and before that, where it is news, in which encoding. */
static int
put_message(char type, const char *text, size_t length)
{
	int			encoding = pg_get_client_encoding();

	if (encoding != told_encoding)
	{
		told_encoding = encoding;
		(void) queue_methods->putmessage(VIFLO_MESSAGE_ENCODING, (const char *) &encoding,
										 sizeof(encoding));
	}
	return queue_methods->putmessage(type, text, length);
}

static void
redirect_messages(shm_toc *toc)
{
	shm_mq	   *mq = shm_toc_lookup(toc, KEY_QUEUE, false);

	shm_mq_set_sender(mq, MyProc);
	pq_redirect_to_shm_mq(worker_segment, shm_mq_attach(mq, worker_segment, NULL));
	queue_methods = PqCommMethods;
	worker_methods = *PqCommMethods;
	worker_methods.putmessage = put_message;
	PqCommMethods = &worker_methods;
}

static VifloRequest *
read_request(shm_toc *toc)
{
	VifloRequest *request = palloc(sizeof(VifloRequest));
	const char *strings = shm_toc_lookup(toc, KEY_STRINGS, false);

	memcpy(request, shm_toc_lookup(toc, KEY_REQUEST, false), sizeof(VifloRequest));
	request->run.project = get_string(&strings);
	request->run.tenant = get_string(&strings);
	request->run.target = get_string(&strings);
	request->run.watchers = NULL;
	request->step.revision = get_string(&strings);
	request->step.message = get_string(&strings);
	request->step.source = get_string(&strings);
	return request;
}

VifloRequest *
viflo_handover_receive(dsm_handle handle)
{
	VifloRequest *request;
	shm_toc    *toc;

	/* With no resource owner yet, the mapping is the process's. */
	Assert(CurrentResourceOwner == NULL);
	worker_segment = dsm_attach(handle);
	if (worker_segment == NULL)
		return NULL;
	toc = shm_toc_attach(SEGMENT_MAGIC, dsm_segment_address(worker_segment));
	if (toc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dynamic shared memory segment %u is not a request of viflo_migrate", handle)));

	redirect_messages(toc);
	request = read_request(toc);
	viflo_caller_become(toc);
	return request;
}

void
viflo_handover_done(const VifloTopLevelResult *result)
{
	(void) pq_putmessage(VIFLO_MESSAGE_DONE, (const char *) result, sizeof(*result));
}

void
viflo_handover_ready(void)
{
	(void) pq_putmessage(VIFLO_MESSAGE_READY, NULL, 0);

	/* Ends the redirection, too: messages go to the server's log only. */
	dsm_detach(worker_segment);
	worker_segment = NULL;
}
