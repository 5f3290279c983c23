/*-------------------------------------------------------------------------
 * refinery.h
 *	  refinery: what its history table's checksum is made of.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_REFINERY_H
#define VIFLO_CLI_REFINERY_H

#include "c.h"

/*
 * detail of a migration read by viflo_reader_refinery.  The checksum is
 * SipHash-1-3 over name, version and text as Rust hashes a String, an i32 or
 * i64, and a String.
 */
typedef struct VifloRefineryDetail
{
	char	   *name;			/* what follows "__" */
	int64		version;
} VifloRefineryDetail;

#endif							/* VIFLO_CLI_REFINERY_H */
