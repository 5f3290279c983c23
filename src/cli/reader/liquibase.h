/*-------------------------------------------------------------------------
 * liquibase.h
 *	  What Liquibase's own history says of a change set, for taking it over.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_LIQUIBASE_H
#define VIFLO_CLI_LIQUIBASE_H

#include "cli/reader/reader.h"

/*
 * In detail of a migration, whose version is the id.  A checksum "9:..." is
 * the MD5 of "9:HEX:", HEX being the MD5 of text without any blank, tab or
 * line end.
 */
typedef struct VifloLiquibaseDetail
{
	const char *author;
	const char *path;			/* logicalFilePath, else relative to the
								 * folder: Liquibase's own may have more
								 * before it */
	bool		logical;		/* path is a logicalFilePath */
	const char *text;			/* after replacing */
	size_t		length;
} VifloLiquibaseDetail;

#endif							/* VIFLO_CLI_LIQUIBASE_H */
