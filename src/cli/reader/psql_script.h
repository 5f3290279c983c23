/*-------------------------------------------------------------------------
 * psql_script.h
 *	  Scripts that are psql's, not just SQL: what psql itself would send.
 *
 * psql's commands work on the client: \i and \ir put in another file, \copy
 * the data of one, \set and :name values, \if leaves out.  All that is done
 * here, before anything is sent, by PostgreSQL's own lexer for psql's input.
 * What needs a server (\gset), a shell (\!) or another session (\connect) is
 * an error that names file and line.
 */
#ifndef VIFLO_CLI_PSQL_SCRIPT_H
#define VIFLO_CLI_PSQL_SCRIPT_H

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

/*
 * Makes all of file a section of a revision, as viflo_reader_section() does,
 * with psql's commands carried out.  Paths are relative to the folder, where
 * psql is taken to run.  given are values for names that neither \set nor
 * --set has; others come from the environment, and a name without a value
 * stays as it is, as in psql.
 *
 * Where lines of the result are not those of file, a comment
 *		-- viflo at LINE FILE
 * says what the next line is (script.h).
 */
extern bool viflo_psql_section(const VifloFolder *folder, const VifloFile *file,
							   VifloHistory *history, const VifloNames *given,
							   VifloSection *section, VifloFailure *failure);

/* For psql_command.c: puts in what psql would send of file. */
extern bool viflo_psql_include(VifloPsqlRun *run, const VifloFile *file);

/* The same for a text, which belongs to the source's line. */
extern bool viflo_psql_emit(VifloPsqlSource *source, const char *text, size_t length);

/* Is nothing but comments and white space read of a statement? */
extern bool viflo_psql_between(const VifloPsqlSource *source);

/* Fails where a command cannot put in a text. */
extern bool viflo_psql_can_insert(VifloPsqlSource *source, const char *command);

/* The value that a name has for psql, or NULL. */
extern const char *viflo_psql_value(VifloPsqlRun *run, const char *name);

/* Fails at the source's line. */
extern bool viflo_psql_fail(VifloPsqlSource *source, const char *fmt,...) pg_attribute_printf(2, 3);

#endif							/* VIFLO_CLI_PSQL_SCRIPT_H */
