/*-------------------------------------------------------------------------
 * register.h
 *	  Registers revisions: from texts to a sound graph in the catalog.
 *
 * Reading a text tells all that can be known of it before it runs: its
 * checksum, and whether its statements can run inside a transaction.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_REGISTER_H
#define VIFLO_REGISTER_H

#include "common/revision.h"

/* One text to be registered.  Made by viflo_register_read(). */
typedef struct VifloRegistration
{
	const char *script;			/* native format, NUL-terminated */
	size_t		length;
	const char *source;			/* or NULL */
	char		digest[65];		/* SHA-256 of script, hexadecimal */
	VifloRevision revision;		/* its sections point into script */
	bool		transactional;
	bool		down_transactional;
} VifloRegistration;

/*
 * Reads a text, which must outlive the registration, with all memory in the
 * current context.  Raises what is wrong with it, placed in it; only a syntax
 * error of a statement is a mere warning, as the statement may be meant for
 * another server version, or never have worked.
 */
extern void viflo_register_read(VifloRegistration *registration,
								const char *script, size_t length, const char *source);

/*
 * Registers all of them in project, in any order.  Together with what is
 * there they must make a sound graph.  The same text again does nothing,
 * and takes no lock when it is so for all.  Another text replaces the one of a
 * revision that is not applied; for one that is applied it raises
 * VIFLO_CHANGED_REVISION, unless the checksum is the same (only the header
 * changed), the revision is repeatable, or force is given.
 */
extern void viflo_register_all(const char *project, VifloRegistration *registrations,
							   int count, bool force);

/*
 * Forgets a revision; VIFLO_IN_USE when it is applied, bundled, or needed.  A
 * repeatable one may be applied, as nothing takes it back.
 */
extern void viflo_register_remove(const char *project, const char *revision);

#endif							/* VIFLO_REGISTER_H */
