/*-------------------------------------------------------------------------
 * tap.h
 *	  TAP lines for a unit test of one program.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_TEST_TAP_H
#define VIFLO_TEST_TAP_H

static int	tap_tests;
static int	tap_failures;

static inline bool tap_ok(bool passed, const char *fmt,...) pg_attribute_printf(2, 3);
static inline void tap_note(const char *fmt,...) pg_attribute_printf(1, 2);

static inline bool
tap_ok(bool passed, const char *fmt,...)
{
	va_list		args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	if (!passed)
		tap_failures++;
	return passed;
}

static inline void
tap_note(const char *fmt,...)
{
	va_list		args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* Ends the test; the exit status of main(). */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures > 0;
}

#endif							/* VIFLO_TEST_TAP_H */
