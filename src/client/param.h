/*-------------------------------------------------------------------------
 * param.h
 *	  Parameters as libpq wants them.  Internal.
 *
 * Also the type OIDs that libviflo knows: they are fixed for ever, but
 * catalog/pg_type_d.h comes with the server's headers, which libviflo does
 * without.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLIENT_PARAM_H
#define VIFLO_CLIENT_PARAM_H

#include "value.h"

#define VIFLO_DB_BOOLOID			16
#define VIFLO_DB_BYTEAOID			17
#define VIFLO_DB_CHAROID			18
#define VIFLO_DB_NAMEOID			19
#define VIFLO_DB_INT8OID			20
#define VIFLO_DB_INT2OID			21
#define VIFLO_DB_INT4OID			23
#define VIFLO_DB_TEXTOID			25
#define VIFLO_DB_OIDOID				26
#define VIFLO_DB_JSONOID			114
#define VIFLO_DB_XMLOID				142
#define VIFLO_DB_FLOAT4OID			700
#define VIFLO_DB_FLOAT8OID			701
#define VIFLO_DB_UNKNOWNOID			705
#define VIFLO_DB_NAMEARRAYOID		1003
#define VIFLO_DB_TEXTARRAYOID		1009
#define VIFLO_DB_VARCHARARRAYOID	1015
#define VIFLO_DB_BPCHAROID			1042
#define VIFLO_DB_VARCHAROID			1043
#define VIFLO_DB_TIMESTAMPTZOID		1184
#define VIFLO_DB_UUIDOID			2950
#define VIFLO_DB_JSONBOID			3802

/* From 1970-01-01 to 2000-01-01, from where the server counts. */
#define VIFLO_DB_EPOCH_USECS		(INT64_C(946684800) * 1000000)

typedef enum VifloDbParamKind
{
	VIFLO_DB_PARAM_NULL,
	VIFLO_DB_PARAM_TEXT,		/* data, NUL-terminated, in text format */
	VIFLO_DB_PARAM_BINARY,		/* length bytes of data */
	VIFLO_DB_PARAM_INLINE,		/* length bytes of bytes */
	VIFLO_DB_PARAM_TEXT_ARRAY	/* length strings in data */
} VifloDbParamKind;

/* The arrays that PQsendQueryParams() takes; made and freed here. */
typedef struct VifloDbEncoded
{
	int			count;
	unsigned int *types;
	const char **values;
	int		   *lengths;
	int		   *formats;
	char	  **owned;			/* values that were made here, else NULL */
} VifloDbEncoded;

/*
 * Borrows from params what it can.  Free it in either case; false: *error.
 */
extern bool viflo_db_encode(const VifloDbParam *params, int count,
							VifloDbEncoded *encoded, VifloDbError *error);
extern void viflo_db_encoded_free(VifloDbEncoded *encoded);

#endif							/* VIFLO_CLIENT_PARAM_H */
