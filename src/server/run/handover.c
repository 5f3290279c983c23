/*-------------------------------------------------------------------------
 * handover.c
 *	  What goes between the session that wants something run and the
 *	  background worker that runs it.
 *
 * The segment lives for as long as one of the two is attached.  The worker
 * writes to its queue, and waits while it is full, so that the caller must
 * read from it or detach.  Either sees that the other is gone by the queue
 * that the other has let go of.
 *
 * Messages are in the client encoding, as they would be for a client; since
 * a script may change that, the worker says which one it is.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "run/caller.h"
#include "run/handover.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/sinval.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

/* libpq.h wants headers for these that who builds us need not have. */
#undef ENABLE_GSS
#undef USE_OPENSSL
#include "libpq/libpq.h"

#define SEGMENT_MAGIC	0x7669666c
#define KEY_ORDERS		UINT64CONST(1)
#define KEY_ANSWERS		UINT64CONST(2)

#define ORDERS_SIZE		((Size) 8192)
#define ANSWERS_SIZE	((Size) 65536)

/* The worker's end. */
static dsm_segment *worker_segment = NULL;
static shm_toc *worker_toc = NULL;
static shm_mq_handle *worker_orders = NULL;
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

StringInfo
viflo_handover_pack(const VifloRequest *request)
{
	StringInfo	packed = makeStringInfo();

	appendBinaryStringInfo(packed, (const char *) request, sizeof(VifloRequest));
	put_string(packed, request->run.project);
	put_string(packed, request->run.tenant);
	put_string(packed, request->run.target);
	put_string(packed, request->step.revision);
	put_string(packed, request->step.message);
	put_string(packed, request->step.source);
	return packed;
}

static VifloRequest *
unpack(const char *packed)
{
	VifloRequest *request = palloc(sizeof(VifloRequest));

	memcpy(request, packed, sizeof(VifloRequest));
	packed += sizeof(VifloRequest);
	request->run.project = get_string(&packed);
	request->run.tenant = get_string(&packed);
	request->run.target = get_string(&packed);
	request->run.watchers = NULL;
	request->step.revision = get_string(&packed);
	request->step.message = get_string(&packed);
	request->step.source = get_string(&packed);
	memset(&request->step.forgets, 0, sizeof(VifloNames));
	return request;
}

static shm_mq *
make_queue(shm_toc *toc, uint64 key, Size size)
{
	shm_mq	   *queue = shm_mq_create(shm_toc_allocate(toc, size), size);

	shm_toc_insert(toc, key, queue);
	return queue;
}

void
viflo_handover_create(VifloHandover *handover)
{
	shm_toc_estimator estimator;
	shm_toc    *toc;
	shm_mq	   *orders;
	shm_mq	   *answers;
	Size		size;

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, ORDERS_SIZE);
	shm_toc_estimate_chunk(&estimator, ANSWERS_SIZE);
	shm_toc_estimate_keys(&estimator, 2);
	viflo_caller_estimate(&estimator);
	size = shm_toc_estimate(&estimator);

	/* The mapping outlasts transactions. */
	handover->segment = dsm_create(size, 0);
	dsm_pin_mapping(handover->segment);
	toc = shm_toc_create(SEGMENT_MAGIC, dsm_segment_address(handover->segment), size);
	viflo_caller_put(toc);

	orders = make_queue(toc, KEY_ORDERS, ORDERS_SIZE);
	shm_mq_set_sender(orders, MyProc);
	handover->orders = shm_mq_attach(orders, handover->segment, NULL);
	answers = make_queue(toc, KEY_ANSWERS, ANSWERS_SIZE);
	shm_mq_set_receiver(answers, MyProc);
	handover->answers = shm_mq_attach(answers, handover->segment, NULL);
}

shm_mq_result
viflo_handover_send(VifloHandover *handover, StringInfo packed)
{
	return shm_mq_send(handover->orders, packed->len, packed->data, true, true);
}

void
viflo_handover_close(VifloHandover *handover)
{
	if (handover->orders)
		shm_mq_detach(handover->orders);
	handover->orders = NULL;
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
redirect_messages(void)
{
	shm_mq	   *answers = shm_toc_lookup(worker_toc, KEY_ANSWERS, false);

	shm_mq_set_sender(answers, MyProc);
	pq_redirect_to_shm_mq(worker_segment, shm_mq_attach(answers, worker_segment, NULL));
	queue_methods = PqCommMethods;
	worker_methods = *PqCommMethods;
	worker_methods.putmessage = put_message;
	PqCommMethods = &worker_methods;
}

bool
viflo_handover_attach(dsm_handle handle)
{
	shm_mq	   *orders;

	/* With no resource owner yet, the mapping is the process's. */
	Assert(CurrentResourceOwner == NULL);
	worker_segment = dsm_attach(handle);
	if (worker_segment == NULL)
		return false;
	worker_toc = shm_toc_attach(SEGMENT_MAGIC, dsm_segment_address(worker_segment));
	if (worker_toc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dynamic shared memory segment %u is not a request of viflo_migrate", handle)));

	redirect_messages();
	orders = shm_toc_lookup(worker_toc, KEY_ORDERS, false);
	shm_mq_set_receiver(orders, MyProc);
	worker_orders = shm_mq_attach(orders, worker_segment, NULL);
	viflo_caller_connect(worker_toc);
	return true;
}

/* What a backend does between two queries when it is woken. */
static void
idle(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (catchupInterruptPending)
		ProcessCatchupInterrupt();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

VifloRequest *
viflo_handover_next(void)
{
	VifloRequest *request;
	shm_mq_result result;
	Size		length;
	void	   *data;

	while ((result = shm_mq_receive(worker_orders, &length, &data, true)) == SHM_MQ_WOULD_BLOCK)
		idle();
	if (result == SHM_MQ_DETACHED)
		return NULL;
	request = unpack(data);
	viflo_caller_become(worker_toc);
	return request;
}

void
viflo_handover_done(const VifloTopLevelResult *result, bool stays)
{
	VifloDone	done = {.result = *result,.stays = stays};

	(void) pq_putmessage(VIFLO_MESSAGE_DONE, (const char *) &done, sizeof(done));
}

void
viflo_handover_ready(void)
{
	(void) pq_putmessage(VIFLO_MESSAGE_READY, NULL, 0);

	/* Ends the redirection, too: messages go to the server's log only. */
	dsm_detach(worker_segment);
	worker_segment = NULL;
	worker_orders = NULL;
}
