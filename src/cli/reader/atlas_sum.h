/*-------------------------------------------------------------------------
 * atlas_sum.h
 *	  Atlas's atlas.sum: made, and compared.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_ATLAS_SUM_H
#define VIFLO_CLI_ATLAS_SUM_H

#include "cli/reader/reader.h"

#define VIFLO_ATLAS_SUM_FILE	"atlas.sum"

/* Of a SHA-256 in base64, with the NUL. */
#define VIFLO_ATLAS_HASH_SIZE	45

/* One line of atlas.sum. */
typedef struct VifloAtlasSum
{
	char	   *name;
	char		hash[VIFLO_ATLAS_HASH_SIZE];
} VifloAtlasSum;

/* A file's name and text, for summing up. */
typedef struct VifloAtlasText
{
	const char *name;
	const char *text;
	size_t		length;
} VifloAtlasText;

/*
 * Makes the lines of atlas.sum for count texts in order of their names, into
 * sums, which has room for as many, and the sum of all.  Returns how many
 * lines there are, as a text may say that it does not count; -1: failed.
 */
extern int	viflo_atlas_make_sums(const VifloAtlasText *texts, int count,
								  VifloAtlasSum *sums, char total[VIFLO_ATLAS_HASH_SIZE],
								  VifloFailure *failure);

/*
 * Is file, atlas.sum as it lies there, what it should be?  Fails with the
 * first line that is not, and the name of what was added, edited or removed.
 */
extern bool viflo_atlas_check_sums(const VifloFolder *folder, const VifloFile *file,
								   const VifloAtlasSum *sums, int count,
								   const char *total, VifloFailure *failure);

#endif							/* VIFLO_CLI_ATLAS_SUM_H */
