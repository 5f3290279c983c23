/*-------------------------------------------------------------------------
 * tap.c
 *	  TAP for the tests of libviflo.
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static int	tests;
static int	failures;

void
ok(bool passed, const char *name)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests, name);
	fflush(stdout);
	if (!passed)
		failures++;
}

void
same(const char *got, const char *expected, const char *name)
{
	bool		passed = got != NULL && strcmp(got, expected) == 0;

	ok(passed, name);
	if (!passed)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)", expected);
}

void
same_int(long long got, long long expected, const char *name)
{
	ok(got == expected, name);
	if (got != expected)
		printf("#      got: %lld\n# expected: %lld\n", got, expected);
}

void
failed(bool success, VifloDbError *error, VifloDbErrorKind kind,
	   const char *sqlstate, const char *name)
{
	bool		passed = !success && error->kind == kind &&
	strcmp(error->sqlstate, sqlstate) == 0 && error->message != NULL;

	ok(passed, name);
	if (!passed)
		printf("# success %d, kind %d, sqlstate %s: %s\n", success,
			   error->kind, error->sqlstate,
			   error->message ? error->message : "(null)");
	viflo_db_error_clear(error);
}

void
must(bool success, const VifloDbError *error, const char *name)
{
	ok(success, name);
	if (success)
		return;
	printf("# %s: %s\n", error->sqlstate, error->message);
	printf("Bail out! %s\n", name);
	exit(1);
}

int
done(void)
{
	printf("1..%d\n", tests);
	return failures > 0;
}
