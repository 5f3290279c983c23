/*-------------------------------------------------------------------------
 * viflo_migrate.c
 *	  Entry of the module.
 *
 * Loaded into a backend by the first call of one of its functions; nothing
 * here needs shared memory or a restart.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "run/session.h"
#include "settings.h"
#include "store/state.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	viflo_settings_init();
	viflo_state_init();
	viflo_session_init();
}
