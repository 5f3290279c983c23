/*-------------------------------------------------------------------------
 * sqlstate.h
 *	  SQLSTATEs of our own conditions: class VF, one name each.
 *
 * MIGRATIONS.md lists them for users; a test holds the two lists equal.
 * What a failing statement of a script raises keeps its own SQLSTATE.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SQLSTATE_H
#define VIFLO_SQLSTATE_H

/* naming a revision */
#define VIFLO_UNKNOWN_REVISION		"VF001" /* no revision or label of that
											 * name */
#define VIFLO_AMBIGUOUS_REVISION	"VF002" /* a partial id that fits several */
#define VIFLO_MULTIPLE_HEADS		"VF003" /* one head wanted, several there */
#define VIFLO_AMBIGUOUS_WALK		"VF004" /* a relative step that could go
											 * several ways */
#define VIFLO_UNREACHABLE			"VF005" /* a relative step past base or
											 * head */
#define VIFLO_INVALID_TARGET		"VF006" /* not a target, or not one for
											 * this command */

/* the graph */
#define VIFLO_DUPLICATE_REVISION	"VF010"
#define VIFLO_MISSING_PARENT		"VF011" /* a down revision or dependency
											 * that is not there, or cannot be
											 * one */
#define VIFLO_CYCLE					"VF012"
#define VIFLO_DUPLICATE_LABEL		"VF013"
#define VIFLO_NOT_A_HEAD			"VF014" /* a new revision would branch,
											 * splice not asked for */
#define VIFLO_INVALID_NAME			"VF015" /* an id, label, project or tenant
											 * that cannot be one */
#define VIFLO_NOTHING_TO_MERGE		"VF016"

/* a script */
#define VIFLO_INVALID_SCRIPT		"VF020" /* header or sections are not
											 * readable */
#define VIFLO_BACKSLASH_COMMAND		"VF021" /* a psql command in a script */
#define VIFLO_CHANGED_REVISION		"VF022" /* text differs from what was
											 * applied */
#define VIFLO_NO_DOWN				"VF023" /* downgrade of a revision without
											 * a down section */
#define VIFLO_NOT_TRANSACTIONAL		"VF024" /* cannot run inside a transaction */
#define VIFLO_IN_USE				"VF025" /* applied, bundled, or others
											 * stand on it */

/* a run */
#define VIFLO_LOCK_TIMEOUT			"VF030" /* another migrator held the lock
											 * too long */
#define VIFLO_NESTED_RUN			"VF031" /* a migration that runs
											 * migrations */
#define VIFLO_LATE_REVISION			"VF032" /* unapplied, though what follows
											 * it is applied */
#define VIFLO_OUT_OF_STEP			"VF033" /* an offline script on a database
											 * in another state */

#define VIFLO_STEP_UNDER_WAY		"VF034" /* a query would hold up the step
											 * that it waits for */
#define VIFLO_UNFINISHED			"VF035" /* half done, to be resumed online */
#define VIFLO_WORKER_LOST			"VF036" /* a background worker ended
											 * without saying how */

/* check */
#define VIFLO_BEHIND				"VF040" /* revisions are waiting to be
											 * applied */
#define VIFLO_MISSING_REVISION		"VF041" /* applied, but not registered */

#endif							/* VIFLO_SQLSTATE_H */
