/*-------------------------------------------------------------------------
 * settings.h
 *	  The settings viflo_migrate.*, read by everyone, set by the server.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SETTINGS_H
#define VIFLO_SETTINGS_H

/* What an upgrade does about a revision below others that are applied. */
typedef enum VifloLate
{
	VIFLO_LATE_REFUSE,
	VIFLO_LATE_APPLY,
	VIFLO_LATE_LIST				/* leave it out, and say so */
} VifloLate;

extern PGDLLIMPORT char *viflo_setting_project;
extern PGDLLIMPORT bool viflo_setting_project_is_set;	/* by anyone, to
														 * whatever */
extern PGDLLIMPORT int viflo_setting_lock_wait; /* milliseconds */
extern PGDLLIMPORT int viflo_setting_lock_timeout;	/* milliseconds, 0: none */
extern PGDLLIMPORT int viflo_setting_lock_retries;
extern PGDLLIMPORT int viflo_setting_lock_budget;	/* milliseconds */
extern PGDLLIMPORT int viflo_setting_statement_timeout; /* milliseconds, 0: none */
extern PGDLLIMPORT int viflo_setting_log_level; /* elog level */
extern PGDLLIMPORT int viflo_setting_late;	/* VifloLate */

/* Defines the settings.  Called once, by _PG_init. */
extern void viflo_settings_init(void);

#endif							/* VIFLO_SETTINGS_H */
