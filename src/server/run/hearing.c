/*-------------------------------------------------------------------------
 * hearing.c
 *	  What a background worker says to the session that it works for.
 *
 * Messages are the server's own protocol in a queue (handover.c), in the
 * worker's client encoding, which is the caller's until a script changes it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "run/hearing.h"
#include "utils/memutils.h"

void
viflo_hearing_begin(VifloHearing *hearing, MemoryContext context)
{
	memset(hearing, 0, sizeof(*hearing));
	hearing->context = context;
	hearing->scratch = AllocSetContextCreate(context, "viflo message", ALLOCSET_DEFAULT_SIZES);
	hearing->encoding = GetDatabaseEncoding();
}

static char *
convert(const VifloHearing *hearing, char *text)
{
	if (text == NULL || hearing->encoding == GetDatabaseEncoding() ||
		GetDatabaseEncoding() == PG_SQL_ASCII)
		return text;

	/* A worker that is not connected yet knows of no encoding. */
	if (hearing->encoding == PG_SQL_ASCII)
	{
		if (!pg_verifymbstr(text, strlen(text), true))
			for (char *at = text; *at; at++)
				if (IS_HIGHBIT_SET(*at))
					*at = '?';
		return text;
	}
	return pg_any_to_server(text, strlen(text), hearing->encoding);
}

/* The message of the worker that a client would get, in our encoding. */
static void
parse_error(const VifloHearing *hearing, StringInfo message, ErrorData *error)
{
	pq_parse_errornotice(message, error);
	error->message = convert(hearing, error->message);
	error->detail = convert(hearing, error->detail);
	error->hint = convert(hearing, error->hint);
	error->context = convert(hearing, error->context);
	error->schema_name = convert(hearing, error->schema_name);
	error->table_name = convert(hearing, error->table_name);
	error->column_name = convert(hearing, error->column_name);
	error->datatype_name = convert(hearing, error->datatype_name);
	error->constraint_name = convert(hearing, error->constraint_name);
	error->internalquery = convert(hearing, error->internalquery);

	/* It would be one into a text that our client has not sent. */
	error->cursorpos = 0;
}

/* Keeps the worker's error: it is raised once the worker has ended. */
static void
keep_error(VifloHearing *hearing, StringInfo message)
{
	ErrorData  *error;

	MemoryContextSwitchTo(hearing->context);
	error = palloc(sizeof(ErrorData));
	parse_error(hearing, message, error);

	/* That the worker is terminated is no reason to terminate us. */
	error->elevel = ERROR;
	hearing->error = error;
}

static void
raise_notice(VifloHearing *hearing, StringInfo message)
{
	ErrorData	notice;

	if (hearing->silent)
		return;
	parse_error(hearing, message, &notice);
	ThrowErrorData(&notice);
}

static void
handle_message(VifloHearing *hearing, char *data, Size length)
{
	MemoryContext old = MemoryContextSwitchTo(hearing->scratch);
	StringInfoData message;
	char		type;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, length);
	type = pq_getmsgbyte(&message);
	if (type == 'E')
		keep_error(hearing, &message);
	else if (type == 'N')
		raise_notice(hearing, &message);
	else if (type == VIFLO_MESSAGE_ENCODING)
		pq_copymsgbytes(&message, (char *) &hearing->encoding, sizeof(int));
	else if (type == VIFLO_MESSAGE_READY)
		hearing->ready = true;
	else if (type == VIFLO_MESSAGE_DONE)
	{
		pq_copymsgbytes(&message, (char *) &hearing->last, sizeof(hearing->last));
		hearing->done = true;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(hearing->scratch);
}

void
viflo_hearing_drain(VifloHearing *hearing)
{
	while (!hearing->over)
	{
		Size		length;
		void	   *data;
		shm_mq_result result = shm_mq_receive(hearing->queue, &length, &data, true);

		if (result == SHM_MQ_WOULD_BLOCK)
			break;
		if (result == SHM_MQ_DETACHED)
			hearing->over = true;
		else
			handle_message(hearing, data, length);
		CHECK_FOR_INTERRUPTS();
	}
}
