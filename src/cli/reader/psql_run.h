/*-------------------------------------------------------------------------
 * psql_run.h
 *	  What reading psql's scripts and carrying out their commands share: the
 *	  section that is made, the files it is made of, and values.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_PSQL_RUN_H
#define VIFLO_CLI_PSQL_RUN_H

#include "cli/reader/reader.h"
#include "fe_utils/conditional.h"
#include "fe_utils/psqlscan.h"

/* More files in one another than this are taken for a circle. */
#define VIFLO_PSQL_MAX_DEPTH	16

/* No section is put together from more files, bytes, or a longer value. */
#define VIFLO_PSQL_MAX_FILES	1000
#define VIFLO_PSQL_MAX_LENGTH	(512 * 1024 * 1024)
#define VIFLO_PSQL_MAX_VALUE	(1024 * 1024)

/* The making of one section, whatever files go into it. */
typedef struct VifloPsqlRun
{
	const VifloFolder *folder;
	VifloHistory *history;
	VifloFailure *failure;
	const VifloNames *given;	/* NAME=VALUE from the tool's own settings */
	VifloNames	set;			/* the same from \set; without "=": \unset */
	StringInfoData out;
	const VifloFile *file;		/* what the next line of out is counted as */
	int			line;
	int			depth;
	int			files;			/* put in so far */

	/* Puts in what psql would send of file. */
	bool		(*include) (struct VifloPsqlRun *run, const VifloFile *file);
} VifloPsqlRun;

/* A file that is being read. */
typedef struct VifloPsqlSource
{
	VifloPsqlRun *run;
	const VifloFile *file;
	int			line;
	StringInfoData statement;	/* what there is of the one not yet ended */
	int			copies;			/* COPYs whose data begin on the next line */
	bool		ended;			/* by \q */
	PsqlScanState scan;
	ConditionalStack conditions;
} VifloPsqlSource;

/* Appends to the section, which counts lines. */
extern void viflo_psql_put(VifloPsqlRun *run, const char *text, size_t length);

/* The same for a text that belongs to the source's line; fails beyond the limit. */
extern bool viflo_psql_emit(VifloPsqlSource *source, const char *text, size_t length);

/* The statement is complete: notes whether data follow, and begins another. */
extern void viflo_psql_end_statement(VifloPsqlSource *source);

/* Is nothing but comments and white space read of a statement? */
extern bool viflo_psql_between(const VifloPsqlSource *source);

/* Fails where a command cannot put in a text. */
extern bool viflo_psql_can_insert(VifloPsqlSource *source, const char *command);

/* The value that a name has for psql, or NULL. */
extern const char *viflo_psql_value(VifloPsqlRun *run, const char *name);

/*
 * The same; fails where it has none and is a variable that psql itself sets,
 * so that its value is not known here.
 */
extern const char *viflo_psql_known_value(VifloPsqlSource *source, const char *name);

/* Fails at the source's line. */
extern bool viflo_psql_fail(VifloPsqlSource *source, const char *fmt,...) pg_attribute_printf(2, 3);

#endif							/* VIFLO_CLI_PSQL_RUN_H */
