/*-------------------------------------------------------------------------
 * dotenv.h
 *	  Reading a .env file.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_CLI_DOTENV_H
#define VIFLO_CLI_DOTENV_H

#include "cli/failure.h"

/*
 * Calls fn for each NAME=value of file, in order; value is NULL when its
 * quote is not closed.  A file that is not there is an empty one, and lines
 * of any other form are passed over: the file belongs to the application.
 * Fails (usage) when the file cannot be read, and at a line for which fn
 * returns false.
 */
extern bool viflo_dotenv_read(const char *file,
							  bool (*fn) (const char *name, const char *value, void *arg),
							  void *arg, VifloFailure *failure);

#endif							/* VIFLO_CLI_DOTENV_H */
