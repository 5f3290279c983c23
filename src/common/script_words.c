/*-------------------------------------------------------------------------
 * script_words.c
 *	  The words of the native format.
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "common/script_words.h"

const char *const viflo_header_keys[KEY_NONE] = {
	"viflo revision", "revises", "depends on", "labels", "message", "created",
	"transaction", "repeatable"
};

const char *const viflo_section_words[SECTION_NONE] = {
	"up", "down", "verify", "backfill"
};
